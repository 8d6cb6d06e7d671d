/* What may stand in the service document. */
#include "config/service_schema.h"

static const char *const placement_words[] = {"active-active", "primary-peer", "solitary", NULL};
static const char *const check_words[] = {"tcp", "smtp", "http", "https", NULL};

static const struct schema_row site_rows[] = {
    {.name = "region",
        .type = SCHEMA_LABEL,
        SCHEMA_FIELD(struct raw_site, region),
        .otherwise = "the site must be a witness",
        .description = "the region whose other sites back this one up"},
    {.name = "witness",
        .type = SCHEMA_BOOL,
        .preset = "false",
        SCHEMA_FIELD(struct raw_site, witness),
        .description = "votes and probes, but serves no mail and belongs to no region"},
};
static const struct schema_row site_key = {.name = "site",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_site, name),
    .description = "the site's name, as in its certificates"};
static const struct schema_table site_table = {.name = "site",
    SCHEMA_ROWS(site_rows),
    .item_bytes = sizeof(struct raw_site),
    .placed = true,
    .key = &site_key,
    .description = "One data center."};

/* The same rows twice: under `checks`, where the name is the key, and inside a pool. */
#define CHECK(field) SCHEMA_FIELD(struct raw_check, check.field)
#define CHECK_ROWS                                                                                 \
	{.name = "type",                                                                           \
	    .type = SCHEMA_WORD,                                                                   \
	    .words = check_words,                                                                  \
	    .required = true,                                                                      \
	    CHECK(type),                                                                           \
	    .description = "tcp: the port accepts connections. smtp: banner, EHLO and what is "    \
	                   "asked for below. http, https: a GET"},                                 \
	    {.name = "port",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .min = 1,                                                                          \
	        .max = 65535,                                                                      \
	        CHECK(port),                                                                       \
	        .otherwise = "25 for smtp, 80 for http, 443 for https; needed for tcp",            \
	        .description = "the port probed at the member's address"},                         \
	    {.name = "interval",                                                                   \
	        .type = SCHEMA_MS,                                                                 \
	        .preset = "1s",                                                                    \
	        .min = 100,                                                                        \
	        .max = 3600000,                                                                    \
	        CHECK(interval_ms),                                                                \
	        .description = "time from one probe's start to the next"},                         \
	    {.name = "timeout",                                                                    \
	        .type = SCHEMA_MS,                                                                 \
	        .preset = "2s",                                                                    \
	        .min = 10,                                                                         \
	        .max = 60000,                                                                      \
	        CHECK(timeout_ms),                                                                 \
	        .description = "a probe that takes longer has failed"},                            \
	    {.name = "jitter",                                                                     \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "10",                                                                    \
	        .unit = "%",                                                                       \
	        .max = 50,                                                                         \
	        CHECK(jitter_percent),                                                             \
	        .description = "how much the interval varies, so that vantages do not march in "   \
	                       "step"},                                                            \
	    {.name = "fall",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "3",                                                                     \
	        .min = 1,                                                                          \
	        .max = 100,                                                                        \
	        CHECK(fall),                                                                       \
	        .description = "failures in a row until a vantage says down"},                     \
	    {.name = "rise",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "5",                                                                     \
	        .min = 1,                                                                          \
	        .max = 1000,                                                                       \
	        CHECK(rise),                                                                       \
	        .description = "successes in a row until a vantage says up again"},                \
	    {.name = "expire",                                                                     \
	        .type = SCHEMA_MS,                                                                 \
	        .min = 2000,                                                                       \
	        .max = 86400000,                                                                   \
	        CHECK(expire_ms),                                                                  \
	        .otherwise = "5s, or 3 times interval plus timeout where that is longer",          \
	        .description = "an observation older than this is unknown, which is not down"},    \
	    {.name = "ehlo",                                                                       \
	        .type = SCHEMA_DNAME,                                                              \
	        .preset = "tandem.invalid",                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(ehlo),                                                                       \
	        .description = "the name to greet with"},                                          \
	    {.name = "starttls",                                                                   \
	        .type = SCHEMA_BOOL,                                                               \
	        .preset = "false",                                                                 \
	        .when = "smtp",                                                                    \
	        CHECK(starttls),                                                                   \
	        .description = "require STARTTLS and go on inside it"},                            \
	    {.name = "tls_name",                                                                   \
	        .type = SCHEMA_DNAME,                                                              \
	        .when = "smtp https",                                                              \
	        CHECK(tls_name),                                                                   \
	        .otherwise = "the certificate's name is not checked",                              \
	        .description = "the name that the certificate must carry; also sent as SNI"},      \
	    {.name = "tls_ca",                                                                     \
	        .type = SCHEMA_PATH,                                                               \
	        .when = "smtp https",                                                              \
	        CHECK(tls_ca),                                                                     \
	        .otherwise = "the system's",                                                       \
	        .description = "PEM file, on the probing host, of the CAs to trust"},              \
	    {.name = "tls_days",                                                                   \
	        .type = SCHEMA_DAYS,                                                               \
	        .preset = "0d",                                                                    \
	        .max = 365,                                                                        \
	        .when = "smtp https",                                                              \
	        CHECK(tls_days),                                                                   \
	        .description = "fail when the certificate ends sooner than this"},                 \
	    {.name = "mail_from",                                                                  \
	        .type = SCHEMA_TEXT,                                                               \
	        .max = 254,                                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(mail_from),                                                                  \
	        .otherwise = "no MAIL",                                                            \
	        .description = "go on to MAIL FROM with this address (empty: the null sender)"},   \
	    {.name = "rcpt_to",                                                                    \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 3,                                                                          \
	        .max = 254,                                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(rcpt_to),                                                                    \
	        .otherwise = "no RCPT",                                                            \
	        .description = "then RCPT TO this address, then RSET; nothing is ever sent"},      \
	    {.name = "user",                                                                       \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 1,                                                                          \
	        .max = 255,                                                                        \
	        .when = "smtp http https",                                                         \
	        CHECK(user),                                                                       \
	        .otherwise = "no authentication",                                                  \
	        .description = "log in as this account: AUTH of SMTP, Basic of HTTP"},             \
	    {.name = "password_file",                                                              \
	        .type = SCHEMA_PATH,                                                               \
	        .when = "smtp http https",                                                         \
	        CHECK(password_file),                                                              \
	        .description = "file, on the probing host, whose first line is the password"},     \
	    {.name = "host",                                                                       \
	        .type = SCHEMA_DNAME,                                                              \
	        .when = "http https",                                                              \
	        CHECK(host),                                                                       \
	        .otherwise = "the member's address",                                               \
	        .description = "the Host header"},                                                 \
	    {.name = "path",                                                                       \
	        .type = SCHEMA_TEXT,                                                               \
	        .preset = "/",                                                                     \
	        .min = 1,                                                                          \
	        .max = 1024,                                                                       \
	        .when = "http https",                                                              \
	        CHECK(path),                                                                       \
	        .description = "what to GET"},                                                     \
	    {.name = "expect_status",                                                              \
	        .type = SCHEMA_RANGE,                                                              \
	        .preset = "200-299",                                                               \
	        .min = 100,                                                                        \
	        .max = 599,                                                                        \
	        .when = "http https",                                                              \
	        CHECK(expect_status_min),                                                          \
	        .count_offset = offsetof(struct raw_check, check.expect_status_max),               \
	        .description = "status codes that count as success"},                              \
	    {.name = "expect_body",                                                                \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 1,                                                                          \
	        .max = 1024,                                                                       \
	        .when = "http https",                                                              \
	        CHECK(expect_body),                                                                \
	        .otherwise = "any",                                                                \
	        .description = "text that the first 5120 bytes of the body must contain"},         \
	{                                                                                          \
		.name = "max_latency", .type = SCHEMA_MS, .preset = "0s", .max = 60000,            \
		CHECK(max_latency_ms),                                                             \
		.description = "slower counts as a failure; 0s: only the "                         \
		               "timeout does"                                                      \
	}

