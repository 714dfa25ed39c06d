#define _GNU_SOURCE
#include "CShimsMemory.h"

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
