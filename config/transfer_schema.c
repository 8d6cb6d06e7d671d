/* What may stand in "transfers:": secondaries, who else may transfer, the catalog zone. */
#include "config/transfer_schema.h"

#include <string.h>

enum { SECONDARIES_MAX = 64, RULES_MAX = 64 };

#define RELOAD "at a reload (SIGHUP)"

#define KEY_DESCRIPTION                                                                            \
	"file of a TSIG key, made by tandem tsig keygen; it is put on each name server, and "      \
	"never "                                                                                   \
	"passes through the controllers"

static const struct schema_row secondary_rows[] = {
    {.name = "address",
        .type = SCHEMA_ADDRESS,
        .required = true,
        SCHEMA_FIELD(struct config_secondary, address),
        .description = "where it transfers from, and where it is told that a zone has changed"},
    {.name = "port",
        .type = SCHEMA_NUMBER,
        .preset = "53",
        .min = 1,
        .max = 65535,
        SCHEMA_FIELD(struct config_secondary, port),
        .description = "where it listens for NOTIFY"},
    {.name = "key",
        .type = SCHEMA_PATH,
        SCHEMA_FIELD(struct config_secondary, key),
        .otherwise = "whoever has the address may transfer, and nothing is signed",
        .description = KEY_DESCRIPTION},
    {.name = "zones",
        .type = SCHEMA_LIST,
        .element = SCHEMA_DNAME,
        SCHEMA_ITEMS(struct config_secondary, zones),
        .min = 1,
        .max = SERVICE_ZONES,
        .otherwise = "all zones, the catalog zone too",
        .description = "the zones it may transfer"},
    {.name = "notify",
        .type = SCHEMA_BOOL,
        .preset = "true",
        SCHEMA_FIELD(struct config_secondary, notify),
        .description = "whether it is told (NOTIFY, RFC 1996) that a zone has changed"},
};
static const struct schema_table secondary_table = {.name = "secondary",
    SCHEMA_ROWS(secondary_rows),
    .item_bytes = sizeof(struct config_secondary),
    .reload = RELOAD,
    .description = "A name server that takes over zones from this one: from its address, and with "
                   "its key if it has one."};

static const struct schema_row rule_rows[] = {
    {.name = "from",
        .type = SCHEMA_LIST,
        .element = SCHEMA_PREFIX,
        SCHEMA_ITEMS(struct config_transfer_rule, from),
        .min = 1,
        .max = 64,
        .otherwise = "anywhere, with the key",
        .description = "networks it may come from"},
    {.name = "key",
        .type = SCHEMA_PATH,
        SCHEMA_FIELD(struct config_transfer_rule, key),
        .otherwise = "none is needed from these networks",
        .description = KEY_DESCRIPTION},
    {.name = "zones",
        .type = SCHEMA_LIST,
        .element = SCHEMA_DNAME,
        SCHEMA_ITEMS(struct config_transfer_rule, zones),
        .min = 1,
        .max = SERVICE_ZONES,
        .otherwise = "all zones, the catalog zone too",
        .description = "the zones that may be transferred"},
};
static const struct schema_table rule_table = {.name = "allow",
    SCHEMA_ROWS(rule_rows),
    .item_bytes = sizeof(struct config_transfer_rule),
    .reload = RELOAD,
    .description = "Somebody besides the secondaries who may transfer zones: all that is given "
                   "must hold, and network or key must be given."};

