/* Follows a drain live until it is safe to work on the site, or will not become so. */
#ifndef TANDEM_CLI_DRAIN_WAIT_H
#define TANDEM_CLI_DRAIN_WAIT_H

#include <stdint.h>

#include "cli/client.h"

/* Of a drain that was just made, as the answer to it told: what a controller says that was cut off
 * before is not about this one. */
struct drain_made {
	const char *site;
	json_int_t epoch;     /* of the state it is in */
	const char *declared; /* a time; "": not told */
};

/* True: `status` may speak of this drain, whose entry goes to *out, NULL where there is none. Not
 * of a controller without quorum, nor of one that knows less than was answered. */
bool drain_is_told(const struct drain_made *made, const json_t *status, const json_t **out);
/* Only the leader asks outside, so only it can say that a drain is safe. */
bool drain_is_safe(const struct drain_made *made, const json_t *status);

/* One line a step, then "safe to work on SITE" (CLI_OK) or "not drained: …" (CLI_NOT_DRAINED).
 * `wait_ms` 0: as long as the drain lasts. Changes of the leader and lost streams are lived
 * through. SIGINT ends the program with CLI_NOT_DRAINED; the drain stays. */
int drain_wait(
    const struct cli *cli, struct client *c, const struct drain_made *made, uint64_t wait_ms);

#endif
