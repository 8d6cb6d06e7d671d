/* Takes views: decides, keeps on disk, then serves. Durable first, visible second. */
#ifndef TANDEM_DNSD_TAKER_H
#define TANDEM_DNSD_TAKER_H

#include "dnsd/accept.h"
#include "dnsd/keeper.h"
#include "dnsd/key_ring.h"
#include "dnsd/member_zones.h"
#include "dnsd/names_pack.h"
#include "dnsd/snapshot.h"
#include "lib/base/buf.h"

struct taker {                      /* start from {.seat = …, .keeper = …} */
	struct snapshot_seat *seat; /* borrowed */
	struct keeper *keeper;      /* borrowed */
	struct names_pack *names;   /* borrowed; NULL: views with lists can not be taken */
	struct view *held;          /* what is served, with its catalog; NULL: nothing yet */
	struct view *waiting;       /* taken as soon as its lists are in `names`, or NULL */
	struct catalog *catalog;    /* built from it */
	bool catalog_kept;          /* the catalog is on disk */
	struct key_ring ring;       /* what its zones are signed with; own */
	const struct member_zones *members; /* borrowed; NULL: no catalog zone */
	bool keeping_failed;                /* what is served could not be written to disk */
	uint64_t kept_epoch;                /* of the view on disk; 0: none */
};

/* Serves what the disk has. E_NOT_FOUND: nothing; E_INVALID: something this version can not use. */
int taker_start(struct taker *t, struct err *e);

/* Serves what the disk has now, if that is newer: another process has written it. Nothing is
 * written. E_NOT_FOUND, E_INVALID, E_REFUSED: what is served stays. */
int taker_catch_up(struct taker *t, struct err *e);

/* Takes over `v`. With ACCEPT_WAIT it became t->waiting; the caller brings its lists into t->names
 * and calls taker_take_waiting. With ACCEPT_TAKE it is on disk and served when this returns
 * (on a full or broken
 * disk it is served all the same, and said so loudly: an outage outside must not wait for a disk
 * here). With ACCEPT_REFUSE `why` tells; what was served goes on. */
enum accept_verdict taker_take(struct taker *t, struct view *v, struct err *why);

/* Once more with t->waiting, which there is. */
enum accept_verdict taker_take_waiting(struct taker *t, struct err *why);

/* Once the disk works again, what is served is written without waiting for the next view. */
void taker_keep_again(struct taker *t);
/* Serves what is held signed with these keys from now on, and with the catalog zone that `members`
 * now wants; takes over the ring after success.
 * E_INVALID: it can not be; what was served goes on. */
int taker_rekey(struct taker *t, struct key_ring *ring, struct err *e);

void taker_print(const struct taker *t, struct buf *out); /* metrics */
void taker_release(struct taker *t);

#endif
