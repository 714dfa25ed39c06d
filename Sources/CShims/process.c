#define _GNU_SOURCE
#include "CShimsProcess.h"

#include <assert.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(struct io_uring_params) == CSHIMS_IO_URING_PARAMETERS_BYTE_COUNT, "layout of struct io_uring_params");

ssize_t cshims_process_vm_readv(pid_t pid, const struct iovec *local, const struct iovec *remote)
{
	return process_vm_readv(pid, local, 1, remote, 1, 0);
}

ssize_t cshims_process_vm_readv_list(pid_t pid, const struct iovec *local, size_t local_count, const struct iovec *remote,
	size_t remote_count)
{
	return process_vm_readv(pid, local, local_count, remote, remote_count, 0);
}

ssize_t cshims_process_vm_writev_list(pid_t pid, const struct iovec *local, size_t local_count, const struct iovec *remote,
	size_t remote_count)
{
	return process_vm_writev(pid, local, local_count, remote, remote_count, 0);
}

ssize_t cshims_pread(int descriptor, void *target, size_t byte_count, off_t offset)
{
	return syscall(SYS_pread64, descriptor, target, byte_count, offset);
}

ssize_t cshims_pwrite(int descriptor, const void *source, size_t byte_count, off_t offset)
{
	return syscall(SYS_pwrite64, descriptor, source, byte_count, offset);
}

ssize_t cshims_readv(int descriptor, const struct iovec *vectors, int count)
{
	return syscall(SYS_readv, descriptor, vectors, count);
}

ssize_t cshims_write(int descriptor, const void *source, size_t byte_count)
{
	return syscall(SYS_write, descriptor, source, byte_count);
}

ssize_t cshims_recvmsg(int socket, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, socket, message, flags);
}

ssize_t cshims_sendmsg(int socket, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, socket, message, flags);
}

int cshims_admit_tracers(void)
{
	return prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

int cshims_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int cshims_pidfd_getfd(int process, int descriptor)
{
	return (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
}

_Static_assert(CSHIMS_NEW_MOUNT_NAMESPACE == CLONE_NEWNS && CSHIMS_NEW_USER_NAMESPACE == CLONE_NEWUSER, "flags of unshare");

int cshims_unshare(int flags)
{
	return unshare(flags);
}

int cshims_mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *deadline)
{
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, deadline);
}

void cshims_futex_wait(const uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void cshims_futex_wake(const uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void cshims_shared_futex_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds)
{
	struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &time, NULL, 0);
}

void cshims_shared_futex_wake(const uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}
