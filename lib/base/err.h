/* How a function says what went wrong.
 *
 * A function that can fail returns 0 or one of the negative codes below and takes an optional
 * `struct err *` last, which carries the message for people.  The place that fails sets it, callers
 * put their context in front while climbing, and it is logged once, where the decision falls. */
#ifndef TANDEM_LIB_BASE_ERR_H
#define TANDEM_LIB_BASE_ERR_H

enum err_code {
	E_INVALID = -1,     /* the input is wrong; the message says where and what was expected */
	E_IO = -2,          /* a system call, disk or library failed */
	E_NOT_FOUND = -3,   /* no such thing */
	E_CONFLICT = -4,    /* somebody else was faster; read again and decide again */
	E_TIMEOUT = -5,     /* no answer in time; it may have happened or not */
	E_UNAVAILABLE = -6, /* nobody to ask now (no quorum, no leader); nothing happened */
	E_DENIED = -7,      /* the caller may not do this */
	E_LIMIT = -8,       /* a bound was reached */
	E_REFUSED = -9,     /* a rule of Tandem forbids it */
};

#define ERR_TEXT_BYTES 512

struct err {
	int code; /* an enum err_code, or 0 */
	char
	    text[ERR_TEXT_BYTES]; /* lower case, the failure first, no newline; always terminated */
};

/* Sets `e` (may be NULL) and returns `code`, so that a failing function ends with
 * `return err_set(e, E_INVALID, "...")`.  A text too long is cut. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno value `number` behind the message. */
int err_set_errno(struct err *e, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context and ": " in front of the message; returns the code. With `e` NULL the code is not
 * known here and E_IO is returned: where the caller may leave `e` out, use err_prefix_code. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for `return err_prefix_code(e, r, …)` with the code that is known; `e` may be NULL. */
int err_prefix_code(struct err *e, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A word for a code, as logs and JSON name it: "invalid", "conflict", "unavailable" … */
const char *err_code_name(int code);

#endif
