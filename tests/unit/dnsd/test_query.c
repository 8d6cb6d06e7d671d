/* Hostile and careless messages: every octet is somebody else's. */
#include "tests/unit/dnsd/ask.h"

static const char *const records[] = {"example. 300 NS ns1.example.",
    "example. 300 MX 10 mail.example.", "www.example. 300 CNAME mail.example.",
    "loop.example. 300 CNAME loop.example.", "*.w.example. 300 A 192.0.2.9",
    "sub.example. 300 NS ns.sub.example.", "ns.sub.example. 300 A 192.0.2.77",
    "a.b.c.d.e.example. 300 TXT x", NULL};
static struct view_member members[] = {
    {{4, {192, 0, 2, 1}}, 2, NULL}, {{4, {192, 0, 2, 2}}, 1, NULL}};
static const struct view_pool pools[] = {{(char[]){"p"}, 30, members, 2}};
static const struct view_name names[] = {
    {(char[]){"mail.example."}, (char[]){"example."}, (char[]){"p"}, 0}};
static const struct world_zone zones[] = {{"example.", records, 0}};
static const struct world world = {zones, 1, names, 1, pools, 1, 1};

static uint8_t out[MESSAGE_BYTES_MAX];

/* From a copy of exact size, into a buffer of exact size, so that ASan sees every step aside. */
static size_t answer_to(
    const struct snapshot *s, const uint8_t *message, size_t bytes, struct answer_facts *facts)
{
	uint8_t *wire = mem_dup(message, bytes ? bytes : 1), *into = mem_new(1, UDP_BYTES_MAX);
	size_t n = answer_message(s, wire, bytes, false, 7, into, UDP_BYTES_MAX, facts);
	assert_true(n <= UDP_BYTES_MAX);
	memcpy(out, into, n);
	free(wire);
	free(into);
	return n;
}

struct message_case {
	const char *why;
	const char *hex; /* blanks between groups are free */
	int rcode;       /* -1: no answer */
	size_t bytes;    /* 12: header alone; 0: any */
};

#define Q "04 6d61696c 07 6578616d706c65 00 0001 0001" /* mail.example. A IN */
static const struct message_case cases[] = {
    {"empty", "", -1, 0},
    {"eleven octets", "1234 0000 0001 0000 0000 00", -1, 0},
    {"an answer", "1234 8000 0001 0000 0000 0000" Q, -1, 0},
    {"a header and no question", "1234 0000 0000 0000 0000 0000", 1, 12},
    {"a header that promises a question", "1234 0000 0001 0000 0000 0000", 1, 12},
    {"two questions", "1234 0000 0002 0000 0000 0000" Q Q, 1, 12},
    {"an answer section", "1234 0000 0001 0001 0000 0000" Q, 1, 12},
    {"many authority records", "1234 0000 0001 0000 ffff 0000" Q, 1, 12},
    {"a promised OPT that is not there", "1234 0000 0001 0000 0000 0001" Q, 1, 12},
    {"trailing octets", "1234 0000 0001 0000 0000 0000" Q "00", 1, 12},
    {"a name cut", "1234 0000 0001 0000 0000 0000 04 6d61", 1, 12},
    {"no type", "1234 0000 0001 0000 0000 0000 00", 1, 12},
    {"a pointer to itself", "1234 0000 0001 0000 0000 0000 c00c 0001 0001", 1, 12},
    {"a pointer behind a label", "1234 0000 0001 0000 0000 0000 0161 c00c 0001 0001", 1, 12},
    {"an extended label", "1234 0000 0001 0000 0000 0000 41 00 0001 0001", 1, 12},
    {"NOTIFY", "1234 2000 0001 0000 0000 0000" Q, 4, 12},
    {"UPDATE", "1234 2800 0001 0000 0000 0000" Q, 4, 12},
    {"opcode 15", "1234 7800 0001 0000 0000 0000" Q, 4, 12},
    {"class CH", "1234 0000 0001 0000 0000 0000 04 6d61696c 07 6578616d706c65 00 0001 0003", 5, 30},
    {"class ANY", "1234 0000 0001 0000 0000 0000 04 6d61696c 07 6578616d706c65 00 0001 00ff", 5,
        30},
    {"type OPT", "1234 0000 0001 0000 0000 0000 00 0029 0001", 1, 17},
    {"type TSIG", "1234 0000 0001 0000 0000 0000 00 00fa 0001", 1, 17},
    {"a sound question", "1234 0000 0001 0000 0000 0000" Q, 0, 0},
    {"EDNS", "1234 0000 0001 0000 0000 0001" Q "00 0029 1000 00000000 0000", 0, 0},
    {"EDNS version 1", "1234 0000 0001 0000 0000 0001" Q "00 0029 1000 00010000 0000", 16, 41},
    {"two OPT",
        "1234 0000 0001 0000 0000 0002" Q "00 0029 1000 00000000 0000"
        "00 0029 1000 00000000 0000",
        1, 41},
    {"an OPT with a name", "1234 0000 0001 0000 0000 0001" Q "0161 00 0029 1000 00000000 0000", 1,
        41},
    {"an OPT in the authority section",
        "1234 0000 0001 0000 0001 0000" Q "00 0029 1000 00000000 0000", 1, 41},
    {"an option that ends early",
        "1234 0000 0001 0000 0000 0001" Q "00 0029 1000 00000000 0005 0003 0002 61", 1, 41},
    {"rdata longer than the message",
        "1234 0000 0001 0000 0000 0001" Q "00 0029 1000 00000000 0100", 1, 12},
    {"a sound option nobody knows",
        "1234 0000 0001 0000 0000 0001" Q "00 0029 1000 00000000 0006 fde9 0002 6162", 0, 0},
};

