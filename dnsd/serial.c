/* The serial of a zone, and the turn of its signatures. */
#include "dnsd/serial.h"

#include "core/service.h"

_Static_assert((int)SERIAL_TURN_STEP == (int)SERVICE_TURN_STEP, "a drain is proven by it");

/* FNV-1a: the same on all servers, and nothing to gain from choosing it. */
static uint32_t hash_name(const uint8_t *name, size_t bytes)
{
	uint32_t hash = UINT32_C(2166136261);
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ name[i]) * UINT32_C(16777619);
	return hash;
}

uint32_t serial_phase(const uint8_t *apex, size_t bytes)
{
	uint64_t phases = SERIAL_TURN_S / SERIAL_PHASE_S;
	return (uint32_t)(hash_name(apex, bytes) * phases >> 32) * SERIAL_PHASE_S;
}

uint32_t serial_turn(const struct zone *z, uint32_t time_s)
{
	uint32_t first_s = (uint32_t)SERIAL_FIRST_S + z->phase_s;
	return !z->keys || time_s < first_s ? 0 : (time_s - first_s) / SERIAL_TURN_S;
}

uint32_t serial_of(const struct snapshot *s, const struct zone *z)
{
	return zone_top(s->catalog, z)->serial_base + s->epoch +
	       serial_turn(z, s->time_s) * SERIAL_TURN_STEP;
}

/* Where records change with each turn anyway, or tell how the zone is signed: then the difference
 * of two turns does not fit a copy of the zone that was signed with other keys. */
static bool is_signed_each_turn(uint16_t type)
{
	return type == TYPE_SOA || type == TYPE_DNSKEY || type == TYPE_CDS || type == TYPE_CDNSKEY;
}

uint32_t serial_window_start(
    const struct zone *z, uint32_t turn, const uint8_t *owner, size_t owner_bytes, uint16_t type)
{
	uint32_t hash = (hash_name(owner, owner_bytes) ^ type) * UINT32_C(16777619);
	uint32_t age = is_signed_each_turn(type)
	                   ? 0
	                   : (turn + (hash >> 16) % SERIAL_WINDOW_TURNS) % SERIAL_WINDOW_TURNS;
	/* Before the first turns the windows reach back before SERIAL_FIRST_S: no harm. */
	return (uint32_t)SERIAL_FIRST_S + z->phase_s + (turn - age) * SERIAL_TURN_S;
}

bool serial_turns(const struct catalog *c, uint32_t former_s, uint32_t time_s)
{
	for (size_t i = 0; i < c->zones_count; i++)
		if (serial_turn(c->zones[i], former_s) != serial_turn(c->zones[i], time_s))
			return true;
	return false;
}
