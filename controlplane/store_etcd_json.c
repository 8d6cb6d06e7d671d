/* The language of etcd's JSON gateway: 64-bit numbers as strings, keys and values in base64, and
 * everything that has its default value left out. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/base/mem.h"
#include "lib/json.h"

#define BASE64_BYTES(n) (((n) + 2) / 3 * 4)

/* ---- requests ---- */

static void base64_add(struct buf *b, const void *data, size_t bytes)
{
	assert(bytes <= STORE_VALUE_BYTES);
	unsigned char *text = mem_new(BASE64_BYTES(bytes) + 1, 1);
	int length = EVP_EncodeBlock(text, data, (int)bytes);
	buf_add(b, text, (size_t)length);
	free(text);
}

static void field_add(struct buf *b, const char *name, const void *data, size_t bytes)
{
	buf_printf(b, "\"%s\":\"", name);
	base64_add(b, data, bytes);
	buf_puts(b, "\"");
}

static void prefix_add(struct buf *b, const char *prefix)
{
	char *end = store_prefix_end(prefix);
	field_add(b, "key", prefix, strlen(prefix));
	buf_puts(b, ",");
	field_add(b, "range_end", end, strlen(end));
	free(end);
}

char *etcd_range_body(const struct store_range *range, uint64_t at_revision, const char *after_key)
{
	struct buf b = {0};
	buf_puts(&b, "{");
	if (!range->is_prefix) {
		field_add(&b, "key", range->key, strlen(range->key));
	} else if (after_key != NULL) {
		char *end = store_prefix_end(range->key);
		field_add(&b, "key", after_key, strlen(after_key) + 1); /* with its NUL: the next */
		buf_puts(&b, ",");
		field_add(&b, "range_end", end, strlen(end));
		free(end);
	} else {
		prefix_add(&b, range->key);
	}
	if (range->is_prefix)
		buf_printf(&b, ",\"limit\":\"%zu\",\"sort_target\":\"KEY\",\"sort_order\":\"%s\"",
		    range->limit > INT64_MAX ? (size_t)INT64_MAX : range->limit,
		    range->descending ? "DESCEND" : "ASCEND");
	if (at_revision != 0)
		buf_printf(&b, ",\"revision\":\"%" PRIu64 "\"", at_revision);
	if (range->nearby)
		buf_puts(&b, ",\"serializable\":true");
	buf_puts(&b, "}");
	return buf_take(&b);
}

char *etcd_newest_body(const char *prefix)
{
	struct buf b = {0};
	buf_puts(&b, "{");
	prefix_add(&b, prefix);
	buf_puts(&b, ",\"limit\":\"1\",\"sort_target\":\"MOD\",\"sort_order\":\"DESCEND\","
	             "\"keys_only\":true}");
	return buf_take(&b);
}

static void write_add(struct buf *b, const struct store_write *w)
{
	buf_printf(b, "{\"%s\":{", w->value != NULL ? "request_put" : "request_delete_range");
	field_add(b, "key", w->key, strlen(w->key));
	if (w->value != NULL) {
		buf_puts(b, ",");
		field_add(b, "value", w->value, w->bytes);
	}
	buf_puts(b, "}}");
}

char *etcd_txn_body(const struct store_txn *txn)
{
	struct buf b = {0};
	buf_puts(&b, "{\"compare\":[");
	for (size_t i = 0; i < txn->compares_count; i++) {
		const struct store_compare *c = &txn->compares[i];
		buf_puts(&b, i > 0 ? ",{" : "{");
		field_add(&b, "key", c->key, strlen(c->key));
		buf_printf(&b,
		    ",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"%" PRIu64 "\"}",
		    c->modified);
	}
	buf_puts(&b, "],\"success\":[");
	for (size_t i = 0; i < txn->writes_count; i++) {
		if (i > 0)
			buf_puts(&b, ",");
		write_add(&b, &txn->writes[i]);
	}
	buf_puts(&b, "]}");
	return buf_take(&b);
}

char *etcd_watch_body(const char *prefix, uint64_t start_revision)
{
	struct buf b = {0};
	buf_puts(&b, "{\"create_request\":{");
	prefix_add(&b, prefix);
	buf_printf(&b,
	    ",\"start_revision\":\"%" PRIu64 "\",\"fragment\":true,\"progress_notify\":true}}",
	    start_revision);
	return buf_take(&b);
}

/* ---- answers ---- */

int etcd_u64_read(const json_t *object, const char *key, uint64_t *out, struct err *e)
{
	const json_t *value = json_object_get(object, key);
	*out = 0;
	if (value == NULL)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return 0;
	}
	const char *text = json_string_value(value);
	size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
	if (digits == 0 || text[digits] != '\0')
		return err_set(e, E_INVALID, "%s: expected a number", key);
	errno = 0;
	*out = strtoull(text, NULL, 10);
	return errno == 0 ? 0 : err_set(e, E_INVALID, "%s: number too large", key);
}

