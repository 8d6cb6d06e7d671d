/* What every engine of the store promises (controlplane/store.h): one suite, run on each. */
#include "store_rig.h"

#include "store_contract.h"

static int sqlite_up(void **state)
{
	struct rig *rig = mem_new(1, sizeof(*rig));
	rig->base = event_base_new();
	rig_folder_make(rig->folder);
	char path[128];
	snprintf(path, sizeof(path), "%s/store.db", rig->folder);
	struct err e = {0};
	if (store_sqlite_open(rig->base, path, &rig->store, &e) != 0)
		fail_msg("%s", e.text);
	*state = rig;
	return 0;
}

static int sqlite_down(void **state)
{
	struct rig *rig = *state;
	store_free(rig->store);
	event_base_free(rig->base);
	rig_folder_remove(rig->folder);
	free(rig);
	return 0;
}

int main(void)
{
	return store_contract_run("sqlite", sqlite_up, sqlite_down);
}
