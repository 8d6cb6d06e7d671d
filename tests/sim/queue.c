/* What happens next: a heap of tasks by time, in order of asking where times are equal. */
#include <assert.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

struct task {
	uint64_t at_us, number;
	size_t place;
	struct process *node;
	uint32_t life;
	task_run run, drop;
	void *arg;
};

static struct task **heap;
static size_t heap_count, heap_room;
static uint64_t numbered;

static bool earlier(const struct task *a, const struct task *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void heap_put(size_t at, struct task *t)
{
	heap[at] = t;
	t->place = at;
}

static void heap_up(size_t at)
{
	struct task *t = heap[at];
	while (at > 0 && earlier(t, heap[(at - 1) / 4])) {
		heap_put(at, heap[(at - 1) / 4]);
		at = (at - 1) / 4;
	}
	heap_put(at, t);
}

static void heap_down(size_t at)
{
	struct task *t = heap[at];
	for (;;) {
		size_t least = 4 * at + 1;
		if (least >= heap_count)
			break;
		for (size_t i = least + 1; i < heap_count && i < 4 * at + 5; i++)
			if (earlier(heap[i], heap[least]))
				least = i;
		if (!earlier(heap[least], t))
			break;
		heap_put(at, heap[least]);
		at = least;
	}
	heap_put(at, t);
}

static void heap_insert(struct task *t)
{
	if (heap_count == heap_room) {
		heap_room = heap_room ? heap_room * 2 : 256;
		heap = mem_resize(heap, heap_room, sizeof(*heap));
	}
	heap_put(heap_count++, t);
	heap_up(t->place);
}

static void heap_remove(struct task *t)
{
	size_t at = t->place;
	assert(at < heap_count && heap[at] == t);
	heap_count--;
	if (at == heap_count)
		return;
	heap_put(at, heap[heap_count]);
	heap_up(at);
	heap_down(heap[at]->place);
}

uint64_t sim_now_us(void)
{
	return sim->now_us;
}

struct task *task_after(
    struct process *node, uint64_t delay_us, task_run run, task_run drop, void *arg)
{
	struct task *t = mem_new(1, sizeof(*t));
	*t = (struct task){.at_us = sim->now_us + delay_us,
	    .number = ++numbered,
	    .node = node,
	    .life = node ? node->life : 0,
	    .run = run,
	    .drop = drop,
	    .arg = arg};
	heap_insert(t);
	return t;
}

void task_cancel(struct task *t)
{
	heap_remove(t);
	free(t);
}

struct process *node_enter(struct process *n)
{
	struct process *before = sim->current;
	sim->current = n;
	return before;
}

void node_leave(struct process *before)
{
	sim->current = before;
}

static void task_do(struct task *t)
{
	struct process *before = node_enter(t->node);
	sim->tasks_run++;
	trace_number(t->at_us);
	t->run(t->arg);
	node_leave(before);
}

bool queue_step(uint64_t end_us)
{
	if (heap_count == 0 || heap[0]->at_us > end_us) {
		sim->now_us = end_us;
		return false;
	}
	struct task *t = heap[0];
	if (t->node && t->node->life == t->life && t->node->stalled_us > t->at_us) {
		t->at_us = t->node->stalled_us; /* with everything else that has waited, in order */
		heap_down(0);
		return true;
	}
	sim->now_us = t->at_us;
	heap_remove(t);
	if (t->node && (t->node->life != t->life || !t->node->alive)) {
		if (t->drop)
			t->drop(t->arg);
	} else {
		task_do(t);
	}
	free(t);
	return true;
}

void queue_release(void)
{
	while (heap_count > 0) {
		struct task *t = heap[--heap_count];
		if (t->drop)
			t->drop(t->arg);
		free(t);
	}
	numbered = 0;
}
