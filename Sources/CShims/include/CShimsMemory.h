/* System calls about memory that the C library does not have. No logic here. */
#ifndef CSHIMS_MEMORY_H
#define CSHIMS_MEMORY_H

/* The C library has no functions for io_uring. */
int cshims_io_uring_setup(unsigned int entries, void *params);
int cshims_io_uring_register(int ring, unsigned int opcode, void *argument, unsigned int count);

#endif
