/* Documents are read beside the loop, in order, and each is answered exactly once. */
#include "store_rig.h"

#include "controlplane/parser.h"

static const char good[] = "title: t\n"
                           "regions: [eu]\n"
                           "sites: {muc: {region: eu}, fra: {region: eu}}\n";

struct heard {
	bool done;
	int result;
	size_t errors;
	char text[256];
	unsigned *turn, at;
};

static void hear(void *ctx, struct parser_result *r)
{
	struct heard *h = ctx;
	assert_false(h->done);
	h->done = true;
	h->result = r->result;
	h->errors = r->errors.count;
	snprintf(h->text, sizeof h->text, "%s", r->text);
	if (h->turn != NULL)
		h->at = ++*h->turn;
	assert_true((r->result == 0) == (r->service != NULL));
}

static void documents_are_read_in_order_and_answered_from_the_loop(void **state)
{
	(void)state;
	struct event_base *base = event_base_new();
	struct parser *p;
	struct heard heard[8] = {0};
	unsigned turn = 0;
	assert_int_equal(parser_new(base, &p, NULL), 0);
	for (size_t i = 0; i < 8; i++) {
		const char *text = i % 2 == 0 ? good : "regions: [\n";
		heard[i].turn = &turn;
		assert_int_equal(
		    parser_parse(p, "test", text, strlen(text), hear, &heard[i], NULL), 0);
		assert_false(heard[i].done);
	}
	rig_wait_flag(base, &heard[7].done, "the last document");
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(heard[i].at, i + 1);
		assert_int_equal(heard[i].result, i % 2 == 0 ? 0 : E_INVALID);
		assert_true(i % 2 == 0 || heard[i].errors > 0);
		assert_string_equal(heard[i].text, i % 2 == 0 ? good : "regions: [\n");
	}
	parser_free(p);
	event_base_free(base);
}

static void what_waits_when_the_parser_goes_is_told_and_what_was_forgotten_is_not(void **state)
{
	(void)state;
	struct event_base *base = event_base_new();
	struct parser *p;
	struct heard told[PARSER_JOBS] = {0};
	struct err e;
	assert_int_equal(parser_new(base, &p, NULL), 0);
	for (size_t i = 0; i < PARSER_JOBS; i++)
		assert_int_equal(
		    parser_parse(p, "test", good, strlen(good), hear, &told[i], NULL), 0);
	assert_int_equal(parser_parse(p, "test", good, strlen(good), hear, &told[0], &e), E_LIMIT);
	for (size_t i = 0; i < PARSER_JOBS; i += 3)
		parser_forget(p, &told[i]);
	parser_free(p);
	for (size_t i = 0; i < PARSER_JOBS; i++) {
		assert_int_equal(told[i].done, i % 3 != 0);
		assert_int_equal(told[i].result, i % 3 != 0 ? E_UNAVAILABLE : 0);
	}
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(documents_are_read_in_order_and_answered_from_the_loop),
	    cmocka_unit_test(what_waits_when_the_parser_goes_is_told_and_what_was_forgotten_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
