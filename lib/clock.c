/* Clocks, times and durations as text. */
#include "lib/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DURATION_MAX_MS (366 * UINT64_C(86400000))

static const struct {
	const char *unit;
	uint64_t ms;
} duration_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
#define DURATION_UNITS (sizeof(duration_units) / sizeof(duration_units[0]))

uint64_t clock_mono_ms(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(!failed);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_REALTIME, &now);
	assert(!failed);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *clock_format(int64_t wall_ms, char out[static CLOCK_TEXT_BYTES])
{
	int64_t ms = wall_ms % 1000;
	if (ms < 0)
		ms += 1000;
	time_t seconds = (time_t)((wall_ms - ms) / 1000);
	struct tm tm;
	if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900)
		return strcpy(out, "out of range");
	(void)snprintf(out, CLOCK_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100, tm.tm_hour % 100,
	    tm.tm_min % 100, tm.tm_sec % 100, (int)ms);
	return out;
}

int clock_parse(const char *text, int64_t *wall_ms, struct err *e)
{
	static const char *const forms[] = {
	    "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		if (!end || *end != '\0' || tm.tm_year < 70)
			continue;
		int day = tm.tm_mday;
		time_t seconds = timegm(&tm);
		if (tm.tm_mday != day) /* the 31st of a month of 30 days */
			break;
		*wall_ms = (int64_t)seconds * 1000;
		return 0;
	}
	return err_set(e, E_INVALID,
	    "found \"%.40s\", expected a time in UTC such as 2026-12-24T18:00:00Z or 2026-12-24",
	    text);
}

/* The unit at *text, searched from unit `first` on: units come largest first, each once. */
static size_t duration_unit_find(const char *text, size_t first)
{
	size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = first; i < DURATION_UNITS; i++) {
		if (strlen(duration_units[i].unit) == letters &&
		    strncmp(text, duration_units[i].unit, letters) == 0)
			return i;
	}
	return DURATION_UNITS;
}

int duration_parse(const char *text, uint64_t *ms, struct err *e)
{
	uint64_t total = 0;
	size_t first = 0;
	const char *p = text;
	do {
		uint64_t number = 0;
		size_t digits = strspn(p, "0123456789");
		if (digits == 0 || digits > 12)
			goto bad;
		for (size_t i = 0; i < digits; i++)
			number = number * 10 + (uint64_t)(p[i] - '0');
		p += digits;
		size_t unit = duration_unit_find(p, first);
		if (unit == DURATION_UNITS)
			goto bad;
		p += strlen(duration_units[unit].unit);
		first = unit + 1;
		if (number > DURATION_MAX_MS / duration_units[unit].ms)
			goto out_of_range;
		total += number * duration_units[unit].ms;
	} while (*p);
	if (total == 0 || total > DURATION_MAX_MS)
		goto out_of_range;
	*ms = total;
	return 0;
bad:
	return err_set(e, E_INVALID,
	    "found \"%.32s\", expected a duration with its unit, such as 250ms, 90s, 15m, 2h, "
	    "1d or 1h30m",
	    text);
out_of_range:
	return err_set(e, E_INVALID, "found \"%.32s\", expected a duration from 1ms to 366d", text);
}

const char *duration_format(uint64_t ms, char out[static CLOCK_TEXT_BYTES])
{
	size_t used = 0;
	out[0] = '\0';
	for (size_t i = 0; i < DURATION_UNITS; i++) {
		uint64_t number = ms / duration_units[i].ms;
		ms %= duration_units[i].ms;
		if (number == 0)
			continue;
		int n = snprintf(out + used, CLOCK_TEXT_BYTES - used, "%" PRIu64 "%s", number,
		    duration_units[i].unit);
		assert(n > 0 && (size_t)n < CLOCK_TEXT_BYTES - used);
		used += (size_t)n;
	}
	return used ? out : strcpy(out, "0s");
}