static const struct schema_row catalog_rows[] = {
    {.name = "name",
        .type = SCHEMA_DNAME,
        .required = true,
        SCHEMA_FIELD(struct config_dnsd, member_zones.name),
        .description = "the catalog zone's own name; nobody delegates to it"},
    {.name = "zones",
        .type = SCHEMA_LIST,
        .element = SCHEMA_DNAME,
        SCHEMA_ITEMS(struct config_dnsd, member_zones.zones),
        .min = 1,
        .max = SERVICE_ZONES,
        .otherwise = "all zones",
        .description = "its members"},
    {.name = "group",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 255,
        .otherwise = "no such property",
        SCHEMA_FIELD(struct config_dnsd, member_zones.group),
        .description = "group property of all members: which template a secondary configures "
                       "them with"},
    {.name = "serial",
        .type = SCHEMA_NUMBER,
        .preset = "0",
        .min = 0,
        .max = 2147483647,
        SCHEMA_FIELD(struct config_dnsd, member_zones.serial),
        .description = "added to the serial of the catalog zone, which is the revision of the "
                       "service document; without controllers the serial is this number, or, for "
                       "0, the time of the last change to this file. To be raised whenever zones "
                       "or group change here"},
};
static const struct schema_table catalog_table = {.name = "catalog zone",
    SCHEMA_ROWS(catalog_rows),
    .reload = RELOAD,
    .description = "A zone that lists zones (RFC 9432, version 2), so that a secondary takes over "
                   "those that come and gives up those that go, without a word in its file."};

static const struct schema_row transfers_rows[] = {
    {.name = "secondaries",
        .type = SCHEMA_TABLE_LIST,
        .table = &secondary_table,
        SCHEMA_ITEMS(struct config_dnsd, secondaries),
        .min = 1,
        .max = SECONDARIES_MAX,
        .otherwise = "nobody is told of changes",
        .description = "name servers that take over zones from this one"},
    {.name = "allow",
        .type = SCHEMA_TABLE_LIST,
        .table = &rule_table,
        SCHEMA_ITEMS(struct config_dnsd, transfer_rules),
        .min = 1,
        .max = RULES_MAX,
        .otherwise = "only the secondaries may transfer",
        .description = "who else may transfer zones"},
    {.name = "catalog",
        .type = SCHEMA_TABLE,
        .table = &catalog_table,
        .otherwise = "there is none",
        .description = "a catalog zone"},
    {.name = "parallel",
        .type = SCHEMA_NUMBER,
        .preset = "32",
        .min = 1,
        .max = 1024,
        SCHEMA_FIELD(struct config_dnsd, transfers_parallel),
        .reload = "at a restart",
        .description = "transfers under way at the same time; one more is told to come again"},
    {.name = "longest",
        .type = SCHEMA_MS,
        .preset = "30m",
        .min = 1000,
        .max = 86400000,
        SCHEMA_FIELD(struct config_dnsd, transfers_longest_ms),
        .reload = "at a restart",
        .description = "how long a transfer may take as a whole; one that is still under way then, "
                       "because its reader takes it drop by drop, is cut"},
    {.name = "history",
        .type = SCHEMA_NUMBER,
        .preset = "64",
        .min = 0,
        .max = 4096,
        SCHEMA_FIELD(struct config_dnsd, transfer_history),
        .description = "states served before that a secondary may be behind and still get the "
                       "difference (IXFR); beyond it, and after a restart, it gets the zone"},
    {.name = "history_size",
        .type = SCHEMA_NUMBER,
        .preset = "64",
        .min = 0,
        .max = 65536,
        .unit = "MiB",
        SCHEMA_FIELD(struct config_dnsd, transfer_history_mib),
        .description =
            "memory for catalogs that are no longer served, which a change of the zones "
            "or names leaves behind in the history; one that is larger ends it. A change "
            "of health or a drain needs next to none"},
};
const struct schema_table transfers_table = {.name = "transfers",
    SCHEMA_ROWS(transfers_rows),
    .reload = RELOAD,
    .description = "Zones for other name servers: transfers (AXFR, IXFR), NOTIFY, TSIG and catalog "
                   "zones. Who is not named here is refused."};

static const struct yaml_node *list_item(
    const struct yaml_node *transfers, const char *list, size_t index)
{
	const struct yaml_node *items = yaml_value(transfers, list);
	return items && index < items->children_count ? items->children[index] : transfers;
}

