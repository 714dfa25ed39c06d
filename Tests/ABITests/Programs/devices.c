/* Devices, contexts, and what can be asked of them. */
#include "check.h"

#include <dlfcn.h>
#undef ibv_query_port

CASE(list_ends_with_null_and_count_is_right)
{
	int count = -1;
	struct ibv_device **list = ibv_get_device_list(&count);

	CHECK(list != NULL);
	CHECK(count > 0);
	for (int i = 0; i < count; i++)
		CHECK(list[i] != NULL);
	CHECK(list[count] == NULL);
	ibv_free_device_list(list);
	list = ibv_get_device_list(NULL);
	CHECK(list != NULL);
	ibv_free_device_list(list);
	SHOWS(ibv_get_device_list, ibv_free_device_list);
}

CASE(device_is_described)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_device *device = list[0];

	CHECK_EQUAL(device->node_type, IBV_NODE_CA);
	CHECK_EQUAL(device->transport_type, IBV_TRANSPORT_IB);
	CHECK(strncmp(ibv_get_device_name(device), "verbena", 7) == 0);
	CHECK(ibv_get_device_name(device) == device->name);
	CHECK(strncmp(device->dev_name, "uverbs", 6) == 0);
	CHECK(device->dev_path[0] == '/');
	CHECK(device->ibdev_path[0] == '/');
	CHECK(ibv_get_device_guid(device) != 0);
	CHECK_EQUAL(ibv_get_device_index(device), 0);
	/* libmlx5 looks behind the struct for a driver's own. */
	const char *behind = (const char *)(device + 1);
	for (int i = 0; i < 256; i++)
		CHECK_EQUAL(behind[i], 0);
	ibv_free_device_list(list);
	SHOWS(ibv_get_device_name, ibv_get_device_guid, ibv_get_device_index);
}

CASE(devices_keep_their_address)
{
	struct ibv_device **first = ibv_get_device_list(NULL), **second = ibv_get_device_list(NULL);

	for (int i = 0; first[i] != NULL; i++)
		CHECK(first[i] == second[i]);
	ibv_free_device_list(first);
	ibv_free_device_list(second);
}

CASE(open_device_outlives_its_list)
{
	struct ibv_context *context = open_first_device();

	CHECK(strncmp(ibv_get_device_name(context->device), "verbena", 7) == 0);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_open_device, ibv_close_device);
}

CASE(opening_what_is_no_device_fails)
{
	struct ibv_device none = {.name = "none"};

	CHECK_NULL(ibv_open_device(&none), ENODEV);
	CHECK_NULL(ibv_open_device(NULL), EINVAL);
	CHECK_EQUAL(ibv_get_device_guid(&none), 0);
	CHECK_EQUAL(ibv_get_device_index(&none), -1);
}

CASE(context_is_extended)
{
	struct ibv_context *context = open_first_device();
	struct verbs_context *table = verbs_get_ctx(context);

	CHECK(table != NULL);
	CHECK(&table->context == context);
	CHECK_EQUAL(table->sz, sizeof *table);
	CHECK(context->async_fd >= 0);
	/* It may be duplicated, to hand the device on to another process. */
	int copy = dup(context->cmd_fd);
	CHECK(copy >= 0);
	close(copy);
	CHECK(context->num_comp_vectors >= 1);
	CHECK_EQUAL(pthread_mutex_lock(&context->mutex), 0);
	CHECK_EQUAL(pthread_mutex_unlock(&context->mutex), 0);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

CASE(several_contexts_of_one_device)
{
	struct ibv_context *first = open_first_device(), *second = open_first_device();

	CHECK(first != second);
	CHECK(first->async_fd != second->async_fd);
	CHECK_EQUAL(ibv_close_device(first), 0);
	struct ibv_device_attr attr;
	CHECK_EQUAL(ibv_query_device(second, &attr), 0);
	CHECK_EQUAL(ibv_close_device(second), 0);
}

CASE(device_attributes)
{
	struct ibv_context *context = open_first_device();
	struct ibv_device_attr attr;

	memset(&attr, 0xAA, sizeof attr);
	CHECK_EQUAL(ibv_query_device(context, &attr), 0);
	CHECK_EQUAL(attr.node_guid, ibv_get_device_guid(context->device));
	CHECK_EQUAL(attr.phys_port_cnt, 1);
	CHECK(attr.max_qp > 0 && attr.max_cq > 0 && attr.max_mr > 0 && attr.max_sge >= 16);
	CHECK_EQUAL(attr.atomic_cap, IBV_ATOMIC_HCA);
	CHECK_EQUAL(attr.max_pkeys, 1);
	CHECK(memchr(attr.fw_ver, 0, sizeof attr.fw_ver) != NULL);
	/* What is not built is not claimed. */
	CHECK_EQUAL(attr.max_ee, 0);
	CHECK_EQUAL(attr.max_raw_ethy_qp, 0);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_device);
}

