/* The verbs interface as the package libibverbs-dev has it. No link line: that would bind Debian's library into ours. */
#include <infiniband/verbs.h>
#include <infiniband/sa.h>
/* What the kernel's structs look like; librdmacm converts them through ibv_copy_*_kern. */
#include <rdma/ib_user_sa.h>
#include <rdma/ib_user_verbs.h>
