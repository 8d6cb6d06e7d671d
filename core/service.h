/* The service document as data: what people have configured. Parsed by config/, used by everyone.
 *
 * All strings are owned by the service and freed with it. References are indexes into the arrays.
 * DNS names are absolute, lower case, in presentation format with the final dot, except the host
 * names of checks (ehlo, tls_name, host), which SMTP, TLS and HTTP write without it. Times carry
 * their unit. Once built it is never changed, so it may be shared (service_hold/service_drop). */
#ifndef TANDEM_CORE_SERVICE_H
#define TANDEM_CORE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/view.h"
#include "lib/base/addr.h"

/* Bounds of a document; config/ refuses more. Its own size, 1 MiB (CONFIG_DOCUMENT_BYTES, from the
 * store's limit of a value), is reached before SERVICE_NAMES and SERVICE_RECORDS: one of usual
 * length takes 24 to 40 bytes, which makes some 25,000 to 40,000 of them together. */
enum {
	SERVICE_REGIONS = 16,
	SERVICE_SITES = 64,
	SERVICE_POOLS = 4096,
	SERVICE_POOL_MEMBERS = 256,
	SERVICE_POOL_CHECKS = 8,
	SERVICE_ZONES = 1024,
	SERVICE_RECORDS = 100000,
	SERVICE_NAMES = 100000,
	SERVICE_WEIGHT = 1000, /* of a member, at most */
	SERVICE_NAMES_FILES = 64,
	SERVICE_LIST_NAMES = 4000000, /* in all names files together */
	SERVICE_NAME_BYTES = 64,      /* of a region, site, pool or check: [a-z0-9-], 1 … 63 */
	SERVICE_CUSTOMER_BYTES = 65,  /* of a pair's customer, with its NUL */
	SERVICE_NAME_SERVERS = 64,
	SERVICE_RESOLVERS = 16,
	SERVICE_TURN_STEP = 65536,   /* of a signed zone's serial, each time its signatures turn */
	SERVICE_RESOLVER_NAMES = 16, /* that one resolver is asked for */
	SERVICE_MEASURES = 256,
	SERVICE_BLOCKED = 256,
};

struct service_region {
	char *name;
	uint32_t removal_window_s; /* one automatic removal of a site in it at most; 0: no limit */
};

struct service_site {
	char *name;
	size_t region; /* SIZE_MAX for a witness */
	bool witness;  /* votes and probes, serves no mail */
};

enum check_type { CHECK_TCP, CHECK_SMTP, CHECK_HTTP, CHECK_HTTPS };

struct service_check {
	char *name;
	enum check_type type;
	uint16_t port;
	uint32_t interval_ms; /* 100 … 3,600,000; default 1000 */
	uint32_t timeout_ms;  /* 10 … 60,000; default 2000 */
	uint8_t jitter_percent;
	uint16_t fall;      /* failures in a row until a vantage says down; default 3 */
	uint16_t rise;      /* successes in a row until it says up again; default 5 */
	uint32_t expire_ms; /* an observation older than this is unknown; default 5000 */
	/* SMTP */
	char *ehlo;        /* name to greet with */
	bool starttls;     /* require STARTTLS and continue inside it */
	char *tls_name;    /* SMTP and HTTPS: name the certificate must carry, also SNI; NULL: not
	                      checked */
	char *tls_ca;      /* PEM file on the probing host; NULL: the system's */
	uint16_t tls_days; /* fail when the certificate ends sooner; 0 = only when expired */
	char *mail_from, *rcpt_to;  /* MAIL/RCPT/RSET without sending; NULL: not done */
	char *user, *password_file; /* AUTH (SMTP) or Basic (HTTP); NULL: not done */
	/* HTTP, HTTPS */
	char *host; /* Host header; NULL: the member's address */
	char *path;
	uint16_t expect_status_min, expect_status_max; /* default 200 … 299 */
	char *expect_body;       /* a substring of the first 5120 bytes; NULL: any */
	uint32_t max_latency_ms; /* slower counts as failure; 0 = only the timeout */
};

