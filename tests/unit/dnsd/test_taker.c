/* Which views are taken: rules 1 and 2, whatever a controller says. */
#include "tests/unit/dnsd/taker_rig.h"

static void a_delta_changes_the_answers_and_shares_the_catalog(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG(TEXT, MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	struct catalog *c = s->taker.catalog;
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	serves(s, ONE, false);
	serves(s, TWO, true);
	assert_ptr_equal(s->taker.catalog, c);
	take(s, VIEW(9, 1, "", ONE), ACCEPT_TAKE); /* whatever epoch lies between */
	serves(s, ONE, true);
	take(s, VIEW(10, 1, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE); /* after a reconnection */
	assert_ptr_equal(s->taker.catalog, c);
	expect(s->seat.now, "example. SOA",
	    "NOERROR aa | example. 300 SOA ns1.example. host.example. 10 1 2 3 60 |  | ");
	stage_free(s);
}

static void rule_1_a_name_that_vanishes_without_a_removal_is_refused(void **state)
{
	struct stage *s = stage_new();
	(void)state;
#define DEEP ",\"a.b.example. A 192.0.2.9\""
	take(s, VIEW(1, 5, CATALOG(TEXT DEEP, MAIL "," NAME("x", "p"), ""), ONE), ACCEPT_TAKE);
	refuse(s, VIEW(2, 6, CATALOG(TEXT DEEP, MAIL, ""), ONE),
	    "rule 1: revision 6 drops \"x.example.\"");
	refuse(s, VIEW(2, 6, CATALOG(DEEP, MAIL "," NAME("x", "p"), ""), ONE), "\"text.example.\"");
	/* a removal of the past or the future is none */
	refuse(s, VIEW(2, 6, CATALOG(TEXT DEEP, MAIL, GONE("x", "5")), ONE), "rule 1");
	refuse(s, VIEW(2, 6, CATALOG(TEXT DEEP, MAIL, GONE("x", "7")), ONE), "rule 1");
	/* hiding a name below a delegation is dropping it */
	refuse(s,
	    VIEW(2, 6, CATALOG(TEXT DEEP ",\"b.example. NS ns.\"", MAIL, GONE("x", "6")), ONE),
	    "\"a.b.example.\"");
	stage_free(s);
}

static void rule_1_no_type_leaves_a_name_within_a_revision(void **state)
{
	struct stage *s = stage_new();
	(void)state;
#define SPF ",\"example. TXT v=spf1\""
	take(s, VIEW(1, 5, CATALOG(SPF, MAIL, ""), ONE), ACCEPT_TAKE);
	refuse(s, VIEW(2, 5, CATALOG("", MAIL, ""), ONE), "drops \"example.\" TXT without");
	refuse(s, VIEW(2, 5, CATALOG(SPF ",\"mail.example. TXT x\"", "", ""), ONE),
	    "\"mail.example.\" A without");
	/* none that a loss names either: they are for other revisions */
	refuse(s, VIEW(2, 5, TYPED("", MAIL, "1", "", LOSS(OF("example."), "TXT", "5")), ONE),
	    "drops \"example.\" TXT");
	stage_free(s);
}

static void rule_1_a_type_leaves_with_a_loss_that_names_it(void **state)
{
	struct stage *s = stage_new();
	(void)state;
#define MX ",\"example. MX 10 mail.example.\""
	take(s, VIEW(1, 5, CATALOG(SPF MX, MAIL, ""), ONE), ACCEPT_TAKE);
	refuse(s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", ""), ONE),
	    "revision 6 drops \"example.\" MX without a removal that names it");
	/* of the past, of the future, of another type, of another name */
	refuse(
	    s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", LOSS(OF("example."), "MX", "5")), ONE), "MX");
	refuse(
	    s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", LOSS(OF("example."), "MX", "7")), ONE), "MX");
	refuse(
	    s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", LOSS(OF("example."), "TXT", "6")), ONE), "MX");
	refuse(s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", LOSS(OF("mail.example."), "MX", "6")), ONE),
	    "MX");
	take(s, VIEW(2, 6, TYPED(SPF, MAIL, "6", "", LOSS(OF("example."), "MX", "6")), ONE),
	    ACCEPT_TAKE);
	/* whatever it had, for it was away and is back; but not the name itself */
	refuse(s,
	    VIEW(3, 8,
	        TYPED(",\"mail.example. A 192.0.2.9\"", "", "6", "",
	            LOSS(OF("mail.example."), "*", "7")),
	        ONE),
	    "\"example.\" TXT");
	refuse(s, VIEW(3, 8, TYPED(SPF, "", "6", "", LOSS(OF("mail.example."), "*", "7")), ONE),
	    "drops \"mail.example.\" without");
	take(s, VIEW(3, 8, TYPED("", MAIL, "6", "", LOSS(OF("example."), "*", "7")), ONE),
	    ACCEPT_TAKE);
	stage_free(s);
}

/* What a person may well change must not leave a server behind. */
static void rule_1_holds_no_change_that_was_named(void **state)
{
	struct stage *s = stage_new();
	(void)state;
#define W_A ",\"w.example. A 192.0.2.7\""
	take(s, VIEW(1, 1, TYPED(W_A, MAIL, "1", "", ""), ONE, V6), ACCEPT_TAKE);
	take(s,
	    VIEW(2, 2,
	        TYPED(",\"w.example. CNAME mail.example.\"", MAIL, "1", "",
	            LOSS(OF("w.example."), "A", "2")),
	        ONE, V6),
	    ACCEPT_TAKE);
	take(s,
	    VIEW(3, 3, TYPED(W_A, MAIL, "1", "", LOSS(OF("w.example."), "CNAME", "3")), ONE, V6),
	    ACCEPT_TAKE);
	take(s,
	    VIEW(4, 4,
	        TYPED(",\"w.example. NS ns.\"", MAIL, "1", "", LOSS(OF("w.example."), "A", "4")),
	        ONE, V6),
	    ACCEPT_TAKE);
	refuse(s, VIEW(5, 5, TYPED(",\"w.example. NS ns.\"", MAIL, "1", "", ""), ONE),
	    "drops \"mail.example.\" AAAA");
	take(s,
	    VIEW(5, 5, TYPED(",\"w.example. NS ns.\"", MAIL, "1", "", LOSS(OF_POOL, "AAAA", "5")),
	        ONE),
	    ACCEPT_TAKE);
	stage_free(s);
}

/* A former controller, or one that could not tell all: names only, as far back as it is not told.
 */
static void rule_1_types_are_held_only_where_losses_are_told(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 5, CATALOG(SPF MX, MAIL, ""), ONE, V6), ACCEPT_TAKE);
	take(s, VIEW(2, 6, CATALOG(SPF, MAIL, ""), ONE, V6), ACCEPT_TAKE);
	take(s, VIEW(3, 8, TYPED("", MAIL, "8", "", ""), ONE, V6), ACCEPT_TAKE);
	refuse(s, VIEW(4, 9, TYPED("", MAIL, "8", "", ""), ONE), "AAAA");
	take(s, VIEW(4, 9, TYPED("", MAIL, "10", "", ""), ONE), ACCEPT_TAKE);
	stage_free(s);
}

static void rule_1_a_name_leaves_with_a_removal_that_names_it(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 5, CATALOG(TEXT, MAIL "," NAME("x", "p"), ""), ONE), ACCEPT_TAKE);
	take(s, VIEW(2, 8, CATALOG("", MAIL, GONE("x", "6") "," GONE("text", "8")), ONE),
	    ACCEPT_TAKE);
	char *text = ask(s->seat.now, "x.example. A", 0);
	assert_non_null(strstr(text, "NXDOMAIN"));
	free(text);
	stage_free(s);
}

/* Its names follow from the zones: no removal names them, and none has to. */
static void rule_1_does_not_hold_the_catalog_zone(void **state)
{
	struct stage *s = stage_new();
	struct config_member_zones config = {.name = (char[]){"catalog.test."}};
	struct member_zones *m;
	(void)state;
	assert_int_equal(member_zones_new(&config, 3, &m, NULL), 0);
	s->taker.members = m;
	take(s, VIEW(1, 5, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	assert_non_null(s->seat.now->catalog->hidden);
	s->taker.members = NULL; /* taken out of the file, and then a new revision */
	take(s, VIEW(2, 6, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	assert_null(s->seat.now->catalog->hidden);
	member_zones_free(m);
	stage_free(s);
}

static void rule_1_a_pool_never_loses_a_family_or_itself_within_a_revision(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, V6), ACCEPT_TAKE);
	refuse(s, VIEW(2, 1, "", ONE), "rule 1: epoch 2 leaves the pool \"p\" without an IPv6");
	refuse(s, VIEW(2, 1, CATALOG("", MAIL, ""), V6), "without an IPv4");
	struct view *v = VIEW(2, 1, "", ONE, V6);
	v->pools[0].name[0] = 'q';
	refuse(s, v, "rule 1: epoch 2 drops the pool \"p\"");
	serves(s, V6, true);
	take(s, VIEW(3, 2, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE); /* a configuration may */
	stage_free(s);
}

static void rule_2_older_epochs_are_ignored_and_doubled_ones_refused(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(7, 2, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
	take(s, VIEW(6, 2, "", TWO), ACCEPT_OLDER);
	take(s, VIEW(6, 3, CATALOG("", MAIL, ""), TWO), ACCEPT_OLDER);
	take(s, VIEW(7, 2, "", ONE), ACCEPT_KNOWN);
	take(s, VIEW(7, 2, CATALOG("", MAIL, GONE("o", "1")), ONE), ACCEPT_KNOWN);
	refuse(s, VIEW(7, 2, "", TWO), "rule 2: epoch 7 came with a second content");
	refuse(s, VIEW(7, 3, CATALOG("", MAIL, ""), ONE), "rule 2: epoch 7");
	refuse(s, VIEW(7, 2, CATALOG(TEXT, MAIL, ""), ONE), "rule 2: epoch 7");
	refuse(
	    s, VIEW(8, 1, CATALOG("", MAIL, ""), ONE), "rule 2: epoch 8 goes back from revision 2");
	refuse(s, view_of("d", 99, 9, CATALOG("", MAIL, ""), (const char *const[]){TWO, NULL}),
	    "rule 2: the view is of cluster \"d\"");
	serves(s, ONE, true);
	serves(s, TWO, false);
	stage_free(s);
}

static void pools_of_an_unknown_revision_ask_for_the_whole_view(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, "", ONE), ACCEPT_REOPEN);
	assert_null(s->seat.now);
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
	take(s, VIEW(3, 2, "", TWO), ACCEPT_REOPEN);
	serves(s, ONE, true);
	stage_free(s);
}

static void a_catalog_that_can_not_be_served_is_refused_with_its_place(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	refuse(s, VIEW(2, 2, CATALOG(TEXT ",\"b.example. A 192.0.2.300\"", MAIL, ""), ONE),
	    "zone example.:3: \"b.example. A 192.0.2.300\"");
	refuse(s, VIEW(2, 2, CATALOG(TEXT ",\"text.example. CNAME x.\"", MAIL, ""), ONE), "CNAME");
	refuse(s, VIEW(2, 2, CATALOG(TEXT ",\"mail.example. A 192.0.2.3\"", MAIL, ""), ONE),
	    "mail.example.");
	refuse(s, VIEW(2, 2, CATALOG(TEXT, MAIL "," MAIL, ""), ONE), "two pools");
	refuse(s,
	    VIEW(2, 2, CATALOG(TEXT ",\"d.example. NS ns.\"", MAIL "," NAME("a.d", "p"), ""), ONE),
	    "below the delegation");
	serves(s, ONE, true);
	stage_free(s);
}

static struct zone_keys *keys_new(uint8_t seed)
{
	const uint8_t secret[DNSKEY_SECRET_BYTES] = {[31] = seed};
	struct dnskey *k;
	char path[] = "/tmp/test-taker-key-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(
	    dnskey_new_of_secret("example.", DNSKEY_ED25519, DNSKEY_CSK, secret, &k, NULL), 0);
	k->state = DNSKEY_ACTIVE;
	assert_int_equal(dnskey_write(k, path, NULL), 0);
	dnskey_free(k);
	const struct config_zone_file zone = {
	    .name = (char[]){"example."}, .keys = (char *[]){path}, .keys_count = 1};
	struct zone_keys *keys;
	struct err e = {0};
	if (zone_keys_read(&zone, &keys, &e) != 0)
		fail_msg("%s", e.text);
	unlink(path);
	return keys;
}

static struct key_ring ring_of(struct zone_keys *keys)
{
	struct key_ring ring = {.zones = mem_new(1, sizeof(*ring.zones)), .count = 1};
	ring.zones[0] = keys;
	return ring;
}

/* The CDS names the key's tag first; `tag` 0: there is none. */
static void signed_by(struct stage *s, uint16_t tag)
{
	char *text = ask(s->seat.now, "example. CDS", 0);
	char *wanted = mem_printf(" CDS %u 15 2 ", tag);
	if (tag != 0 ? !strstr(text, wanted) : strstr(text, " CDS ") != NULL)
		fail_msg("expected%s, found %s", tag ? wanted : " no CDS", text);
	free(wanted);
	free(text);
}

/* Keys are the server's own: what comes from a controller is signed with them, and with others
 * after a reload, without a new view. */
static void views_are_signed_with_the_keys_of_the_ring(void **state)
{
	(void)state;
	struct stage *s = stage_new();
	struct zone_keys *first = keys_new(1), *second = keys_new(2);
	uint16_t first_tag = first->keys[0]->tag, second_tag = second->keys[0]->tag;
	struct key_ring ring = ring_of(first);
	assert_int_equal(taker_rekey(&s->taker, &ring, NULL), 0); /* nothing is held yet */
	take(s, VIEW(5, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
	signed_by(s, first_tag);
	take(s, VIEW(6, 1, "", TWO), ACCEPT_TAKE); /* a delta */
	signed_by(s, first_tag);
	ring = ring_of(second);
	assert_int_equal(taker_rekey(&s->taker, &ring, NULL), 0);
	signed_by(s, second_tag);
	serves(s, TWO, true);
	take(s, VIEW(7, 2, CATALOG(",\"example. NSEC a.example. A\"", MAIL, ""), ONE),
	    ACCEPT_REFUSE);
	signed_by(s, second_tag);
	ring = (struct key_ring){0};
	assert_int_equal(taker_rekey(&s->taker, &ring, NULL), 0);
	signed_by(s, 0);
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_delta_changes_the_answers_and_shares_the_catalog),
	    cmocka_unit_test(rule_1_a_name_that_vanishes_without_a_removal_is_refused),
	    cmocka_unit_test(rule_1_no_type_leaves_a_name_within_a_revision),
	    cmocka_unit_test(rule_1_a_name_leaves_with_a_removal_that_names_it),
	    cmocka_unit_test(rule_1_a_type_leaves_with_a_loss_that_names_it),
	    cmocka_unit_test(rule_1_holds_no_change_that_was_named),
	    cmocka_unit_test(rule_1_types_are_held_only_where_losses_are_told),
	    cmocka_unit_test(rule_1_does_not_hold_the_catalog_zone),
	    cmocka_unit_test(rule_1_a_pool_never_loses_a_family_or_itself_within_a_revision),
	    cmocka_unit_test(rule_2_older_epochs_are_ignored_and_doubled_ones_refused),
	    cmocka_unit_test(pools_of_an_unknown_revision_ask_for_the_whole_view),
	    cmocka_unit_test(a_catalog_that_can_not_be_served_is_refused_with_its_place),
	    cmocka_unit_test(views_are_signed_with_the_keys_of_the_ring),
	};
	log_open("test_taker", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
