/* The service document as an object: shared, found by name, freed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/service.h"
#include "lib/base/mem.h"

static struct service *sample(void)
{
	struct service *s = service_new();

	VEC_PUSH(s->sites, s->sites_count) = (struct service_site){.name = mem_strdup("muc")};
	VEC_PUSH(s->sites, s->sites_count) = (struct service_site){.name = mem_strdup("fra")};
	VEC_PUSH(s->pools, s->pools_count) = (struct service_pool){.name = mem_strdup("mail-de")};
	VEC_PUSH(s->pools[0].checks, s->pools[0].checks_count) =
	    (struct service_check){.name = mem_strdup("smtp"), .ehlo = mem_strdup("a.example")};
	VEC_PUSH(s->names, s->names_count) =
	    (struct service_name){.owner = mem_strdup("mail-de.retarus.com.")};
	return s;
}

static void things_are_found_by_name(void **state)
{
	struct service *s = sample();

	(void)state;
	assert_int_equal(service_site_find(s, "fra"), 1);
	assert_int_equal(service_site_find(s, "ash"), SIZE_MAX);
	assert_int_equal(service_pool_find(s, "mail-de"), 0);
	assert_int_equal(service_pool_find(s, "mail"), SIZE_MAX);
	assert_int_equal(service_name_find(s, "mail-de.retarus.com."), 0);
	assert_int_equal(service_name_find(s, "retarus.com."), SIZE_MAX);
	service_drop(s);
}

static void the_last_reference_frees(void **state)
{
	struct service *s = sample();

	(void)state;
	assert_ptr_equal(service_hold(s), s);
	service_drop(s);
	assert_string_equal(s->sites[0].name, "muc");
	service_drop(s); /* the leak checker tells if something stayed */
	service_drop(NULL);
}

static void words_are_those_of_the_document(void **state)
{
	(void)state;
	assert_string_equal(check_type_name(CHECK_HTTPS), "https");
	assert_string_equal(placement_name(PLACEMENT_PRIMARY_PEER), "primary-peer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(things_are_found_by_name),
	    cmocka_unit_test(the_last_reference_frees),
	    cmocka_unit_test(words_are_those_of_the_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
