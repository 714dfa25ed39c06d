/* The connection manager's interface as the package librdmacm-dev has it. No link line, as for CVerbs. */
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <rdma/rsocket.h>
