/* Copies and atomic operations that survive memory which is not there, and the signal handler behind them.
 *
 * It is C because Swift has no setjmp, no thread-local word that a signal handler may read, and no promise that what it
 * compiles to is safe in a signal handler. */
#ifndef CSHIMS_GUARD_H
#define CSHIMS_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* Puts the handler of SIGSEGV and SIGBUS in front of the program's own. 0, or an errno value. Not thread-safe. */
int cshims_guard_install(void);
/* Whether both signals still go to that handler: 1 or 0. */
int cshims_guard_is_installed(void);

/* Each returns 0, or EFAULT when an address of the operation is not there. */
int cshims_guarded_copy(void *target, const void *source, size_t byte_count);
int cshims_guarded_compare_exchange(uint64_t *word, uint64_t expected, uint64_t desired, uint64_t *found);
int cshims_guarded_fetch_add(uint64_t *word, uint64_t addend, uint64_t *found);

#endif
