/* The parts of tandem-dnsd put together. */
#include "dnsd/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnsd/daemon_private.h"
#include "dnsd/privilege.h"
#include "dnsd/secondaries.h"
#include "dnsd/serial.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/metrics.h"

enum { FOLLOW_AGAIN_S = 2 };

static int config_read(const char *path, struct config_dnsd *out)
{
	struct config_errors errors = {0};
	int r = config_dnsd_load(path, out, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.lines[i]);
	config_errors_free(&errors);
	if (r != 0)
		config_dnsd_free(out);
	return r;
}

struct daemon *daemon_new(const char *path, bool takes_over)
{
	struct daemon *d = mem_new(1, sizeof(*d));
	d->path = path;
	d->takes_over = takes_over;
	d->takeover.fd = d->metrics_fd = d->drained_fd = -1;
	d->taker.seat = &d->seat;
	if (config_read(path, &d->config) != 0) {
		free(d);
		return NULL;
	}
	log_open("tandem-dnsd", d->config.common.log);
	return d;
}

static bool has_controllers(const struct daemon *d)
{
	return d->config.common.controllers_count > 0;
}

/* --- what is served ------------------------------------------------------------------------- */

/* How much of what was served before is remembered, for differences. */
static struct snapshot_limits memory_limits(const struct config_dnsd *config)
{
	return (struct snapshot_limits){.entries = config->transfer_history,
	    .bytes = (size_t)config->transfer_history_mib << 20};
}

static int zones_load(struct daemon *d, struct err *e)
{
	struct snapshot *s;
	int r = zone_files_load(&d->files, d->config.zones, d->config.zones_count, &s, e);
	if (r == 0) {
		snapshot_swap(&d->seat, s);
		log_info("serving %zu zones with %zu names", s->catalog->zones_count,
		    s->catalog->nodes_count);
	}
	return r;
}

/* Without the pack all is served that needs no lists of names. */
static void names_open(struct daemon *d)
{
	struct err why = {0};
	uid_t user;
	int r = names_pack_open(d->config.common.state, &d->names, &why);
	d->taker.names = d->names;
	if (r != 0) {
		log_error("views with lists of names can not be taken: %s", why.text);
		return;
	}
	if (geteuid() != 0 || !d->config.user)
		return;
	r = privilege_user_id(d->config.user, &user, &why);
	if (r == 0)
		r = names_pack_give(d->names, user, &why);
	if (r != 0)
		log_error("a start without root will not be able to use its names: %s", why.text);
}

/* Without a usable view the server still starts: it answers SERVFAIL until a controller is heard.
 */
static int disk_load(struct daemon *d, struct err *e)
{
	struct err why = {0};
	int r = key_ring_read(d->config.dnssec, d->config.dnssec_count, &d->taker.ring, e);
	if (r != 0)
		return r;
	r = keeper_open(d->config.common.state, &d->keeper, e);
	if (r == 0 && !d->takes_over) /* else it is the other server's until it says so */
		r = keeper_lock(d->keeper, e);
	if (r != 0)
		return err_prefix_code(e, r, "state");
	d->taker.keeper = d->keeper;
	names_open(d);
	r = taker_start(&d->taker, &why);
	if (r == 0)
		log_info("serving epoch %" PRIu64 ", revision %" PRIu64 " from disk",
		    d->taker.held->epoch, d->taker.held->revision);
	else if (r == E_NOT_FOUND)
		log_warn("nothing to serve yet: %s", why.text);
	else
		log_error("NOTHING TO SERVE, the view on disk can not be used: %s", why.text);
	return 0;
}

static int role_check(const char *certificate, struct err *e)
{
	struct tls_identity who;
	int r = tls_certificate_identity(certificate, &who, e);
	if (r == 0 && who.role != TLS_ROLE_DNSD)
		r = err_set(e, E_INVALID, "certificate \"%s\" has the role %s, expected dnsd",
		    certificate, tls_role_name(who.role));
	return r;
}

static int follow_open(struct daemon *d, struct err *e)
{
	const struct config_common *c = &d->config.common;
	int r = role_check(c->tls_certificate, e);
	if (r != 0)
		return r;
	struct follow_options options = {.name = c->name,
	    .controllers = (const char *const *)c->controllers,
	    .controllers_count = c->controllers_count,
	    .tls = {.ca = c->tls_ca, .certificate = c->tls_certificate, .key = c->tls_key},
	    .taker = &d->taker};
	return follow_start(loop_base(d->loop), &options, &d->follow, e);
}

