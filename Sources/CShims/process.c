#define _GNU_SOURCE
#include "CShimsProcess.h"

#include <assert.h>
#include <linux/io_uring.h>

_Static_assert(sizeof(struct io_uring_params) == CSHIMS_IO_URING_PARAMETERS_BYTE_COUNT, "layout of struct io_uring_params");

ssize_t cshims_process_vm_readv(pid_t pid, const struct iovec *local, const struct iovec *remote)
{
	return process_vm_readv(pid, local, 1, remote, 1, 0);
}
