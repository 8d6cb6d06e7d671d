/* After a change: waits until the name servers serve it, and says how many do. */
#ifndef TANDEM_CLI_FOLLOW_H
#define TANDEM_CLI_FOLLOW_H

#include <stdint.h>

#include "cli/client.h"

struct follow_result {
	uint64_t epoch;
	size_t servers, serving; /* name servers heard; those at the epoch or past it */
	uint64_t took_ms;        /* since began_ms, when the last of them was seen serving */
	size_t still_offered; /* addresses of `site` in the answers: pools that live only there */
	char drain_text[512]; /* of the drain of `site`: what is still to be proven, or "" */
};

/* Follows the status until every name server serves `epoch`, for `timeout_ms` at most; `site` may
 * be NULL. True when all serve it and there is at least one. */
bool follow_epoch(struct client *c, const char *site, uint64_t epoch, uint64_t began_ms,
    unsigned timeout_ms, struct follow_result *out);

/* Counts in one status object; true when all serve it. */
bool follow_count(const json_t *status, struct follow_result *out);

#endif
