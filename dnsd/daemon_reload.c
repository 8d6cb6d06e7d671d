/* Reading the file again (SIGHUP): all that can be refused is, before anything is changed. */
#include <stdlib.h>
#include <string.h>

#include "dnsd/daemon_private.h"
#include "lib/base/mem.h"
#include "lib/log.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void hint(const struct config_dnsd *now, const char *what)
{
	if (now->common.state)
		log_warn(
		    "%s has changed: that needs a new process (tandem-dnsd --take-over)", what);
	else
		log_warn("%s has changed: that needs a restart", what);
}

static bool same_listen(const struct config_common *a, const struct config_common *b)
{
	bool same = a->listen_count == b->listen_count;
	for (size_t i = 0; same && i < a->listen_count; i++)
		same = same_text(a->listen[i], b->listen[i]);
	return same;
}

/* What a running server can not change. */
static void restart_hint(const struct config_dnsd *now, const struct config_dnsd *fresh)
{
	const struct config_common *a = &now->common, *b = &fresh->common;
	if (!same_text(a->name, b->name))
		hint(now, "name");
	if (!same_listen(a, b))
		hint(now, "listen");
	if (!same_text(a->metrics, b->metrics))
		hint(now, "metrics");
	if (!same_text(a->state, b->state))
		log_warn("state has changed: that needs a restart");
	if (now->tcp_connections != fresh->tcp_connections ||
	    now->tcp_per_client != fresh->tcp_per_client ||
	    now->tcp_idle_ms != fresh->tcp_idle_ms || now->tcp_drain_ms != fresh->tcp_drain_ms)
		hint(now, "tcp");
	if (now->transfers_parallel != fresh->transfers_parallel)
		hint(now, "transfers: parallel");
	if (now->transfers_longest_ms != fresh->transfers_longest_ms)
		hint(now, "transfers: longest");
	if (!same_text(now->user, fresh->user) || !same_text(now->group, fresh->group) ||
	    now->seccomp != fresh->seccomp)
		hint(now, "user, group or seccomp");
	if (!same_text(now->dnstap_socket, fresh->dnstap_socket) ||
	    !same_text(now->dnstap_identity, fresh->dnstap_identity) ||
	    now->dnstap_queries != fresh->dnstap_queries ||
	    now->dnstap_responses != fresh->dnstap_responses)
		hint(now, "dnstap");
	if (now->workers != fresh->workers)
		hint(now, "workers");
}

static void text_keep(char **fresh, const char *now)
{
	free(*fresh);
	*fresh = now ? mem_strdup(now) : NULL;
}

static void listen_keep(struct config_common *fresh, const struct config_common *now)
{
	for (size_t i = 0; i < fresh->listen_count; i++)
		free(fresh->listen[i]);
	free(fresh->listen);
	fresh->listen = NULL;
	fresh->listen_count = 0;
	for (size_t i = 0; i < now->listen_count; i++)
		VEC_PUSH(fresh->listen, fresh->listen_count) = mem_strdup(now->listen[i]);
}

/* The file says one thing, this process does another until it is replaced. What is done counts: an
 * address nobody listens on must not be told to the controllers, nor may a rate be shared among
 * workers that are not there. And so the next reload says again what still waits. */
static void running_keep(struct config_dnsd *fresh, const struct config_dnsd *now)
{
	text_keep(&fresh->common.name, now->common.name);
	listen_keep(&fresh->common, &now->common);
	text_keep(&fresh->common.metrics, now->common.metrics);
	text_keep(&fresh->common.state, now->common.state);
	fresh->tcp_connections = now->tcp_connections;
	fresh->tcp_per_client = now->tcp_per_client;
	fresh->tcp_idle_ms = now->tcp_idle_ms;
	fresh->tcp_drain_ms = now->tcp_drain_ms;
	fresh->transfers_parallel = now->transfers_parallel;
	fresh->transfers_longest_ms = now->transfers_longest_ms;
	text_keep(&fresh->user, now->user);
	text_keep(&fresh->group, now->group);
	fresh->seccomp = now->seccomp;
	text_keep(&fresh->dnstap_socket, now->dnstap_socket);
	text_keep(&fresh->dnstap_identity, now->dnstap_identity);
	fresh->dnstap_queries = now->dnstap_queries;
	fresh->dnstap_responses = now->dnstap_responses;
	fresh->workers = now->workers;
}

/* Certificates are read anew too, so a renewed one needs no restart. Those that can not be used
 * leave the streams open that were made with the former ones. */
static void controllers_reload(struct daemon *d, struct config_dnsd *fresh)
{
	struct err e = {0};
	struct config_dnsd former = d->config;
	struct follow *streams = d->follow;
	struct key_ring ring;
	int r = key_ring_read(fresh->dnssec, fresh->dnssec_count, &ring, &e);
	if (r == 0)
		r = taker_rekey(&d->taker, &ring, &e);
	if (r != 0) {
		key_ring_release(&ring);
		log_error("keys refused, what is served stays signed as it was: %s", e.text);
	}
	d->config = *fresh;
	if (daemon_follow_open(d, &e) == 0) {
		follow_stop(streams);
		d->cut_off[0] = '\0';
		config_dnsd_free(&former);
		return;
	}
	log_error("reload refused, the controllers stay as they were: %s", e.text);
	config_dnsd_free(&d->config);
	d->config = former;
	d->follow = streams; /* NULL: it is being tried again already */
}

/* All that can be refused before anything is changed. */
static int reload_prepare(struct daemon *d, const struct config_dnsd *fresh, struct policy **policy,
    struct secondaries *secondaries, struct err *e)
{
	int r = secondaries_make(
	    loop_base(d->loop), fresh, d->path, &d->seat, &d->secondaries, secondaries, e);
	if (r == 0)
		r = policy_build(fresh, d->policy.now, policy, e);
	if (r != 0)
		secondaries_release(secondaries);
	return r;
}

void daemon_reload(void *ctx)
{
	struct daemon *d = ctx;
	struct config_dnsd fresh;
	struct err e = {0};
	if (d->has_yielded) {
		log_warn(
		    "reload refused: a new server is taking over, which reads its file itself");
		return;
	}
	log_info("reading \"%s\" again", d->path);
	if (daemon_config_read(d->path, &fresh) != 0) {
		log_error("reload refused, everything stays as it was");
		return;
	}
	if ((fresh.common.controllers_count > 0) != daemon_has_controllers(d)) {
		log_error(
		    "reload refused: going from controllers to zone files or back needs a restart");
		config_dnsd_free(&fresh);
		return;
	}
	restart_hint(&d->config, &fresh);
	running_keep(&fresh, &d->config);
	struct policy *policy;
	struct secondaries secondaries;
	if (reload_prepare(d, &fresh, &policy, &secondaries, &e) != 0) {
		log_error("reload refused, everything stays as it was: %s", e.text);
		config_dnsd_free(&fresh);
		return;
	}
	policy_swap(&d->policy, policy);
	d->seat.limits = daemon_memory_limits(&fresh);
	daemon_secondaries_settle(d, &secondaries);
	if (daemon_has_controllers(d)) {
		controllers_reload(d, &fresh);
	} else {
		config_dnsd_free(&d->config);
		d->config = fresh;
		if (daemon_zones_load(d, &e) != 0)
			log_error("reload refused, the zones stay as they were: %s", e.text);
	}
	log_open("tandem-dnsd", d->config.common.log);
}
