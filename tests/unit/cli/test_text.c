/* What people see: tables that fit, nothing that could command a terminal, statuses in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/drain_wait.h"
#include "cli/follow.h"
#include "cli/lines.h"
#include "cli/senders_text.h"
#include "cli/status_text.h"
#include "cli/table.h"

static size_t widest_line(const char *text)
{
	size_t widest = 0;
	while (*text != '\0') {
		size_t bytes = strcspn(text, "\n"), width = 0;
		for (size_t i = 0; i < bytes; i++)
			width += ((unsigned char)text[i] & 0xc0) != 0x80;
		widest = width > widest ? width : widest;
		text += bytes + (text[bytes] == '\n');
	}
	return widest;
}

static void columns_line_up_and_the_last_one_wraps_at_100(void **state)
{
	(void)state;
	static const char *const headings[] = {"NAME", "WHY", NULL};
	struct table *t = table_new(2, headings);
	struct buf out = {0};
	char long_text[300];
	for (size_t i = 0; i < sizeof long_text - 1; i++)
		long_text[i] = i % 7 == 6 ? ' ' : 'x';
	long_text[sizeof long_text - 1] = '\0';
	table_row(t, (const char *const[]){"mün", "short"}, 2, STYLE_PLAIN);
	table_row(t, (const char *const[]){"longest", long_text}, 2, STYLE_PLAIN);
	table_row(t, (const char *const[]){"lone"}, 1, STYLE_PLAIN);
	table_note(t, long_text);
	table_end(t, &out);
	assert_non_null(strstr(out.data, "  NAME     WHY\n"));
	assert_non_null(strstr(out.data, "  mün      short\n"));
	assert_non_null(strstr(out.data, "  lone\n"));
	assert_true(widest_line(out.data) <= TABLE_WIDTH);
	assert_null(strstr(out.data, " \n")); /* no blanks at the end of a line */
	buf_free(&out);
}

static void a_table_without_rows_is_not_shown(void **state)
{
	(void)state;
	static const char *const headings[] = {"NAME", NULL};
	struct buf out = {0};
	table_end(table_new(0, headings), &out);
	assert_int_equal(out.bytes, 0);
}

static void nothing_from_outside_reaches_the_terminal_as_a_command(void **state)
{
	(void)state;
	struct buf out = {0};
	text_add(&out, 0, STYLE_BAD,
	    "a\033[2Jb\x7f\xc2\x9b"
	    "c\rd\te");
	assert_string_equal(out.data, "a?[2Jb??c?d?e\n");
	buf_free(&out);
}

static void a_word_longer_than_the_line_is_cut_and_newlines_are_kept(void **state)
{
	(void)state;
	struct buf out = {0};
	char word[250];
	memset(word, 'w', sizeof word);
	word[249] = '\0';
	text_add(&out, 4, STYLE_PLAIN, word);
	assert_true(widest_line(out.data) <= TABLE_WIDTH);
	buf_clear(&out);
	text_add(&out, 0, STYLE_PLAIN, "one\ntwo");
	assert_string_equal(out.data, "one\n  two\n");
	buf_free(&out);
}

static void spans_and_times_are_for_people(void **state)
{
	(void)state;
	char text[SPAN_BYTES];
	assert_string_equal(span_format(-5, text), "0 s");
	assert_string_equal(span_format(119999, text), "119 s");
	assert_string_equal(span_format(125 * 60 * 1000, text), "2 h 05 m");
	assert_string_equal(span_format(INT64_C(5) * 86400 * 1000, text), "5 d");
	assert_int_equal(time_read("1970-01-01T00:00:01.250Z"), 1250);
	assert_int_equal(time_read("nonsense"), 0);
	assert_string_equal(
	    since_format("2026-01-01T00:00:00Z", "2026-01-01T00:03:00.5Z", text), "3 m");
	assert_string_equal(since_format("", "2026-01-01T00:03:00Z", text), "");
}

