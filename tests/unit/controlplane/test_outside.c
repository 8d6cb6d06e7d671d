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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(more_questions_than_are_asked_at_once_wait_for_their_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
