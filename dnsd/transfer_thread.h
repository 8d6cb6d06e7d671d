/* The thread that makes the messages of transfers, so that neither queries over TCP nor the main
 * thread wait for a million names to be sorted, compared or signed.
 *
 * Order: put a job; when `tell` was called, take it back with its messages, send them, put it again
 * until it is over. Jobs have their turn one after the other, a slice each. */
#ifndef TANDEM_DNSD_TRANSFER_THREAD_H
#define TANDEM_DNSD_TRANSFER_THREAD_H

#include <sys/queue.h>

#include "dnsd/signer.h"
#include "dnsd/transfer.h"

struct transfer_job {
	TAILQ_ENTRY(transfer_job) link;
	struct transfer *transfer; /* own */
	struct buf out;            /* messages of the last slice; own */
	enum transfer_step step;   /* what it said */
	void *owner;               /* the putter's, not looked at */
};
struct transfer_job *transfer_job_new(struct transfer *t, void *owner);
void transfer_job_free(struct transfer_job *j); /* not while the thread has it; NULL allowed */

struct transfer_thread;
/* `tell` is called on the thread. */
int transfer_thread_start(
    void (*tell)(void *ctx), void *ctx, struct transfer_thread **out, struct err *e);
/* Frees the jobs that it has, and those that were not taken back. NULL allowed. */
void transfer_thread_stop(struct transfer_thread *t);

void transfer_thread_put(struct transfer_thread *t, struct transfer_job *j);
/* NULL: none is ready. */
struct transfer_job *transfer_thread_take(struct transfer_thread *t);
struct signer_counts transfer_thread_counts(struct transfer_thread *t); /* since the last call */

#endif
