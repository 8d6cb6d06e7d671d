/* The signer: makes RRSIG records for one thread, as they are asked for, and remembers them.
 *
 * Order: signer_enter at the start of each batch; then signer_put behind each RRset. Nothing is
 * locked: each thread has a signer with a cache of its own.
 *
 * The times in a signature are given by who asks for it, so that all servers give the same
 * (dnsd/serial.h): from SIGN_EARLY_S before `start_s` to SIGN_VALID_S after it.
 *
 * What a flood of questions can make it do is bounded: making signatures gets a share of the
 * thread's time, of which names that do not exist get the smaller part. */
#ifndef TANDEM_DNSD_SIGNER_H
#define TANDEM_DNSD_SIGNER_H

#include "dnsd/message.h"
#include "dnsd/zone_keys.h"

enum {
	SIGN_EARLY_S = 86400,
	SIGN_VALID_S = 14 * 86400,
};

struct signer_limits {
	size_t entries, denial_entries; /* of the caches, powers of two */
	unsigned share, denial_share;   /* of the time, in percent */
	unsigned burst_ms;              /* unused time that may be saved up */
};
extern const struct signer_limits SIGNER_UDP, SIGNER_TCP;

struct signer_counts {
	uint64_t made, remembered, starved;
};

struct signer;
struct signer *signer_new(const struct signer_limits *limits);
void signer_free(struct signer *s); /* NULL allowed */

/* The time of a clock that only goes forward. */
void signer_enter(struct signer *s, uint64_t now_ns);
void signer_enter_now(struct signer *s); /* reads the clock */

struct signer_counts signer_counts_take(struct signer *s); /* since the last time */

struct signed_set { /* what is signed, and as what */
	const struct rrset *set;
	const uint8_t *owner; /* wire, folded; "*.…" for what a wildcard gave */
	uint8_t owner_bytes;
	uint32_t ttl_s;   /* in the zone; the answer may show less */
	uint32_t start_s; /* serial_window_start() */
	bool is_denial;   /* the asker may have made the owner up: less of the time for it */
};

/* Appends an RRSIG a key, with the owner name at octet `owner_at` and the TTL as it is shown.
 * False: it does not fit (m->full is set), or there was no time for it. */
bool signer_put(struct signer *s, const struct zone_keys *keys, const struct signed_set *what,
    struct message *m, enum message_section section, size_t owner_at, uint32_t shown_ttl_s);

#endif