struct service_member {
	size_t site;
	struct addr address;
	uint16_t weight; /* 1 … 1000 */
};

enum service_placement { PLACEMENT_ACTIVE_ACTIVE, PLACEMENT_PRIMARY_PEER, PLACEMENT_SOLITARY };

/* What is answered when health would leave nobody of an address family. */
enum all_down {
	ALL_DOWN_CONFIGURED, /* all that people left in */
	ALL_DOWN_LAST_GOOD,  /* who was taken out last */
	ALL_DOWN_FALLBACK,   /* what another pool offers; if nobody works there, as CONFIGURED */
};

struct service_pool {
	char *name;
	size_t region;
	uint32_t ttl_s;
	uint32_t suspect_ttl_s; /* while a member is in doubt; 0, or not below ttl_s: the same */
	enum service_placement placement; /* solitary: members in one site only */
	struct service_member *members;
	size_t members_count;
	struct service_check *checks; /* a member is up only where all of them succeed */
	size_t checks_count;
	uint16_t witnesses;   /* vantages that must agree before a removal; 2 … 16, default 2 */
	uint16_t min_members; /* automation never goes below; default 1 */
	uint16_t min_percent; /* of all its members, also administratively removed; 0: none */
	enum all_down all_down;
	size_t fallback; /* the pool of ALL_DOWN_FALLBACK; it has no fallback itself */
	/* How a member comes back that was removed. */
	bool return_manual;        /* people return it */
	uint32_t return_after_s;   /* healthy for so long first; 0: at once */
	uint32_t flap_half_life_s; /* of the penalty for going down; 0: none */
	uint32_t ramp_s;           /* time in which its weight grows; 0: all at once */
};

struct service_zone {
	char *name;
	uint32_t ttl_s; /* default of its records */
	char *soa_mname, *soa_rname;
	uint32_t soa_refresh_s, soa_retry_s, soa_expire_s, soa_minimum_s;
	/* serial = serial_base + epoch (RFC 1982), where the zone is signed by its name servers
	 * also a multiple of SERVICE_TURN_STEP: docs/decisions/023 */
	uint32_t serial_base;
	char **records; /* "owner ttl type rdata", absolute names, checked by ldns */
	size_t records_count;
};

struct service_name { /* a name answered with a pool's live addresses: A and AAAA */
	char *owner;
	size_t zone;
	size_t pool;
	uint32_t ttl_s; /* 0 = the pool's */
};

struct service_names { /* a names file: its content is a list, wire/names.h */
	char *file;    /* as written */
	size_t zone, pool;
	uint32_t ttl_s; /* 0 = the pool's */
	bool is_listed; /* digest and count are known */
	uint8_t digest[VIEW_DIGEST_BYTES];
	uint64_t count;
};

struct service_spf_set {
	char *name; /* "_spf.retarus.com." */
	char **terms;
	size_t terms_count;
};
struct service_push_sender {
	size_t site;
	struct addr address;
};
struct service_pair {
	char *customer;
	char **domains;
	size_t domains_count;
	char *spf; /* the SPF set that lets its addresses send; NULL: nobody is told to use them */
	struct service_push_sender *addresses; /* one or more a site */
	size_t addresses_count;
};
enum { SENDING_QUEUE_LIFETIME_S = 5 * 86400, SENDING_QUARANTINE_S = 30 * 86400 };
struct service_sending { /* how dedicated addresses come into use and leave it (rule 11) */
	uint32_t queue_lifetime_s; /* no mail waits longer in a host's queue */
	uint32_t quarantine_s;     /* a retired address goes to no other customer before */
};
struct service_component {
	char *name;
	enum service_placement placement;
	size_t primary; /* site; SIZE_MAX for active-active */
};

