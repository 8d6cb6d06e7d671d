/* Choosing, keeping and restoring the plan. */
#include "healthd/plan_keeper.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"

/* Keep-alive lines between two tries to write a plan that did not get onto the disk; one comes from
 * each controller every second. */
#define RETRY_LINES 15
#define PLAN_BYTES (256U * 1024 * 1024) /* far more than a plan of SERVICE_POOLS can have */

struct voice { /* what a controller said last */
	bool heard;
	uint64_t revision;
};

struct plan_keeper {
	char *path; /* or NULL */
	struct probe_plan *plan;
	bool confirmed; /* heard from a controller, not just read from disk */
	struct voice *voices;
	size_t voices_count;
	json_t *older; /* the newest of the older plans offered */
	uint64_t older_revision;
	bool older_said;
	char *unwritten;      /* the plan in force as text, while the disk does not take it */
	unsigned lines_since; /* … it was last tried */
};

struct plan_keeper *plan_keeper_new(size_t controllers_count, const char *folder)
{
	struct plan_keeper *k = mem_new(1, sizeof(*k));
	k->path = folder != NULL ? mem_printf("%s/plan", folder) : NULL;
	plan_keeper_set_controllers(k, controllers_count);
	return k;
}

static void older_forget(struct plan_keeper *k)
{
	json_decref(k->older);
	k->older = NULL;
	k->older_revision = 0;
	k->older_said = false;
}

void plan_keeper_free(struct plan_keeper *k)
{
	if (k == NULL)
		return;
	older_forget(k);
	probe_plan_free(k->plan);
	free(k->unwritten);
	free(k->voices);
	free(k->path);
	free(k);
}

void plan_keeper_set_controllers(struct plan_keeper *k, size_t count)
{
	free(k->voices);
	k->voices = mem_new(count, sizeof(*k->voices));
	k->voices_count = count;
	older_forget(k);
}

const struct probe_plan *plan_keeper_plan(const struct plan_keeper *k)
{
	return k->plan;
}

int plan_keeper_load(struct plan_keeper *k, struct err *e)
{
	char *text = NULL;
	size_t bytes = 0;
	json_t *o = NULL;
	int rc;

	if (k->path == NULL)
		return err_set(e, E_NOT_FOUND, "no state folder");
	if ((rc = file_read_checked(k->path, PLAN_BYTES, &text, &bytes, e)) < 0)
		return rc;
	if ((rc = json_parse(text, bytes, &o, e)) == 0) {
		struct probe_plan *plan = NULL;
		if ((rc = probe_plan_decode(o, &plan, e)) == 0) {
			probe_plan_free(k->plan);
			k->plan = plan;
			k->confirmed = false;
		}
		json_decref(o);
	}
	free(text);
	return rc < 0 ? err_prefix(e, "\"%s\"", k->path) : 0;
}

/* Takes the text. */
static void text_write(struct plan_keeper *k, char *text)
{
	struct err e;
	bool again = k->unwritten != NULL;
	if (file_write_checked(k->path, text, strlen(text), &e) == 0) {
		if (again)
			log_info("the plan is kept on disk now");
		free(text);
		text = NULL;
	} else if (!again) {
		log_error("the plan could not be kept, a restart without controllers would not "
		          "know it; it is tried again: %s",
		    e.text);
	}
	if (k->unwritten != text)
		free(k->unwritten);
	k->unwritten = text;
	k->lines_since = 0;
}

/* Durable first. A disk that fails costs the memory over a restart, not the probing. */
static void plan_write(struct plan_keeper *k, const json_t *line)
{
	if (k->path != NULL)
		text_write(k, json_text(line));
}

/* A disk that was full once may have room now, and the same plan may be in force for months. */
static void plan_write_again(struct plan_keeper *k)
{
	if (k->unwritten == NULL || ++k->lines_since < RETRY_LINES)
		return;
	text_write(k, mem_strdup(k->unwritten));
}

static int plan_accept(struct plan_keeper *k, const json_t *line, struct err *e)
{
	struct probe_plan *plan;
	int rc = probe_plan_decode(line, &plan, e);
	if (rc < 0)
		return rc;
	plan_write(k, line);
	probe_plan_free(k->plan);
	k->plan = plan;
	k->confirmed = true;
	older_forget(k);
	return 1;
}

/* An older plan: remember the best of them, and take it if nobody has anything newer. */
static int older_consider(
    struct plan_keeper *k, uint64_t revision, const json_t *line, struct err *e)
{
	uint64_t newest = 0;

	if (k->older == NULL || revision >= k->older_revision) {
		json_decref(k->older);
		k->older = json_deep_copy(line);
		k->older_revision = revision;
	}
	for (size_t i = 0; i < k->voices_count; i++) {
		if (!k->voices[i].heard || k->voices[i].revision >= k->plan->revision)
			return 0;
		if (k->voices[i].revision > newest)
			newest = k->voices[i].revision;
	}
	if (newest != k->older_revision)
		return 0;
	log_warn("every controller offers an older plan than the kept one (revision %llu): taking "
	         "their newest, %llu",
	    (unsigned long long)k->plan->revision, (unsigned long long)newest);
	json_t *chosen = json_incref(k->older);
	int rc = plan_accept(k, chosen, e);
	json_decref(chosen);
	return rc;
}

int plan_keeper_offer(struct plan_keeper *k, size_t controller, const json_t *line, struct err *e)
{
	uint64_t revision;
	int rc;

	assert(controller < k->voices_count);
	if (json_is_true(json_object_get(line, "keepalive"))) {
		plan_write_again(k);
		return 0;
	}
	if ((rc = json_get_u64(line, "revision", INT64_MAX, &revision, e)) < 0)
		return rc;
	k->voices[controller] = (struct voice){.heard = true, .revision = revision};
	if (revision == 0)
		return 0;
	if (k->plan == NULL || revision > k->plan->revision ||
	    (revision == k->plan->revision && !k->confirmed))
		return plan_accept(k, line, e);
	if (revision == k->plan->revision)
		return 0;
	if (!k->older_said)
		log_info("controller %zu offers plan %llu, older than the %llu in force: kept",
		    controller + 1, (unsigned long long)revision,
		    (unsigned long long)k->plan->revision);
	k->older_said = true;
	return older_consider(k, revision, line, e);
}