/* Structs of programs that were built with an older or a newer header. */
CASE(extended_device_attributes_of_any_size)
{
	struct ibv_context *context = open_first_device();
	struct verbs_context *table = verbs_get_ctx(context);
	struct {
		struct ibv_device_attr_ex attr;
		char tail[64];
	} answer;

	memset(&answer, 0xAA, sizeof answer);
	CHECK_EQUAL(ibv_query_device_ex(context, NULL, &answer.attr), 0);
	CHECK_EQUAL(answer.attr.phys_port_cnt_ex, 1);
	CHECK_EQUAL(answer.attr.hca_core_clock, 1000000);
	CHECK_EQUAL(answer.tail[0], (char)0xAA);

	memset(&answer, 0xAA, sizeof answer);
	CHECK_EQUAL(table->query_device_ex(context, NULL, &answer.attr, sizeof answer), 0);
	for (size_t i = 0; i < sizeof answer.tail; i++)
		CHECK_EQUAL(answer.tail[i], 0);

	size_t shorter = offsetof(struct ibv_device_attr_ex, odp_caps);
	memset(&answer, 0xAA, sizeof answer);
	CHECK_EQUAL(table->query_device_ex(context, NULL, &answer.attr, shorter), 0);
	CHECK_EQUAL(answer.attr.orig_attr.phys_port_cnt, 1);
	CHECK_EQUAL(((unsigned char *)&answer)[shorter], 0xAA);

	CHECK_EQUAL(table->query_device_ex(context, NULL, &answer.attr, sizeof(struct ibv_device_attr) - 1), EINVAL);
	struct ibv_query_device_ex_input input = {.comp_mask = 1};
	CHECK_EQUAL(ibv_query_device_ex(context, &input, &answer.attr), EINVAL);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_device_ex);
}

CASE(port_attributes)
{
	struct ibv_context *context = open_first_device();
	struct ibv_port_attr attr;

	memset(&attr, 0xAA, sizeof attr);
	CHECK_EQUAL(___ibv_query_port(context, PORT, &attr), 0);
	CHECK_EQUAL(attr.state, IBV_PORT_ACTIVE);
	CHECK_EQUAL(attr.link_layer, IBV_LINK_LAYER_ETHERNET);
	CHECK(attr.active_mtu >= IBV_MTU_256 && attr.active_mtu <= attr.max_mtu);
	CHECK(attr.gid_tbl_len > 0);
	CHECK_EQUAL(attr.pkey_tbl_len, 1);
	CHECK_EQUAL(attr.lid, 0);
	CHECK_EQUAL(attr.port_cap_flags2, 0);
	CHECK_EQUAL(___ibv_query_port(context, 0, &attr), EINVAL);
	CHECK_EQUAL(___ibv_query_port(context, 2, &attr), EINVAL);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

/* Programs built before rdma-core 23 have room for 48 bytes. */
CASE(old_face_of_query_port_writes_48_bytes)
{
	struct ibv_context *context = open_first_device();
	unsigned char bytes[64];

	memset(bytes, 0xAA, sizeof bytes);
	CHECK_EQUAL(ibv_query_port(context, PORT, (struct _compat_ibv_port_attr *)bytes), 0);
	CHECK_EQUAL(((struct ibv_port_attr *)bytes)->state, IBV_PORT_ACTIVE);
	for (size_t i = 48; i < sizeof bytes; i++)
		CHECK_EQUAL(bytes[i], 0xAA);
	CHECK_EQUAL(ibv_query_port(context, 9, (struct _compat_ibv_port_attr *)bytes), EINVAL);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_port);
}

