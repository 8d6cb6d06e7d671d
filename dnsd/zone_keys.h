/* How a zone is signed: its keys and what is decided with them. Immutable; shared by the snapshots
 * of the zone. Key files are read by the main thread. */
#ifndef TANDEM_DNSD_ZONE_KEYS_H
#define TANDEM_DNSD_ZONE_KEYS_H

#include <stdatomic.h>

#include "config/daemon_load.h"
#include "dnsd/zone_text.h"
#include "lib/dnskey.h"

enum {
	ZONE_KEYS_MAX = 8,    /* of a zone, in whatever state */
	ZONE_SIGNERS_MAX = 4, /* that sign the same RRset */
	ZONE_KEYS_TTL_S = 3600,
};

struct zone_keys {
	atomic_uint references;
	enum config_denial denial;
	size_t keys_count, data_count, key_count;
	struct dnskey *keys[ZONE_KEYS_MAX];
	const struct dnskey *data_signers[ZONE_SIGNERS_MAX]; /* of all RRsets but … */
	const struct dnskey *key_signers[ZONE_SIGNERS_MAX];  /* … DNSKEY, CDS and CDNSKEY */
	enum config_cds cds;
};

/* Reads the files. E_INVALID when a file does not read, belongs to another zone, or what is there
 * together signs nothing. */
int zone_keys_read(const struct config_zone_file *z, struct zone_keys **out, struct err *e);
struct zone_keys *zone_keys_hold(struct zone_keys *k);
void zone_keys_drop(struct zone_keys *k); /* NULL allowed */

/* Makes it a zone that is signed with these keys (holds them): adds DNSKEY, CDS and CDNSKEY.
 * E_INVALID if it has signatures of somebody else. */
int zone_keys_apply(struct zone_keys *k, struct zone_data *z, struct err *e);

#endif
