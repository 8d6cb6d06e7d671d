/* Times, spans and foreign texts as people read them. */
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

const char *text_time(int64_t wall_ms, char out[static TEXT_TIME_BYTES])
{
	const int64_t day_s = 86400;
	int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0);
	int64_t days = seconds / day_s - (seconds % day_s < 0);
	int64_t rest = seconds - days * day_s;

	/* Days since 1970 to a Gregorian date, counting years from March so that the leap day comes
	 * last, in eras of 400 years = 146097 days. */
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	int64_t year = year_of_era + era * 400 + (month <= 2);

	snprintf(out, TEXT_TIME_BYTES,
	    "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 "Z",
	    year, month, day, rest / 3600, rest / 60 % 60, rest % 60);
	return out;
}

const char *text_span(uint64_t ms, char out[static TEXT_TIME_BYTES])
{
	uint64_t minutes = ms / 60000;

	if (ms < 1000)
		snprintf(out, TEXT_TIME_BYTES, "%" PRIu64 " ms", ms);
	else if (ms < 120000)
		snprintf(out, TEXT_TIME_BYTES, "%" PRIu64 " s", ms / 1000);
	else if (minutes < 60)
		snprintf(out, TEXT_TIME_BYTES, "%" PRIu64 " min", minutes);
	else if (minutes % 60 == 0)
		snprintf(out, TEXT_TIME_BYTES, "%" PRIu64 " h", minutes / 60);
	else
		snprintf(out, TEXT_TIME_BYTES, "%" PRIu64 " h %" PRIu64 " min", minutes / 60,
		    minutes % 60);
	return out;
}

/* Bytes of the UTF-8 character at `at`, or 0 where there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing past U+10FFFF). */
static size_t character_bytes(const unsigned char *at)
{
	size_t bytes = at[0] < 0x80   ? 1
	               : at[0] < 0xc2 ? 0
	               : at[0] < 0xe0 ? 2
	               : at[0] < 0xf0 ? 3
	                              : 4;

	if (at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return bytes;
}

char *text_clean(const char *text, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)(text ? text : "");
	size_t full = strlen((const char *)at);
	char *out = mem_new((full < bytes ? full : bytes) + 1, 1);
	size_t n = 0;

	while (*at) {
		size_t character = character_bytes(at);
		if (n + (character ? character : 1) >= bytes)
			break;
		if (character > 1)
			memcpy(out + n, at, character);
		else
			out[n] = character == 0                ? '?'
			         : (*at < 0x20 || *at == 0x7f) ? ' '
			                                       : (char)*at;
		n += character ? character : 1;
		at += character ? character : 1;
	}
	out[n] = '\0';
	return out;
}
