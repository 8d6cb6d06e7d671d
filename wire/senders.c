/* What mail hosts are told and what they report, as JSON. */
#include "wire/senders.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"

enum { WIRE_VERSION = 1 };

static json_t *text_encode(const char *text)
{
	json_t *value = json_string(text ? text : "");

	return value ? value : json_string("(not UTF-8)");
}

json_t *senders_encode(const struct view *v)
{
	json_t *list = json_array();
	char address[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < v->senders_count; i++) {
		const struct view_sender *s = &v->senders[i];
		json_t *o = json_pack("{s:s, s:o, s:o, s:s}", "address",
		    addr_format(&s->address, address), "site", text_encode(s->site), "customer",
		    text_encode(s->customer), "use", view_use_name(s->use));
		if (s->host)
			json_object_set_new(o, "host", text_encode(s->host));
		json_array_append_new(list, o);
	}
	return json_pack("{s:i, s:s, s:I, s:o}", "version", WIRE_VERSION, "cluster", v->cluster,
	    "epoch", (json_int_t)v->epoch, "senders", list);
}

/* It becomes a part of the state, so what it may consist of keeps its size in bounds
 * (core/budget.c). */
static int name_decode(const json_t *o, const char **out, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	int r = json_get_string(o, "name", out, e);

	if (r != 0)
		return r;
	if (**out == '\0' || strlen(*out) >= SERVICE_NAME_BYTES)
		return err_set(e, E_INVALID, "name: found %zu bytes, expected 1 to %d",
		    strlen(*out), SERVICE_NAME_BYTES - 1);
	if (strspn(*out, allowed) != strlen(*out))
		return err_set(
		    e, E_INVALID, "name: expected letters, digits, hyphens, underscores and dots");
	return 0;
}

static int bound_decode(const json_t *o, struct core_bound *out, struct err *e)
{
	const char *address = "";
	uint64_t queued = 0;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = json_get_string(o, "address", &address, e)) != 0)
		return r;
	if ((r = addr_parse(address, &out->address, e)) != 0)
		return err_prefix_code(e, r, "address");
	/* a host that does not count must not be taken for one that is done */
	if ((r = json_get_u64(o, "queued", UINT32_MAX, &queued, e)) != 0)
		return r;
	out->queued = (uint32_t)queued;
	return 0;
}

static int bound_compare(const void *left, const void *right)
{
	const struct core_bound *a = left, *b = right;

	return addr_compare(&a->address, &b->address);
}

static int list_decode(const json_t *list, struct core_bound *items, struct err *e)
{
	const size_t count = json_array_size(list);
	char address[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < count; i++) {
		const int r = bound_decode(json_array_get(list, i), &items[i], e);
		if (r != 0)
			return err_prefix_code(e, r, "bound[%zu]", i);
	}
	qsort(items, count, sizeof(*items), bound_compare);
	for (size_t i = 1; i < count; i++)
		if (addr_equal(&items[i - 1].address, &items[i].address))
			return err_set(e, E_INVALID, "bound: %s is there twice",
			    addr_format(&items[i].address, address));
	return 0;
}

static int head_decode(const json_t *o, struct core_host *out, struct err *e)
{
	uint64_t version = 0;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = json_get_u64(o, "version", UINT32_MAX, &version, e)) != 0)
		return r;
	if (version < 1 || version > WIRE_VERSION)
		return err_set(e, E_INVALID, "version: found %llu, expected at most %d",
		    (unsigned long long)version, WIRE_VERSION);
	if ((r = name_decode(o, &out->name, e)) != 0)
		return r;
	return json_get_u64(o, "epoch", INT64_MAX, &out->epoch, e);
}

int host_decode(const json_t *o, struct core_host *out, struct err *e)
{
	struct core_host host = {0};
	const json_t *list = NULL;
	struct core_bound *items = NULL;
	int r;

	*out = host;
	if ((r = head_decode(o, &host, e)) != 0 ||
	    (r = json_get_array(o, "bound", STATE_SENDERS, &list, e)) != 0)
		return err_prefix_code(e, r, "host");
	items = mem_new(json_array_size(list) + 1, sizeof(*items));
	if ((r = list_decode(list, items, e)) != 0) {
		free(items);
		return err_prefix_code(e, r, "host");
	}
	host.bound = items;
	host.bound_count = json_array_size(list);
	*out = host;
	return 0;
}
