/* A connection of DNS over TCP: a bufferevent; queries are answered in order as they come. A
 * transfer goes to a thread of its own and comes back slice by slice; the queries behind it wait.
 *
 * One deadline a connection covers every kind of dawdling: it moves only when a whole query has
 * been answered, and queries are read only while the peer takes its answers. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnsd/octets.h"
#include "dnsd/proxy.h"
#include "dnsd/tcp_private.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

enum {
	QUERIES_A_TURN = 64, /* of one connection before the others have their turn */
};

static size_t waiting_bytes(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->stream));
}

/* A job that is away is freed when it comes back. */
static void transfer_drop(struct connection *c)
{
	struct tcp *t = c->tcp;
	if (!c->transfer)
		return;
	if (c->transfer_is_away || c->transfer->step == TRANSFER_MORE || waiting_bytes(c) > 0)
		stats_add(&t->stats->transfers_cut, 1);
	c->transfer->owner = NULL;
	if (!c->transfer_is_away)
		transfer_job_free(c->transfer);
	c->transfer = NULL;
	t->transfers_count--;
}

void connection_free(struct connection *c)
{
	transfer_drop(c);
	TAILQ_REMOVE(&c->tcp->connections, c, link);
	c->tcp->connections_count--;
	if (c->is_counted)
		crowd_leave(c->tcp->crowd, &c->guest.address);
	if (c->tcp->is_draining && c->tcp->connections_count == 0)
		event_base_loopbreak(c->tcp->base);
	bufferevent_free(c->stream);
	event_free(c->deadline);
	free(c);
}

void connection_cut(struct connection *c)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	(void)setsockopt(bufferevent_getfd(c->stream), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	stats_add(&c->tcp->stats->tcp_cut, 1);
	connection_free(c);
}

/* A transfer whose slice is being made is not idle, however long ago its peer asked; there are
 * fewer of them than connections. */
struct connection *connection_longest_idle(const struct tcp *t)
{
	struct connection *c;
	TAILQ_FOREACH(c, &t->connections, link)
	if (!c->transfer_is_away)
		return c;
	return TAILQ_FIRST(&t->connections);
}

/* A transfer ends in time, however regularly its slices are taken. */
static unsigned deadline_ms(const struct connection *c)
{
	unsigned idle_ms = c->tcp->limits.idle_ms;
	uint64_t now_ms = clock_mono_ms();
	if (!c->transfer || now_ms + idle_ms <= c->transfer_end_ms)
		return idle_ms;
	return now_ms < c->transfer_end_ms ? (unsigned)(c->transfer_end_ms - now_ms) : 0;
}

static void deadline_move(struct connection *c)
{
	unsigned ms = deadline_ms(c);
	struct timeval in = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	event_add(c->deadline, &in);
	TAILQ_REMOVE(&c->tcp->connections, c, link);
	TAILQ_INSERT_TAIL(&c->tcp->connections, c, link);
}

/* --- transfers ------------------------------------------------------------------------------ */

/* While a slice is made the peer has nothing to take, so it can not be late. */
static void transfer_send_away(struct connection *c)
{
	c->transfer_is_away = true;
	event_del(c->deadline);
	transfer_thread_put(c->tcp->transfer_thread, c->transfer);
}

/* In a read section. False: it is not begun, the query's rcode says why. */
static bool transfer_begin(struct connection *c, const struct snapshot *s, struct query *q)
{
	struct tcp *t = c->tcp;
	struct transfer *transfer = NULL;
	if (!guard_may_transfer(&t->guard, &c->guest, &c->peer, q)) {
		q->rcode = RCODE_REFUSED;
	} else if (t->transfers_count >= t->limits.transfers) {
		q->rcode = RCODE_SERVFAIL;
		q->explanation = "too many transfers at once";
	} else {
		q->rcode = transfer_open(s, q, t->query, &transfer);
	}
	if (!transfer) {
		stats_add(&t->stats->transfers_refused, 1);
		return false;
	}
	t->transfers_count++;
	c->transfer = transfer_job_new(transfer, c);
	c->transfer_end_ms = clock_mono_ms() + t->limits.transfer_ms;
	transfer_send_away(c);
	return true;
}

