/* What may stand in the files of tandem-controld, -healthd, -dnsd and of the tandem command. */
#include "config/daemon_schema.h"

#include "config/daemon_load.h"
#include "config/transfer_schema.h"

#define RESTART "at a restart"
#define RELOAD "at a reload (SIGHUP)"

static const char *const log_words[] = {"error", "warn", "info", "debug", NULL};

static const struct schema_row tls_rows[] = {
    {.name = "ca",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_common, tls_ca),
        .description =
            "PEM file with the certificates of the private CA whose members are trusted"},
    {.name = "certificate",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_common, tls_certificate),
        .description = "PEM file with the certificate shown to others; it names site and role"},
    {.name = "key",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_common, tls_key),
        .description = "PEM file with the private key of the certificate"},
};
static const struct schema_table tls_table = {.name = "tls",
    SCHEMA_ROWS(tls_rows),
    .reload = RELOAD,
    .description = "Who this program is for the others, and whom it trusts: mutual TLS 1.3."};

static const struct schema_row etcd_tls_rows[] = {
    {.name = "ca",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_controld, etcd_ca),
        .description = "PEM file with the CA of the etcd members"},
    {.name = "certificate",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_controld, etcd_certificate),
        .description = "PEM file with the client certificate shown to etcd"},
    {.name = "key",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_controld, etcd_key),
        .description = "PEM file with the private key of the client certificate"},
};
static const struct schema_table etcd_tls_table = {.name = "etcd tls",
    SCHEMA_ROWS(etcd_tls_rows),
    .reload = RESTART,
    .description = "How etcd is spoken to. Without it: plain HTTP."};

static const struct schema_row etcd_rows[] = {
    {.name = "endpoints",
        .type = SCHEMA_LIST,
        .element = SCHEMA_URL,
        .required = true,
        SCHEMA_ITEMS(struct config_controld, etcd_endpoints),
        .min = 1,
        .max = 9,
        .description = "client URLs of the etcd members, the nearest first"},
    {.name = "tls",
        .type = SCHEMA_TABLE,
        .table = &etcd_tls_table,
        .otherwise = "plain HTTP",
        .description = "certificates towards etcd"},
};
static const struct schema_table etcd_table = {.name = "etcd",
    SCHEMA_ROWS(etcd_rows),
    .reload = RESTART,
    .description = "Several controllers agree through etcd 3.4 or later."};

static const struct schema_row store_rows[] = {
    {.name = "sqlite",
        .type = SCHEMA_PATH,
        SCHEMA_FIELD(struct config_controld, sqlite),
        .otherwise = "etcd is used",
        .description = "file of the SQLite database; for a single controller"},
    {.name = "etcd",
        .type = SCHEMA_TABLE,
        .table = &etcd_table,
        .otherwise = "sqlite is used",
        .description = "the etcd cluster that several controllers share"},
};
static const struct schema_table store_table = {.name = "store",
    SCHEMA_ROWS(store_rows),
    .reload = RESTART,
    .description = "Where the cluster's state is kept: exactly one of the two."};

static const char *const denial_words[] = {"compact", "nsec", NULL};
static const char *const cds_words[] = {"keys", "delete", "none", NULL};

/* How a zone is signed: in a mapping of its own within a zone, or beside the zone's name. */
#define ROWS_DNSSEC                                                                                \
	{.name = "keys",                                                                           \
	    .type = SCHEMA_LIST,                                                                   \
	    .element = SCHEMA_PATH,                                                                \
	    .required = true,                                                                      \
	    SCHEMA_ITEMS(struct config_zone_file, keys),                                           \
	    .min = 1,                                                                              \
	    .max = 8,                                                                              \
	    .description = "files of the keys, made by tandem dnssec keygen; all name servers of " \
	                   "the zone have the same ones"},                                         \
	    {.name = "denial",                                                                     \
	        .type = SCHEMA_WORD,                                                               \
	        .words = denial_words,                                                             \
	        .preset = "compact",                                                               \
	        SCHEMA_FIELD(struct config_zone_file, denial),                                     \
	        .description =                                                                     \
	            "how it is proven that a name is not there: with a record made for "           \
	            "that name (RFC 9824), or with the chain of all names"},                       \
	{                                                                                          \
		.name = "cds", .type = SCHEMA_WORD, .words = cds_words, .preset = "keys",          \
		SCHEMA_FIELD(struct config_zone_file, cds),                                        \
		.description = "what the parent is told in CDS and CDNSKEY: the active keys, to "  \
		               "delete its DS (before the zone is no longer signed), or nothing"   \
	}

