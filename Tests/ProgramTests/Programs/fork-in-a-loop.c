/*
 * Two processes send messages to and fro, without a pause and with every byte checked, while one of them forks a thousand
 * times: children that call verbs, whose calls must all fail, and children that execute another program, by turns. The
 * traffic must not notice. An alarm ends whoever hangs.
 */
enum { message_byte_count = 9000, fork_count = 1000, time_limit_seconds = 150, child_limit_seconds = 20 };

#include "one-queue-pair.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

static atomic_int is_over;
static atomic_long round_count;

static void connect_through(int channel)
{
	struct address mine = own_address(), theirs;
	require(write(channel, &mine, sizeof mine) == sizeof mine, "write");
	require(read(channel, &theirs, sizeof theirs) == sizeof theirs, "read");
	connect_to(theirs);
}

/* Waits for the completion of a send or a receive; a receive may come before the send that is waited for. */
static void await(uint64_t kind)
{
	static int early_receives;
	struct ibv_wc completion;

	if (kind == 1 && early_receives > 0) {
		early_receives--;
		return;
	}
	for (;;) {
		int count = ibv_poll_cq(cq, 1, &completion);
		require(count >= 0, "ibv_poll_cq");
		if (!count)
			continue;
		require(completion.status == IBV_WC_SUCCESS, ibv_wc_status_str(completion.status));
		if (completion.wr_id == kind)
			return;
		require(completion.wr_id == 1, "the completion's number");
		early_receives++;
	}
}

static void check_message(unsigned char byte)
{
	for (int i = 0; i < message_byte_count; i++)
		require(memory[message_byte_count + i] == (unsigned char)(byte + i), "the bytes that arrived");
}

static void fill_message(unsigned char byte)
{
	for (int i = 0; i < message_byte_count; i++)
		memory[i] = byte + i;
}

/* One message there, one back, each with bytes of its own; the last one has a mark that ends the peer. */
static void *talk(void *unused)
{
	for (long round = 0;; round++) {
		int is_last = atomic_load(&is_over);
		fill_message(round);
		if (is_last)
			memory[0] = ~memory[0];
		require(!post_send(), "ibv_post_send");
		await(2);
		if (is_last)
			return unused;
		await(1);
		check_message(round + 1);
		require(!post_receive(), "ibv_post_recv");
		atomic_fetch_add(&round_count, 1);
	}
}

static void answer(void)
{
	for (long round = 0;; round++) {
		await(1);
		if (memory[message_byte_count] == (unsigned char)~round)
			return;
		check_message(round);
		fill_message(round + 1);
		require(!post_receive(), "ibv_post_recv");
		require(!post_send(), "ibv_post_send");
		await(2);
	}
}

/* Returns 0 when every call fails as it must, else which did not. */
static int call_verbs_in_child(void)
{
	char bytes[64];
	int failure = call_data_verbs_in_child(bytes, sizeof bytes);

	if (failure)
		return failure;
	if (!ibv_destroy_qp(qp))
		return 19;
	if (!ibv_dereg_mr(mr))
		return 20;
	if (!ibv_close_device(context))
		return 21;
	return 0;
}

int main(void)
{
	int channel[2], status;
	pthread_t thread;

	setvbuf(stdout, NULL, _IONBF, 0);
	require(!socketpair(AF_UNIX, SOCK_STREAM, 0, channel), "socketpair");
	pid_t peer = fork();
	require(peer >= 0, "fork");
	alarm(time_limit_seconds);
	require(!ibv_fork_init(), "ibv_fork_init");
	open_everything();
	connect_through(channel[peer == 0]);
	require(!post_receive(), "ibv_post_recv");
	/* Neither sends before the other can receive. */
	char byte = 0;
	require(write(channel[peer == 0], &byte, 1) == 1 && read(channel[peer == 0], &byte, 1) == 1, "meeting");
	if (!peer) {
		answer();
		return 0;
	}

	require(!pthread_create(&thread, NULL, talk, NULL), "pthread_create");
	for (int i = 0; i < fork_count; i++) {
		pid_t child = fork();
		require(child >= 0, "fork");
		if (!child) {
			alarm(child_limit_seconds);
			if (i % 2)
				_exit(call_verbs_in_child());
			execl("/bin/true", "true", NULL);
			_exit(30);
		}
		require(waitpid(child, &status, 0) == child, "waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			printf("child %d ended with code %d, signal %d\n", i, WEXITSTATUS(status), WTERMSIG(status));
			return 4;
		}
	}
	long rounds = atomic_load(&round_count);
	atomic_store(&is_over, 1);
	require(!pthread_join(thread, NULL), "pthread_join");
	require(waitpid(peer, &status, 0) == peer && WIFEXITED(status) && !WEXITSTATUS(status), "the peer");
	printf("%d forks during %ld rounds\n", fork_count, rounds);
	/* The traffic went on all the time. */
	require(rounds > fork_count / 10, "the number of rounds");
	return 0;
}
