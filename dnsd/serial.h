/* The serial of a zone, and the turn of its signatures: both follow from the snapshot alone, so
 * that a serial names one content (docs/decisions/023-serial-of-signed-zones.md).
 *
 * Time is cut into turns of SERIAL_TURN_S, which begin at an hour of their own for each zone. At
 * each turn a sixteenth of a zone's RRsets is signed anew, chosen by their names; the serial of a
 * signed zone is its base and the epoch, and SERIAL_TURN_STEP for each turn. */
#ifndef TANDEM_DNSD_SERIAL_H
#define TANDEM_DNSD_SERIAL_H

#include "dnsd/snapshot.h"

enum {
	SERIAL_TURN_S = 6 * 3600,
	SERIAL_PHASE_S = 3600,       /* turns of zones differ by multiples of it */
	SERIAL_TURN_STEP = 65536,    /* more epochs than there ever are in a turn */
	SERIAL_FIRST_S = 1735689600, /* turns are counted from 2025-01-01 */
	SERIAL_WINDOW_TURNS = 16,    /* a signature stays for so many turns: four days */
};

/* 0 for a zone that is not signed. */
uint32_t serial_turn(const struct zone *z, uint32_t time_s);

uint32_t serial_of(const struct snapshot *s, const struct zone *z);

/* Is a newer than b? RFC 1982 section 3.2. */
static inline bool serial_is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(0x80000000);
}

/* The moment that the times of an RRset's signature are counted from. */
uint32_t serial_window_start(
    const struct zone *z, uint32_t turn, const uint8_t *owner, size_t owner_bytes, uint16_t type);

/* When the turns of a zone begin, after a whole number of SERIAL_TURN_S. */
uint32_t serial_phase(const uint8_t *apex, size_t bytes);

/* Does another turn of a signed zone begin between the two moments? */
bool serial_turns(const struct catalog *c, uint32_t former_s, uint32_t time_s);

#endif
