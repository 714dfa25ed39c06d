/* Lists of one-sided requests between two processes of a host: what is posted at once arrives in order, and ends where one of
 * them fails, whatever of it travels together. */
#include "processes.h"

#include <sys/mman.h>

#define COUNT 48
/* Room for the longest request, in the memory of either side. */
#define ROOM 20480UL
#define FIRST_ID 100

/* From none to more than travels together, odd ones among them. */
static uint32_t length_of(int index)
{
	static const uint32_t lengths[] = {8, 1, 4096, 0, 333, 16384, 64, 20000, 7, 4097};

	return lengths[index % 10];
}

static void fill(char *bytes, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)((i * 7 + seed * 31) >> (i % 3));
}

/* Memory for a request each, registered. */
struct store {
	char *bytes;
	struct ibv_mr *mr;
};

static struct store make_store(struct side *side)
{
	struct store store;

	store.bytes = mmap(NULL, COUNT * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(store.bytes != MAP_FAILED);
	store.mr = ibv_reg_mr(side->world.pd, store.bytes, COUNT * ROOM, ALL_ACCESS);
	CHECK(store.mr != NULL);
	return store;
}

static void end_store(struct store *store)
{
	CHECK_EQUAL(ibv_dereg_mr(store->mr), 0);
	CHECK_EQUAL(munmap(store->bytes, COUNT * ROOM), 0);
}

/* What the target tells of its store. */
static struct card await_store(struct target *target)
{
	struct card card;

	get(target->from, &card, sizeof card);
	return card;
}

/* A list of COUNT requests between the two stores. Every third has its bytes in two pieces. */
static struct ibv_send_wr *make_list(struct store *store, struct card card, enum ibv_wr_opcode opcode)
{
	static struct ibv_send_wr list[COUNT];
	static struct ibv_sge pieces[COUNT][2];

	for (int i = 0; i < COUNT; i++) {
		uint32_t length = length_of(i), part = i % 3 == 0 ? length / 2 : length;
		uint64_t start = (uintptr_t)store->bytes + i * ROOM;

		pieces[i][0] = (struct ibv_sge){start, part, store->mr->lkey};
		pieces[i][1] = (struct ibv_sge){start + part, length - part, store->mr->lkey};
		list[i] = remote_request(FIRST_ID + i, opcode, pieces[i], card.address + i * ROOM, card.rkey);
		list[i].num_sge = i % 3 == 0 ? 2 : 1;
		list[i].next = i + 1 < COUNT ? &list[i + 1] : NULL;
	}
	return list;
}

/* The list completes with success up to the request at fault, that with `status`, and the rest is flushed. */
static void expect_fault(struct ibv_cq *cq, int at_fault, enum ibv_wc_status status)
{
	for (int i = 0; i < COUNT; i++) {
		enum ibv_wc_status wanted = i < at_fault ? IBV_WC_SUCCESS : i == at_fault ? status : IBV_WC_WR_FLUSH_ERR;

		EXPECT_COMPLETION(cq, FIRST_ID + i, wanted);
	}
}

/* Whether a store holds the first `count` requests and nothing else. What is at fault may have begun. */
static void check_store(struct store *store, int count)
{
	char *expected = malloc(ROOM);

	for (int i = 0; i < COUNT; i++) {
		memset(expected, 0, ROOM);
		if (i < count)
			fill(expected, length_of(i), i);
		if (i != count)
			CHECK_EQUAL(memcmp(store->bytes + i * ROOM, expected, ROOM), 0);
	}
	free(expected);
}

static void offer_store(struct side *side, int in, int out)
{
	struct store store = make_store(side);
	struct card card = {0, store.mr->rkey, (uintptr_t)store.bytes};
	char count;

	put(out, &card, sizeof card);
	get(in, &count, 1);
	check_store(&store, count);
	end_store(&store);
}

static void say_arrived(struct target *target, char count)
{
	put(target->to, &count, 1);
	expect_end(target);
}

CASE(a_list_arrives_whole_and_comes_back)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_store);
	struct store store = make_store(&side);
	struct card card = await_store(&target);
	char *sent = malloc(COUNT * ROOM);

	for (int i = 0; i < COUNT; i++)
		fill(store.bytes + i * ROOM, length_of(i), i);
	memcpy(sent, store.bytes, COUNT * ROOM);
	CHECK_EQUAL(try_send(side.qp, make_list(&store, card, IBV_WR_RDMA_WRITE)), 0);
	expect_fault(side.world.cq, COUNT, IBV_WC_SUCCESS);
	memset(store.bytes, 0, COUNT * ROOM);
	CHECK_EQUAL(try_send(side.qp, make_list(&store, card, IBV_WR_RDMA_READ)), 0);
	expect_fault(side.world.cq, COUNT, IBV_WC_SUCCESS);
	CHECK_EQUAL(memcmp(store.bytes, sent, COUNT * ROOM), 0);
	free(sent);
	end_store(&store);
	say_arrived(&target, COUNT);
	end_side(&side);
}

