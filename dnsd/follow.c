/* Follows the controllers. */
#include "dnsd/follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/ack.h"
#include "dnsd/names_fetch.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/subscription.h"
#include "wire/view.h"

enum {
	LINE_BYTES = 64 * 1024 * 1024, /* a whole view of 100,000 names and as many records */
	ACK_INTERVAL_MS = 1000,
	KEEP_AGAIN_TICKS = 10, /* a large catalog takes its time to write */
	REOPEN_FIRST_MS = 50,
	REOPEN_LAST_MS = 30000,
	SILENT_MS = 3000, /* of a controller: it does not count as heard */
	BEHIND_MS = 2000, /* keep-alives tell of an epoch that did not come: ask for the view */
};

struct voice { /* of one controller */
	struct follow *follow;
	struct event *reopen;
	unsigned reopen_ms; /* pause before the next time; grows until it sends what can be used */
	uint64_t behind_since; /* monotonic: it has told of an epoch that did not come; 0: no */
	uint64_t epoch;        /* that it has told of last */
	uint64_t heard_ms;     /* monotonic: last line */
};

struct follow {
	struct event_base *base;
	struct follow_options options;
	struct http_client *client;
	struct subscription *subscription;
	struct ack *ack;
	struct names_fetcher *fetcher; /* NULL: there is nowhere to keep lists of names */
	size_t waiting_from;           /* the controller that sent the view that waits */
	struct event *tick;
	unsigned ticks;
	struct voice *voices;         /* controllers_count */
	uint64_t heard_ms;            /* monotonic: last line of any controller */
	uint64_t taken_ms;            /* monotonic: last view taken */
	uint64_t taken, refused;      /* counters */
	char refusal[ERR_TEXT_BYTES]; /* why a view was refused since the last one taken, or "" */
	size_t refused_from;          /* the controller that sent it */
	uint64_t older_since;         /* monotonic: all that are heard are older; 0: no */
	bool older_said;              /* `refusal` says so */
};

