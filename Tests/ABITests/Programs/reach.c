/* Which processes of one host reach each other directly, and what is said of those that do not. */
#include "processes.h"
#include "memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* --- The consent that Yama asks for --- */

static int consents;

/* Stands before that of the C library, because this machine's kernel need not have Yama. */
int prctl(int option, ...)
{
	unsigned long arguments[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, unsigned long);
	va_end(list);
	consents += option == PR_SET_PTRACER && arguments[0] == PR_SET_PTRACER_ANY;
	return syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

CASE(others_are_let_in)
{
	struct ibv_context *context = open_first_device();

	CHECK_EQUAL(consents, 1);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

CASE(nobody_is_let_in_where_all_is_packets)
{
	setenv("VERBENA_PATH", "wire", 1);
	struct ibv_context *context = open_first_device();

	CHECK_EQUAL(consents, 0);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

/* --- The wire, and why --- */

static void take_a_message(struct side *side, int in, int out)
{
	char go;

	(void)out;
	post_recv(side->qp, 1, piece(&side->world, 0, 64));
	EXPECT_COMPLETION(side->recv_cq, 1, IBV_WC_SUCCESS);
	get(in, &go, 1);
}

/* A message to another process arrives, and both sides of the connection have said why it went over the wire. */
static void expect_the_wire(FILE *said, const char *reason)
{
	struct side side;

	setenv("VERBENA_LOG", "debug", 1);
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, take_a_message);
	struct ibv_sge sge = piece(&side.world, 0, 64);
	struct ibv_send_wr wr = request(2, IBV_WR_SEND, &sge);
	CHECK_EQUAL(try_send(side.qp, &wr), 0);
	EXPECT_COMPLETION(side.world.cq, 2, IBV_WC_SUCCESS);
	put(target.to, "e", 1);
	expect_end(&target);
	CHECK_EQUAL(occurrences(said, reason), 2);
	end_side(&side);
}

static int own_namespace;

/* Only the target is born elsewhere: a process whose children are cannot start threads. */
static void stay_at_home(void)
{
	CHECK_EQUAL(setns(own_namespace, CLONE_NEWPID), 0);
}

CASE(processes_of_two_pid_namespaces_take_the_wire_and_say_why)
{
	FILE *said = capture_standard_error();

	own_namespace = open("/proc/self/ns/pid", O_RDONLY);
	CHECK_EQUAL(pthread_atfork(NULL, stay_at_home, NULL), 0);
	/* The target's /proc remains that of this process. */
	CHECK_EQUAL(unshare(CLONE_NEWPID), 0);
	expect_the_wire(said, "because the peer is in another PID namespace");
}

CASE(processes_that_may_only_read_each_other_take_the_wire)
{
	FILE *said = capture_standard_error();

	forbid_call(SYS_process_vm_writev, EPERM);
	expect_the_wire(said, "because the kernel forbids copying between the two processes");
}
