/* For the tests of answers: a small world of zones and pools, questions in one line, and answers as
 * ldns, a reader that is not ours, understands them. */
#ifndef TANDEM_TESTS_DNSD_ASK_H
#define TANDEM_TESTS_DNSD_ASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "dnsd/answer.h"
#include "dnsd/octets.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

struct world_zone {
	const char *name;
	const char *const *records; /* NULL-terminated */
	uint32_t serial_base;
};

struct world {
	const struct world_zone *zones;
	size_t zones_count;
	const struct view_name *names;
	size_t names_count;
	const struct view_pool *pools;
	size_t pools_count;
	uint64_t epoch;
};

static inline int world_build(const struct world *w, struct snapshot **out, struct err *e)
{
	struct zone_data *zones[16] = {0};
	struct catalog *c = NULL;
	struct pooltable *pools = NULL;
	int r = 0;
	assert_true(w->zones_count <= 16);
	*out = NULL;
	for (size_t i = 0; r == 0 && i < w->zones_count; i++) {
		const struct world_zone *z = &w->zones[i];
		char mname[300], rname[300];
		bool root = strcmp(z->name, ".") == 0;
		(void)snprintf(mname, sizeof(mname), "ns1.%s", root ? "" : z->name);
		(void)snprintf(rname, sizeof(rname), "host.%s", root ? "" : z->name);
		struct view_zone v = {.name = (char *)(uintptr_t)z->name,
		    .ttl_s = 300,
		    .soa_mname = mname,
		    .soa_rname = rname,
		    .soa_refresh_s = 1,
		    .soa_retry_s = 2,
		    .soa_expire_s = 3,
		    .soa_minimum_s = 60,
		    .serial_base = z->serial_base,
		    .records = (char **)(uintptr_t)z->records};
		while (z->records && z->records[v.records_count])
			v.records_count++;
		r = zone_data_read_view(&v, &zones[i], e);
	}
	struct catalog_input in = {.zones = zones,
	    .zones_count = w->zones_count,
	    .names = w->names,
	    .names_count = w->names_count,
	    .pools = w->pools,
	    .pools_count = w->pools_count};
	if (r == 0)
		r = catalog_build(&in, &c, e);
	if (r == 0)
		r = pooltable_build(c, w->pools, w->pools_count, &pools, e);
	if (r == 0)
		*out = snapshot_new(c, pools, w->epoch);
	else
		catalog_drop(c);
	for (size_t i = 0; i < w->zones_count; i++)
		zone_data_free(zones[i]);
	return r;
}

static inline struct snapshot *world_new(const struct world *w)
{
	struct snapshot *s;
	struct err e = {0};
	if (world_build(w, &s, &e) != 0)
		fail_msg("%s", e.text);
	return s;
}

/* "name type [+edns=BYTES] [+do] [+tcp]" */
struct question {
	uint8_t wire[600];
	size_t bytes;
	bool tcp;
};

static inline void question_parse(struct question *q, const char *text)
{
	char name[300], type[32], options[64] = "";
	struct name n;
	assert_true(sscanf(text, "%299s %31s %63[^\n]", name, type, options) >= 2);
	memset(q, 0, sizeof(*q));
	/* Case matters here: parse folds, so the text is laid down by hand. */
	ldns_rdf *owner = ldns_dname_new_frm_str(name);
	assert_non_null(owner);
	assert_true(name_read(&n, ldns_rdf_data(owner), ldns_rdf_size(owner)));
	put_u16(q->wire, 0x1234);
	put_u16(q->wire + 4, 1);
	memcpy(q->wire + 12, ldns_rdf_data(owner), n.bytes);
	ldns_rdf_deep_free(owner);
	q->bytes = 12 + (size_t)n.bytes;
	put_u16(q->wire + q->bytes, (unsigned)ldns_get_rr_type_by_name(type));
	put_u16(q->wire + q->bytes + 2, 1);
	q->bytes += 4;
	const char *edns = strstr(options, "+edns=");
	q->tcp = strstr(options, "+tcp") != NULL;
	if (edns) {
		put_u16(q->wire + 10, 1);
		put_u16(q->wire + q->bytes + 1, TYPE_OPT);
		put_u16(q->wire + q->bytes + 3, (unsigned)atoi(edns + 6));
		if (strstr(options, "+do"))
			q->wire[q->bytes + 7] = 0x80;
		q->bytes += 11;
	}
}

static inline void section_print(struct buf *out, const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(list, i));
		text[strcspn(text, "\n")] = '\0';
		char *class = strstr(text, "\tIN\t");
		assert_non_null(class);
		for (char *t = text; *t; t++)
			*t = *t == '\t' ? ' ' : *t;
		*class = '\0';
		class += 3;
		size_t end = strlen(class);
		while (end > 0 && class[end - 1] == ' ')
			class[--end] = '\0';
		buf_printf(out, "%s%s%s", i ? "; " : "", text, class);
		free(text);
	}
}

/* The answer of `wire` as "RCODE flags | answer | authority | additional", freed by the caller. */
static inline char *answer_text(const uint8_t *wire, size_t bytes)
{
	struct buf out = {0};
	ldns_pkt *p;
	ldns_status status = ldns_wire2pkt(&p, wire, bytes);
	if (status != LDNS_STATUS_OK)
		fail_msg("ldns: %s", ldns_get_errorstr_by_id(status));
	char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(p));
	buf_printf(&out, "%s%s%s", rcode, ldns_pkt_aa(p) ? " aa" : "", ldns_pkt_tc(p) ? " tc" : "");
	free(rcode);
	if (ldns_pkt_edns(p))
		buf_printf(&out, " edns=%u%s%s", ldns_pkt_edns_udp_size(p),
		    ldns_pkt_edns_do(p) ? " do" : "",
		    ldns_pkt_edns_extended_rcode(p) ? " extended" : "");
	buf_puts(&out, " | ");
	section_print(&out, ldns_pkt_answer(p));
	buf_puts(&out, " | ");
	section_print(&out, ldns_pkt_authority(p));
	buf_puts(&out, " | ");
	section_print(&out, ldns_pkt_additional(p));
	ldns_pkt_free(p);
	return buf_take(&out);
}

/* Asks; the answer's text, freed by the caller. */
static inline char *ask(const struct snapshot *s, const char *text, uint32_t turn)
{
	static uint8_t out[MESSAGE_BYTES_MAX];
	struct question q;
	struct answer_facts facts;
	question_parse(&q, text);
	/* On the heap, at its exact size, so that a read too far is seen. */
	uint8_t *wire = mem_dup(q.wire, q.bytes);
	size_t bytes = answer_message(s, wire, q.bytes, q.tcp, turn, out, sizeof(out), &facts);
	assert_true(bytes >= 12);
	assert_int_equal(get_u16(out), 0x1234);
	assert_memory_equal(out + 12, wire + 12, 4); /* the question comes back, its case kept */
	free(wire);
	return answer_text(out, bytes);
}

static inline void expect(const struct snapshot *s, const char *question, const char *wanted)
{
	char *found = ask(s, question, 0);
	if (strcmp(found, wanted) != 0)
		fail_msg("%s\n  expected: %s\n  found:    %s", question, wanted, found);
	free(found);
}

#endif
