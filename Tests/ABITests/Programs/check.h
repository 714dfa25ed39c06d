/* What the programs of the ABI tests share: claims, cases that are run by name, and objects to start from. */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* --- Claims --- */

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not true: %s (errno %d: %s)\n", __FILE__, __LINE__, #claim, errno, \
				strerror(errno)); \
			exit(1); \
		} \
	} while (0)

#define CHECK_EQUAL(left, right) \
	do { \
		long long left_value = (long long)(left), right_value = (long long)(right); \
		if (left_value != right_value) { \
			fprintf(stderr, "%s:%d: %s is %lld, not %s = %lld\n", __FILE__, __LINE__, #left, left_value, \
				#right, right_value); \
			exit(1); \
		} \
	} while (0)

/* A call that returns a pointer fails with this errno. */
#define CHECK_NULL(call, error) \
	do { \
		errno = 0; \
		CHECK((call) == NULL); \
		CHECK_EQUAL(errno, error); \
	} while (0)

/* --- What a case has shown, for docs/conformance.md --- */

static inline void see_names(int unused, ...)
{
	(void)unused;
}

/* One line for each of the names, "A, B": the test compares them with the statements of the case. */
static inline void print_shown(const char *names)
{
	while (*names) {
		size_t length = strcspn(names, ", ");

		if (length > 0)
			printf("shown: %.*s\n", (int)length, names);
		names += length;
		names += strspn(names, ", ");
	}
}

/* The verbs, opcodes, attributes, … that this case has proved to work by now. */
#define SHOWS(...) \
	do { \
		if (0) \
			see_names(0, __VA_ARGS__); \
		print_shown(#__VA_ARGS__); \
	} while (0)

/* What a call answers when it fails: an errno, -1 and errno, or a null pointer and errno. */
static inline int error_of(long long result)
{
	return result == 0 || result == -1 ? errno : result;
}

/* The call fails with this errno, because what the name means is not supported. */
#define REFUSES(name, error, ...) \
	do { \
		if (0) \
			see_names(0, name); \
		errno = 0; \
		CHECK_EQUAL(error_of((long long)(__VA_ARGS__)), error); \
		print_shown(#name); \
	} while (0)

/* --- Cases --- */

#define CASES_MAX 64

static struct test_case {
	const char *name;
	void (*run)(void);
} cases[CASES_MAX];
static int case_count;

#define CASE(name) \
	static void name(void); \
	__attribute__((constructor)) static void add_##name(void) \
	{ \
		if (case_count == CASES_MAX) \
			abort(); \
		cases[case_count++] = (struct test_case){#name, name}; \
	} \
	static void name(void)

int main(int argc, char **argv)
{
	for (int i = 0; argc == 2 && i < case_count; i++) {
		if (strcmp(cases[i].name, argv[1]) == 0) {
			cases[i].run();
			printf("%s holds\n", argv[1]);
			return 0;
		}
	}
	fprintf(stderr, "usage: %s CASE\n", argv[0]);
	return 2;
}

/* --- Objects to start from --- */

#define BUFFER_SIZE (1 << 20)
#define ALL_ACCESS \
	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)
#define PORT 1
#define QKEY 0x11111111

struct world {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	char *buffer;
	struct ibv_mr *mr;
	int gid_index;
	union ibv_gid gid;
};

static inline struct ibv_context *open_first_device(void)
{
	int count = -1;
	struct ibv_device **list = ibv_get_device_list(&count);
	struct ibv_context *context;

	CHECK(list != NULL);
	CHECK(count > 0);
	context = ibv_open_device(list[0]);
	CHECK(context != NULL);
	ibv_free_device_list(list);
	return context;
}

/* An IPv4 address where the port has one, else the last address there is. */
static inline void choose_gid(struct world *world)
{
	struct ibv_gid_entry entries[64];
	ssize_t count = ibv_query_gid_table(world->context, entries, 64, 0);

	CHECK(count > 0);
	for (ssize_t i = 0; i < count; i++) {
		static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

		world->gid_index = entries[i].gid_index;
		world->gid = entries[i].gid;
		if (memcmp(entries[i].gid.raw, mapped, sizeof mapped) == 0)
			return;
	}
}

static inline struct world make_world(void)
{
	struct world world = {.context = open_first_device()};

	world.pd = ibv_alloc_pd(world.context);
	CHECK(world.pd != NULL);
	world.cq = ibv_create_cq(world.context, 256, NULL, NULL, 0);
	CHECK(world.cq != NULL);
	world.buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(world.buffer != MAP_FAILED);
	world.mr = ibv_reg_mr(world.pd, world.buffer, BUFFER_SIZE, ALL_ACCESS);
	CHECK(world.mr != NULL);
	choose_gid(&world);
	return world;
}

static inline void end_world(struct world *world)
{
	CHECK_EQUAL(ibv_dereg_mr(world->mr), 0);
	munmap(world->buffer, BUFFER_SIZE);
	CHECK_EQUAL(ibv_destroy_cq(world->cq), 0);
	CHECK_EQUAL(ibv_dealloc_pd(world->pd), 0);
	CHECK_EQUAL(ibv_close_device(world->context), 0);
}

/* --- Queue pairs --- */

static inline struct ibv_qp_init_attr qp_init(struct world *world, enum ibv_qp_type type)
{
	return (struct ibv_qp_init_attr){
		.send_cq = world->cq,
		.recv_cq = world->cq,
		.qp_type = type,
		.cap = {.max_send_wr = 64, .max_recv_wr = 64, .max_send_sge = 4, .max_recv_sge = 4, .max_inline_data = 128},
	};
}

static inline struct ibv_qp *make_qp(struct world *world, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = qp_init(world, type);
	struct ibv_qp *qp = ibv_create_qp(world->pd, &init);

	CHECK(qp != NULL);
	return qp;
}

/* What a test may want otherwise. */
struct path {
	enum ibv_mtu mtu;
	uint8_t timeout, retry_cnt, rnr_retry, min_rnr_timer;
	unsigned int access;
};

static const struct path usual_path = {
	.mtu = IBV_MTU_1024,
	.timeout = 14,
	.retry_cnt = 7,
	.rnr_retry = 7,
	.min_rnr_timer = 1,
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
};

static inline int to_init(struct ibv_qp *qp, const struct path *path)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = PORT, .qkey = QKEY};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;

	attr.qp_access_flags = path->access;
	if (qp->qp_type == IBV_QPT_UC)
		attr.qp_access_flags &= IBV_ACCESS_REMOTE_WRITE;
	mask |= qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;
	return ibv_modify_qp(qp, &attr, mask);
}

static inline int to_rtr(struct world *world, struct ibv_qp *qp, uint32_t dest_qp_num, const struct path *path)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = path->mtu,
		.dest_qp_num = dest_qp_num,
		.rq_psn = 100,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = path->min_rnr_timer,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = {.dgid = world->gid, .sgid_index = world->gid_index, .hop_limit = 64},
		},
	};
	int mask = IBV_QP_STATE;

	if (qp->qp_type != IBV_QPT_UD)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (qp->qp_type == IBV_QPT_RC)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	return ibv_modify_qp(qp, &attr, mask);
}