static const struct schema_row zone_dnssec_rows[] = {ROWS_DNSSEC};
static const struct schema_table zone_dnssec_table = {.name = "zone dnssec",
    SCHEMA_ROWS(zone_dnssec_rows),
    .reload = RELOAD,
    .description = "How the zone is signed."};

static const struct schema_row dnssec_rows[] = {
    {.name = "zone",
        .type = SCHEMA_DNAME,
        .required = true,
        SCHEMA_FIELD(struct config_zone_file, name),
        .description = "the zone's apex"},
    ROWS_DNSSEC,
};
static const struct schema_table dnssec_table = {.name = "dnssec",
    SCHEMA_ROWS(dnssec_rows),
    .item_bytes = sizeof(struct config_zone_file),
    .reload = RELOAD,
    .description = "One zone of the controllers that this server signs. Keys are secrets: they "
                   "are put on each name server, and never pass through the controllers."};

static const struct schema_row zone_file_rows[] = {
    {.name = "name",
        .type = SCHEMA_DNAME,
        .required = true,
        SCHEMA_FIELD(struct config_zone_file, name),
        .description = "the zone's apex"},
    {.name = "file",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_zone_file, file),
        .description = "zone file in the format of RFC 1035"},
    {.name = "dnssec",
        .type = SCHEMA_TABLE,
        .table = &zone_dnssec_table,
        .otherwise = "the zone is served as it is in the file",
        .description = "the zone is signed by this server"},
};
static const struct schema_table zone_file_table = {.name = "zone",
    SCHEMA_ROWS(zone_file_rows),
    .item_bytes = sizeof(struct config_zone_file),
    .reload = RELOAD,
    .description = "One zone that is served from its file."};

/* The options that several programs share stand in struct config_common, the first member of each
 * one's struct, so the offsets are the same everywhere. */
#define ROW_NAME(needed)                                                                           \
	{                                                                                          \
		.name = "name", .type = SCHEMA_LABEL, .required = (needed), .reload = RESTART,     \
		SCHEMA_FIELD(struct config_common, name),                                          \
		.description = "how logs, status and acknowledgements call this daemon; unique "   \
		               "in its site"                                                       \
	}
#define ROW_CONTROLLERS(needed)                                                                    \
	{                                                                                          \
		.name = "controllers", .type = SCHEMA_LIST, .element = SCHEMA_URL,                 \
		.required = (needed), SCHEMA_ITEMS(struct config_common, controllers), .min = 1,   \
		.max = 16, .description = "URLs of the controllers, the own site's first"          \
	}
#define ROW_TLS(needed)                                                                            \
	{                                                                                          \
		.name = "tls", .type = SCHEMA_TABLE, .table = &tls_table, .required = (needed),    \
		.description = "certificates between the programs of Tandem"                       \
	}
#define ROW_LISTEN(needed, what)                                                                   \
	{                                                                                          \
		.name = "listen", .type = SCHEMA_LIST, .element = SCHEMA_ENDPOINT,                 \
		.required = (needed), SCHEMA_ITEMS(struct config_common, listen), .min = 1,        \
		.max = 64, .reload = RESTART, .description = (what)                                \
	}
#define ROW_METRICS                                                                                \
	{                                                                                          \
		.name = "metrics", .type = SCHEMA_ENDPOINT, .otherwise = "no metrics",             \
		SCHEMA_FIELD(struct config_common, metrics), .reload = RESTART,                    \
		.description = "where Prometheus may fetch /metrics, in plain HTTP"                \
	}
#define ROW_STATE(what)                                                                            \
	{                                                                                          \
		.name = "state", .type = SCHEMA_PATH, SCHEMA_FIELD(struct config_common, state),   \
		.reload = RESTART, .description = (what)                                           \
	}
#define ROW_LOG                                                                                    \
	{                                                                                          \
		.name = "log", .type = SCHEMA_WORD, .words = log_words, .preset = "info",          \
		SCHEMA_FIELD(struct config_common, log),                                           \
		.description = "how much is logged: this level and what is more severe"            \
	}

