/* Which views are taken: rules 1 and 2, whatever a controller says, and what a restart finds. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/taker.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"
#include "wire/view.h"

#define ZONE(records)                                                                              \
	"{\"name\":\"example.\",\"ttl_s\":300,\"soa\":{\"mname\":\"ns1.example.\",\"rname\":"      \
	"\"host.example.\",\"refresh_s\":1,\"retry_s\":2,\"expire_s\":3,\"minimum_s\":60},"        \
	"\"serial_base\":0,\"records\":[\"example. NS ns1.example.\"" records "]}"
#define NAME(owner, pool)                                                                          \
	"{\"owner\":\"" owner ".example.\",\"zone\":\"example.\",\"pool\":\"" pool "\"}"
#define CATALOG(records, names, removals)                                                          \
	",\"catalog\":{\"zones\":[" ZONE(records) "],\"names\":[" names                            \
	                                          "],\"removals\":[" removals "]}"
/* of a controller that tells which types have left, since that revision */
#define TYPED(records, names, since, removals, losses)                                             \
	",\"catalog\":{\"zones\":[" ZONE(records) "],\"names\":[" names                            \
	                                          "],\"removals\":[" removals                      \
	                                          "],\"types_since\":" since                       \
	                                          ",\"types_removed\":[" losses "]}"
#define LOSS(subject, type, revision)                                                              \
	"{" subject ",\"type\":\"" type "\",\"revision\":" revision "}"
#define OF(owner) "\"owner\":\"" owner "\""
#define OF_POOL "\"pool\":\"p\""
#define GONE(owner, revision) "{\"owner\":\"" owner ".example.\",\"revision\":" revision "}"
#define MAIL NAME("mail", "p")
#define TEXT ",\"text.example. TXT x\""
#define ONE "192.0.2.1"
#define TWO "192.0.2.2"
#define V6 "2001:db8::1"

/* The world of one test: a folder, a keeper, a taker. */
struct stage {
	char folder[64];
	struct keeper *keeper;
	struct snapshot_seat seat;
	struct taker taker;
	struct err why;
};

static struct stage *stage_new(void)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct err e = {0};
	strcpy(s->folder, "/tmp/test-taker-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	assert_int_equal(keeper_open(s->folder, &s->keeper, &e), 0);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper};
	return s;
}

static void stage_free(struct stage *s)
{
	char *command = mem_printf("rm -rf '%s'", s->folder);
	taker_release(&s->taker);
	keeper_close(s->keeper);
	assert_int_equal(system(command), 0);
	free(command);
	free(s);
}

/* As after kill -9: nothing but the disk is left. */
static void stage_restart(struct stage *s, int expected)
{
	struct err e = {0};
	taker_release(&s->taker);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper};
	assert_int_equal(taker_start(&s->taker, &e), expected);
}

static struct view *view_of(const char *cluster, unsigned epoch, unsigned revision,
    const char *catalog, const char *const *addresses)
{
	struct buf text = {0};
	struct err e = {0};
	struct view *v = NULL;
	json_t *o;
	buf_printf(&text, "{\"version\":1,\"cluster\":\"%s\",\"epoch\":%u,\"revision\":%u%s",
	    cluster, epoch, revision, catalog);
	buf_puts(&text, ",\"pools\":[{\"name\":\"p\",\"ttl_s\":30,\"members\":[");
	for (size_t i = 0; addresses[i]; i++)
		buf_printf(
		    &text, "%s{\"address\":\"%s\",\"site\":\"muc\"}", i ? "," : "", addresses[i]);
	buf_puts(&text, "]}]}");
	if (json_parse(text.data, text.bytes, &o, &e) != 0 || view_decode(o, &v, &e) != 0)
		fail_msg("%s", e.text);
	json_decref(o);
	buf_free(&text);
	return v;
}

#define VIEW(epoch, revision, catalog, ...)                                                        \
	view_of("c", epoch, revision, catalog, (const char *const[]){__VA_ARGS__, NULL})

static void take(struct stage *s, struct view *v, enum accept_verdict verdict)
{
	s->why = (struct err){0};
	enum accept_verdict found = taker_take(&s->taker, v, &s->why);
	if (found != verdict)
		fail_msg("expected %d, found %d: %s", verdict, found, s->why.text);
	assert_int_equal(found == ACCEPT_REFUSE, s->why.text[0] != '\0');
}

