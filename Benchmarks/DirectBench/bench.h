/* What the benchmarks of this folder share. */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim); \
			exit(1); \
		} \
	} while (0)

/* Nanoseconds of a clock that is never set. */
static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static inline void pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static inline int ascending(const void *left, const void *right)
{
	double difference = *(const double *)left - *(const double *)right;

	return (difference > 0) - (difference < 0);
}

/* Sorts the values. */
static inline double median(double *values, int count)
{
	qsort(values, count, sizeof *values, ascending);
	return values[count / 2];
}

/* How many groups MEASURE times, 1024 at most. */
static int rounds __attribute__((unused)) = 31;

/* Nanoseconds of one call: the median of many groups. */
#define MEASURE(result, group, statement) \
	do { \
		double values[1024]; \
		int group_size = (group); \
		for (int i_ = 0; i_ < group_size; i_++) { statement; } \
		for (int round_ = 0; round_ < rounds; round_++) { \
			double start_ = now(); \
			for (int i_ = 0; i_ < group_size; i_++) { statement; } \
			values[round_] = (now() - start_) / group_size; \
		} \
		(result) = median(values, rounds); \
	} while (0)

#endif