CASE(gids_are_found_in_every_way)
{
	struct ibv_context *context = open_first_device();
	struct ibv_port_attr port;
	struct ibv_gid_entry entries[256], one;
	int (*query_type)(struct ibv_context *, uint8_t, unsigned int, unsigned int *) =
		(int (*)(struct ibv_context *, uint8_t, unsigned int, unsigned int *))dlsym(RTLD_DEFAULT, "ibv_query_gid_type");

	CHECK(query_type != NULL);
	CHECK_EQUAL(___ibv_query_port(context, PORT, &port), 0);
	ssize_t count = ibv_query_gid_table(context, entries, 256, 0);
	CHECK(count > 0 && count <= port.gid_tbl_len);
	for (ssize_t i = 0; i < count; i++) {
		union ibv_gid gid;
		unsigned int type = 99;

		CHECK_EQUAL(entries[i].port_num, PORT);
		CHECK_EQUAL(entries[i].gid_type, IBV_GID_TYPE_ROCE_V2);
		CHECK(entries[i].ndev_ifindex > 0);
		CHECK_EQUAL(ibv_query_gid(context, PORT, entries[i].gid_index, &gid), 0);
		CHECK(memcmp(&gid, &entries[i].gid, sizeof gid) == 0);
		memset(&one, 0xAA, sizeof one);
		CHECK_EQUAL(ibv_query_gid_ex(context, PORT, entries[i].gid_index, &one, 0), 0);
		CHECK(memcmp(&one, &entries[i], sizeof one) == 0);
		CHECK_EQUAL(query_type(context, PORT, entries[i].gid_index, &type), 0);
		CHECK_EQUAL(type, 1);
	}
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_gid, ibv_query_gid_ex, ibv_query_gid_table);
}

CASE(gid_queries_report_errors)
{
	struct ibv_context *context = open_first_device();
	struct ibv_gid_entry entries[2];
	struct {
		struct ibv_gid_entry entry;
		char more[8];
	} wide[64];
	union ibv_gid gid;

	CHECK_EQUAL(ibv_query_gid(context, PORT, -1, &gid), -1);
	CHECK_EQUAL(ibv_query_gid(context, PORT, 1 << 20, &gid), -1);
	CHECK_EQUAL(ibv_query_gid(context, 2, 0, &gid), -1);
	CHECK_EQUAL(ibv_query_gid_ex(context, PORT, 1 << 20, entries, 0), EINVAL);
	CHECK_EQUAL(ibv_query_gid_ex(context, 2, 0, entries, 0), EINVAL);
	CHECK_EQUAL(ibv_query_gid_ex(context, PORT, 0, entries, 1), EINVAL);
	CHECK_EQUAL(ibv_query_gid_table(context, entries, 0, 0), -EINVAL);
	CHECK_EQUAL(_ibv_query_gid_table(context, entries, 2, 0, sizeof(struct ibv_gid_entry) - 1), -EINVAL);
	ssize_t count = _ibv_query_gid_table(context, &wide[0].entry, 64, 0, sizeof wide[0]);
	CHECK(count > 0);
	for (ssize_t i = 0; i < count; i++)
		CHECK_EQUAL(wide[i].entry.port_num, PORT);
	CHECK_EQUAL(ibv_close_device(context), 0);
}

