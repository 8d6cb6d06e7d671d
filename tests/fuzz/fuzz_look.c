/* libFuzzer: any octets as what a name server answers, also to a question of a trial. The first two
 * octets say what was asked.
 *
 * An answer is a text of the form that is promised, or a failure with a reason; never both. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "controlplane/asker.h"
#include "controlplane/trial_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Each SPF record begins as one, each name ends with a dot. */
static void detail_check(uint16_t kind, const struct look_text *t)
{
	assert(strlen(t->text) == t->bytes && t->bytes < LOOK_TEXT_BYTES);
	assert((t->count == 0) == (t->bytes == 0));
	for (size_t i = 0; i < t->bytes; i++)
		assert(t->text[i] >= ' ' && t->text[i] <= '~');
	if (kind == LOOK_TXT) {
		assert(t->count == 0 || strncasecmp(t->text, "v=spf1", 6) == 0);
		return;
	}
	assert(t->count <= LOOK_TEXT_NAMES);
	size_t names = 0;
	for (size_t i = 0; i < t->bytes; i++) {
		bool ends = i + 1 == t->bytes || t->text[i + 1] == ' ';
		names += ends ? 1 : 0;
		assert(!ends || t->text[i] == '.');
		assert(!isupper((unsigned char)t->text[i]));
	}
	assert(names == t->count);
}

static void trial_check(const struct core_question *q, const ldns_pkt *answer)
{
	const struct core_trial_question question = {.owner = q->owner,
	    .kind = q->kind,
	    .expected = "_spf.example.com. 60 IN TXT \"v=spf1\""};
	struct buf answered = {0}, expected = {0};
	struct core_trial_look look;
	char failure[128];

	trial_answer_read(&question, answer, &look, &answered, &expected, failure);
	assert(look.failure == failure && strlen(failure) < sizeof(failure));
	buf_free(&answered);
	buf_free(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint16_t kinds[] = {LOOK_A, LOOK_SOA, LOOK_PTR, LOOK_TXT, LOOK_AAAA};
	static const char *const owners[] = {"_spf.example.com.", "130.2.0.192.in-addr.arpa.", "."};
	struct asker_room room;
	struct core_look look;
	ldns_pkt *answer = NULL;

	if (bytes < 2)
		return 0;
	const struct core_question q = {.kind = kinds[data[0] % 5],
	    .owner = owners[data[1] % 3],
	    .subject = "",
	    .endpoint = ""};
	if (ldns_wire2pkt(&answer, data + 2, bytes - 2) != LDNS_STATUS_OK)
		return 0;
	asker_judge(&q, answer, &look, &room);
	assert(look.failure == room.failure && strlen(room.failure) < sizeof(room.failure));
	assert(look.addresses_count <= ASKER_ADDRESSES);
	if (*look.failure || !look_is_text(q.kind))
		assert(*look.detail == '\0');
	else
		detail_check(q.kind, &room.text);
	trial_check(&q, answer);
	ldns_pkt_free(answer);
	return 0;
}
