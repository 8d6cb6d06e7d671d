/* The catalog zone's making and the notifier, replaced together. */
#include "dnsd/secondaries.h"

#include <sys/stat.h>

#include "dnsd/serial.h"

/* With controllers the epoch is added. Alone nothing else says that the list has changed, and the
 * list stands in the file. Two changes in one second, or a clock put back, count on. */
static void serial_choose(struct secondaries *s, const struct config_dnsd *config, const char *path,
    const struct secondaries *former)
{
	struct stat about;
	s->members_serial = config->member_zones.serial;
	if (config->common.controllers_count > 0 || s->members_serial != 0)
		return;
	s->members_serial = former->members_serial;
	if (stat(path, &about) != 0)
		return; /* it was read a moment ago; the next reload sees its time */
	s->file_time = about.st_mtim;
	if (s->file_time.tv_sec == former->file_time.tv_sec &&
	    s->file_time.tv_nsec == former->file_time.tv_nsec)
		return;
	uint32_t time_s = (uint32_t)s->file_time.tv_sec;
	bool grows = former->members_serial == 0 || serial_is_newer(time_s, former->members_serial);
	s->members_serial = grows ? time_s : former->members_serial + 1;
}

int secondaries_make(struct event_base *base, const struct config_dnsd *config, const char *path,
    const struct snapshot_seat *seat, const struct secondaries *former, struct secondaries *out,
    struct err *e)
{
	*out = (struct secondaries){0};
	serial_choose(out, config, path, former);
	int r = member_zones_new(&config->member_zones, out->members_serial, &out->members, e);
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
