/* UDP and TCP over loopback: who asks gets an answer from the address that was asked; who dawdles
 * is cut; and a snapshot may be swapped at any moment. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "dnsd/tcp.h"
#include "dnsd/udp.h"
#include "tests/unit/dnsd/ask.h"

enum { WAIT_MS = 5000 }; /* a test that has to wait so long has failed */

static struct view_member first[] = {{{4, {192, 0, 2, 1}}, 1, NULL}};
static struct view_member second[] = {{{4, {192, 0, 2, 2}}, 1, NULL}};
static const struct view_name names[] = {
    {(char[]){"mail.example."}, (char[]){"example."}, (char[]){"p"}, 0}};
static const struct world_zone zones[] = {{"example.", NULL, 0}};

static struct snapshot *snapshot_of(struct view_member *member)
{
	const struct view_pool pool = {(char[]){"p"}, 30, member, 1};
	const struct world w = {zones, 1, names, 1, &pool, 1, 1};
	return world_new(&w);
}

struct stage {
	struct snapshot_seat seat;
	struct policy_seat policy;
	struct stats *stats;
	struct udp *udp;
	struct tcp *tcp;
	struct socket_address address;
};

static uint16_t *port_of(struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET ? &((struct sockaddr_in *)a)->sin_port
	                               : &((struct sockaddr_in6 *)a)->sin6_port;
}

static void stage_run(
    struct stage *s, struct sockets *sockets, unsigned workers, const struct tcp_limits *limits)
{
	struct err e = {0};
	assert_int_equal(
	    udp_start(sockets, workers, &s->seat, &s->policy, s->stats, NULL, &s->udp, &e), 0);
	assert_int_equal(tcp_start(sockets->listeners, sockets->listeners_count, limits, &s->seat,
	                     &s->policy, &s->stats[workers], NULL, &s->tcp, &e),
	    0);
	sockets->listeners_count = 0;
	sockets_release(sockets);
}

/* A server on a free port of the address; `policy` (or NULL) is taken over. */
static struct stage *stage_with_policy(
    const char *listen, unsigned workers, const struct tcp_limits *limits, struct policy *policy)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct err e = {0};
	s->policy.now = policy;
	s->stats = stats_new(workers + 1);
	s->seat.now = snapshot_of(first);
	for (int attempt = 0; !s->udp && attempt < 20; attempt++) {
		assert_int_equal(socket_address_parse(listen, &s->address, &e), 0);
		int listener = socket_tcp_open(&s->address, &e);
		struct sockaddr_storage bound;
		socklen_t bytes = sizeof(bound);
		assert_true(listener >= 0);
		assert_int_equal(getsockname(listener, (struct sockaddr *)&bound, &bytes), 0);
		*port_of(&s->address.storage) = *port_of(&bound);
		struct socket_set set = {.fds = {listener}, .count = 1};
		struct sockets sockets;
		if (sockets_open(&s->address, 1, workers, &set, &sockets, &e) != 0)
			continue; /* somebody has the port for UDP */
		stage_run(s, &sockets, workers, limits);
	}
	assert_non_null(s->tcp);
	return s;
}

static struct stage *stage_new(
    const char *listen, unsigned workers, const struct tcp_limits *limits)
{
	return stage_with_policy(listen, workers, limits, NULL);
}

static void stage_free(struct stage *s)
{
	udp_stop(s->udp);
	tcp_stop(s->tcp);
	snapshot_swap(&s->seat, NULL);
	policy_swap(&s->policy, NULL);
	free(s->stats);
	free(s);
}

static int client_open(const struct stage *s, int type, const char *to)
{
	struct sockaddr_storage a = s->address.storage;
	if (to)
		assert_int_equal(inet_pton(AF_INET, to, &((struct sockaddr_in *)&a)->sin_addr), 1);
	int fd = socket(a.ss_family, type, 0);
	struct timeval wait = {.tv_sec = WAIT_MS / 1000};
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, s->address.bytes), 0);
	return fd;
}

static void reads_exactly(int fd, void *into, size_t bytes)
{
	for (size_t got = 0; got < bytes;) {
		ssize_t n = recv(fd, (char *)into + got, bytes - got, 0);
		if (n <= 0)
			fail_msg("the connection ended after %zu of %zu octets", got, bytes);
		got += (size_t)n;
	}
}

static void is_cut(int fd)
{
	char octet;
	ssize_t n;
	while ((n = recv(fd, &octet, 1, 0)) > 0)
		;
	if (n < 0 && errno != ECONNRESET)
		fail_msg("still open");
	close(fd);
}

