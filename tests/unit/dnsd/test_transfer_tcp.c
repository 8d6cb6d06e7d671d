/* Transfers over loopback: nobody waits for somebody else's, and who does not read lets go. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "dnsd/socket.h"
#include "dnsd/tcp.h"
#include "tests/unit/dnsd/ask.h"

enum {
	WAIT_MS = 5000,
	NAMES = 40000
}; /* more than the kernel takes for a peer that does not read */

static struct snapshot *large; /* one reference is the test's */

static int zone_make(void **state)
{
	static char *texts[NAMES + 1];
	static const char long_text[] =
	    "012345678901234567890123456789012345678901234567890123456789"
	    "012345678901234567890123456789012345678901234567890123456789"
	    "012345678901234567890123456789012345678901234567890123456789";
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		texts[i] = mem_printf("n%05zu.example. TXT \"%s\"", i, long_text);
	const struct world_zone zone = {"example.", (const char *const *)texts, 1};
	const struct world w = {.zones = &zone, .zones_count = 1, .epoch = 1};
	large = world_new(&w);
	for (size_t i = 0; i < NAMES; i++)
		free(texts[i]);
	return 0;
}

static int zone_drop(void **state)
{
	(void)state;
	snapshot_free(large);
	return 0;
}

struct stage {
	struct snapshot_seat seat;
	struct policy_seat policy;
	struct stats *stats;
	struct tcp *tcp;
	struct socket_address address;
};

static struct stage *stage_new(const struct tcp_limits *limits, const char *allowed)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct policy *p = mem_new(1, sizeof(*p));
	struct err e = {0};
	p->transfers.rules = mem_new(1, sizeof(*p->transfers.rules));
	p->transfers.rules_count = 1;
	p->transfers.rules[0].from = mem_new(1, sizeof(struct addr_prefix));
	p->transfers.rules[0].from_count = 1;
	assert_int_equal(addr_prefix_parse(allowed, &p->transfers.rules[0].from[0], &e), 0);
	s->policy.now = p;
	s->stats = stats_new(1);
	s->seat.now = snapshot_hold(large);
	assert_int_equal(socket_address_parse("127.0.0.1@0", &s->address, &e), 0);
	int listener = socket_tcp_open(&s->address, &e);
	socklen_t bytes = sizeof(s->address.storage);
	assert_true(listener >= 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&s->address.storage, &bytes), 0);
	assert_int_equal(
	    tcp_start(&listener, 1, limits, &s->seat, &s->policy, s->stats, NULL, &s->tcp, &e), 0);
	return s;
}

static void stage_free(struct stage *s)
{
	tcp_stop(s->tcp);
	snapshot_swap(&s->seat, NULL);
	policy_swap(&s->policy, NULL);
	free(s->stats);
	free(s);
}

static int client_open(const struct stage *s)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
	struct timeval wait = {.tv_sec = WAIT_MS / 1000};
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&s->address.storage, s->address.bytes), 0);
	return fd;
}

