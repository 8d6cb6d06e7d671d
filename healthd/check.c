/* Copying and comparing checks; the strings are walked through one table. */
#include "healthd/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static const size_t strings[] = {
    offsetof(struct service_check, name),
    offsetof(struct service_check, ehlo),
    offsetof(struct service_check, tls_name),
    offsetof(struct service_check, tls_ca),
    offsetof(struct service_check, mail_from),
    offsetof(struct service_check, rcpt_to),
    offsetof(struct service_check, user),
    offsetof(struct service_check, password_file),
    offsetof(struct service_check, host),
    offsetof(struct service_check, path),
    offsetof(struct service_check, expect_body),
};
#define STRINGS (sizeof(strings) / sizeof(strings[0]))

static char *string_get(const struct service_check *c, size_t i)
{
	char *s;
	memcpy(&s, (const char *)c + strings[i], sizeof(s));
	return s;
}

static void string_set(struct service_check *c, size_t i, char *s)
{
	memcpy((char *)c + strings[i], &s, sizeof(s));
}

void check_copy(struct service_check *to, const struct service_check *from)
{
	*to = *from;
	for (size_t i = 0; i < STRINGS; i++) {
		const char *s = string_get(from, i);
		string_set(to, i, s != NULL ? mem_strdup(s) : NULL);
	}
}

void check_release(struct service_check *c)
{
	for (size_t i = 0; i < STRINGS; i++) {
		free(string_get(c, i));
		string_set(c, i, NULL);
	}
}

bool check_equal(const struct service_check *a, const struct service_check *b)
{
	for (size_t i = 0; i < STRINGS; i++) {
		const char *s = string_get(a, i), *t = string_get(b, i);
		if ((s == NULL) != (t == NULL) || (s != NULL && strcmp(s, t) != 0))
			return false;
	}
	return a->type == b->type && a->port == b->port && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->jitter_percent == b->jitter_percent &&
	       a->fall == b->fall && a->rise == b->rise && a->expire_ms == b->expire_ms &&
	       a->starttls == b->starttls && a->tls_days == b->tls_days &&
	       a->expect_status_min == b->expect_status_min &&
	       a->expect_status_max == b->expect_status_max &&
	       a->max_latency_ms == b->max_latency_ms;
}
