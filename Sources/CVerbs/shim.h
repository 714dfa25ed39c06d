/* The verbs interface as the package libibverbs-dev has it. No link line: that would bind Debian's library into ours. */
#include <infiniband/verbs.h>
