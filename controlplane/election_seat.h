/* The leader's seat as the store shows it: who holds it, since which revision, and the last beat.
 */
#ifndef TANDEM_CONTROLPLANE_ELECTION_SEAT_H
#define TANDEM_CONTROLPLANE_ELECTION_SEAT_H

#include "controlplane/store.h"

#define SEAT_PREFIX "/tandem/leader/"
#define SEAT_TERM_KEY SEAT_PREFIX "term"
#define SEAT_BEAT_KEY SEAT_PREFIX "beat"
#define SEAT_INSTANCE_BYTES 17 /* 16 hexadecimal digits */

struct seat {
	uint64_t term_modified; /* 0: there is no term */
	uint64_t beat_modified;
	uint64_t term;  /* grows; kept when the key goes */
	char *holder;   /* "" = vacant */
	char *instance; /* which run of the holder, so that a process knows its own office */
	char *url;
};

void seat_init(struct seat *seat);
void seat_release(struct seat *seat);

/* Takes one change of a key, or a list of both keys as of `revision`. What is older than what we
 * know is ignored. True if anything changed. */
bool seat_take_entry(struct seat *seat, const struct store_entry *entry);
bool seat_take_list(
    struct seat *seat, uint64_t revision, const struct store_entry *entries, size_t count);

/* Documents to write; the caller frees. holder "" makes it vacant. */
char *seat_term_text(uint64_t term, const char *holder, const char *instance, const char *url);
char *seat_beat_text(uint64_t term, const char *instance);

/* Sets what a commit of ours has just written. */
void seat_set(struct seat *seat, uint64_t revision, uint64_t term, const char *holder,
    const char *instance, const char *url);

#endif
