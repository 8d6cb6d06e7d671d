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

static void policy_free(struct policy *p)
{
	if (!p)
		return;
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
	int r = cookies_build(config, former, &p->edns.cookies, e);
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
