/* System calls, types and macros that the Glibc module does not show to Swift. No logic here. */
#ifndef CSHIMS_H
#define CSHIMS_H

/*
 * Swift has the C library's types from its own module. Were they first seen here, they would count as ours, and files
 * that import only Glibc would not find them.
 */
#ifdef __swift__
#pragma clang module import SwiftGlibc
#endif

#include "CShimsGuard.h"
#include "CShimsMemory.h"
#include "CShimsProcess.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/xattr.h>

/* Functions that Linux hides behind _GNU_SOURCE, which cannot be set for an imported module. */

int cshims_memfd_create(const char *name);
char *cshims_secure_getenv(const char *name);
int cshims_pthread_setname(pthread_t thread, const char *name);
pid_t cshims_gettid(void);
pid_t cshims_fork(void);
/* preadv2 with RWF_NOWAIT at the current position. */
ssize_t cshims_read_nowait(int descriptor, void *buffer, size_t byte_count);

/* Instructions that Swift has no word for. */

static inline void cshims_prefetch_read(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void cshims_prefetch_write(const void *address) { __builtin_prefetch(address, 1, 3); }

/* Variadic functions, which Swift cannot call. */

int cshims_fcntl_int(int descriptor, int command, int argument);
int cshims_fcntl_lock(int descriptor, int command, struct flock *lock);
int cshims_ioctl_pointer(int descriptor, unsigned long request, void *argument);
int cshims_open(const char *path, int flags, unsigned int mode);

/* The query of one mapping, Linux 6.11. Debian 12's headers do not have it yet. */

struct cshims_mapping_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_address;
	uint64_t start;
	uint64_t end;
	uint64_t flags;
	uint64_t page_size;
	uint64_t file_offset;
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	uint32_t name_size;
	uint32_t build_id_size;
	uint64_t name_address;
	uint64_t build_id_address;
};

enum {
	CSHIMS_MAPPING_READABLE = 0x01,
	CSHIMS_MAPPING_WRITABLE = 0x02,
};

int cshims_query_mapping(int descriptor, struct cshims_mapping_query *query);

/* Constants whose macros do not import. */

enum {
	CSHIMS_UDP_SEGMENT = UDP_SEGMENT,
	CSHIMS_UDP_GRO = UDP_GRO,
	CSHIMS_UDP_LEVEL = IPPROTO_UDP,
	/* linux/in6.h, which does not go together with netinet/in.h. */
	CSHIMS_IPV6_MULTICAST_ALL = 29,
};

#endif
