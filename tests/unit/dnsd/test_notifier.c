/* NOTIFY over a real socket: what counts as the secondary's answer, and what a reload keeps. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dnsd/notifier.h"
#include "dnsd/tsig.h"
#include "lib/file.h"
#include "tests/unit/dnsd/ask.h"

#define KEY                                                                                        \
	"name: xfr.\nalgorithm: hmac-sha256\nsecret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" \
	"\n"

static const char *const records[] = {"example. 300 NS ns1.example.", NULL};
static const struct world_zone zones[] = {{"example.", records, 0}};
static const struct world world = {zones, 1, NULL, 0, NULL, 0, 41};

struct stage { /* a notifier, and the socket of its secondary */
	char path[32];
	struct event_base *base;
	struct snapshot_seat seat;
	struct config_secondary secondary;
	struct config_dnsd config;
	struct notifier *notifier;
	struct tsig_ring ring;
	struct tsig_key key;
	int fd;
	struct sockaddr_in from;
	uint8_t message[2048];
	size_t bytes;
};

static struct stage *stage_new(void)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct sockaddr_in me = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t me_bytes = sizeof(me);
	strcpy(s->path, "/tmp/test_notifier.XXXXXX");
	int fd = mkstemp(s->path);
	assert_true(fd >= 0 && close(fd) == 0);
	assert_int_equal(file_write_atomic(s->path, KEY, strlen(KEY), 0600, NULL), 0);
	assert_int_equal(tsig_key_read(s->path, &s->key, NULL), 0);
	s->ring = (struct tsig_ring){&s->key, 1};
	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(s->fd, (const struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&me, &me_bytes), 0);
	s->secondary =
	    (struct config_secondary){.port = ntohs(me.sin_port), .key = s->path, .notify = true};
	assert_int_equal(addr_parse("127.0.0.1", &s->secondary.address, NULL), 0);
	s->config = (struct config_dnsd){.secondaries = &s->secondary, .secondaries_count = 1};
	s->base = event_base_new();
	s->seat.now = world_new(&world);
	assert_int_equal(notifier_new(s->base, &s->config, &s->seat, &s->notifier, NULL), 0);
	return s;
}

static void stage_free(struct stage *s)
{
	notifier_free(s->notifier);
	event_base_free(s->base);
	snapshot_free(s->seat.now);
	close(s->fd);
	unlink(s->path);
	free(s);
}

static double counted(const struct stage *s, const char *counter)
{
	struct buf out = {0};
	char *line = mem_printf(
	    "tandem_dnsd_notify_%s{secondary=\"127.0.0.1@%u\"} ", counter, s->secondary.port);
	notifier_print(s->notifier, &out);
	const char *at = strstr(buf_text(&out), line);
	assert_non_null(at);
	double value = strtod(at + strlen(line), NULL);
	free(line);
	buf_free(&out);
	return value;
}

/* Runs the loop until a notice has come. */
static void receive(struct stage *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	socklen_t from_bytes = sizeof(s->from);
	while (poll(&p, 1, 0) == 0)
		event_base_loop(s->base, EVLOOP_ONCE);
	ssize_t bytes = recvfrom(
	    s->fd, s->message, sizeof(s->message), 0, (struct sockaddr *)&s->from, &from_bytes);
	assert_true(bytes > 0);
	s->bytes = (size_t)bytes;
}

/* Sends `bytes` of the message back, and runs the loop until the counter has that value. */
static void reply(
    struct stage *s, const uint8_t *message, size_t bytes, const char *counter, double value)
{
	assert_int_equal(
	    sendto(s->fd, message, bytes, 0, (const struct sockaddr *)&s->from, sizeof(s->from)),
	    bytes);
	while (counted(s, counter) < value)
		event_base_loop(s->base, EVLOOP_ONCE);
}

