/* Who may transfer which zone: made from the file, asked by the workers. */
#include "dnsd/transfer_access.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

static struct tsig_key *ring_find(const struct tsig_ring *ring, const struct tsig_key *k)
{
	for (size_t i = 0; i < ring->count; i++)
		if (ring->keys[i].name_bytes == k->name_bytes &&
		    memcmp(ring->keys[i].name, k->name, k->name_bytes) == 0)
			return &ring->keys[i];
	return NULL;
}

/* The key of that file, in the ring; *out stays NULL without a file. The ring has room. */
static int key_read(
    struct tsig_ring *ring, const char *path, const struct tsig_key **out, struct err *e)
{
	struct tsig_key key;
	int r = 0;
	*out = NULL;
	if (!path)
		return 0;
	if (tsig_key_read(path, &key, e) != 0)
		return E_INVALID;
	struct tsig_key *former = ring_find(ring, &key);
	if (former && !tsig_key_equals(former, &key))
		r = err_set(
		    e, E_INVALID, "%s: there is another key with the name \"%s\"", path, key.text);
	else if (!former)
		*(former = &ring->keys[ring->count++]) = key;
	tsig_key_wipe(&key);
	*out = former;
	return r;
}

static int rule_add(struct transfer_access *a, const struct addr_prefix *from, size_t from_count,
    const char *key, char *const *zones, size_t zones_count, struct err *e)
{
	struct transfer_rule *rule = &a->rules[a->rules_count++];
	int r = key_read(&a->ring, key, &rule->key, e);
	rule->from_count = from_count;
	if (from_count > 0)
		rule->from = mem_dup(from, from_count * sizeof(*from));
	rule->zones = mem_new(zones_count + 1, sizeof(*rule->zones));
	for (size_t i = 0; r == 0 && i < zones_count; i++)
		r = name_parse(&rule->zones[rule->zones_count++], zones[i], e);
	return r;
}

int transfer_access_build(
    const struct config_dnsd *config, struct transfer_access *out, struct err *e)
{
	size_t rules = config->secondaries_count + config->transfer_rules_count;
	int r = 0;
	*out = (struct transfer_access){0};
	if (rules == 0)
		return 0;
	out->ring.keys = mem_new(rules, sizeof(*out->ring.keys)); /* the rules point into it */
	out->rules = mem_new(rules, sizeof(*out->rules));
	for (size_t i = 0; r == 0 && i < config->secondaries_count; i++) {
		const struct config_secondary *s = &config->secondaries[i];
		const struct addr_prefix from = {s->address, s->address.family == 4 ? 32 : 128};
		r = rule_add(out, &from, 1, s->key, s->zones, s->zones_count, e);
	}
	for (size_t i = 0; r == 0 && i < config->transfer_rules_count; i++) {
		const struct config_transfer_rule *t = &config->transfer_rules[i];
		r = rule_add(out, t->from, t->from_count, t->key, t->zones, t->zones_count, e);
	}
	if (r != 0) {
		transfer_access_release(out);
		return err_prefix(e, "transfers");
	}
	return 0;
}

void transfer_access_release(struct transfer_access *a)
{
	for (size_t i = 0; i < a->rules_count; i++) {
		free(a->rules[i].from);
		free(a->rules[i].zones);
	}
	for (size_t i = 0; i < a->ring.count; i++)
		tsig_key_wipe(&a->ring.keys[i]);
	free(a->rules);
	free(a->ring.keys);
	*a = (struct transfer_access){0};
}

static bool rule_is_from(const struct transfer_rule *rule, const struct addr *from)
{
	for (size_t i = 0; i < rule->from_count; i++)
		if (addr_is_inside(from, &rule->from[i]))
			return true;
	return rule->from_count == 0;
}

static bool rule_has_zone(const struct transfer_rule *rule, const struct name *zone)
{
	for (size_t i = 0; i < rule->zones_count; i++)
		if (rule->zones[i].bytes == zone->bytes &&
		    memcmp(rule->zones[i].wire, zone->wire, zone->bytes) == 0)
			return true;
	return rule->zones_count == 0;
}

bool transfer_is_allowed(const struct transfer_access *a, const struct name *zone,
    const struct addr *from, const struct tsig_key *key)
{
	for (size_t i = 0; i < a->rules_count; i++) {
		const struct transfer_rule *rule = &a->rules[i];
		/* The same ring or an older one: names are compared, not addresses. */
		bool has_key = !rule->key || (key && tsig_key_equals(rule->key, key));
		if (has_key && rule_is_from(rule, from) && rule_has_zone(rule, zone))
			return true;
	}
	return false;
}
