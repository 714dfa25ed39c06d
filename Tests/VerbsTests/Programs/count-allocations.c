/* Preloaded: counts the calls of the allocator, and says the sum at the end of the program on standard error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong count;

void *malloc(size_t size)
{
	atomic_fetch_add(&count, 1);
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	atomic_fetch_add(&count, 1);
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	atomic_fetch_add(&count, 1);
	return __libc_realloc(old, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	atomic_fetch_add(&count, 1);
	*result = __libc_memalign(alignment, size);
	return *result ? 0 : 12;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	atomic_fetch_add(&count, 1);
	return __libc_memalign(alignment, size);
}

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "allocations: %lu\n", atomic_load(&count));
}