/* A query over TCP, its length in front. */
static size_t framed(uint8_t *into, uint16_t id)
{
	struct question q;
	question_parse(&q, "mail.example. A");
	put_u16(into, (unsigned)q.bytes);
	memcpy(into + 2, q.wire, q.bytes);
	put_u16(into + 2, id);
	return 2 + q.bytes;
}

static void answer_read(int fd, uint16_t id, const char *wanted)
{
	uint8_t length[2], answer[512];
	reads_exactly(fd, length, 2);
	assert_in_range(get_u16(length), 12, sizeof(answer));
	reads_exactly(fd, answer, get_u16(length));
	assert_int_equal(get_u16(answer), id);
	char *text = answer_text(answer, get_u16(length));
	assert_string_equal(text, wanted);
	free(text);
}

#define FIRST "NOERROR aa | mail.example. 30 A 192.0.2.1 |  | "

static void asks_over_udp(struct stage *s, const char *to)
{
	struct question q;
	uint8_t answer[1500];
	int fd = client_open(s, SOCK_DGRAM, to); /* connected: takes answers from there alone */
	question_parse(&q, "mail.example. A");
	assert_int_equal(send(fd, q.wire, q.bytes, 0), q.bytes);
	ssize_t n = recv(fd, answer, sizeof(answer), 0);
	assert_true(n > 12);
	char *text = answer_text(answer, (size_t)n);
	assert_string_equal(text, FIRST);
	free(text);
	close(fd);
}

static void udp_answers_from_the_address_that_was_asked(void **state)
{
	(void)state;
	struct stage *s = stage_new("127.0.0.1@0", 1, &TCP_LIMITS);
	asks_over_udp(s, NULL);
	stage_free(s);
	s = stage_new("::1@0", 2, &TCP_LIMITS);
	asks_over_udp(s, NULL);
	stage_free(s);
	s = stage_new("0.0.0.0@0", 2, &TCP_LIMITS);
	asks_over_udp(s, "127.0.0.1");
	asks_over_udp(s, "127.77.0.5");
	stage_free(s);
}

static void a_second_server_on_the_port_is_noticed(void **state)
{
	(void)state;
	struct stage *s = stage_new("127.0.0.1@0", 2, &TCP_LIMITS);
	struct err e = {0};
	assert_int_equal(socket_tcp_open(&s->address, &e), E_IO);
	assert_non_null(strstr(e.text, "can not bind TCP 127.0.0.1@0"));
	stage_free(s);
}

static void tcp_answers_many_queries_of_one_connection_in_order(void **state)
{
	(void)state;
	struct stage *s = stage_new("127.0.0.1@0", 1, &TCP_LIMITS);
	static uint8_t queries[300 * 64];
	size_t bytes = 0;
	int fd = client_open(s, SOCK_STREAM, NULL);
	for (uint16_t id = 0; id < 300; id++)
		bytes += framed(queries + bytes, id);
	assert_int_equal(send(fd, queries, bytes, 0), bytes);
	for (uint16_t id = 0; id < 300; id++)
		answer_read(fd, id, FIRST);
	for (size_t i = 0; i < 33; i++) /* octet by octet */
		assert_int_equal(send(fd, queries + i, 1, 0), 1);
	answer_read(fd, 0, FIRST);
	close(fd);
	stage_free(s);
}

static void tcp_answers_a_peer_that_has_closed_its_side(void **state)
{
	(void)state;
	struct stage *s = stage_new("127.0.0.1@0", 1, &TCP_LIMITS);
	uint8_t query[64];
	int fd = client_open(s, SOCK_STREAM, NULL);
	size_t bytes = framed(query, 5);
	assert_int_equal(send(fd, query, bytes, 0), bytes);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	answer_read(fd, 5, FIRST);
	is_cut(fd);
	stage_free(s);
}

static void tcp_cuts_who_dawdles_or_talks_nonsense(void **state)
{
	(void)state;
	const struct tcp_limits limits = {.connections = 8, .idle_ms = 50, .backlog_bytes = 4096};
	struct stage *s = stage_new("127.0.0.1@0", 1, &limits);
	int silent = client_open(s, SOCK_STREAM, NULL);
	int begun = client_open(s, SOCK_STREAM, NULL);
	int huge = client_open(s, SOCK_STREAM, NULL);
	int answer = client_open(s, SOCK_STREAM, NULL);
	assert_int_equal(send(begun, "\0\x1e\x12\x34", 4, 0), 4);
	assert_int_equal(send(huge, "\xff\xff", 2, 0), 2);
	assert_int_equal(send(answer, "\0\x0c\x12\x34\x80\0\0\0\0\0\0\0\0\0", 14, 0), 14);
	is_cut(silent);
	is_cut(begun);
	is_cut(huge);
	is_cut(answer);
	asks_over_udp(s, NULL);
	stage_free(s);
}

