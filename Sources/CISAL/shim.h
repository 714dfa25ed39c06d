/* Only the CRC of ISA-L. */
#include <isa-l/crc.h>
