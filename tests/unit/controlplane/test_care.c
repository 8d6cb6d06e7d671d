/* What of the cluster itself raises an alarm, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "controlplane/care.h"
#include "lib/base/mem.h"
#include "lib/json.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

/* The texts of all alarms, a line each, key first, after so many looks that saw the same. */
static char *judge_looks(const char *description, unsigned looks)
{
	unsigned differing = 0;
	struct care_alarms *alarms = mem_new(1, sizeof(*alarms));
	struct err e;
	json_t *told = NULL;
	char *text = mem_new(1, 4096);
	assert_int_equal(json_parse(description, strlen(description), &told, &e), 0);
	for (unsigned i = 0; i < looks; i++)
		differing = care_differing(told, differing);
	care_judge_store(alarms, told, differing);
	for (size_t i = 0; i < alarms->count; i++)
		snprintf(text + strlen(text), 4096 - strlen(text), "%s: %s\n", alarms->items[i].key,
		    alarms->items[i].text);
	json_decref(told);
	free(alarms);
	return text;
}

static char *judge(const char *description)
{
	return judge_looks(description, 1);
}

#define SOUND(name)                                                                                \
	"{\"name\":\"" name "\",\"id\":\"1\",\"endpoint\":\"https://x\",\"answers\":true,"         \
	"\"bytes\":1048576,\"used_bytes\":1048576,\"quota_bytes\":10485760,\"troubles\":[]}"

static void a_sound_cluster_raises_nothing(void **state)
{
	(void)state;
	char *text = judge("{\"engine\":\"etcd\",\"members\":[" SOUND("muc") "," SOUND(
	    "fra") "," SOUND("wit") "],\"strangers\":[],\"error\":\"\"}");
	assert_string_equal(text, "");
	free(text);
	text = judge("{\"engine\":\"sqlite\"}");
	assert_string_equal(text, "");
	free(text);
}

static void a_silent_member_is_told_with_what_is_left(void **state)
{
	(void)state;
	char *text = judge("{\"members\":[" SOUND("muc") "," SOUND(
	    "fra") ",{\"name\":\"wit\",\"id\":\"3\",\"endpoint\":\"https://y\",\"answers\":false,"
	           "\"troubles\":[\"refused\"]}],\"strangers\":[]}");
	assert_string_equal(text,
	    "store-member/wit: etcd's member wit does not answer (refused): 2 of 3 do, 2 are "
	    "needed\n");
	free(text);
}

static void a_learner_and_a_stranger_are_no_votes(void **state)
{
	(void)state;
	char *text = judge("{\"members\":[" SOUND(
	    "muc") ",{\"name\":\"\",\"id\":\"3f\",\"endpoint\":\"https://y\",\"answers\":false,"
	           "\"learner\":true,\"troubles\":[]}],\"strangers\":[\"https://z:2379\"]}");
	assert_non_null(
	    strstr(text, "store-member/3f: etcd's member 3f was added, but never started"));
	assert_non_null(strstr(text, "store-endpoint/https://z:2379: "));
	free(text);
}

static void a_full_store_is_told_once_and_before(void **state)
{
	(void)state;
	char *text =
	    judge("{\"members\":["
	          "{\"name\":\"muc\",\"endpoint\":\"x\",\"answers\":true,\"bytes\":8388608,"
	          "\"used_bytes\":1048576,\"quota_bytes\":10485760,"
	          "\"troubles\":[\"memberID:7 alarm:NOSPACE \"]},"
	          "{\"name\":\"fra\",\"endpoint\":\"x\",\"answers\":true,\"bytes\":8388607,"
	          "\"used_bytes\":1048576,\"quota_bytes\":0,"
	          "\"troubles\":[\"memberID:7 alarm:NOSPACE \"]}],\"strangers\":[]}");
	assert_non_null(
	    strstr(text, "store-space/muc: the file of etcd's member muc has 8 MiB of the 10"));
	assert_null(strstr(text, "store-space/fra"));
	char *full = strstr(text, "store-full: ");
	assert_non_null(full);
	assert_null(strstr(full + 1, "store-full: "));
	free(text);
}

#define AT(name, revision, applied)                                                                \
	"{\"name\":\"" name "\",\"endpoint\":\"x\",\"answers\":true,\"revision\":" #revision       \
	",\"applied\":" #applied ",\"troubles\":[]}"

static void members_with_different_data_are_told_when_it_lasts(void **state)
{
	(void)state;
	static const char twain[] = "{\"members\":[" AT("muc", 12, 100) "," AT("fra", 11, 100) "]}";
	char *text = judge_looks(twain, CARE_DIFFERING_LOOKS);
	assert_non_null(
	    strstr(text, "store-differs: etcd's members fra and muc hold different data"));
	free(text);
	text = judge_looks(twain, CARE_DIFFERING_LOOKS - 1);
	assert_string_equal(text, "");
	free(text);
	/* A write may hide it from a look or two. */
	json_t *seen = json_loads(twain, 0, NULL),
	       *hidden = json_loads("{\"members\":[]}", 0, NULL);
	unsigned looks = 0;
	for (unsigned i = 0; i < 2 * CARE_DIFFERING_LOOKS; i++)
		looks = care_differing(seen, care_differing(hidden, care_differing(seen, looks)));
	assert_true(looks >= CARE_DIFFERING_LOOKS);
	struct care_alarms *alarms = mem_new(1, sizeof(*alarms));
	care_judge_store(alarms, hidden, looks);
	assert_int_equal(alarms->count, 1);
	assert_string_equal(alarms->items[0].key, "store-differs");
	for (unsigned i = 0; i < 2 * CARE_DIFFERING_LOOKS; i++)
		looks = care_differing(hidden, looks);
	assert_int_equal(looks, 0);
	free(alarms);
	json_decref(seen);
	json_decref(hidden);
	/* One lags, one is only being asked later, one is silent: all is well. */
	static const char alike[] = "{\"members\":[" AT("muc", 12, 100) "," AT("fra", 11,
	    99) "," AT("wit", 14, 103) ",{\"name\":\"old\",\"endpoint\":\"y\",\"answers\":true}]}";
	text = judge_looks(alike, CARE_DIFFERING_LOOKS);
	assert_string_equal(text, "");
	free(text);
}

static void certificates_are_told_thirty_days_before(void **state)
{
	(void)state;
	struct care_alarms *alarms = mem_new(1, sizeof(*alarms));
	const struct care_certificate list[] = {{.name = "later", .expires_ms = 31 * DAY_MS},
	    {.name = "soon", .expires_ms = 12 * DAY_MS + 1}, {.name = "gone", .expires_ms = 1},
	    {.name = "unknown", .expires_ms = 0}};
	care_judge_certificates(alarms, list, 4, DAY_MS);
	assert_int_equal(alarms->count, 2);
	assert_non_null(strstr(alarms->items[0].text, "soon expires in 11 days"));
	assert_non_null(strstr(alarms->items[1].text, "gone has expired"));
	free(alarms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sound_cluster_raises_nothing),
	    cmocka_unit_test(a_silent_member_is_told_with_what_is_left),
	    cmocka_unit_test(a_learner_and_a_stranger_are_no_votes),
	    cmocka_unit_test(a_full_store_is_told_once_and_before),
	    cmocka_unit_test(members_with_different_data_are_told_when_it_lasts),
	    cmocka_unit_test(certificates_are_told_thirty_days_before),
	};
	return cmocka_run_group_tests_name("care", tests, NULL, NULL);
}
