/* DNS cookies: secrets, making and checking. */
#include "dnsd/cookie.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "lib/base/mem.h"
#include "lib/file.h"

enum {
	COOKIE_VERSION = 1,
	HASH_BYTES = 8,
	PLAIN_BYTES = COOKIE_SERVER_BYTES - HASH_BYTES, /* version, reserved, time */
	/* RFC 9018 section 4.3 */
	PAST_S = 3600,
	FUTURE_S = 300,
	FRESH_S = 1800, /* an older one is renewed */
	SECRETS_FILE_BYTES = 4096,
};

struct cookie_mill {
	EVP_MAC_CTX *mac;
};

int cookie_mill_new(struct cookie_mill **out, struct err *e)
{
	*out = NULL;
	EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *mac = siphash ? EVP_MAC_CTX_new(siphash) : NULL;
	EVP_MAC_free(siphash);
	if (!mac)
		return err_set(e, E_IO, "OpenSSL has no SipHash");
	*out = mem_new(1, sizeof(**out));
	(*out)->mac = mac;
	return 0;
}

void cookie_mill_free(struct cookie_mill *m)
{
	if (!m)
		return;
	EVP_MAC_CTX_free(m->mac);
	free(m);
}

/* `server` has its plain part; its hash is taken over the client's cookie, that part, and the
 * client's address. */
static void hash_take(struct cookie_mill *m, const uint8_t *key, const uint8_t *client,
    const uint8_t *server, const struct addr *address, uint8_t hash[static HASH_BYTES])
{
	size_t hash_bytes = HASH_BYTES, address_bytes = address->family == 4 ? 4 : 16;
	uint8_t text[COOKIE_CLIENT_BYTES + PLAIN_BYTES + 16];
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &hash_bytes),
	    OSSL_PARAM_construct_end()};
	memcpy(text, client, COOKIE_CLIENT_BYTES);
	memcpy(text + COOKIE_CLIENT_BYTES, server, PLAIN_BYTES);
	memcpy(text + COOKIE_CLIENT_BYTES + PLAIN_BYTES, address->bytes, address_bytes);
	bool done =
	    EVP_MAC_init(m->mac, key, COOKIE_SECRET_BYTES, parameters) == 1 &&
	    EVP_MAC_update(m->mac, text, COOKIE_CLIENT_BYTES + PLAIN_BYTES + address_bytes) == 1 &&
	    EVP_MAC_final(m->mac, hash, &hash_bytes, HASH_BYTES) == 1;
	assert(done && hash_bytes == HASH_BYTES); /* it needs no memory and takes any octets */
}

void cookie_make(struct cookie_mill *m, const uint8_t key[static COOKIE_SECRET_BYTES],
    const uint8_t client[static COOKIE_CLIENT_BYTES], const struct addr *address, uint32_t now_s,
    uint8_t server[static COOKIE_SERVER_BYTES])
{
	put_u32(server, (uint32_t)COOKIE_VERSION << 24);
	put_u32(server + 4, now_s);
	hash_take(m, key, client, server, address, server + PLAIN_BYTES);
}

bool cookie_is_wellformed(size_t bytes)
{
	return bytes == COOKIE_CLIENT_BYTES ||
	       (bytes >= COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES_MIN &&
	           bytes <= COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES_MAX);
}

/* The number of the secret that the server cookie was made with, or -1. */
static int secret_find(struct cookie_mill *m, const struct cookie_secrets *s,
    const struct addr *address, const uint8_t *cookie)
{
	const uint8_t *server = cookie + COOKIE_CLIENT_BYTES;
	for (size_t i = 0; i < s->count; i++) {
		uint8_t hash[HASH_BYTES];
		hash_take(m, s->keys[i], cookie, server, address, hash);
		if (CRYPTO_memcmp(hash, server + PLAIN_BYTES, HASH_BYTES) == 0)
			return (int)i;
	}
	return -1;
}

bool cookie_answer(struct cookie_mill *m, const struct cookie_secrets *s,
    const struct addr *address, uint32_t now_s, const uint8_t *cookie, size_t bytes,
    uint8_t out[static COOKIE_BYTES])
{
	int secret = -1;
	bool is_fresh = false;
	assert(s->count > 0 && cookie_is_wellformed(bytes));
	if (bytes == COOKIE_BYTES && cookie[COOKIE_CLIENT_BYTES] == COOKIE_VERSION) {
		/* Serial arithmetic (RFC 1982): the field wraps in 2106. */
		uint32_t age_s = now_s - get_u32(cookie + COOKIE_CLIENT_BYTES + 4);
		is_fresh = age_s <= FRESH_S || -age_s <= FUTURE_S;
		if (is_fresh || age_s <= PAST_S)
			secret = secret_find(m, s, address, cookie);
	}
	if (secret == 0 && is_fresh) {
		memcpy(out, cookie, COOKIE_BYTES);
		return true;
	}
	memcpy(out, cookie, COOKIE_CLIENT_BYTES);
	cookie_make(m, s->keys[0], cookie, address, now_s, out + COOKIE_CLIENT_BYTES);
	return secret >= 0;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool secret_parse(const char *text, size_t bytes, uint8_t out[static COOKIE_SECRET_BYTES])
{
	if (bytes != 2 * (size_t)COOKIE_SECRET_BYTES)
		return false;
	for (size_t i = 0; i < COOKIE_SECRET_BYTES; i++) {
		int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int secrets_parse(
    const char *path, const char *text, struct cookie_secrets *out, struct err *e)
{
	for (size_t line = 1; *text; line++) {
		size_t all = strcspn(text, "\n"), bytes = strcspn(text, "#\n");
		const char *first = text + strspn(text, " \t\r");
		const char *end = text + bytes;
		while (end > first && strchr(" \t\r", end[-1]))
			end--;
		text += all + (text[all] == '\n');
		if (end <= first)
			continue;
		if (out->count == COOKIE_SECRETS_MAX)
			return err_set(e, E_INVALID, "%s:%zu: a secret too many, at most %d", path,
			    line, COOKIE_SECRETS_MAX);
		/* The line is not repeated in the message: it may be almost a secret. */
		if (!secret_parse(first, (size_t)(end - first), out->keys[out->count]))
			return err_set(e, E_INVALID,
			    "%s:%zu: no secret, expected %d hexadecimal digits", path, line,
			    2 * COOKIE_SECRET_BYTES);
		out->count++;
	}
	return out->count > 0 ? 0 : err_set(e, E_INVALID, "%s: has no secret", path);
}

int cookie_secrets_read(const char *path, struct cookie_secrets *out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = (struct cookie_secrets){0};
	int r = file_read(path, SECRETS_FILE_BYTES, &text, &bytes, e);
	if (r != 0)
		return r;
	r = secrets_parse(path, text, out, e);
	OPENSSL_cleanse(text, bytes);
	free(text);
	return r;
}

int cookie_secrets_draw(struct cookie_secrets *out, struct err *e)
{
	*out = (struct cookie_secrets){.count = 1};
	if (RAND_bytes(out->keys[0], COOKIE_SECRET_BYTES) != 1)
		return err_set(e, E_IO, "no randomness for the secret of the cookies");
	return 0;
}
