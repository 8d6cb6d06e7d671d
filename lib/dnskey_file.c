/* Key files: lines of metadata, then the secret as PEM. */
#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/dnskey_private.h"
#include "lib/file.h"

enum { FILE_BYTES = 16 * 1024 };

static const char *const roles[] = {"csk", "ksk", "zsk"};
static const char *const states[] = {"published", "active", "retired"};

const char *dnskey_algorithm_name(enum dnskey_algorithm a)
{
	return a == DNSKEY_ED25519 ? "ed25519" : "ecdsap256sha256";
}

const char *dnskey_role_name(enum dnskey_role r)
{
	return roles[r];
}

const char *dnskey_state_name(enum dnskey_state s)
{
	return states[s];
}

int dnskey_algorithm_parse(const char *text, enum dnskey_algorithm *out)
{
	if (strcmp(text, "ecdsap256sha256") == 0 || strcmp(text, "13") == 0)
		*out = DNSKEY_ECDSAP256SHA256;
	else if (strcmp(text, "ed25519") == 0 || strcmp(text, "15") == 0)
		*out = DNSKEY_ED25519;
	else
		return E_INVALID;
	return 0;
}

static int word_find(const char *const *words, const char *text)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return E_INVALID;
}

int dnskey_role_parse(const char *text, enum dnskey_role *out)
{
	int found = word_find(roles, text);
	if (found >= 0)
		*out = (enum dnskey_role)found;
	return found < 0 ? found : 0;
}

int dnskey_state_parse(const char *text, enum dnskey_state *out)
{
	int found = word_find(states, text);
	if (found >= 0)
		*out = (enum dnskey_state)found;
	return found < 0 ? found : 0;
}

/* The value behind "name:" in the lines before the PEM part, or NULL; the caller frees. */
static char *line_value(const char *text, const char *name)
{
	const char *end = strstr(text, "-----BEGIN");
	size_t name_bytes = strlen(name);
	for (const char *at = text; at && (!end || at < end); at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, name_bytes) != 0 || at[name_bytes] != ':')
			continue;
		at += name_bytes + 1;
		at += strspn(at, " \t");
		size_t bytes = strcspn(at, "\r\n");
		while (bytes > 0 && (at[bytes - 1] == ' ' || at[bytes - 1] == '\t'))
			bytes--;
		return mem_strndup(at, bytes);
	}
	return NULL;
}

/* A file with a passphrase is an error, not a question on the terminal. */
static int no_passphrase(char *out, int room, int writes, void *ctx)
{
	(void)out;
	(void)room;
	(void)writes;
	(void)ctx;
	return -1;
}

static int text_parse(const char *text, size_t bytes, struct dnskey **out, struct err *e)
{
	char *zone = line_value(text, "zone"), *algorithm = line_value(text, "algorithm"),
	     *role = line_value(text, "role"), *state = line_value(text, "state");
	enum dnskey_algorithm a;
	enum dnskey_role r;
	enum dnskey_state s;
	int result = E_INVALID;
	if (!zone || !algorithm || !role || !state)
		err_set(e, E_INVALID, "no line \"%s:\" before the private key",
		    !zone        ? "zone"
		    : !algorithm ? "algorithm"
		    : !role      ? "role"
		                 : "state");
	else if (dnskey_algorithm_parse(algorithm, &a) != 0)
		err_set(e, E_INVALID,
		    "algorithm: found \"%.40s\", expected ecdsap256sha256 or ed25519", algorithm);
	else if (dnskey_role_parse(role, &r) != 0)
		err_set(e, E_INVALID, "role: found \"%.40s\", expected csk, ksk or zsk", role);
	else if (dnskey_state_parse(state, &s) != 0)
		err_set(e, E_INVALID,
		    "state: found \"%.40s\", expected published, active or retired", state);
	else {
		BIO *bio = BIO_new_mem_buf(text, (int)bytes);
		EVP_PKEY *pair =
		    bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
		BIO_free(bio);
		result = pair ? dnskey_new_of_pair(zone, a, r, pair, out, e)
		              : err_set(e, E_INVALID, "there is no private key in it (PEM)");
		if (result == 0) {
			assert(*out != NULL);
			(*out)->state = s;
		}
	}
	free(zone);
	free(algorithm);
	free(role);
	free(state);
	return result;
}

int dnskey_read(const char *path, struct dnskey **out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = NULL;
	int r = file_read_secret(path, FILE_BYTES, &text, &bytes, e);
	if (r != 0)
		return r;
	r = text_parse(text, bytes, out, e);
	OPENSSL_cleanse(text, bytes);
	free(text);
	return r == 0 ? 0 : err_prefix(e, "%s", path);
}

int dnskey_write(const struct dnskey *k, const char *path, struct err *e)
{
	struct buf text = {0};
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem = NULL;
	int r;
	if (bio &&
	    PEM_write_bio_PKCS8PrivateKey(bio, k->secret->pair, NULL, NULL, 0, NULL, NULL) == 1) {
		long bytes = BIO_get_mem_data(bio, &pem);
		buf_printf(&text,
		    "# A DNSSEC key of Tandem. Secret. See tandem(1), \"tandem dnssec\".\n"
		    "zone: %s\nalgorithm: %s\nrole: %s\nstate: %s\n",
		    k->zone_text, dnskey_algorithm_name(k->algorithm), roles[k->role],
		    states[k->state]);
		buf_add(&text, pem, (size_t)bytes);
		r = file_write_atomic(path, text.data, text.bytes, 0600, e);
		OPENSSL_cleanse(text.data, text.bytes);
	} else {
		r = err_set(e, E_IO, "%s: the key can not be written as PEM", path);
	}
	buf_free(&text);
	BIO_free(bio);
	return r;
}

char *dnskey_file_name(const struct dnskey *k)
{
	char *zone = mem_strdup(k->zone_text);
	for (char *at = zone; *at; at++)
		if (*at == '/')
			*at = '_';
	char *name = mem_printf(
	    "%s%d.%u.key", strcmp(zone, ".") == 0 ? "root." : zone, (int)k->algorithm, k->tag);
	free(zone);
	return name;
}