static const struct schema_row controld_rows[] = {
    ROW_NAME(true),
    ROW_LISTEN(true, "where the API is offered"),
    {.name = "url",
        .type = SCHEMA_URL,
        .required = true,
        .reload = RESTART,
        SCHEMA_FIELD(struct config_controld, url),
        .description = "how others reach this controller; told to them when it leads"},
    ROW_TLS(true),
    {.name = "store",
        .type = SCHEMA_TABLE,
        .table = &store_table,
        .required = true,
        .description = "where state, service document and history are kept"},
    {.name = "socket",
        .type = SCHEMA_PATH,
        .preset = "/run/tandem/controld.sock",
        .reload = RESTART,
        SCHEMA_FIELD(struct config_controld, socket),
        .description = "Unix socket, of at most 107 bytes, by which people on this machine reach "
                       "the controller without certificates (tandem --socket); with mode 0660, "
                       "and whoever may open it may do all that an operator may"},
    {.name = "socket_group",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 32,
        .otherwise = "the group of the process",
        .reload = RESTART,
        SCHEMA_FIELD(struct config_controld, socket_group),
        .description = "group, from /etc/group or as a number, whose members may use the socket"},
    ROW_METRICS,
    ROW_LOG,
};
const struct schema_table controld_table = {.name = "controld file",
    SCHEMA_ROWS(controld_rows),
    .item_bytes = sizeof(struct config_controld),
    .reload = RELOAD,
    .description = "The file of tandem-controld."};

static const struct schema_row healthd_rows[] = {
    ROW_NAME(true),
    ROW_CONTROLLERS(true),
    ROW_TLS(true),
    ROW_STATE("folder for what is kept over a restart"),
    {.name = "heartbeat",
        .type = SCHEMA_MS,
        .preset = "1s",
        .min = 100,
        .max = 10000,
        SCHEMA_FIELD(struct config_healthd, heartbeat_ms),
        .description = "how often results are sent that have not changed; keep it well below "
                       "the expire of every check"},
    ROW_METRICS,
    ROW_LOG,
};
const struct schema_table healthd_table = {.name = "healthd file",
    SCHEMA_ROWS(healthd_rows),
    .item_bytes = sizeof(struct config_healthd),
    .reload = RELOAD,
    .description = "The file of tandem-healthd."};

static const struct schema_row cookie_rows[] = {
    {.name = "enabled",
        .type = SCHEMA_BOOL,
        .preset = "true",
        SCHEMA_FIELD(struct config_dnsd, cookies),
        .description = "whether cookies of queries are answered and checked"},
    {.name = "secret_file",
        .type = SCHEMA_PATH,
        .otherwise = "a secret of the process's own, drawn at its start",
        SCHEMA_FIELD(struct config_dnsd, cookie_secret_file),
        .description = "secrets shared by all name servers of a zone, 32 hexadecimal digits a "
                       "line: the first makes cookies, all of up to 4 are accepted"},
};
static const struct schema_table cookie_table = {.name = "cookies",
    SCHEMA_ROWS(cookie_rows),
    .reload = RELOAD,
    .description = "DNS cookies (RFC 7873, 9018): whoever shows a valid one really has the "
                   "address it asks from."};

