/* Lists of names, as far as the engine has to do with them: which revision refers to which, and
 * that those nobody refers to are thrown away. */
#include <assert.h>
#include <stdlib.h>

#include "controlplane/engine_parts.h"
#include "lib/base/buf.h"
#include "lib/clock.h"

enum { SWEEP_EVERY_S = 60 };

char *names_use_text(const struct service *s)
{
	struct buf text = {0};
	char hex[NAMES_HEX_BYTES];
	if (s->names_files_count == 0)
		return NULL;
	for (size_t i = 0; i < s->names_files_count; i++)
		buf_printf(&text, "%s\n", names_hex(s->names_files[i].digest, hex));
	return buf_take(&text);
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct engine *en = ctx;
	const struct state *state = core_state(en->core);
	(void)fd, (void)what;
	if (!engine_leads(en) || state == NULL)
		return;
	uint64_t keep_from =
	    state->revision > ENGINE_CONFIG_KEEP ? state->revision - ENGINE_CONFIG_KEEP + 1 : 0;
	const struct store_compare fence = election_fence(en->election);
	const struct store_compare stands = {.key = KEY_STATE, .modified = en->modified};
	names_sweep_run(
	    en->sweep, &fence, &stands, keep_from, clock_mono_ms(), NAMES_SWEEP_SPARE_MS);
}

void names_open(struct engine *en)
{
	static const struct timeval every = {.tv_sec = SWEEP_EVERY_S};
	en->names = names_store_new(en->options.store);
	en->sweep = names_sweep_new(en->options.store, en->names, &en->names_held);
	en->sweep_timer = event_new(en->options.base, -1, EV_PERSIST, on_sweep, en);
	event_add(en->sweep_timer, &every);
}

void names_release(struct engine *en)
{
	if (en->sweep_timer != NULL)
		event_free(en->sweep_timer);
	names_sweep_free(en->sweep);
	names_store_free(en->names);
}

bool engine_names_hold(struct engine *en)
{
	if (names_sweep_is_removing(en->sweep))
		return false;
	en->names_held++;
	return true;
}

void engine_names_release(struct engine *en)
{
	assert(en->names_held > 0);
	en->names_held--;
}

struct names_store *engine_names(const struct engine *en)
{
	return en->names;
}