static size_t hex_read(const char *hex, uint8_t *into, size_t room)
{
	size_t digits = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		unsigned value = *hex <= '9' ? (unsigned)(*hex - '0') : (unsigned)(*hex - 'a' + 10);
		assert_true(value < 16 && digits / 2 < room);
		into[digits / 2] = (uint8_t)(digits % 2 ? into[digits / 2] | value : value << 4);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

static void malformed_messages_get_what_they_deserve(void **state)
{
	(void)state;
	struct snapshot *s = world_new(&world);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct message_case *c = &cases[i];
		uint8_t message[600];
		struct answer_facts facts;
		size_t n =
		    answer_to(s, message, hex_read(c->hex, message, sizeof(message)), &facts);
		if ((n == 0) != (c->rcode < 0) || (n != 0 && facts.rcode != c->rcode) ||
		    (c->bytes != 0 && n != c->bytes))
			fail_msg("%s: rcode %u, %zu octets", c->why, facts.rcode, n);
		if (n == 0)
			continue;
		assert_int_equal(get_u16(out), 0x1234);
		assert_true(out[2] & 0x80);
		assert_int_equal(out[3] & 0x0f, c->rcode & 0x0f);
	}
	snapshot_free(s);
}

static void recursion_desired_comes_back_and_nothing_else_is_promised(void **state)
{
	(void)state;
	struct snapshot *s = world_new(&world);
	uint8_t message[100];
	struct answer_facts facts;
	size_t bytes = hex_read("1234 07ff 0001 0000 0000 0000" Q, message, sizeof(message));
	assert_true(answer_to(s, message, bytes, &facts) > 12);
	assert_int_equal(get_u16(out + 2), 0x8500); /* QR AA RD */
	snapshot_free(s);
}

static void the_longest_name_with_the_most_labels_is_answered(void **state)
{
	(void)state;
	struct snapshot *s = world_new(&world);
	uint8_t message[300] = {0x12, 0x34, [5] = 1};
	struct answer_facts facts;
	size_t at = 12;
	for (; at < 12 + 244; at += 2) {
		message[at] = 1;
		message[at + 1] = 'x';
	}
	memcpy(message + at, "\1w\7example\0\0\1\0\1", 15); /* 124 labels in 255 octets */
	assert_int_equal(answer_to(s, message, 12 + 255 + 4, &facts), 12 + 255 + 4 + 16);
	assert_int_equal(facts.rcode, RCODE_NOERROR);
	snapshot_free(s);
}

/* A generator that gives the same numbers on every machine (xorshift). */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_messages_never_crash_and_answers_always_parse(void **state)
{
	(void)state;
	static const char *const seeds[] = {"mail.example. A +edns=1232", "www.example. AAAA",
	    "x.w.example. A", "x.sub.example. MX", "c.d.e.example. TXT",
	    "loop.example. A +edns=512"};
	struct snapshot *s = world_new(&world);
	uint64_t seed = 42;
	size_t parsed = 0;
	for (size_t i = 0; i < 60000; i++) {
		struct question q;
		struct answer_facts facts;
		ldns_pkt *p;
		question_parse(&q, seeds[random_next(&seed) % (sizeof(seeds) / sizeof(seeds[0]))]);
		for (size_t j = random_next(&seed) % 4; j > 0; j--)
			q.wire[random_next(&seed) % q.bytes] = (uint8_t)random_next(&seed);
		if (random_next(&seed) % 4 == 0)
			q.bytes = random_next(&seed) % q.bytes;
		size_t n = answer_to(s, q.wire, q.bytes, &facts);
		if (n == 0)
			continue;
		assert_true(n >= 12);
		if (ldns_wire2pkt(&p, out, n) != LDNS_STATUS_OK)
			fail_msg("round %zu: ldns can not read the answer", i);
		ldns_pkt_free(p);
		parsed++;
	}
	assert_true(parsed > 30000);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_messages_get_what_they_deserve),
	    cmocka_unit_test(recursion_desired_comes_back_and_nothing_else_is_promised),
	    cmocka_unit_test(the_longest_name_with_the_most_labels_is_answered),
	    cmocka_unit_test(random_messages_never_crash_and_answers_always_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
