/* What is asked outside: every question has its turn, and an answer is judged whole or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	    cmocka_unit_test(an_answer_with_too_many_addresses_is_a_failure),
	    cmocka_unit_test(a_truncated_answer_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
