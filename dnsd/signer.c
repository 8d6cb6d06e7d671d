/* RRSIG records: looked up in the cache, else made. */
#include "dnsd/signer.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dnsd/canonical.h"
#include "dnsd/octets.h"
#include "dnsd/signature_cache.h"
#include "lib/base/mem.h"

enum { RRSIG_HEAD_BYTES = 18 }; /* of the rdata, before the signer's name */

/* A TCP query has shown that its asker is there, and has a thread to itself: it may wait a little.
 */
const struct signer_limits SIGNER_UDP = {
    .entries = 65536, .denial_entries = 16384, .share = 30, .denial_share = 20, .burst_ms = 50};
const struct signer_limits SIGNER_TCP = {
    .entries = 16384, .denial_entries = 4096, .share = 60, .denial_share = 40, .burst_ms = 200};

struct budget { /* of time */
	unsigned share;
	int64_t saved_ns, most_ns;
};

struct signer {
	struct dnskey_bench *bench;
	struct signature_cache *cache, *denial_cache;
	struct fingerprint_key secret;
	struct budget budget, denial_budget;
	struct signer_counts counts;
	uint64_t entered_ns; /* 0: never */
	struct buf text;     /* of what is being signed */
};

static struct budget budget_of(unsigned share, unsigned burst_ms)
{
	int64_t most_ns = (int64_t)burst_ms * 1000000;
	return (struct budget){share, most_ns, most_ns};
}

struct signer *signer_new(const struct signer_limits *limits)
{
	struct signer *s = mem_new(1, sizeof(*s));
	s->bench = dnskey_bench_new();
	s->cache = signature_cache_new(limits->entries);
	s->denial_cache = signature_cache_new(limits->denial_entries);
	s->budget = budget_of(limits->share, limits->burst_ms);
	s->denial_budget = budget_of(limits->denial_share, limits->burst_ms);
	int drawn = RAND_bytes((unsigned char *)&s->secret, sizeof(s->secret));
	assert(drawn == 1);
	return s;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	dnskey_bench_free(s->bench);
	signature_cache_free(s->cache);
	signature_cache_free(s->denial_cache);
	buf_free(&s->text);
	free(s);
}

static void budget_refill(struct budget *b, uint64_t passed_ns)
{
	int64_t more = passed_ns < 1000000000 ? (int64_t)(passed_ns * b->share / 100) : b->most_ns;
	b->saved_ns = b->saved_ns + more < b->most_ns ? b->saved_ns + more : b->most_ns;
}

void signer_enter(struct signer *s, uint64_t now_ns)
{
	uint64_t passed_ns = s->entered_ns == 0 ? 0 : now_ns - s->entered_ns;
	s->entered_ns = now_ns;
	budget_refill(&s->budget, passed_ns);
	budget_refill(&s->denial_budget, passed_ns);
}

static uint64_t steady_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void signer_enter_now(struct signer *s)
{
	signer_enter(s, steady_ns());
}

struct signer_counts signer_counts_take(struct signer *s)
{
	struct signer_counts counts = s->counts;
	s->counts = (struct signer_counts){0};
	return counts;
}

/* Labels as RFC 4034 section 3.1.3 counts them: without the root and a leading "*". */
static uint8_t labels_count(const struct signed_set *what)
{
	uint8_t labels = 0;
	for (size_t at = 0; what->owner[at] != 0; at += (size_t)what->owner[at] + 1)
		labels++;
	if (what->owner_bytes > 2 && what->owner[0] == 1 && what->owner[1] == '*')
		labels--;
	return labels;
}

/* The rdata but for the signer's name and the signature. */
static void head_write(
    uint8_t *at, const struct signed_set *what, const struct dnskey *key, uint8_t labels)
{
	put_u16(at, what->set->type);
	at[2] = (uint8_t)key->algorithm;
	at[3] = labels;
	put_u32(at + 4, what->ttl_s);
	put_u32(at + 8, what->start_s + SIGN_VALID_S);
	put_u32(at + 12, what->start_s - SIGN_EARLY_S);
	put_u16(at + 16, key->tag);
}

