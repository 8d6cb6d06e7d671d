/* A server gives way to its successor step by step, and takes everything back when that one fails.
 * The successor is the other half of this process; the owner writes down what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/handover.h"
#include "dnsd/takeover.h"
#include "lib/base/mem.h"
#include "lib/log.h"

struct stage {
	char folder[64];
	struct event_base *base;
	struct handover *handover;
	struct socket_set own; /* what the old server answers on */
	char told[64];         /* a letter a call */
};

static void tell(void *ctx, char what)
{
	struct stage *s = ctx;
	s->told[strlen(s->told)] = what;
}

static void sockets(void *ctx, struct socket_set *set)
{
	*set = ((struct stage *)ctx)->own;
	tell(ctx, 's');
}

static void yield_up(void *ctx, struct handover_message *served)
{
	tell(ctx, 'y');
	served->epoch = 42;
	strcpy(served->cluster, "c");
}

static void resume(void *ctx)
{
	tell(ctx, 'r');
}

static void leave(void *ctx)
{
	tell(ctx, 'l');
}

static void left(void *ctx)
{
	tell(ctx, 'e');
}

static struct stage *stage_new(void)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct err e = {0};
	const struct handover_owner owner = {s, sockets, yield_up, resume, leave, left};
	strcpy(s->folder, "/tmp/test-handover-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	s->base = event_base_new();
	if (handover_open(s->base, s->folder, &owner, &s->handover, &e) != 0)
		fail_msg("%s", e.text);
	return s;
}

static void stage_free(struct stage *s)
{
	char *command = mem_printf("rm -rf '%s'", s->folder);
	handover_close(s->handover);
	socket_set_close(&s->own);
	event_base_free(s->base);
	assert_int_equal(system(command), 0);
	free(command);
	free(s);
}

static void turn(struct stage *s)
{
	event_base_loop(s->base, EVLOOP_ONCE);
}

static void told(struct stage *s, const char *expected)
{
	assert_string_equal(s->told, expected);
}

/* A successor without waiting: both sides live in one thread. */
static int successor_open(struct stage *s)
{
	struct sockaddr_un at;
	assert_int_equal(handover_address(s->folder, &at, NULL), 0);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	turn(s);
	return fd;
}

static void say(struct stage *s, int fd, enum handover_word word)
{
	const struct handover_message m = {.word = word, .version = HANDOVER_VERSION};
	assert_int_equal(handover_send(fd, &m, NULL), 0);
	turn(s);
}

static void hear(int fd, enum handover_word word, struct handover_message *m)
{
	struct err e = {0};
	if (handover_receive(fd, m, &e) != 0)
		fail_msg("%s", e.text);
	if (m->word != word)
		fail_msg("found %s %s", handover_word_name(m->word), m->why);
}

/* Up to this word of the new side; the old one has answered it. */
static void reach(struct stage *s, int fd, enum handover_word last)
{
	struct handover_message m;
	say(s, fd, HANDOVER_HELLO);
	hear(fd, HANDOVER_OFFER, &m);
	for (size_t count = m.count; count > 0; count -= m.fds_count) {
		hear(fd, HANDOVER_SOCKETS, &m);
		for (size_t i = 0; i < m.fds_count; i++)
			close(m.fds[i]);
	}
	if (last == HANDOVER_HELLO)
		return;
	say(s, fd, HANDOVER_READY);
	hear(fd, HANDOVER_GO, &m);
	assert_int_equal(m.epoch, 42);
	assert_string_equal(m.cluster, "c");
	if (last == HANDOVER_READY)
		return;
	say(s, fd, HANDOVER_ANSWERING);
	hear(fd, HANDOVER_LEFT, &m);
}