static void tcp_cuts_a_reader_that_does_not_take_its_answers(void **state)
{
	(void)state;
	const struct tcp_limits limits = {.connections = 8, .idle_ms = 100, .backlog_bytes = 4096};
	struct stage *s = stage_new("127.0.0.1@0", 1, &limits);
	uint8_t query[64];
	size_t bytes = framed(query, 1);
	int fd = client_open(s, SOCK_STREAM, NULL), small = 4096;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	for (;;) {
		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("still open");
		if (p.revents & (POLLERR | POLLHUP))
			break;
		if (send(fd, query, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
	}
	close(fd);
	stage_free(s);
}

static void tcp_lets_the_longest_idle_go_when_too_many_come(void **state)
{
	(void)state;
	const struct tcp_limits limits = {
	    .connections = 2, .idle_ms = 60000, .backlog_bytes = 4096};
	struct stage *s = stage_new("127.0.0.1@0", 1, &limits);
	uint8_t query[64];
	size_t bytes = framed(query, 1);
	int one = client_open(s, SOCK_STREAM, NULL);
	assert_int_equal(send(one, query, bytes, 0), bytes);
	answer_read(one, 1, FIRST);
	int two = client_open(s, SOCK_STREAM, NULL);
	assert_int_equal(send(two, query, bytes, 0), bytes);
	answer_read(two, 1, FIRST);
	assert_int_equal(send(one, query, bytes, 0), bytes); /* now two is the longest idle */
	answer_read(one, 1, FIRST);
	int three = client_open(s, SOCK_STREAM, NULL);
	is_cut(two);
	assert_int_equal(send(three, query, bytes, 0), bytes);
	answer_read(three, 1, FIRST);
	assert_int_equal(send(one, query, bytes, 0), bytes);
	answer_read(one, 1, FIRST);
	close(one);
	close(three);
	stage_free(s);
}

static void *swaps_run(void *argument)
{
	struct stage *s = argument;
	for (int i = 0; i < 300; i++)
		snapshot_swap(&s->seat, snapshot_of(i % 2 ? first : second));
	return NULL;
}

static void answers_stay_whole_while_snapshots_are_swapped(void **state)
{
	(void)state;
	struct stage *s = stage_new("127.0.0.1@0", 2, &TCP_LIMITS);
	pthread_t swaps;
	int udp = client_open(s, SOCK_DGRAM, NULL), tcp = client_open(s, SOCK_STREAM, NULL);
	struct question q;
	uint8_t query[64], length[2], answer[600];
	size_t bytes = framed(query, 1);
	question_parse(&q, "mail.example. A");
	assert_int_equal(pthread_create(&swaps, NULL, swaps_run, s), 0);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(send(udp, q.wire, q.bytes, 0), q.bytes);
		assert_int_equal(recv(udp, answer, sizeof(answer), 0), 46);
		assert_in_range(answer[45], 1, 2);
		assert_int_equal(send(tcp, query, bytes, 0), bytes);
		reads_exactly(tcp, length, 2);
		reads_exactly(tcp, answer, get_u16(length));
		assert_in_range(answer[45], 1, 2);
	}
	pthread_join(swaps, NULL);
	close(udp);
	close(tcp);
	stage_free(s);
}

static uint64_t counted(const struct stage *s, size_t offset)
{
	const void *at = (const char *)s->stats + offset;
	return atomic_load((const atomic_uint_fast64_t *)at);
}

static struct policy *limiting_policy(bool dry_run)
{
	const struct config_dnsd config = {.workers = 1,
	    .cookies = true,
	    .rate_limit = true,
	    .rate_responses = 1,
	    .rate_errors = 1,
	    .rate_window_s = 3600,
	    .rate_slip = 1,
	    .rate_ipv4_prefix = 32,
	    .rate_ipv6_prefix = 128,
	    .rate_dry_run = dry_run};
	struct policy *p;
	assert_int_equal(policy_build(&config, NULL, &p, NULL), 0);
	return p;
}

static size_t exchange(int fd, const uint8_t *query, size_t bytes, uint8_t answer[static 600])
{
	assert_int_equal(send(fd, query, bytes, 0), bytes);
	ssize_t n = recv(fd, answer, 600, 0);
	assert_true(n >= 12);
	return (size_t)n;
}

static void a_limited_client_is_sent_to_tcp_unless_its_cookie_is_good(void **state)
{
	(void)state;
	struct stage *s = stage_with_policy("127.0.0.1@0", 1, &TCP_LIMITS, limiting_policy(false));
	struct question q;
	uint8_t answer[600];
	int fd = client_open(s, SOCK_DGRAM, NULL);
	question_parse(&q, "mail.example. A +edns=1232");
	memcpy(q.wire + q.bytes,
	    "\0\x0a\0\x08"
	    "abcdefgh",
	    12); /* a client cookie */
	put_u16(q.wire + q.bytes - 2, 12);
	q.bytes += 12;
	exchange(fd, q.wire, q.bytes, answer);
	assert_int_equal(answer[2] & 2, 0);
	size_t n = exchange(fd, q.wire, q.bytes, answer);
	assert_int_equal(answer[2] & 2, 2); /* TC */
	assert_int_equal(get_u16(answer + 6), 0);
	/* Even so the cookie came back whole; with it nothing is limited. */
	put_u16(q.wire + q.bytes - 14, 28);
	memcpy(q.wire + q.bytes - 12, answer + n - 28, 28);
	q.bytes += 16;
	for (int i = 0; i < 5; i++) {
		exchange(fd, q.wire, q.bytes, answer);
		assert_int_equal(answer[2] & 2, 0);
		assert_int_equal(get_u16(answer + 6), 1);
	}
	assert_int_equal(counted(s, offsetof(struct stats, rate_slipped)), 1);
	assert_int_equal(counted(s, offsetof(struct stats, cookies_valid)), 5);
	close(fd);
	stage_free(s);
}

static struct policy *proxied_policy(const char *proxy)
{
	struct addr_prefix p;
	assert_int_equal(addr_prefix_parse(proxy, &p, NULL), 0);
	const struct config_dnsd config = {
	    .workers = 1, .cookies = true, .proxies = &p, .proxies_count = 1};
	struct policy *out;
	assert_int_equal(policy_build(&config, NULL, &out, NULL), 0);
	return out;
}

/* A PROXY header that names 192.0.2.`last` as the client. */
static size_t header_put(uint8_t *at, uint8_t last)
{
	static const uint8_t header[28] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I',
	    'T', '\n', 0x21, 0x11, 0, 12, 192, 0, 2, 0, 127, 0, 0, 1, 1, 2, 0, 53};
	memcpy(at, header, sizeof(header));
	at[19] = last;
	return sizeof(header);
}

