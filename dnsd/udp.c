/* DNS over UDP: receive a batch, parse it, look up, answer, send the batch. */
#include "dnsd/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dnsd/bundle.h"
#include "dnsd/signer.h"
#include "lib/base/mem.h"

enum {
	BATCH = BUNDLE_ANSWERS_MAX,
	ROUNDS = 16,      /* batches from one socket before the others have their turn */
	LAST_ROUNDS = 64, /* turns a socket gets at the end: more than its buffer holds */
	QUERY_BYTES = 2048,
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct worker {
	pthread_t thread;
	bool started;
	unsigned number;
	const struct snapshot_seat *seat;
	struct stats *stats;
	struct guard guard;
	struct signer *signer;
	struct tap_pipe *tap;  /* NULL: none */
	struct timespec read;  /* with a tap: when the batch was */
	struct pollfd *polled; /* sockets, then the call to stop */
	const struct socket_address **addresses;
	bool *wants_control;
	size_t sockets_count;
	uint32_t turn, batches;
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_vector[BATCH], out_vector[BATCH];
	struct sockaddr_storage peer[BATCH];
	struct bundler bundler;
	struct query queries[BATCH];
	const uint8_t *messages[BATCH]; /* in query_bytes, behind a PROXY header */
	struct guest guests[BATCH];
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
	uint8_t query_bytes[BATCH][QUERY_BYTES];
	uint8_t answer_bytes[BATCH][UDP_BYTES_MAX];
};

struct udp {
	int stop_fd;
	unsigned workers_count;
	struct worker *workers[SOCKETS_WORKERS_MAX];
};

/* What stays the same from batch to batch. */
static void batch_init(struct worker *w)
{
	for (size_t i = 0; i < BATCH; i++) {
		w->in_vector[i] = (struct iovec){w->query_bytes[i], QUERY_BYTES};
		w->in[i].msg_hdr = (struct msghdr){
		    .msg_name = &w->peer[i], .msg_iov = &w->in_vector[i], .msg_iovlen = 1};
		w->out[i].msg_hdr = (struct msghdr){.msg_iov = &w->out_vector[i], .msg_iovlen = 1};
		w->out_vector[i].iov_base = w->answer_bytes[i];
	}
}

/* What receiving changes. */
static void batch_prepare(struct worker *w, bool wants_control)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *h = &w->in[i].msg_hdr;
		h->msg_namelen = sizeof(w->peer[i]);
		h->msg_control = wants_control ? w->control[i] : NULL;
		h->msg_controllen = wants_control ? CONTROL_BYTES : 0;
	}
}

/* Answers from the address that was asked, by whatever interface leads back. */
static void control_turn_round(struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	if (!c)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
}

/* Answer number `answer` of `bytes` octets goes back to where the query came from. */
static void answer_address(struct worker *w, size_t answer, struct msghdr *asked, size_t bytes)
{
	struct msghdr *h = &w->out[answer].msg_hdr;
	if (asked->msg_controllen > 0)
		control_turn_round(asked);
	w->out_vector[answer].iov_len = bytes;
	h->msg_name = asked->msg_name;
	h->msg_namelen = asked->msg_namelen;
	h->msg_control = asked->msg_controllen > 0 ? asked->msg_control : NULL;
	h->msg_controllen = asked->msg_controllen;
}

/* Who sent message `i`, and what it asks. */
static void message_open(struct worker *w, size_t i)
{
	size_t bytes = w->in[i].msg_len;
	w->messages[i] = w->query_bytes[i];
	w->guests[i] = (struct guest){0};
	if (guard_unwraps(&w->guard) &&
	    !guard_unwrap(&w->guard, &w->guests[i], &w->peer[i], &w->messages[i], &bytes))
		bytes = 0; /* to be dropped */
	query_parse(&w->queries[i], w->messages[i], bytes);
}

static void message_verify(struct worker *w, size_t i)
{
	size_t header_bytes = (size_t)(w->messages[i] - w->query_bytes[i]);
	guard_verify(&w->guard, &w->guests[i], &w->peer[i], &w->queries[i], w->messages[i],
	    w->in[i].msg_len - header_bytes);
}

/* A whole zone goes over TCP alone (RFC 5936 section 4.2). */
static void transfer_admit(struct worker *w, size_t i)
{
	struct query *q = &w->queries[i];
	if (q->type == TYPE_IXFR && guard_may_transfer(&w->guard, &w->guests[i], &w->peer[i], q))
		q->rcode = RCODE_NOERROR;
}

