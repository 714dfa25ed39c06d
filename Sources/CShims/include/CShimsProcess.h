/* System calls between processes, and limits. Included by CShims.h. */
#ifndef CSHIMS_PROCESS_H
#define CSHIMS_PROCESS_H

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Hidden behind _GNU_SOURCE. One range on either side. */
ssize_t cshims_process_vm_readv(pid_t pid, const struct iovec *local, const struct iovec *remote);

/* As above, with lists of ranges. */
ssize_t cshims_process_vm_readv_list(pid_t pid, const struct iovec *local, size_t local_count, const struct iovec *remote,
	size_t remote_count);
ssize_t cshims_process_vm_writev_list(pid_t pid, const struct iovec *local, size_t local_count,
	const struct iovec *remote, size_t remote_count);

/* The system calls of the data path. Those of the C library are points at which pthread_cancel(3) ends a thread: here it would do so
 * with a lock held. They set errno. */
ssize_t cshims_pread(int descriptor, void *target, size_t byte_count, off_t offset);
ssize_t cshims_pwrite(int descriptor, const void *source, size_t byte_count, off_t offset);
ssize_t cshims_readv(int descriptor, const struct iovec *vectors, int count);
ssize_t cshims_write(int descriptor, const void *source, size_t byte_count);
ssize_t cshims_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t cshims_sendmsg(int socket, const struct msghdr *message, int flags);

/* prctl(2), PR_SET_PTRACER, for any process. A function of variable arguments, which Swift cannot call. */
int cshims_admit_tracers(void);

/* Whether the process has had but one thread so far, or has again: 1 or 0. In a header, so that it costs a load and no call. */
static inline int cshims_is_single_threaded(void)
{
	return __libc_single_threaded;
}

/* Not in Debian 12's C library. */
int cshims_pidfd_open(pid_t pid);
int cshims_pidfd_getfd(int process, int descriptor);

/* Hidden behind _GNU_SOURCE. Waits until `deadline` of the monotonic clock at most; as pthread_mutex_timedlock(3). */
int cshims_mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *deadline);

/* The C library has no functions for futexes. Private ones, of this process. `wait` returns when it is woken, when the
 * word is not `value`, or without a reason. */
void cshims_futex_wait(const uint32_t *word, uint32_t value);
void cshims_futex_wake(const uint32_t *word, int count);

/* The same between processes. `wait` returns after `nanoseconds` at the latest. */
void cshims_shared_futex_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds);
void cshims_shared_futex_wake(const uint32_t *word, int count);

/* Hidden behind _GNU_SOURCE, as are its flags. */
int cshims_unshare(int flags);
enum {
	CSHIMS_NEW_MOUNT_NAMESPACE = 0x00020000,
	CSHIMS_NEW_USER_NAMESPACE = 0x10000000,
};

enum { CSHIMS_IO_URING_PARAMETERS_BYTE_COUNT = 120 };

/* O_TMPFILE is hidden, and the same on every architecture but the oldest. */
enum { CSHIMS_O_TMPFILE = 020000000 | O_DIRECTORY };

/* Locks of an open file, hidden behind _GNU_SOURCE; the same on every architecture. */
enum {
	CSHIMS_F_OFD_GETLK = 36,
	CSHIMS_F_OFD_SETLK = 37,
};

/* Macros over an enumeration, which do not import. */
enum {
	CSHIMS_LIMIT_LOCKED_MEMORY = RLIMIT_MEMLOCK,
	CSHIMS_LIMIT_OPEN_FILES = RLIMIT_NOFILE,
};

#endif
