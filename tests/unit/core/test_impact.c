/* A plan tells what it means for the others: proven peers, load, what lives only there. */
#include "tests/unit/core/world.h"

static void measure_add(struct service *s, const char *name, size_t site, uint32_t capacity)
{
	VEC_PUSH(s->maintenance.measures, s->maintenance.measures_count) =
	    (struct service_measure){.name = mem_strdup(name),
	        .site = site,
	        .url = mem_strdup("http://127.10.0.1/"),
	        .field = mem_strdup("x"),
	        .unit = mem_strdup("sessions"),
	        .capacity = capacity,
	        .interval_ms = 5000};
}

static struct service *service_rich(void)
{
	struct service *s = service_usual();
	struct service_pair pair = {.customer = mem_strdup("26757099")};

	measure_add(s, "smtp-muc", MUC, 100);
	measure_add(s, "smtp-fra", FRA, 100);
	VEC_PUSH(s->components, s->components_count) =
	    (struct service_component){mem_strdup("portal"), PLACEMENT_SOLITARY, MUC};
	VEC_PUSH(s->components, s->components_count) =
	    (struct service_component){mem_strdup("archive"), PLACEMENT_PRIMARY_PEER, MUC};
	VEC_PUSH(s->components, s->components_count) =
	    (struct service_component){mem_strdup("reports"), PLACEMENT_SOLITARY, FRA};
	VEC_PUSH(pair.addresses, pair.addresses_count) = (struct service_push_sender){.site = MUC};
	VEC_PUSH(pair.addresses, pair.addresses_count) = (struct service_push_sender){.site = FRA};
	VEC_PUSH(s->pairs, s->pairs_count) = pair;
	return s;
}

static void measured(struct world *w, const char *name, int64_t value)
{
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = LOOK_MEASURE,
	                .subject = name,
	                .owner = "",
	                .failure = "",
	                .value_milli = value * 1000}});
}

static struct world_reply *plan(struct world *w, enum core_request_type type, const char *site)
{
	return request(w,
	    (struct core_request){
	        .type = type, .site = site, .plan_only = true, .until_ms = w->now.wall_ms + HOUR});
}

static void plan_of_a_drain_tells_what_falls_on_whom(void **unused)
{
	struct world *w = world_with(service_rich());

	(void)unused;
	measured(w, "smtp-muc", 70);
	measured(w, "smtp-fra", 20);
	struct world_reply *r = plan(w, CORE_REQUEST_DRAIN, "muc");
	assert_int_equal(r->result, 0);
	assert_contains(r->text,
	    "pool mail-de: proven to work now: mail-de/127.20.0.25 (fra, heard "
	    "by 3 vantages)");
	assert_contains(r->text,
	    "sessions: 70 now in muc, 20 in the sites that take over; together "
	    "90 of 100 that they can carry (90 %)");
	assert_contains(r->text, "component portal lives only in muc: unavailable meanwhile");
	assert_contains(r->text, "component archive has its primary in muc: its peer queues");
	assert_null(strstr(r->text, "reports"));
	assert_contains(r->text, "1 pairs send from the other site's addresses only: 26757099");
	measured(w, "smtp-fra", 40);
	assert_contains(plan(w, CORE_REQUEST_DRAIN, "muc")->text, "(110 %): TOO MUCH");
	pass(w, 26000);
	all_is_up(w);
	assert_contains(plan(w, CORE_REQUEST_DRAIN, "muc")->text, "2 measures of it are not known");
	world_end(w);
}

static void outage_is_planned_without_changing_anything(void **unused)
{
	struct world *w = world_with(service_rich());
	size_t commits = w->commits;
	struct world_reply *r = plan(w, CORE_REQUEST_OUTAGE, "muc");

	(void)unused;
	assert_int_equal(r->result, 0);
	assert_string_equal(view_offers(r->after, "mail-de"), "127.20.0.25");
	assert_string_equal(view_offers(r->after, "kdin-muc"), "127.10.0.34"); /* rule 1 */
	assert_contains(
	    r->text, "if muc were down as a whole, this would be published within about");
	assert_contains(r->text, "resolvers may keep its addresses for 30 s more");
	assert_contains(r->text, "2 vantages are left to judge members by");
	assert_int_equal(w->commits, commits);
	assert_offered(w, "mail-de", "127.10.0.25 127.20.0.25");
	assert_int_equal(plan(w, CORE_REQUEST_OUTAGE, "munich")->result, E_NOT_FOUND);
	assert_contains(plan(w, CORE_REQUEST_OUTAGE, "witness")->text, "2 vantages are left");
	world_end(w);
}

static void outage_of_the_only_healthy_site_says_that_nobody_is_proven(void **unused)
{
	struct world *w = world_with(service_rich());

	(void)unused;
	everyone_says(w, "mail-de/127.20.0.25", DOWN);
	struct world_reply *r = plan(w, CORE_REQUEST_OUTAGE, "muc");
	assert_contains(r->text, "pool mail-de: NOBODY elsewhere is proven to work now");
	assert_true(*view_offers(r->after, "mail-de") != '\0');
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plan_of_a_drain_tells_what_falls_on_whom),
	    cmocka_unit_test(outage_is_planned_without_changing_anything),
	    cmocka_unit_test(outage_of_the_only_healthy_site_says_that_nobody_is_proven),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
