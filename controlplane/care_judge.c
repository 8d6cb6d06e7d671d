/* What of a store's description and of certificates is an alarm, in words for a tired person. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/care.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

__attribute__((format(printf, 3, 4))) static void alarm_add(
    struct care_alarms *out, const char *key, const char *format, ...)
{
	va_list arguments;
	if (out->count == CARE_ALARMS)
		return;
	struct care_alarm *a = &out->items[out->count++];
	*a = (struct care_alarm){0};
	snprintf(a->key, sizeof(a->key), "%s", key);
	va_start(arguments, format);
	vsnprintf(a->text, sizeof(a->text), format, arguments);
	va_end(arguments);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text != NULL ? text : "";
}

static const char *name_of(const json_t *member)
{
	const char *name = text_of(member, "name");
	return *name != '\0' ? name : text_of(member, "id");
}

static json_int_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void silence_judge(
    struct care_alarms *out, const json_t *member, size_t voters, size_t answering)
{
	char key[160];
	const char *why = json_string_value(json_array_get(json_object_get(member, "troubles"), 0));
	size_t needed = voters / 2 + 1;
	snprintf(key, sizeof(key), "store-member/%.100s", name_of(member));
	if (*text_of(member, "endpoint") == '\0')
		alarm_add(out, key,
		    "this controller's configuration has no endpoint of etcd's member %.60s: add "
		    "it, or "
		    "remove the member (docs/operations)",
		    name_of(member));
	else if (*text_of(member, "name") == '\0')
		alarm_add(
		    out, key, "etcd's member %.60s was added, but never started", name_of(member));
	else
		alarm_add(out, key,
		    "etcd's member %.60s does not answer (%.150s): %zu of %zu do, %zu are needed",
		    name_of(member), why != NULL ? why : "silent", answering, voters, needed);
}

static void space_judge(struct care_alarms *out, const json_t *member)
{
	char key[160];
	json_int_t quota = number_of(member, "quota_bytes"), bytes = number_of(member, "bytes");
	snprintf(key, sizeof(key), "store-space/%.100s", name_of(member));
	if (quota > 0 && bytes >= quota / 100 * CARE_SPACE_PERCENT)
		alarm_add(out, key,
		    "the file of etcd's member %.60s has %" JSON_INTEGER_FORMAT
		    " MiB of the %" JSON_INTEGER_FORMAT " MiB allowed, %" JSON_INTEGER_FORMAT
		    " MiB of it in use: defragment it, when it is full nothing can be decided "
		    "(docs/operations/store-space.md)",
		    name_of(member), bytes >> 20, quota >> 20,
		    number_of(member, "used_bytes") >> 20);
}

/* "memberID:123 alarm:NOSPACE " stands in every member's answer; once is enough. */
static void raised_judge(struct care_alarms *out, const json_t *members)
{
	bool full = false, corrupt = false;
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *list = json_object_get(json_array_get(members, i), "troubles");
		for (size_t j = 0; j < json_array_size(list); j++) {
			const char *text = json_string_value(json_array_get(list, j));
			full = full || (text != NULL && strstr(text, "NOSPACE") != NULL);
			corrupt = corrupt || (text != NULL && strstr(text, "CORRUPT") != NULL);
		}
	}
	if (full)
		alarm_add(out, "store-full",
		    "etcd is full (NOSPACE): nothing can be decided until it is compacted, "
		    "defragmented and its alarm disarmed (docs/operations/store-space.md)");
	if (corrupt)
		alarm_add(out, "store-corrupt",
		    "etcd found that its members hold different data (CORRUPT): replace the member "
		    "that "
		    "differs (docs/operations/replace-a-controller.md)");
}

/* NULL, or a member that lags behind another in revisions though not in the log. */
static const json_t *differing_member(const json_t *members, const json_t **other)
{
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *a = json_array_get(members, i);
		for (size_t j = 0; j < json_array_size(members); j++) {
			const json_t *b = *other = json_array_get(members, j);
			json_int_t applied = number_of(b, "applied");
			if (applied > 0 && number_of(a, "applied") >= applied &&
			    number_of(a, "revision") < number_of(b, "revision"))
				return a;
		}
	}
	return NULL;
}

unsigned care_differing(const json_t *told, unsigned before)
{
	const json_t *other;
	if (differing_member(json_object_get(told, "members"), &other) == NULL)
		return before > 0 ? before - 1 : 0;
	return before < 2 * CARE_DIFFERING_LOOKS ? before + 1 : before;
}

static void differing_judge(struct care_alarms *out, const json_t *members)
{
	const json_t *other, *member = differing_member(members, &other);
	char who[160] = "";
	if (member != NULL)
		snprintf(who, sizeof(who), " %.60s and %.60s", name_of(member), name_of(other));
	alarm_add(out, "store-differs",
	    "etcd's members%s hold different data, and each decides by its own: keep one, make the "
	    "others anew from it (docs/operations/lost-majority.md)",
	    who);
}

void care_judge_store(struct care_alarms *out, const json_t *told, unsigned differing)
{
	const json_t *members = json_object_get(told, "members");
	const json_t *strangers = json_object_get(told, "strangers");
	size_t voters = 0, answering = 0;
	if (told != NULL && *text_of(told, "error") != '\0')
		alarm_add(out, "store-members", "no member of etcd says who belongs to it: %.200s",
		    text_of(told, "error"));
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		bool voter = !json_is_true(json_object_get(m, "learner"));
		voters += voter;
		answering += voter && json_is_true(json_object_get(m, "answers"));
	}
	for (size_t i = 0; i < json_array_size(members); i++) {
		const json_t *m = json_array_get(members, i);
		if (!json_is_true(json_object_get(m, "answers")))
			silence_judge(out, m, voters, answering);
		space_judge(out, m);
	}
	raised_judge(out, members);
	if (differing >= CARE_DIFFERING_LOOKS)
		differing_judge(out, members);
	for (size_t i = 0; i < json_array_size(strangers); i++) {
		const char *url = json_string_value(json_array_get(strangers, i));
		char key[160];
		snprintf(key, sizeof(key), "store-endpoint/%.100s", url != NULL ? url : "");
		alarm_add(out, key,
		    "the endpoint %.150s of this controller's configuration belongs to no member "
		    "of etcd: "
		    "take it out and restart the controller",
		    url != NULL ? url : "");
	}
}

void care_judge_certificates(struct care_alarms *out, const struct care_certificate *certificates,
    size_t count, int64_t now_ms)
{
	for (size_t i = 0; i < count; i++) {
		const struct care_certificate *c = &certificates[i];
		char key[160];
		if (c->expires_ms == 0 || c->expires_ms - now_ms >= (int64_t)CARE_DAYS * DAY_MS)
			continue;
		snprintf(key, sizeof(key), "certificate/%.140s", c->name);
		if (c->expires_ms <= now_ms)
			alarm_add(out, key,
			    "the certificate %.200s has expired: renew it "
			    "(docs/operations/certificates.md)",
			    c->name);
		else
			alarm_add(out, key,
			    "the certificate %.200s expires in %" PRId64
			    " days: renew it (docs/operations/certificates.md)",
			    c->name, (c->expires_ms - now_ms) / DAY_MS);
	}
}