static void only_a_signed_answer_with_the_id_counts(void **state)
{
	(void)state;
	struct stage *s = stage_new();
	struct tsig t;
	uint8_t answer[2048];
	notifier_wake(s->notifier);
	receive(s);
	size_t tsig_at = query_tsig_find(s->message, s->bytes);
	assert_int_equal(get_u16(s->message + 2) >> 11, 4);
	assert_int_equal(
	    tsig_open(&t, &s->ring, s->message, s->bytes, tsig_at, (uint64_t)time(NULL)), 0);
	assert_int_equal(get_u32(s->message + tsig_at - 20), 41); /* the SOA it hints at */

	memcpy(answer, s->message, DNS_HEADER_BYTES);
	memset(answer + 4, 0, 8);
	answer[2] |= 0x80;
	reply(s, answer, DNS_HEADER_BYTES, "failed_total", 1); /* not signed */
	answer[1] ^= 1;
	struct tsig other = t;
	size_t bytes =
	    tsig_sign(&other, answer, DNS_HEADER_BYTES, sizeof(answer), (uint64_t)time(NULL));
	assert_int_equal(
	    sendto(s->fd, answer, bytes, 0, (const struct sockaddr *)&s->from, sizeof(s->from)),
	    bytes); /* another id: not even counted */
	answer[1] ^= 1;
	memset(answer + 4, 0, 8);
	answer[3] = 5;
	other = t;
	bytes = tsig_sign(&other, answer, DNS_HEADER_BYTES, sizeof(answer), (uint64_t)time(NULL));
	reply(s, answer, bytes, "failed_total", 2); /* REFUSED */
	assert_true(counted(s, "pending") == 1);
	memset(answer + 4, 0, 8);
	answer[3] = 0;
	bytes = tsig_sign(&t, answer, DNS_HEADER_BYTES, sizeof(answer), (uint64_t)time(NULL));
	reply(s, answer, bytes, "answered_total", 1);
	assert_true(counted(s, "pending") == 0);
	assert_true(counted(s, "failed_total") == 2);
	stage_free(s);
}

static void a_reload_tells_nobody_twice(void **state)
{
	(void)state;
	struct stage *s = stage_new();
	struct tsig t;
	struct notifier *fresh;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	notifier_wake(s->notifier);
	receive(s);
	size_t tsig_at = query_tsig_find(s->message, s->bytes);
	assert_int_equal(
	    tsig_open(&t, &s->ring, s->message, s->bytes, tsig_at, (uint64_t)time(NULL)), 0);
	memset(s->message + 4, 0, 8);
	s->message[2] |= 0x80;
	size_t bytes =
	    tsig_sign(&t, s->message, DNS_HEADER_BYTES, sizeof(s->message), (uint64_t)time(NULL));
	reply(s, s->message, bytes, "answered_total", 1);
	assert_int_equal(notifier_new(s->base, &s->config, &s->seat, &fresh, NULL), 0);
	notifier_inherit(fresh, s->notifier);
	notifier_free(s->notifier);
	s->notifier = fresh;
	notifier_wake(s->notifier);
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	assert_true(counted(s, "sent_total") == 1);
	assert_int_equal(poll(&p, 1, 0), 0);
	s->seat.now->epoch++; /* what is new is told */
	notifier_wake(s->notifier);
	receive(s);
	assert_true(counted(s, "sent_total") == 2);
	stage_free(s);
}

static void nobody_to_tell_is_no_notifier(void **state)
{
	(void)state;
	struct notifier *n = (struct notifier *)(uintptr_t)1;
	struct config_secondary quiet = {.port = 53};
	struct config_dnsd config = {.secondaries = &quiet, .secondaries_count = 1};
	assert_int_equal(notifier_new(NULL, &config, NULL, &n, NULL), 0);
	assert_null(n);
	notifier_wake(n);
	notifier_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_signed_answer_with_the_id_counts),
	    cmocka_unit_test(a_reload_tells_nobody_twice),
	    cmocka_unit_test(nobody_to_tell_is_no_notifier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
