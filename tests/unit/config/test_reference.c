/* The reference: every option is told, and told so that mdoc can take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/reference.h"
#include "lib/file.h"

static char *printed(const char *which, void (*print)(const char *, FILE *))
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	print(which, out);
	fclose(out);
	return text;
}

static void an_option_is_told_with_type_range_and_default(void **state)
{
	char *text = printed("service", config_reference_print);

	(void)state;
	assert_non_null(
	    strstr(text, "    interval: a duration from 100ms to 1h\n"
	                 "        time from one probe's start to the next. Default: 1s.\n"));
	assert_non_null(strstr(text, "\npools: POOL: members: -\nOne address of a pool.\n"));
	assert_non_null(strstr(text, "Only for: smtp https."));
	assert_non_null(strstr(text, "Changes take effect with\ntandem apply, where nothing else"));
	free(text);
}

static void every_reference_prints_in_both_forms(void **state)
{
	(void)state;
	assert_true(config_reference_exists("dnsd"));
	assert_false(config_reference_exists("agentd"));
	for (size_t i = 0; config_reference_names[i] != NULL; i++) {
		char *text = printed(config_reference_names[i], config_reference_print);
		char *mdoc = printed(config_reference_names[i], config_reference_print_mdoc);

		assert_non_null(strstr(text, "Required."));
		assert_non_null(strstr(mdoc, ".Bl -tag -width Ds\n.It Cm "));
		assert_null(strstr(mdoc, "\n\n"));
		for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
			assert_true(strcspn(line, "\n") <= 100);
		free(text);
		free(mdoc);
	}
}

/* scripts/make-man was forgotten where this fails. */
static void the_manual_pages_tell_the_present_options(void **state)
{
	(void)state;
	for (size_t i = 0; config_reference_names[i] != NULL; i++) {
		const bool service = strcmp(config_reference_names[i], "service") == 0;
		char *page = NULL,
		     *mdoc = printed(config_reference_names[i], config_reference_print_mdoc);
		size_t bytes;

		assert_int_equal(
		    file_read(service ? "docs/man/tandem-service.5" : "docs/man/tandem-config.5",
		        1024 * 1024, &page, &bytes, NULL),
		    0);
		assert_non_null(strstr(page, mdoc));
		free(page);
		free(mdoc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_option_is_told_with_type_range_and_default),
	    cmocka_unit_test(every_reference_prints_in_both_forms),
	    cmocka_unit_test(the_manual_pages_tell_the_present_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
