#define _GNU_SOURCE
#include "CShimsMemory.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int cshims_io_uring_setup(unsigned int entries, void *params)
{
	return (int)syscall(SYS_io_uring_setup, entries, params);
}

int cshims_io_uring_register(int ring, unsigned int opcode, void *argument, unsigned int count)
{
	return (int)syscall(SYS_io_uring_register, ring, opcode, argument, count);
}

int cshims_dladdr(const void *address, const char **image, const void **image_base, const char **symbol,
	const void **symbol_address)
{
	Dl_info info = {0};
	int result = dladdr(address, &info);

	*image = info.dli_fname;
	*image_base = info.dli_fbase;
	*symbol = info.dli_sname;
	*symbol_address = info.dli_saddr;
	return result;
}

ssize_t cshims_vmsplice(int descriptor, const struct iovec *range)
{
	return vmsplice(descriptor, range, 1, 0);
}
