/* What healthd is told to probe and what it and dnsd report, as JSON. */
#include "wire/probes.h"

#include <stdlib.h>
#include <string.h>

#include "core/member.h"
#include "lib/base/mem.h"
#include "lib/json.h"

enum {
	WIRE_VERSION = 1,
	TARGETS_MAX = SERVICE_POOLS * SERVICE_POOL_MEMBERS,
	TEXT_BYTES = 8192, /* of one string in a message */
};

/* The check's texts, one row each: what encode writes, decode reads and free frees. */
static const struct {
	const char *key;
	size_t offset;
} check_texts[] = {
    {"ehlo", offsetof(struct service_check, ehlo)},
    {"tls_name", offsetof(struct service_check, tls_name)},
    {"tls_ca", offsetof(struct service_check, tls_ca)},
    {"mail_from", offsetof(struct service_check, mail_from)},
    {"rcpt_to", offsetof(struct service_check, rcpt_to)},
    {"user", offsetof(struct service_check, user)},
    {"password_file", offsetof(struct service_check, password_file)},
    {"host", offsetof(struct service_check, host)},
    {"path", offsetof(struct service_check, path)},
    {"expect_body", offsetof(struct service_check, expect_body)},
};
#define CHECK_TEXTS (sizeof(check_texts) / sizeof(check_texts[0]))

static char **check_text(struct service_check *c, size_t row)
{
	return (char **)(void *)((char *)c + check_texts[row].offset);
}

/* Its numbers, with the range that a healthd can work with. */
static const struct {
	const char *key;
	size_t offset, bytes;
	uint64_t min, max, fallback;
} check_numbers[] = {
#define NUMBER(field, min, max, fallback)                                                          \
	{                                                                                          \
#field, offsetof(struct service_check, field),                                     \
		    sizeof(((struct service_check *)NULL)->field), min, max, fallback              \
	}
    NUMBER(port, 1, UINT16_MAX, 0),
    NUMBER(interval_ms, 100, 3600000, 1000),
    NUMBER(timeout_ms, 10, 60000, 2000),
    NUMBER(jitter_percent, 0, 100, 0),
    NUMBER(fall, 1, UINT16_MAX, 3),
    NUMBER(rise, 1, UINT16_MAX, 5),
    NUMBER(tls_days, 0, UINT16_MAX, 0),
    NUMBER(expect_status_min, 0, 999, 200),
    NUMBER(expect_status_max, 0, 999, 299),
    NUMBER(max_latency_ms, 0, UINT32_MAX, 0),
#undef NUMBER
};
#define CHECK_NUMBERS (sizeof(check_numbers) / sizeof(check_numbers[0]))

static uint64_t number_read(const struct service_check *c, size_t row)
{
	const char *at = (const char *)c + check_numbers[row].offset;
	uint8_t one;
	uint16_t two;
	uint32_t four;

	switch (check_numbers[row].bytes) {
	case sizeof(one):
		memcpy(&one, at, sizeof(one));
		return one;
	case sizeof(two):
		memcpy(&two, at, sizeof(two));
		return two;
	default:
		memcpy(&four, at, sizeof(four));
		return four;
	}
}

static void number_write(struct service_check *c, size_t row, uint64_t value)
{
	char *at = (char *)c + check_numbers[row].offset;
	uint8_t one = (uint8_t)value;
	uint16_t two = (uint16_t)value;
	uint32_t four = (uint32_t)value;

	switch (check_numbers[row].bytes) {
	case sizeof(one):
		memcpy(at, &one, sizeof(one));
		break;
	case sizeof(two):
		memcpy(at, &two, sizeof(two));
		break;
	default:
		memcpy(at, &four, sizeof(four));
		break;
	}
}

