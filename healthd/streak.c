/* Counting results in a row. */
#include "healthd/streak.h"

bool streak_count(struct streak *s, bool ok, uint16_t fall, uint16_t rise)
{
	if (s->count == 0 || s->ok != ok)
		s->count = 1;
	else if (s->count < UINT32_MAX)
		s->count++;
	s->ok = ok;
	/* The one that reaches the threshold decides, so it is as urgent as those before it. */
	return s->count == 1 || s->count <= (ok ? rise : fall);
}
