/* Differences laid onto what a secondary has give what a whole transfer gives. */
#include "tests/unit/dnsd/transfer_rig.h"

/* --- laying a difference onto a zone -------------------------------------------------------- */

static size_t copy_find(const struct copy *c, const char *line)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->lines[i] && strcmp(c->lines[i], line) == 0)
			return i;
	return SIZE_MAX;
}

/* Lays an IXFR onto the zone: what leaves must be there, what comes must not. */
static void copy_apply(struct copy *zone, const struct copy *difference)
{
	size_t i = 1, last = difference->count - 1;
	assert_true(difference->count >= 4 && is_soa(difference->lines[1]));
	for (bool leaves = true; i < last; i++) {
		const char *line = difference->lines[i];
		leaves = leaves && !(i > 1 && is_soa(line));
		size_t at = copy_find(zone, line);
		if (leaves) {
			if (at == SIZE_MAX)
				fail_msg("leaves, but is not there: %s", line);
			free(zone->lines[at]);
			zone->lines[at] = zone->lines[--zone->count];
		} else {
			if (at != SIZE_MAX)
				fail_msg("comes, but is there: %s", line);
			zone->lines[zone->count++] = mem_strdup(line);
		}
	}
	assert_string_equal(difference->lines[0], difference->lines[last]);
	qsort(zone->lines, zone->count, sizeof(zone->lines[0]), line_order);
}

static void copy_expect(const struct copy *found, const struct copy *wanted)
{
	for (size_t i = 0; i < found->count || i < wanted->count; i++) {
		if (i == found->count || i == wanted->count ||
		    strcmp(found->lines[i], wanted->lines[i]) != 0)
			fail_msg("found %s  wanted %s",
			    i < found->count ? found->lines[i] : "nothing",
			    i < wanted->count ? wanted->lines[i] : "nothing");
	}
}

/* --- random changes ------------------------------------------------------------------------- */

struct dice {
	uint64_t state;
};

static size_t roll(struct dice *d, size_t sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(d->state >> 33) % sides;
}

enum { STEPS = 24, TEXTS = 64 };

/* Records out of few names and data, so that the same come and go. */
static void records_draw(struct dice *d, char *texts[static TEXTS])
{
	static const char *const kinds[] = {
	    "TXT \"", "A 192.0.2.", "AAAA 2001:db8::", "MX 1 mx", "TYPE65400 \\# 1 0"};
	static const char *const ends[] = {"\"", "", "", "", ""};
	size_t count = 0;
	texts[count++] = mem_strdup("example. NS ns1.example.");
	texts[count++] = mem_strdup("ns1.example. A 192.0.2.53");
	if (roll(d, 2))
		texts[count++] = mem_strdup("*.n3.example. TXT \"wild\"");
	if (roll(d, 2)) {
		texts[count++] = mem_strdup("cut.example. NS ns.cut.example.");
		texts[count++] = mem_printf("ns.cut.example. A 192.0.2.%zu", roll(d, 4));
	}
	texts[count++] = mem_printf("ttl.example. %zu TXT \"stays\"", 60 * roll(d, 3));
	for (size_t i = 0; i < 20; i++) /* most of a zone stays */
		texts[count++] =
		    mem_printf("m%zu.example. TXT \"a rather long text that stays\"", i);
	for (size_t i = roll(d, 20); i > 0; i--) {
		size_t kind = roll(d, 5);
		const char *above = roll(d, 3) ? "n" : "x.y.n";
		size_t number = roll(d, 8);
		texts[count++] = mem_printf("%s%zu.example. %s%zu%s", above, number, kinds[kind],
		    roll(d, 4) + 1, ends[kind]);
	}
	texts[count] = NULL;
}

/* TTLs of one RRset must agree, TXT at a delegation is below it: what is not sound is drawn again.
 */
static struct catalog *catalog_draw(struct dice *d, struct sample *in)
{
	char *texts[TEXTS];
	records_draw(d, texts);
	in->records = (const char *const *)texts;
	struct catalog *c = catalog_of(in);
	in->records = NULL;
	for (size_t i = 0; texts[i]; i++)
		free(texts[i]);
	return c;
}

