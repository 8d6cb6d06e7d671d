/* What the mail hosts say which sending addresses they have: the last word of each. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

void host_release(struct host *h)
{
	free(h->site);
	free(h->name);
	free(h->bound);
}

static struct host *host_find(const struct core *c, const char *site, const char *name)
{
	for (size_t i = 0; i < c->sending.hosts_count; i++)
		if (strcmp(c->sending.hosts[i].name, name) == 0 &&
		    strcmp(c->sending.hosts[i].site, site) == 0)
			return &c->sending.hosts[i];
	return NULL;
}

static void host_remove(struct core *c, size_t at)
{
	host_release(&c->sending.hosts[at]);
	memmove(&c->sending.hosts[at], &c->sending.hosts[at + 1],
	    (c->sending.hosts_count - at - 1) * sizeof(*c->sending.hosts));
	c->sending.hosts_count--;
}

/* As with name servers: who speaks for a site pushes out none of another's. */
static void host_make_room(struct core *c, const char *site, struct core_effects *out)
{
	size_t stalest = SIZE_MAX, count = 0;
	bool full = c->sending.hosts_count >= CORE_HOSTS;

	for (size_t i = 0; i < c->sending.hosts_count; i++) {
		bool same = strcmp(c->sending.hosts[i].site, site) == 0;
		count += same;
		if ((same || full) && (stalest == SIZE_MAX || c->sending.hosts[i].at_ms <
		                                                  c->sending.hosts[stalest].at_ms))
			stalest = i;
	}
	if (!full && count < CORE_HOSTS_SITE)
		return;
	effect_tell(out, true,
	    "more than %d mail hosts of one site, or %d of all, report: forgetting %s of site %s",
	    CORE_HOSTS_SITE, CORE_HOSTS, c->sending.hosts[stalest].name,
	    c->sending.hosts[stalest].site);
	host_remove(c, stalest);
}

static int bound_compare(const void *a, const void *b)
{
	const struct core_bound *x = a, *y = b;

	return addr_compare(&x->address, &y->address);
}

static void bound_take(struct host *h, const struct core_host *from)
{
	size_t count = from->bound_count < STATE_SENDERS ? from->bound_count : STATE_SENDERS;

	free(h->bound);
	h->bound = mem_new(count + 1, sizeof(*h->bound));
	if (count > 0)
		memcpy(h->bound, from->bound, count * sizeof(*h->bound));
	h->bound_count = count;
	qsort(h->bound, count, sizeof(*h->bound), bound_compare);
}

static bool bound_same(const struct host *h, const struct core_host *from)
{
	if (h->bound_count != from->bound_count)
		return false;
	for (size_t i = 0; i < from->bound_count; i++)
		if (!addr_equal(&h->bound[i].address, &from->bound[i].address))
			return false;
	return true;
}

void host_take(
    struct core *c, const struct core_host *from, uint64_t now_ms, struct core_effects *out)
{
	char *site = text_clean(from->site, SERVICE_NAME_BYTES);
	char *name = text_clean(from->name, SERVICE_NAME_BYTES);
	struct host *h = host_find(c, site, name);

	/* One that overtook it was newer (rule 2); who begins anew has been silent. */
	if (h && from->epoch < h->epoch && now_ms - h->at_ms <= CORE_ACK_FRESH_MS) {
		free(site);
		free(name);
		return;
	}
	if (!h) {
		host_make_room(c, site, out);
		VEC_PUSH(c->sending.hosts, c->sending.hosts_count) =
		    (struct host){.site = site, .name = name};
		h = &c->sending.hosts[c->sending.hosts_count - 1];
	} else {
		free(site);
		free(name);
	}
	/* What changes nothing needs no look at all addresses, but silence that ends does. */
	if (h->at_ms == 0 || h->epoch != from->epoch || now_ms - h->at_ms > CORE_ACK_FRESH_MS ||
	    !bound_same(h, from))
		c->sending.dirty = c->sending.alarms_dirty = true;
	h->epoch = from->epoch;
	h->at_ms = now_ms;
	bound_take(h, from);
}

void hosts_forget(struct core *c, uint64_t now_ms)
{
	for (size_t i = c->sending.hosts_count; i-- > 0;)
		if (now_ms - c->sending.hosts[i].at_ms > CORE_ACK_FORGET_MS)
			host_remove(c, i);
}

const struct core_bound *host_bound(const struct host *h, const struct addr *address)
{
	struct core_bound key = {.address = *address};

	return h->bound_count == 0
	           ? NULL
	           : bsearch(&key, h->bound, h->bound_count, sizeof(key), bound_compare);
}

const struct host *host_named(const struct core *c, const char *site, const char *name)
{
	return host_find(c, site, name);
}

const struct host *host_having(const struct core *c, const char *site, const struct addr *address,
    const char *but, uint64_t now_ms)
{
	for (size_t i = 0; i < c->sending.hosts_count; i++) {
		const struct host *h = &c->sending.hosts[i];
		if (now_ms - h->at_ms <= CORE_ACK_FRESH_MS && strcmp(h->site, site) == 0 &&
		    (!but || strcmp(h->name, but) != 0) && host_bound(h, address))
			return h;
	}
	return NULL;
}
