/* Views whose names come as lists: they wait for them, rule 1 counts, and a restart needs nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dnsd/taker.h"
#include "lib/json.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"
#include "wire/names_bag.h"
#include "wire/view.h"

enum { NAMES = 9000 };

static bool sync_fails; /* of names.pack */

/* Instead of the C library's. */
int fsync(int fd)
{
	char link[64], path[128] = "";
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (sync_fails && readlink(link, path, sizeof(path) - 1) > 0 &&
	    strstr(path, "/names.pack")) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

struct stage {
	char folder[64];
	struct keeper *keeper;
	struct names_pack *pack;
	struct snapshot_seat seat;
	struct taker taker;
	struct err why;
};

static void stage_open(struct stage *s)
{
	assert_int_equal(keeper_open(s->folder, &s->keeper, NULL), 0);
	assert_int_equal(names_pack_open(s->folder, &s->pack, NULL), 0);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper, .names = s->pack};
}

static void stage_close(struct stage *s)
{
	taker_release(&s->taker);
	keeper_close(s->keeper);
	names_pack_close(s->pack);
}

static int setup(void **state)
{
	struct stage *s = mem_new(1, sizeof(*s));
	strcpy(s->folder, "/tmp/test-taker-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	stage_open(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;
	char *command = mem_printf("rm -rf '%s'", s->folder);
	stage_close(s);
	assert_int_equal(system(command), 0);
	free(command);
	free(s);
	return 0;
}

/* The list of the names from `from` on; its parts in the bag. */
static struct names_manifest list_make(struct names_bag *bag, size_t from)
{
	char **names = mem_new(NAMES, sizeof(char *));
	struct names_manifest m;
	size_t bytes;
	for (size_t i = 0; i < NAMES; i++)
		names[i] = mem_printf("n%06zu.example.", from + i);
	names_pack((const char *const *)names, NAMES, names_bag_made, bag, &m);
	char *text = names_manifest_text(&m, &bytes);
	names_bag_put(bag, m.digest, text, bytes);
	free(text);
	for (size_t i = 0; i < NAMES; i++)
		free(names[i]);
	free(names);
	return m;
}

static void parts_fetch(struct stage *s, const struct names_bag *bag)
{
	struct names_missing missing;
	const struct view_catalog *c = s->taker.waiting->catalog;
	while (names_pack_missing(s->pack, c->lists, c->lists_count, &missing, 1) > 0) {
		size_t bytes;
		const void *data = names_bag_get(bag, missing.chunk.digest, &bytes);
		assert_non_null(data);
		assert_int_equal(
		    names_pack_add(s->pack, missing.chunk.digest, data, bytes, NULL), 0);
	}
}

/* Revision and epoch are one number; so many names may leave with it. */
static struct view *view_of(unsigned revision, const struct names_manifest *m, unsigned leave)
{
	char hex[NAMES_HEX_BYTES];
	struct err e = {0};
	struct view *v = NULL;
	json_t *o = NULL;
	char *text = mem_printf(
	    "{\"version\":2,\"cluster\":\"c\",\"epoch\":%u,\"revision\":%u,\"catalog\":{\"zones\":["
	    "{"
	    "\"name\":\"example.\",\"ttl_s\":300,\"soa\":{\"mname\":\"ns1.example.\",\"rname\":"
	    "\"host.example.\",\"refresh_s\":1,\"retry_s\":2,\"expire_s\":3,\"minimum_s\":60},"
	    "\"serial_base\":0,\"records\":[\"example. NS ns1.example.\"]}],\"names\":[],"
	    "\"removals\":[],\"names_lists\":[{\"zone\":\"example.\",\"pool\":\"p\",\"ttl_s\":0,"
	    "\"digest\":\"%s\",\"count\":%u}],\"names_removed\":[{\"revision\":%u,\"count\":%u}]},"
	    "\"pools\":[{\"name\":\"p\",\"ttl_s\":30,\"members\":[{\"address\":\"192.0.2.1\","
	    "\"site\":\"muc\",\"weight\":1}]}]}",
	    revision, revision, names_hex(m->digest, hex), NAMES, revision, leave);
	assert_int_equal(json_parse(text, strlen(text), &o, &e), 0);
	if (view_decode(o, &v, &e) != 0)
		fail_msg("%s", e.text);
	json_decref(o);
	free(text);
	return v;
}

static void expect_name(struct stage *s, size_t number, bool there)
{
	char *question = mem_printf("n%06zu.example. A", number);
	char *found = ask(s->seat.now, question, 0);
	if (strncmp(found, there ? "NOERROR aa" : "NXDOMAIN aa", 10) != 0)
		fail_msg("%s: %s", question, found);
	free(found);
	free(question);
}

static void a_view_waits_for_its_lists_and_is_served_with_them(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest m = list_make(&bag, 0);
	assert_int_equal(taker_take(&s->taker, view_of(1, &m, 0), &s->why), ACCEPT_WAIT);
	assert_non_null(strstr(s->why.text, "revision 1 waits for its lists"));
	assert_null(s->taker.held);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	expect_name(s, 0, true);
	expect_name(s, NAMES - 1, true);
	expect_name(s, NAMES, false);
	stage_close(s); /* as after a restart: nothing but the disk */
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), 0);
	expect_name(s, NAMES - 1, true);
	names_manifest_release(&m);
	names_bag_release(&bag);
}

