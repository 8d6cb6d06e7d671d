/* A service document that is no good YAML, or not of the right shape. */
#include "tests/unit/config/refusals.h"

static const struct refusal form[] = {
    {"", "1:1: an empty document, expected a mapping that describes a service\n"},
    {"a", "1:1: a value, expected a mapping that describes a service\n"},
    {"[]", "1:1: a list, expected a mapping that describes a service\n"},
    {"%YAML 1.1\n"
     "---\n"
     "a: b\n",
        "1:1: a directive, expected plain YAML without it\n"},
    {"a: &x 1\n", "1:4: an anchor, expected plain YAML without it\n"},
    {"a: *x\n", "1:4: an alias, expected plain YAML without it\n"},
    {"a: !!str x\n", "1:4: a tag, expected plain YAML without it\n"},
    {"a: 1\n"
     "---\n"
     "b: 1\n",
        "2:1: a second document, expected one\n"},
    {"a: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
        "1:19: a list nested deeper than 16 levels, expected fewer\n"},
    {"a: [1\n", "2:1: while parsing a flow sequence: did not find expected ',' or ']', expected "
                "valid YAML\n"},
    {"? [a]\n"
     ": b\n",
        "1:3: a list as a key, expected a word\n"},
    {"a: |\n"
     "  x\n"
     "  y\n",
        "1:4: a line break in a value, expected one line of text without control characters\n"},
    {"a: @x\n", "1:4: while scanning for the next token: found character that cannot start any "
                "token, expected valid YAML (a value that starts with @ or ` needs quotes; indent "
                "with blanks, not tabs)\n"},
    {"\ta: 1", "1:1: while scanning for the next token: found character that cannot start any "
               "token, expected valid YAML (a value that starts with @ or ` needs quotes; indent "
               "with blanks, not tabs)\n"},
    {"title: \"\\x07\"\n", "1:8: a control character in a value, expected one line of text without "
                           "control characters\n"},
    {SITES "titel: x\n",
        "3:1: unknown key \"titel\", expected one of: checks, components, guard, maintenance, "
        "names, "
        "names_files, names_lists, pairs, pools, "
        "publication, push_senders, regions, sending, sites, spf, title, zones (did you mean "
        "\"title\"?)\n"},
    {SITES "title: x\n"
           "title: y\n",
        "4:1: duplicate key \"title\", expected it once (first in line 3)\n"},
    {"sites: {muc: {region: eu}}\n",
        "1:1: no regions in this service, expected regions: a list of 1 to 16 entries\n"
        "1:23: unknown region \"eu\", expected one that is defined, of which there are none\n"},
};

static void bad_yaml_and_wrong_shapes_are_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(form);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	refusal_check("a\0b", 3, "1:2: byte 0x00, expected text\n");
	refusal_check("title: \xff\n", 9, "1:8: byte 0xff, expected valid UTF-8\n");
	refusal_check("\xc3\xa4 \xc3(", 5, "1:3: byte 0xc3, expected valid UTF-8\n");
	refusal_check(
	    "a\n\xed\xa0\x80", 5, "2:1: byte 0xed, expected valid UTF-8\n"); /* a surrogate */
	refusal_check("\xff\xfe"
	              "a\0",
	    4, "1:1: byte 0xff, expected valid UTF-8\n"); /* UTF-16 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_yaml_and_wrong_shapes_are_refused),
	    cmocka_unit_test(bytes_that_are_no_text_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
