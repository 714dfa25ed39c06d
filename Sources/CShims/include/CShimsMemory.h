/* Calls about memory that Swift cannot make by itself. No logic here. */
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

/* Not part of the module of the C library that Swift has. */
#include <execinfo.h>
#include <sys/auxv.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The C library has no functions for io_uring. */
int cshims_io_uring_setup(unsigned int entries, void *params);
int cshims_io_uring_register(int ring, unsigned int opcode, void *argument, unsigned int count);

/* Hidden behind _GNU_SOURCE. One range. */
ssize_t cshims_vmsplice(int descriptor, const struct iovec *range);

/* dladdr and its structure are hidden behind _GNU_SOURCE. Any result may be null. Returns 0 when the address belongs to
 * nothing that is loaded. */
int cshims_dladdr(const void *address, const char **image, const void **image_base, const char **symbol,
	const void **symbol_address);

#endif