static const struct schema_row rate_rows[] = {
    {.name = "responses_per_second",
        .type = SCHEMA_NUMBER,
        .preset = "20",
        .min = 1,
        .max = 1000000,
        SCHEMA_FIELD(struct config_dnsd, rate_responses),
        .description = "answers about one name that one network gets; names that do not exist "
                       "and those of a wildcard count as one"},
    {.name = "errors_per_second",
        .type = SCHEMA_NUMBER,
        .preset = "5",
        .min = 1,
        .max = 1000000,
        SCHEMA_FIELD(struct config_dnsd, rate_errors),
        .description = "answers with an error (REFUSED, FORMERR, …) that one network gets"},
    {.name = "window_s",
        .type = SCHEMA_NUMBER,
        .preset = "15",
        .min = 1,
        .max = 3600,
        .unit = "s",
        SCHEMA_FIELD(struct config_dnsd, rate_window_s),
        .description = "for how long at most a network pays for a flood after its end"},
    {.name = "slip",
        .type = SCHEMA_NUMBER,
        .preset = "2",
        .min = 0,
        .max = 100,
        SCHEMA_FIELD(struct config_dnsd, rate_slip),
        .description = "every so manieth limited answer goes out empty with TC, so that a client "
                       "whose address is abused can ask over TCP; 0: none, 1: all"},
    {.name = "ipv4_prefix",
        .type = SCHEMA_NUMBER,
        .preset = "24",
        .min = 8,
        .max = 32,
        SCHEMA_FIELD(struct config_dnsd, rate_ipv4_prefix),
        .description = "bits of an IPv4 address that make a network"},
    {.name = "ipv6_prefix",
        .type = SCHEMA_NUMBER,
        .preset = "56",
        .min = 16,
        .max = 128,
        SCHEMA_FIELD(struct config_dnsd, rate_ipv6_prefix),
        .description = "bits of an IPv6 address that make a network"},
    {.name = "allow",
        .type = SCHEMA_LIST,
        .element = SCHEMA_PREFIX,
        SCHEMA_ITEMS(struct config_dnsd, rate_allow),
        .min = 0,
        .max = 64,
        .otherwise = "nobody",
        .description = "networks that are never limited"},
    {.name = "dry_run",
        .type = SCHEMA_BOOL,
        .preset = "false",
        SCHEMA_FIELD(struct config_dnsd, rate_dry_run),
        .description = "only count in the metrics what would be limited"},
};
static const struct schema_table rate_table = {.name = "rate_limit",
    SCHEMA_ROWS(rate_rows),
    .reload = RELOAD,
    .description = "Response rate limiting over UDP, so that forged addresses can not be flooded "
                   "with answers. Clients with a valid cookie are never limited."};

static const struct schema_row tcp_rows[] = {
    {.name = "connections",
        .type = SCHEMA_NUMBER,
        .preset = "1024",
        .min = 1,
        .max = 65536,
        SCHEMA_FIELD(struct config_dnsd, tcp_connections),
        .description = "connections at the same time; one more, and the longest idle is cut"},
    {.name = "connections_per_client",
        .type = SCHEMA_NUMBER,
        .preset = "128",
        .min = 1,
        .max = 65536,
        SCHEMA_FIELD(struct config_dnsd, tcp_per_client),
        .description = "connections of one address (IPv6: one /64) at the same time; more are "
                       "cut at once"},
    {.name = "idle",
        .type = SCHEMA_MS,
        .preset = "10s",
        .min = 100,
        .max = 600000,
        SCHEMA_FIELD(struct config_dnsd, tcp_idle_ms),
        .description = "how long a connection may go without a whole query answered; told to "
                       "who asks (RFC 7828)"},
    {.name = "drain",
        .type = SCHEMA_MS,
        .preset = "60s",
        .min = 100,
        .max = 3600000,
        SCHEMA_FIELD(struct config_dnsd, tcp_drain_ms),
        .description = "how long connections may last once a new server has taken over; those "
                       "that are left are cut"},
};
static const struct schema_table tcp_table = {.name = "tcp",
    SCHEMA_ROWS(tcp_rows),
    .reload = RESTART,
    .description = "Limits of DNS over TCP."};

static const struct schema_row dnstap_rows[] = {
    {.name = "socket",
        .type = SCHEMA_PATH,
        .required = true,
        SCHEMA_FIELD(struct config_dnsd, dnstap_socket),
        .description = "Unix socket of the collector; it may come and go"},
    {.name = "queries",
        .type = SCHEMA_BOOL,
        .preset = "true",
        SCHEMA_FIELD(struct config_dnsd, dnstap_queries),
        .description = "whether queries are sent (AUTH_QUERY)"},
    {.name = "responses",
        .type = SCHEMA_BOOL,
        .preset = "true",
        SCHEMA_FIELD(struct config_dnsd, dnstap_responses),
        .description = "whether answers are sent (AUTH_RESPONSE); zone transfers are not"},
    {.name = "identity",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 255,
        .otherwise = "the daemon's name",
        SCHEMA_FIELD(struct config_dnsd, dnstap_identity),
        .description = "what the server calls itself there"},
};
static const struct schema_table dnstap_table = {.name = "dnstap",
    SCHEMA_ROWS(dnstap_rows),
    .reload = RESTART,
    .description = "Everything that is asked and answered goes to a collector (dnstap over Frame "
                   "Streams). What it does not take in time is lost, and counted."};

