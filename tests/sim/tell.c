/* Incidents in words. */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/sim/sim.h"

static const char *const names[INCIDENT_KINDS] = {
    [INCIDENT_PARTITION] = "partition",
    [INCIDENT_ONE_WAY] = "one-way partition",
    [INCIDENT_ISOLATION] = "isolation",
    [INCIDENT_SLOW] = "slow link",
    [INCIDENT_LOSSY] = "lossy link",
    [INCIDENT_CRASH_CONTROLLER] = "crash of a controller",
    [INCIDENT_CRASH_DNSD] = "crash of a dnsd",
    [INCIDENT_CRASH_STORE] = "crash of a store member",
    [INCIDENT_STORE_MUTE] = "store loses answers",
    [INCIDENT_STALL_CONTROLLER] = "stalled controller",
    [INCIDENT_STALL_DNSD] = "stalled dnsd",
    [INCIDENT_CLOCK_JUMP] = "clock jump",
    [INCIDENT_MEMBER_DOWN] = "member down",
    [INCIDENT_MEMBER_FLAPS] = "flapping member",
    [INCIDENT_VANTAGE_LIES] = "lying vantage",
    [INCIDENT_HEALTHD_STOPS] = "healthd stops",
    [INCIDENT_SITE_OUTAGE] = "site outage",
    [INCIDENT_DISK_FAILS] = "disk fails",
    [INCIDENT_NEW_DISK] = "new machine",
    [INCIDENT_CONFUSED_LINE] = "confused controller",
    [INCIDENT_UPGRADE] = "upgrade",
    [INCIDENT_WRONG_CLOCK] = "start with a wrong clock",
    [INCIDENT_AMBUSH] = "ambush",
    [INCIDENT_LINES_LOST] = "views get lost",
    [INCIDENT_SITE_FAILS] = "all members of a site fail",
    [INCIDENT_ALL_FAIL] = "all members of a region fail",
    [INCIDENT_POOL_FAILS] = "all members of a pool fail",
    [INCIDENT_WRONG_ANSWERS] = "wrong answers when asked",
    [INCIDENT_CRASH_HOST] = "crash of a mail host",
    [INCIDENT_NEW_HOST] = "new mail host",
    [INCIDENT_HAND_OVER] = "addresses go to the other host",
    [INCIDENT_PTR_BREAKS] = "a PTR breaks",
    [INCIDENT_DRAIN] = "drain",
    [INCIDENT_UNDRAIN] = "undrain",
    [INCIDENT_APPLY] = "apply",
    [INCIDENT_PLAN] = "plan",
    [INCIDENT_RETURN] = "return",
    [INCIDENT_SCHEDULE] = "schedule",
    [INCIDENT_EXTEND] = "extend",
    [INCIDENT_HOLD] = "hold",
    [INCIDENT_RELEASE] = "release",
    [INCIDENT_PIN] = "pin",
    [INCIDENT_UNPIN] = "unpin",
    [INCIDENT_OUTAGE] = "outage",
    [INCIDENT_PRACTICE] = "practice run",
};

const char *incident_name(enum incident_kind k)
{
	return names[k];
}

static char *network_tell(const struct layout *l, const struct incident *i)
{
	const char *a = l->site_names[i->a], *b = l->site_names[i->b];
	double s = (double)i->lasts_us / 1e6;
	switch (i->kind) {
	case INCIDENT_PARTITION:
		return mem_printf("%s and %s can not reach each other for %.1f s", a, b, s);
	case INCIDENT_ONE_WAY:
		return mem_printf("nothing gets from %s to %s for %.1f s", a, b, s);
	case INCIDENT_ISOLATION:
		return mem_printf("%s is cut off from everybody for %.1f s", a, s);
	case INCIDENT_SLOW:
		return mem_printf("the way from %s to %s is slow for %.1f s", a, b, s);
	case INCIDENT_LOSSY:
		return mem_printf("the way from %s to %s loses messages for %.1f s", a, b, s);
	default:
		return NULL;
	}
}

static char *people_tell(const struct layout *l, const struct incident *i)
{
	switch (i->kind) {
	case INCIDENT_DRAIN:
		return mem_printf("somebody drains %s", l->site_names[i->a]);
	case INCIDENT_UNDRAIN:
		return mem_printf("somebody undrains %s", l->site_names[i->a]);
	case INCIDENT_RETURN:
		return mem_printf("somebody returns %s", l->site_names[i->a]);
	case INCIDENT_APPLY:
		return mem_printf("somebody applies document %" PRIu64, i->a);
	case INCIDENT_PLAN:
		return mem_printf("somebody plans document %" PRIu64, i->a);
	case INCIDENT_SCHEDULE:
	case INCIDENT_EXTEND:
	case INCIDENT_OUTAGE:
	case INCIDENT_PRACTICE:
		return mem_printf(
		    "somebody asks for %s of %s", names[i->kind], l->site_names[i->a]);
	case INCIDENT_HOLD:
	case INCIDENT_RELEASE:
	case INCIDENT_PIN:
	case INCIDENT_UNPIN:
		return mem_printf("somebody asks for %s", names[i->kind]);
	default:
		return NULL;
	}
}

char *incident_tell(const struct plan *p, const struct incident *i)
{
	const struct layout *l = &p->layout;
	double s = (double)i->lasts_us / 1e6;
	char *text = network_tell(l, i);
	if (!text)
		text = people_tell(l, i);
	if (text)
		return text;
	switch (i->kind) {
	case INCIDENT_CRASH_CONTROLLER:
	case INCIDENT_STALL_CONTROLLER:
	case INCIDENT_CRASH_STORE:
	case INCIDENT_UPGRADE:
	case INCIDENT_WRONG_CLOCK:
	case INCIDENT_CLOCK_JUMP:
		return mem_printf(
		    "%s at %s, %.1f s", names[i->kind], l->site_names[l->controller_site[i->a]], s);
	case INCIDENT_CRASH_DNSD:
	case INCIDENT_STALL_DNSD:
	case INCIDENT_DISK_FAILS:
	case INCIDENT_NEW_DISK:
	case INCIDENT_CONFUSED_LINE:
	case INCIDENT_LINES_LOST:
	case INCIDENT_WRONG_ANSWERS:
		return mem_printf("%s: dnsd-%s-%" PRIu64 ", %.1f s", names[i->kind],
		    l->site_names[l->dnsd_site[i->a]], i->a, s);
	case INCIDENT_CRASH_HOST:
	case INCIDENT_NEW_HOST:
		return mem_printf("%s: mail-%s-%" PRIu64 ", %.1f s", names[i->kind],
		    l->site_names[l->host_site[i->a]], i->a, s);
	case INCIDENT_AMBUSH:
		return mem_printf("something waits for the leader's next write");
	case INCIDENT_ALL_FAIL:
		return mem_printf("%s: r%" PRIu64 ", %.1f s", names[i->kind], i->a, s);
	case INCIDENT_POOL_FAILS:
		return mem_printf("%s: p%" PRIu64 ", %.1f s", names[i->kind], i->a, s);
	case INCIDENT_HAND_OVER:
	case INCIDENT_SITE_FAILS:
	case INCIDENT_VANTAGE_LIES:
	case INCIDENT_HEALTHD_STOPS:
	case INCIDENT_SITE_OUTAGE:
		return mem_printf("%s: %s, %.1f s", names[i->kind], l->site_names[i->a], s);
	default:
		return mem_printf("%s (%" PRIu64 "), %.1f s", names[i->kind], i->c, s);
	}
}