static void the_old_server_leaves_only_when_the_new_one_answers(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	for (int i = 0; i < 100; i++) /* more than fit one message */
		socket_set_add(&s->own, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	int fd = successor_open(s);
	reach(s, fd, HANDOVER_HELLO);
	told(s, "s");
	say(s, fd, HANDOVER_READY);
	told(s, "sy");
	struct handover_message m;
	hear(fd, HANDOVER_GO, &m);
	say(s, fd, HANDOVER_ANSWERING);
	told(s, "syl");
	hear(fd, HANDOVER_LEFT, &m);
	close(fd);
	turn(s);
	told(s, "syle");
	stage_free(s);
}

static void a_successor_that_fails_gives_everything_back(void **state)
{
	static const struct {
		enum handover_word last;
		const char *told;
	} steps[] = {{HANDOVER_HELLO, "s"}, {HANDOVER_READY, "syr"}, {HANDOVER_ANSWERING, "syle"}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct stage *s = stage_new();
		int fd = successor_open(s);
		reach(s, fd, steps[i].last);
		close(fd);
		turn(s);
		told(s, steps[i].told);
		if (i < 2) { /* and the next one is welcome */
			s->told[0] = '\0';
			memset(s->told, 0, sizeof(s->told));
			fd = successor_open(s);
			reach(s, fd, HANDOVER_ANSWERING);
			told(s, "syl");
			close(fd);
		}
		stage_free(s);
	}
}

static void words_out_of_turn_are_refused(void **state)
{
	static const enum handover_word words[] = {
	    HANDOVER_READY, HANDOVER_ANSWERING, HANDOVER_OFFER, HANDOVER_LEFT, HANDOVER_NO};
	struct stage *s = stage_new();
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct handover_message m;
		int fd = successor_open(s);
		say(s, fd, words[i]);
		hear(fd, HANDOVER_NO, &m);
		close(fd);
	}
	told(s, "");
	stage_free(s);
}

/* Else it would take the old server for dead, and both would go on. */
static void a_no_is_heard_although_nobody_reads_what_was_said_to_it(void **state)
{
	struct handover_message m = {.word = HANDOVER_NO};
	int ends[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(
	    handover_send(ends[0], &(struct handover_message){.word = HANDOVER_READY}, NULL), 0);
	assert_int_equal(handover_send(ends[1], &m, NULL), 0);
	close(ends[1]); /* `ready` unread: a reset */
	hear(ends[0], HANDOVER_NO, &m);
	assert_int_equal(handover_receive(ends[0], &m, NULL), E_NOT_FOUND);
	close(ends[0]);
}

static void one_successor_at_a_time(void **state)
{
	struct stage *s = stage_new();
	struct handover_message m;
	(void)state;
	int first = successor_open(s);
	int second = successor_open(s);
	hear(second, HANDOVER_NO, &m);
	assert_non_null(strstr(m.why, "another"));
	close(second);
	reach(s, first, HANDOVER_ANSWERING);
	close(first);
	stage_free(s);
}

static void messages_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {"", "x", "[]", "{}", "{\"say\":\"nonsense\"}",
	    "{\"say\":1}", "{\"say\":\"go\",\"epoch\":-1}", "{\"say\":\"offer\",\"count\":70000}",
	    "{\"say\":\"go\",\"cluster\":7}"};
	struct handover_message m;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(handover_decode(bad[i], strlen(bad[i]), &m, NULL), E_INVALID);
	static const char later[] = "{\"say\":\"go\",\"epoch\":7,\"of_version_2\":true}";
	assert_int_equal(handover_decode(later, strlen(later), &m, NULL), 0);
	assert_int_equal(m.epoch, 7);
}

