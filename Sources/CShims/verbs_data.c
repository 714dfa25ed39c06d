/* Drivers of libibverbs read this variable; Swift cannot export one. It stays false. */
#include <stdbool.h>

extern bool verbs_allow_disassociate_destroy;
bool verbs_allow_disassociate_destroy = false;
