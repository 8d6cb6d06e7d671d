/* The small files of the daemons and of the operator's command. Paths come out absolute. */
#ifndef TANDEM_CONFIG_DAEMON_LOAD_H
#define TANDEM_CONFIG_DAEMON_LOAD_H

#include "config/service_load.h"
#include "lib/base/addr.h"
#include "lib/log.h"
#include "lib/tls.h"

struct config_common {
	char *name;
	char **controllers; /* base URLs */
	size_t controllers_count;
	char *tls_ca, *tls_certificate, *tls_key; /* NULL: not given */
	char **listen;                            /* "address@port" */
	size_t listen_count;
	char *metrics; /* "address@port" or NULL */
	char *state;   /* folder or NULL */
	enum log_level log;
};

enum config_denial { CONFIG_DENIAL_COMPACT, CONFIG_DENIAL_NSEC };
enum config_cds { CONFIG_CDS_KEYS, CONFIG_CDS_DELETE, CONFIG_CDS_NONE };

struct config_zone_file {
	char *name;  /* absolute, lower case */
	char *file;  /* NULL in the list `dnssec` */
	char **keys; /* files; none: the zone is not signed */
	size_t keys_count;
	enum config_denial denial;
	enum config_cds cds;
};

struct config_secondary {
	struct addr address;
	uint16_t port;
	char *key;    /* file, or NULL: neither NOTIFY nor transfers are signed */
	char **zones; /* absolute, lower case; none: all */
	size_t zones_count;
	bool notify;
};

struct config_transfer_rule {
	struct addr_prefix *from; /* none: from anywhere, with the key */
	size_t from_count;
	char *key;    /* file, or NULL */
	char **zones; /* none: all */
	size_t zones_count;
};

struct config_member_zones { /* a catalog zone (RFC 9432) */
	char *name;          /* absolute, lower case; NULL: there is none */
	char **zones;        /* none: all */
	size_t zones_count;
	char *group; /* NULL: none */
	unsigned serial;
};

struct config_controld {
	struct config_common common;
	char *url;
	char *sqlite; /* path, or NULL when etcd is used */
	char **etcd_endpoints;
	size_t etcd_endpoints_count;
	char *etcd_ca, *etcd_certificate, *etcd_key; /* NULL: plain HTTP */
	char *socket, *socket_group;                 /* Unix socket; NULL: the process's group */
};
struct config_healthd {
	struct config_common common;
	unsigned heartbeat_ms; /* default 1000 */
};
struct config_dnsd {
	struct config_common common;
	struct config_zone_file *zones; /* stand-alone; excludes controllers */
	size_t zones_count;
	struct config_zone_file *dnssec; /* zones of the controllers that are signed here */
	size_t dnssec_count;
	char *nsid;               /* NULL: none */
	char *cookie_secret_file; /* NULL: a secret of its own */
	struct addr_prefix *rate_allow;
	size_t rate_allow_count;
	struct addr_prefix *proxies; /* who must speak the PROXY protocol */
	size_t proxies_count;
	char *user, *group;                    /* NULL: as started; the user's own */
	char *dnstap_socket, *dnstap_identity; /* NULL: no dnstap; the daemon's name */
	struct config_secondary *secondaries;
	size_t secondaries_count;
	struct config_transfer_rule *transfer_rules; /* besides the secondaries */
	size_t transfer_rules_count;
	struct config_member_zones member_zones;
	unsigned transfers_parallel;
	unsigned transfers_longest_ms;
	unsigned transfer_history, transfer_history_mib; /* entries, and memory for catalogs */
	unsigned workers;                                /* default 1 */
	unsigned rate_responses, rate_errors, rate_window_s, rate_slip;
	unsigned rate_ipv4_prefix, rate_ipv6_prefix;
	unsigned tcp_connections, tcp_per_client, tcp_idle_ms, tcp_drain_ms;
	bool rate_limit; /* is there such a block? */
	bool rate_dry_run;
	bool cookies;
	bool dnstap_queries, dnstap_responses;
	bool seccomp;
};
struct config_cli {
	struct config_common common;
};

/* 0, or E_INVALID with `errors` filled (a file that can not be read is one error too). The caller
 * frees with the matching function also after failure. */
int config_controld_load(const char *path, struct config_controld *out, struct config_errors *e);
int config_healthd_load(const char *path, struct config_healthd *out, struct config_errors *e);
int config_dnsd_load(const char *path, struct config_dnsd *out, struct config_errors *e);
int config_cli_load(const char *path, struct config_cli *out, struct config_errors *e);
void config_controld_free(struct config_controld *c);
void config_healthd_free(struct config_healthd *c);
void config_dnsd_free(struct config_dnsd *c);
void config_cli_free(struct config_cli *c);

#endif
