/* Documents that must be refused, with every line that is said about them. */
#ifndef TESTS_UNIT_CONFIG_REFUSALS_H
#define TESTS_UNIT_CONFIG_REFUSALS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/service_load.h"
#include "lib/base/buf.h"

#define FILE_NAME "service.yaml"

/* Building blocks; their line counts matter, as the expected places count lines. */
#define SITES                                                                                      \
	"regions: [eu]\n"                                                                          \
	"sites: {muc: {region: eu}, fra: {region: eu}, w: {witness: true}}\n" /* 2 lines */
#define SITES_US                                                                                   \
	"regions: [eu, us]\n"                                                                      \
	"sites: {muc: {region: eu}, fra: {region: eu}, ash: {region: us}, w: {witness: true}}\n"
#define MEMBERS(more) "{site: muc, address: 192.0.2.1}, {site: fra, address: 192.0.2.2}" more
#define SMTP(more) "{name: c, type: smtp" more "}"
#define POOL(members, checks) /* 5 lines */                                                        \
	"pools:\n  p:\n    region: eu\n    members: [" members "]\n    checks: [" checks "]\n"
#define GOOD_POOL POOL(MEMBERS(""), SMTP(""))
#define ZONE "zones:\n- name: a.de\n  ns: [ns.b.de]\n" /* 3 lines */

struct refusal {
	const char *text;
	const char *expected; /* lines without the file's name, each with its newline */
};

static inline void refusal_check(const char *text, size_t bytes, const char *expected)
{
	struct config_errors errors = {0};
	struct service *s = (struct service *)(uintptr_t)1;
	struct buf found = {0};

	assert_int_equal(service_load(FILE_NAME, text, bytes, &s, &errors), E_INVALID);
	assert_null(s);
	for (size_t i = 0; i < errors.count; i++) {
		assert_memory_equal(errors.lines[i], FILE_NAME ":", sizeof(FILE_NAME));
		buf_printf(&found, "%s\n", errors.lines[i] + sizeof(FILE_NAME));
	}
	assert_string_equal(buf_text(&found), expected);
	buf_free(&found);
	config_errors_free(&errors);
}

static inline void refusals_check(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refusal_check(refusals[i].text, strlen(refusals[i].text), refusals[i].expected);
}

#define REFUSALS_CHECK(array) refusals_check((array), sizeof(array) / sizeof((array)[0]))

#endif
