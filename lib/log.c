/* One write(2) a line, so that lines of several threads never mix. */
#include "lib/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/clock.h"

#define LOG_TEXT_BYTES 2048                       /* longer texts are cut */
#define LOG_LINE_BYTES (4 * LOG_TEXT_BYTES + 256) /* an escape takes up to 4 bytes */

/* Read by every thread, written by the main one when it reads its configuration again. */
static const char *_Atomic log_program = "tandem";
static _Atomic enum log_level log_limit = LOG_LEVEL_INFO;
static atomic_bool log_journal;

static const struct {
	const char *word;
	int priority; /* syslog's, which journald reads from "<N>" */
} log_levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* systemd names the device and inode of the stream it connected (systemd.exec(5)). */
static bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	char wanted[64];
	(void)snprintf(
	    wanted, sizeof(wanted), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, wanted) == 0;
}

void log_open(const char *program, enum log_level level)
{
	atomic_store_explicit(&log_program, program, memory_order_release);
	atomic_store_explicit(&log_limit, level, memory_order_relaxed);
	atomic_store_explicit(&log_journal, log_is_journal(), memory_order_relaxed);
}

int log_level_parse(const char *word, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(log_levels) / sizeof(log_levels[0]); i++) {
		if (strcmp(word, log_levels[i].word) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return E_INVALID;
}

/* Escapes what a terminal or a reader of lines would act upon: C0, DEL, and C1 as UTF-8. */
static size_t log_escape(const char *text, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
		if (*p == '\n' || *p == '\t') {
			out[n++] = '\\';
			out[n++] = *p == '\n' ? 'n' : 't';
		} else if (*p < 0x20 || *p == 0x7f || c1) {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = digits[*p >> 4];
			out[n++] = digits[*p & 15];
		} else {
			out[n++] = (char)*p;
		}
	}
	return n;
}

static void log_line(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_line(enum log_level level, const char *format, va_list arguments)
{
	if (level > atomic_load_explicit(&log_limit, memory_order_relaxed))
		return;
	const char *program = atomic_load_explicit(&log_program, memory_order_acquire);
	char text[LOG_TEXT_BYTES];
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		return;
	char line[LOG_LINE_BYTES];
	int head;
	if (atomic_load_explicit(&log_journal, memory_order_relaxed)) {
		head = snprintf(line, 256, "<%d>%.64s: ", log_levels[level].priority, program);
	} else {
		char now[CLOCK_TEXT_BYTES];
		head = snprintf(line, 256, "%s %.64s: %s%s", clock_format(clock_wall_ms(), now),
		    program, level == LOG_LEVEL_INFO ? "" : log_levels[level].word,
		    level == LOG_LEVEL_INFO ? "" : ": ");
	}
	size_t bytes = (size_t)head + log_escape(text, line + head);
	line[bytes++] = '\n';
	ssize_t written = write(STDERR_FILENO, line, bytes);
	(void)written; /* there is nowhere to complain to */
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		log_line(level, format, arguments);                                                \
		va_end(arguments);                                                                 \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

bool log_limit_admit(struct log_limit *l, uint64_t now_ms, const char *what)
{
	if (l->lines == 0 || now_ms - l->since_ms >= LOG_LIMIT_MS) {
		if (l->kept_back > 0)
			log_warn("%s: %u more lines were not logged", what, l->kept_back);
		*l = (struct log_limit){.since_ms = now_ms};
	}
	if (l->lines >= LOG_LIMIT_LINES) {
		l->kept_back++;
		return false;
	}
	l->lines++;
	return true;
}
