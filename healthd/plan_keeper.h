/* Which probe plan is in force: the newest that any controller offers, kept on disk.
 *
 * Controllers may lag behind each other, so an older plan is normally just a slow controller. Only
 * when every controller has spoken and none has the kept revision or a newer one (the cluster was
 * made anew, or restored from a backup) their newest is taken, with a warning. A revision 0, "no
 * document yet", never replaces a plan. */
#ifndef TANDEM_HEALTHD_PLAN_KEEPER_H
#define TANDEM_HEALTHD_PLAN_KEEPER_H

#include "wire/probes.h"

struct plan_keeper;

/* `folder` holds the file "plan"; NULL: nothing is kept on disk. */
struct plan_keeper *plan_keeper_new(size_t controllers_count, const char *folder);
void plan_keeper_free(struct plan_keeper *k);

/* Reads what was kept. E_NOT_FOUND if there is none; other errors: damaged, ignored from then on.
 */
int plan_keeper_load(struct plan_keeper *k, struct err *e);

/* The controllers are others now: what they said is forgotten, the plan is not. */
void plan_keeper_set_controllers(struct plan_keeper *k, size_t count);

/* A line of the stream. 1: the plan in force changed; 0: it did not; E_INVALID: not a plan. */
int plan_keeper_offer(struct plan_keeper *k, size_t controller, const json_t *line, struct err *e);

/* In force; NULL while there is none. Borrowed until the next offer. */
const struct probe_plan *plan_keeper_plan(const struct plan_keeper *k);

#endif