static json_t *check_encode(struct service_check *c)
{
	json_t *o = json_pack("{s:s, s:s}", "name", c->name, "type", check_type_name(c->type));

	for (size_t i = 0; i < CHECK_NUMBERS; i++)
		json_object_set_new(
		    o, check_numbers[i].key, json_integer((json_int_t)number_read(c, i)));
	for (size_t i = 0; i < CHECK_TEXTS; i++)
		if (*check_text(c, i))
			json_object_set_new(o, check_texts[i].key, json_string(*check_text(c, i)));
	if (c->starttls)
		json_object_set_new(o, "starttls", json_true());
	return o;
}

json_t *probe_plan_encode(const struct service *s, uint64_t revision)
{
	json_t *targets = json_array();

	for (size_t p = 0; p < s->pools_count; p++) {
		const struct service_pool *pool = &s->pools[p];
		json_t *checks = json_array();
		for (size_t i = 0; i < pool->checks_count; i++)
			json_array_append_new(checks, check_encode(&pool->checks[i]));
		for (size_t i = 0; i < pool->members_count; i++) {
			char id[MEMBER_ID_BYTES], address[ADDR_TEXT_BYTES];
			json_array_append_new(targets,
			    json_pack("{s:s, s:s, s:s, s:O}", "member", member_id(s, p, i, id),
			        "site", s->sites[pool->members[i].site].name, "address",
			        addr_format(&pool->members[i].address, address), "checks", checks));
		}
		json_decref(checks);
	}
	return json_pack("{s:i, s:I, s:o}", "version", WIRE_VERSION, "revision",
	    (json_int_t)revision, "targets", targets);
}

static int version_check(const json_t *o, struct err *e)
{
	uint64_t version;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	int r = json_get_u64(o, "version", UINT32_MAX, &version, e);
	if (r == 0 && (version < 1 || version > WIRE_VERSION))
		return err_set(e, E_INVALID, "version: found %llu, expected at most %d",
		    (unsigned long long)version, WIRE_VERSION);
	return r;
}

/* A name of 1 … bytes-1 bytes; borrowed. */
static int name_decode(
    const json_t *o, const char *key, size_t bytes, const char **out, struct err *e)
{
	int r = json_get_string(o, key, out, e);

	if (r == 0 && (**out == '\0' || strlen(*out) >= bytes))
		return err_set(e, E_INVALID, "%s: found %zu bytes, expected 1 to %zu", key,
		    strlen(*out), bytes - 1);
	return r;
}

static int type_decode(const json_t *o, enum check_type *out, struct err *e)
{
	const char *word;
	int r = json_get_string(o, "type", &word, e);

	for (unsigned i = CHECK_TCP; r == 0 && i <= CHECK_HTTPS; i++)
		if (strcmp(word, check_type_name((enum check_type)i)) == 0) {
			*out = (enum check_type)i;
			return 0;
		}
	return r ? r
	         : err_set(e, E_INVALID, "type: found \"%.40s\", expected tcp, smtp, http or https",
	               word);
}

static int check_decode(const json_t *o, struct service_check *c, struct err *e)
{
	const char *text;
	uint64_t number;
	int r;

	if ((r = name_decode(o, "name", SERVICE_NAME_BYTES, &text, e)) != 0)
		return r;
	c->name = mem_strdup(text);
	if ((r = type_decode(o, &c->type, e)) != 0 ||
	    (r = json_get_bool_or(o, "starttls", false, &c->starttls, e)) != 0)
		return r;
	for (size_t i = 0; i < CHECK_NUMBERS; i++) {
		r = json_get_u64_or(o, check_numbers[i].key, check_numbers[i].max,
		    check_numbers[i].fallback, &number, e);
		if (r == 0 && number < check_numbers[i].min)
			r = err_set(e, E_INVALID, "%s: found %llu, expected at least %llu",
			    check_numbers[i].key, (unsigned long long)number,
			    (unsigned long long)check_numbers[i].min);
		if (r != 0)
			return r;
		number_write(c, i, number);
	}
	for (size_t i = 0; i < CHECK_TEXTS; i++) {
		r = json_get_string_or(o, check_texts[i].key, NULL, &text, e);
		if (r == 0 && text && strlen(text) >= TEXT_BYTES)
			r = err_set(e, E_INVALID, "%s: too long", check_texts[i].key);
		if (r != 0)
			return r;
		*check_text(c, i) = text ? mem_strdup(text) : NULL;
	}
	return 0;
}

