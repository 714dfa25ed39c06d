#define _GNU_SOURCE
#include "CShimsGuard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a thread is doing between entering and leaving a guarded operation. */
struct guard {
	void *resume[5];
	uintptr_t target, source;
	size_t byte_count;
};

static __thread struct guard *volatile current __attribute__((tls_model("initial-exec")));

static struct sigaction previous_segv, previous_bus;

static int lies_in(uintptr_t address, uintptr_t start, size_t byte_count)
{
	return address - start < byte_count;
}

/* An address that no mapping can have is not named by the signal, and comes with SI_KERNEL. */
static int is_ours(const struct guard *guard, const siginfo_t *info)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	if (info->si_code <= 0)
		return 0;
	return info->si_code == SI_KERNEL || lies_in(address, guard->target, guard->byte_count) ||
		lies_in(address, guard->source, guard->byte_count);
}

/* Lets the kernel do by default: for a fault by running into it again, for a signal that was sent by sending it again. */
static void take_default(int signal, siginfo_t *info)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(signal, &action, NULL);
	if (info->si_code <= 0)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, info);
}

/* Does what would have happened without this handler. */
static void forward(int signal, siginfo_t *info, void *context)
{
	struct sigaction *known = signal == SIGSEGV ? &previous_segv : &previous_bus;
	struct sigaction action = *known;
	sigset_t mask = action.sa_mask;

	if (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
		take_default(signal, info);
		return;
	}
	if (action.sa_flags & SA_RESETHAND) {
		known->sa_flags &= ~SA_SIGINFO;
		known->sa_handler = SIG_DFL;
	}
	if (!(action.sa_flags & SA_NODEFER))
		sigaddset(&mask, signal);
	/* The return from the signal restores the mask that the context holds. */
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(signal, info, context);
	else
		action.sa_handler(signal);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct guard *guard = current;

	if (guard && is_ours(guard, info)) {
		current = NULL;
		__builtin_longjmp(guard->resume, 1);
	}
	forward(signal, info, context);
}

int cshims_guard_install(void)
{
	/* Not deferred, so that the mask is right after the jump; on the alternate stack if there is one, as a program that
	 * has one wants it. */
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	if (cshims_guard_is_installed())
		return 0;
	if (sigaction(SIGSEGV, NULL, &previous_segv) != 0 || sigaction(SIGBUS, NULL, &previous_bus) != 0)
		return errno;
	if (sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0)
		return errno;
	return 0;
}

int cshims_guard_is_installed(void)
{
	struct sigaction segv, bus;

	return sigaction(SIGSEGV, NULL, &segv) == 0 && sigaction(SIGBUS, NULL, &bus) == 0 && segv.sa_sigaction == handle &&
		bus.sa_sigaction == handle;
}

/* The operation stands between these, in a function that is not inlined: the jump back must find its frame. */

#define ENTER(guard) \
	do { \
		if (__builtin_setjmp((guard).resume)) \
			return EFAULT; \
		current = &(guard); \
		__atomic_signal_fence(__ATOMIC_SEQ_CST); \
	} while (0)

#define LEAVE() \
	do { \
		__atomic_signal_fence(__ATOMIC_SEQ_CST); \
		current = NULL; \
	} while (0)

__attribute__((noinline)) int cshims_guarded_copy(void *target, const void *source, size_t byte_count)
{
	struct guard guard = {
		.target = (uintptr_t)target, .source = (uintptr_t)source, .byte_count = byte_count,
	};

	ENTER(guard);
	if (byte_count == sizeof(uint64_t))
		memcpy(target, source, sizeof(uint64_t));
	else
		memcpy(target, source, byte_count);
	LEAVE();
	return 0;
}

__attribute__((noinline)) int cshims_guarded_compare_exchange(
	uint64_t *word, uint64_t expected, uint64_t desired, uint64_t *found)
{
	struct guard guard = {.target = (uintptr_t)word, .source = (uintptr_t)word, .byte_count = sizeof *word};

	ENTER(guard);
	__atomic_compare_exchange_n(word, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	LEAVE();
	*found = expected;
	return 0;
}

__attribute__((noinline)) int cshims_guarded_fetch_add(uint64_t *word, uint64_t addend, uint64_t *found)
{
	struct guard guard = {.target = (uintptr_t)word, .source = (uintptr_t)word, .byte_count = sizeof *word};
	uint64_t before;

	ENTER(guard);
	before = __atomic_fetch_add(word, addend, __ATOMIC_SEQ_CST);
	LEAVE();
	*found = before;
	return 0;
}
