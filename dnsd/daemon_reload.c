/* Reading the file again (SIGHUP): all that can be refused is, before anything is changed. */
#include <string.h>

#include "dnsd/daemon_private.h"
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

/* What a running server can not change. */
static void restart_hint(const struct config_dnsd *now, const struct config_dnsd *fresh)
{
	const struct config_common *a = &now->common, *b = &fresh->common;
	bool same_listen = a->listen_count == b->listen_count;
	for (size_t i = 0; same_listen && i < a->listen_count; i++)
		same_listen = same_text(a->listen[i], b->listen[i]);
	if (!same_listen)
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

/* Certificates are read anew too, so a renewed one needs no restart. */
static void controllers_reload(struct daemon *d, struct config_dnsd *fresh)
{
	struct err e = {0};
	struct config_dnsd former = d->config;
	struct key_ring ring;
	int r = key_ring_read(fresh->dnssec, fresh->dnssec_count, &ring, &e);
	if (r == 0)
		r = taker_rekey(&d->taker, &ring, &e);
	if (r != 0) {
		key_ring_release(&ring);
		log_error("keys refused, what is served stays signed as it was: %s", e.text);
	}
	follow_stop(d->follow);
	d->follow = NULL;
	d->config = *fresh;
	if (daemon_follow_open(d, &e) == 0) {
		config_dnsd_free(&former);
		return;
	}
	log_error("reload refused, the controllers stay as they were: %s", e.text);
	config_dnsd_free(&d->config);
	d->config = former;
	if (daemon_follow_open(d, &e) != 0)
		daemon_cut_off(d, &e);
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
	restart_hint(&d->config, &fresh);
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
