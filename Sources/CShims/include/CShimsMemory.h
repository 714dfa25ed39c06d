/* Calls about memory that Swift cannot make by itself. No logic here. */
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

/* Not part of the module of the C library that Swift has. */
#include <errno.h>
#include <execinfo.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* The C library has no functions for io_uring. */
int cshims_io_uring_setup(unsigned int entries, void *params);
int cshims_io_uring_register(int ring, unsigned int opcode, void *argument, unsigned int count);

/* Hidden behind _GNU_SOURCE. One range. */
ssize_t cshims_vmsplice(int descriptor, const struct iovec *range);

/* dladdr and its structure are hidden behind _GNU_SOURCE. Any result may be null. Returns 0 when the address belongs to
 * nothing that is loaded. */
int cshims_dladdr(const void *address, const char **image, const void **image_base, const char **symbol,
	const void **symbol_address);

/* A system call about a range, as madvise(2) and msync(2) are, without a function of the C library around it: behind a system
 * call each return from a function is predicted wrongly. Returns 0 or the error as a negative number. */
static inline long cshims_range_call(long number, uintptr_t address, size_t byte_count, int argument)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("syscall"
		: "=a"(result)
		: "0"(number), "D"(address), "S"(byte_count), "d"((long)argument)
		: "rcx", "r11", "memory");
	return result;
#else
	return syscall(number, address, byte_count, argument) == 0 ? 0 : -errno;
#endif
}

#endif