static const struct schema_row check_rows[] = {CHECK_ROWS};
static const struct schema_row check_name = {
    .name = "name",
    .type = SCHEMA_LABEL,
    .required = true,
    CHECK(name),
    .description = "the check's name, unique in its pool",
};
static const struct schema_table check_table = {.name = "check",
    SCHEMA_ROWS(check_rows),
    .item_bytes = sizeof(struct raw_check),
    .placed = true,
    .key = &check_name,
    .selector = "type",
    .description = "One way to find out whether a member works, from every site."};

static const struct schema_row pool_check_rows[] = {
    {.name = "name",
        .type = SCHEMA_LABEL,
        .required = true,
        CHECK(name),
        .description = "the check's name, unique in its pool"},
    CHECK_ROWS,
};
static const struct schema_row check_reference = {.name = "check",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_check, reference),
    .description = "the name of a check defined under checks"};
static const struct schema_table pool_check_table = {.name = "check",
    SCHEMA_ROWS(pool_check_rows),
    .item_bytes = sizeof(struct raw_check),
    .placed = true,
    .shorthand = &check_reference,
    .like = &check_table,
    .selector = "type",
    .description = "The name of a check under checks, or a check of this pool alone, with the "
                   "options of those and a name."};

static const struct schema_row member_rows[] = {
    {.name = "site",
        .type = SCHEMA_LABEL,
        .required = true,
        SCHEMA_FIELD(struct raw_member, site),
        .description = "where the member lives: a site of the pool's region"},
    {.name = "address",
        .type = SCHEMA_ADDRESS,
        .required = true,
        SCHEMA_FIELD(struct raw_member, address),
        .description = "what is probed and handed out"},
    {.name = "weight",
        .type = SCHEMA_NUMBER,
        .preset = "1",
        .min = 1,
        .max = 1000,
        SCHEMA_FIELD(struct raw_member, weight),
        .description = "how often it comes first, compared with the others"},
};
static const struct schema_table member_table = {.name = "member",
    SCHEMA_ROWS(member_rows),
    .item_bytes = sizeof(struct raw_member),
    .placed = true,
    .description = "One address of a pool."};