static void differences_give_what_a_whole_transfer_gives(void **state)
{
	(void)state;
	static struct copy copies[STEPS];
	static uint32_t serials[STEPS];
	size_t differences = 0;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct dice d = {seed};
		struct sample in = sample;
		struct snapshot_seat seat = {
		    .time_s = NOW_S, .limits = {.entries = STEPS, .bytes = 1 << 24}};
		struct view_pool pool = pools[0];
		in.pools = &pool;
		in.signing = seed % 2 ? CHAIN : UNSIGNED;
		struct catalog *c = catalog_draw(&d, &in);
		for (size_t step = 0; step < STEPS; step++) {
			size_t what = roll(&d, 4);
			if (what == 0) {
				catalog_drop(c);
				c = catalog_draw(&d, &in);
			}
			if (what == 3)
				seat.time_s += SERIAL_TURN_S;
			pool.members = members + roll(&d, 3);
			pool.members_count = (size_t)(members + 4 - pool.members);
			in.epoch++;
			snapshot_swap(&seat, snapshot_of(&in, c));
			copy_get(seat.now, false, 0, &copies[step]);
			copy_settle(&copies[step]);
			serials[step] = serial_of(seat.now, seat.now->catalog->zones[0]);
			struct copy difference;
			size_t from = step - roll(&d, step < 6 ? step + 1 : 6);
			copy_get(seat.now, true, serials[from], &difference);
			if (difference.facts.kind == TRANSFER_DIFFERENCE) {
				struct copy base = {.count = copies[from].count};
				for (size_t i = 0; i < base.count; i++)
					base.lines[i] = mem_strdup(copies[from].lines[i]);
				copy_apply(&base, &difference);
				copy_expect(&base, &copies[step]);
				copy_free(&base);
				differences++;
			}
			copy_free(&difference);
		}
		for (size_t step = 0; step < STEPS; step++)
			copy_free(&copies[step]);
		catalog_drop(c);
		snapshot_swap(&seat, NULL);
	}
	assert_true(differences > 100);
}

static void a_site_that_leaves_is_told_as_a_difference(void **state)
{
	(void)state;
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 4}};
	struct view_pool pool = pools[0];
	struct copy c;
	in.pools = &pool;
	struct catalog *catalog = catalog_of(&in);
	snapshot_swap(&seat, snapshot_of(&in, catalog));
	pool.members = members + 1;
	pool.members_count = 3;
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, catalog));
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_DIFFERENCE);
	assert_int_equal(c.count, 6); /* four SOAs, and one address at each name */
	assert_string_equal(c.lines[2], "mail.example.\t30\tIN\tA\t192.0.2.1\n");
	assert_string_equal(c.lines[3], "b.mail.example.\t60\tIN\tA\t192.0.2.1\n");
	copy_free(&c);
	catalog_drop(catalog);
	snapshot_swap(&seat, NULL);
}

static void a_serial_that_had_two_contents_is_no_base(void **state)
{
	(void)state;
	static const char *const other[] = {"example. NS ns1.example.", "ns1.example. A 192.0.2.99",
	    "other.example. TXT \"new\"", NULL};
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 8, .bytes = 1 << 24}};
	struct copy c;
	/* Read again without a change: still one content. */
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	in.records = other;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_DIFFERENCE);
	copy_free(&c);
	/* Another content, the same serial; then a new one. */
	in.records = records;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	copy_get(seat.now, true, 108, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_free(&c);
	snapshot_swap(&seat, NULL);
}

static void catalogs_that_are_too_large_are_forgotten(void **state)
{
	(void)state;
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 8, .bytes = 1}};
	struct copy c;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	assert_int_equal(seat.now->formers_count, 0);
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_free(&c);
	snapshot_swap(&seat, NULL);
}

/* A large zone is looked through and counted before a word is told: others have their turn. */
static void the_search_for_a_difference_is_cut_into_slices(void **state)
{
	(void)state;
	enum { MANY = 60000, SLICE = 65536, SLICES = 4 };
	static char *texts[MANY + 2];
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 4, .bytes = 1 << 28}};
	uint8_t request[600];
	struct transfer *t;
	struct query q;
	struct buf out = {0};
	size_t silent = 0;
	for (size_t i = 0; i < MANY; i++)
		texts[i] = mem_printf("n%05zu.example. TXT x", i);
	in.names_count = 0;
	in.records = (const char *const *)texts;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	texts[MANY] = mem_strdup("new.example. TXT x");
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	query_parse(&q, request, request_write(request, "example.", true, 107));
	assert_int_equal(transfer_open(seat.now, &q, request, &t), RCODE_NOERROR);
	enum transfer_step step = TRANSFER_MORE;
	while (step == TRANSFER_MORE) {
		step = transfer_step(t, signer, NOW_S, &out, SLICE);
		silent += out.bytes == 0;
	}
	assert_int_equal(step, TRANSFER_OVER);
	assert_int_equal(transfer_facts(t).kind, TRANSFER_DIFFERENCE);
	assert_true(silent > SLICES);
	transfer_free(t);
	buf_free(&out);
	snapshot_swap(&seat, NULL);
	for (size_t i = 0; i <= MANY; i++)
		free(texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(differences_give_what_a_whole_transfer_gives),
	    cmocka_unit_test(a_site_that_leaves_is_told_as_a_difference),
	    cmocka_unit_test(a_serial_that_had_two_contents_is_no_base),
	    cmocka_unit_test(catalogs_that_are_too_large_are_forgotten),
	    cmocka_unit_test(the_search_for_a_difference_is_cut_into_slices),
	};
	return cmocka_run_group_tests(tests, tools_make, tools_remove);
}