static void refuse(struct stage *s, struct view *v, const char *why)
{
	take(s, v, ACCEPT_REFUSE);
	if (!strstr(s->why.text, why))
		fail_msg("expected \"%s\", found \"%s\"", why, s->why.text);
}

/* What mail.example. is answered with, in any order. */
static void serves(struct stage *s, const char *address, bool expected)
{
	char *text =
	    ask(s->seat.now, strchr(address, ':') ? "mail.example. AAAA" : "mail.example. A", 0);
	if ((strstr(text, address) != NULL) != expected)
		fail_msg("%s %s in: %s", address, expected ? "is not" : "is", text);
	free(text);
}

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

/* --- the disk ------------------------------------------------------------------------------- */

static char *path_of(struct stage *s, const char *file)
{
	return mem_printf("%s/%s", s->folder, file);
}

/* What a crash or a bad disk may do to a file. */
static void file_cut(struct stage *s, const char *file, off_t bytes)
{
	char *path = path_of(s, file);
	assert_int_equal(truncate(path, bytes), 0);
	free(path);
}

static void a_restart_serves_the_last_view_without_a_controller(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	stage_restart(s, E_NOT_FOUND);
	assert_null(s->seat.now);
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	take(s, VIEW(3, 1, "", ONE), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	serves(s, TWO, false);
	assert_int_equal(s->taker.held->epoch, 3);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_OLDER); /* rule 2 holds over the restart */
	take(s, VIEW(4, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	stage_restart(s, 0); /* the pools on disk are of the former revision */
	serves(s, TWO, true);
	assert_int_equal(s->taker.held->epoch, 4);
	assert_int_equal(s->taker.held->revision, 2);
	stage_free(s);
}

static void an_epoch_does_not_rewrite_the_catalog(void **state)
{
	struct stage *s = stage_new();
	struct stat before, after;
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *path = path_of(s, "catalog.json");
	assert_int_equal(stat(path, &before), 0);
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	free(path);
	stage_free(s);
}

static void a_damaged_file_falls_back_to_its_former_generation(void **state)
{
	static const char *const files[] = {"pools.json", "catalog.json"};
	static const unsigned epochs[] = {4, 1};
	(void)state;
	for (size_t f = 0; f < 2; f++)
		for (off_t bytes = 0; bytes < 200; bytes += 66) {
			struct stage *s = stage_new();
			take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
			take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
			take(s, VIEW(4, 2, "", TWO), ACCEPT_TAKE);
			take(s, VIEW(5, 2, "", ONE, TWO), ACCEPT_TAKE);
			file_cut(s, files[f], bytes);
			stage_restart(s, 0);
			assert_int_equal(s->taker.held->epoch, epochs[f]);
			char *aside =
			    path_of(s, f == 0 ? "pools.damaged.json" : "catalog.damaged.json");
			assert_int_equal(access(aside, F_OK), 0);
			free(aside);
			/* and the controllers bring it up to date */
			take(s, VIEW(5, 2, CATALOG(TEXT, MAIL, ""), ONE, TWO), ACCEPT_TAKE);
			stage_restart(s, 0);
			assert_int_equal(s->taker.held->epoch, 5);
			stage_free(s);
		}
}

static void with_everything_damaged_it_starts_empty_and_recovers(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE), ACCEPT_TAKE);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	file_cut(s, "catalog.json", 70);
	file_cut(s, "catalog.previous.json", 70);
	stage_restart(s, E_NOT_FOUND);
	expect(s->seat.now, "mail.example. A", "SERVFAIL |  |  | ");
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), ONE), ACCEPT_TAKE);
	stage_restart(s, 0);
	serves(s, ONE, true);
	stage_free(s);
}

static void a_disk_that_fails_does_not_keep_a_dead_site_in_the_answers(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *away = mem_printf("%s.away", s->folder);
	assert_int_equal(rename(s->folder, away), 0);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	serves(s, ONE, false);
	assert_true(s->taker.keeping_failed);
	assert_int_equal(rename(away, s->folder), 0);
	free(away);
	take(s, VIEW(3, 2, "", TWO), ACCEPT_TAKE); /* a delta, but the catalog is made up for */
	assert_false(s->taker.keeping_failed);
	stage_restart(s, 0);
	assert_int_equal(s->taker.held->epoch, 3);
	serves(s, ONE, false);
	stage_free(s);
}

