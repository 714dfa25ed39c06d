/* Functions that need no device: names, rates, conversions. */
#include "check.h"

#include <infiniband/sa.h>
#include <rdma/ib_user_sa.h>
#include <rdma/ib_user_verbs.h>

void ibv_copy_path_rec_from_kern(struct ibv_sa_path_rec *destination, struct ib_user_path_rec *source);
void ibv_copy_path_rec_to_kern(struct ib_user_path_rec *destination, struct ibv_sa_path_rec *source);
void ibv_copy_qp_attr_from_kern(struct ibv_qp_attr *destination, struct ib_uverbs_qp_attr *source);

CASE(every_value_has_a_name)
{
	for (int i = -2; i < 40; i++) {
		CHECK(strlen(ibv_node_type_str(i)) > 0);
		CHECK(strlen(ibv_port_state_str(i)) > 0);
		CHECK(strlen(ibv_event_type_str(i)) > 0);
		CHECK(strlen(ibv_wc_status_str(i)) > 0);
	}
	CHECK(strcmp(ibv_wc_status_str(IBV_WC_SUCCESS), "success") == 0);
	CHECK(strcmp(ibv_wc_status_str(IBV_WC_RETRY_EXC_ERR), "transport retry counter exceeded") == 0);
	CHECK(strcmp(ibv_wc_status_str(1000), "unknown") == 0);
	CHECK(strcmp(ibv_port_state_str(IBV_PORT_ACTIVE), "active") == 0);
	CHECK(strcmp(ibv_event_type_str(IBV_EVENT_SRQ_LIMIT_REACHED), "SRQ limit reached") == 0);
	CHECK(strcmp(ibv_node_type_str(IBV_NODE_CA), "InfiniBand channel adapter") == 0);
	SHOWS(ibv_node_type_str, ibv_port_state_str, ibv_event_type_str, ibv_wc_status_str);
}

CASE(rates_go_there_and_back)
{
	int known = 0;

	for (int rate = 1; rate < 40; rate++) {
		int mbps = ibv_rate_to_mbps(rate), multiple = ibv_rate_to_mult(rate);

		if (mbps >= 0) {
			known++;
			CHECK_EQUAL(mbps_to_ibv_rate(mbps), rate);
		}
		if (multiple >= 0)
			CHECK_EQUAL(mult_to_ibv_rate(multiple), rate);
	}
	CHECK_EQUAL(known, 23);
	CHECK_EQUAL(ibv_rate_to_mbps(IBV_RATE_100_GBPS), 103125);
	CHECK_EQUAL(ibv_rate_to_mult(IBV_RATE_5_GBPS), 2);
	CHECK_EQUAL(ibv_rate_to_mult(IBV_RATE_MAX), -1);
	CHECK_EQUAL(mbps_to_ibv_rate(12345), IBV_RATE_MAX);
	CHECK_EQUAL(mult_to_ibv_rate(-1), IBV_RATE_MAX);
	SHOWS(ibv_rate_to_mult, ibv_rate_to_mbps);
}

CASE(path_records_survive_the_round_trip)
{
	struct ib_user_path_rec from, back;
	struct ibv_sa_path_rec record;

	for (size_t i = 0; i < sizeof from; i++)
		((unsigned char *)&from)[i] = i + 1;
	/* The user's struct has eight bits for it. */
	from.mtu = 0x5A;
	memset(&back, 0xAA, sizeof back);
	ibv_copy_path_rec_from_kern(&record, &from);
	CHECK_EQUAL(record.hop_limit, from.hop_limit);
	CHECK_EQUAL(record.packet_life_time, from.packet_life_time);
	ibv_copy_path_rec_to_kern(&back, &record);
	CHECK(memcmp(&from, &back, sizeof from) == 0);
}

CASE(attributes_come_from_the_kernels_struct)
{
	struct ib_uverbs_qp_attr from = {.qp_state = 3, .path_mtu = 4, .rq_psn = 77, .dest_qp_num = 0x123456,
					 .port_num = 1, .timeout = 14, .max_inline_data = 99};
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_SQE};

	from.ah_attr.grh.dgid[15] = 9;
	from.ah_attr.grh.hop_limit = 64;
	from.alt_ah_attr.dlid = 5;
	ibv_copy_qp_attr_from_kern(&attr, &from);
	/* The state is the caller's to set. */
	CHECK_EQUAL(attr.qp_state, IBV_QPS_SQE);
	CHECK_EQUAL(attr.path_mtu, IBV_MTU_2048);
	CHECK_EQUAL(attr.rq_psn, 77);
	CHECK_EQUAL(attr.dest_qp_num, 0x123456);
	CHECK_EQUAL(attr.cap.max_inline_data, 99);
	CHECK_EQUAL(attr.ah_attr.grh.dgid.raw[15], 9);
	CHECK_EQUAL(attr.ah_attr.grh.hop_limit, 64);
	CHECK_EQUAL(attr.alt_ah_attr.dlid, 5);
	CHECK_EQUAL(attr.timeout, 14);
}

/* The 40 bytes before a datagram that came over IPv4, from 10.1.2.3 to the port's own address. */
static struct ibv_grh ipv4_route(const union ibv_gid *destination)
{
	struct ibv_grh route;
	unsigned char *header = (unsigned char *)&route + 20;
	uint32_t sum = 0;