static const char status_json[] =
    "{\"summary\":{\"level\":\"attention\",\"text\":\"ATTENTION: 1 alarm.\"},"
    "\"controller\":{\"name\":\"muc\",\"role\":\"leader\",\"term\":3,\"store\":\"sqlite\"},"
    "\"time\":\"2026-01-01T00:10:00Z\",\"epoch\":43,"
    "\"alarms\":[{\"key\":\"pool-all-down/"
    "mail-de\",\"since\":\"2026-01-01T00:09:00Z\",\"text\":\"all\"}],"
    "\"drains\":[{\"site\":\"muc\",\"owner\":\"anna\",\"reason\":\"kernel\",\"declared\":"
    "\"2026-01-01T00:00:00Z\",\"until\":\"2026-01-01T02:00:00Z\",\"state\":\"published\",\"text\":"
    "\"not drained yet: x\"}],"
    "\"sites\":[{\"name\":\"muc\",\"region\":\"eu\",\"witness\":false,\"drained\":true,\"healthd\":"
    "\"silent\",\"dnsd\":[{\"name\":\"a\",\"epoch\":43,\"current\":true,\"age_ms\":1},"
    "{\"name\":\"b\",\"epoch\":42,\"current\":false,\"age_ms\":9000,\"refused\":\"no\"}]}],"
    "\"pools\":[{\"name\":\"mail-de\",\"region\":\"eu\",\"ttl_s\":30,\"members\":[{\"id\":"
    "\"mail-de/"
    "192.0.2.1\",\"address\":\"192.0.2.1\",\"site\":\"muc\",\"verdict\":\"down\",\"offered\":"
    "false,\"why\":\"because\",\"since\":\"2026-01-01T00:00:00Z\"}]}]}";

static void a_status_says_the_verdict_first_and_what_is_wrong_in_words(void **state)
{
	(void)state;
	json_t *status = json_loads(status_json, 0, NULL);
	struct buf out = {0};
	assert_non_null(status);
	status_text_add(&out, status);
	assert_int_equal(strncmp(out.data, "ATTENTION: 1 alarm.\n", 20), 0);
	static const char *const wanted[] = {"pool-all-down/mail-de", "anna", "1 h 50 m", "kernel",
	    "not drained yet: x", "SILENT", "a epoch 43, b BEHIND at epoch 42 (silent for 9 s)",
	    "(REFUSED:", "because", "down", "NO"};
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (strstr(out.data, wanted[i]) == NULL)
			fail_msg("\"%s\" is missing in:\n%s", wanted[i], out.data);
	buf_free(&out);
	json_decref(status);
}

static const char senders_json[] =
    "{\"time\":\"2026-01-01T00:10:00Z\",\"senders\":["
    "{\"address\":\"192.0.2.130\",\"site\":\"muc\",\"customer\":\"26757099\",\"spf\":\"s.\","
    "\"state\":"
    "\"active\",\"use\":\"use\",\"host\":\"mail-muc-1\",\"queued\":3,\"since\":"
    "\"2026-01-01T00:00:00Z\",\"text\":\"evidence\"},"
    "{\"address\":\"198.51.100.130\",\"site\":\"fra\",\"customer\":\"26757099\",\"state\":\"in-"
    "spf\","
    "\"since\":\"2026-01-01T00:09:00Z\",\"text\":\"a record without it may be kept\"},"
    "{\"address\":\"198.51.100.131\",\"site\":\"fra\",\"customer\":\"26757100\",\"state\":"
    "\"bound\"},"
    "{\"address\":\"198.51.100.132\",\"site\":\"fra\",\"customer\":\"26757100\",\"state\":"
    "\"leaving\"},{\"address\":\"198.51.100.133\",\"state\":\"later\"},7]}";

static void senders_are_shown_with_what_they_wait_for(void **state)
{
	(void)state;
	json_t *status = json_loads(senders_json, 0, NULL);
	struct buf out = {0};
	struct senders_filter filter = {.customer = "26757099"};
	json_t *list = senders_select(status, &filter);
	assert_int_equal(json_array_size(list), 2);
	senders_text_add(&out, list, "2026-01-01T00:10:00Z");
	assert_string_equal(buf_text(&out),
	    "ADDRESS         SITE  CUSTOMER  STATE   SINCE  WAITS FOR\n"
	    "192.0.2.130     muc   26757099  active  10 m   mail-muc-1 sends from it, 3 queued\n"
	    "198.51.100.130  fra   26757099  in-spf  60 s   a record without it may be kept\n");
	json_decref(list);
	filter = (struct senders_filter){.site = "fra", .state = "leaving"};
	list = senders_select(status, &filter);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	buf_clear(&out);
	filter = (struct senders_filter){.site = "muc", .state = "leaving"};
	list = senders_select(status, &filter);
	senders_text_add(&out, list, "");
	assert_int_equal(out.bytes, 0);
	json_decref(list);
	buf_free(&out);
	json_decref(status);
}

