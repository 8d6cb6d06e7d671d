/* What is asked outside: every question has its turn, and an answer is judged whole or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/asker.h"
#include "controlplane/outside.h"

enum { QUESTIONS = 100 };

struct heard {
	bool each[QUESTIONS];
	size_t count;
};

static void on_heard(void *ctx, const struct core_look *look)
{
	struct heard *h = ctx;
	size_t i = strtoul(look->owner, NULL, 10);
	assert_true(i < QUESTIONS && !h->each[i]);
	assert_true(*look->failure != '\0');
	h->each[i] = true;
	h->count++;
}

/* Without its trust anchor a question fails before anything is sent. */
static void more_questions_than_are_asked_at_once_wait_for_their_turn(void **state)
{
	(void)state;
	struct heard heard = {0};
	struct event_base *base = event_base_new();
	struct outside *o = outside_new(base, on_heard, &heard);
	for (int i = 0; i < QUESTIONS; i++) {
		char owner[32];
		snprintf(owner, sizeof owner, "%d.example.com.", i);
		const struct core_question q = {.type = LOOK_RESOLVER,
		    .subject = "outside",
		    .endpoint = "127.0.0.1@9",
		    .owner = owner,
		    .kind = LOOK_A,
		    .trust_anchor = "/nonexistent/anchor"};
		outside_ask(o, &q);
		outside_ask(o, &q);
	}
	assert_int_equal(heard.count, 0); /* never from inside the call */
	event_base_dispatch(base);
	assert_int_equal(heard.count, QUESTIONS);
	outside_free(o);
	event_base_free(base);
}

/* ---- one that is dead ---- */

struct waits {
	struct event_base *base;
	size_t dead, others;
};

static void on_heard_of_two(void *ctx, const struct core_look *look)
{
	struct waits *w = ctx;
	if (strcmp(look->subject, "dead") == 0)
		w->dead++;
	else if (++w->others == QUESTIONS)
		event_base_loopbreak(w->base);
}

/* It takes questions and never answers: each waits for seconds. */
static int socket_silent(char endpoint[static 64])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, bytes), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &bytes), 0);
	snprintf(endpoint, 64, "127.0.0.1@%u", ntohs(a.sin_port));
	return fd;
}

static void a_dead_resolver_keeps_no_other_waiting(void **state)
{
	(void)state;
	struct waits heard = {.base = event_base_new()};
	struct outside *o = outside_new(heard.base, on_heard_of_two, &heard);
	char endpoint[64], owner[32];
	int fd = socket_silent(endpoint);
	for (int i = 0; i < 2 * QUESTIONS; i++) {
		snprintf(owner, sizeof owner, "%d.example.com.", i);
		const struct core_question q = {.type = LOOK_RESOLVER,
		    .subject = i < QUESTIONS ? "dead" : "other",
		    .endpoint = endpoint,
		    .owner = owner,
		    .kind = LOOK_A,
		    .trust_anchor = i < QUESTIONS ? NULL : "/nonexistent/anchor"};
		outside_ask(o, &q);
	}
	event_base_dispatch(heard.base);
	assert_int_equal(heard.others, QUESTIONS);
	assert_int_equal(heard.dead, 0);
	outside_free(o);
	event_base_free(heard.base);
	close(fd);
}

static ldns_pkt *answer_make(int addresses)
{
	ldns_rdf *owner = ldns_dname_new_frm_str("mail.example.com.");
	ldns_pkt *p = ldns_pkt_query_new(owner, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, 0);
	for (int i = 0; i < addresses; i++) {
		char text[64];
		ldns_rr *rr = NULL;
		snprintf(text, sizeof text, "mail.example.com. 60 IN A 192.0.2.%d", i);
		assert_int_equal(ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(p, LDNS_SECTION_ANSWER, rr);
	}
	return p;
}

/* A leftover address beyond what is compared would pass for "gone". */
static void an_answer_with_too_many_addresses_is_a_failure(void **state)
{
	(void)state;
	const struct core_question q = {.kind = LOOK_A};
	struct addr addresses[ASKER_ADDRESSES];
	struct core_look look;
	char failure[128];
	ldns_pkt *p = answer_make(ASKER_ADDRESSES);
	asker_judge(&q, p, &look, addresses, failure);
	assert_string_equal(failure, "");
	assert_int_equal(look.addresses_count, ASKER_ADDRESSES);
	ldns_pkt_free(p);
	p = answer_make(ASKER_ADDRESSES + 1);
	asker_judge(&q, p, &look, addresses, failure);
	assert_non_null(strstr(failure, "too many addresses"));
	ldns_pkt_free(p);
}

static void a_truncated_answer_is_a_failure(void **state)
{
	(void)state;
	const struct core_question q = {.kind = LOOK_A};
	struct addr addresses[ASKER_ADDRESSES];
	struct core_look look;
	char failure[128];
	ldns_pkt *p = answer_make(1);
	ldns_pkt_set_tc(p, true);
	asker_judge(&q, p, &look, addresses, failure);
	assert_non_null(strstr(failure, "answer is truncated"));
	ldns_pkt_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(more_questions_than_are_asked_at_once_wait_for_their_turn),
	    cmocka_unit_test(a_dead_resolver_keeps_no_other_waiting),
	    cmocka_unit_test(an_answer_with_too_many_addresses_is_a_failure),
	    cmocka_unit_test(a_truncated_answer_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