static void transfer_log(const struct connection *c)
{
	static const char *const kinds[] = {"AXFR", "IXFR", "SOA alone"};
	const struct transfer_facts f = transfer_facts(c->transfer->transfer);
	char zone[NAME_TEXT_BYTES], peer[ADDR_TEXT_BYTES];
	log_info("transfer of \"%.250s\", serial %u, to %s: %s, %llu octets in %llu messages",
	    name_format(f.zone.wire, zone), f.serial, addr_format(&c->guest.address, peer),
	    kinds[f.kind], (unsigned long long)f.bytes, (unsigned long long)f.messages);
	stats_add(&c->tcp->stats->transfers[f.kind], 1);
}

static void transfer_cut_log(const struct connection *c)
{
	const struct transfer_facts f = transfer_facts(c->transfer->transfer);
	bool is_long = clock_mono_ms() >= c->transfer_end_ms;
	char zone[NAME_TEXT_BYTES], peer[ADDR_TEXT_BYTES];
	log_warn("transfer of \"%.250s\" to %s is cut after %llu octets: %s (%u ms)",
	    name_format(f.zone.wire, zone), addr_format(&c->guest.address, peer),
	    (unsigned long long)f.bytes,
	    is_long ? "it has taken longer than \"transfers: longest\""
	            : "its reader has not taken the last messages within \"tcp: idle\"",
	    is_long ? c->tcp->limits.transfer_ms : c->tcp->limits.idle_ms);
}

void connection_slice(struct connection *c)
{
	struct transfer_job *j = c->transfer;
	c->transfer_is_away = false;
	if (j->step == TRANSFER_FAILED) {
		log_error("a transfer can not be told to its end: a record is too large for it");
		connection_cut(c);
		return;
	}
	if (j->step == TRANSFER_OVER)
		transfer_log(c);
	bufferevent_write(c->stream, j->out.data, j->out.bytes);
	deadline_move(c);
}

/* --- queries -------------------------------------------------------------------------------- */

/* With a tap: the query and its answer (0 octets: none was due). */
static void answer_tap(struct connection *c, size_t bytes, size_t answer_bytes)
{
	struct tcp *t = c->tcp;
	struct sockaddr_storage own;
	socklen_t own_bytes = sizeof(own);
	struct tap_event e = {
	    .type = TAP_QUERY, .over_tcp = true, .message = t->query, .message_bytes = bytes};
	tap_time(&e.asked);
	e.answered = e.asked;
	e.asker = tap_address(&c->peer, &e.asker_port);
	if (!addr_equal(&e.asker, &c->guest.address)) {
		e.asker = c->guest.address; /* behind a proxy */
		e.asker_port = 0;
	}
	if (getsockname(bufferevent_getfd(c->stream), (struct sockaddr *)&own, &own_bytes) == 0)
		e.server = tap_address(&own, &e.server_port);
	tap_put(t->tap, &e);
	if (answer_bytes == 0)
		return;
	e.type = TAP_RESPONSE;
	e.message = t->answer + TCP_LENGTH_BYTES;
	e.message_bytes = answer_bytes;
	tap_put(t->tap, &e);
}

/* Takes one query of `bytes` out of the buffer and puts its answer. False: it deserves none, and
 * its connection no more patience. */
