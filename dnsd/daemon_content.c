/* What a daemon serves, and where it comes from: zone files, or its disk and the controllers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/daemon_private.h"
#include "dnsd/privilege.h"
#include "lib/log.h"

enum { FOLLOW_AGAIN_S = 2 };

struct snapshot_limits daemon_memory_limits(const struct config_dnsd *config)
{
	return (struct snapshot_limits){.entries = config->transfer_history,
	    .bytes = (size_t)config->transfer_history_mib << 20};
}

int daemon_zones_load(struct daemon *d, struct err *e)
{
	struct snapshot *s;
	int r = zone_files_load(&d->files, d->config.zones, d->config.zones_count, &s, e);
	if (r == 0 && !s) {
		log_info("all zone files say what they said");
	} else if (r == 0) {
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

int daemon_disk_load(struct daemon *d, struct err *e)
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

/* Where a controller can ask: one that listens everywhere does not know its own address. */
static const char *own_endpoint(const struct daemon *d)
{
	for (size_t i = 0; i < d->config.common.listen_count; i++)
		if (!d->addresses[i].is_any)
			return d->config.common.listen[i];
	return "";
}

int daemon_follow_open(struct daemon *d, struct err *e)
{
	const struct config_common *c = &d->config.common;
	int r = role_check(c->tls_certificate, e);
	if (r != 0)
		return r;
	struct follow_options options = {.name = c->name,
	    .endpoint = own_endpoint(d),
	    .controllers = (const char *const *)c->controllers,
	    .controllers_count = c->controllers_count,
	    .tls = {.ca = c->tls_ca, .certificate = c->tls_certificate, .key = c->tls_key},
	    .taker = &d->taker};
	return follow_start(loop_base(d->loop), &options, &d->follow, e);
}

void daemon_cut_off(struct daemon *d, const struct err *why)
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
	if (daemon_follow_open(d, &e) != 0) {
		daemon_cut_off(d, &e);
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
	int r = daemon_follow_open(d, e);
	if (r == 0 || (!d->taker.held && !d->takes_over))
		return r;
	daemon_cut_off(d, e);
	return 0;
}

void daemon_follow_end(struct daemon *d)
{
	follow_stop(d->follow);
	d->follow = NULL;
	if (d->follow_again)
		event_del(d->follow_again);
}