static void a_status_only_counts_senders(void **state)
{
	(void)state;
	json_t *status = json_loads(senders_json, 0, NULL);
	struct buf out = {0};
	status_text_add(&out, status);
	assert_non_null(
	    strstr(out.data, "\nSending addresses: 1 active, 2 on their way, 1 leaving\n"));
	assert_null(strstr(out.data, "192.0.2.130"));
	buf_clear(&out);
	json_array_clear(json_object_get(status, "senders"));
	status_text_add(&out, status);
	assert_null(strstr(out.data, "Sending"));
	buf_free(&out);
	json_decref(status);
}

static void each_state_of_a_sender_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(senders_state_word(0), "allocated");
	assert_string_equal(senders_state_word(8), "retired");
	assert_null(senders_state_word(9));
}

static void a_status_of_an_unknown_shape_is_survived(void **state)
{
	(void)state;
	static const char *const odd[] = {"{}", "{\"summary\":3,\"alarms\":{},\"sites\":[1,[],{}]}",
	    "{\"pools\":[{\"members\":[null,{\"vantages\":7}]}],\"drains\":[{}],\"alarms\":[\"x\"]"
	    "}"};
	for (size_t i = 0; i < 3; i++) {
		json_t *status = json_loads(odd[i], 0, NULL);
		struct buf out = {0};
		status_text_add(&out, status);
		buf_free(&out);
		json_decref(status);
	}
}

static void a_change_is_served_when_every_name_server_has_its_epoch(void **state)
{
	(void)state;
	json_t *status = json_loads(status_json, 0, NULL);
	struct follow_result r = {.epoch = 43};
	assert_false(follow_count(status, &r));
	assert_int_equal(r.servers, 2);
	assert_int_equal(r.serving, 1);
	r.epoch = 42;
	assert_true(follow_count(status, &r));
	json_object_set_new(status, "epoch", json_integer(41)); /* restored from a backup, say */
	r.epoch = 41;
	assert_false(follow_count(status, &r));
	json_t *none = json_object();
	assert_false(follow_count(none, &r)); /* nobody confirms is not everybody does */
	json_decref(none);
	json_decref(status);
}

static json_t *status_of(const char *role, int epoch, const char *declared, bool safe)
{
	return json_pack("{s:{s:s}, s:i, s:[{s:s, s:s, s:b}]}", "controller", "role", role, "epoch",
	    epoch, "drains", "site", "muc", "declared", declared, "safe", safe);
}

static void safe_is_only_what_the_leader_says_of_the_drain_just_made(void **state)
{
	(void)state;
	static const char now[] = "2026-11-18T11:06:40.123Z", before[] = "2026-11-18T11:06:40.122Z";
	const struct drain_made made = {.site = "muc", .epoch = 7, .declared = now};
	const struct {
		const char *role, *declared;
		int epoch;
		bool told, reported, safe;
	} all[] = {
	    {"leader", now, 7, true, true, true},
	    {"leader", now, 8, true, true, true},
	    {"leader", now, 7, true, false, false},
	    {"leader", now, 6, false, true, false},
	    {"leader", before, 7, false, true, false},
	    {"follower", now, 7, true, true, false},
	    {"no quorum", now, 7, false, true, false},
	    {"", now, 7, true, true, false},
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const json_t *drain;
		json_t *o = status_of(all[i].role, all[i].epoch, all[i].declared, all[i].reported);
		assert_int_equal(drain_is_told(&made, o, &drain), all[i].told);
		assert_int_equal(drain_is_safe(&made, o), all[i].safe);
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_line_up_and_the_last_one_wraps_at_100),
	    cmocka_unit_test(a_table_without_rows_is_not_shown),
	    cmocka_unit_test(nothing_from_outside_reaches_the_terminal_as_a_command),
	    cmocka_unit_test(a_word_longer_than_the_line_is_cut_and_newlines_are_kept),
	    cmocka_unit_test(spans_and_times_are_for_people),
	    cmocka_unit_test(a_status_says_the_verdict_first_and_what_is_wrong_in_words),
	    cmocka_unit_test(senders_are_shown_with_what_they_wait_for),
	    cmocka_unit_test(a_status_only_counts_senders),
	    cmocka_unit_test(each_state_of_a_sender_has_its_word),
	    cmocka_unit_test(a_status_of_an_unknown_shape_is_survived),
	    cmocka_unit_test(a_change_is_served_when_every_name_server_has_its_epoch),
	    cmocka_unit_test(safe_is_only_what_the_leader_says_of_the_drain_just_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
