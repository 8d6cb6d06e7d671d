/* The inside of a daemon, shared by the files that put tandem-dnsd together. */
#ifndef TANDEM_DNSD_DAEMON_PRIVATE_H
#define TANDEM_DNSD_DAEMON_PRIVATE_H

#include "config/daemon_load.h"
#include "dnsd/daemon.h"
#include "dnsd/follow.h"
#include "dnsd/handover.h"
#include "dnsd/secondaries.h"
#include "dnsd/takeover.h"
#include "dnsd/tcp.h"
#include "dnsd/udp.h"
#include "dnsd/zone_files.h"
#include "lib/http_server.h"
#include "lib/loop.h"

struct daemon {
	const char *path;
	struct config_dnsd config; /* as last read without an error */
	struct loop *loop;
	uint32_t started_s;
	struct snapshot_seat seat;
	struct policy_seat policy;
	struct stats *stats; /* one a UDP worker, the last is TCP's */
	size_t stats_count;
	struct socket_address addresses[SOCKETS_LISTEN_MAX];
	struct sockets sockets; /* until the transports have them */
	struct tap *tap;        /* NULL: no dnstap */
	struct udp *udp;
	struct tcp *tcp;
	struct http_server *metrics;
	int metrics_fd; /* its listener; -1: none */
	struct secondaries secondaries;
	struct zone_files files;  /* alone */
	struct keeper *keeper;    /* with controllers */
	struct names_pack *names; /* with controllers */
	struct taker taker;
	struct follow *follow;      /* NULL: cut off */
	struct event *follow_again; /* with controllers */
	struct event *clock;
	char cut_off[ERR_TEXT_BYTES]; /* said already */
	bool takes_over;              /* from a running server */
	struct takeover takeover;     /* while that goes on */
	struct handover *handover;    /* waits for a successor */
	bool has_yielded;             /* to a successor, which may still fail */
	int drained_fd;               /* TCP has nothing left to do; -1: nobody takes over yet */
	struct event *on_drained;
	bool is_drained, has_left; /* both: the end */
};

static inline bool daemon_has_controllers(const struct daemon *d)
{
	return d->config.common.controllers_count > 0;
}

/* Errors are logged. */
int daemon_config_read(const char *path, struct config_dnsd *out);
/* Takes over what the secondaries are told from now on. */
void daemon_secondaries_settle(struct daemon *d, struct secondaries *fresh);

/* --- daemon_content.c --- */

/* How much of what was served before is remembered, for differences. */
struct snapshot_limits daemon_memory_limits(const struct config_dnsd *config);
int daemon_zones_load(struct daemon *d, struct err *e);
/* Without a usable view the server still starts: it answers SERVFAIL until a controller is heard.
 */
int daemon_disk_load(struct daemon *d, struct err *e);
int daemon_follow_open(struct daemon *d, struct err *e);
/* Rule 4: a certificate that can not be used must not keep from serving what is on disk. It is
 * tried again until it is put right. */
void daemon_cut_off(struct daemon *d, const struct err *why);
/* Follows the controllers; with a view to serve it goes on without them when that fails. */
int daemon_follow_begin(struct daemon *d, struct err *e);
void daemon_follow_end(struct daemon *d);

/* --- daemon_reload.c --- */

void daemon_reload(void *daemon); /* the loop's callback */

/* --- daemon_handover.c --- */

/* Before anything is bound: asks the running server for its sockets. */
int daemon_takeover_begin(struct daemon *d, struct err *e);
/* Everything is loaded and bound: the state folder becomes this process's, and what is served
 * becomes at least as new as what the old server serves. */
int daemon_takeover_catch_up(struct daemon *d, struct err *e);
/* This process answers. After 0 the old one does not any more. */
int daemon_takeover_finish(struct daemon *d, struct err *e);

/* Waits for a successor, if there is a state folder to do so in. */
void daemon_handover_begin(struct daemon *d);
void daemon_handover_end(struct daemon *d);

#endif