static void a_few_names_change_what_is_served_without_building_it_anew(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest one = list_make(&bag, 0), two = list_make(&bag, 2);
	assert_int_equal(taker_take(&s->taker, view_of(1, &one, 0), &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	const struct catalog *first = s->taker.catalog;
	assert_int_equal(taker_take(&s->taker, view_of(2, &two, 2), &s->why), ACCEPT_WAIT);
	expect_name(s, 0, true); /* until the lists are here */
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	assert_ptr_equal(s->taker.catalog->root, first);
	expect_name(s, 1, false);
	expect_name(s, 2, true);
	expect_name(s, NAMES + 1, true);
	names_manifest_release(&one);
	names_manifest_release(&two);
	names_bag_release(&bag);
}

/* Rule 1, decision 031. */
static void not_one_name_more_leaves_than_was_declared(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest one = list_make(&bag, 0), two = list_make(&bag, 3);
	assert_int_equal(taker_take(&s->taker, view_of(1, &one, 0), &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	assert_int_equal(taker_take(&s->taker, view_of(2, &two, 2), &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_REFUSE);
	assert_non_null(strstr(s->why.text, "rule 1: revision 2 drops"));
	expect_name(s, 0, true);
	assert_int_equal(taker_take(&s->taker, view_of(3, &two, 3), &s->why), ACCEPT_TAKE);
	expect_name(s, 2, false);
	expect_name(s, 3, true);
	names_manifest_release(&one);
	names_manifest_release(&two);
	names_bag_release(&bag);
}

/* Rule 1, decision 028: also where only a few names change and nothing is built anew. */
static void a_million_names_lose_no_family_unnamed(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest one = list_make(&bag, 0), two = list_make(&bag, 1);
	struct view *v = view_of(1, &one, 0);
	VEC_PUSH(v->pools[0].members, v->pools[0].members_count) = (struct view_member){
	    .address = {.family = 6, .bytes = {0x20, 1}}, .weight = 1, .site = mem_strdup("muc")};
	assert_int_equal(taker_take(&s->taker, v, &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	v = view_of(2, &two, 1);
	v->catalog->types_since = 2;
	assert_int_equal(taker_take(&s->taker, v, &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_REFUSE);
	assert_non_null(strstr(s->why.text, "AAAA and others"));
	v = view_of(2, &two, 1);
	v->catalog->types_since = 2;
	VEC_PUSH(v->catalog->losses, v->catalog->losses_count) =
	    (struct view_loss){NULL, mem_strdup("p"), "AAAA", 2};
	assert_int_equal(taker_take(&s->taker, v, &s->why), ACCEPT_TAKE);
	assert_non_null(s->taker.catalog->root);
	names_manifest_release(&one);
	names_manifest_release(&two);
	names_bag_release(&bag);
}

/* What a power loss or a bad disk may do to the first chunk in the pack. */
static void pack_damage(struct stage *s)
{
	char *path = mem_printf("%s/names.pack", s->folder);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "XXXX", 4, 1000), 4);
	close(fd);
	free(path);
}

static void names_that_turn_out_damaged_are_waited_for_once_more(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest m = list_make(&bag, 0);
	assert_int_equal(taker_take(&s->taker, view_of(1, &m, 0), &s->why), ACCEPT_WAIT);
	parts_fetch(s, &bag);
	pack_damage(s);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_WAIT);
	assert_non_null(strstr(s->why.text, "waits for its lists"));
	parts_fetch(s, &bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
	expect_name(s, 0, true);
	names_manifest_release(&m);
	names_bag_release(&bag);
}

/* More than what trimming waits for. */
static void pack_waste(struct stage *s)
{
	char *waste = mem_new(1, NAMES_CHUNK_TEXT_BYTES);
	for (uint8_t i = 0; i < 40; i++) {
		const uint8_t digest[VIEW_DIGEST_BYTES] = {i};
		assert_int_equal(
		    names_pack_add(s->pack, digest, waste, NAMES_CHUNK_TEXT_BYTES, NULL), 0);
	}
	free(waste);
}

static void take_fetched(struct stage *s, struct view *v, const struct names_bag *bag)
{
	assert_int_equal(taker_take(&s->taker, v, &s->why), ACCEPT_WAIT);
	parts_fetch(s, bag);
	assert_int_equal(taker_take_waiting(&s->taker, &s->why), ACCEPT_TAKE);
}

static off_t pack_bytes(struct stage *s)
{
	struct stat st;
	char *path = mem_printf("%s/names.pack", s->folder);
	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_size;
}

static void lists_that_the_disk_refers_to_stay_while_nothing_can_be_saved(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest m[4];
	for (size_t i = 0; i < 4; i++)
		m[i] = list_make(&bag, i * NAMES);
	take_fetched(s, view_of(1, &m[0], 0), &bag);
	pack_waste(s);
	char *blocked = mem_printf("%s/catalog.spare.json", s->folder);
	assert_int_equal(mkdir(blocked, 0700), 0); /* the keeper wants a file there */
	take_fetched(s, view_of(2, &m[1], NAMES), &bag);
	take_fetched(s, view_of(3, &m[2], NAMES), &bag);
	assert_true(s->taker.keeping_failed);
	assert_int_equal(rmdir(blocked), 0);
	free(blocked);
	stage_close(s);
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), 0);
	assert_int_equal(s->taker.held->revision, 1);
	expect_name(s, 0, true);
	assert_true(pack_bytes(s) > 8 * 1024 * 1024);
	take_fetched(s, view_of(4, &m[3], NAMES), &bag);
	assert_true(pack_bytes(s) < 8 * 1024 * 1024); /* what is kept is trimmed again */
	for (size_t i = 0; i < 4; i++)
		names_manifest_release(&m[i]);
	names_bag_release(&bag);
}

static void a_disk_that_does_not_sync_names_does_not_hold_up_what_is_served(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest one = list_make(&bag, 0), two = list_make(&bag, NAMES);
	take_fetched(s, view_of(1, &one, 0), &bag);
	sync_fails = true;
	pack_waste(s); /* something to sync */
	struct view *pools = view_of(1, &one, 0);
	pools->epoch = 2;
	assert_int_equal(taker_take(&s->taker, pools, &s->why), ACCEPT_TAKE);
	assert_false(s->taker.keeping_failed); /* its catalog has long been saved */
	take_fetched(s, view_of(3, &two, NAMES), &bag);
	expect_name(s, NAMES, true);
	assert_true(s->taker.keeping_failed);
	taker_keep_again(&s->taker);
	assert_true(s->taker.keeping_failed);
	stage_close(s);
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), 0);
	assert_int_equal(s->taker.held->epoch, 2); /* no catalog without its lists */
	assert_int_equal(taker_take(&s->taker, view_of(3, &two, NAMES), &s->why), ACCEPT_TAKE);
	assert_true(s->taker.keeping_failed);
	sync_fails = false;
	taker_keep_again(&s->taker);
	assert_false(s->taker.keeping_failed);
	stage_close(s);
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), 0);
	assert_int_equal(s->taker.held->epoch, 3);
	names_manifest_release(&one);
	names_manifest_release(&two);
	names_bag_release(&bag);
}