static int target_decode(const json_t *o, struct probe_target *t, struct err *e)
{
	const char *text;
	const json_t *checks;
	int r;

	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if ((r = name_decode(o, "member", MEMBER_ID_BYTES, &text, e)) != 0)
		return r;
	t->member = mem_strdup(text);
	if ((r = name_decode(o, "site", SERVICE_NAME_BYTES, &text, e)) != 0)
		return r;
	t->site = mem_strdup(text);
	if ((r = json_get_string(o, "address", &text, e)) != 0)
		return r;
	if ((r = addr_parse(text, &t->address, e)) != 0) {
		err_prefix(e, "address");
		return r;
	}
	if ((r = json_get_array(o, "checks", SERVICE_POOL_CHECKS, &checks, e)) != 0)
		return r;
	t->checks = mem_new(json_array_size(checks) + 1, sizeof(*t->checks));
	for (size_t i = 0; i < json_array_size(checks); i++) {
		const json_t *check = json_array_get(checks, i);
		t->checks_count++;
		r = json_is_object(check) ? check_decode(check, &t->checks[i], e)
		                          : err_set(e, E_INVALID, "expected an object");
		if (r != 0) {
			err_prefix(e, "checks[%zu]", i);
			return r;
		}
	}
	return 0;
}

int probe_plan_decode(const json_t *o, struct probe_plan **out, struct err *e)
{
	struct probe_plan *p = mem_new(1, sizeof(*p));
	const json_t *targets = NULL;
	int r;

	*out = NULL;
	if ((r = version_check(o, e)) == 0 &&
	    (r = json_get_u64(o, "revision", INT64_MAX, &p->revision, e)) == 0)
		r = json_get_array(o, "targets", TARGETS_MAX, &targets, e);
	if (r == 0)
		p->targets = mem_new(json_array_size(targets) + 1, sizeof(*p->targets));
	for (size_t i = 0; r == 0 && i < json_array_size(targets); i++) {
		p->targets_count++;
		r = target_decode(json_array_get(targets, i), &p->targets[i], e);
		if (r != 0)
			err_prefix(e, "targets[%zu]", i);
	}
	if (r != 0) {
		probe_plan_free(p);
		err_prefix(e, "probe plan");
		return r;
	}
	*out = p;
	return 0;
}

void probe_plan_free(struct probe_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->targets_count; i++) {
		struct probe_target *t = &p->targets[i];
		for (size_t j = 0; j < t->checks_count; j++) {
			for (size_t k = 0; k < CHECK_TEXTS; k++)
				free(*check_text(&t->checks[j], k));
			free(t->checks[j].name);
		}
		free(t->checks);
		free(t->member);
		free(t->site);
	}
	free(p->targets);
	free(p);
}

json_t *observations_encode(
    const char *site, uint64_t revision, const struct core_observation *results, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct core_observation *r = &results[i];
		json_t *detail = json_string(r->detail ? r->detail : "");
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:o}", "member", r->member, "check",
		        r->check, "ok", r->ok, "streak", (json_int_t)r->streak, "age_ms",
		        (json_int_t)r->age_ms, "latency_ms", (json_int_t)r->latency_ms, "detail",
		        detail ? detail : json_string("(not UTF-8)")));
	}
	return json_pack("{s:i, s:s, s:I, s:o}", "version", WIRE_VERSION, "site", site, "revision",
	    (json_int_t)revision, "results", list);
}