static const struct schema_row pool_rows[] = {
    {.name = "region",
        .type = SCHEMA_LABEL,
        .required = true,
        SCHEMA_FIELD(struct raw_pool, region),
        .description = "where its members live"},
    {.name = "ttl",
        .type = SCHEMA_S,
        .preset = "30s",
        .min = 1,
        .max = 86400,
        SCHEMA_FIELD(struct raw_pool, ttl_s),
        .description = "how long resolvers may keep its addresses: the floor of every fail-over"},
    {.name = "placement",
        .type = SCHEMA_WORD,
        .words = placement_words,
        .preset = "active-active",
        SCHEMA_FIELD(struct raw_pool, placement),
        .description = "active-active and primary-peer: members in two sites at least; solitary: "
                       "in one"},
    {.name = "members",
        .type = SCHEMA_TABLE_LIST,
        .table = &member_table,
        .required = true,
        .min = 1,
        .max = SERVICE_POOL_MEMBERS,
        SCHEMA_ITEMS(struct raw_pool, members),
        .description = "the addresses"},
    {.name = "checks",
        .type = SCHEMA_TABLE_LIST,
        .table = &pool_check_table,
        .required = true,
        .min = 1,
        .max = SERVICE_POOL_CHECKS,
        SCHEMA_ITEMS(struct raw_pool, checks),
        .description = "all of them must succeed: an address is offered only if every service "
                       "behind it works"},
    {.name = "witnesses",
        .type = SCHEMA_NUMBER,
        .preset = "2",
        .min = 2,
        .max = 16,
        SCHEMA_FIELD(struct raw_pool, witnesses),
        .description = "vantages that must agree before a member is removed"},
    {.name = "min_members",
        .type = SCHEMA_NUMBER,
        .preset = "1",
        .min = 1,
        .max = SERVICE_POOL_MEMBERS,
        SCHEMA_FIELD(struct raw_pool, min_members),
        .description = "automation never goes below this number"},
};
static const struct schema_row pool_key = {.name = "pool",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_pool, name),
    .description = "the pool's name"};
static const struct schema_table pool_table = {.name = "pool",
    SCHEMA_ROWS(pool_rows),
    .item_bytes = sizeof(struct raw_pool),
    .placed = true,
    .key = &pool_key,
    .description = "Addresses that stand for each other behind one or many names."};

