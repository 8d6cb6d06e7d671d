/* SPF sets (RFC 7208): the terms, how many look-ups they cost, and whether they fit into a record.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/dname.h"
#include "config/service_draft.h"
#include "core/spf.h"
#include "core/state.h"
#include "lib/base/mem.h"

enum { SPF_LOOKUPS = 10, SPF_BYTES = 450 };

static const char *const mechanisms[] = {
    "a", "all", "exists", "exp", "include", "ip4", "ip6", "mx", "redirect"};

struct term {
	const char *name;  /* one of the above */
	const char *value; /* behind : or =; "" for none */
	bool qualified;
};

/* What a term says; E_INVALID with the message. Macros (%{…}) are left to the receivers. */
static int term_parse(const char *text, struct term *out, struct err *e)
{
	const char *name = text + strspn(text, "+-~?");
	const size_t name_bytes = strcspn(name, ":=/");
	const char separator = name[name_bytes];
	char word[16] = "", dname[DNAME_TEXT_BYTES];
	struct addr_prefix network;
	struct buf expected = {0};

	out->qualified = name != text;
	out->value = separator == ':' || separator == '=' ? name + name_bytes + 1 : "";
	out->name = NULL;
	if (name_bytes < sizeof(word))
		memcpy(word, name, name_bytes);
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (strcasecmp(word, mechanisms[i]) == 0)
			out->name = mechanisms[i];
	if (out->name == NULL || name - text > 1) {
		report_choices(
		    &expected, word, mechanisms, sizeof(mechanisms) / sizeof(mechanisms[0]));
		err_set(
		    e, E_INVALID, "SPF term %s, %s", report_quote(text).text, buf_text(&expected));
		buf_free(&expected);
		return E_INVALID;
	}
	const bool modifier = strcmp(out->name, "redirect") == 0 || strcmp(out->name, "exp") == 0;
	const bool named =
	    modifier || strcmp(out->name, "include") == 0 || strcmp(out->name, "exists") == 0;

	if (strcmp(out->name, "all") == 0 && separator != '\0')
		return err_set(
		    e, E_INVALID, "SPF term %s, expected all alone", report_quote(text).text);
	if (modifier && (separator != '=' || out->qualified))
		return err_set(e, E_INVALID, "SPF term %s, expected %s=NAME",
		    report_quote(text).text, out->name);
	if (named && !modifier && separator != ':')
		return err_set(e, E_INVALID, "SPF term %s, expected %s:NAME",
		    report_quote(text).text, out->name);
	if (named && strchr(out->value, '%') == NULL && dname_normalize(out->value, dname, e) != 0)
		return err_prefix(e, "SPF term");
	if ((strcmp(out->name, "ip4") == 0 && !spf_network_parse(out->value, 4, &network)) ||
	    (strcmp(out->name, "ip6") == 0 && !spf_network_parse(out->value, 6, &network)))
		return err_set(e, E_INVALID, "SPF term %s, expected %s and an IPv%c network",
		    report_quote(text).text, out->name, out->name[2]);
	if (strchr(text, ' ') != NULL || strchr(text, '"') != NULL || strchr(text, '\\') != NULL)
		return err_set(e, E_INVALID, "SPF term %s, expected one term without blanks",
		    report_quote(text).text);
	return 0;
}

static bool term_looks_up(const struct term *t)
{
	static const char *const costly[] = {"a", "exists", "include", "mx", "redirect"};

	for (size_t i = 0; i < sizeof(costly) / sizeof(costly[0]); i++)
		if (strcmp(t->name, costly[i]) == 0)
			return true;
	return false;
}

static void terms_check(struct service_draft *d, const struct raw_spf_set *set)
{
	bool all_seen = false;

	for (size_t i = 0; i < set->terms_count; i++) {
		const struct yaml_mark mark = schema_element_mark(&set->place, "terms", i);
		struct err e = {0};
		struct term t;

		if (set->terms[i] == NULL)
			continue;
		if (term_parse(set->terms[i], &t, &e) != 0) {
			report_add(d->report, mark, "%s", e.text);
			continue;
		}
		if (all_seen && strcmp(t.name, "exp") != 0)
			report_add(d->report, mark,
			    "SPF term %s behind all, expected all at the end: it is never reached",
			    report_quote(set->terms[i]).text);
		all_seen = all_seen || strcmp(t.name, "all") == 0;
		for (size_t j = 0; j < i; j++)
			if (set->terms[j] != NULL &&
			    strcasecmp(set->terms[i], set->terms[j]) == 0) {
				report_add(d->report, mark, "SPF term %s again, expected it once",
				    report_quote(set->terms[i]).text);
				break;
			}
	}
}

/* Look-ups of a set with all sets of this document that it includes, walked breadth first. What
 * lies elsewhere counts as one. A set met twice counts twice, as at a receiver; a loop therefore
 * ends at the bound. */
