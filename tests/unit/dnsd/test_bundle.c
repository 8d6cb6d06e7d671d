/* Answers of one size to one asker leave together, and each arrives as if it had left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/bundle.h"

enum { WAIT_MS = 5000, ASKERS = 2, ANSWER_BYTES_MAX = 2000 };

/* A server's socket, two askers, and a batch in the making. */
struct desk {
	int server, asker[ASKERS];
	struct sockaddr_in address[ASKERS];
	size_t count;
	struct mmsghdr answers[BUNDLE_ANSWERS_MAX];
	struct iovec parts[BUNDLE_ANSWERS_MAX];
	uint8_t octets[BUNDLE_ANSWERS_MAX][ANSWER_BYTES_MAX];
	_Alignas(struct cmsghdr) uint8_t control[BUNDLE_ANSWERS_MAX][64];
	struct bundler bundler;
};

static int socket_bound(struct sockaddr_in *address)
{
	socklen_t bytes = sizeof(*address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	*address =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &bytes), 0);
	return fd;
}

static int desk_open(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct sockaddr_in own;
	d->server = socket_bound(&own);
	for (size_t i = 0; i < ASKERS; i++)
		d->asker[i] = socket_bound(&d->address[i]);
	*state = d;
	return 0;
}

static int desk_close(void **state)
{
	struct desk *d = *state;
	close(d->server);
	for (size_t i = 0; i < ASKERS; i++)
		close(d->asker[i]);
	free(d);
	return 0;
}

/* The first two octets say which answer it is. */
static void desk_answer(struct desk *d, size_t asker, size_t bytes)
{
	size_t i = d->count++;
	memset(d->octets[i], (int)(0x40 + i), bytes);
	d->octets[i][0] = (uint8_t)asker;
	d->octets[i][1] = (uint8_t)i;
	d->parts[i] = (struct iovec){d->octets[i], bytes};
	d->answers[i].msg_hdr = (struct msghdr){.msg_name = &d->address[asker],
	    .msg_namelen = sizeof(d->address[asker]),
	    .msg_iov = &d->parts[i],
	    .msg_iovlen = 1};
}

/* Answer `i` leaves from the address 127.0.0.`from`. */
static void desk_from(struct desk *d, size_t i, uint8_t from)
{
	struct msghdr *h = &d->answers[i].msg_hdr;
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK - 1 + from)};
	h->msg_control = d->control[i];
	h->msg_controllen = CMSG_SPACE(sizeof(info));
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

/* The asker got each of the batch's answers to it once, whole, and nothing else. */
static void desk_arrived(struct desk *d, size_t asker)
{
	bool seen[BUNDLE_ANSWERS_MAX] = {0};
	size_t wanted = 0;
	for (size_t i = 0; i < d->count; i++)
		wanted += d->octets[i][0] == asker;
	for (size_t n = 0; n < wanted; n++) {
		uint8_t got[ANSWER_BYTES_MAX + 1];
		struct pollfd p = {.fd = d->asker[asker], .events = POLLIN};
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		ssize_t bytes = recv(d->asker[asker], got, sizeof(got), 0);
		assert_true(bytes >= 2);
		size_t i = got[1];
		assert_true(i < d->count && !seen[i]);
		seen[i] = true;
		assert_int_equal(bytes, d->parts[i].iov_len);
		assert_memory_equal(got, d->octets[i], (size_t)bytes);
	}
	assert_int_equal(recv(d->asker[asker], &(uint8_t){0}, 1, MSG_DONTWAIT), -1);
}

static void answers_of_one_size_to_one_asker_are_one_message(void **state)
{
	struct desk *d = *state;
	for (size_t i = 0; i < 6; i++)
		desk_answer(d, 0, 81);
	bundler_pack(&d->bundler, d->answers, d->count);
	assert_int_equal(d->bundler.messages_count, 1);
	assert_int_equal(d->bundler.messages[0].msg_hdr.msg_iovlen, 6);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	desk_arrived(d, 0);
}