static const struct schema_row soa_rows[] = {
    {.name = "mname",
        .type = SCHEMA_DNAME,
        SCHEMA_FIELD(struct raw_zone, soa_mname),
        .otherwise = "the first name server",
        .description = "the primary name server"},
    {.name = "rname",
        .type = SCHEMA_DNAME,
        SCHEMA_FIELD(struct raw_zone, soa_rname),
        .otherwise = "hostmaster in the zone",
        .description = "the responsible mailbox, a dot for its @"},
    {.name = "refresh",
        .type = SCHEMA_S,
        .preset = "1h",
        .min = 60,
        .max = 86400,
        SCHEMA_FIELD(struct raw_zone, soa_refresh_s),
        .description = "how often secondaries ask"},
    {.name = "retry",
        .type = SCHEMA_S,
        .preset = "15m",
        .min = 10,
        .max = 86400,
        SCHEMA_FIELD(struct raw_zone, soa_retry_s),
        .description = "how often after a failure"},
    {.name = "expire",
        .type = SCHEMA_S,
        .preset = "2w",
        .min = 86400,
        .max = 4838400,
        SCHEMA_FIELD(struct raw_zone, soa_expire_s),
        .description = "when secondaries give up; longer than the longest outage to survive"},
    {.name = "minimum",
        .type = SCHEMA_S,
        .preset = "1m",
        .min = 1,
        .max = 86400,
        SCHEMA_FIELD(struct raw_zone, soa_minimum_s),
        .description = "how long resolvers remember that a name does not exist (RFC 2308)"},
};
static const struct schema_table soa_table = {.name = "soa",
    SCHEMA_ROWS(soa_rows),
    .description = "The SOA record. Its serial is serial_base plus the epoch."};

static const struct schema_row zone_rows[] = {
    {.name = "name",
        .type = SCHEMA_DNAME,
        .required = true,
        SCHEMA_FIELD(struct raw_zone, name),
        .description = "the zone's apex"},
    {.name = "ttl",
        .type = SCHEMA_S,
        .preset = "5m",
        .min = 1,
        .max = 604800,
        SCHEMA_FIELD(struct raw_zone, ttl_s),
        .description = "of records that state none"},
    {.name = "soa",
        .type = SCHEMA_TABLE,
        .table = &soa_table,
        .otherwise = "all of it from the defaults",
        .description = "the SOA record"},
    {.name = "serial_base",
        .type = SCHEMA_NUMBER,
        .preset = "0",
        .max = UINT32_MAX,
        SCHEMA_FIELD(struct raw_zone, serial_base),
        .description = "added to the epoch: set it above the last serial when taking a zone over"},
    {.name = "ns",
        .type = SCHEMA_LIST,
        .element = SCHEMA_DNAME,
        .min = 1,
        .max = 13,
        SCHEMA_ITEMS(struct raw_zone, ns),
        .otherwise = "NS records of the apex under records",
        .description = "the name servers"},
    {.name = "records",
        .type = SCHEMA_LIST,
        .element = SCHEMA_RECORD,
        .max = SERVICE_RECORDS,
        SCHEMA_ITEMS(struct raw_zone, records),
        .otherwise = "none",
        .description = "what does not change with health, a line each as in a zone file: owner, "
                       "TTL (optional), type, data. @ is the zone, names without a final dot are "
                       "relative to it"},
};
static const struct schema_table zone_table = {.name = "zone",
    SCHEMA_ROWS(zone_rows),
    .item_bytes = sizeof(struct raw_zone),
    .placed = true,
    .description = "A zone that Tandem answers for."};

static const struct schema_row name_rows[] = {
    {.name = "pool",
        .type = SCHEMA_LABEL,
        .required = true,
        SCHEMA_FIELD(struct raw_name, pool),
        .description = "whose addresses are the answer"},
    {.name = "ttl",
        .type = SCHEMA_S,
        .min = 1,
        .max = 86400,
        SCHEMA_FIELD(struct raw_name, ttl_s),
        .otherwise = "the pool's",
        .description = "of these answers"},
};
static const struct schema_row name_key = {.name = "name",
    .type = SCHEMA_DNAME,
    SCHEMA_FIELD(struct raw_name, owner),
    .description = "the whole name; it belongs to the zone that it lies in"};
