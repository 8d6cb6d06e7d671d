/* How a daemon takes over from the one before it, and hands over to the next. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dnsd/daemon_private.h"
#include "lib/file.h"
#include "lib/log.h"

/* --- taking over ---------------------------------------------------------------------------- */

int daemon_takeover_begin(struct daemon *d, struct err *e)
{
	const char *state = d->config.common.state;
	if (!d->takes_over)
		return 0;
	if (!state)
		return err_set(e, E_INVALID,
		    "no state, expected the folder of the server that is to be taken over");
	int r = takeover_open(&d->takeover, state, d->config.user, e);
	return r == 0 ? 0 : err_prefix_code(e, r, "taking over");
}

/* What the other process has added to the names on disk, or written anew. */
static int names_refresh(struct daemon *d, struct err *e)
{
	return d->names ? names_pack_refresh(d->names, e) : 0;
}

/* Rule 2: nobody who asked the old server may see an older epoch at the new one. */
static int epoch_check(struct daemon *d, const struct handover_message *served, struct err *e)
{
	const struct view *held = d->taker.held;
	if (served->epoch == 0 ||
	    (held && held->epoch >= served->epoch && strcmp(held->cluster, served->cluster) == 0))
		return 0;
	return err_set(e, E_REFUSED,
	    "rule 2: the old server serves epoch %" PRIu64 ", which is not on the disk; it has "
	    "epoch %" PRIu64,
	    served->epoch, held ? held->epoch : 0);
}

/* A server that died meanwhile has not told what it served, and may have written that after it was
 * read here. There is nobody to leave it to: with a disk that can not be read any more this one
 * answers what it has. */
static void disk_look_again(struct daemon *d)
{
	struct err why = {0};
	int r = taker_catch_up(&d->taker, &why);
	if (r != 0 && (d->taker.held || r != E_NOT_FOUND))
		log_error("what the old server wrote last can not be used: %s", why.text);
}

int daemon_takeover_catch_up(struct daemon *d, struct err *e)
{
	struct handover_message served;
	if (!d->takes_over)
		return 0;
	int r = takeover_ready(&d->takeover, &served, e);
	if (r == 0 && d->keeper) {
		r = keeper_lock(d->keeper, e);
		if (r == 0) /* even if there is no newer epoch the pack may be another file */
			r = names_refresh(d, e);
		if (r == 0 && d->takeover.is_alone)
			disk_look_again(d);
		else if (r == 0 && served.epoch > (d->taker.held ? d->taker.held->epoch : 0))
			r = taker_catch_up(&d->taker, e);
		if (r == 0)
			r = epoch_check(d, &served, e);
	}
	return r == 0 ? 0 : err_prefix_code(e, r, "taking over");
}

int daemon_takeover_finish(struct daemon *d, struct err *e)
{
	if (!d->takes_over)
		return 0;
	int r = takeover_answering(&d->takeover, e);
	if (r != 0)
		return err_prefix_code(e, r, "taking over");
	log_info("this server answers now instead of the one before");
	return 0;
}

/* --- handing over --------------------------------------------------------------------------- */

static void sockets_list(void *ctx, struct socket_set *set)
{
	const struct daemon *d = ctx;
	tcp_list(d->tcp, set);
	udp_list(d->udp, set);
	if (d->metrics_fd >= 0)
		socket_set_add(set, d->metrics_fd);
}

static void on_yield(void *ctx, struct handover_message *served)
{
	struct daemon *d = ctx;
	const struct view *held = d->taker.held;
	d->has_yielded = true;
	daemon_follow_end(d);
	if (d->keeper)
		keeper_unlock(d->keeper);
	if (!held)
		return;
	memcpy(served->cluster, held->cluster, sizeof(served->cluster));
	served->epoch = held->epoch;
	served->revision = held->revision;
}

static void on_resume(void *ctx)
{
	struct daemon *d = ctx;
	struct err e = {0};
	d->has_yielded = false;
	if (d->keeper) /* a process that was killed may hold it for another moment: then later */
		(void)keeper_lock(d->keeper, NULL);
	if (names_refresh(d, &e) != 0)
		log_error("names on disk can not be looked at again: %s", e.text);
	if (d->keeper && daemon_follow_begin(d, &e) != 0)
		log_error("can not follow the controllers again: %s", e.text);
}

static void end_if_done(struct daemon *d)
{
	if (!d->is_drained || !d->has_left)
		return;
	log_info("ending: the new server has taken over");
	loop_end(d->loop);
}

static void on_drained(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	(void)fd;
	(void)what;
	d->is_drained = true;
	end_if_done(d);
}

static void on_leave(void *ctx)
{
	struct daemon *d = ctx;
	udp_stop(d->udp);
	d->udp = NULL;
	tcp_drain(d->tcp, d->config.tcp_drain_ms, d->drained_fd);
	if (d->metrics)
		http_server_free(d->metrics);
	d->metrics = NULL;
	d->metrics_fd = -1;
	notifier_free(d->secondaries.notifier); /* telling secondaries is the new one's too */
	d->secondaries.notifier = NULL;
	log_info("the new server answers; this one finishes its connections");
}

static void on_left(void *ctx)
{
	struct daemon *d = ctx;
	d->has_left = true;
	end_if_done(d);
}

static int handover_prepare(struct daemon *d, struct err *e)
{
	const struct handover_owner owner = {.ctx = d,
	    .sockets = sockets_list,
	    .yield = on_yield,
	    .resume = on_resume,
	    .leave = on_leave,
	    .left = on_left};
	d->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->drained_fd < 0)
		return err_set(e, E_IO, "can not make an eventfd");
	d->on_drained = event_new(loop_base(d->loop), d->drained_fd, EV_READ, on_drained, d);
	event_add(d->on_drained, NULL);
	return handover_open(loop_base(d->loop), d->config.common.state, &owner, &d->handover, e);
}

void daemon_handover_begin(struct daemon *d)
{
	struct err e = {0};
	if (d->config.common.state && handover_prepare(d, &e) != 0)
		log_warn("no other process will be able to take over from this one: %s", e.text);
}

void daemon_handover_end(struct daemon *d)
{
	handover_close(d->handover);
	if (d->on_drained)
		event_free(d->on_drained);
	if (d->drained_fd >= 0)
		close(d->drained_fd);
}
