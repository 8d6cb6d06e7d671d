/* The sending addresses as they lie in the store, bounds and order checked. What has its default is
 * left out: with thousands of them it would be most of the document. */
#include "wire/state_sender.h"

#include <string.h>

#include "core/service.h"
#include "lib/base/mem.h"
#include "lib/json.h"

enum { NAME_BYTES = 256 };
static const uint64_t latest_ms = 253402300799999; /* the year 9999 */

static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text ? text : "");

	return value ? value : json_string("(not UTF-8)");
}

static json_t *sender_encode(const struct state_sender *s, bool evidence)
{
	char address[ADDR_TEXT_BYTES];
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I}", "address",
	    addr_format(&s->address, address), "site", text_encode(s->site), "customer",
	    text_encode(s->customer), "spf", text_encode(s->spf), "state",
	    sender_state_name(s->state), "since_ms", (json_int_t)s->since_ms, "epoch",
	    (json_int_t)s->epoch, "told", (json_int_t)s->told);

	if (s->used)
		json_object_set_new(o, "used", json_true());
	if (s->left_ms != 0)
		json_object_set_new(o, "left_ms", json_integer((json_int_t)s->left_ms));
	if (s->host)
		json_object_set_new(o, "host", text_encode(s->host));
	if (evidence && s->evidence && *s->evidence)
		json_object_set_new(o, "evidence", text_encode(s->evidence));
	return o;
}

void state_senders_put(json_t *o, const struct state *s, bool evidence)
{
	json_t *list = s->senders_count > 0 ? json_array() : NULL;

	for (size_t i = 0; i < s->senders_count; i++)
		json_array_append_new(list, sender_encode(&s->senders[i], evidence));
	if (list)
		json_object_set_new(o, "senders", list);
}

static int address_decode(const json_t *o, struct addr *out, struct err *e)
{
	const char *text = "";
	int r = json_get_string(o, "address", &text, e);

	if (r == 0 && (r = addr_parse(text, out, e)) != 0)
		err_prefix(e, "address");
	return r;
}

/* An unknown word is no state that one could go on from: what may be done with the address is not
 * known then. */
static int word_decode(const json_t *o, enum sender_state *out, struct err *e)
{
	const char *word = "";
	int r = json_get_string(o, "state", &word, e);

	for (unsigned i = 0; r == 0 && i < SENDER_STATES; i++)
		if (strcmp(word, sender_state_name((enum sender_state)i)) == 0) {
			*out = (enum sender_state)i;
			return 0;
		}
	return r ? r
	         : err_set(
	               e, E_INVALID, "state: found \"%.40s\", expected that of an address", word);
}

/* `fallback` NULL: it must be there, and not be empty. */
static int text_decode(
    const json_t *o, const char *key, size_t bytes, const char *fallback, char **out, struct err *e)
{
	const char *text = "";
	int r = fallback ? json_get_string_or(o, key, fallback, &text, e)
	                 : json_get_string(o, key, &text, e);

	if (r != 0)
		return r;
	if (strlen(text) >= bytes || (!fallback && *text == '\0'))
		return err_set(e, E_INVALID, "%s: found %zu bytes, expected %d to %zu", key,
		    strlen(text), fallback ? 0 : 1, bytes - 1);
	*out = mem_strdup(text);
	return 0;
}

/* `s` was added already: what it has is released with the state, also after an error. */
static int sender_decode(const json_t *o, struct state_sender *s, struct err *e)
{
	uint64_t since_ms = 0, left_ms = 0;
	int r;

	if ((r = word_decode(o, &s->state, e)) != 0 ||
	    (r = text_decode(o, "site", SERVICE_NAME_BYTES, NULL, &s->site, e)) != 0 ||
	    (r = text_decode(o, "customer", SERVICE_CUSTOMER_BYTES, NULL, &s->customer, e)) != 0 ||
	    (r = text_decode(o, "spf", NAME_BYTES, NULL, &s->spf, e)) != 0 ||
	    (r = text_decode(o, "evidence", STATE_TEXT_BYTES, "", &s->evidence, e)) != 0 ||
	    (r = json_get_u64(o, "since_ms", latest_ms, &since_ms, e)) != 0 ||
	    (r = json_get_u64(o, "epoch", INT64_MAX, &s->epoch, e)) != 0 ||
	    (r = json_get_u64(o, "told", INT64_MAX, &s->told, e)) != 0 ||
	    (r = json_get_u64_or(o, "left_ms", latest_ms, 0, &left_ms, e)) != 0 ||
	    (r = json_get_bool_or(o, "used", false, &s->used, e)) != 0)
		return r;
	s->since_ms = (int64_t)since_ms;
	s->left_ms = (int64_t)left_ms;
	return json_object_get(o, "host")
	           ? text_decode(o, "host", SERVICE_NAME_BYTES, NULL, &s->host, e)
	           : 0;
}

static int next_decode(const json_t *o, struct state *s, struct err *e)
{
	const struct state_sender *last =
	    s->senders_count > 0 ? &s->senders[s->senders_count - 1] : NULL;
	struct state_sender sender = {0};
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = address_decode(o, &sender.address, e)) != 0)
		return r;
	if (last && addr_compare(&last->address, &sender.address) >= 0)
		return err_set(e, E_INVALID, "address: out of order or there twice");
	VEC_PUSH(s->senders, s->senders_count) = sender;
	return sender_decode(o, &s->senders[s->senders_count - 1], e);
}

int state_senders_decode(const json_t *o, struct state *s, struct err *e)
{
	const json_t *list = NULL;
	int r = 0;

	if (!json_object_get(o, "senders"))
		return 0;
	r = json_get_array(o, "senders", STATE_SENDERS, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		if ((r = next_decode(json_array_get(list, i), s, e)) != 0)
			err_prefix(e, "senders[%zu]", i);
	return r;
}
