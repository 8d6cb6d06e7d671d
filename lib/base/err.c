/* Error codes and the message that goes with them. */
#include "lib/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_format(struct err *e, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

int err_set(struct err *e, int code, const char *format, ...)
{
	assert(code < 0);
	if (!e)
		return code;
	va_list arguments;
	va_start(arguments, format);
	err_format(e, format, arguments);
	va_end(arguments);
	e->code = code;
	return code;
}

int err_set_errno(struct err *e, int number, const char *format, ...)
{
	if (!e)
		return E_IO;
	va_list arguments;
	va_start(arguments, format);
	err_format(e, format, arguments);
	va_end(arguments);
	e->code = E_IO;

	char reason[128] = "unknown error";
	const char *text = strerror_r(number, reason, sizeof(reason)); /* the GNU one */
	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", text);
	return E_IO;
}

static void err_put_in_front(struct err *e, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

int err_prefix(struct err *e, const char *format, ...)
{
	if (!e)
		return E_IO;
	va_list arguments;
	va_start(arguments, format);
	err_put_in_front(e, format, arguments);
	va_end(arguments);
	return e->code;
}

int err_prefix_code(struct err *e, int code, const char *format, ...)
{
	assert(code < 0);
	if (!e)
		return code;
	va_list arguments;
	va_start(arguments, format);
	err_put_in_front(e, format, arguments);
	va_end(arguments);
	e->code = code;
	return code;
}

static void err_put_in_front(struct err *e, const char *format, va_list arguments)
{
	assert(e->code < 0);
	struct err inner = *e;
	err_format(e, format, arguments);
	size_t used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", inner.text);
}

const char *err_code_name(int code)
{
	static const char *const names[] = {"ok", "invalid", "io", "not-found", "conflict",
	    "timeout", "unavailable", "denied", "limit", "refused"};
	if (code > 0 || code < E_REFUSED)
		return "unknown";
	return names[-code];
}

static void err_format(struct err *e, const char *format, va_list arguments)
{
	/* The arguments may point into e->text: build beside it, then copy. */
	char text[ERR_TEXT_BYTES];
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		(void)snprintf(text, sizeof(text), "unprintable message");
	memcpy(e->text, text, sizeof(text));
}
