/* Functions of Verbena's libibverbs.so.1 beyond those of rdma-core. Link with -libverbs, or look them up with dlsym.
 *
 * SPDX-License-Identifier: MIT */
#ifndef VERBENA_H
#define VERBENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keeps the pages of a range out of the children of fork(), and lets them in again.
 *
 * A device, or the kernel on behalf of an io_uring or a pipe, may hold the physical page behind an address. After a fork,
 * the first write to that address gives the writer another page, and the device goes on with the old one. A page that the
 * child does not have is never exchanged.
 *
 * Marks count. With `mark` other than 0, each page that the range touches gets one mark more; with 0, one mark less. A page
 * stays out of children while it has a mark, so overlapping ranges and libraries that know nothing of each other get along.
 * The range of a call need not be the range of an earlier one. A range of 0 bytes is fine and does nothing.
 *
 * Returns 0; or -1, with errno set and nothing changed:
 *   EINVAL  the range wraps around, or, with `mark` 0, a page of it has no mark
 *   ENOMEM  a part of the range is not mapped, or the process has about as many mappings as vm.max_map_count allows
 *
 * Safe from several threads. A child of fork() begins without marks. With VERBENA_FORK=eager the mark takes effect at once,
 * for every kind of child; otherwise just before each fork(), and calls of clone() without CLONE_VM are not seen.
 * VERBENA_FORK=off counts, and lets children inherit everything. */
long mark_nocopy(unsigned long addr, size_t len, int mark);

/* Memory that every process of this host and user which is connected to this one reaches with plain copies.
 *
 * Registered with ibv_reg_mr like any other, it makes RDMA and messages between processes of one host cheaper than memory of
 * malloc(3), which takes a system call for each operation; over the network it is like any other. It is zero-filled, begins on
 * a page, and is out of the children of fork(). Deregister it before it is freed.
 *
 * verbena_alloc returns NULL with errno set: EINVAL for 0 bytes, ENOMEM when there is no room (some gigabytes for a process,
 * less where its address space is limited). verbena_free(NULL) does nothing; for an address that verbena_alloc did not return
 * it does nothing but to set errno to EINVAL. Safe from several threads. */
void *verbena_alloc(size_t len);
void verbena_free(void *addr);

#ifdef __cplusplus
}
#endif

#endif