/* How a drain is proven (rule 12). The leader asks; core/proof.c judges what it hears. */
struct service_name_server { /* asked for serial and answer */
	size_t site;
	char *endpoint; /* "address@port" */
};
struct service_resolver { /* one outside, that others use */
	char *name;
	char *endpoint;
	char **owners; /* absolute names that it is asked for; none: one of every pool */
	size_t owners_count;
	bool validated;     /* the answer must be proven by DNSSEC, from the trust anchor down */
	char *trust_anchor; /* file on the controllers' hosts; NULL: not validated */
	bool needed;        /* no drain is safe without it; else its answer is only shown */
};
enum measure_kind { MEASURE_TRAFFIC, MEASURE_QUEUE };
enum measure_format { MEASURE_JSON, MEASURE_PROMETHEUS };
struct service_measure { /* a number that says how much still comes, or waits */
	char *name;
	size_t site;
	enum measure_kind kind;
	enum measure_format format;
	char *url;
	char *field;   /* JSON: "a.b.c"; Prometheus: the metric, its samples are added up */
	char *sources; /* JSON: an object of name: number, who still comes; NULL: not told */
	bool counter;  /* it only grows: what counts is its growth a second */
	char *unit;    /* measures of several sites in one unit are added up in plans */
	uint32_t floor;
	uint32_t capacity; /* what the site can carry, in the same unit; 0: not known */
	uint32_t interval_ms;
};
struct service_blocked { /* dates at which nobody drains */
	int64_t from_ms, to_ms;
	char *reason;
};
enum proof_waived { /* what is not measured and need not be: said so in every evidence */
	WAIVED_NAME_SERVERS = 1,
	WAIVED_RESOLVERS = 2,
	WAIVED_TRAFFIC = 4,
	WAIVED_QUEUES = 8,
};
struct service_maintenance {
	uint32_t quiet_ms;         /* how long traffic must stay at its floor */
	uint32_t practice_every_s; /* an alarm when none has passed for so long; 0: never */
	uint32_t look_ms; /* how often name servers and resolvers are asked during a drain */
	unsigned waived;  /* of enum proof_waived */
	struct service_name_server *name_servers;
	size_t name_servers_count;
	struct service_resolver *resolvers;
	size_t resolvers_count;
	struct service_measure *measures;
	size_t measures_count;
	struct service_blocked *blocked;
	size_t blocked_count;
};

/* How much one document may change unless the number is confirmed; judged is by the one in force.
 */
struct service_guard {
	uint32_t max_percent; /* of the answers */
	uint32_t floor;       /* so many may always change */
};
enum { GUARD_MAX_PERCENT = 10, GUARD_FLOOR = 100 };
enum { SERVICE_VERIFY_MS = 5000 };
struct service_publication { /* how a document comes into force: docs/publication.md */
	char *canary;        /* "SITE/NAME" of the name server that gets it first; NULL: any */
	bool at_once;        /* to all at once, without being verified */
	uint32_t verify_ms;  /* so long it may take that one to answer as planned */
};

struct service {
	unsigned references;
	char *title;
	struct service_region *regions;
	size_t regions_count;
	struct service_site *sites;
	size_t sites_count;
	struct service_pool *pools;
	size_t pools_count;
	struct service_zone *zones;
	size_t zones_count;
	struct service_name *names;
	size_t names_count;
	struct service_names *names_files;
	size_t names_files_count;
	struct service_spf_set *spf_sets;
	size_t spf_sets_count;
	struct service_push_sender *push_senders;
	size_t push_senders_count;
	struct service_pair *pairs;
	size_t pairs_count;
	struct service_sending sending;
	struct service_component *components;
	size_t components_count;
	struct service_maintenance maintenance;
	struct service_guard guard;
	struct service_publication publication;
};

struct service *service_new(void); /* empty but for defaults, one reference */
struct service *service_hold(struct service *s);
void service_drop(struct service *s); /* frees with the last reference; NULL allowed */

/* Index or SIZE_MAX. */
size_t service_site_find(const struct service *s, const char *name);
size_t service_pool_find(const struct service *s, const char *name);
size_t service_name_find(const struct service *s, const char *owner);
const char *check_type_name(enum check_type t); /* "tcp" "smtp" "http" "https" */
const char *placement_name(enum service_placement p);

#endif
