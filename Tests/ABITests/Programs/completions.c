/* Completion queues and channels, as objects. What arrives in them is in transfer.c and events.c. */
#include "check.h"

CASE(queue_is_described)
{
	struct world world = make_world();
	int tag;
	struct ibv_comp_channel *channel = ibv_create_comp_channel(world.context);
	struct ibv_cq *cq = ibv_create_cq(world.context, 10, &tag, channel, 0);

	CHECK(cq != NULL);
	CHECK(cq->cqe >= 10);
	CHECK(cq->cq_context == &tag);
	CHECK(cq->channel == channel);
	CHECK(cq->context == world.context);
	CHECK_EQUAL(channel->refcnt, 1);
	CHECK(channel->fd >= 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(channel), EBUSY);
	CHECK_EQUAL(ibv_destroy_cq(cq), 0);
	CHECK_EQUAL(channel->refcnt, 0);
	CHECK_EQUAL(ibv_destroy_comp_channel(channel), 0);
	end_world(&world);
	SHOWS(ibv_create_cq, ibv_destroy_cq, ibv_create_comp_channel, ibv_destroy_comp_channel);
}

CASE(queue_refuses_wrong_sizes)
{
	struct world world = make_world();
	struct ibv_device_attr attr;

	CHECK_EQUAL(ibv_query_device(world.context, &attr), 0);
	CHECK_NULL(ibv_create_cq(world.context, 0, NULL, NULL, 0), EINVAL);
	CHECK_NULL(ibv_create_cq(world.context, -1, NULL, NULL, 0), EINVAL);
	CHECK_NULL(ibv_create_cq(world.context, attr.max_cqe + 1, NULL, NULL, 0), EINVAL);
	CHECK_NULL(ibv_create_cq(world.context, 1, NULL, NULL, -1), EINVAL);
	CHECK_NULL(ibv_create_cq(world.context, 1, NULL, NULL, world.context->num_comp_vectors), EINVAL);
	CHECK_NULL(ibv_create_cq(NULL, 1, NULL, NULL, 0), EINVAL);
	end_world(&world);
}

CASE(queue_can_be_resized)
{
	struct world world = make_world();

	CHECK_EQUAL(ibv_resize_cq(world.cq, 5000), 0);
	CHECK(world.cq->cqe >= 5000);
	CHECK_EQUAL(ibv_resize_cq(world.cq, 16), 0);
	CHECK(world.cq->cqe >= 16);
	CHECK_EQUAL(ibv_resize_cq(world.cq, 0), EINVAL);
	CHECK_EQUAL(ibv_resize_cq(world.cq, 1 << 30), EINVAL);
	end_world(&world);
	SHOWS(ibv_resize_cq);
}

CASE(queue_is_busy_while_a_queue_pair_uses_it)
{
	struct world world = make_world();
	struct ibv_qp *qp = make_qp(&world, IBV_QPT_RC);

	CHECK_EQUAL(ibv_destroy_cq(world.cq), EBUSY);
	CHECK_EQUAL(ibv_destroy_qp(qp), 0);
	end_world(&world);
}

CASE(empty_queue_gives_nothing)
{
	struct world world = make_world();
	struct ibv_wc wc;

	CHECK_EQUAL(ibv_poll_cq(world.cq, 1, &wc), 0);
	CHECK_EQUAL(ibv_poll_cq(world.cq, 0, &wc), 0);
	CHECK_EQUAL(ibv_req_notify_cq(world.cq, 0), 0);
	end_world(&world);
	SHOWS(ibv_poll_cq);
}

CASE(extended_queue_has_the_fields_asked_for)
{
	struct world world = make_world();
	struct ibv_cq_init_attr_ex attr = {.cqe = 16, .wc_flags = IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(world.context, &attr);
	struct ibv_poll_cq_attr poll_attr = {0};

	CHECK(cq != NULL);
	CHECK(cq->cqe >= 16);
	CHECK(cq->read_byte_len != NULL && cq->read_completion_ts != NULL && cq->read_opcode != NULL);
	CHECK(cq->read_imm_data == NULL && cq->read_cvlan == NULL);
	CHECK_EQUAL(ibv_start_poll(cq, &poll_attr), ENOENT);
	poll_attr.comp_mask = 1;
	CHECK_EQUAL(ibv_start_poll(cq, &poll_attr), EINVAL);
	CHECK_EQUAL(ibv_destroy_cq(ibv_cq_ex_to_cq(cq)), 0);

	attr.wc_flags = IBV_CREATE_CQ_SUP_WC_FLAGS;
	CHECK_NULL(ibv_create_cq_ex(world.context, &attr), EOPNOTSUPP);
	attr.wc_flags = 0;
	attr.cqe = 0;
	CHECK_NULL(ibv_create_cq_ex(world.context, &attr), EINVAL);
	attr.cqe = 1;
	attr.comp_vector = 99;
	CHECK_NULL(ibv_create_cq_ex(world.context, &attr), EINVAL);
	attr.comp_vector = 0;
	attr.comp_mask = 1 << 9;
	CHECK_NULL(ibv_create_cq_ex(world.context, &attr), EOPNOTSUPP);
	end_world(&world);
	SHOWS(ibv_create_cq_ex);
}

CASE(channel_without_events_waits_or_says_so)
{
	struct world world = make_world();
	struct ibv_comp_channel *channel = ibv_create_comp_channel(world.context);
	struct pollfd entry = {.fd = channel->fd, .events = POLLIN};
	struct ibv_cq *cq;
	void *tag;

	CHECK_EQUAL(poll(&entry, 1, 0), 0);
	CHECK_EQUAL(fcntl(channel->fd, F_SETFL, fcntl(channel->fd, F_GETFL) | O_NONBLOCK), 0);
	errno = 0;
	CHECK_EQUAL(ibv_get_cq_event(channel, &cq, &tag), -1);
	CHECK_EQUAL(errno, EAGAIN);
	CHECK_EQUAL(ibv_destroy_comp_channel(channel), 0);
	end_world(&world);
}

CASE(context_without_events_says_so)
{
	struct world world = make_world();
	struct ibv_async_event event;

	CHECK_EQUAL(fcntl(world.context->async_fd, F_SETFL, fcntl(world.context->async_fd, F_GETFL) | O_NONBLOCK), 0);
	errno = 0;
	CHECK_EQUAL(ibv_get_async_event(world.context, &event), -1);
	CHECK_EQUAL(errno, EAGAIN);
	end_world(&world);
}