static void a_proxy_over_udp_must_name_its_client(void **state)
{
	(void)state;
	struct stage *s =
	    stage_with_policy("127.0.0.1@0", 1, &TCP_LIMITS, proxied_policy("127.0.0.1"));
	struct question q;
	uint8_t message[700], answer[600], first_cookie[28];
	int fd = client_open(s, SOCK_DGRAM, NULL);
	question_parse(&q, "mail.example. A +edns=1232");
	memcpy(q.wire + q.bytes,
	    "\0\x0a\0\x08"
	    "abcdefgh",
	    12);
	put_u16(q.wire + q.bytes - 2, 12);
	q.bytes += 12;
	assert_int_equal(send(fd, q.wire, q.bytes, 0), q.bytes); /* without: no answer to come */
	for (uint8_t client = 1; client <= 2; client++) {
		size_t header_bytes = header_put(message, client);
		memcpy(message + header_bytes, q.wire, q.bytes);
		size_t n = exchange(fd, message, header_bytes + q.bytes, answer);
		assert_int_equal(get_u16(answer + 6), 1);
		/* each client has its own cookie, though the peer is the same */
		if (client == 1)
			memcpy(first_cookie, answer + n - 28, 28);
		else
			assert_memory_not_equal(first_cookie, answer + n - 28, 28);
	}
	assert_int_equal(counted(s, offsetof(struct stats, proxy_refused)), 1);
	close(fd);
	stage_free(s);
}