/* Rule 4: a certificate that can not be used must not keep from serving what is on disk. It is
 * tried again until it is put right. */
static void cut_off(struct daemon *d, const struct err *why)
{
	static const struct timeval pause = {.tv_sec = FOLLOW_AGAIN_S};
	if (strcmp(d->cut_off, why->text) != 0)
		log_error("CUT OFF FROM THE CONTROLLERS, what is served stays: %s; trying again "
		          "every %d s",
		    why->text, FOLLOW_AGAIN_S);
	(void)snprintf(d->cut_off, sizeof(d->cut_off), "%s", why->text);
	evtimer_add(d->follow_again, &pause);
}

static void on_follow_again(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	struct err e = {0};
	(void)fd;
	(void)what;
	if (d->follow)
		return;
	if (follow_open(d, &e) != 0) {
		cut_off(d, &e);
		return;
	}
	d->cut_off[0] = '\0';
	log_info("following the controllers again");
}

/* With nothing on disk there is nothing to lose: then it is an error of the start. */
int daemon_follow_begin(struct daemon *d, struct err *e)
{
	if (!d->follow_again)
		d->follow_again = evtimer_new(loop_base(d->loop), on_follow_again, d);
	int r = follow_open(d, e);
	if (r == 0 || (!d->taker.held && !d->takes_over))
		return r;
	cut_off(d, e);
	return 0;
}

void daemon_follow_end(struct daemon *d)
{
	follow_stop(d->follow);
	d->follow = NULL;
	if (d->follow_again)
		event_del(d->follow_again);
}

/* --- time ----------------------------------------------------------------------------------- */

static uint32_t time_now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint32_t)now.tv_sec;
}

/* Signatures turn at full hours. A clock that is put back a little must not take a serial back; one
 * that was far ahead must be followed, for its signatures are not valid yet. */
static void on_clock(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	uint32_t now_s = time_now_s(), former_s = d->seat.time_s;
	(void)fd;
	(void)what;
	if (now_s / SERIAL_PHASE_S == former_s / SERIAL_PHASE_S ||
	    (now_s < former_s && former_s - now_s < SERIAL_TURN_S))
		return;
	if (now_s < former_s)
		log_warn("the clock went back by %u s: so do the serials of signed zones",
		    former_s - now_s);
	if (!snapshot_turn(&d->seat, now_s))
		return;
	log_info("signed zones have taken another turn: serials and signatures are new");
	notifier_wake(d->secondaries.notifier);
}

static void clock_begin(struct daemon *d)
{
	static const struct timeval second = {.tv_sec = 1};
	d->clock = event_new(loop_base(d->loop), -1, EV_PERSIST, on_clock, d);
	event_add(d->clock, &second);
}

/* --- sockets -------------------------------------------------------------------------------- */

static int sockets_prepare(struct daemon *d, struct err *e)
{
	int r = 0;
	size_t count = d->config.common.listen_count;
	if (count > SOCKETS_LISTEN_MAX)
		return err_set(e, E_LIMIT, "listen: found %zu addresses, at most %d are possible",
		    count, SOCKETS_LISTEN_MAX);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = socket_address_parse(d->config.common.listen[i], &d->addresses[i], e);
	if (r == 0)
		r = sockets_open(d->addresses, count, d->config.workers,
		    d->takes_over ? &d->takeover.sockets : NULL, &d->sockets, e);
	return r == 0 ? 0 : err_prefix_code(e, r, "listen");
}

static int transports_start(struct daemon *d, struct err *e)
{
	const struct tcp_limits limits = {.connections = d->config.tcp_connections,
	    .per_client = d->config.tcp_per_client,
	    .idle_ms = d->config.tcp_idle_ms,
	    .transfers = d->config.transfers_parallel,
	    .transfer_ms = d->config.transfers_longest_ms,
	    .backlog_bytes = TCP_LIMITS.backlog_bytes};
	int r = sockets_complete(&d->sockets, e);
	d->stats_count = d->config.workers + 1;
	d->stats = stats_new(d->stats_count);
	if (r == 0)
		r = tap_new(&d->config, d->stats, d->stats_count, &d->tap, e);
	if (r == 0)
		r = udp_start(&d->sockets, d->config.workers, &d->seat, &d->policy, d->stats,
		    d->tap, &d->udp, e);
	if (r != 0)
		return r;
	size_t count = d->sockets.listeners_count;
	d->sockets.listeners_count = 0; /* they are taken over */
	return tcp_start(d->sockets.listeners, count, &limits, &d->seat, &d->policy,
	    &d->stats[d->stats_count - 1], tap_pipe(d->tap, d->stats_count - 1), &d->tcp, e);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "gauge", help);
	metrics_value(out, name, NULL, value);
}

