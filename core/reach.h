/* Which vantage reaches which site at all: tells a site that is cut off from a service that is
 * dead, and a vantage whose own link is cut from what it reports of others (decision 067). */
#ifndef TANDEM_CORE_REACH_H
#define TANDEM_CORE_REACH_H

#include "core/vantage.h"

struct core;
struct state;

struct reach {
	/* enum reach_sight, [vantage][site]: works if it does for some member, fails if for all */
	uint8_t sight[SERVICE_SITES][SERVICE_SITES];
	/* The vantage reaches nothing of the sites that other vantages reach from outside, and that
	 * are at least two, or it is itself not reached while it sees itself work: its own link is
	 * cut, what it says of others is worth nothing. */
	bool cut_off[SERVICE_SITES];
};

enum reach_kind {
	REACH_USUAL,    /* somebody outside reaches it, or its own healthd fails as well */
	REACH_ISOLATED, /* nobody outside does, its own healthd sees it work: cut off, not dead */
	REACH_DARK, /* nobody outside does, its own healthd is silent: cut off or lost as a whole */
};

/* Looks at the checked members of sites that are not drained. `settled`: failures count from `fall`
 * in a row on; else the last result decides. */
void reach_look(
    const struct core *c, const struct state *s, bool settled, uint64_t now_ms, struct reach *out);

/* Two vantages at least that are not cut off fail on the site, and none reaches it. */
enum reach_kind reach_of_site(const struct core *c, const struct reach *r, size_t site);
/* This vantage alone reaches nothing of the site, which another one outside does, and which does
 * not fail for itself. */
bool reach_link_fails(const struct core *c, const struct reach *r, size_t vantage, size_t site);

/* The tally of a member without what vantages say of it that are cut off. */
struct tally reach_tally(
    const struct core *c, const struct reach *r, size_t member, uint64_t now_ms);

#endif