	memset(&route, 0, sizeof route);
	memcpy(header, (unsigned char[]){0x45, 0x28, 0, 60, 0, 0, 0x40, 0, 33, 17, 0, 0, 10, 1, 2, 3}, 16);
	memcpy(header + 16, destination->raw + 12, 4);
	for (int i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	header[10] = ~sum >> 8;
	header[11] = ~sum;
	return route;
}

CASE(sender_of_a_datagram_over_ipv4)
{
	struct world world = make_world();
	struct ibv_wc wc = {.wc_flags = IBV_WC_GRH, .src_qp = 5};
	struct ibv_grh route = ipv4_route(&world.gid);
	struct ibv_ah_attr attr;
	static const uint8_t mapped[16] = {[10] = 0xFF, [11] = 0xFF, 10, 1, 2, 3};

	CHECK(memcmp(world.gid.raw, mapped, 12) == 0);
	memset(&attr, 0xAA, sizeof attr);
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), 0);
	CHECK_EQUAL(attr.is_global, 1);
	CHECK_EQUAL(attr.port_num, PORT);
	CHECK_EQUAL(attr.grh.sgid_index, world.gid_index);
	CHECK_EQUAL(attr.grh.hop_limit, 33);
	CHECK_EQUAL(attr.grh.traffic_class, 0x28);
	CHECK(memcmp(attr.grh.dgid.raw, mapped, 16) == 0);

	/* The first 20 bytes may be anything, also what looks like IPv6. */
	*(unsigned char *)&route = 0x60;
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), 0);
	CHECK(memcmp(attr.grh.dgid.raw, mapped, 16) == 0);

	struct ibv_ah *ah = ibv_create_ah_from_wc(world.pd, &wc, &route, PORT);
	CHECK(ah != NULL);
	CHECK_EQUAL(ibv_destroy_ah(ah), 0);

	/* To an address that is not ours. */
	route = ipv4_route(&(union ibv_gid){.raw = {[12] = 192, 0, 2, 77}});
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), -1);
	/* To a multicast group. */
	route = ipv4_route(&(union ibv_gid){.raw = {[12] = 224, 0, 0, 5}});
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), -1);
	memset(&route, 0, sizeof route);
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), -1);
	CHECK_EQUAL(errno, EPROTONOSUPPORT);
	end_world(&world);
	SHOWS(ibv_init_ah_from_wc);
}

CASE(sender_of_a_datagram_over_ipv6)
{
	struct world world = make_world();
	struct ibv_wc wc = {.wc_flags = IBV_WC_GRH};
	struct ibv_grh route = {.version_tclass_flow = htonl(6u << 28 | 0x12 << 20 | 0x34567),
				.next_hdr = 17, .hop_limit = 9, .dgid = world.gid};
	struct ibv_ah_attr attr;

	route.sgid.raw[0] = 0xFE;
	route.sgid.raw[1] = 0x80;
	route.sgid.raw[15] = 7;
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, &route, &attr), 0);
	CHECK_EQUAL(attr.grh.flow_label, 0x34567);
	CHECK_EQUAL(attr.grh.traffic_class, 0x12);
	CHECK_EQUAL(attr.grh.hop_limit, 9);
	CHECK_EQUAL(attr.grh.sgid_index, world.gid_index);
	CHECK(memcmp(&attr.grh.dgid, &route.sgid, 16) == 0);
	/* Without a global route there is nothing to find. */
	wc.wc_flags = 0;
	CHECK_EQUAL(ibv_init_ah_from_wc(world.context, PORT, &wc, NULL, &attr), 0);
	CHECK_EQUAL(attr.is_global, 0);
	end_world(&world);
}

CASE(ethernet_addresses_that_need_no_network)
{
	struct world world = make_world();
	struct ibv_ah_attr attr = {.is_global = 1, .port_num = PORT};
	uint8_t mac[6];
	uint16_t vlan = 0;

	attr.grh.dgid = (union ibv_gid){.raw = {0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x11, 0x22, 0xFF, 0xFE, 0x33, 0x44, 0x55}};
	CHECK_EQUAL(ibv_resolve_eth_l2_from_gid(world.context, &attr, mac, &vlan), 0);
	CHECK(memcmp(mac, (uint8_t[]){0x00, 0x11, 0x22, 0x33, 0x44, 0x55}, 6) == 0);
	CHECK_EQUAL(vlan, 0xFFFF);
	attr.grh.dgid = (union ibv_gid){.raw = {[10] = 0xFF, [11] = 0xFF, 239, 129, 2, 3}};
	CHECK_EQUAL(ibv_resolve_eth_l2_from_gid(world.context, &attr, mac, NULL), 0);
	CHECK(memcmp(mac, (uint8_t[]){0x01, 0x00, 0x5E, 0x01, 0x02, 0x03}, 6) == 0);
	attr.grh.dgid = (union ibv_gid){.raw = {0xFF, 0x02, [12] = 1, 2, 3, 4}};
	CHECK_EQUAL(ibv_resolve_eth_l2_from_gid(world.context, &attr, mac, NULL), 0);
	CHECK(memcmp(mac, (uint8_t[]){0x33, 0x33, 1, 2, 3, 4}, 6) == 0);
	attr.grh.dgid = world.gid;
	CHECK_EQUAL(ibv_resolve_eth_l2_from_gid(world.context, &attr, mac, NULL), 0);
	attr.grh.dgid = (union ibv_gid){.raw = {[10] = 0xFF, [11] = 0xFF, 192, 0, 2, 1}};
	CHECK_EQUAL(ibv_resolve_eth_l2_from_gid(world.context, &attr, mac, NULL), -1);
	CHECK_EQUAL(errno, EHOSTUNREACH);
	end_world(&world);
	SHOWS(ibv_resolve_eth_l2_from_gid);
}