static void served_print(const struct daemon *d, struct buf *out)
{
	const struct catalog *c = d->seat.now ? d->seat.now->catalog : NULL;
	gauge(out, "process_start_time_seconds", "start of this process since 1970",
	    (double)d->started_s);
	gauge(out, "tandem_dnsd_zones", "zones served", c ? (double)c->zones_count : 0);
	gauge(out, "tandem_dnsd_names", "names in them", c ? (double)c->nodes_count : 0);
	if (!has_controllers(d))
		return;
	taker_print(&d->taker, out);
	gauge(out, "tandem_dnsd_cut_off", "1 while the controllers can not be asked at all",
	    d->follow == NULL);
}

static void metrics_get(struct http_request *request, void *ctx)
{
	const struct daemon *d = ctx;
	struct buf text = {0};
	stats_print(d->stats, d->stats_count, &text);
	served_print(d, &text);
	if (d->follow)
		follow_print(d->follow, &text);
	notifier_print(d->secondaries.notifier, &text);
	http_reply_text(request, 200, "text/plain; version=0.0.4", buf_text(&text));
	buf_free(&text);
}

static int metrics_bind(struct daemon *d, struct err *e)
{
	struct socket_address a;
	int r = socket_address_parse(d->config.common.metrics, &a, e);
	if (r != 0)
		return r;
	d->metrics_fd = d->takes_over ? socket_set_take(&d->takeover.sockets, &a, SOCK_STREAM) : -1;
	if (d->metrics_fd < 0)
		d->metrics_fd = socket_tcp_open(&a, e);
	return d->metrics_fd < 0 ? d->metrics_fd : 0;
}

static int metrics_open(struct daemon *d, struct err *e)
{
	static const struct http_limits limits = {.body_bytes = 1024,
	    .header_bytes = 8192,
	    .connections = 16,
	    .idle_ms = 10000,
	    .request_ms = 10000,
	    .stream_backlog_bytes = 65536};
	static const struct http_route routes[] = {{"GET", "/metrics", 0, metrics_get}};
	if (!d->config.common.metrics)
		return 0;
	int r = http_server_new(loop_base(d->loop), NULL, &limits, routes, 1, d, &d->metrics, e);
	if (r == 0)
		r = metrics_bind(d, e);
	if (r == 0)
		r = http_server_adopt(d->metrics, d->metrics_fd, e);
	return r == 0 ? 0 : err_prefix_code(e, r, "metrics");
}

/* --- rights --------------------------------------------------------------------------------- */

/* What was opened as root must be open to the user too, or the next change can not be kept. */
static int state_check(const struct daemon *d, struct err *e)
{
	const char *state = d->config.common.state;
	if (!state || access(state, R_OK | W_OK | X_OK) == 0)
		return 0;
	return err_set_errno(e, errno, "state: \"%s\" is not the user's to write", state);
}

static int privileges_drop(struct daemon *d, struct err *e)
{
	struct err why = {0};
	int r = privilege_become(d->config.user, d->config.group, e);
	if (r == 0)
		r = state_check(d, e);
	if (r != 0)
		return r;
	if (geteuid() == 0)
		log_warn("running as root: give it a user");
	if (d->config.seccomp && privilege_confine(&why) != 0)
		log_warn("running without a seccomp filter: %s", why.text);
	return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

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
	if (follow_open(d, &e) == 0) {
		config_dnsd_free(&former);
		return;
	}
	log_error("reload refused, the controllers stay as they were: %s", e.text);
	config_dnsd_free(&d->config);
	d->config = former;
	if (follow_open(d, &e) != 0)
		cut_off(d, &e);
}

static void on_swapped(void *ctx)
{
	struct daemon *d = ctx;
	notifier_wake(d->secondaries.notifier);
}

