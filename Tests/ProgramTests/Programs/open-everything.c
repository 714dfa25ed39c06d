/* Opens the first device and makes one object of each kind. Says which step failed with which errno (exit code 3). */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(const char *step, void *result)
{
	if (!result) {
		printf("%s failed: errno %d (%s)\n", step, errno, strerror(errno));
		exit(3);
	}
	return result;
}

int main(void)
{
	struct ibv_device **list = check("ibv_get_device_list", ibv_get_device_list(NULL));
	errno = ENODEV;
	struct ibv_device *device = check("the first device", list[0]);
	struct ibv_context *context = check("ibv_open_device", ibv_open_device(device));
	struct ibv_pd *pd = check("ibv_alloc_pd", ibv_alloc_pd(context));
	void *memory = check("malloc", malloc(4096));
	struct ibv_mr *mr = check("ibv_reg_mr", ibv_reg_mr(pd, memory, 4096, IBV_ACCESS_LOCAL_WRITE));
	struct ibv_comp_channel *channel = check("ibv_create_comp_channel", ibv_create_comp_channel(context));
	struct ibv_cq *cq = check("ibv_create_cq", ibv_create_cq(context, 16, NULL, channel, 0));
	struct ibv_qp_init_attr attributes = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp *qp = check("ibv_create_qp", ibv_create_qp(pd, &attributes));

	int failures = 0;
	failures += ibv_destroy_qp(qp) != 0;
	failures += ibv_destroy_cq(cq) != 0;
	failures += ibv_destroy_comp_channel(channel) != 0;
	failures += ibv_dereg_mr(mr) != 0;
	failures += ibv_dealloc_pd(pd) != 0;
	failures += ibv_close_device(context) != 0;
	ibv_free_device_list(list);
	free(memory);
	printf("opened everything, %d could not be closed\n", failures);
	return failures ? 4 : 0;
}
