/* What is sent to which controller, and when. Pure: time comes in as data, messages leave through
 * a function; healthd/report_post.c is the shell around it.
 *
 * There is no queue. A controller with something new to hear is marked; when it is free, a message
 * is built from what is true at that moment. Streaks are cumulative, so what was never sent is
 * not missed. */
#ifndef TANDEM_HEALTHD_REPORT_H
#define TANDEM_HEALTHD_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "healthd/streak.h"

#define REPORT_PATIENCE_MS 2 /* so that what changes together is told together */
#define REPORT_RETRY_MS 100  /* after a failed message, unless the heartbeat comes first */

struct report;

struct report_entry { /* one check of one member; embedded in whoever counts the streak */
	const char *member, *check; /* borrowed while the entry is known to a report */
	const struct streak *streak;

	uint64_t news; /* number of its last urgent change */
	size_t index;
};

struct report_sink {
	/* Sends `body` (freed by the callee) to a controller; report_finished must follow, later.
	 */
	void (*send)(void *ctx, size_t controller, char *body, size_t bytes);
	void (*wake)(void *ctx); /* report_due_ms has become earlier */
	void *ctx;
};

struct report *report_new(const char *site, size_t controllers_count, uint32_t heartbeat_ms,
    const struct report_sink *sink, uint64_t now_ms);
void report_free(struct report *r); /* forgets its entries */

void report_set_revision(struct report *r, uint64_t revision);
void report_attach(struct report *r, struct report_entry *entry);
void report_detach(struct report *r, struct report_entry *entry);

/* The entry's streak changed or has not settled. */
void report_urgent(struct report *r, struct report_entry *entry, uint64_t now_ms);

/* When report_run has to be called next; ask again after report_run, report_finished and wake. */
uint64_t report_due_ms(const struct report *r);
void report_run(struct report *r, uint64_t now_ms);
void report_finished(struct report *r, size_t controller, bool ok, uint64_t now_ms);

#endif