static void lookups_check(
    struct service_draft *d, const struct raw_spf_set *set, const struct name_index *sets)
{
	const struct raw_spf_set *queue[SPF_LOOKUPS + 1] = {set};
	size_t queued = 1, lookups = 0;

	for (size_t at = 0; at < queued; at++)
		for (size_t i = 0; i < queue[at]->terms_count && lookups <= SPF_LOOKUPS; i++) {
			char dname[DNAME_TEXT_BYTES];
			struct term t;

			if (queue[at]->terms[i] == NULL ||
			    term_parse(queue[at]->terms[i], &t, NULL) != 0 || !term_looks_up(&t))
				continue;
			lookups++;
			const size_t next = dname_normalize(t.value, dname, NULL) == 0
			                        ? name_index_find(sets, dname)
			                        : SIZE_MAX;

			if (next != SIZE_MAX && queued <= SPF_LOOKUPS)
				queue[queued++] = &d->raw.spf_sets[next];
		}
	if (lookups > SPF_LOOKUPS)
		report_add(d->report, set->place.key->mark,
		    "SPF set %s needs more than %d look-ups, expected at most that (RFC 7208 "
		    "4.6.4)",
		    set->name, SPF_LOOKUPS);
}

static void size_check(struct service_draft *d, const struct raw_spf_set *set)
{
	size_t bytes = strlen(set->name) + strlen("v=spf1");

	for (size_t i = 0; i < set->terms_count; i++)
		bytes += 1 + (set->terms[i] != NULL ? strlen(set->terms[i]) : 0);
	if (bytes > SPF_BYTES)
		report_add(d->report, set->place.key->mark,
		    "SPF set %s takes %zu bytes with its name, expected at most %d: split it into "
		    "sets that it includes",
		    set->name, bytes, SPF_BYTES);
}

static bool set_is_readable(const struct raw_spf_set *set)
{
	struct term t;

	for (size_t i = 0; i < set->terms_count; i++)
		if (set->terms[i] == NULL || term_parse(set->terms[i], &t, NULL) != 0)
			return false; /* reported already */
	return true;
}

static void site_covered_check(
    struct service_draft *d, const struct raw_site_addresses *list, const struct raw_spf_set *set)
{
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < list->addresses_count; i++) {
		const struct addr *a = &list->addresses[i];

		if (a->family != 0 && !spf_set_covers(d->service, set->name, a))
			report_add(d->report, schema_element_mark(&list->place, "addresses", i),
			    "address %s, which SPF set %s does not let send, expected a term of "
			    "the set that covers it, such as ip%u:%s, before all that deny it",
			    addr_format(a, text), set->name, a->family, text);
	}
}

/* Dedicated addresses that are to be used: the set of their pair lets each of them send. */
static void pairs_check(struct service_draft *d, const struct name_index *sets)
{
	size_t used = 0;

	for (size_t i = 0; i < d->raw.pairs_count; i++) {
		const struct raw_pair *pair = &d->raw.pairs[i];
		const struct yaml_mark mark = schema_mark(&pair->place, "spf");

		if (pair->spf == NULL)
			continue;
		const size_t at = name_index_find(sets, pair->spf);
		const struct raw_spf_set *set = at != SIZE_MAX ? &d->raw.spf_sets[at] : NULL;

		if (set == NULL)
			service_unknown(d, mark, "SPF set", pair->spf, sets);
		for (size_t j = 0; j < pair->addresses_count; j++) {
			const size_t before = used;

			used += pair->addresses[j].addresses_count;
			if (before <= STATE_SENDERS && used > STATE_SENDERS)
				report_add(d->report, mark,
				    "more than %d addresses in pairs with spf, expected at most "
				    "that",
				    STATE_SENDERS);
			if (set != NULL && set_is_readable(set))
				site_covered_check(d, &pair->addresses[j], set);
		}
	}
}

void service_check_spf(struct service_draft *d)
{
	struct name_index sets = {0};

	for (size_t i = 0; i < d->raw.spf_sets_count; i++)
		name_index_add(&sets, d->raw.spf_sets[i].name, i);
	name_index_sort(&sets);
	for (size_t i = 0; i < d->raw.spf_sets_count; i++) {
		const struct raw_spf_set *set = &d->raw.spf_sets[i];
		const size_t first =
		    set->name != NULL ? name_index_find(&sets, set->name) : SIZE_MAX;

		terms_check(d, set);
		if (first == SIZE_MAX)
			continue;
		if (first != i)
			report_add(d->report, set->place.key->mark,
			    "SPF set %s again, expected it once", set->name);
		if (service_zone_of(d, set->name) == SIZE_MAX)
			report_add(d->report, set->place.key->mark,
			    "SPF set %s in no zone of this document, expected a name in one of "
			    "them",
			    set->name);
		size_check(d, set);
		lookups_check(d, set, &sets);
	}
	pairs_check(d, &sets);
	name_index_free(&sets);
}