static void names_that_are_lost_leave_the_former_revision_to_a_restart(void **state)
{
	struct stage *s = *state;
	struct names_bag bag = {0};
	struct names_manifest one = list_make(&bag, 0), two = list_make(&bag, NAMES);
	char *path = mem_printf("%s/names.pack", s->folder);
	take_fetched(s, view_of(1, &one, 0), &bag);
	off_t bytes = pack_bytes(s);
	take_fetched(s, view_of(2, &two, NAMES), &bag);
	assert_int_equal(truncate(path, bytes), 0);
	stage_close(s);
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), 0);
	assert_int_equal(s->taker.held->revision, 1);
	expect_name(s, 0, true);
	take_fetched(s, view_of(2, &two, NAMES), &bag);
	assert_int_equal(truncate(path, 10), 0); /* and nothing is left */
	stage_close(s);
	stage_open(s);
	assert_int_equal(taker_start(&s->taker, &s->why), E_INVALID);
	assert_non_null(strstr(s->why.text, "revision 2 waits for its lists"));
	free(path);
	names_manifest_release(&one);
	names_manifest_release(&two);
	names_bag_release(&bag);
}

static void names_trimmed_between_opening_and_starting_are_found(void **state)
{
	struct stage *s = *state, other = {0};
	struct names_bag bag = {0};
	struct names_manifest m[3];
	for (size_t i = 0; i < 3; i++)
		m[i] = list_make(&bag, i * NAMES);
	take_fetched(s, view_of(1, &m[0], 0), &bag);
	strcpy(other.folder, s->folder);
	stage_open(&other); /* a successor */
	pack_waste(s);
	off_t bytes = pack_bytes(s);
	take_fetched(s, view_of(2, &m[1], NAMES), &bag);
	assert_true(pack_bytes(s) < bytes); /* another file now */
	assert_int_equal(taker_start(&other.taker, &other.why), 0);
	assert_int_equal(other.taker.held->revision, 2);
	expect_name(&other, NAMES, true);
	take_fetched(s, view_of(3, &m[2], NAMES), &bag);
	pack_waste(s);
	bytes = pack_bytes(s);
	assert_int_equal(taker_catch_up(&other.taker, &other.why), 0);
	expect_name(&other, 2 * NAMES, true);
	assert_int_equal(pack_bytes(s), bytes); /* it may still have to give it back */
	stage_close(&other);
	for (size_t i = 0; i < 3; i++)
		names_manifest_release(&m[i]);
	names_bag_release(&bag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_view_waits_for_its_lists_and_is_served_with_them, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_few_names_change_what_is_served_without_building_it_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        not_one_name_more_leaves_than_was_declared, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_million_names_lose_no_family_unnamed, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        names_that_turn_out_damaged_are_waited_for_once_more, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        lists_that_the_disk_refers_to_stay_while_nothing_can_be_saved, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_disk_that_does_not_sync_names_does_not_hold_up_what_is_served, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        names_that_are_lost_leave_the_former_revision_to_a_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        names_trimmed_between_opening_and_starting_are_found, setup, teardown),
	};
	log_open("test_taker_names", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
