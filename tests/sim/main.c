/* Runs seeds, one process a batch; a seed that fails is made small and told as a story. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/sim/batch.h"
#include "tests/sim/shims.h"

struct shared *shared;
static bool alone; /* a run of its own, not of a batch */

void sim_fail(int rule, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(shared->text, sizeof(shared->text), format, ap);
	va_end(ap);
	shared->failed = true;
	shared->rule = rule;
	shared->failed_us = sim ? sim->now_us : 0;
	if (sim_narrates)
		story_tell("!!! rule %d is broken: %s", rule, shared->text);
	(void)fflush(stdout);
	_exit(3);
}

/* An assertion of the code under test is a broken promise, and a finding like any other. */
void __wrap___assert_fail(
    const char *expression, const char *file, unsigned line, const char *function)
{
	sim_fail(0, "assertion failed: %s (%s:%u, %s)", expression, file, line, function);
}

/* For tests: fewer incidents, not thinner ones. */
static void plan_shorten(struct plan *p, const struct options *o)
{
	uint64_t most_us = p->layout.pace * 3 * SIM_MINUTE;
	if (o->short_runs && p->layout.duration_us > most_us)
		p->layout.duration_us = most_us;
}

static void seed_run(uint64_t seed, const struct options *options)
{
	static struct plan plan;
	plan_draw(&plan, seed);
	plan_shorten(&plan, options);
	if (alone)
		plan_mask(&plan);
	shared->seed = seed;
	sim_run(&plan);
	uint64_t hash = sim_run_hash();
	if (options->twice) {
		sim_run(&plan);
		if (sim_run_hash() != hash)
			sim_fail(0, "the same seed gives another run");
	}
	shared->hash = shared->hash * 31 + hash;
	shared->runs += !alone;
	shared->simulated_us += alone ? 0 : plan.layout.duration_us;
	plan_release(&plan);
}

/* What kills the child is a failure too. */
static void child_await(pid_t child)
{
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !shared->failed) {
		shared->failed = true;
		shared->rule = 0;
		(void)snprintf(
		    shared->text, sizeof(shared->text), "killed by signal %d", WTERMSIG(status));
	}
}

bool attempt(uint64_t seed, const struct options *options, bool narrate)
{
	(void)fflush(stdout);
	shared->failed = false;
	pid_t child = fork();
	if (child == 0) {
		alone = true;
		sim_narrates = narrate;
		seed_run(seed, options);
		(void)fflush(stdout);
		_exit(0);
	}
	child_await(child);
	return !shared->failed;
}

static double seconds_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool enough(const struct options *o)
{
	double hours = (double)shared->simulated_us / (double)SIM_HOUR;
	if (o->require_coverage && coverage_missing() == 0)
		return true;
	if (o->hours > 0 && hours >= o->hours)
		return true;
	return o->hours <= 0 && shared->runs >= o->runs;
}

/* A process for many seeds: what one leaves behind does not reach the next batch. */
static bool batch_run(uint64_t *seed, const struct options *o)
{
	(void)fflush(stdout);
	shared->failed = false;
	pid_t child = fork();
	if (child == 0) {
		for (unsigned i = 0; i < 100 && !enough(o); i++)
			seed_run((*seed)++, o);
		_exit(0);
	}
	child_await(child);
	*seed = shared->seed + 1;
	return !shared->failed;
}

static void usage(void)
{
	fputs("usage: sim [--seed N] [--runs N | --hours N] [--short] [--twice] [--tell] [--quiet] "
	      "[--go-on] "
	      "[--require-coverage]\n",
	    stderr);
	exit(2);
}

static uint64_t number_of(const char *text)
{
	char *end;
	if (!text || *text == '\0')
		usage();
	uint64_t n = strtoull(text, &end, 10);
	if (*end != '\0')
		usage();
	return n;
}

static void options_read(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--seed") == 0) {
			o->seed = number_of(next);
			o->seed_given = true;
			i++;
		} else if (strcmp(argv[i], "--runs") == 0) {
			o->runs = number_of(next);
			i++;
		} else if (strcmp(argv[i], "--hours") == 0) {
			o->hours = (double)number_of(next);
			i++;
		} else if (strcmp(argv[i], "--short") == 0)
			o->short_runs = true;
		else if (strcmp(argv[i], "--twice") == 0)
			o->twice = true;
		else if (strcmp(argv[i], "--tell") == 0)
			o->tell = true;
		else if (strcmp(argv[i], "--quiet") == 0)
			o->quiet = true;
		else if (strcmp(argv[i], "--go-on") == 0)
			o->go_on = true;
		else if (strcmp(argv[i], "--require-coverage") == 0)
			o->require_coverage = true;
		else
			usage();
	}
	if (!o->seed_given && getentropy(&o->seed, sizeof(o->seed)) != 0)
		abort();
	if (!o->seed_given)
		o->seed %= 1000000000;
}

static int seed_tell(const struct options *o)
{
	if (attempt(o->seed, o, true))
		return 0;
	fprintf(stderr, "seed %" PRIu64 ": %s\n", o->seed, shared->text);
	return 1;
}

static int seeds_run(const struct options *o)
{
	uint64_t seed = o->seed;
	unsigned failures = 0;
	double began = seconds_now(), told = began;
	while (!enough(o)) {
		if (!batch_run(&seed, o)) {
			failures++;
			printf("seed %" PRIu64 " breaks rule %d after %.1f s: %s\n", shared->seed,
			    shared->rule, (double)shared->failed_us / 1e6, shared->text);
			if (!o->quiet)
				shrink_and_tell(shared->seed, o);
			if (!o->go_on)
				break;
			shared->runs++;
		}
		if (!o->quiet && seconds_now() - told > 30) {
			told = seconds_now();
			printf("… %" PRIu64 " runs, %.0f simulated hours\n", shared->runs,
			    (double)shared->simulated_us / (double)SIM_HOUR);
			(void)fflush(stdout);
		}
	}
	double took = seconds_now() - began;
	double hours = (double)shared->simulated_us / (double)SIM_HOUR;
	printf("%" PRIu64 " runs from seed %" PRIu64 ", %.1f simulated hours in %.1f s (%.0f hours "
	       "a minute), %u failed\n",
	    shared->runs, o->seed, hours, took, hours / took * 60, failures);
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = {.runs = 1};
	options_read(argc, argv, &o);
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	coverage = &shared->coverage;
	printf("simulating from seed %" PRIu64 "\n", o.seed);
	if (o.tell)
		return seed_tell(&o);
	int result = seeds_run(&o);
	printf("hash of all runs %016" PRIx64 "\n", shared->hash);
	if (!o.quiet || o.require_coverage) {
		size_t missing = coverage_report(!o.quiet);
		printf("rows of transition tables not reached: %zu\n", missing);
		if (o.require_coverage && missing > 0)
			result = 1;
	}
	return result;
}