CASE(later_writes_of_a_list_win_over_earlier_ones)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_store);
	struct store store = make_store(&side);
	struct card card = await_store(&target);
	struct ibv_send_wr *list = make_list(&store, card, IBV_WR_RDMA_WRITE);

	memset(store.bytes, 0, COUNT * ROOM);
	for (int i = 0; i < COUNT; i++) {
		store.bytes[i * ROOM] = (char)i;
		list[i].sg_list->length = 1;
		list[i].num_sge = 1;
		list[i].wr.rdma.remote_addr = card.address;
	}
	CHECK_EQUAL(try_send(side.qp, list), 0);
	expect_fault(side.world.cq, COUNT, IBV_WC_SUCCESS);
	list = make_list(&store, card, IBV_WR_RDMA_READ);
	list[0].next = NULL;
	CHECK_EQUAL(try_send(side.qp, list), 0);
	EXPECT_COMPLETION(side.world.cq, FIRST_ID, IBV_WC_SUCCESS);
	CHECK_EQUAL(store.bytes[0], COUNT - 1);
	/* As it was, for the target's comparison. */
	memset(store.bytes, 0, 8);
	list = make_list(&store, card, IBV_WR_RDMA_WRITE);
	list[0].next = NULL;
	CHECK_EQUAL(try_send(side.qp, list), 0);
	EXPECT_COMPLETION(side.world.cq, FIRST_ID, IBV_WC_SUCCESS);
	end_store(&store);
	say_arrived(&target, 0);
	end_side(&side);
}

static void write_with_a_fault(int at_fault, enum ibv_wc_status status, void (*break_it)(struct ibv_send_wr *, struct store *))
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_store);
	struct store store = make_store(&side);
	struct ibv_send_wr *list = make_list(&store, await_store(&target), IBV_WR_RDMA_WRITE);

	for (int i = 0; i < COUNT; i++)
		fill(store.bytes + i * ROOM, length_of(i), i);
	break_it(&list[at_fault], &store);
	CHECK_EQUAL(try_send(side.qp, list), 0);
	expect_fault(side.world.cq, at_fault, status);
	end_store(&store);
	say_arrived(&target, at_fault);
	end_side(&side);
}

static void give_a_wrong_key(struct ibv_send_wr *wr, struct store *store)
{
	(void)store;
	wr->wr.rdma.rkey ^= 1;
}

static void leave_the_region(struct ibv_send_wr *wr, struct store *store)
{
	(void)store;
	wr->wr.rdma.remote_addr += COUNT * ROOM;
}

static void unmap_the_bytes(struct ibv_send_wr *wr, struct store *store)
{
	char *start = (char *)(uintptr_t)wr->sg_list->addr;

	(void)store;
	CHECK_EQUAL(munmap(start, ROOM), 0);
}

CASE(a_list_ends_at_a_wrong_key)
{
	write_with_a_fault(21, IBV_WC_REM_ACCESS_ERR, give_a_wrong_key);
	write_with_a_fault(0, IBV_WC_REM_ACCESS_ERR, give_a_wrong_key);
}

CASE(a_list_ends_at_the_end_of_the_region)
{
	write_with_a_fault(30, IBV_WC_REM_ACCESS_ERR, leave_the_region);
}

CASE(a_list_ends_where_own_memory_is_gone)
{
	write_with_a_fault(21, IBV_WC_LOC_PROT_ERR, unmap_the_bytes);
}

#define HOLE 22

static void offer_store_with_a_hole(struct side *side, int in, int out)
{
	struct store store = make_store(side);
	struct card card = {0, store.mr->rkey, (uintptr_t)store.bytes};
	char go;

	CHECK_EQUAL(munmap(store.bytes + HOLE * ROOM, ROOM), 0);
	put(out, &card, sizeof card);
	get(in, &go, 1);
	CHECK(mmap(store.bytes + HOLE * ROOM, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
		!= MAP_FAILED);
	check_store(&store, HOLE);
	end_store(&store);
}

CASE(a_list_ends_where_the_peers_memory_is_gone)
{
	struct side side;
	struct target target = start_target(&side, IBV_QPT_RC, &usual_path, offer_store_with_a_hole);
	struct store store = make_store(&side);
	struct ibv_send_wr *list = make_list(&store, await_store(&target), IBV_WR_RDMA_WRITE);

	for (int i = 0; i < COUNT; i++)
		fill(store.bytes + i * ROOM, length_of(i), i);
	CHECK_EQUAL(try_send(side.qp, list), 0);
	expect_fault(side.world.cq, HOLE, IBV_WC_REM_ACCESS_ERR);
	end_store(&store);
	put(target.to, "e", 1);
	expect_end(&target);
	end_side(&side);
}
