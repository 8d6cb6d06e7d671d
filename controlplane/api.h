/* The HTTPS API of tandem-controld: docs/architecture.md, "Messages".
 *
 * Order: api_new, then api_listen once an address; the engine's listener calls api_published,
 * api_probes and api_changed. */
#ifndef TANDEM_CONTROLPLANE_API_H
#define TANDEM_CONTROLPLANE_API_H

#include "controlplane/care.h"
#include "controlplane/engine.h"
#include "controlplane/streams.h"
#include "lib/http_client.h"
#include "lib/http_server.h"

struct api;

struct api_options {
	struct event_base *base;
	struct engine *engine;     /* borrowed */
	SSL_CTX *tls;              /* borrowed */
	const char *store_kind;    /* "sqlite" or "etcd" */
	struct http_client *peers; /* borrowed; to the other controllers, or NULL */
	const char *certificate;   /* borrowed; the file that `peers` shows, or NULL */
	const char *site;          /* of this controller: copied */
	struct care *care;         /* borrowed; may be NULL */
};

int api_new(const struct api_options *options, struct api **out, struct err *e);
int api_listen(struct api *a, const char *address_at_port, struct err *e);
unsigned api_port(const struct api *a); /* of the address listened to last */
void api_set_tls(struct api *a, SSL_CTX *tls);
/* Also answers what comes by a Unix socket that listens (taken over, also on failure): its users
 * are operators. */
int api_listen_local(struct api *a, int listener, struct err *e);
void api_abandon_local(struct api *a); /* listens there no more; connections go on */
/* Ends the streams and refuses what waits for the store, which must be there still. Requests that
 * wait for the engine must have been answered: engine_free does. */
void api_free(struct api *a);

void api_published(struct api *a, bool delta);
void api_tried(struct api *a, bool delta); /* the engine's `tried` */
void api_probes(struct api *a);
void api_changed(struct api *a);

struct api_counters {
	uint64_t observations, observations_refused; /* results */
	uint64_t acks, acks_refused;
	uint64_t hosts, hosts_refused; /* what mail hosts say they have */
	bool local;                    /* listens on a Unix socket */
};
const struct api_counters *api_counters(const struct api *a);
const struct care *api_care(const struct api *a);
const struct streams *api_streams(const struct api *a);

#endif
