/* Targets, their timers, and the results of overlapping probes put back in the order of starts. */
#include "healthd/prober.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "healthd/check.h"
#include "healthd/schedule.h"
#include "healthd/stall.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

#define COMPLAIN_MS 10000 /* between two lines of one kind of complaint */

struct target;

struct flight { /* a probe under way, or done and waiting for an older one */
	struct target *target;
	struct probe *probe; /* NULL: done */
	uint64_t stalled_ms; /* of our own sleep while it ran */
	struct probe_result result;
};

struct target {
	struct prober *prober;
	char *member;
	struct addr address;
	struct service_check check;
	struct schedule schedule;
	struct event *timer; /* the next start */
	struct streak streak;
	struct report_entry entry;
	struct flight *flights; /* a ring of `limit`, oldest first */
	unsigned first, count, limit;
	bool waiting; /* in the queue for a free place */
	uint64_t waiting_since_ms;
	struct target *queue_next;
	bool kept; /* while a plan is taken over */
};

struct complaint { /* said at most every COMPLAIN_MS, with how often it happened */
	uint64_t said_ms;
	uint64_t unsaid;
	bool said; /* at least once */
};

struct prober {
	struct event_base *base;
	struct probe_env *env;
	struct target **targets;
	size_t targets_count;
	uint64_t created; /* targets so far: spreads them */
	uint64_t seed;
	uint64_t revision;
	struct report *report;
	struct stall stall;
	struct event *tick;
	struct event *dispatch; /* gives free places to those who wait */
	struct target *queue_first, **queue_last;
	struct prober_counts counts;
	struct complaint void_complaint, full_complaint, stall_complaint;
};

