/* What the files probe_*.c share: a kind of probe is a row of three functions. */
#ifndef TANDEM_HEALTHD_PROBE_TYPE_H
#define TANDEM_HEALTHD_PROBE_TYPE_H

#include <sys/socket.h>

#include "healthd/probe.h"
#include "healthd/secrets.h"
#include "healthd/tls_judge.h"
#include "lib/http_client.h"

struct probe_env {
	struct event_base *base;
	struct http_client *http;
	struct secrets *secrets;
	struct tls_judge_cache *authorities;
};

struct probe_type {
	/* Starts; p->run is the type's own. May already finish the probe. */
	void (*start)(struct probe *p);
	/* The timeout has passed: finish with a text that says what was waited for. */
	void (*expire)(struct probe *p);
	/* Ends everything under way and frees p->run (which may be NULL). */
	void (*release)(struct probe *p);
};
extern const struct probe_type probe_tcp, probe_smtp, probe_http;

struct probe {
	struct probe_env *env;
	const struct service_check *check;
	struct addr address;
	const struct probe_type *type;
	void *run;
	struct event *timer; /* the deadline; afterwards it carries the result to `done` */
	bool decided;        /* probe_finish was called; callbacks still coming are to be ignored */
	struct probe_result result;
	probe_done done;
	void *ctx;
};

/* Decides the result; only the first call counts. `done` follows from the loop and the type's
 * release just before it. The text is made printable and cut. */
void probe_finish(struct probe *p, enum probe_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Finishes after a failed socket call: VOID where errno `number` is our own trouble (no descriptor,
 * no route of our own), FAILED with the error in words otherwise. */
void probe_finish_errno(struct probe *p, int number);

/* Makes text from the network printable: bytes outside ASCII 32 … 126 become \xNN, line ends at
 * the end go. Returns `out`. */
const char *probe_printable(const char *text, size_t bytes, char *out, size_t out_bytes);

/* True for a text that can be put into a protocol line: no control characters, at most 320 bytes.
 */
bool probe_word_is_clean(const char *text);

socklen_t probe_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *out);

#endif
