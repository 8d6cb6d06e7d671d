/* What of the cluster itself needs care before it hurts: members of the store that do not answer, a
 * store that fills, certificates that expire. Looked at every 10 s by every controller, whoever
 * leads; told in status, GET /v1/cluster and the metrics. Nothing is decided here. */
#ifndef TANDEM_CONTROLPLANE_CARE_H
#define TANDEM_CONTROLPLANE_CARE_H

#include "controlplane/store.h"
#include "lib/tls.h"

enum {
	CARE_ALARMS = 64,
	CARE_CERTIFICATES = 256,
	CARE_DAYS = 30,            /* a certificate that expires sooner is an alarm */
	CARE_SPACE_PERCENT = 80,   /* of etcd's quota */
	CARE_DIFFERING_LOOKS = 3,  /* one may fall into the middle of a write */
	CARE_HEARD_MS = 15 * 60000 /* a certificate not shown for so long is forgotten */
};

struct care_alarm {
	char key[160];
	char text[480];
	int64_t since_ms; /* wall time */
};

struct care_certificate {
	char name[TLS_NAME_BYTES + TLS_SITE_BYTES + 24]; /* "dnsd-muc (dnsd of muc)", or a path */
	int64_t expires_ms;                              /* wall time */
	uint64_t heard_ms;                               /* monotonic; UINT64_MAX: a file of ours */
};

/* ---- care_judge.c: pure ---- */

struct care_alarms {
	struct care_alarm items[CARE_ALARMS];
	size_t count;
};
/* How many looks have seen two members of the store with different data, after this one: one has
 * applied as much of the common log as the other, and yet is at an earlier revision. A look that
 * does not see it, for a write may hide it, takes one off. etcd's own checks compare equal
 * revisions only and miss it (decision 095). */
unsigned care_differing(const json_t *told, unsigned before);
/* Adds what is wrong. `told` is store_describe's (NULL: not known yet). */
void care_judge_store(struct care_alarms *out, const json_t *told, unsigned differing);
void care_judge_certificates(struct care_alarms *out, const struct care_certificate *certificates,
    size_t count, int64_t now_ms);

/* ---- care.c ---- */

struct care;
struct care_options {
	struct event_base *base;
	struct store *store;      /* borrowed; freed after care_free */
	const char *const *files; /* of certificates, NULLs among them are passed over; borrowed */
	size_t files_count;
};

int care_new(const struct care_options *options, struct care **out, struct err *e);
void care_free(struct care *c);
/* A daemon that has just reported, with its certificate. `c` may be NULL. */
void care_peer(struct care *c, const struct tls_identity *who);
/* Looks at the files again, after a reload. */
void care_reload(struct care *c);

/* Looks now; `done` runs once, 1.5 s later at most, and may run from inside the call. */
void care_look(struct care *c, void (*done)(void *ctx), void *ctx);
void care_forget(struct care *c, const void *ctx); /* its `done` does not run any more */

/* All may be asked with NULL: then there is nothing. */
const struct care_alarms *care_alarms(const struct care *c);
size_t care_certificates(const struct care *c, const struct care_certificate **out);
const json_t *care_store(const struct care *c); /* borrowed; NULL before the first answer */
json_t *care_encode(const struct care *c); /* {"store","store_age_ms","certificates","alarms"} */

#endif
