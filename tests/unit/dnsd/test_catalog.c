/* The catalog holds what the zones say: compared with a plain search through their records. */
#include <stdio.h>

#include "tests/unit/dnsd/ask.h"

enum { RECORDS_MAX = 2000, TEXT_BYTES = 400 };

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint32_t)(((uint64_t)random_state * limit) >> 32);
}

/* A zone of random names, few enough labels that they meet: delegations, wildcards, gaps. */
static struct zone_data *zone_random(const char *apex, char **lines, size_t count)
{
	static const char *const labels[] = {"a", "b", "C", "*", "mx-00000001", "mx-00000002",
	    "a-label-that-takes-more-than-one-or-two-words-of-eight-octets"};
	static const char *const rdata[] = {"A 192.0.2.%u", "AAAA 2001:db8::%u", "MX %u a.example.",
	    "TXT \"text %u\"", "NS ns%u.example."};
	for (size_t i = 0; i < count; i++) {
		size_t used = 0;
		const char *form = rdata[random_below(random_below(8) == 0 ? 5 : 4)];
		for (uint32_t n = random_below(5); n > 0; n--)
			used += (size_t)snprintf(
			    lines[i] + used, TEXT_BYTES - used, "%s.", labels[random_below(7)]);
		if (strncmp(lines[i], "*.", 2) == 0 && form[0] == 'N')
			form = rdata[0]; /* a delegated wildcard is refused */
		used += (size_t)snprintf(
		    lines[i] + used, TEXT_BYTES - used, "%s 300 IN ", apex[0] == '.' ? "" : apex);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(lines[i] + used, TEXT_BYTES - used, form, random_below(200));
#pragma GCC diagnostic pop
	}
	struct view_zone v = {.name = (char *)(uintptr_t)apex,
	    .ttl_s = 300,
	    .soa_mname = (char[]){"m.example."},
	    .soa_rname = (char[]){"r.example."},
	    .soa_minimum_s = 60,
	    .records = lines,
	    .records_count = count};
	struct zone_data *z;
	struct err e = {0};
	if (zone_data_read_view(&v, &z, &e) != 0)
		fail_msg("%s", e.text);
	return z;
}

static struct node *find(const struct catalog *c, const struct name *n, size_t label)
{
	struct name part;
	assert_true(
	    name_read(&part, n->wire + n->starts[label], (size_t)n->bytes - n->starts[label]));
	return catalog_find(c, name_hash(&part), part.wire, part.bytes);
}

static bool zone_has(const struct zone_data *z, const uint8_t *owner, size_t bytes, uint16_t type)
{
	for (size_t i = 0; i < z->records_count; i++)
		if (z->records[i].owner_bytes == bytes && z->records[i].type == type &&
		    memcmp(z->records[i].owner, owner, bytes) == 0)
			return true;
	return false;
}

/* The node of that name has this record among those of its type, and knows its surroundings. */
static void record_check(const struct catalog *c, const struct zone_data *z, const struct record *r)
{
	struct name n, again;
	struct rrset set;
	assert_true(name_read(&n, r->owner, r->owner_bytes));
	const struct node *node = find(c, &n, 0), *cut = NULL;
	assert_non_null(node);
	node_name(node, &again);
	assert_int_equal(again.bytes, n.bytes);
	assert_memory_equal(again.wire, n.wire, n.bytes);
	assert_true(node_rrset(node, r->type, &set));
	bool found = false;
	for (size_t i = 0; i < set.count; i++) {
		const uint8_t *rr = set.body + rrset_start(&set, i);
		assert_int_equal(rrset_start(&set, i + 1) - rrset_start(&set, i),
		    RR_HEAD_BYTES + (size_t)get_u16(rr + RR_RDATA_BYTES_AT));
		found = found || (get_u16(rr + RR_RDATA_BYTES_AT) == r->rdata_bytes &&
		                     memcmp(rr + RR_HEAD_BYTES, r->rdata, r->rdata_bytes) == 0);
	}
	assert_true(found);
	for (size_t label = 0; label + z->apex.labels < n.labels; label++) {
		const uint8_t *at = n.wire + n.starts[label];
		if (zone_has(z, at, (size_t)n.bytes - n.starts[label], TYPE_NS))
			cut = find(c, &n, label);
		assert_non_null(find(c, &n, label)); /* empty non-terminals */
	}
	assert_ptr_equal(node->kin->cut, cut);
	if (n.labels > z->apex.labels && n.wire[0] == 1 && n.wire[1] == '*')
		assert_ptr_equal(find(c, &n, 1)->kin->wildcard, node);
}

static void every_record_is_found_with_its_zone_cut_and_wildcard(void **state)
{
	(void)state;
	char **lines = mem_new(RECORDS_MAX, sizeof(*lines));
	for (size_t i = 0; i < RECORDS_MAX; i++)
		lines[i] = mem_new(1, TEXT_BYTES);
	for (random_state = 1; random_state < 12; random_state++) {
		uint32_t seed = random_state;
		struct zone_data *z = zone_random(seed % 2 ? "example." : ".", lines,
		    10 + random_below(seed < 9 ? 60 : RECORDS_MAX / 4));
		struct catalog_input in = {.zones = &z, .zones_count = 1};
		struct catalog *c;
		assert_int_equal(catalog_build(&in, &c, NULL), 0);
		for (size_t i = 0; i < z->records_count; i++)
			record_check(c, z, &z->records[i]);
		size_t at = 0, nodes = 0;
		while (catalog_next(c, &at))
			nodes++;
		assert_int_equal(nodes, c->nodes_count);
		catalog_drop(c);
		zone_data_free(z);
		random_state = seed;
	}
	for (size_t i = 0; i < RECORDS_MAX; i++)
		free(lines[i]);
	free(lines);
}

/* Names are folded and hashed in words of eight octets: never with what lies behind them. */
static void folding_and_hashing_see_the_name_alone(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t length = 1; length < 20; length++) {
			uint8_t wire[64], expected = (uint8_t)c;
			struct name n, other;
			if (c >= 'A' && c <= 'Z')
				expected = (uint8_t)(c + 'a' - 'A');
			memset(wire, (int)c, sizeof(wire));
			wire[0] = (uint8_t)length;
			wire[length + 1] = 0;
			memset(&n, 0x55, sizeof(n));
			memset(&other, 0xaa, sizeof(other));
			assert_true(name_read(&n, wire, sizeof(wire)));
			assert_true(name_read(&other, wire, length + 2));
			for (size_t i = 1; i <= length; i++)
				assert_int_equal(n.wire[i], expected);
			assert_memory_equal(n.wire, other.wire, length + 2);
			assert_true(name_hash(&n) == name_hash(&other));
			other.wire[length] ^= 1;
			assert_true(name_hash(&n) != name_hash(&other));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_record_is_found_with_its_zone_cut_and_wildcard),
	    cmocka_unit_test(folding_and_hashing_see_the_name_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
