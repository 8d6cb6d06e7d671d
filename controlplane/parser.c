/* One thread, a queue to it and a queue back; the loop is woken by an eventfd. */
#include "controlplane/parser.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/base/mem.h"

struct job {
	STAILQ_ENTRY(job) next;
	char *name;
	parser_done done; /* NULL: forgotten. The loop's alone, as is ctx */
	void *ctx;
	struct parser_result result;
	void (*work)(void *ctx); /* instead of a document */
	void (*ended)(void *ctx, int result);
};
STAILQ_HEAD(jobs, job);

struct parser {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct jobs waiting, ready; /* under the lock */
	struct job *reading;        /* under the lock: taken by the thread */
	bool ends;                  /* under the lock */
	size_t count;               /* the loop's: jobs that were not delivered */
	int wake;
	struct event *woken;
};

static void job_free(struct job *j)
{
	service_drop(j->result.service);
	config_errors_free(&j->result.errors);
	free(j->result.text);
	free(j->name);
	free(j);
}

static struct job *job_take(struct parser *p)
{
	pthread_mutex_lock(&p->lock);
	while (STAILQ_EMPTY(&p->waiting) && !p->ends)
		pthread_cond_wait(&p->wanted, &p->lock);
	struct job *j = p->ends ? NULL : STAILQ_FIRST(&p->waiting);
	if (j != NULL)
		STAILQ_REMOVE_HEAD(&p->waiting, next);
	p->reading = j;
	pthread_mutex_unlock(&p->lock);
	return j;
}

static void *thread_run(void *arg)
{
	struct parser *p = arg;
	struct job *j;
	while ((j = job_take(p)) != NULL) {
		struct parser_result *r = &j->result;
		if (j->work != NULL)
			j->work(j->ctx);
		else
			r->result =
			    service_load(j->name, r->text, r->bytes, &r->service, &r->errors);
		pthread_mutex_lock(&p->lock);
		p->reading = NULL;
		STAILQ_INSERT_TAIL(&p->ready, j, next);
		pthread_mutex_unlock(&p->lock);
		uint64_t one = 1;
		ssize_t written = write(p->wake, &one, sizeof one);
		assert(written == (ssize_t)sizeof one); /* eventfd(2): blocks only near 2^64 */
	}
	return NULL;
}

static struct job *ready_take(struct parser *p)
{
	pthread_mutex_lock(&p->lock);
	struct job *j = STAILQ_FIRST(&p->ready);
	if (j != NULL)
		STAILQ_REMOVE_HEAD(&p->ready, next);
	pthread_mutex_unlock(&p->lock);
	return j;
}

static void job_deliver(struct parser *p, struct job *j)
{
	assert(p->count > 0);
	p->count--;
	if (j->ended != NULL)
		j->ended(j->ctx, j->result.result);
	else if (j->done != NULL)
		j->done(j->ctx, &j->result);
	job_free(j);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct parser *p = arg;
	uint64_t count;
	(void)what;
	if (read(fd, &count, sizeof count) != (ssize_t)sizeof count)
		return;
	struct job *j;
	while ((j = ready_take(p)) != NULL)
		job_deliver(p, j);
}

/* Signals are the loop's. */
static int thread_start(struct parser *p)
{
	sigset_t all, former;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	int number = pthread_create(&p->thread, NULL, thread_run, p);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	return number;
}

int parser_new(struct event_base *base, struct parser **out, struct err *e)
{
	*out = NULL;
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake < 0)
		return err_set_errno(e, errno, "no eventfd");
	struct parser *p = mem_new(1, sizeof *p);
	p->wake = wake;
	STAILQ_INIT(&p->waiting);
	STAILQ_INIT(&p->ready);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	p->woken = event_new(base, wake, EV_READ | EV_PERSIST, on_wake, p);
	assert(p->woken != NULL);
	event_add(p->woken, NULL);
	int number = thread_start(p);
	if (number == 0) {
		*out = p;
		return 0;
	}
	event_free(p->woken);
	close(wake);
	free(p);
	return err_set_errno(e, number, "no thread for reading documents");
}

int parser_parse(struct parser *p, const char *name, const char *text, size_t bytes,
    parser_done done, void *ctx, struct err *e)
{
	if (p->count >= PARSER_JOBS)
		return err_set(e, E_LIMIT, "%d documents wait for being read already", PARSER_JOBS);
	struct job *j = mem_new(1, sizeof *j);
	j->name = mem_strdup(name);
	j->done = done;
	j->ctx = ctx;
	j->result.text = mem_strndup(text, bytes);
	j->result.bytes = bytes;
	p->count++;
	pthread_mutex_lock(&p->lock);
	STAILQ_INSERT_TAIL(&p->waiting, j, next);
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int parser_work(struct parser *p, void (*work)(void *ctx), void (*ended)(void *ctx, int result),
    void *ctx, struct err *e)
{
	if (p->count >= PARSER_JOBS)
		return err_set(e, E_LIMIT, "%d documents wait for being read already", PARSER_JOBS);
	struct job *j = mem_new(1, sizeof *j);
	j->work = work;
	j->ended = ended;
	j->ctx = ctx;
	p->count++;
	pthread_mutex_lock(&p->lock);
	STAILQ_INSERT_TAIL(&p->waiting, j, next);
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static void job_forget(struct job *j, const void *ctx)
{
	if (j->ctx == ctx && j->work == NULL)
		j->done = NULL;
}

void parser_forget(struct parser *p, const void *ctx)
{
	struct job *j;
	pthread_mutex_lock(&p->lock);
	if (p->reading != NULL)
		job_forget(p->reading, ctx);
	STAILQ_FOREACH(j, &p->waiting, next)
	job_forget(j, ctx);
	STAILQ_FOREACH(j, &p->ready, next)
	job_forget(j, ctx);
	pthread_mutex_unlock(&p->lock);
}

static void job_fail(struct parser *p, struct job *j)
{
	service_drop(j->result.service);
	j->result.service = NULL;
	j->result.result = E_UNAVAILABLE;
	job_deliver(p, j);
}

void parser_free(struct parser *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->ends = true;
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	STAILQ_CONCAT(&p->ready, &p->waiting);
	struct job *j;
	while ((j = ready_take(p)) != NULL)
		job_fail(p, j);
	assert(p->count == 0);
	event_free(p->woken);
	close(p->wake);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wanted);
	free(p);
}