static void asks(int fd, const char *text)
{
	struct question q;
	uint8_t framed[700];
	question_parse(&q, text);
	put_u16(framed, (unsigned)q.bytes);
	memcpy(framed + 2, q.wire, q.bytes);
	assert_int_equal(send(fd, framed, q.bytes + 2, 0), q.bytes + 2);
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

/* One message: its rcode, and how many answers it has. */
static unsigned message_read(int fd, size_t *answers)
{
	static uint8_t message[65535];
	uint8_t length[2];
	reads_exactly(fd, length, 2);
	reads_exactly(fd, message, get_u16(length));
	assert_int_equal(get_u16(message), 0x1234);
	*answers = get_u16(message + 6);
	return message[3] & 15U;
}

static void reads_the_zone(int fd)
{
	size_t answers, all = 0;
	while (all < NAMES + 2) {
		assert_int_equal(message_read(fd, &answers), RCODE_NOERROR);
		all += answers;
	}
	assert_int_equal(all, NAMES + 2);
}

static uint64_t counted(const atomic_uint_fast64_t *counter)
{
	return atomic_load(counter);
}

static void queries_behind_a_transfer_are_answered_after_it(void **state)
{
	(void)state;
	struct stage *s = stage_new(&TCP_LIMITS, "127.0.0.0/8");
	int fd = client_open(s);
	size_t answers;
	asks(fd, "n00007.example. TXT");
	asks(fd, "example. AXFR");
	asks(fd, "n00008.example. TXT");
	asks(fd, "EXAMPLE. AXFR");
	assert_int_equal(message_read(fd, &answers), RCODE_NOERROR);
	reads_the_zone(fd);
	assert_int_equal(message_read(fd, &answers), RCODE_NOERROR);
	assert_int_equal(answers, 1);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	reads_the_zone(fd);
	close(fd);
	stage_free(s);
}

static void others_are_served_while_a_transfer_is_not_taken(void **state)
{
	(void)state;
	const struct tcp_limits limits = {.connections = 8,
	    .idle_ms = 500,
	    .transfers = 2,
	    .transfer_ms = TCP_LIMITS.transfer_ms,
	    .backlog_bytes = TCP_LIMITS.backlog_bytes};
	struct stage *s = stage_new(&limits, "127.0.0.0/8");
	int dawdler = client_open(s), reader = client_open(s);
	size_t answers;
	asks(dawdler, "example. AXFR");
	assert_int_equal(message_read(dawdler, &answers), RCODE_NOERROR);
	asks(reader, "n00007.example. TXT");
	assert_int_equal(message_read(reader, &answers), RCODE_NOERROR);
	asks(reader, "example. AXFR");
	reads_the_zone(reader);
	close(reader);
	/* It is cut, and the snapshot let go: what holds it is the test and the seat. */
	char octets[4096];
	ssize_t n;
	struct pollfd gone = {.fd = dawdler}; /* until the server is tired of it */
	assert_int_equal(poll(&gone, 1, WAIT_MS), 1);
	while ((n = recv(dawdler, octets, sizeof(octets), 0)) > 0)
		;
	assert_true(n < 0 && errno == ECONNRESET);
	close(dawdler);
	assert_int_equal(counted(&s->stats->transfers[0]), 1);
	assert_int_equal(counted(&s->stats->transfers_cut), 1);
	tcp_stop(s->tcp);
	s->tcp = NULL;
	assert_int_equal(atomic_load(&large->references), 2);
	stage_free(s);
}

static void too_many_transfers_are_told_to_come_again(void **state)
{
	(void)state;
	struct tcp_limits limits = TCP_LIMITS;
	limits.transfers = 1;
	struct stage *s = stage_new(&limits, "127.0.0.0/8");
	int one = client_open(s), two = client_open(s);
	size_t answers;
	asks(one, "example. AXFR");
	assert_int_equal(message_read(one, &answers), RCODE_NOERROR);
	asks(two, "example. AXFR");
	assert_int_equal(message_read(two, &answers), RCODE_SERVFAIL);
	assert_int_equal(counted(&s->stats->transfers_refused), 1);
	/* A server that ends does not wait for a transfer. */
	stage_free(s);
	close(one);
	close(two);
	assert_int_equal(atomic_load(&large->references), 1);
}

/* It takes every slice in time, and still does not hold a transfer for ever. */
static void a_transfer_ends_in_time_however_steadily_it_is_taken(void **state)
{
	(void)state;
	struct tcp_limits limits = TCP_LIMITS;
	limits.transfer_ms = 300;
	struct stage *s = stage_new(&limits, "127.0.0.0/8");
	int fd = client_open(s);
	char octets[512];
	ssize_t n;
	asks(fd, "example. AXFR");
	do {
		struct pollfd pause = {.fd = fd}; /* no event but its end */
		n = poll(&pause, 1, 1) == 0 ? recv(fd, octets, sizeof(octets), 0) : -1;
	} while (n > 0);
	assert_int_equal(counted(&s->stats->transfers_cut), 1);
	close(fd);
	stage_free(s);
}

static void half_a_query_behind_a_transfer_does_not_keep_the_connection(void **state)
{
	(void)state;
	struct stage *s = stage_new(&TCP_LIMITS, "127.0.0.0/8");
	int fd = client_open(s);
	asks(fd, "example. AXFR");
	assert_int_equal(send(fd, "\0\x40half", 6, 0), 6);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	reads_the_zone(fd);
	char octet;
	assert_int_equal(recv(fd, &octet, 1, 0), 0); /* at once: WAIT_MS is less than "idle" */
	close(fd);
	stage_free(s);
}

static void who_may_not_gets_nothing(void **state)
{
	(void)state;
	struct stage *s = stage_new(&TCP_LIMITS, "192.0.2.0/24");
	int fd = client_open(s);
	size_t answers;
	asks(fd, "example. AXFR");
	assert_int_equal(message_read(fd, &answers), RCODE_REFUSED);
	assert_int_equal(answers, 0);
	close(fd);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queries_behind_a_transfer_are_answered_after_it),
	    cmocka_unit_test(others_are_served_while_a_transfer_is_not_taken),
	    cmocka_unit_test(too_many_transfers_are_told_to_come_again),
	    cmocka_unit_test(a_transfer_ends_in_time_however_steadily_it_is_taken),
	    cmocka_unit_test(half_a_query_behind_a_transfer_does_not_keep_the_connection),
	    cmocka_unit_test(who_may_not_gets_nothing),
	};
	return cmocka_run_group_tests(tests, zone_make, zone_drop);
}
