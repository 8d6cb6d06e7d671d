/* Response rate limiting: how many answers a network gets about one thing.
 *
 * Each thread has a table of its own, of fixed size; no locks, no clock, no I/O. An account earns a
 * second's worth of answers a second and keeps no more; a flood runs it into debt, which is as deep
 * as `window_s` seconds earn. Where the table is full, the account that was idle longest makes
 * room: then a network may begin anew, so a full table limits less, never more. */
#ifndef TANDEM_DNSD_RATELIMIT_H
#define TANDEM_DNSD_RATELIMIT_H

#include <stddef.h>

#include "lib/base/addr.h"

struct ratelimit_rules {
	bool is_on, dry_run;
	unsigned answers_per_s, errors_per_s;
	unsigned window_s;
	unsigned slip; /* every so manieth limited answer asks for TCP; 0: none */
	unsigned ipv4_bits, ipv6_bits;
	struct addr_prefix *allow;
	size_t allow_count;
};

enum ratelimit_kind { RATELIMIT_ANSWER, RATELIMIT_ERROR };
enum ratelimit_verdict { RATELIMIT_PASS, RATELIMIT_SLIP, RATELIMIT_DROP };

struct ratelimit;
struct ratelimit *ratelimit_new(void);
void ratelimit_free(struct ratelimit *r); /* NULL allowed */

/* Books one answer. `subject`: what it is about, any number; errors have none. */
enum ratelimit_verdict ratelimit_judge(struct ratelimit *r, const struct ratelimit_rules *rules,
    const struct addr *client, enum ratelimit_kind kind, uint64_t subject, uint64_t now_ms);

#endif
