/* Tells the secondaries that a zone has changed: sockets, timer, log. */
#include "dnsd/notifier.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnsd/notify_message.h"
#include "dnsd/notify_plan.h"
#include "dnsd/serial.h"
#include "dnsd/socket.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/metrics.h"

enum {
	ANSWER_BYTES = 2048,
	ANSWERS_A_TURN = 64,
	NOTICES_A_TURN = 64, /* before the loop sees to other things */
	TEXT_BYTES = ADDR_TEXT_BYTES + 8,
};

struct on_the_way { /* what was sent in a place of the window */
	uint16_t id;
	struct tsig tsig; /* of zeros: it was not signed */
};

struct peer { /* a secondary that is told */
	struct notifier *notifier;
	struct sockaddr_storage address, from; /* from: family 0, the kernel chooses */
	socklen_t address_bytes;
	char text[TEXT_BYTES];
	bool has_key;
	struct tsig_key key;
	struct name *zones;
	size_t zones_count; /* 0: all */
	int fd; /* connected, on a port of its own for as long as something is pending */
	struct event *readable;
	struct on_the_way sent[NOTIFY_WINDOW];
	bool is_lost;    /* given up, and said so */
	uint64_t failed; /* refused, unsigned, not to be sent */
	char why[64];    /* the last failure */
};

struct notifier {
	struct event_base *base;
	const struct snapshot_seat *seat;
	struct event *timer, *look;
	struct notify_plan *plan;
	struct peer *peers;
	size_t peers_count;
};

/* --- sockets -------------------------------------------------------------------------------- */

