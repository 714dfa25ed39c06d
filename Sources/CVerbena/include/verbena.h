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

#ifdef __cplusplus
}
#endif

#endif