static inline int to_rts(struct ibv_qp *qp, const struct path *path)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = 100,
		.timeout = path->timeout,
		.retry_cnt = path->retry_cnt,
		.rnr_retry = path->rnr_retry,
		.max_rd_atomic = 4,
	};
	int mask = IBV_QP_STATE | IBV_QP_SQ_PSN;

	if (qp->qp_type == IBV_QPT_RC)
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	return ibv_modify_qp(qp, &attr, mask);
}

static inline void connect_to(struct world *world, struct ibv_qp *qp, uint32_t peer, const struct path *path)
{
	CHECK_EQUAL(to_init(qp, path), 0);
	CHECK_EQUAL(to_rtr(world, qp, peer, path), 0);
	CHECK_EQUAL(to_rts(qp, path), 0);
}

static inline void to_error(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
}

static inline enum ibv_qp_state state_of(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr;
	struct ibv_qp_init_attr init;

	CHECK_EQUAL(ibv_query_qp(qp, &attr, IBV_QP_STATE, &init), 0);
	CHECK_EQUAL(qp->state, attr.qp_state);
	return attr.qp_state;
}

static inline void to_reset(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RESET};

	CHECK_EQUAL(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
	CHECK_EQUAL(state_of(qp), IBV_QPS_RESET);
}

/* --- Two queue pairs that talk to each other --- */

struct pair {
	struct world world;
	/* The sender, and the receiver with a completion queue of its own. */
	struct ibv_qp *a, *b;
	struct ibv_cq *b_cq;
};

