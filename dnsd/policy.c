/* The policy: made from the file, swapped by RCU. */
#include "dnsd/policy.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/snapshot.h"
#include "lib/base/mem.h"

static int cookies_build(const struct config_dnsd *config, const struct policy *former,
    struct cookie_secrets *out, struct err *e)
{
	if (!config->cookies)
		return 0;
	if (config->cookie_secret_file)
		return cookie_secrets_read(config->cookie_secret_file, out, e);
	if (former && former->edns.cookies.count > 0) {
		*out = former->edns.cookies;
		return 0;
	}
	return cookie_secrets_draw(out, e);
}

/* The workers count each for itself, and the kernel spreads a network's questions over them. */
static unsigned share_of(unsigned rate, unsigned workers)
{
	return (rate + workers - 1) / workers;
}

static void rates_build(const struct config_dnsd *config, struct ratelimit_rules *out)
{
	*out = (struct ratelimit_rules){.is_on = config->rate_limit,
	    .dry_run = config->rate_dry_run,
	    .answers_per_s = share_of(config->rate_responses, config->workers),
	    .errors_per_s = share_of(config->rate_errors, config->workers),
	    .window_s = config->rate_window_s,
	    .slip = config->rate_slip,
	    .ipv4_bits = config->rate_ipv4_prefix,
	    .ipv6_bits = config->rate_ipv6_prefix,
	    .allow_count = config->rate_allow_count};
	if (config->rate_allow_count > 0)
		out->allow = mem_dup(
		    config->rate_allow, config->rate_allow_count * sizeof(*config->rate_allow));
}

static void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->rates.allow);
	free(p->proxies);
	transfer_access_release(&p->transfers);
	OPENSSL_cleanse(&p->edns.cookies, sizeof(p->edns.cookies));
	free(p);
}

int policy_build(const struct config_dnsd *config, const struct policy *former, struct policy **out,
    struct err *e)
{
	struct policy *p = mem_new(1, sizeof(*p));
	*out = NULL;
	if (config->nsid) {
		p->edns.nsid_bytes = strlen(config->nsid);
		memcpy(p->edns.nsid, config->nsid, p->edns.nsid_bytes);
	}
	if (config->rate_limit)
		rates_build(config, &p->rates);
	if (config->proxies_count > 0)
		p->proxies =
		    mem_dup(config->proxies, config->proxies_count * sizeof(*config->proxies));
	p->proxies_count = config->proxies_count;
	int r = cookies_build(config, former, &p->edns.cookies, e);
	if (r == 0)
		r = transfer_access_build(config, &p->transfers, e);
	if (r != 0) {
		policy_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void policy_swap(struct policy_seat *seat, struct policy *fresh)
{
	struct policy *old = __atomic_exchange_n(&seat->now, fresh, __ATOMIC_ACQ_REL);
	snapshot_grace_wait();
	policy_free(old);
}
