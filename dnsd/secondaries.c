/* The catalog zone's making and the notifier, replaced together. */
#include "dnsd/secondaries.h"

#include <sys/stat.h>

/* With controllers the epoch is added. Alone nothing else says that the list has changed, and the
 * list stands in the file. */
static uint32_t members_serial(const struct config_dnsd *config, const char *path)
{
	struct stat about;
	if (config->common.controllers_count > 0 || config->member_zones.serial != 0)
		return config->member_zones.serial;
	return stat(path, &about) == 0 ? (uint32_t)about.st_mtim.tv_sec : 1;
}

int secondaries_make(struct event_base *base, const struct config_dnsd *config, const char *path,
    const struct snapshot_seat *seat, struct secondaries *out, struct err *e)
{
	*out = (struct secondaries){0};
	int r =
	    member_zones_new(&config->member_zones, members_serial(config, path), &out->members, e);
	if (r == 0)
		r = notifier_new(base, config, seat, &out->notifier, e);
	if (r != 0)
		secondaries_release(out);
	return r;
}

void secondaries_release(struct secondaries *s)
{
	notifier_free(s->notifier);
	member_zones_free(s->members);
	*s = (struct secondaries){0};
}

void secondaries_replace(struct secondaries *s, struct secondaries *fresh)
{
	notifier_inherit(fresh->notifier, s->notifier);
	secondaries_release(s);
	*s = *fresh;
	*fresh = (struct secondaries){0};
	notifier_wake(s->notifier);
}
