/* SPF terms read as a receiver reads them, as far as that needs no look-up. A term that needs one
 * is taken not to match; but one that would deny then may, and what stands behind it proves
 * nothing. */
#include "core/spf.h"

#include <stdlib.h>
#include <string.h>

enum { TERM_BYTES = 64 }; /* of an ip4 or ip6, with its NUL; longer ones can not be one */

enum term_says {
	TERM_NOTHING, /* about this address */
	TERM_COVERS,
	TERM_DENIES,
	TERM_BROKEN,
};

static bool bits_parse(const char *digits, unsigned most, uint8_t *out)
{
	const size_t bytes = strlen(digits);

	if (bytes < 1 || bytes > 3 || strspn(digits, "0123456789") != bytes ||
	    (bytes > 1 && digits[0] == '0') || strtoul(digits, NULL, 10) > most)
		return false;
	*out = (uint8_t)strtoul(digits, NULL, 10);
	return true;
}

bool spf_network_parse(const char *text, uint8_t family, struct addr_prefix *out)
{
	const uint8_t most = family == 4 ? 32 : 128;
	const size_t bytes = strcspn(text, "/");
	char address[ADDR_TEXT_BYTES];
	struct addr_prefix found = {.bits = most};

	if (bytes >= sizeof(address))
		return false;
	memcpy(address, text, bytes);
	address[bytes] = '\0';
	if (addr_parse(address, &found.address, NULL) != 0 || found.address.family != family)
		return false;
	if (text[bytes] == '/' && !bits_parse(text + bytes + 1, most, &found.bits))
		return false;
	found.address = addr_mask(&found.address, found.bits);
	*out = found;
	return true;
}

/* `word` is in lower case. */
static bool word_is(const char *name, size_t bytes, const char *word)
{
	if (bytes != strlen(word))
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]) != word[i])
			return false;
	return true;
}

static bool needs_look_up(const char *name, size_t bytes)
{
	static const char *const words[] = {"a", "exists", "include", "mx", "ptr"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word_is(name, bytes, words[i]))
			return true;
	return false;
}

static enum term_says network_says(
    const char *value, size_t bytes, uint8_t family, bool denies, const struct addr *a)
{
	struct addr_prefix network;
	char text[TERM_BYTES];

	if (bytes >= sizeof(text))
		return TERM_BROKEN;
	memcpy(text, value, bytes);
	text[bytes] = '\0';
	if (!spf_network_parse(text, family, &network))
		return TERM_BROKEN;
	if (!addr_is_inside(a, &network))
		return TERM_NOTHING;
	return denies ? TERM_DENIES : TERM_COVERS;
}

static enum term_says term_says(const char *term, size_t bytes, const struct addr *a)
{
	const bool qualified = bytes > 0 && strchr("+-~?", term[0]) != NULL;
	const bool denies = qualified && term[0] != '+';
	const char *name = term + (qualified ? 1 : 0), *end = term + bytes;
	size_t name_bytes = 0;

	while (name + name_bytes < end && strchr(":=/", name[name_bytes]) == NULL)
		name_bytes++;
	const char *value = name + name_bytes;

	if (value < end && *value == '=') /* a modifier; redirect counts where nothing matches */
		return qualified || name_bytes == 0 ? TERM_BROKEN : TERM_NOTHING;
	if (word_is(name, name_bytes, "ip4") || word_is(name, name_bytes, "ip6")) {
		if (value == end || *value != ':')
			return TERM_BROKEN;
		return network_says(
		    value + 1, (size_t)(end - value - 1), (uint8_t)(name[2] - '0'), denies, a);
	}
	if (word_is(name, name_bytes, "all")) /* whoever lets everybody send proves nothing */
		return value == end ? TERM_DENIES : TERM_BROKEN;
	if (!needs_look_up(name, name_bytes))
		return TERM_BROKEN;
	return denies ? TERM_DENIES : TERM_NOTHING;
}

bool spf_term_covers(const char *term, const struct addr *a)
{
	return term_says(term, strlen(term), a) == TERM_COVERS;
}

/* What the terms up to and with this one say, for what those before it do. A term that can not be
 * read spoils the record wherever it stands (RFC 7208 4.6). */
static enum term_says join(enum term_says before, enum term_says term)
{
	if (before == TERM_BROKEN || term == TERM_BROKEN)
		return TERM_BROKEN;
	return before == TERM_NOTHING ? term : before;
}

enum spf_says spf_record_says(const char *records, const struct addr *a)
{
	enum term_says says = TERM_NOTHING;
	size_t found = 0;

	for (const char *at = records; *(at += strspn(at, " ")) != '\0';) {
		const size_t bytes = strcspn(at, " ");

		if (word_is(at, bytes, "v=spf1"))
			found++;
		else if (found > 0)
			says = join(says, term_says(at, bytes, a));
		at += bytes;
	}
	if (found != 1)
		return found == 0 ? SPF_NONE : SPF_SEVERAL;
	return says == TERM_COVERS ? SPF_COVERS : SPF_LACKS;
}

bool spf_set_covers(const struct service *s, const char *set_name, const struct addr *a)
{
	for (size_t i = 0; i < s->spf_sets_count; i++) {
		const struct service_spf_set *set = &s->spf_sets[i];
		enum term_says says = TERM_NOTHING;

		if (!set->name || strcmp(set->name, set_name) != 0)
			continue;
		for (size_t j = 0; j < set->terms_count; j++) /* NULL: refused already */
			if (set->terms[j])
				says =
				    join(says, term_says(set->terms[j], strlen(set->terms[j]), a));
		return says == TERM_COVERS;
	}
	return false;
}

static const struct service_spf_set *set_find(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->spf_sets_count; i++)
		if (s->spf_sets[i].name && strcmp(s->spf_sets[i].name, name) == 0)
			return &s->spf_sets[i];
	return NULL;
}

/* The set of the document that a term includes; NULL: it includes none, or one elsewhere. */
static const struct service_spf_set *set_included(const struct service *s, const char *term)
{
	const char *at = *term == '+' ? term + 1 : term, *colon = strchr(at, ':');
	char name[256];
	size_t bytes;

	if (!colon || !word_is(at, (size_t)(colon - at), "include"))
		return NULL;
	bytes = strlen(++colon);
	bytes -= bytes > 0 && colon[bytes - 1] == '.';
	if (bytes == 0 || bytes + 2 > sizeof(name))
		return NULL;
	for (size_t i = 0; i < bytes; i++)
		name[i] =
		    colon[i] >= 'A' && colon[i] <= 'Z' ? (char)(colon[i] - 'A' + 'a') : colon[i];
	memcpy(name + bytes, ".", 2);
	return set_find(s, name);
}

bool spf_set_reaches(const struct service *s, const char *from, const char *to)
{
	enum { LOOK_UPS = 10 };
	const struct service_spf_set *queue[LOOK_UPS + 1] = {set_find(s, from)};
	size_t count = queue[0] ? 1 : 0;

	for (size_t at = 0; at < count; at++) {
		if (strcmp(queue[at]->name, to) == 0)
			return true;
		for (size_t j = 0; j < queue[at]->terms_count && count <= LOOK_UPS; j++) {
			const struct service_spf_set *next =
			    queue[at]->terms[j] ? set_included(s, queue[at]->terms[j]) : NULL;
			if (next)
				queue[count++] = next;
		}
	}
	return false;
}
