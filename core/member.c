/* The life of a member's verdict as a table of moves. */
#include "core/member.h"

#include <assert.h>
#include <stdio.h>

const char *member_id(
    const struct service *s, size_t pool, size_t member, char out[static MEMBER_ID_BYTES])
{
	char address[ADDR_TEXT_BYTES];

	assert(pool < s->pools_count && member < s->pools[pool].members_count);
	int n = snprintf(out, MEMBER_ID_BYTES, "%s/%s", s->pools[pool].name,
	    addr_format(&s->pools[pool].members[member].address, address));
	assert(n > 0 && n < MEMBER_ID_BYTES);
	return out;
}

const struct state_member *member_committed(
    const struct service *s, const struct state *state, size_t pool, size_t member)
{
	char id[MEMBER_ID_BYTES];

	return state_member_find(state, member_id(s, pool, member, id));
}

#define TO(state) (1u << (state))

/* DOWN to SUSPECT is missing on purpose: what was down has to be concluded up before a single
 * vantage can cast doubt on it. Nothing moves to where it is: a verdict is news or it is none. */
static const unsigned moves[] = {
    [MEMBER_UNKNOWN] = TO(MEMBER_UP) | TO(MEMBER_SUSPECT) | TO(MEMBER_DOWN),
    [MEMBER_UP] = TO(MEMBER_SUSPECT) | TO(MEMBER_DOWN) | TO(MEMBER_UNKNOWN),
    [MEMBER_SUSPECT] = TO(MEMBER_UP) | TO(MEMBER_DOWN) | TO(MEMBER_UNKNOWN),
    [MEMBER_DOWN] = TO(MEMBER_UP) | TO(MEMBER_UNKNOWN),
};

bool member_may_move(enum member_state from, enum member_state to)
{
	assert(from <= MEMBER_DOWN && to <= MEMBER_DOWN);
	return (moves[from] & TO(to)) != 0;
}

void member_move(enum member_state *verdict, enum member_state to)
{
	assert(member_may_move(*verdict, to));
	*verdict = to;
}
