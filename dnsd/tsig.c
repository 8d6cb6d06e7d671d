/* Transaction signatures: the record read and written, the MAC between. */
#include "dnsd/tsig.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/zone_text.h"

enum {
	CLASS_ANY = 255,
	ARCOUNT_AT = 10,
	RR_FIXED_BYTES = 10,      /* type, class, TTL, rdata length */
	TIME_BYTES = 6,           /* 48 bits of seconds */
	RDATA_FIXED_BYTES = 16,   /* all but algorithm, MAC and other data */
	TRUNCATED_BYTES_MIN = 10, /* RFC 8945 section 5.2.2.1 */
	POINTERS_MAX = 16,
	PARTS_MAX = 5,
	VARIABLES_BYTES = TSIG_NAME_BYTES + 6 + TSIG_ALGORITHM_BYTES + 12 + TIME_BYTES,
};

struct part {
	const void *data;
	size_t bytes;
};

struct tsig_record { /* as it came; all pointers into the message */
	uint8_t name[NAME_BYTES];
	size_t name_bytes;
	struct name algorithm;
	uint64_t signed_s;
	uint16_t fudge_s, mac_bytes, original_id, error, other_bytes;
	const uint8_t *mac, *other;
};

static uint64_t get_u48(const uint8_t *at)
{
	return (uint64_t)get_u16(at) << 32 | get_u32(at + 2);
}

static void put_u48(uint8_t *at, uint64_t value)
{
	put_u16(at, (unsigned)(value >> 32) & 0xffff);
	put_u32(at + 2, (uint32_t)value);
}

/* --- the record read ------------------------------------------------------------------------ */

/* Reads the owner, folded; it may be compressed, for some peers do that. Moves *at behind it. */
static bool owner_read(struct tsig_record *r, const uint8_t *message, size_t bytes, size_t *at)
{
	size_t from = *at, pointers = 0;
	r->name_bytes = 0;
	for (;;) {
		if (from >= bytes)
			return false;
		uint8_t length = message[from];
		if (length >= 0xc0) {
			if (bytes - from < 2 || ++pointers > POINTERS_MAX)
				return false;
			size_t to = get_u16(message + from) & 0x3fffU;
			if (pointers == 1)
				*at = from + 2;
			if (to >= from)
				return false;
			from = to;
			continue;
		}
		size_t label = (size_t)length + 1;
		if (length >= 0x40 || label > bytes - from || label > NAME_BYTES - r->name_bytes)
			return false;
		r->name[r->name_bytes++] = length;
		for (size_t i = 1; i < label; i++) {
			uint8_t c = message[from + i];
			r->name[r->name_bytes++] =
			    c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
		}
		from += label;
		if (length == 0)
			break;
	}
	if (pointers == 0)
		*at = from;
	return true;
}

/* RFC 8945 section 4.2. It must be the message's last octets. */
static bool record_read(struct tsig_record *r, const uint8_t *message, size_t bytes, size_t at)
{
	if (!owner_read(r, message, bytes, &at) || bytes - at < RR_FIXED_BYTES)
		return false;
	if (get_u16(message + at) != TYPE_TSIG || get_u16(message + at + 2) != CLASS_ANY ||
	    get_u32(message + at + 4) != 0 ||
	    get_u16(message + at + 8) != bytes - at - RR_FIXED_BYTES)
		return false;
	at += RR_FIXED_BYTES;
	if (!name_read(&r->algorithm, message + at, bytes - at))
		return false;
	at += r->algorithm.bytes;
	if (bytes - at < RDATA_FIXED_BYTES)
		return false;
	r->signed_s = get_u48(message + at);
	r->fudge_s = get_u16(message + at + 6);
	r->mac_bytes = get_u16(message + at + 8);
	at += 10;
	r->mac = message + at;
	if (bytes - at < (size_t)r->mac_bytes + 6)
		return false;
	at += r->mac_bytes;
	r->original_id = get_u16(message + at);
	r->error = get_u16(message + at + 2);
	r->other_bytes = get_u16(message + at + 4);
	r->other = message + at + 6;
	return bytes - at - 6 == r->other_bytes && r->other_bytes <= TIME_BYTES;
}

/* --- the MAC -------------------------------------------------------------------------------- */

