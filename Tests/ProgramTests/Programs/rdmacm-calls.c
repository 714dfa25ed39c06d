/* Calls of librdmacm.so.1 that need no connection management, and how those answer that do. */
#include <arpa/inet.h>
#include <errno.h>
#include <rdma/rdma_cma.h>
#include <rdma/rsocket.h>
#include <stdio.h>
#include <string.h>

static int failure_count;

static void expect(int condition, const char *claim)
{
	if (condition)
		return;
	printf("not so: %s (errno %d)\n", claim, errno);
	failure_count++;
}

int main(void)
{
	expect(!strcmp(rdma_event_str(RDMA_CM_EVENT_ESTABLISHED), "RDMA_CM_EVENT_ESTABLISHED"), "an event has its name");
	expect(!strcmp(rdma_event_str(RDMA_CM_EVENT_TIMEWAIT_EXIT), "RDMA_CM_EVENT_TIMEWAIT_EXIT"), "so has the last one");
	expect(!strcmp(rdma_event_str(99), "UNKNOWN EVENT"), "a number that is none has not");

	int count = -1;
	struct ibv_context **list = rdma_get_devices(&count);
	expect(list && count == 0 && !list[0], "the list of devices is empty");
	rdma_free_devices(list);
	rdma_free_devices(NULL);
	rdma_freeaddrinfo(NULL);
	rdma_destroy_event_channel(NULL);

	struct rdma_cm_id id = { 0 };
	id.route.addr.src_sin.sin_family = AF_INET;
	id.route.addr.src_sin.sin_port = htons(1234);
	id.route.addr.dst_sin6.sin6_family = AF_INET6;
	id.route.addr.dst_sin6.sin6_port = htons(5678);
	expect(rdma_get_src_port(&id) == htons(1234), "the own port is that of the own address");
	expect(rdma_get_dst_port(&id) == htons(5678), "the peer's port is that of the peer's address");

	errno = 0;
	expect(!rdma_create_event_channel() && errno == EOPNOTSUPP, "an event channel is not supported");
	errno = 0;
	expect(rdma_create_id(NULL, NULL, NULL, RDMA_PS_TCP) == -1 && errno == EOPNOTSUPP, "nor is an identifier");
	errno = 0;
	expect(rdma_ack_cm_event(NULL) == -1 && errno == EINVAL, "no event is no event");
	errno = 0;
	expect(rsocket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EOPNOTSUPP, "nor is a socket over RDMA");
	errno = 0;
	expect(rfcntl(0, 1, 0) == -1 && errno == EOPNOTSUPP, "nor its control");
	errno = 0;
	expect(riowrite(0, NULL, 0, 0, 0) == (size_t)-1 && errno == EOPNOTSUPP, "nor direct placement");
	return failure_count ? 3 : 0;
}