static void nobody_to_take_over_from_is_told(void **state)
{
	struct takeover t = {.fd = -1};
	struct err e = {0};
	char folder[] = "/tmp/test-handover-XXXXXX", deep[300];
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(takeover_open(&t, folder, NULL, &e), E_NOT_FOUND);
	takeover_close(&t);
	rmdir(folder);
	memset(deep, 'd', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(takeover_open(&t, deep, NULL, &e), E_LIMIT);
}

/* --- which socket is whose ------------------------------------------------------------------ */

/* An address of this host with a port that is free for UDP and TCP. */
static void address_find(struct socket_address *a, struct sockets *bound, unsigned workers)
{
	for (int attempt = 0; attempt < 20; attempt++) {
		struct sockaddr_in at;
		socklen_t bytes = sizeof(at);
		assert_int_equal(socket_address_parse("127.0.0.1@0", a, NULL), 0);
		int fd = socket_tcp_open(a, NULL);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
		close(fd);
		memcpy(&a->storage, &at, sizeof(at));
		if (sockets_open(a, 1, workers, NULL, bound, NULL) == 0)
			return;
	}
	fail();
}

static void set_of(const struct sockets *s, struct socket_set *set)
{
	set->count = 0;
	socket_set_add(set, s->listeners[0]);
	for (size_t i = 0; i < s->udp_count; i++)
		socket_set_add(set, s->udp[i].fd);
}

static void each_worker_reads(const struct sockets *s, unsigned workers, size_t sockets_count)
{
	assert_int_equal(s->udp_count, sockets_count);
	for (unsigned w = 0; w < workers; w++) {
		size_t count = 0;
		for (size_t i = 0; i < s->udp_count; i++)
			count += s->udp[i].worker == w;
		assert_true(count >= sockets_count / workers);
	}
}

static void all_sockets_of_an_address_are_read_by_fewer_or_more_workers(void **state)
{
	struct socket_address a;
	struct sockets old, new;
	struct socket_set set;
	(void)state;
	address_find(&a, &old, 3);
	set_of(&old, &set);
	free(old.udp);
	assert_int_equal(sockets_open(&a, 1, 2, &set, &new, NULL), 0);
	assert_int_equal(set.count, 0);
	each_worker_reads(&new, 2, 3);
	set_of(&new, &set);
	free(new.udp);
	assert_int_equal(sockets_open(&a, 1, 5, &set, &new, NULL), 0);
	each_worker_reads(&new, 5, 5);
	size_t missing = 0; /* until it answers, nothing may arrive at a socket of its own */
	for (size_t i = 0; i < new.udp_count; i++)
		missing += new.udp[i].fd < 0;
	assert_int_equal(missing, 2);
	assert_int_equal(sockets_complete(&new, NULL), 0);
	for (size_t i = 0; i < new.udp_count; i++)
		assert_true(socket_is_bound(new.udp[i].fd, &a, SOCK_DGRAM));
	sockets_release(&new);
}

static void one_socket_becomes_one_of_several(void **state)
{
	struct socket_address a;
	struct sockets old, new;
	struct socket_set set;
	(void)state;
	address_find(&a, &old, 1); /* bound without SO_REUSEPORT */
	set_of(&old, &set);
	free(old.udp);
	assert_int_equal(sockets_open(&a, 1, 2, &set, &new, NULL), 0);
	assert_int_equal(sockets_complete(&new, NULL), 0);
	assert_true(socket_is_bound(new.udp[1].fd, &a, SOCK_DGRAM));
	/* two sockets, not one twice: what is sent to the address arrives at either */
	int on = 0;
	socklen_t bytes = sizeof(on);
	assert_int_equal(getsockopt(new.udp[1].fd, SOL_SOCKET, SO_REUSEPORT, &on, &bytes), 0);
	assert_int_equal(on, 1);
	assert_int_equal(getsockopt(new.udp[0].fd, SOL_SOCKET, SO_REUSEPORT, &on, &bytes), 0);
	assert_int_equal(on, 1);
	sockets_release(&new);
}

static void sockets_of_other_addresses_and_kinds_are_left(void **state)
{
	struct socket_address a, other;
	struct sockets bound;
	struct socket_set set = {.count = 0};
	(void)state;
	address_find(&a, &bound, 1);
	set_of(&bound, &set);
	free(bound.udp);
	assert_int_equal(socket_address_parse("127.0.0.2@1", &other, NULL), 0);
	assert_int_equal(socket_set_take(&set, &other, SOCK_DGRAM), -1);
	int udp = socket_set_take(&set, &a, SOCK_DGRAM);
	assert_true(udp >= 0);
	assert_int_equal(socket_set_take(&set, &a, SOCK_DGRAM), -1);
	assert_int_equal(set.count, 1);
	socket_set_close(&set);
	close(udp);
}

int main(void)
{
	log_open("test_handover", LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_old_server_leaves_only_when_the_new_one_answers),
	    cmocka_unit_test(a_successor_that_fails_gives_everything_back),
	    cmocka_unit_test(words_out_of_turn_are_refused),
	    cmocka_unit_test(a_no_is_heard_although_nobody_reads_what_was_said_to_it),
	    cmocka_unit_test(one_successor_at_a_time),
	    cmocka_unit_test(messages_that_are_none_are_refused),
	    cmocka_unit_test(nobody_to_take_over_from_is_told),
	    cmocka_unit_test(all_sockets_of_an_address_are_read_by_fewer_or_more_workers),
	    cmocka_unit_test(one_socket_becomes_one_of_several),
	    cmocka_unit_test(sockets_of_other_addresses_and_kinds_are_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
