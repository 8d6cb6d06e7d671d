/* Which TTL resolvers may still keep an answer of a site by, from whatever gave it (rule 12). */
#include "core/inside.h"
#include "tests/unit/core/world.h"

static struct service *service_listed(uint32_t ttl_s)
{
	struct service *s = service_usual();

	VEC_PUSH(s->names_files, s->names_files_count) =
	    (struct service_names){.file = mem_strdup("kdin.txt"),
	        .pool = 1,
	        .ttl_s = ttl_s,
	        .is_listed = true,
	        .count = 5};
	return s;
}

static void names_of_a_file_are_kept_by_its_own_ttl(void **unused)
{
	struct service *s = service_listed(3600);

	(void)unused;
	assert_int_equal(ttl_of_site(s, "muc"), 3600);
	assert_int_equal(ttl_of_site(s, "fra"), 30); /* not in that pool */
	s->names_files[0].ttl_s = 0;
	assert_int_equal(ttl_of_site(s, "muc"), 30);
	service_drop(s);
}

static void shorter_ttl_of_a_file_leaves_a_tail(void **unused)
{
	struct service *before = service_listed(3600), *after = service_listed(60);
	struct state *state = state_new();

	(void)unused;
	ttl_note(state, before, after);
	assert_int_equal(state->tails_count, 1);
	assert_string_equal(state->tails[0].site, "muc");
	assert_int_equal(state->tails[0].ttl_s, 3600);
	state_free(state);
	service_drop(before);
	service_drop(after);
}

/* A reader refuses more than one a site. */
static void sites_that_are_gone_make_room_for_tails(void **unused)
{
	struct service *before = service_listed(3600), *after = service_listed(60);
	struct state *state = state_new();
	char site[32];

	(void)unused;
	for (unsigned i = 0; i < STATE_DRAINS; i++) {
		snprintf(site, sizeof(site), "old-%u", i);
		state_tail_put(state, site, 300);
	}
	ttl_note(state, before, after);
	assert_int_equal(state->tails_count, STATE_DRAINS);
	assert_string_equal(state->tails[0].site, "old-1");
	assert_string_equal(state->tails[STATE_DRAINS - 1].site, "muc");
	state_free(state);
	service_drop(before);
	service_drop(after);
}

static void copy_with_tails_takes_another(void **unused)
{
	struct state *state = state_new();
	char site[32];

	(void)unused;
	for (unsigned i = 0; i < 24; i++) {
		snprintf(site, sizeof(site), "site-%u", i);
		state_tail_put(state, site, 300);
		struct state *copy = state_copy(state);
		state_free(state);
		state = copy;
	}
	assert_int_equal(state->tails_count, 24);
	assert_string_equal(state->tails[23].site, "site-23");
	state_free(state);
}

/* Read and written by a release that does not know past_ttl_s, while a name server is behind. */
static void a_tail_without_its_past_is_left_alone(void **unused)
{
	struct world *w = world_usual();

	(void)unused;
	dnsd_acks(w, "muc", epoch_of(w));
	apply(w, service_listed(60), "document 2");
	state_tail_put(w->store, "muc", 0);
	w->store->tails[0].epoch = w->store->epoch;
	w->store->version++;
	world_adopt(w);
	size_t commits = w->commits;
	dnsd_acks(w, "muc", epoch_of(w) - 1);
	pass(w, 1000);
	assert_true(w->commits - commits <= 1);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_of_a_file_are_kept_by_its_own_ttl),
	    cmocka_unit_test(shorter_ttl_of_a_file_leaves_a_tail),
	    cmocka_unit_test(sites_that_are_gone_make_room_for_tails),
	    cmocka_unit_test(copy_with_tails_takes_another),
	    cmocka_unit_test(a_tail_without_its_past_is_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
