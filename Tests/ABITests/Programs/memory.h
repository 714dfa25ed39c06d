/* What the kernel says of the memory of a program. */
#ifndef MEMORY_H
#define MEMORY_H

#include "check.h"

#include "../../../Sources/CVerbena/include/verbena.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PAGE 4096UL

/* No public header declares these two. */
int ibv_dontfork_range(void *base, size_t size);
int ibv_dofork_range(void *base, size_t size);

/* The system's library, against which the programs are linked, does not have it. */
static inline long mark(const void *address, size_t length, int on)
{
	static __typeof__(mark_nocopy) *function;

	if (function == NULL)
		function = (__typeof__(mark_nocopy) *)dlsym(RTLD_DEFAULT, "mark_nocopy");
	CHECK(function != NULL);
	return function((unsigned long)address, length, on);
}

/* The call fails with -1 and this errno. */
#define CHECK_FAILS(call, error) \
	do { \
		errno = 0; \
		CHECK_EQUAL((call), -1); \
		CHECK_EQUAL(errno, error); \
	} while (0)

/* Pages between two that cannot be reached, so that the kernel never merges them with others. */
static inline char *make_pages(size_t count)
{
	char *outer = mmap(NULL, (count + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(outer != MAP_FAILED);
	CHECK_EQUAL(mprotect(outer + PAGE, count * PAGE, PROT_READ | PROT_WRITE), 0);
	return outer + PAGE;
}

/* Whether the children of a fork do without each page, as a string of '1', '0' and '-' for a hole. */
static inline const char *flags(const char *base, size_t count)
{
	static char text[1024];
	char line[512];
	unsigned long start = 0, end = 0, first = (unsigned long)base;
	FILE *file = fopen("/proc/self/smaps", "r");

	CHECK(file != NULL);
	CHECK(count < sizeof text);
	memset(text, '-', count);
	text[count] = 0;
	while (fgets(line, sizeof line, file) != NULL) {
		unsigned long new_start, new_end;

		if (sscanf(line, "%lx-%lx ", &new_start, &new_end) == 2 && strchr(line, '-') < strchr(line, ' ')) {
			start = new_start;
			end = new_end;
		}
		if (strncmp(line, "VmFlags:", 8) != 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (first + i * PAGE >= start && first + i * PAGE < end)
				text[i] = strstr(line, " dc") != NULL ? '1' : '0';
	}
	fclose(file);
	return text;
}

#define CHECK_FLAGS(base, expected) \
	do { \
		const char *seen = flags(base, strlen(expected)); \
		if (strcmp(seen, expected) != 0) { \
			fprintf(stderr, "%s:%d: flags are %s, not %s\n", __FILE__, __LINE__, seen, expected); \
			exit(1); \
		} \
	} while (0)

static inline int mapping_count(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	int count = 0, character;

	CHECK(file != NULL);
	while ((character = getc(file)) != EOF)
		count += character == '\n';
	fclose(file);
	return count;
}

/* Kilobytes after a name such as "VmLck:" in /proc/self/status. */
static inline long status_kilobytes(const char *name)
{
	char line[256];
	long value = -1;
	FILE *file = fopen("/proc/self/status", "r");

	CHECK(file != NULL);
	while (fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = atol(line + strlen(name));
	fclose(file);
	return value;
}

/* Whether a child of fork() has the page: it asks the kernel, so that nothing faults. */
static inline int child_has(char *page)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		unsigned char resident;

		alarm(20);
		_exit(mincore(page, PAGE, &resident) == 0 ? 1 : 0);
	}
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* From here on a system call fails with this errno, as a filter of a container makes it. */
static inline void forbid_call(unsigned int number, unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

	CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), 0);
}

/* From here on what the process says on standard error goes into a file; returns it. */
static inline FILE *capture_standard_error(void)
{
	FILE *file = tmpfile();

	CHECK(file != NULL);
	CHECK(dup2(fileno(file), STDERR_FILENO) >= 0);
	return file;
}

/* How often a text occurs in what was captured. */
static inline int occurrences(FILE *file, const char *text)
{
	static char all[1 << 16];
	int count = 0;

	fflush(stderr);
	rewind(file);
	all[fread(all, 1, sizeof all - 1, file)] = 0;
	for (const char *at = strstr(all, text); at != NULL; at = strstr(at + 1, text))
		count++;
	return count;
}

#endif
