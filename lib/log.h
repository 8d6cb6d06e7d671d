/* Log lines on standard error, for journald and for people.
 *
 * One line an event: level prefix for journald ("<4>") when standard error is its stream, else a
 * UTC time; then the program's name and the text.  Control characters in the text are escaped. */
#ifndef TANDEM_LIB_LOG_H
#define TANDEM_LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `program` is kept, not copied.  Lines above `level` are dropped.  Other threads may be writing.
 */
void log_open(const char *program, enum log_level level);
int log_level_parse(const char *word, enum log_level *out); /* "error" … "debug"; 0 or E_INVALID */

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For lines that a peer can cause: true while fewer than LOG_LIMIT_LINES were admitted in the last
 * LOG_LIMIT_MS; afterwards it says once how many were kept back. Start from {0}. */
#define LOG_LIMIT_LINES 20
#define LOG_LIMIT_MS 10000
struct log_limit {
	uint64_t since_ms;
	unsigned lines;
	unsigned kept_back;
};
bool log_limit_admit(struct log_limit *l, uint64_t now_ms, const char *what);

#endif