static void a_header_from_elsewhere_is_no_query(void **state)
{
	(void)state;
	const struct tcp_limits limits = {.connections = 8, .idle_ms = 50, .backlog_bytes = 4096};
	struct stage *s =
	    stage_with_policy("127.0.0.1@0", 1, &limits, proxied_policy("192.0.2.0/24"));
	uint8_t message[100];
	size_t bytes = header_put(message, 1);
	int fd = client_open(s, SOCK_STREAM, NULL);
	assert_int_equal(send(fd, message, bytes, 0), bytes);
	is_cut(fd);
	asks_over_udp(s, NULL);
	stage_free(s);
}

static void a_proxy_over_tcp_must_name_its_client(void **state)
{
	(void)state;
	struct stage *s =
	    stage_with_policy("127.0.0.1@0", 1, &TCP_LIMITS, proxied_policy("127.0.0.0/8"));
	uint8_t message[200];
	size_t bytes = header_put(message, 1);
	bytes += framed(message + bytes, 7);
	int fd = client_open(s, SOCK_STREAM, NULL);
	for (size_t i = 0; i < bytes; i++) /* octet by octet */
		assert_int_equal(send(fd, message + i, 1, 0), 1);
	answer_read(fd, 7, FIRST);
	assert_int_equal(send(fd, message + 28, bytes - 28, 0), bytes - 28); /* once is enough */
	answer_read(fd, 7, FIRST);
	close(fd);
	fd = client_open(s, SOCK_STREAM, NULL);
	assert_int_equal(send(fd, message + 28, bytes - 28, 0), bytes - 28);
	is_cut(fd);
	stage_free(s);
}

static void tcp_refuses_a_client_with_too_many_connections(void **state)
{
	(void)state;
	const struct tcp_limits limits = {
	    .connections = 8, .per_client = 2, .idle_ms = 60000, .backlog_bytes = 4096};
	struct stage *s =
	    stage_with_policy("127.0.0.1@0", 1, &limits, proxied_policy("127.0.0.0/8"));
	uint8_t message[200];
	int open[3];
	for (uint8_t i = 0; i < 4; i++) { /* the third of one client is cut, another's is not */
		size_t bytes = header_put(message, i == 3 ? 9 : 1);
		bytes += framed(message + bytes, i);
		int fd = client_open(s, SOCK_STREAM, NULL);
		assert_int_equal(send(fd, message, bytes, 0), bytes);
		if (i == 2) {
			is_cut(fd);
			continue;
		}
		answer_read(fd, i, FIRST);
		open[i == 3 ? 2 : i] = fd;
	}
	close(open[0]); /* whose place is free again, as soon as the server has seen it */
	for (bool answered = false; !answered;) {
		uint8_t length[2];
		size_t bytes = header_put(message, 1);
		bytes += framed(message + bytes, 5);
		int fd = client_open(s, SOCK_STREAM, NULL);
		assert_int_equal(send(fd, message, bytes, MSG_NOSIGNAL), bytes);
		answered = recv(fd, length, 2, MSG_WAITALL) == 2;
		close(fd);
	}
	close(open[1]);
	close(open[2]);
	stage_free(s);
}

static void a_dry_run_only_counts(void **state)
{
	(void)state;
	struct stage *s = stage_with_policy("127.0.0.1@0", 1, &TCP_LIMITS, limiting_policy(true));
	for (int i = 0; i < 4; i++)
		asks_over_udp(s, NULL);
	assert_int_equal(counted(s, offsetof(struct stats, rate_dry)), 3);
	assert_int_equal(counted(s, offsetof(struct stats, rate_slipped)), 0);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(udp_answers_from_the_address_that_was_asked),
	    cmocka_unit_test(a_second_server_on_the_port_is_noticed),
	    cmocka_unit_test(tcp_answers_many_queries_of_one_connection_in_order),
	    cmocka_unit_test(tcp_answers_a_peer_that_has_closed_its_side),
	    cmocka_unit_test(tcp_cuts_who_dawdles_or_talks_nonsense),
	    cmocka_unit_test(tcp_cuts_a_reader_that_does_not_take_its_answers),
	    cmocka_unit_test(tcp_lets_the_longest_idle_go_when_too_many_come),
	    cmocka_unit_test(a_limited_client_is_sent_to_tcp_unless_its_cookie_is_good),
	    cmocka_unit_test(a_dry_run_only_counts),
	    cmocka_unit_test(a_proxy_over_udp_must_name_its_client),
	    cmocka_unit_test(a_proxy_over_tcp_must_name_its_client),
	    cmocka_unit_test(a_header_from_elsewhere_is_no_query),
	    cmocka_unit_test(tcp_refuses_a_client_with_too_many_connections),
	    cmocka_unit_test(answers_stay_whole_while_snapshots_are_swapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