static struct timeval delay(uint64_t ms)
{
	return (struct timeval){
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* True when it may be said now; *times is how often it happened since the last time. */
static bool complaint_is_due(struct complaint *c, uint64_t now, uint64_t *times)
{
	c->unsaid++;
	if (c->said && now < c->said_ms + COMPLAIN_MS)
		return false;
	*times = c->unsaid;
	*c = (struct complaint){.said_ms = now, .said = true};
	return true;
}

static struct flight *flight_at(struct target *t, unsigned nth)
{
	return &t->flights[(t->first + nth) % t->limit];
}

/* Tells all probes under way how long nobody looked after them. */
static void stall_look(struct prober *p, uint64_t now)
{
	uint64_t lost = stall_notice(&p->stall, now), times;
	if (lost == 0)
		return;
	p->counts.stalls++;
	p->counts.stalled_ms += lost;
	for (size_t i = 0; i < p->targets_count; i++)
		for (unsigned n = 0; n < p->targets[i]->count; n++)
			if (flight_at(p->targets[i], n)->probe != NULL)
				flight_at(p->targets[i], n)->stalled_ms += lost;
	if (lost >= 4 * STALL_TICK_MS && complaint_is_due(&p->stall_complaint, now, &times))
		log_warn(
		    "this process did not run for %llu ms (%llu times); results of probes that "
		    "were under way are void if that was more than half their timeout",
		    (unsigned long long)lost, (unsigned long long)times);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	stall_look(ctx, clock_mono_ms());
}

/* Results. */

static void result_count(struct target *t, const struct flight *f)
{
	struct prober *p = t->prober;
	const struct probe_result *r = &f->result;
	uint64_t now = clock_mono_ms(), times;

	if (r->outcome == PROBE_VOID) {
		p->counts.void_results++;
		if (complaint_is_due(&p->void_complaint, now, &times))
			log_warn(
			    "%s: %s: not probed: %s (%llu probes void since the last such line)",
			    t->member, t->check.name, r->detail, (unsigned long long)times);
		return;
	}
	if (f->stalled_ms > t->check.timeout_ms / 2) {
		p->counts.stalled++;
		log_debug("%s: %s: result void, we slept %llu ms", t->member, t->check.name,
		    (unsigned long long)f->stalled_ms);
		return;
	}
	bool ok = r->outcome == PROBE_OK;
	bool changed = t->streak.count > 0 && t->streak.ok != ok;
	bool urgent = streak_count(&t->streak, ok, t->check.fall, t->check.rise);
	t->streak.ended_ms = r->ended_ms;
	t->streak.latency_ms = r->latency_ms;
	memcpy(t->streak.detail, r->detail, sizeof(r->detail));
	*(ok ? &p->counts.ok : &p->counts.failed) += 1;
	if (changed)
		log_info("%s: %s: %s%s%s", t->member, t->check.name, ok ? "succeeds" : "fails",
		    ok ? "" : ": ", r->detail);
	if (urgent && p->report != NULL)
		report_urgent(p->report, &t->entry, now);
}

/* Counts what is done, from the oldest on, up to the first that is still under way. */
static void target_settle(struct target *t)
{
	while (t->count > 0 && flight_at(t, 0)->probe == NULL) {
		result_count(t, flight_at(t, 0));
		t->first = (t->first + 1) % t->limit;
		t->count--;
	}
}

static void on_probe_done(void *ctx, const struct probe_result *result)
{
	struct flight *f = ctx;
	struct prober *p = f->target->prober;

	stall_look(p, clock_mono_ms());
	f->result = *result;
	f->probe = NULL;
	p->counts.in_flight--;
	target_settle(f->target);
	if (p->queue_first != NULL)
		event_active(p->dispatch, EV_TIMEOUT, 0);
}

/* Starts. */

static void target_arm(struct target *t, uint64_t now)
{
	uint64_t next = t->schedule.next_ms;
	struct timeval tv = delay(next > now ? next - now : 0);
	event_add(t->timer, &tv);
}

static void target_launch(struct target *t)
{
	struct prober *p = t->prober;
	assert(t->count < t->limit);
	struct flight *f = flight_at(t, t->count++);
	*f = (struct flight){.target = t};
	p->counts.in_flight++;
	f->probe = probe_start(p->env, &t->check, &t->address, on_probe_done, f);
}

static void queue_push(struct prober *p, struct target *t, uint64_t now)
{
	t->waiting = true;
	t->waiting_since_ms = now;
	t->queue_next = NULL;
	*p->queue_last = t;
	p->queue_last = &t->queue_next;
}

static void queue_remove(struct prober *p, struct target *t)
{
	struct target **at = &p->queue_first;
	while (*at != t)
		at = &(*at)->queue_next;
	*at = t->queue_next;
	if (p->queue_last == &t->queue_next)
		p->queue_last = at;
	t->waiting = false;
}

static void full_complain(struct prober *p, const char *what, uint64_t now)
{
	uint64_t times;
	if (complaint_is_due(&p->full_complaint, now, &times))
		log_error("too many probes at once: %s (%llu since the last such line); the "
		          "limit of %llu follows from the limit of open files (ulimit -n, "
		          "LimitNOFILE=)",
		    what, (unsigned long long)times, (unsigned long long)p->counts.in_flight_max);
}

static void on_dispatch(evutil_socket_t fd, short what, void *ctx)
{
	struct prober *p = ctx;
	uint64_t now = clock_mono_ms();
	(void)fd, (void)what;

	stall_look(p, now);
	while (p->queue_first != NULL && p->counts.in_flight < p->counts.in_flight_max) {
		struct target *t = p->queue_first;
		queue_remove(p, t);
		if (t->count < t->limit)
			target_launch(t);
	}
}

static void on_start(evutil_socket_t fd, short what, void *ctx)
{
	struct target *t = ctx;
	struct prober *p = t->prober;
	uint64_t now = clock_mono_ms();
	(void)fd, (void)what;

	if (now < t->schedule.next_ms) { /* libevent's clock may be a little behind */
		target_arm(t, now);
		return;
	}
	stall_look(p, now);
	p->counts.missed += schedule_advance(&t->schedule, now);
	target_arm(t, now);
	if (t->waiting) {
		p->counts.missed++;
		full_complain(p, "a start was left out", now);
	} else if (t->count == t->limit) {
		p->counts.missed++; /* timeouts that outlast many intervals: told when planned */
	} else if (p->counts.in_flight >= p->counts.in_flight_max) {
		p->counts.delayed++;
		full_complain(p, "a start was delayed", now);
		queue_push(p, t, now);
	} else {
		target_launch(t);
	}
}

/* Targets. */

static struct target *target_new(struct prober *p, const struct probe_target *planned,
    const struct service_check *check, uint64_t now)
{
	struct target *t = mem_new(1, sizeof(*t));
	t->prober = p;
	t->member = mem_strdup(planned->member);
	t->address = planned->address;
	check_copy(&t->check, check);
	t->limit = schedule_in_flight(check->interval_ms, check->timeout_ms);
	t->flights = mem_new(t->limit, sizeof(*t->flights));
	if (check->timeout_ms / check->interval_ms + 2 > t->limit)
		log_warn("%s: %s: a timeout of %u ms outlasts many intervals of %u ms; at most %u "
		         "probes of a target run at once",
		    t->member, check->name, check->timeout_ms, check->interval_ms, t->limit);
	schedule_init(
	    &t->schedule, check->interval_ms, check->jitter_percent, p->created++, p->seed, now);
	t->entry = (struct report_entry){
	    .member = t->member, .check = t->check.name, .streak = &t->streak};
	t->timer = evtimer_new(p->base, on_start, t);
	assert(t->timer != NULL);
	target_arm(t, now);
	if (p->report != NULL)
		report_attach(p->report, &t->entry);
	return t;
}

static void target_free(struct target *t)
{
	struct prober *p = t->prober;
	if (t->waiting)
		queue_remove(p, t);
	if (p->report != NULL)
		report_detach(p->report, &t->entry);
	for (unsigned n = 0; n < t->count; n++) {
		struct flight *f = flight_at(t, n);
		if (f->probe == NULL)
			continue;
		probe_cancel(f->probe);
		p->counts.in_flight--;
	}
	event_free(t->timer);
	free(t->flights);
	check_release(&t->check);
	free(t->member);
	free(t);
}

static int target_compare(const struct target *t, const char *member, const char *check)
{
	int order = strcmp(t->member, member);
	return order != 0 ? order : strcmp(t->check.name, check);
}

static int by_name(const void *a, const void *b)
{
	const struct target *const *s = a, *const *t = b;
	return target_compare(*s, (*t)->member, (*t)->check.name);
}

static struct target *target_find(
    struct target **sorted, size_t count, const char *member, const char *check)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = target_compare(sorted[middle], member, check);
		if (order == 0)
			return sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void prober_take(struct prober *p, const struct probe_plan *plan)
{
	struct target **old = p->targets, **targets = NULL;
	size_t old_count = p->targets_count, count = 0, fresh = 0;
	uint64_t now = clock_mono_ms();

	for (size_t i = 0; i < plan->targets_count; i++) {
		const struct probe_target *planned = &plan->targets[i];
		for (size_t c = 0; c < planned->checks_count; c++) {
			const struct service_check *check = &planned->checks[c];
			struct target *t =
			    target_find(old, old_count, planned->member, check->name);
			if (t == NULL || t->kept || !addr_equal(&t->address, &planned->address) ||
			    !check_equal(&t->check, check)) {
				t = target_new(p, planned, check, now);
				fresh++;
			}
			t->kept = true;
			VEC_PUSH(targets, count) = t;
		}
	}
	for (size_t i = 0; i < old_count; i++)
		if (!old[i]->kept)
			target_free(old[i]);
	free(old);
	for (size_t i = 0; i < count; i++)
		targets[i]->kept = false;
	if (count > 0)
		qsort(targets, count, sizeof(*targets), by_name);
	p->targets = targets;
	p->targets_count = count;
	p->counts.targets = count;
	p->revision = plan->revision;
	if (p->report != NULL)
		report_set_revision(p->report, plan->revision);
	if (p->queue_first != NULL)
		event_active(p->dispatch, EV_TIMEOUT, 0);
	log_info("plan of revision %llu: %zu checks of %zu members, %zu of them new or changed",
	    (unsigned long long)plan->revision, count, plan->targets_count, fresh);
}

void prober_set_report(struct prober *p, struct report *report)
{
	p->report = report;
	if (report == NULL)
		return;
	for (size_t i = 0; i < p->targets_count; i++)
		report_attach(report, &p->targets[i]->entry);
	report_set_revision(report, p->revision);
}

/* Life. */

struct prober *prober_new(
    struct event_base *base, struct probe_env *env, unsigned in_flight_max, uint64_t seed)
{
	struct prober *p = mem_new(1, sizeof(*p));
	struct timeval tv = delay(STALL_TICK_MS);

	assert(in_flight_max > 0);
	p->base = base;
	p->env = env;
	p->seed = seed;
	p->counts.in_flight_max = in_flight_max;
	p->queue_last = &p->queue_first;
	p->stall.seen_ms = clock_mono_ms();
	p->tick = event_new(base, -1, EV_PERSIST, on_tick, p);
	p->dispatch = event_new(base, -1, 0, on_dispatch, p);
	assert(p->tick != NULL && p->dispatch != NULL);
	event_add(p->tick, &tv);
	return p;
}

void prober_free(struct prober *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->targets_count; i++)
		target_free(p->targets[i]);
	free(p->targets);
	event_free(p->tick);
	event_free(p->dispatch);
	free(p);
}

void prober_counts_get(const struct prober *p, struct prober_counts *out)
{
	*out = p->counts;
}

size_t prober_targets(const struct prober *p)
{
	return p->targets_count;
}

void prober_target_get(const struct prober *p, size_t index, struct prober_target_view *out)
{
	assert(index < p->targets_count);
	const struct target *t = p->targets[index];
	*out = (struct prober_target_view){.member = t->member,
	    .check = t->check.name,
	    .streak = &t->streak,
	    .in_flight = t->count};
}
