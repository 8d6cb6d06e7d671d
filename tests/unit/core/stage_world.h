/* Two pools in two sites, and time that passes in it: what the tests of stages and of their limit
 * begin with. */
#ifndef TANDEM_TESTS_UNIT_CORE_STAGE_WORLD_H
#define TANDEM_TESTS_UNIT_CORE_STAGE_WORLD_H

#include "tests/unit/core/world.h"

#define MAIL_MUC "mail-de/127.10.0.25"
#define MAIL_FRA "mail-de/127.20.0.25"
#define KDIN_MUC "kdin/127.10.0.34"
#define KDIN_FRA "kdin/127.20.0.34"
#define BOTH "127.10.0.25 127.20.0.25"

/* mail-de and kdin in both sites, one automatic removal in ten minutes. */
static inline struct service *service_limited(void)
{
	struct service *s = service_bare();
	struct service_pool *mail = service_add_pool(s, "mail-de");

	pool_add(mail, MUC, "127.10.0.25");
	pool_add(mail, FRA, "127.20.0.25");
	struct service_pool *kdin = service_add_pool(s, "kdin");
	pool_add(kdin, MUC, "127.10.0.34");
	pool_add(kdin, FRA, "127.20.0.34");
	s->regions[0].removal_window_s = 600;
	return s;
}

static inline const struct state_member *member_of(const struct world *w, const char *id)
{
	const struct state_member *m = state_member_find(state_of(w), id);

	assert_non_null(m);
	return m;
}

/* Time passes in which the vantages keep saying what they say. */
static inline void goes_on(struct world *w, uint64_t ms, const char *down)
{
	for (uint64_t done = 0; done < ms; done += 1000) {
		const struct service *s = core_service(w->core);
		char id[128], address[ADDR_TEXT_BYTES];
		pass(w, 1000);
		for (size_t p = 0; p < s->pools_count; p++)
			for (size_t i = 0; i < s->pools[p].members_count; i++) {
				snprintf(id, sizeof(id), "%s/%s", s->pools[p].name,
				    addr_format(&s->pools[p].members[i].address, address));
				everyone_says(w, id, down && strstr(down, id) ? DOWN : UP);
			}
	}
}

#endif