static size_t algorithm_wire(enum tsig_algorithm a, uint8_t out[static TSIG_ALGORITHM_BYTES])
{
	const char *name = tsig_algorithm_name(a);
	size_t bytes = strlen(name);
	assert(bytes + 2 <= TSIG_ALGORITHM_BYTES);
	out[0] = (uint8_t)bytes;
	memcpy(out + 1, name, bytes);
	out[bytes + 1] = 0;
	return bytes + 2;
}

/* The MAC of the parts one behind the other; its size. */
static size_t mac_make(const struct tsig_key *k, const struct part *parts, size_t count,
    uint8_t out[static TSIG_MAC_BYTES])
{
	static const char *const digests[TSIG_ALGORITHMS] = {"SHA256", "SHA384", "SHA512"};
	char digest[8];
	size_t bytes = 0;
	(void)strcpy(digest, digests[k->algorithm]);
	const OSSL_PARAM how[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	int done = c && EVP_MAC_init(c, k->secret, k->secret_bytes, how);
	for (size_t i = 0; done && i < count; i++)
		done = parts[i].bytes == 0 || EVP_MAC_update(c, parts[i].data, parts[i].bytes);
	done = done && EVP_MAC_final(c, out, &bytes, TSIG_MAC_BYTES);
	assert(done && bytes == tsig_algorithm_bytes(k->algorithm)); /* memory is all it needs */
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(hmac);
	return bytes;
}

struct variables { /* what is signed besides the message: RFC 8945 section 4.3.3 */
	uint64_t signed_s, now_s;
	uint16_t fudge_s, error, other_bytes;
	uint8_t other[TIME_BYTES];
};

/* Later messages of a stream sign only the timers: section 5.3.1. */
static size_t variables_put(const struct tsig_key *k, const struct variables *v, bool only_timers,
    uint8_t out[static VARIABLES_BYTES])
{
	size_t at = 0;
	if (!only_timers) {
		memcpy(out, k->name, k->name_bytes);
		at += k->name_bytes;
		put_u16(out + at, CLASS_ANY);
		put_u32(out + at + 2, 0);
		at += 6;
		at += algorithm_wire(k->algorithm, out + at);
	}
	put_u48(out + at, v->signed_s);
	put_u16(out + at + 6, v->fudge_s);
	at += 8;
	if (only_timers)
		return at;
	put_u16(out + at, v->error);
	put_u16(out + at + 2, v->other_bytes);
	memcpy(out + at + 4, v->other, v->other_bytes);
	return at + 4 + v->other_bytes;
}

/* The MAC of a message whose TSIG record is not there (any more): `header` instead of its own. */
static size_t message_mac(const struct tsig *t, const struct variables *v,
    const uint8_t header[static DNS_HEADER_BYTES], const uint8_t *message, size_t bytes,
    uint8_t out[static TSIG_MAC_BYTES])
{
	uint8_t former_bytes[2], variables[VARIABLES_BYTES];
	struct part parts[PARTS_MAX];
	size_t count = 0;
	put_u16(former_bytes, t->mac_bytes);
	if (t->mac_bytes > 0) {
		parts[count++] = (struct part){former_bytes, sizeof(former_bytes)};
		parts[count++] = (struct part){t->mac, t->mac_bytes};
	}
	parts[count++] = (struct part){header, DNS_HEADER_BYTES};
	parts[count++] = (struct part){message + DNS_HEADER_BYTES, bytes - DNS_HEADER_BYTES};
	parts[count++] =
	    (struct part){variables, variables_put(&t->key, v, t->is_continued, variables)};
	return mac_make(&t->key, parts, count, out);
}

/* The MAC that a received message should have. */
static size_t record_mac(const struct tsig *t, const struct tsig_record *r, const uint8_t *message,
    size_t tsig_at, uint8_t out[static TSIG_MAC_BYTES])
{
	uint8_t header[DNS_HEADER_BYTES];
	struct variables v = {.signed_s = r->signed_s,
	    .fudge_s = r->fudge_s,
	    .error = r->error,
	    .other_bytes = r->other_bytes};
	memcpy(header, message, sizeof(header));
	memcpy(v.other, r->other, r->other_bytes);
	put_u16(header, r->original_id);
	put_u16(header + ARCOUNT_AT, get_u16(header + ARCOUNT_AT) - 1U);
	return message_mac(t, &v, header, message, tsig_at, out);
}

/* --- a query verified ----------------------------------------------------------------------- */

static const struct tsig_key *ring_find(const struct tsig_ring *ring, const struct tsig_record *r)
{
	for (size_t i = 0; i < ring->count; i++) {
		const struct tsig_key *k = &ring->keys[i];
		uint8_t algorithm[TSIG_ALGORITHM_BYTES];
		if (k->name_bytes == r->name_bytes &&
		    memcmp(k->name, r->name, r->name_bytes) == 0 &&
		    algorithm_wire(k->algorithm, algorithm) == r->algorithm.bytes &&
		    memcmp(algorithm, r->algorithm.wire, r->algorithm.bytes) == 0)
			return k;
	}
	return NULL;
}

static bool time_is_near(const struct tsig_record *r, uint64_t now_s)
{
	uint64_t apart = now_s > r->signed_s ? now_s - r->signed_s : r->signed_s - now_s;
	return apart <= r->fudge_s;
}

/* The checks in the order of RFC 8945 section 5.2; 0 or an error. The record's MAC is at least
 * half of a whole one. */
static uint16_t record_judge(const struct tsig *t, const struct tsig_record *r,
    const uint8_t *message, size_t tsig_at, uint64_t now_s)
{
	uint8_t mac[TSIG_MAC_BYTES];
	size_t mac_bytes = record_mac(t, r, message, tsig_at, mac);
	if (CRYPTO_memcmp(mac, r->mac, r->mac_bytes) != 0)
		return TSIG_BADSIG;
	if (!time_is_near(r, now_s))
		return TSIG_BADTIME;
	return r->mac_bytes < mac_bytes ? TSIG_BADTRUNC : 0;
}

/* Section 5.2.2.1: neither longer than whole nor shorter than half is a MAC. */
static bool mac_is_sized(const struct tsig_key *k, size_t bytes)
{
	size_t whole = tsig_algorithm_bytes(k->algorithm);
	return bytes <= whole && bytes >= whole / 2 && bytes >= TRUNCATED_BYTES_MIN;
}

enum dns_rcode tsig_open(struct tsig *t, const struct tsig_ring *ring, const uint8_t *message,
    size_t bytes, size_t tsig_at, uint64_t now_s)
{
	struct tsig_record r;
	*t = (struct tsig){0};
	if (!record_read(&r, message, bytes, tsig_at))
		return RCODE_FORMERR;
	/* Nobody has a key of such a name, and the answer must have room for it. */
	if (r.name_bytes > sizeof(t->name) || r.algorithm.bytes > sizeof(t->algorithm))
		return RCODE_FORMERR;
	const struct tsig_key *k = ring_find(ring, &r);
	if (k && !mac_is_sized(k, r.mac_bytes))
		return RCODE_FORMERR;
	t->is_present = true;
	t->asked_s = r.signed_s;
	t->name_bytes = (uint8_t)r.name_bytes;
	memcpy(t->name, r.name, r.name_bytes);
	t->algorithm_bytes = r.algorithm.bytes;
	memcpy(t->algorithm, r.algorithm.wire, r.algorithm.bytes);
	if (!k) {
		t->error = TSIG_BADKEY;
		return RCODE_NOTAUTH;
	}
	t->has_key = true;
	t->key = *k;
	t->error = record_judge(t, &r, message, tsig_at, now_s);
	t->mac_bytes = (uint8_t)r.mac_bytes;
	memcpy(t->mac, r.mac, r.mac_bytes);
	t->is_verified = t->error == 0;
	return t->is_verified ? RCODE_NOERROR : RCODE_NOTAUTH;
}

/* --- signing -------------------------------------------------------------------------------- */

/* Who could not show the key gets an unsigned error: RFC 8945 section 5.3.2. */
static bool is_signed(const struct tsig *t)
{
	return t->has_key && t->error != TSIG_BADSIG;
}

static size_t other_bytes(const struct tsig *t)
{
	return t->error == TSIG_BADTIME ? TIME_BYTES : 0;
}

size_t tsig_bytes(const struct tsig *t)
{
	if (!t || !t->is_present)
		return 0;
	size_t mac_bytes = is_signed(t) ? tsig_algorithm_bytes(t->key.algorithm) : 0;
	return (size_t)t->name_bytes + RR_FIXED_BYTES + t->algorithm_bytes + RDATA_FIXED_BYTES +
	       mac_bytes + other_bytes(t);
}

static void record_put(const struct tsig *t, const struct variables *v, const uint8_t *mac,
    size_t mac_bytes, unsigned id, uint8_t *at)
{
	size_t rdata_bytes =
	    (size_t)t->algorithm_bytes + RDATA_FIXED_BYTES + mac_bytes + v->other_bytes;
	memcpy(at, t->name, t->name_bytes);
	at += t->name_bytes;
	put_u16(at, TYPE_TSIG);
	put_u16(at + 2, CLASS_ANY);
	put_u32(at + 4, 0);
	put_u16(at + 8, (unsigned)rdata_bytes);
	at += RR_FIXED_BYTES;
	memcpy(at, t->algorithm, t->algorithm_bytes);
	at += t->algorithm_bytes;
	put_u48(at, v->signed_s);
	put_u16(at + 6, v->fudge_s);
	put_u16(at + 8, (unsigned)mac_bytes);
	memcpy(at + 10, mac, mac_bytes);
	at += 10 + mac_bytes;
	put_u16(at, id);
	put_u16(at + 2, v->error);
	put_u16(at + 4, v->other_bytes);
	memcpy(at + 6, v->other, v->other_bytes);
}

size_t tsig_sign(struct tsig *t, uint8_t *message, size_t bytes, size_t room, uint64_t now_s)
{
	uint8_t mac[TSIG_MAC_BYTES];
	size_t mac_bytes = 0, record_bytes = tsig_bytes(t);
	if (record_bytes == 0)
		return bytes;
	assert(bytes >= DNS_HEADER_BYTES && bytes <= room && record_bytes <= room - bytes);
	struct variables v = {.signed_s = t->error == TSIG_BADTIME ? t->asked_s : now_s,
	    .fudge_s = TSIG_FUDGE_S,
	    .error = t->error,
	    .other_bytes = (uint16_t)other_bytes(t)};
	put_u48(v.other, now_s);
	if (is_signed(t))
		mac_bytes = message_mac(t, &v, message, message, bytes, mac);
	record_put(t, &v, mac, mac_bytes, get_u16(message), message + bytes);
	put_u16(message + ARCOUNT_AT, get_u16(message + ARCOUNT_AT) + 1U);
	memcpy(t->mac, mac, mac_bytes);
	t->mac_bytes = (uint8_t)mac_bytes;
	t->is_continued = true;
	return bytes + record_bytes;
}

/* --- asking --------------------------------------------------------------------------------- */

size_t tsig_sign_query(struct tsig *t, const struct tsig_key *key, uint8_t *message, size_t bytes,
    size_t room, uint64_t now_s)
{
	*t = (struct tsig){
	    .is_present = true, .has_key = true, .name_bytes = key->name_bytes, .key = *key};
	memcpy(t->name, key->name, key->name_bytes);
	t->algorithm_bytes = (uint8_t)algorithm_wire(key->algorithm, t->algorithm);
	bytes = tsig_sign(t, message, bytes, room, now_s);
	t->is_continued = false; /* its answer is the first message of the other side */
	return bytes;
}

bool tsig_check_answer(
    const struct tsig *t, const uint8_t *message, size_t bytes, uint64_t now_s, uint16_t *error)
{
	struct tsig_record r;
	size_t tsig_at = query_tsig_find(message, bytes);
	*error = 0;
	if (tsig_at == 0 || !record_read(&r, message, bytes, tsig_at) ||
	    r.name_bytes != t->key.name_bytes || memcmp(r.name, t->key.name, r.name_bytes) != 0 ||
	    r.algorithm.bytes != t->algorithm_bytes ||
	    memcmp(r.algorithm.wire, t->algorithm, t->algorithm_bytes) != 0)
		return false;
	*error = r.error;
	return mac_is_sized(&t->key, r.mac_bytes) &&
	       record_judge(t, &r, message, tsig_at, now_s) == 0;
}
