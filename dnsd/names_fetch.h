/* Fetches lists of names from the controllers into the pack: what is missing, piece by piece, from
 * the next controller when one fails. Nothing is believed: every part has its digest. */
#ifndef TANDEM_DNSD_NAMES_FETCH_H
#define TANDEM_DNSD_NAMES_FETCH_H

#include <event2/event.h>

#include "dnsd/names_pack.h"
#include "lib/http_client.h"

struct names_fetcher;

struct names_fetch_options { /* borrowed for its life */
	struct event_base *base;
	struct http_client *client;
	const char *const *controllers; /* base URLs */
	size_t controllers_count;
	struct names_pack *pack;
	unsigned silence_ms, answer_ms; /* how long an answer may pause, and take; 0: as is usual */
	/* What is wanted now; NULL: nothing any more. */
	const struct view_catalog *(*wanted)(void *ctx);
	void (*complete)(void *ctx);                /* all that is wanted is there */
	void (*failed)(void *ctx, const char *why); /* it is tried on */
	void *ctx;
};

struct names_fetcher *names_fetcher_new(const struct names_fetch_options *options);
void names_fetcher_free(struct names_fetcher *f); /* NULL allowed */

/* Something may be missing; `controller` has it. Does nothing while a fetch is under way. */
void names_fetcher_begin(struct names_fetcher *f, size_t controller);

#endif