static struct timeval timeval_of(unsigned ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static void acks_send(struct follow *f)
{
	const struct view *held = f->options.taker->held;
	ack_send(f->ack, &(struct core_ack){.name = f->options.name,
	                     .epoch = held ? held->epoch : 0,
	                     .revision = held ? held->revision : 0,
	                     .kept = f->options.taker->kept_epoch,
	                     .refused = f->refusal,
	                     .endpoint = f->options.endpoint});
}

/* The stream brings only what is new; opened again, it begins with the whole view. Only that of the
 * controller concerned: a confused one must not cost us the others. */
static void reopen_later(struct voice *v)
{
	if (evtimer_pending(v->reopen, NULL))
		return;
	struct timeval pause = timeval_of(v->reopen_ms);
	evtimer_add(v->reopen, &pause);
	v->reopen_ms = v->reopen_ms * 2 < REOPEN_LAST_MS ? v->reopen_ms * 2 : REOPEN_LAST_MS;
}

static void voice_is_sound(struct voice *v)
{
	v->behind_since = 0;
	v->reopen_ms = REOPEN_FIRST_MS;
}

static void view_refused(struct follow *f, size_t controller, const char *why)
{
	f->refused++;
	f->refused_from = controller;
	if (strcmp(f->refusal, why) != 0) /* three controllers say the same */
		log_error("VIEW REFUSED, the last good one stays: %s (from %s)", why,
		    f->options.controllers[controller]);
	(void)snprintf(f->refusal, sizeof(f->refusal), "%s", why);
	acks_send(f);
}

/* Whoever is heard, and what they have is older than what is served. */
static bool all_are_older(const struct follow *f, uint64_t now_ms, uint64_t *newest)
{
	const struct view *held = f->options.taker->held;
	*newest = 0;
	for (size_t i = 0; held && i < f->options.controllers_count; i++) {
		const struct voice *v = &f->voices[i];
		if (v->epoch == 0 || now_ms - v->heard_ms > SILENT_MS)
			continue;
		if (v->epoch >= held->epoch)
			return false;
		*newest = v->epoch > *newest ? v->epoch : *newest;
	}
	return *newest > 0;
}

/* A controller may lag for a moment. All of them for longer is another history: rule 2 keeps what
 * is served, and nothing that they publish is, which somebody must know. */
static void older_watch(struct follow *f)
{
	uint64_t newest, now_ms = clock_mono_ms();
	if (!all_are_older(f, now_ms, &newest)) {
		f->older_since = 0;
		if (f->older_said)
			f->refusal[0] = '\0';
		f->older_said = false;
		return;
	}
	if (f->older_since == 0)
		f->older_since = now_ms;
	if (f->older_said || now_ms - f->older_since < BEHIND_MS)
		return;
	f->older_said = true;
	(void)snprintf(f->refusal, sizeof(f->refusal),
	    "rule 2: serves epoch %" PRIu64 ", but every controller heard is at %" PRIu64
	    " or before: what they publish is not served (if the cluster was restored from a "
	    "backup, empty this server's state folder and restart it)",
	    f->options.taker->held->epoch, newest);
	log_error("%s", f->refusal);
}

static void view_taken(struct follow *f, size_t controller)
{
	const struct view *held = f->options.taker->held;
	f->older_said = false;
	f->older_since = 0;
	f->taken++;
	f->taken_ms = clock_mono_ms();
	f->refusal[0] = '\0';
	voice_is_sound(&f->voices[controller]);
	acks_send(f);
	log_info("serving epoch %" PRIu64 ", revision %" PRIu64 " (from %s)", held->epoch,
	    held->revision, f->options.controllers[controller]);
}

/* The view needs lists of names: acks say so until they are here. */
static void view_waits(struct follow *f, size_t controller, const char *why)
{
	if (!f->fetcher) {
		view_refused(f, controller, why);
		return;
	}
	if (strcmp(f->refusal, why) != 0)
		log_info("%s (from %s)", why, f->options.controllers[controller]);
	f->refused_from = f->waiting_from = controller;
	(void)snprintf(f->refusal, sizeof(f->refusal), "%s", why);
	acks_send(f);
	names_fetcher_begin(f->fetcher, controller);
}

static void view_judged(
    struct follow *f, size_t controller, enum accept_verdict verdict, const struct err *why)
{
	switch (verdict) {
	case ACCEPT_TAKE:
		view_taken(f, controller);
		break;
	case ACCEPT_KNOWN: /* who sent what was refused has come to its senses */
		if (f->refused_from == controller)
			f->refusal[0] = '\0';
		voice_is_sound(&f->voices[controller]);
		break;
	case ACCEPT_OLDER:
		break;
	case ACCEPT_REOPEN:
		reopen_later(&f->voices[controller]);
		break;
	case ACCEPT_WAIT:
		view_waits(f, controller, why->text);
		break;
	case ACCEPT_REFUSE:
		view_refused(f, controller, why->text);
		break;
	}
}

static void view_heard(struct follow *f, const json_t *line, size_t controller)
{
	struct err why = {0};
	struct view *v;
	if (view_decode(line, &v, &why) != 0) {
		view_refused(f, controller, why.text);
		return;
	}
	f->voices[controller].epoch = v->epoch;
	view_judged(f, controller, taker_take(f->options.taker, v, &why), &why);
}

static const struct view_catalog *names_wanted(void *ctx)
{
	const struct taker *t = ((struct follow *)ctx)->options.taker;
	return t->waiting ? t->waiting->catalog : NULL;
}

static void names_complete(void *ctx)
{
	struct follow *f = ctx;
	struct err why = {0};
	view_judged(f, f->waiting_from, taker_take_waiting(f->options.taker, &why), &why);
}

static void names_failed(void *ctx, const char *why)
{
	struct follow *f = ctx;
	char *text = mem_printf("revision %" PRIu64 ": %s",
	    f->options.taker->waiting ? f->options.taker->waiting->revision : 0, why);
	view_refused(f, f->waiting_from, text);
	free(text);
}

/* A keep-alive names the epoch that its controller has. */
static void keepalive_heard(struct follow *f, size_t controller, const json_t *line)
{
	const struct view *held = f->options.taker->held;
	struct voice *v = &f->voices[controller];
	uint64_t epoch, now = clock_mono_ms();
	if (json_get_u64_or(line, "epoch", INT64_MAX, 0, &epoch, NULL) != 0 || epoch == 0)
		return;
	v->epoch = epoch;
	if (held && epoch <= held->epoch)
		v->behind_since = 0;
	else if (v->behind_since == 0)
		v->behind_since = now;
	else if (now - v->behind_since >= BEHIND_MS)
		reopen_later(v);
}

static void on_line(void *ctx, size_t controller, const json_t *line)
{
	struct follow *f = ctx;
	bool keepalive;
	f->heard_ms = f->voices[controller].heard_ms = clock_mono_ms();
	if (json_get_bool_or(line, "keepalive", false, &keepalive, NULL) == 0 && keepalive)
		keepalive_heard(f, controller, line);
	else
		view_heard(f, line, controller);
}

static int subscribe(struct follow *f, struct err *e)
{
	char *path = mem_printf("/v1/view?name=%s", f->options.name); /* a label */
	int r = subscription_new(f->base, f->client, f->options.controllers,
	    f->options.controllers_count, path, LINE_BYTES, on_line, f, &f->subscription, e);
	free(path);
	return r;
}

static void on_reopen(evutil_socket_t fd, short what, void *ctx)
{
	struct voice *v = ctx;
	struct follow *f = v->follow;
	size_t controller = (size_t)(v - f->voices);
	(void)fd;
	(void)what;
	log_info("asking %s for the whole view", f->options.controllers[controller]);
	v->behind_since = 0;
	subscription_reopen(f->subscription, controller);
}

static void voices_init(struct follow *f)
{
	f->voices = mem_new(f->options.controllers_count + 1, sizeof(*f->voices));
	for (size_t i = 0; i < f->options.controllers_count; i++) {
		struct voice *v = &f->voices[i];
		*v = (struct voice){.follow = f, .reopen_ms = REOPEN_FIRST_MS};
		v->reopen = evtimer_new(f->base, on_reopen, v);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct follow *f = ctx;
	(void)fd;
	(void)what;
	if (++f->ticks % KEEP_AGAIN_TICKS == 0)
		taker_keep_again(f->options.taker);
	older_watch(f);
	acks_send(f);
}

int follow_start(struct event_base *base, const struct follow_options *options, struct follow **out,
    struct err *e)
{
	struct follow *f = mem_new(1, sizeof(*f));
	struct timeval interval = timeval_of(ACK_INTERVAL_MS);
	*out = NULL;
	f->base = base;
	f->options = *options;
	voices_init(f);
	int r = http_client_new(base, options->tls.ca ? &options->tls : NULL, &f->client, e);
	if (r == 0) {
		if (options->taker->names)
			f->fetcher = names_fetcher_new(&(struct names_fetch_options){.base = base,
			    .client = f->client,
			    .controllers = options->controllers,
			    .controllers_count = options->controllers_count,
			    .pack = options->taker->names,
			    .wanted = names_wanted,
			    .complete = names_complete,
			    .failed = names_failed,
			    .ctx = f});
		f->ack = ack_new(f->client, options->controllers, options->controllers_count);
		f->tick = event_new(base, -1, EV_PERSIST, on_tick, f);
		event_add(f->tick, &interval);
		r = subscribe(f, e);
	}
	if (r != 0) {
		follow_stop(f);
		return r;
	}
	*out = f;
	return 0;
}

void follow_stop(struct follow *f)
{
	if (!f)
		return;
	if (f->subscription)
		subscription_free(f->subscription);
	names_fetcher_free(f->fetcher);
	ack_free(f->ack);
	if (f->tick)
		event_free(f->tick);
	for (size_t i = 0; i < f->options.controllers_count; i++)
		event_free(f->voices[i].reopen);
	if (f->client)
		http_client_free(f->client);
	free(f->voices);
	free(f);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "gauge", help);
	metrics_value(out, name, NULL, value);
}

static double age_s(uint64_t then_ms)
{
	return then_ms == 0 ? -1 : (double)(clock_mono_ms() - then_ms) / 1000;
}

void follow_print(const struct follow *f, struct buf *out)
{
	gauge(out, "tandem_dnsd_view_age_seconds",
	    "since the view served was taken from a controller, -1 while it is from the disk",
	    age_s(f->taken_ms));
	gauge(out, "tandem_dnsd_controllers_silent_seconds",
	    "since any controller was heard, -1 if never", age_s(f->heard_ms));
	gauge(out, "tandem_dnsd_controllers_connected", "streams open now",
	    f->subscription ? (double)subscription_connected(f->subscription) : 0);
	gauge(out, "tandem_dnsd_view_refused", "1 while the newest view is refused",
	    f->refusal[0] != '\0');
	metrics_family(out, "tandem_dnsd_views_total", "counter", "views, by what became of them");
	metrics_value(out, "tandem_dnsd_views_total", (const char *[]){"result", "taken", NULL},
	    (double)f->taken);
	metrics_value(out, "tandem_dnsd_views_total", (const char *[]){"result", "refused", NULL},
	    (double)f->refused);
}
