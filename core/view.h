/* A view: everything a dnsd needs to act, at one epoch.
 *
 * Two halves with different pulses. The catalog (zones, static records, names and the pool behind
 * each, names removed on purpose) belongs to a configuration revision; the pool table (which
 * members are offered now) belongs to the epoch. A delta on the wire is the pool table alone: it
 * applies to any view of the same revision, whatever epoch that one has.
 *
 * On the wire: docs/architecture.md, "Messages"; encoded and decoded by wire/view.h. */
#ifndef TANDEM_CORE_VIEW_H
#define TANDEM_CORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"

#define VIEW_VERSION 2 /* 1 where a view has no lists: older readers can use it */
#define VIEW_CLUSTER_BYTES 37
#define VIEW_DIGEST_BYTES 32

struct view_member {
	struct addr address;
	uint16_t weight;
	char *site;
};

struct view_pool { /* never empty: rule 1 */
	char *name;
	uint32_t ttl_s;
	struct view_member *members; /* sorted by address */
	size_t members_count;
};

struct view_zone {
	char *name;
	uint32_t ttl_s;
	char *soa_mname, *soa_rname;
	uint32_t soa_refresh_s, soa_retry_s, soa_expire_s, soa_minimum_s;
	uint32_t serial_base;
	char **records; /* "owner ttl type rdata" */
	size_t records_count;
};

struct view_name {
	char *owner;
	char *zone;
	char *pool;
	uint32_t ttl_s; /* 0 = the pool's */
};

struct view_names { /* names of a list (wire/names.h), answered with a pool */
	char *zone;
	char *pool;
	uint32_t ttl_s; /* 0 = the pool's */
	uint8_t digest[VIEW_DIGEST_BYTES];
	uint64_t count;
};

struct view_leave { /* how many names left their lists with a revision */
	uint64_t revision, count;
};

struct view_removal { /* a name that left on purpose, and with which revision */
	char *owner;
	uint64_t revision;
};

#define VIEW_TYPE_BYTES 16
#define VIEW_TYPE_ANY "*"

struct view_loss {   /* a type of record that left on purpose, of names that stay */
	char *owner; /* NULL: all names that this pool answered */
	char *pool;
	char type[VIEW_TYPE_BYTES]; /* "MX"; VIEW_TYPE_ANY: whichever it had */
	uint64_t revision;
};

struct view_catalog {
	/* Holders beyond the first: 0 in a fresh one. Not for several threads. */
	unsigned references;
	struct view_zone *zones;
	size_t zones_count;
	struct view_name *names; /* NULL where forgotten: the digest stands for them */
	size_t names_count;
	bool names_forgotten;
	uint8_t names_digest[VIEW_DIGEST_BYTES];
	struct view_removal *removals;
	size_t removals_count;
	struct view_loss *losses;
	size_t losses_count;
	uint64_t types_since; /* all losses of this revision and later ones are there; 0: of none */
	struct view_names *lists;
	size_t lists_count;
	struct view_leave *leaves;
	size_t leaves_count;
};

/* What a host may do with a dedicated sending address (docs/sending.md). One that is not named is
 * not touched: no host may have it. */
enum view_use {
	VIEW_BIND,  /* have it on an interface, and begin no mail with it; what is queued may leave
	             */
	VIEW_USE,   /* send from it */
	VIEW_LEAVE, /* take no new mail for it; let go once what is queued is gone */
};
struct view_sender {
	struct addr address;
	char *site, *customer;
	char *host; /* of the site, the only one that may have it; NULL: whichever binds it first */
	enum view_use use;
};

struct view {
	char cluster[VIEW_CLUSTER_BYTES]; /* UUID: epochs of different clusters don't compare */
	uint64_t epoch;
	uint64_t revision;            /* of the configuration */
	struct view_catalog *catalog; /* NULL in a delta */
	struct view_pool *pools;      /* sorted by name */
	size_t pools_count;
	struct view_sender *senders; /* sorted by address; of no use to name servers */
	size_t senders_count;
};

struct view *view_new(void);
void view_free(struct view *v); /* drops its hold of the catalog; NULL allowed */

/* Views of one revision may share their catalog. NULL allowed. */
struct view_catalog *view_catalog_hold(struct view_catalog *c);
void view_catalog_drop(struct view_catalog *c);
struct view_loss *view_losses_copy(const struct view_loss *losses, size_t count);
struct view_sender *view_senders_copy(const struct view_sender *senders, size_t count);
void view_senders_free(struct view_sender *senders, size_t count);
bool view_sender_equal(const struct view_sender *a, const struct view_sender *b);
const char *view_use_name(enum view_use u); /* "bind" "use" "leave" */
void view_losses_free(struct view_loss *losses, size_t count);
void view_names_release(struct view_catalog *c); /* frees the names, leaves their number */

#endif
