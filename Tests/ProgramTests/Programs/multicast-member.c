/* A member of a multicast group, for the tests: "receive" waits for COUNT datagrams, "send" sends them.
 * usage: multicast-member receive|send GROUP GID-INDEX COUNT */
#include <arpa/inet.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BYTES 1024
#define GRH 40
#define QKEY 0x22222222

#define NEED(claim) \
	do { \
		if (!(claim)) { \
			perror(#claim); \
			exit(1); \
		} \
	} while (0)

static struct ibv_wc next(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	time_t deadline = time(NULL) + 20;

	while (time(NULL) < deadline) {
		int count = ibv_poll_cq(cq, 1, &wc);

		NEED(count >= 0);
		if (count == 1) {
			NEED(wc.status == IBV_WC_SUCCESS);
			return wc;
		}
	}
	fprintf(stderr, "nothing came\n");
	exit(1);
}

int main(int argc, char **argv)
{
	union ibv_gid group;
	char buffer[GRH + BYTES];

	if (argc != 5 || inet_pton(AF_INET6, argv[2], &group) != 1)
		return 2;
	int sends = strcmp(argv[1], "send") == 0, index = atoi(argv[3]), count = atoi(argv[4]);
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = ibv_open_device(list[0]);
	NEED(context);
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_cq *cq = ibv_create_cq(context, 512, NULL, NULL, 0);
	struct ibv_mr *mr = ibv_reg_mr(pd, buffer, sizeof buffer, IBV_ACCESS_LOCAL_WRITE);
	NEED(pd && cq && mr);
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_UD,
		.cap = {.max_send_wr = 16, .max_recv_wr = 256, .max_send_sge = 1, .max_recv_sge = 1},
	};
	struct ibv_qp *qp = ibv_create_qp(pd, &init);
	NEED(qp);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1, .qkey = QKEY};
	NEED(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_QKEY) == 0);
	attr.qp_state = IBV_QPS_RTR;
	NEED(ibv_modify_qp(qp, &attr, IBV_QP_STATE) == 0);
	attr.qp_state = IBV_QPS_RTS;
	NEED(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN) == 0);
	struct ibv_sge sge = {(uintptr_t)buffer, sizeof buffer, mr->lkey};
	if (sends) {
		struct ibv_ah_attr path = {
			.is_global = 1, .port_num = 1, .grh = {.dgid = group, .sgid_index = index, .hop_limit = 1}};
		struct ibv_ah *ah = ibv_create_ah(pd, &path);
		NEED(ah);
		sge.length = BYTES;
		memset(buffer, 'g', sizeof buffer);
		for (int i = 0; i < count; i++) {
			struct ibv_send_wr wr = {.sg_list = &sge,
				.num_sge = 1,
				.opcode = IBV_WR_SEND,
				.send_flags = IBV_SEND_SIGNALED,
				.wr.ud = {ah, 0xFFFFFF, QKEY}},
					   *bad;
			NEED(ibv_post_send(qp, &wr, &bad) == 0);
			next(cq);
		}
		printf("sent %d\n", count);
		return 0;
	}
	struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;
	for (int i = 0; i < 200; i++)
		NEED(ibv_post_recv(qp, &wr, &bad) == 0);
	NEED(ibv_attach_mcast(qp, &group, 0) == 0);
	printf("attached\n");
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		struct ibv_wc wc = next(cq);
		NEED(wc.byte_len == GRH + BYTES);
		NEED(buffer[GRH] == 'g' && buffer[GRH + BYTES - 1] == 'g');
	}
	printf("received %d\n", count);
	return 0;
}
