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