CASE(partition_keys)
{
	struct ibv_context *context = open_first_device();
	__be16 pkey = 0;

	CHECK_EQUAL(ibv_query_pkey(context, PORT, 0, &pkey), 0);
	CHECK_EQUAL(pkey, 0xFFFF);
	CHECK_EQUAL(ibv_query_pkey(context, PORT, 1, &pkey), -1);
	CHECK_EQUAL(ibv_get_pkey_index(context, PORT, 0xFFFF), 0);
	CHECK_EQUAL(ibv_get_pkey_index(context, PORT, htons(0x8001)), -1);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_pkey, ibv_get_pkey_index);
}

CASE(clock_is_that_of_completions)
{
	struct ibv_context *context = open_first_device();
	struct ibv_values_ex values = {.comp_mask = IBV_VALUES_MASK_RAW_CLOCK};
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_EQUAL(ibv_query_rt_values_ex(context, &values), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK_EQUAL(values.comp_mask, IBV_VALUES_MASK_RAW_CLOCK);
	double seconds = values.raw_clock.tv_sec + values.raw_clock.tv_nsec / 1e9;
	CHECK(before.tv_sec + before.tv_nsec / 1e9 <= seconds && seconds <= after.tv_sec + after.tv_nsec / 1e9);
	CHECK_EQUAL(ibv_close_device(context), 0);
	SHOWS(ibv_query_rt_values_ex);
}

CASE(what_is_not_built_says_so)
{
	struct world world = make_world();
	struct ibv_counters_init_attr counters = {0};
	struct ibv_wq_init_attr wq = {.max_wr = 1};
	struct ibv_srq_init_attr_ex srq = {.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD,
					   .srq_type = IBV_SRQT_TM,
					   .pd = world.pd};
	struct ibv_qp_init_attr raw = qp_init(&world, IBV_QPT_RAW_PACKET);

	CHECK_NULL(ibv_create_counters(world.context, &counters), EOPNOTSUPP);
	CHECK_NULL(ibv_create_wq(world.context, &wq), EOPNOTSUPP);
	CHECK_NULL(ibv_create_srq_ex(world.context, &srq), EOPNOTSUPP);
	CHECK_NULL(ibv_create_qp(world.pd, &raw), EOPNOTSUPP);
	CHECK_NULL(ibv_reg_dmabuf_mr(world.pd, 0, 4096, 0, 0, 0), EOPNOTSUPP);
	end_world(&world);
}

CASE(drivers_symbols_answer)
{
	int (*alloc_pd)(void *, void *, void *, size_t, void *, size_t) = dlsym(RTLD_DEFAULT, "ibv_cmd_alloc_pd");
	void (*register_driver)(const void *) = dlsym(RTLD_DEFAULT, "verbs_register_driver_34");
	void *(*allocate)(void *, int, size_t, void *, uint32_t) = dlsym(RTLD_DEFAULT, "_verbs_init_and_alloc_context");
	char *allows = dlsym(RTLD_DEFAULT, "verbs_allow_disassociate_destroy");
	const char *(*sysfs_path)(void) = dlsym(RTLD_DEFAULT, "ibv_get_sysfs_path");
	int (*read_file)(const char *, const char *, char *, size_t) = dlsym(RTLD_DEFAULT, "ibv_read_sysfs_file");
	char text[16];

	CHECK_EQUAL(alloc_pd(NULL, NULL, NULL, 0, NULL, 0), EOPNOTSUPP);
	register_driver(NULL);
	CHECK_NULL(allocate(NULL, -1, 4096, NULL, 0), EOPNOTSUPP);
	CHECK_EQUAL(*allows, 0);
	CHECK(strcmp(sysfs_path(), "/sys") == 0);
	CHECK_EQUAL(read_file("/sys/class/infiniband/none", "node_guid", text, sizeof text), -1);
}
