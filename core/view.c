/* Owning views: the catalog may be shared by the views of one revision, the rest is a view's own.
 */
#include "core/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct view *view_new(void)
{
	return mem_new(1, sizeof(struct view));
}

static void zone_release(struct view_zone *z)
{
	for (size_t i = 0; i < z->records_count; i++)
		free(z->records[i]);
	free(z->records);
	free(z->name);
	free(z->soa_mname);
	free(z->soa_rname);
}

struct view_catalog *view_catalog_hold(struct view_catalog *c)
{
	if (c)
		c->references++;
	return c;
}

void view_losses_free(struct view_loss *losses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(losses[i].owner);
		free(losses[i].pool);
	}
	free(losses);
}

struct view_loss *view_losses_copy(const struct view_loss *losses, size_t count)
{
	struct view_loss *copy = mem_new(count + 1, sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = losses[i];
		copy[i].owner = losses[i].owner ? mem_strdup(losses[i].owner) : NULL;
		copy[i].pool = losses[i].pool ? mem_strdup(losses[i].pool) : NULL;
	}
	return copy;
}

void view_names_release(struct view_catalog *c)
{
	for (size_t i = 0; c->names && i < c->names_count; i++) {
		free(c->names[i].owner);
		free(c->names[i].zone);
		free(c->names[i].pool);
	}
	free(c->names);
	c->names = NULL;
}

void view_catalog_drop(struct view_catalog *c)
{
	if (!c || c->references-- > 0)
		return;
	for (size_t i = 0; i < c->zones_count; i++)
		zone_release(&c->zones[i]);
	view_names_release(c);
	for (size_t i = 0; i < c->removals_count; i++)
		free(c->removals[i].owner);
	view_losses_free(c->losses, c->losses_count);
	free(c->zones);
	free(c->removals);
	for (size_t i = 0; i < c->lists_count; i++) {
		free(c->lists[i].zone);
		free(c->lists[i].pool);
	}
	free(c->lists);
	free(c->leaves);
	free(c);
}

void view_free(struct view *v)
{
	if (!v)
		return;
	view_catalog_drop(v->catalog);
	for (size_t i = 0; i < v->pools_count; i++) {
		for (size_t j = 0; j < v->pools[i].members_count; j++)
			free(v->pools[i].members[j].site);
		free(v->pools[i].members);
		free(v->pools[i].name);
	}
	free(v->pools);
	view_senders_free(v->senders, v->senders_count);
	free(v);
}

struct view_sender *view_senders_copy(const struct view_sender *senders, size_t count)
{
	struct view_sender *copy = mem_new(count + 1, sizeof(*copy));

	for (size_t i = 0; i < count; i++) {
		copy[i] = senders[i];
		copy[i].site = mem_strdup(senders[i].site);
		copy[i].customer = mem_strdup(senders[i].customer);
		copy[i].host = senders[i].host ? mem_strdup(senders[i].host) : NULL;
	}
	return copy;
}

void view_senders_free(struct view_sender *senders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(senders[i].site);
		free(senders[i].customer);
		free(senders[i].host);
	}
	free(senders);
}

bool view_sender_equal(const struct view_sender *a, const struct view_sender *b)
{
	return addr_equal(&a->address, &b->address) && a->use == b->use &&
	       strcmp(a->site, b->site) == 0 && strcmp(a->customer, b->customer) == 0 &&
	       strcmp(a->host ? a->host : "", b->host ? b->host : "") == 0;
}

const char *view_use_name(enum view_use u)
{
	static const char *const names[] = {"bind", "use", "leave"};

	assert(u <= VIEW_LEAVE);
	return names[u];
}