static void secondaries_check(
    const struct yaml_node *transfers, const struct config_dnsd *c, struct report *r)
{
	for (size_t i = 0; i < c->secondaries_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct config_secondary *a = &c->secondaries[i],
			                              *b = &c->secondaries[j];
			if (a->address.family == 0 || a->port != b->port ||
			    !addr_equal(&a->address, &b->address))
				continue;
			char text[ADDR_TEXT_BYTES];
			report_add(r, list_item(transfers, "secondaries", i)->mark,
			    "secondary %s port %u again, expected it once (first in line %zu)",
			    addr_format(&a->address, text), a->port,
			    list_item(transfers, "secondaries", j)->mark.line);
			break;
		}
}

static void catalog_check(
    const struct yaml_node *transfers, const struct config_dnsd *c, struct report *r)
{
	const struct config_member_zones *m = &c->member_zones;
	if (!m->name)
		return;
	for (size_t i = 0; i < c->zones_count; i++)
		if (c->zones[i].name && strcmp(c->zones[i].name, m->name) == 0)
			report_add(r, yaml_value(transfers, "catalog")->mark,
			    "catalog zone %s is one of the zones too, expected a name of its own",
			    m->name);
	for (size_t i = 0; i < m->zones_count; i++)
		if (m->zones[i] && strcmp(m->zones[i], m->name) == 0)
			report_add(r, yaml_value(transfers, "catalog")->mark,
			    "catalog zone %s lists itself, expected other zones", m->name);
}

static bool is_served(const struct config_dnsd *c, const char *zone)
{
	const char *catalog = c->member_zones.name;
	if (!zone || (catalog && strcmp(zone, catalog) == 0))
		return true;
	for (size_t i = 0; i < c->zones_count; i++)
		if (c->zones[i].name && strcmp(c->zones[i].name, zone) == 0)
			return true;
	return false;
}

/* Alone, all zones stand in the file: another name in a list is a mistake that would be noticed
 * late, when the zone is missing on a secondary. */
static void list_check(const struct yaml_node *item, char *const *zones, size_t count,
    const struct config_dnsd *c, struct report *r)
{
	for (size_t i = 0; c->zones_count > 0 && i < count; i++)
		if (!is_served(c, zones[i]))
			report_add(r, item->mark,
			    "zones: %s is not one of this server's, expected "
			    "those only",
			    zones[i]);
}

static void lists_check(
    const struct yaml_node *transfers, const struct config_dnsd *c, struct report *r)
{
	for (size_t i = 0; i < c->secondaries_count; i++)
		list_check(list_item(transfers, "secondaries", i), c->secondaries[i].zones,
		    c->secondaries[i].zones_count, c, r);
	for (size_t i = 0; i < c->transfer_rules_count; i++)
		list_check(list_item(transfers, "allow", i), c->transfer_rules[i].zones,
		    c->transfer_rules[i].zones_count, c, r);
	if (c->member_zones.zones_count > 0)
		list_check(yaml_value(transfers, "catalog"), c->member_zones.zones,
		    c->member_zones.zones_count, c, r);
}

void transfers_check(
    const struct yaml_node *root, const struct config_dnsd *config, struct report *r)
{
	const struct yaml_node *transfers = yaml_value(root, "transfers");
	if (!transfers || transfers->kind != YAML_MAP)
		return;
	for (size_t i = 0; i < config->transfer_rules_count; i++) {
		const struct yaml_node *item = list_item(transfers, "allow", i);
		if (item->kind == YAML_MAP && !yaml_value(item, "from") && !yaml_value(item, "key"))
			report_add(r, item->mark,
			    "neither from nor key, expected at least one: else everybody is "
			    "allowed");
	}
	secondaries_check(transfers, config, r);
	catalog_check(transfers, config, r);
	lists_check(transfers, config, r);
}