/* Builds the answers of the batch; the number of messages to send. */
static size_t batch_answer(struct worker *w, size_t count)
{
	size_t answers = 0;
	const struct snapshot *s = snapshot_read_begin(w->seat);
	guard_enter(&w->guard);
	for (size_t i = 0; i < count; i++)
		message_open(w, i);
	signer_enter_now(w->signer);
	for (size_t i = 0; s && i < count; i++)
		if (w->queries[i].verdict == QUERY_QUESTION)
			catalog_prefetch(s->catalog, w->queries[i].hash);
	for (size_t i = 0; s && i < count; i++)
		if (w->queries[i].verdict == QUERY_QUESTION)
			catalog_prefetch_node(s->catalog, w->queries[i].hash);
	for (size_t i = 0; i < count; i++) {
		struct answer_facts facts;
		struct msghdr *asked = &w->in[i].msg_hdr;
		if (query_wants_signatures(&w->queries[i]))
			w->queries[i].signer = w->signer;
		if (w->queries[i].tsig_at != 0)
			message_verify(w, i);
		if (s && s->catalog->hidden)
			guard_trust(&w->guard, &w->guests[i], &w->peer[i], s->catalog->hidden,
			    &w->queries[i]);
		if (edns_has_options(&w->queries[i]))
			guard_heed(&w->guard, &w->guests[i], &w->peer[i], &w->queries[i]);
		if (query_is_transfer(&w->queries[i]))
			transfer_admit(w, i);
		size_t bytes = answer_build(s, &w->queries[i], w->messages[i], false, w->turn++,
		    w->answer_bytes[answers], UDP_BYTES_MAX, &facts);
		if (guard_limits(&w->guard))
			bytes = guard_limit(&w->guard, &w->guests[i], &w->peer[i], &w->queries[i],
			    w->messages[i], &facts, w->answer_bytes[answers], bytes, UDP_BYTES_MAX);
		stats_count(w->stats, STATS_UDP, &facts, bytes);
		if (bytes == 0)
			continue;
		if (w->queries[i].tsig)
			bytes = tsig_sign(w->queries[i].tsig, w->answer_bytes[answers], bytes,
			    UDP_BYTES_MAX, (uint64_t)time(NULL));
		answer_address(w, answers++, asked, bytes);
	}
	snapshot_read_end();
	stats_count_signatures(w->stats, w->signer);
	return answers;
}

static void message_tap(struct worker *w, const struct socket_address *server, size_t i,
    enum tap_type type, const struct iovec *message)
{
	struct tap_event e = {.type = type,
	    .asked = w->read,
	    .message = message->iov_base,
	    .message_bytes = message->iov_len};
	e.asker = tap_address(&w->peer[i], &e.asker_port);
	if (w->guests[i].address.family != 0 && !addr_equal(&e.asker, &w->guests[i].address)) {
		e.asker = w->guests[i].address; /* behind a proxy */
		e.asker_port = 0;
	}
	if (!server->is_any)
		e.server = tap_address(&server->storage, &e.server_port);
	if (type == TAP_RESPONSE)
		tap_time(&e.answered);
	tap_put(w->tap, &e);
}

/* Of a batch that is answered but not sent: each answer goes to its query's peer. */
static void batch_tap(struct worker *w, size_t socket, size_t count, size_t answers)
{
	const struct socket_address *server = w->addresses[socket];
	for (size_t i = 0; i < count; i++) {
		const struct iovec v = {(void *)(uintptr_t)w->messages[i],
		    w->in[i].msg_len - (size_t)(w->messages[i] - w->query_bytes[i])};
		message_tap(w, server, i, TAP_QUERY, &v);
	}
	for (size_t k = 0; k < answers; k++) {
		const struct sockaddr_storage *peer = w->out[k].msg_hdr.msg_name;
		message_tap(w, server, (size_t)(peer - w->peer), TAP_RESPONSE, &w->out_vector[k]);
	}
}

