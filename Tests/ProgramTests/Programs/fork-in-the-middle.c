/*
 * Sends messages from a queue pair to itself, forks, lets the child call everything, and goes on sending. The child's
 * calls must fail; the parent's must not notice. An alarm ends either with SIGALRM when it hangs.
 */
enum { message_byte_count = 3000, round_count = 50, time_limit_seconds = 30 };

#include "one-queue-pair.h"

static void exchange(int round)
{
	memset(memory, round, message_byte_count);
	memset(memory + message_byte_count, ~round, message_byte_count);
	require(!post_receive(), "ibv_post_recv");
	require(!post_send(), "ibv_post_send");
	for (int completed = 0; completed < 2;) {
		struct ibv_wc completion;
		int count = ibv_poll_cq(cq, 1, &completion);
		require(count >= 0, "ibv_poll_cq");
		if (!count)
			continue;
		require(completion.status == IBV_WC_SUCCESS, ibv_wc_status_str(completion.status));
		completed++;
	}
	require(!memcmp(memory, memory + message_byte_count, message_byte_count), "the bytes that arrived");
}

static int run_child(void)
{
	struct ibv_device_attr device;
	alarm(time_limit_seconds);
	int failure = call_data_verbs_in_child(memory, 4096);

	if (failure)
		return failure;
	struct ibv_srq_init_attr srq_attributes = { .attr = { .max_wr = 4, .max_sge = 1 } };
	if (ibv_create_srq(pd, &srq_attributes))
		return 19;
	struct ibv_ah_attr address = { .is_global = 1, .port_num = 1, .grh = { .hop_limit = 64 } };
	if (ibv_create_ah(pd, &address))
		return 20;
	/* These may succeed or fail; they must return. */
	struct ibv_qp_attr queried;
	struct ibv_qp_init_attr queried_init;
	struct ibv_port_attr port;
	union ibv_gid gid;
	ibv_query_qp(qp, &queried, IBV_QP_STATE, &queried_init);
	ibv_query_port(context, 1, &port);
	ibv_query_gid(context, 1, 0, &gid);
	ibv_req_notify_cq(cq, 0);
	ibv_resize_cq(cq, 64);
	struct ibv_device **list = ibv_get_device_list(NULL);
	if (list && list[0]) {
		struct ibv_context *second = ibv_open_device(list[0]);
		if (second) {
			struct ibv_pd *second_pd = ibv_alloc_pd(second);
			if (second_pd)
				ibv_dealloc_pd(second_pd);
			ibv_close_device(second);
		}
	}
	ibv_query_device(context, &device);
	ibv_destroy_qp(qp);
	ibv_dereg_mr(mr);
	ibv_destroy_cq(cq);
	ibv_dealloc_pd(pd);
	ibv_close_device(context);
	return 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(time_limit_seconds);
	open_everything();
	connect_to(own_address());

	for (int round = 0; round < round_count; round++)
		exchange(round);
	pid_t child = fork();
	require(child >= 0, "fork");
	if (!child)
		_exit(run_child());
	for (int round = 0; round < round_count; round++)
		exchange(round);
	int status;
	require(waitpid(child, &status, 0) == child, "waitpid");
	printf("the child ended with code %d, signal %d\n", WEXITSTATUS(status), WTERMSIG(status));
	for (int round = 0; round < round_count; round++)
		exchange(round);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 5;
}
