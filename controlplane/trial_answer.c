/* What an answer says about a question of a trial. */
#include "controlplane/trial_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { RECORDS = 512 }; /* of one RRset */

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "rdata; rdata": sorted, in canonical form (RFC 4034 section 6.2), so that equal sets are equal.
 */
static bool records_write(const ldns_rr_list *records, uint16_t kind, struct buf *out)
{
	char *lines[RECORDS];
	size_t count = 0, all = ldns_rr_list_rr_count(records);

	for (size_t i = 0; i < all; i++) {
		ldns_rr *rr = ldns_rr_clone(ldns_rr_list_rr(records, i));
		struct buf line = {0};
		if (rr == NULL || (uint16_t)ldns_rr_get_type(rr) != kind || count == RECORDS) {
			ldns_rr_free(rr);
			continue;
		}
		ldns_rr2canonical(rr);
		for (size_t j = 0; j < ldns_rr_rd_count(rr); j++) {
			char *text = ldns_rdf2str(ldns_rr_rdf(rr, j));
			buf_printf(&line, "%s%s", j > 0 ? " " : "", text != NULL ? text : "?");
			free(text);
		}
		lines[count++] = mem_strdup(buf_text(&line));
		buf_free(&line);
		ldns_rr_free(rr);
	}
	if (count > 1)
		qsort(lines, count, sizeof(lines[0]), text_compare);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "%s%s", i > 0 ? "; " : "", lines[i]);
		free(lines[i]);
	}
	return count < RECORDS;
}

static bool expected_write(const struct core_trial_question *q, struct buf *out)
{
	ldns_rr_list *records = ldns_rr_list_new();
	const char *at = q->expected != NULL ? q->expected : "";
	bool fine = true;

	while (*at != '\0' && fine) {
		size_t bytes = strcspn(at, "\n");
		char *line = mem_strndup(at, bytes);
		ldns_rr *rr = NULL;
		fine = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) == LDNS_STATUS_OK;
		if (fine)
			ldns_rr_list_push_rr(records, rr);
		free(line);
		at += bytes + (at[bytes] == '\n');
	}
	fine = fine && records_write(records, q->kind, out);
	ldns_rr_list_deep_free(records);
	return fine;
}

static void failure_set(char failure[static 128], const ldns_pkt *answer)
{
	ldns_lookup_table *name = ldns_lookup_by_id(ldns_rcodes, (int)ldns_pkt_get_rcode(answer));

	snprintf(failure, 128, "it answers %s", name != NULL ? name->name : "an error");
}

static void serial_read(
    const ldns_rr_list *records, struct core_trial_look *look, char failure[static 128])
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(records, i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) < 3)
			continue; /* ldns takes one without rdata */
		look->serial = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
		return;
	}
	snprintf(failure, 128, "it answers without a SOA");
}

void trial_answer_read(const struct core_trial_question *q, const ldns_pkt *answer,
    struct core_trial_look *look, struct buf *answered, struct buf *expected,
    char failure[static 128])
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	const ldns_rr_list *records = ldns_pkt_answer(answer);

	*failure = '\0';
	*look = (struct core_trial_look){
	    .epoch = q->epoch, .owner = q->owner, .kind = q->kind, .failure = failure};
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		failure_set(failure, answer);
	else if (q->kind == LOOK_SOA)
		serial_read(records, look, failure);
	else if (!records_write(records, q->kind, answered) || !expected_write(q, expected))
		snprintf(failure, 128, "its answer can not be compared with the document");
	look->answered = buf_text(answered);
	look->expected = buf_text(expected);
}