int etcd_header_read(const json_t *answer, uint64_t *revision, uint64_t *cluster_id, struct err *e)
{
	const json_t *header = json_object_get(answer, "header");
	if (!json_is_object(header))
		return err_set(e, E_INVALID, "no header");
	int result = etcd_u64_read(header, "revision", revision, e);
	if (result == 0)
		result = etcd_u64_read(header, "cluster_id", cluster_id, e);
	return result;
}

/* Absent is empty, as everywhere in the gateway. The caller frees *out, which ends in a NUL. */
static int base64_read(
    const json_t *object, const char *key, size_t max, char **out, size_t *bytes, struct err *e)
{
	const json_t *value = json_object_get(object, key);
	if (value != NULL && !json_is_string(value))
		return err_set(e, E_INVALID, "%s: expected base64", key);
	const char *text = value == NULL ? "" : json_string_value(value);
	size_t length = value == NULL ? 0 : json_string_length(value);
	if (length % 4 != 0 || length > BASE64_BYTES(max))
		return err_set(e, E_INVALID, "%s: no base64 of at most %zu bytes", key, max);
	size_t padding =
	    length == 0 ? 0 : (size_t)((text[length - 1] == '=') + (text[length - 2] == '='));
	char *data = mem_new(length / 4 * 3 + 1, 1);
	int decoded =
	    EVP_DecodeBlock((unsigned char *)data, (const unsigned char *)text, (int)length);
	if (decoded < 0 || (size_t)decoded != length / 4 * 3 ||
	    memchr(text, '=', length - padding) != NULL) {
		free(data);
		return err_set(e, E_INVALID, "%s: no base64", key);
	}
	*bytes = (size_t)decoded - padding;
	data[*bytes] = '\0';
	*out = data;
	return 0;
}

static int kv_read(const json_t *kv, struct etcd_event *out, struct err *e)
{
	size_t key_bytes = 0;
	*out = (struct etcd_event){0};
	if (!json_is_object(kv))
		return err_set(e, E_INVALID, "kv: expected an object");
	int result = base64_read(kv, "key", STORE_KEY_BYTES, &out->key, &key_bytes, e);
	if (result == 0 && (key_bytes == 0 || strlen(out->key) != key_bytes))
		result = err_set(e, E_INVALID, "key: no text");
	if (result == 0)
		result = base64_read(kv, "value", ETCD_LINE_BYTES, &out->value, &out->bytes, e);
	if (result == 0)
		result = etcd_u64_read(kv, "mod_revision", &out->modified, e);
	if (result == 0 && out->modified == 0)
		result = err_set(e, E_INVALID, "mod_revision: expected a revision");
	if (result != 0)
		etcd_event_release(out);
	return result;
}

void etcd_event_release(struct etcd_event *event)
{
	free(event->key);
	free(event->value);
	*event = (struct etcd_event){0};
}

int etcd_event_read(const json_t *event, struct etcd_event *out, struct err *e)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	int result = kv_read(json_object_get(event, "kv"), out, e);
	if (result != 0)
		return result;
	if (type != NULL && strcmp(type, "DELETE") == 0) {
		free(out->value);
		out->value = NULL;
		out->bytes = 0;
	} else if (type != NULL && strcmp(type, "PUT") != 0) {
		etcd_event_release(out);
		return err_set(e, E_INVALID, "type: found '%.20s', expected PUT or DELETE", type);
	}
	return 0;
}

int etcd_kvs_read(const json_t *answer, struct store_found *found, struct err *e)
{
	const json_t *kvs = json_object_get(answer, "kvs");
	if (kvs == NULL)
		return 0;
	if (!json_is_array(kvs))
		return err_set(e, E_INVALID, "kvs: expected an array");
	for (size_t i = 0; i < json_array_size(kvs); i++) {
		struct etcd_event kv;
		int result = kv_read(json_array_get(kvs, i), &kv, e);
		if (result != 0) {
			store_found_free(found);
			return result;
		}
		/* Hands the strings over: values may be large. */
		VEC_PUSH(found->entries, found->count) = (struct store_entry){
		    .key = kv.key, .value = kv.value, .bytes = kv.bytes, .modified = kv.modified};
	}
	return 0;
}

int etcd_newest_read(const json_t *answer, uint64_t *modified, struct err *e)
{
	const json_t *kv = json_array_get(json_object_get(answer, "kvs"), 0);
	*modified = 0;
	return kv == NULL ? 0 : etcd_u64_read(kv, "mod_revision", modified, e);
}
