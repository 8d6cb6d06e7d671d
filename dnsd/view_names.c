/* The names of a view's catalog, or their digest. */
#include "dnsd/view_names.h"

#include <assert.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void text_add(EVP_MD_CTX *digest, const char *text)
{
	int ok = EVP_DigestUpdate(digest, text, strlen(text) + 1); /* its end belongs to it */
	assert(ok == 1);
}

static void names_digest(const struct view_catalog *c, uint8_t out[static VIEW_DIGEST_BYTES])
{
	if (c->names_forgotten) {
		memcpy(out, c->names_digest, VIEW_DIGEST_BYTES);
		return;
	}
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	int ok = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
	assert(ok);
	for (size_t i = 0; i < c->names_count; i++) {
		const struct view_name *n = &c->names[i];
		text_add(digest, n->owner);
		text_add(digest, n->zone);
		text_add(digest, n->pool);
		ok = EVP_DigestUpdate(digest, &n->ttl_s, sizeof(n->ttl_s));
		assert(ok == 1);
	}
	unsigned bytes = 0;
	ok = EVP_DigestFinal_ex(digest, out, &bytes);
	assert(ok == 1 && bytes == VIEW_DIGEST_BYTES);
	EVP_MD_CTX_free(digest);
}

void view_names_forget(struct view_catalog *c)
{
	if (c->names_forgotten || c->names_count == 0)
		return;
	names_digest(c, c->names_digest);
	view_names_release(c);
	c->names_forgotten = true;
	(void)malloc_trim(0); /* many small pieces: the heap would keep them */
}

bool view_names_same(const struct view_catalog *a, const struct view_catalog *b)
{
	uint8_t of_a[VIEW_DIGEST_BYTES], of_b[VIEW_DIGEST_BYTES];
	if (a == b)
		return true;
	if (a->names_count != b->names_count)
		return false;
	if (a->names_count == 0)
		return true;
	names_digest(a, of_a);
	names_digest(b, of_b);
	return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}
