/* The thread that makes the messages of transfers. */
#include "dnsd/transfer_thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/mem.h"

enum { SLICE_BYTES = 64 * 1024 };

/* Nothing else is signed on this thread, and several secondaries want the same soon. */
static const struct signer_limits SIGNER_TRANSFERS = {
    .entries = 131072, .denial_entries = 4, .share = 100, .denial_share = 100, .burst_ms = 60000};

TAILQ_HEAD(jobs, transfer_job);

struct transfer_thread {
	pthread_t thread;
	bool started, ends;
	pthread_mutex_t lock; /* of all that follows, and of `ends` */
	pthread_cond_t put;
	struct jobs waiting, ready;
	struct signer_counts counts;
	struct signer *signer; /* the thread's */
	void (*tell)(void *ctx);
	void *ctx;
};

struct transfer_job *transfer_job_new(struct transfer *t, void *owner)
{
	struct transfer_job *j = mem_new(1, sizeof(*j));
	j->transfer = t;
	j->owner = owner;
	return j;
}

void transfer_job_free(struct transfer_job *j)
{
	if (!j)
		return;
	transfer_free(j->transfer);
	buf_free(&j->out);
	free(j);
}

static void counts_add(struct signer_counts *sum, struct signer_counts more)
{
	sum->made += more.made;
	sum->remembered += more.remembered;
	sum->starved += more.starved;
}

/* The job that has waited longest; NULL: the thread ends. */
static struct transfer_job *job_get(struct transfer_thread *t)
{
	pthread_mutex_lock(&t->lock);
	while (!t->ends && TAILQ_EMPTY(&t->waiting))
		pthread_cond_wait(&t->put, &t->lock);
	struct transfer_job *j = t->ends ? NULL : TAILQ_FIRST(&t->waiting);
	if (j)
		TAILQ_REMOVE(&t->waiting, j, link);
	pthread_mutex_unlock(&t->lock);
	return j;
}

static void job_return(struct transfer_thread *t, struct transfer_job *j)
{
	bool is_ready = j->out.bytes > 0 || j->step != TRANSFER_MORE;
	pthread_mutex_lock(&t->lock);
	if (is_ready)
		TAILQ_INSERT_TAIL(&t->ready, j, link);
	else
		TAILQ_INSERT_TAIL(&t->waiting, j, link);
	counts_add(&t->counts, signer_counts_take(t->signer));
	pthread_mutex_unlock(&t->lock);
	if (is_ready)
		t->tell(t->ctx);
}

static void *thread_run(void *argument)
{
	struct transfer_thread *t = argument;
	struct transfer_job *j;
	while ((j = job_get(t)) != NULL) {
		j->step = transfer_step(
		    j->transfer, t->signer, (uint64_t)time(NULL), &j->out, SLICE_BYTES);
		job_return(t, j);
	}
	return NULL;
}

int transfer_thread_start(
    void (*tell)(void *ctx), void *ctx, struct transfer_thread **out, struct err *e)
{
	struct transfer_thread *t = mem_new(1, sizeof(*t));
	sigset_t all, former;
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->ready);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->put, NULL);
	t->tell = tell;
	t->ctx = ctx;
	t->signer = signer_new(&SIGNER_TRANSFERS);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	int number = pthread_create(&t->thread, NULL, thread_run, t);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (number != 0) {
		transfer_thread_stop(t);
		return err_set_errno(e, number, "can not start a thread");
	}
	t->started = true;
	*out = t;
	return 0;
}

static void jobs_free(struct jobs *jobs)
{
	struct transfer_job *j;
	while ((j = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, j, link);
		transfer_job_free(j);
	}
}

void transfer_thread_stop(struct transfer_thread *t)
{
	if (!t)
		return;
	if (t->started) {
		pthread_mutex_lock(&t->lock);
		t->ends = true;
		pthread_cond_signal(&t->put);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
	}
	jobs_free(&t->waiting);
	jobs_free(&t->ready);
	pthread_cond_destroy(&t->put);
	pthread_mutex_destroy(&t->lock);
	signer_free(t->signer);
	free(t);
}

void transfer_thread_put(struct transfer_thread *t, struct transfer_job *j)
{
	assert(j->step == TRANSFER_MORE);
	buf_clear(&j->out);
	pthread_mutex_lock(&t->lock);
	TAILQ_INSERT_TAIL(&t->waiting, j, link);
	pthread_cond_signal(&t->put);
	pthread_mutex_unlock(&t->lock);
}

struct transfer_job *transfer_thread_take(struct transfer_thread *t)
{
	pthread_mutex_lock(&t->lock);
	struct transfer_job *j = TAILQ_FIRST(&t->ready);
	if (j)
		TAILQ_REMOVE(&t->ready, j, link);
	pthread_mutex_unlock(&t->lock);
	return j;
}

struct signer_counts transfer_thread_counts(struct transfer_thread *t)
{
	pthread_mutex_lock(&t->lock);
	struct signer_counts counts = t->counts;
	t->counts = (struct signer_counts){0};
	pthread_mutex_unlock(&t->lock);
	return counts;
}
