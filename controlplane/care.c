/* Looks after the cluster itself every 10 s. */
#include "controlplane/care.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { PERIOD_S = 10, FIRST_MS = 100 };

struct waiter {
	void (*done)(void *ctx);
	void *ctx;
};

struct care {
	struct waiter *waiters;
	size_t waiters_count;
	struct care_options options;
	struct event *tick;
	bool asking;
	json_t *store; /* NULL before the first answer */
	uint64_t store_ms;
	unsigned differing; /* care_differing of the last looks */
	struct care_certificate certificates[CARE_CERTIFICATES];
	size_t count;
	struct care_alarms alarms;
};

/* Those that stood before keep their beginning; new ones are logged, and so is their end. */
static void alarms_renew(struct care *c)
{
	struct care_alarms *fresh = mem_new(1, sizeof(*fresh));
	care_judge_store(fresh, c->store, c->differing);
	care_judge_certificates(fresh, c->certificates, c->count, clock_wall_ms());
	for (size_t i = 0; i < fresh->count; i++) {
		struct care_alarm *a = &fresh->items[i];
		for (size_t j = 0; j < c->alarms.count && a->since_ms == 0; j++)
			if (strcmp(c->alarms.items[j].key, a->key) == 0)
				a->since_ms = c->alarms.items[j].since_ms;
		if (a->since_ms == 0) {
			a->since_ms = clock_wall_ms();
			log_warn("%s: %s", a->key, a->text);
		}
	}
	for (size_t j = 0; j < c->alarms.count; j++) {
		bool stands = false;
		for (size_t i = 0; i < fresh->count && !stands; i++)
			stands = strcmp(c->alarms.items[j].key, fresh->items[i].key) == 0;
		if (!stands)
			log_info("%s: over", c->alarms.items[j].key);
	}
	c->alarms = *fresh;
	free(fresh);
}

static void certificate_put(struct care *c, const char *name, int64_t expires_ms, uint64_t heard_ms)
{
	struct care_certificate *slot = NULL;
	for (size_t i = 0; i < c->count && slot == NULL; i++)
		if (strcmp(c->certificates[i].name, name) == 0)
			slot = &c->certificates[i];
	if (slot == NULL && c->count == CARE_CERTIFICATES)
		return;
	if (slot == NULL) {
		slot = &c->certificates[c->count++];
		snprintf(slot->name, sizeof(slot->name), "%s", name);
	}
	slot->expires_ms = expires_ms;
	slot->heard_ms = heard_ms;
}

static void certificates_forget(struct care *c)
{
	uint64_t now_ms = clock_mono_ms();
	size_t kept = 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct care_certificate *one = &c->certificates[i];
		if (one->heard_ms == UINT64_MAX || now_ms - one->heard_ms < CARE_HEARD_MS)
			c->certificates[kept++] = *one;
	}
	c->count = kept;
}

void care_reload(struct care *c)
{
	struct err e;
	for (size_t i = 0; i < c->options.files_count; i++) {
		int64_t expires_ms = 0;
		const char *path = c->options.files[i];
		/* One that can not be read now is a trouble of the reload, which tells it. */
		if (path != NULL && tls_certificate_expiry(path, &expires_ms, &e) == 0)
			certificate_put(c, path, expires_ms, UINT64_MAX);
	}
	alarms_renew(c);
}

void care_peer(struct care *c, const struct tls_identity *who)
{
	char name[sizeof(((struct care_certificate *)0)->name)];
	if (c == NULL || who == NULL || who->expires_ms == 0)
		return;
	snprintf(
	    name, sizeof(name), "%s (%s of %s)", who->name, tls_role_name(who->role), who->site);
	certificate_put(c, name, who->expires_ms, clock_mono_ms());
}

static void on_described(void *ctx, json_t *told)
{
	struct care *c = ctx;
	c->asking = false;
	json_decref(c->store);
	c->store = told;
	c->store_ms = clock_mono_ms();
	c->differing = care_differing(told, c->differing);
	alarms_renew(c);
	while (c->waiters_count > 0) {
		struct waiter w = c->waiters[--c->waiters_count];
		w.done(w.ctx);
	}
}

static void look(struct care *c)
{
	care_reload(c); /* renewed files count for new connections without a reload */
	certificates_forget(c);
	if (c->asking)
		return;
	c->asking = true;
	store_describe(c->options.store, on_described, c);
}

void care_look(struct care *c, void (*done)(void *ctx), void *ctx)
{
	VEC_PUSH(c->waiters, c->waiters_count) = (struct waiter){done, ctx};
	look(c);
}

void care_forget(struct care *c, const void *ctx)
{
	size_t kept = 0;
	for (size_t i = 0; c != NULL && i < c->waiters_count; i++)
		if (c->waiters[i].ctx != ctx)
			c->waiters[kept++] = c->waiters[i];
	if (c != NULL)
		c->waiters_count = kept;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval period = {.tv_sec = PERIOD_S};
	struct care *c = arg;
	(void)fd;
	(void)what;
	event_add(c->tick, &period);
	look(c);
}

int care_new(const struct care_options *options, struct care **out, struct err *e)
{
	static const struct timeval first = {.tv_usec = FIRST_MS * 1000};
	struct care *c = mem_new(1, sizeof(*c));
	c->options = *options;
	*out = NULL;
	c->tick = evtimer_new(options->base, on_tick, c);
	if (c->tick == NULL || event_add(c->tick, &first) != 0) {
		care_free(c);
		return err_set(e, E_IO, "no timer");
	}
	*out = c;
	return 0;
}

void care_free(struct care *c)
{
	if (c == NULL)
		return;
	if (c->tick != NULL)
		event_free(c->tick);
	json_decref(c->store);
	free(c->waiters);
	free(c);
}

const struct care_alarms *care_alarms(const struct care *c)
{
	static const struct care_alarms none;
	return c != NULL ? &c->alarms : &none;
}

size_t care_certificates(const struct care *c, const struct care_certificate **out)
{
	*out = c != NULL ? c->certificates : NULL;
	return c != NULL ? c->count : 0;
}

const json_t *care_store(const struct care *c)
{
	return c != NULL ? c->store : NULL;
}

json_t *care_encode(const struct care *c)
{
	const struct care_certificate *list;
	size_t count = care_certificates(c, &list);
	json_t *certificates = json_array(), *alarms = json_array();
	char text[CLOCK_TEXT_BYTES];
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    certificates, json_pack("{s:s, s:s}", "name", list[i].name, "expires",
		                      clock_format(list[i].expires_ms, text)));
	for (size_t i = 0; i < care_alarms(c)->count; i++) {
		const struct care_alarm *a = &care_alarms(c)->items[i];
		json_array_append_new(
		    alarms, json_pack("{s:s, s:s, s:s}", "key", a->key, "since",
		                clock_format(a->since_ms, text), "text", a->text));
	}
	const json_t *store = care_store(c);
	return json_pack("{s:o, s:I, s:o, s:o}", "store",
	    store != NULL ? json_deep_copy(store) : json_null(), "store_age_ms",
	    store != NULL ? (json_int_t)(clock_mono_ms() - c->store_ms) : (json_int_t)-1,
	    "certificates", certificates, "alarms", alarms);
}
