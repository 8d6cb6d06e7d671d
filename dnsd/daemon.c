/* The parts of tandem-dnsd put together: its life, its clock, its sockets, its rights. */
#include "dnsd/daemon.h"

#include <errno.h>
#include <stdlib.h>
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

int daemon_config_read(const char *path, struct config_dnsd *out)
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
	if (daemon_config_read(path, &d->config) != 0) {
		free(d);
		return NULL;
	}
	log_open("tandem-dnsd", d->config.common.log);
	return d;
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
	if (!daemon_has_controllers(d))
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

static void on_swapped(void *ctx)
{
	struct daemon *d = ctx;
	notifier_wake(d->secondaries.notifier);
}

void daemon_secondaries_settle(struct daemon *d, struct secondaries *fresh)
{
	secondaries_replace(&d->secondaries, fresh);
	d->files.members = d->taker.members = d->secondaries.members;
}

/* Everything that can fail comes before the first answer: a server that takes over and fails leaves
 * the other one as it was. */
static int prepare(struct daemon *d, struct err *e)
{
	int r = privilege_forbid_gain(e);
	if (r == 0)
		r = loop_new(&d->loop, e);
	if (r == 0) /* before anybody can see that we are there, and tell us to reload */
		loop_on_reload(d->loop, daemon_reload, d);
	if (r == 0)
		r = policy_build(&d->config, NULL, &d->policy.now, e);
	d->started_s = d->seat.time_s = time_now_s();
	d->seat.limits = daemon_memory_limits(&d->config);
	d->seat.swapped = on_swapped;
	d->seat.swapped_ctx = d;
	struct secondaries secondaries;
	if (r == 0)
		r = secondaries_make(loop_base(d->loop), &d->config, d->path, &d->seat,
		    &d->secondaries, &secondaries, e);
	if (r == 0)
		daemon_secondaries_settle(d, &secondaries);
	if (r == 0)
		r = daemon_takeover_begin(d, e);
	if (r == 0 && d->config.common.state && !daemon_has_controllers(d))
		r = file_make_folder(d->config.common.state, e);
	if (r == 0)
		r = daemon_has_controllers(d) ? daemon_disk_load(d, e) : daemon_zones_load(d, e);
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
	if (r == 0 && daemon_has_controllers(d))
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
	if (daemon_has_controllers(d))
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