static void a_disk_that_works_again_gets_what_is_served_without_a_new_view(void **state)
{
	struct stage *s = stage_new();
	(void)state;
	take(s, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	char *away = mem_printf("%s.away", s->folder);
	assert_int_equal(rename(s->folder, away), 0);
	take(s, VIEW(2, 2, CATALOG(TEXT, MAIL, ""), TWO), ACCEPT_TAKE);
	taker_keep_again(&s->taker);
	assert_true(s->taker.keeping_failed);
	assert_int_equal(rename(away, s->folder), 0);
	free(away);
	taker_keep_again(&s->taker);
	assert_false(s->taker.keeping_failed);
	stage_restart(s, 0); /* and no controller */
	assert_int_equal(s->taker.held->epoch, 2);
	serves(s, ONE, false);
	stage_free(s);
}
/* A csk of example. with a secret of its own. */
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

static void only_who_has_the_lock_writes_and_a_newer_view_is_caught_up_with(void **state)
{
	struct stage *s = stage_new();
	struct keeper *other;
	struct snapshot_seat seat = {0};
	struct err e = {0};
	(void)state;
	take(s, VIEW(1, 1, CATALOG(TEXT, MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	assert_int_equal(keeper_open(s->folder, &other, &e), 0);
	struct taker t = {.seat = &seat, .keeper = other};
	assert_int_equal(taker_start(&t, &e), 0);
	assert_int_equal(keeper_lock(other, &e), E_CONFLICT);
	assert_int_equal(keeper_save(other, t.held, true, &e), E_CONFLICT);
	/* another epoch, then another revision */
	take(s, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	assert_int_equal(taker_catch_up(&t, &e), 0);
	assert_int_equal(t.held->epoch, 2);
	expect(seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.2 |  | ");
	take(s, VIEW(3, 2, CATALOG(TEXT ",\"more.example. TXT y\"", MAIL, ""), TWO), ACCEPT_TAKE);
	assert_int_equal(taker_catch_up(&t, &e), 0);
	assert_int_equal(t.held->epoch, 3);
	expect(seat.now, "more.example. TXT", "NOERROR aa | more.example. 300 TXT \"y\" |  | ");
	assert_int_equal(taker_catch_up(&t, &e), 0); /* nothing new */
	keeper_unlock(s->keeper);
	assert_int_equal(keeper_lock(other, &e), 0);
	taker_release(&t);
	keeper_close(other);
	stage_free(s);
}

static void what_a_killed_process_has_left_is_removed_and_nothing_else(void **state)
{
	static const char *const files[] = {"catalog.json.writing-aB3xYz",
	    "pools.json.writing-000000", "catalog.json.backup", "pools.json.writing-long-name",
	    "other.json.writing-abcdef", "catalog.previous.json"};
	struct stage *s = stage_new();
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		char *path = mem_printf("%s/%s", s->folder, files[i]);
		assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
		free(path);
	}
	assert_int_equal(keeper_lock(s->keeper, NULL), 0);
	keeper_tidy(s->keeper);
	for (size_t i = 0; i < 6; i++) {
		char *path = mem_printf("%s/%s", s->folder, files[i]);
		assert_int_equal(access(path, F_OK), i < 2 ? -1 : 0);
		free(path);
	}
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
	    cmocka_unit_test(a_restart_serves_the_last_view_without_a_controller),
	    cmocka_unit_test(an_epoch_does_not_rewrite_the_catalog),
	    cmocka_unit_test(a_damaged_file_falls_back_to_its_former_generation),
	    cmocka_unit_test(with_everything_damaged_it_starts_empty_and_recovers),
	    cmocka_unit_test(views_are_signed_with_the_keys_of_the_ring),
	    cmocka_unit_test(a_disk_that_fails_does_not_keep_a_dead_site_in_the_answers),
	    cmocka_unit_test(a_disk_that_works_again_gets_what_is_served_without_a_new_view),
	    cmocka_unit_test(only_who_has_the_lock_writes_and_a_newer_view_is_caught_up_with),
	    cmocka_unit_test(what_a_killed_process_has_left_is_removed_and_nothing_else),
	};
	log_open("test_taker", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
