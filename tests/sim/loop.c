/* libevent's timers, as far as the daemons use them, on the simulated queue. */
#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

struct event {
	struct process *node;
	uint32_t life;
	short what;
	event_callback_fn callback;
	void *ctx;
	uint64_t interval_us;
	struct task *task; /* NULL: not pending */
};

struct event *event_new(
    struct event_base *base, evutil_socket_t fd, short what, event_callback_fn callback, void *ctx)
{
	struct event *e = mem_new(1, sizeof(*e));
	(void)base;
	assert(fd == -1);
	*e = (struct event){.node = sim->current,
	    .life = sim->current ? sim->current->life : 0,
	    .what = what,
	    .callback = callback,
	    .ctx = ctx};
	return e;
}

/* The node's clock runs fast or slow, and so do its timers. */
static uint64_t real_us(const struct process *n, uint64_t us)
{
	int64_t rate_ppm = n ? n->rate_ppm : 0;
	return (uint64_t)((int64_t)us - (int64_t)(us / 1000) * rate_ppm / 1000);
}

static void event_due(void *arg)
{
	struct event *e = arg;
	e->task = NULL;
	if (e->what & EV_PERSIST)
		e->task = task_after(e->node, e->interval_us, event_due, NULL, e);
	e->callback(-1, EV_TIMEOUT, e->ctx);
}

int event_add(struct event *e, const struct timeval *timeout)
{
	uint64_t us = (uint64_t)timeout->tv_sec * SIM_SECOND + (uint64_t)timeout->tv_usec;
	if (e->task)
		task_cancel(e->task);
	/* Never before the clock shows it: it counts milliseconds. */
	e->interval_us = real_us(e->node, us) + (us > 0 ? 1000 : 0);
	e->task = task_after(e->node, e->interval_us, event_due, NULL, e);
	return 0;
}

int event_del(struct event *e)
{
	if (e->task)
		task_cancel(e->task);
	e->task = NULL;
	return 0;
}

int event_pending(const struct event *e, short what, struct timeval *tv)
{
	(void)what, (void)tv;
	return e->task != NULL;
}

void event_free(struct event *e)
{
	if (!e)
		return;
	(void)event_del(e);
	free(e);
}
