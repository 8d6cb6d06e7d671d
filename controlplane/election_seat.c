/* Reading and writing the two documents of the election. A term that can not be read counts as
 * vacant: somebody must lead, and taking it writes a readable one. */
#include "controlplane/election_seat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "lib/log.h"

#define TERM_BYTES 4096

static void holder_set(struct seat *seat, const char *holder, const char *instance, const char *url)
{
	free(seat->holder);
	free(seat->instance);
	free(seat->url);
	seat->holder = mem_strdup(holder);
	seat->instance = mem_strdup(instance);
	seat->url = mem_strdup(url);
}

void seat_init(struct seat *seat)
{
	*seat = (struct seat){0};
	holder_set(seat, "", "", "");
}

void seat_release(struct seat *seat)
{
	free(seat->holder);
	free(seat->instance);
	free(seat->url);
	*seat = (struct seat){0};
}

static int term_read(struct seat *seat, const struct store_entry *entry, struct err *e)
{
	json_t *document = NULL;
	const char *holder = "", *instance = "", *url = "";
	uint64_t term = 0;
	if (entry->bytes > TERM_BYTES)
		return err_set(e, E_LIMIT, "larger than %d bytes", TERM_BYTES);
	int result = json_parse(entry->value, entry->bytes, &document, e);
	if (result == 0 && !json_is_object(document))
		result = err_set(e, E_INVALID, "found no object");
	if (result == 0)
		result = json_get_u64(document, "term", INT64_MAX, &term, e);
	if (result == 0)
		result = json_get_string(document, "holder", &holder, e);
	if (result == 0)
		result = json_get_string_or(document, "instance", "", &instance, e);
	if (result == 0)
		result = json_get_string_or(document, "url", "", &url, e);
	if (result == 0) {
		seat->term = term;
		holder_set(seat, holder, instance, url);
	}
	json_decref(document);
	return result;
}

static void term_take(struct seat *seat, const struct store_entry *entry)
{
	struct err e;
	seat->term_modified = entry->modified;
	if (term_read(seat, entry, &e) != 0) {
		log_warn("unreadable '%s', taken as vacant: %s", SEAT_TERM_KEY, e.text);
		holder_set(seat, "", "", "");
	}
}

bool seat_take_entry(struct seat *seat, const struct store_entry *entry)
{
	bool deleted = entry->value == NULL;
	if (strcmp(entry->key, SEAT_TERM_KEY) == 0 && entry->modified > seat->term_modified) {
		if (deleted) {
			seat->term_modified = 0;
			holder_set(seat, "", "", "");
		} else {
			term_take(seat, entry);
		}
		return true;
	}
	if (strcmp(entry->key, SEAT_BEAT_KEY) == 0 && entry->modified > seat->beat_modified) {
		seat->beat_modified = deleted ? 0 : entry->modified;
		return true;
	}
	return false;
}

/* A key that the list lacks was deleted, if the list is later than what we know of it. */
bool seat_take_list(
    struct seat *seat, uint64_t revision, const struct store_entry *entries, size_t count)
{
	bool changed = false, has_term = false, has_beat = false;
	for (size_t i = 0; i < count; i++) {
		has_term = has_term || strcmp(entries[i].key, SEAT_TERM_KEY) == 0;
		has_beat = has_beat || strcmp(entries[i].key, SEAT_BEAT_KEY) == 0;
		changed = seat_take_entry(seat, &entries[i]) || changed;
	}
	if (!has_term && seat->term_modified != 0 && revision > seat->term_modified) {
		seat->term_modified = 0;
		holder_set(seat, "", "", "");
		changed = true;
	}
	if (!has_beat && seat->beat_modified != 0 && revision > seat->beat_modified) {
		seat->beat_modified = 0;
		changed = true;
	}
	return changed;
}

char *seat_term_text(uint64_t term, const char *holder, const char *instance, const char *url)
{
	json_t *document = json_pack("{s:I,s:s,s:s,s:s}", "term", (json_int_t)term, "holder",
	    holder, "instance", instance, "url", url);
	char *text = json_text(document);
	json_decref(document);
	return text;
}

char *seat_beat_text(uint64_t term, const char *instance)
{
	return mem_printf("{\"term\":%" PRIu64 ",\"instance\":\"%s\"}", term, instance); /* hex */
}

void seat_set(struct seat *seat, uint64_t revision, uint64_t term, const char *holder,
    const char *instance, const char *url)
{
	seat->term_modified = revision;
	seat->term = term;
	holder_set(seat, holder, instance, url);
}
