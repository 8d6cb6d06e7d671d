/* TSIG keys: drawn, read and written. */
#include "lib/tsig_key.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/file.h"

enum {
	FILE_BYTES = 16 * 1024,
	LABEL_BYTES = 63,
	BASE64_BYTES = (TSIG_SECRET_BYTES_MAX + 2) / 3 * 4 + 1,
};

static const struct {
	const char *name;
	size_t bytes;
} algorithms[TSIG_ALGORITHMS] = {
    [TSIG_HMAC_SHA256] = {"hmac-sha256", 32},
    [TSIG_HMAC_SHA384] = {"hmac-sha384", 48},
    [TSIG_HMAC_SHA512] = {"hmac-sha512", 64},
};

const char *tsig_algorithm_name(enum tsig_algorithm a)
{
	assert(a < TSIG_ALGORITHMS);
	return algorithms[a].name;
}

size_t tsig_algorithm_bytes(enum tsig_algorithm a)
{
	assert(a < TSIG_ALGORITHMS);
	return algorithms[a].bytes;
}

int tsig_algorithm_parse(const char *text, enum tsig_algorithm *out)
{
	for (size_t i = 0; i < TSIG_ALGORITHMS; i++)
		if (strcmp(text, algorithms[i].name) == 0) {
			*out = (enum tsig_algorithm)i;
			return 0;
		}
	return E_INVALID;
}

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Text and wire of the name. Plain characters only: text and wire are then of one length. */
static int name_set(struct tsig_key *k, const char *name, struct err *e)
{
	size_t bytes = strlen(name), start = 0; /* of the label, in the wire: its length octet */
	if (bytes > 0 && name[bytes - 1] == '.')
		bytes--;
	bool is_sound = bytes > 0 && bytes + 2 <= TSIG_NAME_BYTES;
	for (size_t i = 0; is_sound && i <= bytes; i++) {
		char c = i < bytes ? folded(name[i]) : '.';
		k->text[i] = c;
		k->name[i + 1] = (uint8_t)c;
		if (c == '.') {
			size_t label = i - start;
			is_sound = label > 0 && label <= LABEL_BYTES;
			k->name[start] = (uint8_t)label;
			start = i + 1;
		} else {
			is_sound = is_plain(c);
		}
	}
	if (!is_sound)
		return err_set(e, E_INVALID,
		    "\"%.140s\" is no key name: letters, digits, \"-\", \"_\" and dots between "
		    "them, at most %d octets",
		    name, TSIG_NAME_BYTES - 2);
	k->text[bytes + 1] = '\0';
	k->name[bytes + 1] = 0;
	k->name_bytes = (uint8_t)(bytes + 2);
	return 0;
}

int tsig_key_draw(
    const char *name, enum tsig_algorithm algorithm, struct tsig_key *out, struct err *e)
{
	*out = (struct tsig_key){
	    .algorithm = algorithm, .secret_bytes = (uint8_t)tsig_algorithm_bytes(algorithm)};
	int r = name_set(out, name, e);
	if (r != 0)
		return r;
	if (RAND_priv_bytes(out->secret, out->secret_bytes) != 1)
		return err_set(e, E_IO, "no random numbers");
	return 0;
}

/* The value behind "name:" in the lines, into `out`. False: no such line, or too long. */
static bool line_value(const char *text, const char *name, char *out, size_t room)
{
	size_t name_bytes = strlen(name);
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, name_bytes) != 0 || at[name_bytes] != ':')
			continue;
		at += name_bytes + 1;
		at += strspn(at, " \t");
		size_t bytes = strcspn(at, "\r\n \t");
		if (bytes >= room)
			return false;
		memcpy(out, at, bytes);
		out[bytes] = '\0';
		return true;
	}
	return false;
}