static const struct schema_table name_table = {.name = "name",
    SCHEMA_ROWS(name_rows),
    .item_bytes = sizeof(struct raw_name),
    .placed = true,
    .key = &name_key,
    .shorthand = &name_rows[0],
    .description = "A name answered with a pool's addresses. Short form: NAME: POOL."};

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
static const struct schema_table spf_table = {.name = "SPF set",
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
static const struct schema_table site_addresses_table = {.name = "site's addresses",
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
        .max = 64,
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
    {.name = "addresses",
        .type = SCHEMA_TABLE_MAP,
        .table = &site_addresses_table,
        .required = true,
        .min = 1,
        .max = SERVICE_SITES,
        SCHEMA_ITEMS(struct raw_pair, addresses),
        .description = "one or more in every site of one region"},
};
static const struct schema_table pair_table = {.name = "pair",
    SCHEMA_ROWS(pair_rows),
    .item_bytes = sizeof(struct raw_pair),
    .placed = true,
    .description = "The dedicated sending addresses of one customer."};

static const struct schema_row component_rows[] = {
    {.name = "placement",
        .type = SCHEMA_WORD,
        .words = placement_words,
        .required = true,
        SCHEMA_FIELD(struct raw_component, placement),
        .description = "active-active; primary-peer: the peer queues or lags while the primary is "
                       "gone; solitary: only there"},
    {.name = "primary",
        .type = SCHEMA_LABEL,
        SCHEMA_FIELD(struct raw_component, primary),
        .otherwise = "the component must be active-active",
        .description = "the site that it lives in"},
};
static const struct schema_row component_key = {.name = "component",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_component, name),
    .description = "the component's name"};
static const struct schema_table component_table = {.name = "component",
    SCHEMA_ROWS(component_rows),
    .item_bytes = sizeof(struct raw_component),
    .placed = true,
    .key = &component_key,
    .description = "A part of the service and where it lives: what a drain makes unavailable."};

static const struct schema_row service_rows[] = {
    {.name = "title",
        .type = SCHEMA_TEXT,
        .max = 200,
        SCHEMA_FIELD(struct raw_service, title),
        .otherwise = "none",
        .description = "what this document is about, for people"},
    {.name = "regions",
        .type = SCHEMA_LIST,
        .element = SCHEMA_LABEL,
        .required = true,
        .min = 1,
        .max = SERVICE_REGIONS,
        SCHEMA_ITEMS(struct raw_service, regions),
        .description = "names of the regions: sites that back each other up"},
    {.name = "sites",
        .type = SCHEMA_TABLE_MAP,
        .table = &site_table,
        .required = true,
        .min = 1,
        .max = SERVICE_SITES,
        SCHEMA_ITEMS(struct raw_service, sites),
        .description = "the data centers and witnesses"},
    {.name = "checks",
        .type = SCHEMA_TABLE_MAP,
        .table = &check_table,
        .max = SERVICE_POOLS,
        SCHEMA_ITEMS(struct raw_service, checks),
        .otherwise = "none",
        .description = "checks that several pools refer to by name"},
    {.name = "pools",
        .type = SCHEMA_TABLE_MAP,
        .table = &pool_table,
        .max = SERVICE_POOLS,
        SCHEMA_ITEMS(struct raw_service, pools),
        .otherwise = "none",
        .description = "the addresses handed out"},
    {.name = "zones",
        .type = SCHEMA_TABLE_LIST,
        .table = &zone_table,
        .max = SERVICE_ZONES,
        SCHEMA_ITEMS(struct raw_service, zones),
        .otherwise = "none",
        .description = "the zones answered for"},
    {.name = "names",
        .type = SCHEMA_TABLE_MAP,
        .table = &name_table,
        .max = SERVICE_NAMES,
        SCHEMA_ITEMS(struct raw_service, names),
        .otherwise = "none",
        .description = "names that follow a pool"},
    {.name = "spf",
        .type = SCHEMA_TABLE_MAP,
        .table = &spf_table,
        .max = 1000,
        SCHEMA_ITEMS(struct raw_service, spf_sets),
        .otherwise = "none",
        .description = "the sets that may send"},
    {.name = "push_senders",
        .type = SCHEMA_TABLE_MAP,
        .table = &site_addresses_table,
        .max = SERVICE_SITES,
        SCHEMA_ITEMS(struct raw_service, push_senders),
        .otherwise = "none",
        .description = "where webhooks come from, for the customers' firewalls"},
    {.name = "pairs",
        .type = SCHEMA_TABLE_LIST,
        .table = &pair_table,
        .max = 100000,
        SCHEMA_ITEMS(struct raw_service, pairs),
        .otherwise = "none",
        .description = "dedicated sending addresses"},
    {.name = "components",
        .type = SCHEMA_TABLE_MAP,
        .table = &component_table,
        .max = 1000,
        SCHEMA_ITEMS(struct raw_service, components),
        .otherwise = "none",
        .description = "parts of the service and their placement"},
};
const struct schema_table service_table = {.name = "service",
    SCHEMA_ROWS(service_rows),
    .item_bytes = sizeof(struct raw_service),
    .placed = true,
    .reload = "with tandem apply",
    .description = "The whole service, as it is applied to the cluster."};