static int result_decode(
    const json_t *o, const char *site, struct core_observation *out, struct err *e)
{
	uint64_t streak, age_ms, latency_ms;
	int r;

	*out = (struct core_observation){.vantage = site};
	if (!json_is_object(o))
		return err_set(e, E_INVALID, "expected an object");
	if (!json_is_boolean(json_object_get(o, "ok")))
		return err_set(e, E_INVALID, "ok: expected true or false");
	if ((r = name_decode(o, "member", MEMBER_ID_BYTES, &out->member, e)) != 0 ||
	    (r = name_decode(o, "check", SERVICE_NAME_BYTES, &out->check, e)) != 0 ||
	    (r = json_get_bool_or(o, "ok", false, &out->ok, e)) != 0 ||
	    (r = json_get_u64(o, "streak", UINT32_MAX, &streak, e)) != 0 ||
	    (r = json_get_u64(o, "age_ms", UINT32_MAX, &age_ms, e)) != 0 ||
	    (r = json_get_u64_or(o, "latency_ms", UINT32_MAX, 0, &latency_ms, e)) != 0 ||
	    (r = json_get_string_or(o, "detail", "", &out->detail, e)) != 0)
		return r;
	if (streak == 0)
		return err_set(e, E_INVALID, "streak: found 0, expected at least 1");
	out->streak = (uint32_t)streak;
	out->age_ms = (uint32_t)age_ms;
	out->latency_ms = (uint32_t)latency_ms;
	return 0;
}

int observations_decode(const json_t *o, const char **site, struct core_observation **results,
    size_t *count, struct err *e)
{
	const json_t *list;
	struct core_observation *items = NULL;
	uint64_t revision;
	int r;

	*site = NULL;
	*results = NULL;
	*count = 0;
	if ((r = version_check(o, e)) != 0 ||
	    (r = name_decode(o, "site", SERVICE_NAME_BYTES, site, e)) != 0 ||
	    (r = json_get_u64_or(o, "revision", INT64_MAX, 0, &revision, e)) != 0 ||
	    (r = json_get_array(o, "results", OBSERVATION_RESULTS_MAX, &list, e)) != 0)
		goto refuse;
	items = mem_new(json_array_size(list) + 1, sizeof(*items));
	for (size_t i = 0; i < json_array_size(list); i++)
		if ((r = result_decode(json_array_get(list, i), *site, &items[i], e)) != 0) {
			err_prefix(e, "results[%zu]", i);
			goto refuse;
		}
	*results = items;
	*count = json_array_size(list);
	return 0;
refuse:
	free(items);
	err_prefix(e, "observations");
	return r;
}

json_t *ack_encode(const struct core_ack *a)
{
	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:s, s:s}", "version", WIRE_VERSION, "name",
	    a->name, "epoch", (json_int_t)a->epoch, "revision", (json_int_t)a->revision, "kept",
	    (json_int_t)a->kept, "refused", a->refused ? a->refused : "", "asked_at",
	    a->endpoint ? a->endpoint : "");
}

int ack_decode(const json_t *o, struct core_ack *out, struct err *e)
{
	int r;

	*out = (struct core_ack){0};
	if ((r = version_check(o, e)) != 0 ||
	    (r = name_decode(o, "name", SERVICE_NAME_BYTES, &out->name, e)) != 0 ||
	    (r = json_get_u64(o, "epoch", INT64_MAX, &out->epoch, e)) != 0 ||
	    (r = json_get_u64(o, "revision", INT64_MAX, &out->revision, e)) != 0 ||
	    /* a release that does not say so counts as one whose disk works */
	    (r = json_get_u64_or(o, "kept", INT64_MAX, out->epoch, &out->kept, e)) != 0 ||
	    (r = json_get_string_or(o, "refused", "", &out->refused, e)) != 0 ||
	    (r = json_get_string_or(o, "asked_at", "", &out->endpoint, e)) != 0)
		err_prefix(e, "ack");
	return r;
}