/* Takes over what the secondaries are told from now on. */
static void secondaries_settle(struct daemon *d, struct secondaries *fresh)
{
	secondaries_replace(&d->secondaries, fresh);
	d->files.members = d->taker.members = d->secondaries.members;
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

static void on_reload(void *ctx)
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
	if (config_read(d->path, &fresh) != 0) {
		log_error("reload refused, everything stays as it was");
		return;
	}
	if ((fresh.common.controllers_count > 0) != has_controllers(d)) {
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
	d->seat.limits = memory_limits(&fresh);
	secondaries_settle(d, &secondaries);
	restart_hint(&d->config, &fresh);
	if (has_controllers(d)) {
		controllers_reload(d, &fresh);
	} else {
		config_dnsd_free(&d->config);
		d->config = fresh;
		if (zones_load(d, &e) != 0)
			log_error("reload refused, the zones stay as they were: %s", e.text);
	}
	log_open("tandem-dnsd", d->config.common.log);
}

/* Everything that can fail comes before the first answer: a server that takes over and fails leaves
 * the other one as it was. */
static int prepare(struct daemon *d, struct err *e)
{
	int r = privilege_forbid_gain(e);
	if (r == 0)
		r = loop_new(&d->loop, e);
	if (r == 0) /* before anybody can see that we are there, and tell us to reload */
		loop_on_reload(d->loop, on_reload, d);
	if (r == 0)
		r = policy_build(&d->config, NULL, &d->policy.now, e);
	d->started_s = d->seat.time_s = time_now_s();
	d->seat.limits = memory_limits(&d->config);
	d->seat.swapped = on_swapped;
	d->seat.swapped_ctx = d;
	struct secondaries secondaries;
	if (r == 0)
		r = secondaries_make(loop_base(d->loop), &d->config, d->path, &d->seat,
		    &d->secondaries, &secondaries, e);
	if (r == 0)
		secondaries_settle(d, &secondaries);
	if (r == 0)
		r = daemon_takeover_begin(d, e);
	if (r == 0 && d->config.common.state && !has_controllers(d))
		r = file_make_folder(d->config.common.state, e);
	if (r == 0)
		r = has_controllers(d) ? disk_load(d, e) : zones_load(d, e);
	if (r == 0)
		r = sockets_prepare(d, e);
	if (r == 0)
		r = metrics_open(d, e);
	if (r == 0)
		r = privileges_drop(d, e);
	return r;
}

int daemon_start(struct daemon *d, struct err *e)
{
	int r = prepare(d, e);
	if (r == 0)
		r = daemon_takeover_catch_up(d, e);
	on_clock(-1, 0, d); /* loading may have taken long */
	if (r == 0)
		r = transports_start(d, e);
	if (r == 0)
		r = daemon_takeover_finish(d, e);
	if (r == 0 && has_controllers(d))
		r = daemon_follow_begin(d, e);
	if (r != 0)
		return r;
	clock_begin(d);
	if (d->keeper)
		keeper_tidy(d->keeper);
	daemon_handover_begin(d);
	return 0;
}

int daemon_run(struct daemon *d)
{
	loop_notify_ready();
	takeover_close(
	    &d->takeover); /* with that the old one may end: the unit knows this one now */
	return loop_run(d->loop);
}

void daemon_free(struct daemon *d)
{
	follow_stop(d->follow);
	d->seat.swapped = NULL;
	if (d->follow_again)
		event_free(d->follow_again);
	if (d->clock)
		event_free(d->clock);
	if (d->metrics)
		http_server_free(d->metrics);
	udp_stop(d->udp);
	tcp_stop(d->tcp);
	tap_free(d->tap);
	sockets_release(&d->sockets);
	if (d->keeper) /* before the old server hears that it is on its own again */
		keeper_unlock(d->keeper);
	takeover_close(&d->takeover);
	daemon_handover_end(d);
	policy_swap(&d->policy, NULL);
	if (has_controllers(d))
		taker_release(&d->taker);
	else
		snapshot_swap(&d->seat, NULL);
	keeper_close(d->keeper);
	names_pack_close(d->names);
	zone_files_free(&d->files);
	free(d->stats);
	secondaries_release(&d->secondaries);
	loop_free(d->loop);
	config_dnsd_free(&d->config);
	free(d);
}