/* False: nothing waits there any more. */
static bool socket_serve(struct worker *w, size_t index)
{
	int fd = w->polled[index].fd;
	for (size_t round = 0; round < ROUNDS; round++) {
		batch_prepare(w, w->wants_control[index]);
		int n = recvmmsg(fd, w->in, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return false; /* empty, or an ICMP error that belongs to a former answer */
		uint64_t start_ns = latency_start(&w->batches);
		if (w->tap)
			tap_time(&w->read);
		size_t answers = batch_answer(w, (size_t)n);
		if (w->tap)
			batch_tap(w, index, (size_t)n, answers);
		size_t failed = bundler_send(&w->bundler, fd, w->out, answers);
		if (failed > 0)
			stats_add(&w->stats->send_failed, failed);
		if (start_ns != 0)
			latency_end(&w->stats->latency[STATS_UDP], start_ns, (unsigned)n);
		if (n < BATCH)
			return false;
	}
	return true;
}

/* What has come until now is answered, also by a server that ends. */
static void sockets_empty(struct worker *w)
{
	for (size_t i = 0; i < w->sockets_count; i++)
		for (size_t turn = 0; turn < LAST_ROUNDS && socket_serve(w, i); turn++)
			continue;
}

static void *worker_run(void *argument)
{
	struct worker *w = argument;
	snapshot_thread_enter();
	for (;;) {
		if (poll(w->polled, w->sockets_count + 1, -1) < 0)
			continue; /* EINTR */
		if (w->polled[w->sockets_count].revents)
			break;
		for (size_t i = 0; i < w->sockets_count; i++)
			if (w->polled[i].revents)
				(void)socket_serve(w, i);
	}
	sockets_empty(w);
	snapshot_thread_leave();
	return NULL;
}

/* Signals belong to the main thread. */
static int thread_start(struct worker *w, struct err *e)
{
	sigset_t all, former;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	int number = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (number != 0)
		return err_set_errno(e, number, "can not start a thread");
	w->started = true;
	return 0;
}

/* Takes over the sockets of its number. */
static void worker_equip(struct worker *w, struct sockets *sockets, int stop_fd)
{
	w->polled = mem_new(sockets->udp_count + 1, sizeof(*w->polled));
	w->addresses = mem_new(sockets->udp_count + 1, sizeof(const struct socket_address *));
	w->wants_control = mem_new(sockets->udp_count + 1, sizeof(*w->wants_control));
	for (size_t i = 0; i < sockets->udp_count; i++) {
		struct udp_socket *s = &sockets->udp[i];
		if (s->worker != w->number)
			continue;
		w->polled[w->sockets_count] = (struct pollfd){.fd = s->fd, .events = POLLIN};
		w->addresses[w->sockets_count] = s->address;
		w->wants_control[w->sockets_count++] = s->is_any;
		s->fd = -1;
	}
	w->polled[w->sockets_count] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
}

int udp_start(struct sockets *sockets, unsigned workers, const struct snapshot_seat *seat,
    const struct policy_seat *policy, struct stats *stats, struct tap *tap, struct udp **out,
    struct err *e)
{
	*out = NULL;
	assert(workers >= 1 && workers <= SOCKETS_WORKERS_MAX);
	struct udp *u = mem_new(1, sizeof(*u));
	int r = 0;
	u->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (u->stop_fd < 0)
		r = err_set_errno(e, errno, "can not make an eventfd");
	for (unsigned i = 0; i < workers; i++) {
		struct worker *w = mem_new(1, sizeof(*w));
		u->workers[u->workers_count++] = w;
		w->number = i;
		w->turn = i * UINT32_C(0x9e3779b9); /* workers do not begin alike */
		w->seat = seat;
		batch_init(w);
		w->stats = &stats[i];
		w->tap = tap_pipe(tap, i);
		w->signer = signer_new(&SIGNER_UDP);
		worker_equip(w, sockets, u->stop_fd);
		if (r == 0)
			r = guard_init(&w->guard, policy, w->stats, e);
	}
	for (unsigned i = 0; r == 0 && i < workers; i++)
		r = thread_start(u->workers[i], e);
	if (r != 0) {
		udp_stop(u);
		return r;
	}
	*out = u;
	return 0;
}

void udp_list(const struct udp *u, struct socket_set *set)
{
	for (unsigned i = 0; i < u->workers_count; i++)
		for (size_t j = 0; j < u->workers[i]->sockets_count; j++)
			socket_set_add(set, u->workers[i]->polled[j].fd);
}

void udp_stop(struct udp *u)
{
	if (!u)
		return;
	if (u->stop_fd >= 0)
		eventfd_write(u->stop_fd, 1);
	for (unsigned i = 0; i < u->workers_count; i++) {
		struct worker *w = u->workers[i];
		if (w->started)
			pthread_join(w->thread, NULL);
		for (size_t j = 0; j < w->sockets_count; j++)
			close(w->polled[j].fd);
		free(w->polled);
		free(w->wants_control);
		free(w->addresses);
		guard_release(&w->guard);
		signer_free(w->signer);
		free(w);
	}
	if (u->stop_fd >= 0)
		close(u->stop_fd);
	free(u);
}
