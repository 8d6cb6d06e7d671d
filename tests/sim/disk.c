/* The disk of a dnsd: what the keeper has saved survives the process, what fails to be does not. */
#include <stdlib.h>
#include <string.h>

#include "dnsd/keeper.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "tests/sim/sim.h"
#include "wire/view.h"

static struct disk {
	char *catalog, *pools;
	bool fails;
} disks[SIM_DNSDS];

struct keeper {
	struct disk *disk;
};

int keeper_open(const char *folder, struct keeper **out, struct err *e)
{
	(void)e;
	*out = mem_new(1, sizeof(**out));
	(*out)->disk = &disks[strtoul(folder, NULL, 10)];
	return 0;
}

void keeper_close(struct keeper *k)
{
	free(k);
}

static struct view *view_read(const char *text)
{
	struct err e = {0};
	json_t *json = NULL;
	struct view *v = NULL;
	if (!text)
		return NULL;
	if (json_parse(text, strlen(text), &json, &e) != 0 || view_decode(json, &v, &e) != 0)
		sim_fail(4, "what a dnsd keeps on its disk can not be read again: %s", e.text);
	json_decref(json);
	return v;
}

int keeper_load(struct keeper *k, struct view **out, struct err *e)
{
	struct view *v = view_read(k->disk->catalog), *p = view_read(k->disk->pools);
	*out = v;
	if (v && p && p->revision == v->revision && p->epoch >= v->epoch) {
		struct view_pool *pools = v->pools;
		size_t count = v->pools_count;
		v->epoch = p->epoch;
		v->pools = p->pools;
		v->pools_count = p->pools_count;
		p->pools = pools;
		p->pools_count = count;
	}
	view_free(p);
	return v ? 0 : err_set(e, E_NOT_FOUND, "an empty disk");
}

/* A simulated disk damages nothing, so nobody has a use for it. */
int keeper_load_previous(struct keeper *k, struct view **out, struct err *e)
{
	(void)k;
	*out = NULL;
	return err_set(e, E_NOT_FOUND, "no former generation");
}

int keeper_save(struct keeper *k, const struct view *v, bool with_catalog, struct err *e)
{
	if (k->disk->fails)
		return err_set(e, E_IO, "no space left on device");
	json_t *json = view_encode(v, with_catalog);
	char **place = with_catalog ? &k->disk->catalog : &k->disk->pools;
	free(*place);
	*place = json_text(json);
	json_decref(json);
	return 0;
}

void dnsd_disk_fail(size_t index, bool fails)
{
	disks[index].fails = fails;
}

void dnsd_forget_disk(size_t index)
{
	free(disks[index].catalog);
	free(disks[index].pools);
	disks[index].catalog = disks[index].pools = NULL;
}

void disks_release(void)
{
	for (size_t i = 0; i < SIM_DNSDS; i++) {
		dnsd_forget_disk(i);
		disks[i].fails = false;
	}
}