static void peer_close(struct peer *p)
{
	if (p->readable)
		event_free(p->readable);
	p->readable = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void peer_fail(struct peer *p, const char *why)
{
	p->failed++;
	(void)snprintf(p->why, sizeof(p->why), "%s", why);
}

/* What came back to the socket, which takes octets of the secondary's address and port only. */
static void answer_take(struct peer *p, const uint8_t *message, size_t bytes)
{
	static const char *const rcodes[16] = {[1] = "FORMERR",
	    [2] = "SERVFAIL",
	    [3] = "NXDOMAIN",
	    [4] = "NOTIMP",
	    [5] = "REFUSED",
	    [9] = "NOTAUTH"};
	struct notifier *n = p->notifier;
	size_t peer = (size_t)(p - n->peers), place = 0;
	struct notify_answer a;
	uint16_t error = 0;
	if (!notify_answer_read(message, bytes, &a))
		return;
	while (place < NOTIFY_WINDOW &&
	       (!notify_plan_at(n->plan, peer, place) || p->sent[place].id != a.id))
		place++;
	if (place == NOTIFY_WINDOW)
		return; /* too late, or not ours */
	if (p->has_key && !tsig_check_answer(
	                      &p->sent[place].tsig, message, bytes, (uint64_t)time(NULL), &error)) {
		peer_fail(p, error == TSIG_BADKEY    ? "it does not know the key (BADKEY)"
		             : error == TSIG_BADSIG  ? "it has another secret (BADSIG)"
		             : error == TSIG_BADTIME ? "its clock differs (BADTIME)"
		                                     : "its answer is not signed with the key");
		return;
	}
	if (a.rcode != RCODE_NOERROR) { /* it may be about to learn of the zone: tried again */
		peer_fail(p, rcodes[a.rcode] ? rcodes[a.rcode] : "an error");
		return;
	}
	notify_plan_answered(n->plan, peer, place, clock_mono_ms());
	if (p->is_lost)
		log_info("secondary %s answers again", p->text);
	p->is_lost = false;
}

static void timer_set(struct notifier *n)
{
	uint64_t ms = notify_plan_wait_ms(n->plan, clock_mono_ms());
	if (ms == UINT64_MAX) {
		event_del(n->timer);
		return;
	}
	const struct timeval in = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	event_add(n->timer, &in);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct peer *p = ctx;
	uint8_t message[ANSWER_BYTES];
	(void)what;
	for (size_t i = 0; i < ANSWERS_A_TURN; i++) {
		ssize_t bytes = recv(fd, message, sizeof(message), MSG_DONTWAIT);
		if (bytes < 0 && errno == ECONNREFUSED) {
			peer_fail(p, "nobody listens there");
			continue;
		}
		if (bytes < 0)
			break;
		answer_take(p, message, (size_t)bytes);
	}
	timer_set(p->notifier);
}

static bool peer_open(struct peer *p)
{
	if (p->fd >= 0)
		return true;
	const struct sockaddr *from = (const struct sockaddr *)&p->from;
	p->fd = socket(p->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || (from->sa_family != 0 && bind(p->fd, from, p->address_bytes) != 0) ||
	    connect(p->fd, (const struct sockaddr *)&p->address, p->address_bytes) != 0) {
		peer_fail(p, strerror(errno));
		peer_close(p);
		return false;
	}
	p->readable = event_new(p->notifier->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	event_add(p->readable, NULL);
	return true;
}

/* --- sending -------------------------------------------------------------------------------- */

static const struct zone *zone_find(const struct snapshot *s, const struct notify_zone *z)
{
	struct name name;
	if (!s || !name_read(&name, z->wire, z->bytes))
		return NULL;
	const struct node *node = catalog_find(s->catalog, name_hash(&name), name.wire, name.bytes);
	return node && node->kin->is_apex ? node->kin->zone : NULL;
}

static void notice_send(struct notifier *n, const struct notice *what)
{
	struct peer *p = &n->peers[what->secondary];
	struct on_the_way *sent = &p->sent[what->window];
	const struct zone *z = zone_find(n->seat->now, what->zone);
	uint8_t message[NOTIFY_BYTES];
	if (!peer_open(p))
		return; /* as if it had got lost */
	evutil_secure_rng_get_bytes(&sent->id, sizeof(sent->id));
	size_t bytes = notify_message_put(sent->id, what->zone->wire, what->zone->bytes,
	    z ? &zone_top(n->seat->now->catalog, z)->soa : NULL, what->zone->serial, message);
	sent->tsig = (struct tsig){0};
	if (p->has_key)
		bytes = tsig_sign_query(
		    &sent->tsig, &p->key, message, bytes, sizeof(message), (uint64_t)time(NULL));
	if (send(p->fd, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		peer_fail(p, strerror(errno));
}

static void on_given_up(void *ctx, size_t secondary, const struct notify_zone *zone)
{
	struct notifier *n = ctx;
	struct peer *p = &n->peers[secondary];
	char text[NAME_TEXT_BYTES];
	if (!p->is_lost)
		log_warn(
		    "secondary %s does not take the news of \"%s\" (%s): it will see by its own "
		    "refresh, and hear of the next change",
		    p->text, name_format(zone->wire, text), p->why[0] ? p->why : "no answer");
	p->is_lost = true;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct notifier *n = ctx;
	struct notice notice;
	size_t sent = 0;
	(void)fd;
	(void)what;
	while (sent < NOTICES_A_TURN &&
	       notify_plan_next(n->plan, clock_mono_ms(), &notice, on_given_up, n)) {
		notice_send(n, &notice);
		sent++;
	}
	for (size_t i = 0; i < n->peers_count; i++)
		if (notify_plan_counts(n->plan, i).pending == 0)
			peer_close(&n->peers[i]); /* the next news have another port */
	timer_set(n);
}

/* --- what is served ------------------------------------------------------------------------- */

static bool peer_wants(const void *ctx, size_t secondary, const struct notify_zone *zone)
{
	const struct notifier *n = ctx;
	const struct peer *p = &n->peers[secondary];
	for (size_t i = 0; i < p->zones_count; i++)
		if (p->zones[i].bytes == zone->bytes &&
		    memcmp(p->zones[i].wire, zone->wire, zone->bytes) == 0)
			return true;
	return p->zones_count == 0;
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct notifier *n = ctx;
	const struct snapshot *s = n->seat->now; /* the main thread is who swaps it */
	(void)fd;
	(void)what;
	if (!s)
		return;
	struct notify_zone *zones = mem_new(s->catalog->zones_count + 1, sizeof(*zones));
	for (size_t i = 0; i < s->catalog->zones_count; i++) {
		const struct zone *z = s->catalog->zones[i];
		struct name name;
		node_name(z->apex, &name);
		zones[i].serial = serial_of(s, z);
		zones[i].bytes = name.bytes;
		memcpy(zones[i].wire, name.wire, name.bytes);
	}
	notify_plan_zones(n->plan, zones, s->catalog->zones_count, peer_wants, n, clock_mono_ms());
	free(zones);
	timer_set(n);
}

void notifier_wake(struct notifier *n)
{
	if (n)
		event_active(n->look, EV_TIMEOUT, 0);
}

/* --- life ----------------------------------------------------------------------------------- */

static void address_set(struct peer *p, const struct addr *address, uint16_t port)
{
	char text[ADDR_TEXT_BYTES];
	if (address->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&p->address;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, 4);
		p->address_bytes = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&p->address;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, address->bytes, 16);
		p->address_bytes = sizeof(*in6);
	}
	(void)snprintf(p->text, sizeof(p->text), "%s@%u", addr_format(address, text), port);
}

/* Secondaries take notices only from the primary they know, so it speaks with the address that it
 * is asked at. */
static void from_set(struct peer *p, const struct config_common *c)
{
	for (size_t i = 0; i < c->listen_count; i++) {
		struct socket_address a;
		if (socket_address_parse(c->listen[i], &a, NULL) != 0 ||
		    a.storage.ss_family != p->address.ss_family)
			continue;
		if (a.is_any)
			return;
		p->from = a.storage;
		if (p->from.ss_family == AF_INET)
			((struct sockaddr_in *)&p->from)->sin_port = 0;
		else
			((struct sockaddr_in6 *)&p->from)->sin6_port = 0;
		return;
	}
}

static int peer_init(struct notifier *n, const struct config_secondary *s,
    const struct config_common *common, struct err *e)
{
	struct peer *p = &n->peers[n->peers_count++];
	int r = 0;
	p->notifier = n;
	p->fd = -1;
	address_set(p, &s->address, s->port);
	from_set(p, common);
	p->has_key = s->key != NULL;
	p->zones = mem_new(s->zones_count + 1, sizeof(*p->zones));
	if (s->key && tsig_key_read(s->key, &p->key, e) != 0)
		r = E_INVALID;
	for (size_t i = 0; r == 0 && i < s->zones_count; i++)
		r = name_parse(&p->zones[p->zones_count++], s->zones[i], e);
	return r;
}

int notifier_new(struct event_base *base, const struct config_dnsd *config,
    const struct snapshot_seat *seat, struct notifier **out, struct err *e)
{
	size_t count = 0;
	int r = 0;
	*out = NULL;
	for (size_t i = 0; i < config->secondaries_count; i++)
		count += config->secondaries[i].notify;
	if (count == 0)
		return 0;
	struct notifier *n = mem_new(1, sizeof(*n));
	n->base = base;
	n->seat = seat;
	n->peers = mem_new(count, sizeof(*n->peers));
	n->plan = notify_plan_new(count);
	n->timer = evtimer_new(base, on_timer, n);
	n->look = event_new(base, -1, 0, on_look, n);
	assert(n->timer && n->look);
	for (size_t i = 0; r == 0 && i < config->secondaries_count; i++)
		if (config->secondaries[i].notify)
			r = peer_init(n, &config->secondaries[i], &config->common, e);
	if (r != 0) {
		notifier_free(n);
		return err_prefix(e, "transfers");
	}
	*out = n;
	return 0;
}

void notifier_free(struct notifier *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->peers_count; i++) {
		peer_close(&n->peers[i]);
		tsig_key_wipe(&n->peers[i].key);
		free(n->peers[i].zones);
	}
	event_free(n->timer);
	event_free(n->look);
	notify_plan_free(n->plan);
	free(n->peers);
	free(n);
}

static bool peer_equals(const struct peer *a, const struct peer *b)
{
	return strcmp(a->text, b->text) == 0 && a->has_key == b->has_key &&
	       (!a->has_key || tsig_key_equals(&a->key, &b->key)) &&
	       a->zones_count == b->zones_count &&
	       memcmp(a->zones, b->zones, a->zones_count * sizeof(*a->zones)) == 0;
}

void notifier_inherit(struct notifier *n, struct notifier *former)
{
	if (!n || !former || n->peers_count != former->peers_count)
		return;
	for (size_t i = 0; i < n->peers_count; i++)
		if (!peer_equals(&n->peers[i], &former->peers[i]))
			return;
	struct notify_plan *plan = n->plan;
	n->plan = former->plan;
	former->plan = plan;
	for (size_t i = 0; i < n->peers_count; i++) {
		struct peer *p = &n->peers[i], *from = &former->peers[i];
		memcpy(p->sent, from->sent, sizeof(p->sent));
		memcpy(p->why, from->why, sizeof(p->why));
		p->is_lost = from->is_lost;
		p->failed = from->failed;
	}
}

/* --- metrics -------------------------------------------------------------------------------- */

static void family_print(const struct notifier *n, struct buf *out, const char *name,
    const char *type, const char *help, double (*value)(const struct notifier *n, size_t peer))
{
	metrics_family(out, name, type, help);
	for (size_t i = 0; i < n->peers_count; i++) {
		const char *labels[] = {"secondary", n->peers[i].text, NULL};
		metrics_value(out, name, labels, value(n, i));
	}
}

static double sent_of(const struct notifier *n, size_t peer)
{
	return (double)notify_plan_counts(n->plan, peer).sent;
}

static double answered_of(const struct notifier *n, size_t peer)
{
	return (double)notify_plan_counts(n->plan, peer).answered;
}

static double given_up_of(const struct notifier *n, size_t peer)
{
	return (double)notify_plan_counts(n->plan, peer).given_up;
}

static double pending_of(const struct notifier *n, size_t peer)
{
	return (double)notify_plan_counts(n->plan, peer).pending;
}

static double failed_of(const struct notifier *n, size_t peer)
{
	return (double)n->peers[peer].failed;
}

void notifier_print(const struct notifier *n, struct buf *out)
{
	if (!n)
		return;
	family_print(n, out, "tandem_dnsd_notify_sent_total", "counter",
	    "NOTIFY messages sent, repeated ones too", sent_of);
	family_print(n, out, "tandem_dnsd_notify_answered_total", "counter",
	    "NOTIFY messages the secondary has taken", answered_of);
	family_print(n, out, "tandem_dnsd_notify_failed_total", "counter",
	    "NOTIFY messages it refused, or that could not be sent", failed_of);
	family_print(n, out, "tandem_dnsd_notify_given_up_total", "counter",
	    "serials it was told of in vain", given_up_of);
	family_print(n, out, "tandem_dnsd_notify_pending", "gauge",
	    "zones it is still to be told of", pending_of);
}