static inline struct pair make_pair_over(enum ibv_qp_type type, const struct path *path)
{
	struct pair pair = {.world = make_world()};
	struct ibv_qp_init_attr init = qp_init(&pair.world, type);

	pair.a = ibv_create_qp(pair.world.pd, &init);
	CHECK(pair.a != NULL);
	pair.b_cq = ibv_create_cq(pair.world.context, 256, NULL, NULL, 0);
	CHECK(pair.b_cq != NULL);
	init.send_cq = init.recv_cq = pair.b_cq;
	pair.b = ibv_create_qp(pair.world.pd, &init);
	CHECK(pair.b != NULL);
	connect_to(&pair.world, pair.a, pair.b->qp_num, path);
	connect_to(&pair.world, pair.b, pair.a->qp_num, path);
	return pair;
}

static inline struct pair make_pair(enum ibv_qp_type type)
{
	return make_pair_over(type, &usual_path);
}

static inline void end_pair(struct pair *pair)
{
	CHECK_EQUAL(ibv_destroy_qp(pair->a), 0);
	CHECK_EQUAL(ibv_destroy_qp(pair->b), 0);
	CHECK_EQUAL(ibv_destroy_cq(pair->b_cq), 0);
	end_world(&pair->world);
}

/* --- Work --- */

static inline struct ibv_sge piece(struct world *world, size_t offset, uint32_t length)
{
	return (struct ibv_sge){(uintptr_t)world->buffer + offset, length, world->mr->lkey};
}

static inline int try_recv(struct ibv_qp *qp, uint64_t id, struct ibv_sge *list, int count)
{
	struct ibv_recv_wr wr = {.wr_id = id, .sg_list = list, .num_sge = count}, *bad = NULL;
	int error = ibv_post_recv(qp, &wr, &bad);

	CHECK(error == 0 || bad == &wr);
	return error;
}

static inline void post_recv(struct ibv_qp *qp, uint64_t id, struct ibv_sge sge)
{
	CHECK_EQUAL(try_recv(qp, id, &sge, 1), 0);
}

static inline int try_send(struct ibv_qp *qp, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad = NULL;
	int error = ibv_post_send(qp, wr, &bad);

	CHECK(error == 0 || bad != NULL);
	return error;
}

static inline struct ibv_send_wr request(uint64_t id, enum ibv_wr_opcode opcode, struct ibv_sge *sge)
{
	return (struct ibv_send_wr){
		.wr_id = id,
		.sg_list = sge,
		.num_sge = sge ? 1 : 0,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
	};
}

static inline struct ibv_send_wr remote_request(
	uint64_t id, enum ibv_wr_opcode opcode, struct ibv_sge *sge, uint64_t address, uint32_t rkey)
{
	struct ibv_send_wr wr = request(id, opcode, sge);

	wr.wr.rdma.remote_addr = address;
	wr.wr.rdma.rkey = rkey;
	return wr;
}

/* An address handle of this very host. */
static inline struct ibv_ah *make_ah(struct world *world)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = PORT,
		.grh = {.dgid = world->gid, .sgid_index = world->gid_index, .hop_limit = 64},
	};
	struct ibv_ah *ah = ibv_create_ah(world->pd, &attr);

	CHECK(ah != NULL);
	return ah;
}

/* Where a datagram goes. */
static inline void address_datagram(struct ibv_send_wr *wr, struct ibv_ah *ah, struct ibv_qp *target, uint32_t qkey)
{
	wr->wr.ud.ah = ah;
	wr->wr.ud.remote_qpn = target->qp_num;
	wr->wr.ud.remote_qkey = qkey;
}

static inline double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

#define PATIENCE_SECONDS 20

/* The next completion, which has to come. */
static inline struct ibv_wc next_completion(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	double deadline = seconds_now() + PATIENCE_SECONDS;

	memset(&wc, 0xAA, sizeof wc);
	while (seconds_now() < deadline) {
		int count = ibv_poll_cq(cq, 1, &wc);

		CHECK(count >= 0);
		if (count == 1)
			return wc;
	}
	fprintf(stderr, "no completion came\n");
	exit(1);
}

#define EXPECT_COMPLETION(cq, id, wanted) \
	do { \
		struct ibv_wc expected_wc = next_completion(cq); \
		if (expected_wc.status != (wanted)) \
			fprintf(stderr, "status: %s\n", ibv_wc_status_str(expected_wc.status)); \
		CHECK_EQUAL(expected_wc.status, wanted); \
		CHECK_EQUAL(expected_wc.wr_id, id); \
	} while (0)

static inline void expect_empty(struct ibv_cq *cq)
{
	struct ibv_wc wc;

	/* A completion that should not be there might only be late. */
	for (int i = 0; i < 1000; i++)
		CHECK_EQUAL(ibv_poll_cq(cq, 1, &wc), 0);
}

#endif
