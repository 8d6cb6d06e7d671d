/* Octets of TXT and PTR records become text, whole or not at all. */
#include "controlplane/look_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/core.h"

static const char spf_version[] = "v=spf1";
enum { VERSION_BYTES = sizeof(spf_version) - 1, LABEL_BYTES = 63, NAME_BYTES = 255 };

bool look_is_text(uint16_t kind)
{
	return kind == LOOK_TXT || kind == LOOK_PTR;
}

static bool text_put(struct look_text *t, const char *octets, size_t bytes, char *failure)
{
	if (bytes > LOOK_TEXT_BYTES - 1 - t->bytes) {
		snprintf(failure, LOOK_FAILURE_BYTES, "it answers with more than %d octets of text",
		    LOOK_TEXT_BYTES - 1);
		return false;
	}
	memcpy(t->text + t->bytes, octets, bytes);
	t->bytes += bytes;
	t->text[t->bytes] = '\0';
	return true;
}

static bool text_put_record(struct look_text *t, char *failure)
{
	return t->count++ == 0 || text_put(t, " ", 1, failure);
}

/* Are they whole strings, one at least, each behind its length (RFC 1035 3.3.14)? */
static bool strings_are_whole(const uint8_t *rdata, size_t bytes)
{
	size_t at = 0;

	while (at < bytes)
		at += 1 + (size_t)rdata[at];
	return at == bytes && bytes > 0;
}

/* Joined, do they begin with v=spf1, and a blank or the end (RFC 7208 4.5)? */
static bool strings_are_spf(const uint8_t *rdata, size_t bytes)
{
	char head[VERSION_BYTES + 1];
	size_t known = 0;

	for (size_t at = 0; at < bytes && known < sizeof(head); at += 1 + (size_t)rdata[at]) {
		size_t want = sizeof(head) - known;
		size_t have = rdata[at] < want ? rdata[at] : want;
		memcpy(head + known, rdata + at + 1, have);
		known += have;
	}
	return known >= VERSION_BYTES && strncasecmp(head, spf_version, VERSION_BYTES) == 0 &&
	       (known == VERSION_BYTES || head[VERSION_BYTES] == ' ');
}

static bool spf_add(struct look_text *t, const uint8_t *rdata, size_t bytes, char *failure)
{
	if (!strings_are_whole(rdata, bytes)) {
		snprintf(failure, LOOK_FAILURE_BYTES, "it answers with a damaged TXT record");
		return false;
	}
	if (!strings_are_spf(rdata, bytes))
		return true;
	if (!text_put_record(t, failure))
		return false;
	for (size_t at = 0; at < bytes; at += 1 + (size_t)rdata[at]) {
		const char *octets = (const char *)rdata + at + 1;
		for (size_t i = 0; i < rdata[at]; i++)
			if (octets[i] < ' ' || octets[i] > '~') {
				snprintf(failure, LOOK_FAILURE_BYTES,
				    "its SPF record has an octet that is not printable ASCII");
				return false;
			}
		if (!text_put(t, octets, rdata[at], failure))
			return false;
	}
	return true;
}

static bool label_add(struct look_text *t, const uint8_t *label, size_t bytes, char *failure)
{
	for (size_t i = 0; i < bytes; i++) {
		char octet[2] = {'\\', (char)tolower(label[i])};
		if (label[i] <= ' ' || label[i] > '~') {
			snprintf(failure, LOOK_FAILURE_BYTES,
			    "its PTR names something with a blank, or an octet that is not "
			    "printable ASCII");
			return false;
		}
		bool escaped = strchr(".\\\"();@$", label[i]) != NULL; /* RFC 1035 5.1 */
		if (!text_put(t, octet + !escaped, 1 + (size_t)escaped, failure))
			return false;
	}
	return text_put(t, ".", 1, failure);
}

static bool name_add(struct look_text *t, const uint8_t *rdata, size_t bytes, char *failure)
{
	size_t at = 0;

	if (t->count == LOOK_TEXT_NAMES) {
		snprintf(failure, LOOK_FAILURE_BYTES, "it answers with more than %d names",
		    LOOK_TEXT_NAMES);
		return false;
	}
	if (!text_put_record(t, failure))
		return false;
	for (; at < bytes && bytes <= NAME_BYTES && rdata[at] > 0 && rdata[at] <= LABEL_BYTES &&
	       rdata[at] < bytes - at;
	     at += 1 + (size_t)rdata[at])
		if (!label_add(t, rdata + at + 1, rdata[at], failure))
			return false;
	if (at + 1 != bytes || rdata[at] != 0) {
		snprintf(failure, LOOK_FAILURE_BYTES, "it answers with a damaged PTR record");
		return false;
	}
	return at > 0 || text_put(t, ".", 1, failure);
}

bool look_text_add(struct look_text *t, uint16_t kind, const uint8_t *rdata, size_t rdata_bytes,
    char failure[static LOOK_FAILURE_BYTES])
{
	return kind == LOOK_TXT ? spf_add(t, rdata, rdata_bytes, failure)
	                        : name_add(t, rdata, rdata_bytes, failure);
}
