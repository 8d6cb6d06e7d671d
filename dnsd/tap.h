/* dnstap: what is asked and answered, to whoever collects it at a Unix socket (Frame Streams).
 *
 * A thread of libfstrm writes; each thread that answers has a bounded queue of its own to it and
 * never waits: what does not fit, or what nobody collects, is counted as lost. Without dnstap in
 * the file there is no tap, and a batch costs a look at a pointer. */
#ifndef TANDEM_DNSD_TAP_H
#define TANDEM_DNSD_TAP_H

#include <sys/socket.h>

#include "config/daemon_load.h"
#include "dnsd/stats.h"
#include "dnsd/tap_frame.h"

struct tap;
struct tap_pipe { /* of one thread */
	struct tap *tap;
	struct fstrm_iothr_queue *queue;
	struct stats *stats;
	bool wants_queries, wants_responses;
};

/* *out is NULL where the file wants none. The collector may come and go later. `stats`: one a
 * thread, borrowed until tap_free. E_IO. */
int tap_new(const struct config_dnsd *config, struct stats *stats, size_t threads, struct tap **out,
    struct err *e);
/* What is queued is written, if the collector takes it. NULL allowed. */
void tap_free(struct tap *t);

/* NULL where there is no tap. */
struct tap_pipe *tap_pipe(struct tap *t, size_t thread);

void tap_put(struct tap_pipe *p, const struct tap_event *event);

/* The realtime clock, and an address with its port; for events. */
void tap_time(struct timespec *out);
struct addr tap_address(const struct sockaddr_storage *a, uint16_t *port);

#endif
