/* The trace: a hash of everything that happens, and, where wanted, a story in plain English. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/shims.h"
#include "tests/sim/sim.h"

bool sim_narrates;

void trace_add(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint64_t h = sim->hash;
	for (size_t i = 0; i < bytes; i++)
		h = (h ^ at[i]) * 0x100000001b3ULL;
	sim->hash = h;
}

void trace_number(uint64_t n)
{
	sim->hash = (sim->hash ^ n) * 0x9e3779b97f4a7c15ULL;
	sim->hash ^= sim->hash >> 29;
}

__attribute__((format(printf, 2, 0))) static void line_print(
    const char *who, const char *format, va_list ap)
{
	uint64_t ms = sim->now_us / 1000;
	printf("%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 " %s%s", ms / 3600000,
	    ms / 60000 % 60, ms / 1000 % 60, ms % 1000, who, *who ? ": " : "");
	vprintf(format, ap);
	putchar('\n');
}

void story_tell(const char *format, ...)
{
	va_list ap;
	trace_number(7);
	if (!sim_narrates)
		return;
	va_start(ap, format);
	line_print("", format, ap);
	va_end(ap);
}

#define LOG_SHIM(shim)                                                                             \
	void shim(const char *format, ...)                                                         \
	{                                                                                          \
		va_list ap;                                                                        \
		if (!sim_narrates)                                                                 \
			return;                                                                    \
		va_start(ap, format);                                                              \
		line_print(sim->current ? sim->current->name : "", format, ap);                    \
		va_end(ap);                                                                        \
	}

LOG_SHIM(__wrap_log_error)
LOG_SHIM(__wrap_log_warn)
LOG_SHIM(__wrap_log_info)

void __wrap_log_debug(const char *format, ...)
{
	(void)format;
}
