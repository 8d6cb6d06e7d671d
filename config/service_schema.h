/* The rows of the service document, and the structs that they fill: the document as written, names
 * instead of indexes, each item with its place in the file. config/service_build.c makes a struct
 * service of it. */
#ifndef TANDEM_CONFIG_SERVICE_SCHEMA_H
#define TANDEM_CONFIG_SERVICE_SCHEMA_H

#include "config/schema.h"
#include "core/service.h"

struct raw_region {
	struct schema_place place;
	char *name;
	uint32_t removal_window_s;
};

struct raw_site {
	struct schema_place place;
	char *name, *region;
	bool witness;
};

struct raw_check {
	struct schema_place place;
	char *reference; /* in a pool: the name of a check under `checks` stood there alone */
	struct service_check check;
};

struct raw_member {
	struct schema_place place;
	char *site;
	struct addr address;
	uint16_t weight;
};

enum return_mode { RETURN_AUTO, RETURN_MANUAL };

struct raw_pool {
	struct schema_place place;
	char *name, *region;
	uint32_t ttl_s, suspect_ttl_s;
	enum service_placement placement;
	struct raw_member *members;
	size_t members_count;
	struct raw_check *checks;
	size_t checks_count;
	uint16_t witnesses, min_members, min_percent;
	enum all_down all_down;
	char *fallback;
	enum return_mode return_mode;
	uint32_t return_after_s, flap_half_life_s, ramp_s;
};

struct raw_zone {
	struct schema_place place;
	char *name;
	uint32_t ttl_s;
	char *soa_mname, *soa_rname;
	uint32_t soa_refresh_s, soa_retry_s, soa_expire_s, soa_minimum_s;
	uint32_t serial_base;
	char **ns;
	size_t ns_count;
	char **records;
	size_t records_count;
};

struct raw_name {
	struct schema_place place;
	char *owner, *pool;
	uint32_t ttl_s;
};

struct raw_names_file {
	struct schema_place place;
	char *zone, *pool, *file;
	uint32_t ttl_s;
};

struct raw_names_list { /* what tandem apply found in a names file */
	struct schema_place place;
	char *file, *digest;
	uint32_t count;
};

struct raw_spf_set {
	struct schema_place place;
	char *name;
	char **terms;
	size_t terms_count;
};

struct raw_site_addresses {
	struct schema_place place;
	char *site;
	struct addr *addresses;
	size_t addresses_count;
};

struct raw_pair {
	struct schema_place place;
	char *customer;
	char **domains;
	size_t domains_count;
	char *spf;
	struct raw_site_addresses *addresses;
	size_t addresses_count;
};

struct raw_component {
	struct schema_place place;
	char *name;
	enum service_placement placement;
	char *primary;
};

struct raw_name_servers {
	struct schema_place place;
	char *site;
	char **endpoints;
	size_t endpoints_count;
};

struct raw_resolver {
	struct schema_place place;
	char *name, *endpoint, *trust_anchor;
	char **owners;
	size_t owners_count;
	bool validated, needed;
};

struct raw_measure {
	struct schema_place place;
	char *site;
	struct service_measure measure;
};

struct raw_blocked {
	struct schema_place place;
	char *from, *to, *reason;
};

struct raw_maintenance {
	uint32_t quiet_ms, look_ms, practice_every_s;
	char **waived;
	size_t waived_count;
	struct raw_name_servers *name_servers;
	size_t name_servers_count;
	struct raw_resolver *resolvers;
	size_t resolvers_count;
	struct raw_measure *measures;
	size_t measures_count;
	struct raw_blocked *blocked;
	size_t blocked_count;
};

struct raw_publication {
	char *canary;
	uint32_t verify_ms;
};

struct raw_service {
	struct schema_place place;
	char *title;
	struct raw_region *regions;
	size_t regions_count;
	struct raw_site *sites;
	size_t sites_count;
	struct raw_check *checks;
	size_t checks_count;
	struct raw_pool *pools;
	size_t pools_count;
	struct raw_zone *zones;
	size_t zones_count;
	struct raw_name *names;
	size_t names_count;
	struct raw_names_file *names_files;
	size_t names_files_count;
	struct raw_names_list *names_lists;
	size_t names_lists_count;
	struct raw_spf_set *spf_sets;
	size_t spf_sets_count;
	struct raw_site_addresses *push_senders;
	size_t push_senders_count;
	struct raw_pair *pairs;
	size_t pairs_count;
	struct raw_component *components;
	size_t components_count;
	struct service_sending sending;
	struct raw_maintenance maintenance;
	struct service_guard guard;
	struct raw_publication publication;
};

extern const struct schema_table service_table;     /* fills struct raw_service */
extern const struct schema_table maintenance_table; /* fills its `maintenance` */
extern const struct schema_table publication_table; /* fills its `publication` */
extern const struct schema_table spf_table;         /* of its `spf_sets` */
extern const struct schema_table site_addresses_table;
extern const struct schema_table pair_table;       /* of its `pairs` */
extern const struct schema_table sending_table;    /* fills its `sending` */
extern const struct schema_table check_table;      /* fills struct raw_check: one under `checks` */
extern const struct schema_table pool_check_table; /* the same, inside a pool */

#endif