static int secret_set(struct tsig_key *k, const char *base64, struct err *e)
{
	uint8_t secret[BASE64_BYTES];
	size_t chars = strlen(base64);
	size_t pads = chars > 0 ? (size_t)(base64[chars - 1] == '=') +
	                              (size_t)(chars > 1 && base64[chars - 2] == '=')
	                        : 0;
	int bytes = chars > 0 && chars % 4 == 0
	                ? EVP_DecodeBlock(secret, (const uint8_t *)base64, (int)chars) - (int)pads
	                : -1;
	int r = 0;
	if (bytes < 0)
		r = err_set(e, E_INVALID, "secret: found no base64");
	else if (bytes < TSIG_SECRET_BYTES_MIN || bytes > TSIG_SECRET_BYTES_MAX)
		r = err_set(e, E_INVALID, "secret: found %d octets, expected %d to %d", bytes,
		    TSIG_SECRET_BYTES_MIN, TSIG_SECRET_BYTES_MAX);
	else
		memcpy(k->secret, secret, (size_t)bytes);
	k->secret_bytes = r == 0 ? (uint8_t)bytes : 0;
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

int tsig_key_parse(const char *text, struct tsig_key *out, struct err *e)
{
	char name[TSIG_NAME_BYTES], algorithm[32], secret[BASE64_BYTES];
	int r;
	*out = (struct tsig_key){0};
	if (!line_value(text, "name", name, sizeof(name)))
		r = err_set(
		    e, E_INVALID, "no line \"name:\" of at most %d octets", TSIG_NAME_BYTES - 2);
	else if (!line_value(text, "algorithm", algorithm, sizeof(algorithm)) ||
	         tsig_algorithm_parse(algorithm, &out->algorithm) != 0)
		r = err_set(e, E_INVALID,
		    "no line \"algorithm:\" with hmac-sha256, hmac-sha384 or hmac-sha512");
	else if (!line_value(text, "secret", secret, sizeof(secret)))
		r = err_set(e, E_INVALID, "no line \"secret:\" with the base64 of %d to %d octets",
		    TSIG_SECRET_BYTES_MIN, TSIG_SECRET_BYTES_MAX);
	else {
		r = name_set(out, name, e);
		if (r == 0)
			r = secret_set(out, secret, e);
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	if (r != 0)
		tsig_key_wipe(out);
	return r;
}

int tsig_key_read(const char *path, struct tsig_key *out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = (struct tsig_key){0};
	int r = file_read_secret(path, FILE_BYTES, &text, &bytes, e);
	if (r != 0)
		return r;
	r = tsig_key_parse(text, out, e);
	OPENSSL_cleanse(text, bytes);
	free(text);
	return r == 0 ? 0 : err_prefix(e, "%s", path);
}

char *tsig_key_format(const struct tsig_key *k)
{
	struct buf out = {0};
	char secret[BASE64_BYTES];
	EVP_EncodeBlock((uint8_t *)secret, k->secret, k->secret_bytes);
	buf_printf(&out,
	    "# A TSIG key of Tandem (RFC 8945). Secret: it goes to this name server and to its\n"
	    "# secondary, and to nobody else. Here: name this file in \"transfers:\" of the file\n"
	    "# of tandem-dnsd. There: \"tandem tsig show FILE\" prints it for Knot, NSD and BIND.\n"
	    "name: %s\nalgorithm: %s\nsecret: %s\n",
	    k->text, tsig_algorithm_name(k->algorithm), secret);
	OPENSSL_cleanse(secret, sizeof(secret));
	return buf_take(&out);
}

int tsig_key_write(const struct tsig_key *k, const char *path, struct err *e)
{
	struct stat about;
	if (lstat(path, &about) == 0)
		return err_set(e, E_CONFLICT, "\"%s\" exists, and secondaries may use it", path);
	char *text = tsig_key_format(k);
	size_t bytes = strlen(text);
	int r = file_write_atomic(path, text, bytes, 0600, e);
	OPENSSL_cleanse(text, bytes);
	free(text);
	return r;
}

bool tsig_key_equals(const struct tsig_key *a, const struct tsig_key *b)
{
	return a->algorithm == b->algorithm && a->name_bytes == b->name_bytes &&
	       memcmp(a->name, b->name, a->name_bytes) == 0 && a->secret_bytes == b->secret_bytes &&
	       CRYPTO_memcmp(a->secret, b->secret, a->secret_bytes) == 0;
}

void tsig_key_wipe(struct tsig_key *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