static const struct schema_row dnsd_rows[] = {
    ROW_NAME(false),
    ROW_CONTROLLERS(false),
    ROW_TLS(false),
    ROW_LISTEN(true, "where queries are answered, over UDP and TCP"),
    ROW_STATE("folder of the last good view, served from after a restart, and of the socket by "
              "which a new process takes over; needed with controllers"),
    {.name = "zones",
        .type = SCHEMA_TABLE_LIST,
        .table = &zone_file_table,
        SCHEMA_ITEMS(struct config_dnsd, zones),
        .min = 1,
        .max = SERVICE_ZONES,
        .otherwise = "zones come from the controllers",
        .description = "zone files to serve without any controller"},
    {.name = "dnssec",
        .type = SCHEMA_TABLE_LIST,
        .table = &dnssec_table,
        SCHEMA_ITEMS(struct config_dnsd, dnssec),
        .min = 1,
        .max = SERVICE_ZONES,
        .otherwise = "no zone of the controllers is signed",
        .description = "zones of the controllers that this server signs"},
    {.name = "workers",
        .type = SCHEMA_NUMBER,
        .preset = "1",
        .min = 1,
        .max = 64,
        .reload = RESTART,
        SCHEMA_FIELD(struct config_dnsd, workers),
        .description = "threads that answer; one a core is enough"},
    {.name = "user",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 64,
        .otherwise = "as it was started",
        .reload = RESTART,
        SCHEMA_FIELD(struct config_dnsd, user),
        .description = "user to become once the sockets are bound; it must be able to read zone "
                       "files and certificates and to write the state folder"},
    {.name = "group",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 64,
        .otherwise = "the user's own",
        .reload = RESTART,
        SCHEMA_FIELD(struct config_dnsd, group),
        .description = "group to become, with a user"},
    {.name = "seccomp",
        .type = SCHEMA_BOOL,
        .preset = "true",
        .reload = RESTART,
        SCHEMA_FIELD(struct config_dnsd, seccomp),
        .description = "whether only the system calls that serving needs are left to the process"},
    {.name = "nsid",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 128,
        .otherwise = "no name is told",
        SCHEMA_FIELD(struct config_dnsd, nsid),
        .description = "what this server calls itself to who asks with NSID (RFC 5001): tells "
                       "apart servers behind one address"},
    {.name = "cookies",
        .type = SCHEMA_TABLE,
        .table = &cookie_table,
        .otherwise = "cookies with a secret of its own",
        .description = "DNS cookies"},
    {.name = "rate_limit",
        .type = SCHEMA_TABLE,
        .table = &rate_table,
        .otherwise = "nothing is limited",
        .description = "response rate limiting over UDP"},
    {.name = "tcp",
        .type = SCHEMA_TABLE,
        .table = &tcp_table,
        .otherwise = "their defaults",
        .description = "limits of DNS over TCP"},
    {.name = "transfers",
        .type = SCHEMA_TABLE,
        .table = &transfers_table,
        .otherwise = "nobody may transfer a zone",
        .description = "zones for other name servers"},
    {.name = "dnstap",
        .type = SCHEMA_TABLE,
        .table = &dnstap_table,
        .otherwise = "no dnstap",
        .description = "queries and answers for a collector"},
    {.name = "proxy",
        .type = SCHEMA_LIST,
        .element = SCHEMA_PREFIX,
        SCHEMA_ITEMS(struct config_dnsd, proxies),
        .min = 0,
        .max = 64,
        .otherwise = "nobody",
        .description = "load balancers that put a PROXY protocol header (version 2) in front of "
                       "every datagram and connection; from them nothing without it is taken"},
    ROW_METRICS,
    ROW_LOG,
};
const struct schema_table dnsd_table = {.name = "dnsd file",
    SCHEMA_ROWS(dnsd_rows),
    .item_bytes = sizeof(struct config_dnsd),
    .reload = RELOAD,
    .description = "The file of tandem-dnsd: with controllers, or alone with zones."};

static const struct schema_row cli_rows[] = {
    ROW_CONTROLLERS(true),
    ROW_TLS(true),
    ROW_LOG,
};
const struct schema_table cli_table = {.name = "tandem file",
    SCHEMA_ROWS(cli_rows),
    .item_bytes = sizeof(struct config_cli),
    .reload = "with the next command",
    .description = "The file of the tandem command."};
