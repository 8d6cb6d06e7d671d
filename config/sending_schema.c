/* What may stand in the service document about sending: SPF sets, webhooks, dedicated addresses. */
#include "config/service_schema.h"

static const struct schema_row spf_rows[] = {
    {.name = "terms",
        .type = SCHEMA_LIST,
        .element = SCHEMA_TEXT,
        .required = true,
        .min = 1,
        .max = 256,
        SCHEMA_ITEMS(struct raw_spf_set, terms),
        .description = "terms of RFC 7208 without v=spf1, such as ip4:192.0.2.0/24"},
};
static const struct schema_row spf_key = {.name = "name",
    .type = SCHEMA_DNAME,
    SCHEMA_FIELD(struct raw_spf_set, name),
    .description = "the name that customers include"};
const struct schema_table spf_table = {.name = "SPF set",
    SCHEMA_ROWS(spf_rows),
    .item_bytes = sizeof(struct raw_spf_set),
    .placed = true,
    .key = &spf_key,
    .shorthand = &spf_rows[0],
    .description = "All addresses that may send, whatever their health, published as one TXT "
                   "record. Short form: NAME: [TERM, …]."};

static const struct schema_row site_addresses_rows[] = {
    {.name = "addresses",
        .type = SCHEMA_LIST,
        .element = SCHEMA_ADDRESS,
        .required = true,
        .min = 1,
        .max = 256,
        SCHEMA_ITEMS(struct raw_site_addresses, addresses),
        .description = "addresses in that site"},
};
static const struct schema_row site_addresses_key = {.name = "site",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_site_addresses, site),
    .description = "a site that is no witness"};
const struct schema_table site_addresses_table = {.name = "site's addresses",
    SCHEMA_ROWS(site_addresses_rows),
    .item_bytes = sizeof(struct raw_site_addresses),
    .placed = true,
    .key = &site_addresses_key,
    .shorthand = &site_addresses_rows[0],
    .description = "Short form: SITE: [ADDRESS, …]."};

static const struct schema_row pair_rows[] = {
    {.name = "customer",
        .type = SCHEMA_TEXT,
        .required = true,
        .min = 1,
        .max = SERVICE_CUSTOMER_BYTES - 1,
        SCHEMA_FIELD(struct raw_pair, customer),
        .description = "the customer's number"},
    {.name = "domains",
        .type = SCHEMA_LIST,
        .element = SCHEMA_DNAME,
        .required = true,
        .min = 1,
        .max = 1000,
        SCHEMA_ITEMS(struct raw_pair, domains),
        .description = "sender domains that use the addresses"},
    {.name = "spf",
        .type = SCHEMA_DNAME,
        SCHEMA_FIELD(struct raw_pair, spf),
        .otherwise = "nobody is told to use the addresses",
        .description = "the SPF set of this document that lets all of them send, each by an ip4 or "
                       "ip6 term of its own: then mail hosts are told to use them, make before "
                       "break"},
    {.name = "addresses",
        .type = SCHEMA_TABLE_MAP,
        .table = &site_addresses_table,
        .required = true,
        .min = 1,
        .max = SERVICE_SITES,
        SCHEMA_ITEMS(struct raw_pair, addresses),
        .description = "one or more in every site of one region"},
};
const struct schema_table pair_table = {.name = "pair",
    SCHEMA_ROWS(pair_rows),
    .item_bytes = sizeof(struct raw_pair),
    .placed = true,
    .description = "The dedicated sending addresses of one customer."};

static const struct schema_row sending_rows[] = {
    {.name = "queue_lifetime",
        .type = SCHEMA_S,
        .preset = "5d",
        .min = 60,
        .max = 30 * 86400,
        SCHEMA_FIELD(struct raw_service, sending.queue_lifetime_s),
        .description = "no mail waits longer in the queue of a mail host: after that an address "
                       "that leaves, and that no host ever reported, is retired"},
    {.name = "quarantine",
        .type = SCHEMA_S,
        .preset = "30d",
        .min = 0,
        .max = 365 * 86400,
        SCHEMA_FIELD(struct raw_service, sending.quarantine_s),
        .description = "a retired address goes to no other customer before"},
};
const struct schema_table sending_table = {.name = "sending",
    SCHEMA_ROWS(sending_rows),
    .description = "How dedicated sending addresses come into use and leave it."};