static bool query_answer(struct connection *c, size_t bytes)
{
	struct tcp *t = c->tcp;
	struct evbuffer *in = bufferevent_get_input(c->stream);
	struct answer_facts facts;
	struct query q;
	uint64_t start_ns = latency_start(&t->answers);
	evbuffer_drain(in, TCP_LENGTH_BYTES);
	evbuffer_remove(in, t->query, bytes);
	const struct snapshot *s = snapshot_read_begin(t->seat);
	guard_enter(&t->guard);
	query_parse(&q, t->query, bytes);
	if (query_wants_signatures(&q)) {
		signer_enter_now(t->signer);
		q.signer = t->signer;
	}
	if (q.tsig_at != 0)
		guard_verify(&t->guard, &c->guest, &c->peer, &q, t->query, bytes);
	if (s && s->catalog->hidden)
		guard_trust(&t->guard, &c->guest, &c->peer, s->catalog->hidden, &q);
	c->guest.is_leaving = t->is_draining;
	if (edns_has_options(&q) || (t->is_draining && q.has_edns))
		guard_heed(&t->guard, &c->guest, &c->peer, &q);
	if (query_is_transfer(&q) && transfer_begin(c, s, &q)) {
		snapshot_read_end();
		stats_count(t->stats, STATS_TCP, &(struct answer_facts){.type = q.type}, bytes);
		if (t->tap)
			answer_tap(c, bytes, 0);
		return true;
	}
	size_t answer_bytes = answer_build(s, &q, t->query, true, t->turn++,
	    t->answer + TCP_LENGTH_BYTES, MESSAGE_BYTES_MAX, &facts);
	snapshot_read_end();
	if (q.tsig)
		answer_bytes = tsig_sign(q.tsig, t->answer + TCP_LENGTH_BYTES, answer_bytes,
		    MESSAGE_BYTES_MAX, (uint64_t)time(NULL));
	stats_count(t->stats, STATS_TCP, &facts, answer_bytes);
	stats_count_signatures(t->stats, t->signer);
	if (t->tap)
		answer_tap(c, bytes, answer_bytes);
	if (answer_bytes == 0)
		return false;
	put_u16(t->answer, (unsigned)answer_bytes);
	bufferevent_write(c->stream, t->answer, TCP_LENGTH_BYTES + answer_bytes);
	if (start_ns != 0)
		latency_end(&t->stats->latency[STATS_TCP], start_ns, 1);
	return true;
}

/* Counts the client that is known now. False: it has too many connections. */
static bool connection_count(struct connection *c)
{
	struct tcp *t = c->tcp;
	unsigned count = crowd_enter(t->crowd, &c->guest.address);
	c->is_counted = true;
	return t->limits.per_client == 0 || count <= t->limits.per_client;
}

enum step {
	STEP_AGAIN, /* a query was taken */
	STEP_LATER, /* one may be there, but others are to be answered first */
	STEP_SHORT, /* none is there as a whole */
	STEP_GONE,  /* nor is the connection */
};

/* Takes the PROXY header off the stream; STEP_AGAIN: it is off. */
static enum step connection_unwrap(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	uint8_t header[PROXY_BYTES_MAX];
	struct addr client;
	size_t header_bytes;
	ssize_t bytes = evbuffer_copyout(in, header, sizeof(header));
	enum proxy_verdict v =
	    proxy_read(header, bytes > 0 ? (size_t)bytes : 0, &header_bytes, &client);
	if (v == PROXY_MORE)
		return STEP_SHORT;
	if (v == PROXY_BAD) {
		stats_add(&c->tcp->stats->proxy_refused, 1);
		connection_cut(c);
		return STEP_GONE;
	}
	evbuffer_drain(in, header_bytes);
	c->is_wrapped = false;
	if (client.family == 0)
		return STEP_AGAIN; /* the proxy for itself: it is not counted */
	c->guest.address = client;
	if (connection_count(c))
		return STEP_AGAIN;
	connection_cut(c);
	return STEP_GONE;
}

/* One query of what has arrived. */
static enum step connection_step(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	uint8_t length[TCP_LENGTH_BYTES];
	if (c->transfer)
		return STEP_LATER;
	if (c->is_wrapped) {
		enum step unwrapped = connection_unwrap(c);
		if (unwrapped != STEP_AGAIN)
			return unwrapped;
	}
	if (evbuffer_copyout(in, length, TCP_LENGTH_BYTES) < TCP_LENGTH_BYTES)
		return STEP_SHORT;
	size_t bytes = get_u16(length);
	bool is_sound = bytes <= TCP_QUERY_MAX;
	if (is_sound && evbuffer_get_length(in) < TCP_LENGTH_BYTES + bytes)
		return STEP_SHORT;
	if (is_sound && waiting_bytes(c) > c->tcp->limits.backlog_bytes) {
		c->stalled = true;
		bufferevent_disable(c->stream, EV_READ);
		return STEP_LATER;
	}
	if (!is_sound || !query_answer(c, bytes)) {
		connection_cut(c);
		return STEP_GONE;
	}
	if (!c->transfer)
		deadline_move(c);
	return STEP_AGAIN;
}

