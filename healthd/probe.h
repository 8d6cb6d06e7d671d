/* One probe: start it, get its result once.
 *
 * Order: probe_env_new; then probe_start as often as wanted. `done` comes from the loop, never from
 * inside probe_start, exactly once unless the probe is cancelled. A probe never lasts longer than
 * the check's timeout. */
#ifndef TANDEM_HEALTHD_PROBE_H
#define TANDEM_HEALTHD_PROBE_H

#include <event2/event.h>

#include "core/service.h"
#include "healthd/streak.h"
#include "lib/base/err.h"

enum probe_outcome {
	PROBE_OK,
	PROBE_FAILED, /* the member did not do what the check asks for */
	PROBE_VOID,   /* we could not probe: says nothing about the member */
};

struct probe_result {
	enum probe_outcome outcome;
	uint64_t started_ms, ended_ms; /* monotonic */
	uint32_t latency_ms;
	char detail[PROBE_DETAIL_BYTES]; /* printable ASCII; why it is not OK, or "" */
};

struct probe_env; /* what probes share: loop, HTTP client, certificate stores, passwords */
struct probe;

typedef void (*probe_done)(void *ctx, const struct probe_result *result);

int probe_env_new(struct event_base *base, struct probe_env **out, struct err *e);
void probe_env_free(struct probe_env *env); /* no probe may be under way */
/* Authorities and passwords are read again when next needed. */
void probe_env_forget_files(struct probe_env *env);

/* `check` is borrowed until done or cancel. */
struct probe *probe_start(struct probe_env *env, const struct service_check *check,
    const struct addr *address, probe_done done, void *ctx);
void probe_cancel(struct probe *p); /* done will not be called */

#endif