static struct fingerprint fingerprint_of(const struct signer *s, const struct dnskey *key,
    const uint8_t *head, const struct signed_set *what)
{
	struct fingerprint_state f;
	fingerprint_begin(&f, &s->secret);
	fingerprint_add(&f, &key->id, sizeof(key->id));
	fingerprint_add(&f, head, RRSIG_HEAD_BYTES);
	fingerprint_add(&f, what->owner, what->owner_bytes);
	fingerprint_add(&f, what->set->body, what->set->bytes);
	return fingerprint_end(&f);
}

static void signature_make(struct signer *s, const struct dnskey *key, const uint8_t *head,
    const struct signed_set *what, uint8_t *out)
{
	buf_clear(&s->text);
	buf_add(&s->text, head, RRSIG_HEAD_BYTES);
	buf_add(&s->text, key->zone, key->zone_bytes);
	canonical_add(&s->text, what->set, what->owner, what->owner_bytes, what->ttl_s);
	dnskey_sign(key, s->bench, s->text.data, s->text.bytes, out);
}

/* From the cache, or made and put there; NULL: no time for it now. */
static const uint8_t *signature_get(
    struct signer *s, const struct dnskey *key, const uint8_t *head, const struct signed_set *what)
{
	struct signature_cache *cache = what->is_denial ? s->denial_cache : s->cache;
	struct budget *budget = what->is_denial ? &s->denial_budget : &s->budget;
	struct fingerprint f = fingerprint_of(s, key, head, what);
	const uint8_t *found = signature_cache_find(cache, &f);
	if (found) {
		s->counts.remembered++;
		return found;
	}
	if (budget->saved_ns <= 0) {
		s->counts.starved++;
		return NULL;
	}
	uint64_t begin_ns = steady_ns();
	uint8_t *made = signature_cache_add(cache, &f);
	signature_make(s, key, head, what, made);
	budget->saved_ns -= (int64_t)(steady_ns() - begin_ns);
	s->counts.made++;
	return made;
}

bool signer_put(struct signer *s, const struct zone_keys *keys, const struct signed_set *what,
    struct message *m, enum message_section section, size_t owner_at, uint32_t shown_ttl_s)
{
	uint16_t type = what->set->type;
	bool is_keys = type == TYPE_DNSKEY || type == TYPE_CDS || type == TYPE_CDNSKEY;
	const struct dnskey *const *signers = is_keys ? keys->key_signers : keys->data_signers;
	size_t count = is_keys ? keys->key_count : keys->data_count;
	uint8_t labels = labels_count(what);
	size_t owner_bytes = owner_at <= POINTER_MAX ? 2 : what->owner_bytes;
	for (size_t i = 0; i < count; i++) {
		const struct dnskey *key = signers[i];
		size_t rdata_bytes =
		    RRSIG_HEAD_BYTES + (size_t)key->zone_bytes + DNSKEY_SIGNATURE_BYTES;
		if (m->full || owner_bytes - 2 + RR_HEAD_BYTES + rdata_bytes > m->room - m->used) {
			m->full = true;
			return false;
		}
		uint8_t *at = m->out + m->used + owner_bytes - 2, *rdata = at + RR_HEAD_BYTES;
		head_write(rdata, what, key, labels);
		const uint8_t *signature = signature_get(s, key, rdata, what);
		if (!signature)
			return false;
		if (owner_bytes == 2)
			put_u16(at, 0xc000U | (unsigned)owner_at);
		else
			memcpy(m->out + m->used, what->owner, owner_bytes);
		put_u16(at + 2, TYPE_RRSIG);
		put_u16(at + 4, CLASS_IN);
		put_u32(at + RR_TTL_AT, shown_ttl_s);
		put_u16(at + RR_RDATA_BYTES_AT, (unsigned)rdata_bytes);
		memcpy(rdata + RRSIG_HEAD_BYTES, key->zone, key->zone_bytes);
		memcpy(
		    rdata + RRSIG_HEAD_BYTES + key->zone_bytes, signature, DNSKEY_SIGNATURE_BYTES);
		m->used += owner_bytes - 2 + RR_HEAD_BYTES + rdata_bytes;
		m->counts[section]++;
	}
	return true;
}