static void askers_and_sizes_are_kept_apart(void **state)
{
	struct desk *d = *state;
	for (size_t i = 0; i < BUNDLE_ANSWERS_MAX; i++)
		desk_answer(d, i % ASKERS, 40 + i % 5);
	bundler_pack(&d->bundler, d->answers, d->count);
	assert_int_equal(d->bundler.messages_count, ASKERS * 5);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	desk_arrived(d, 0);
	desk_arrived(d, 1);
}

static void many_sizes_go_out_as_well(void **state)
{
	struct desk *d = *state;
	for (size_t i = 0; i < BUNDLE_ANSWERS_MAX; i++)
		desk_answer(d, 0, 40 + i);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	assert_int_equal(d->bundler.messages_count, BUNDLE_ANSWERS_MAX);
	desk_arrived(d, 0);
}

static void a_large_answer_goes_alone(void **state)
{
	struct desk *d = *state;
	desk_answer(d, 0, BUNDLE_BYTES_MAX + 1);
	desk_answer(d, 0, BUNDLE_BYTES_MAX + 1);
	desk_answer(d, 0, BUNDLE_BYTES_MAX);
	desk_answer(d, 0, BUNDLE_BYTES_MAX);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	assert_int_equal(d->bundler.messages_count, 3);
	desk_arrived(d, 0);
}

static void the_address_they_leave_from_is_kept(void **state)
{
	struct desk *d = *state;
	close(d->server);
	d->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; i < 4; i++) {
		desk_answer(d, 0, 60);
		desk_from(d, i, i < 2 ? 7 : 9);
	}
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	assert_int_equal(d->bundler.messages_count, 2);
	for (size_t n = 0; n < d->count; n++) {
		uint8_t got[ANSWER_BYTES_MAX];
		struct sockaddr_in from;
		socklen_t bytes = sizeof(from);
		struct pollfd p = {.fd = d->asker[0], .events = POLLIN};
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(
		    recvfrom(d->asker[0], got, sizeof(got), 0, (struct sockaddr *)&from, &bytes),
		    60);
		assert_int_equal(ntohl(from.sin_addr.s_addr) & 0xff, got[1] < 2 ? 7 : 9);
	}
}

/* Without checksums the kernel refuses to cut, as it does on some devices and paths. */
static void what_can_not_be_cut_goes_one_by_one(void **state)
{
	struct desk *d = *state;
	assert_int_equal(setsockopt(d->server, SOL_SOCKET, SO_NO_CHECK, &(int){1}, sizeof(int)), 0);
	for (size_t i = 0; i < 6; i++)
		desk_answer(d, i % ASKERS, 81);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 0);
	desk_arrived(d, 0);
	desk_arrived(d, 1);
}

static void those_that_can_not_go_out_are_counted_and_hold_up_nobody(void **state)
{
	struct desk *d = *state;
	d->address[1].sin_port = 0;
	for (size_t i = 0; i < 6; i++)
		desk_answer(d, i % ASKERS, 81);
	desk_answer(d, 1, 30);
	desk_answer(d, 0, 30);
	assert_int_equal(bundler_send(&d->bundler, d->server, d->answers, d->count), 4);
	desk_arrived(d, 0);
	assert_int_equal(bundler_send(&d->bundler, d->server, &d->answers[6], 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        answers_of_one_size_to_one_asker_are_one_message, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(askers_and_sizes_are_kept_apart, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(many_sizes_go_out_as_well, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(a_large_answer_goes_alone, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(
	        the_address_they_leave_from_is_kept, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(
	        what_can_not_be_cut_goes_one_by_one, desk_open, desk_close),
	    cmocka_unit_test_setup_teardown(
	        those_that_can_not_go_out_are_counted_and_hold_up_nobody, desk_open, desk_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