/* Answers what has arrived, as long as the peer takes the answers. */
static void on_read(struct bufferevent *stream, void *ctx)
{
	struct connection *c = ctx;
	enum step step = STEP_AGAIN;
	for (size_t i = 0; i < QUERIES_A_TURN && step == STEP_AGAIN; i++)
		step = connection_step(c);
	if (step == STEP_AGAIN)
		bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	else if (step == STEP_SHORT && c->finished && waiting_bytes(c) == 0)
		connection_free(c); /* what is missing of the last query will never come */
}

/* All answers are with the kernel. */
static void on_write(struct bufferevent *stream, void *ctx)
{
	struct connection *c = ctx;
	if (c->transfer_is_away)
		return;
	if (c->transfer && c->transfer->step == TRANSFER_MORE) {
		transfer_send_away(c);
		return;
	}
	if (c->transfer) {
		transfer_drop(c);
		deadline_move(c);
		bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
		if (evbuffer_get_length(bufferevent_get_input(stream)) > 0)
			return; /* queries that waited behind it */
	}
	if (c->stalled) {
		c->stalled = false;
		if (!c->finished)
			bufferevent_enable(stream, EV_READ);
		bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	} else if (c->finished) {
		connection_free(c);
	}
}

/* A peer may close its side after its last query and still want the answers. */
static void on_event(struct bufferevent *stream, short what, void *ctx)
{
	struct connection *c = ctx;
	(void)stream;
	if (!(what & BEV_EVENT_EOF) || (waiting_bytes(c) == 0 && !c->transfer)) {
		connection_free(c);
		return;
	}
	c->finished = true;
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct connection *c = ctx;
	(void)fd;
	(void)what;
	if (c->transfer)
		transfer_cut_log(c);
	connection_cut(c);
}

/* A client is counted by its address; a proxy has to name its client first. */
static bool connection_admit(struct connection *c)
{
	struct guard *g = &c->tcp->guard;
	c->guest.address = guard_address(&c->peer);
	snapshot_read_begin(c->tcp->seat);
	guard_enter(g);
	c->is_wrapped = guard_unwraps(g) && guard_is_proxy(g, &c->guest.address);
	snapshot_read_end();
	return c->is_wrapped || connection_count(c);
}

void connection_accept(
    struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *peer, int peer_bytes, void *ctx)
{
	struct tcp *t = ctx;
	(void)l;
	if (t->connections_count >= t->limits.connections)
		connection_cut(connection_longest_idle(t));
	struct bufferevent *stream = bufferevent_socket_new(t->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream) {
		close(fd);
		return;
	}
	struct connection *c = mem_new(1, sizeof(*c));
	c->tcp = t;
	c->guest.idle_ms = t->limits.idle_ms;
	memcpy(&c->peer, peer,
	    (size_t)peer_bytes < sizeof(c->peer) ? (size_t)peer_bytes : sizeof(c->peer));
	c->stream = stream;
	c->deadline = evtimer_new(t->base, on_deadline, c);
	TAILQ_INSERT_TAIL(&t->connections, c, link);
	t->connections_count++;
	stats_add(&t->stats->tcp_connections, 1);
	bufferevent_setcb(stream, on_read, on_write, on_event, c);
	bufferevent_setwatermark(stream, EV_READ, 0, TCP_LENGTH_BYTES + TCP_QUERY_MAX);
	deadline_move(c);
	if (!connection_admit(c)) {
		connection_cut(c);
		return;
	}
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}
