/* TSIG keys: what is written is read again, and what is no key is said so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/tsig_key.h"

static char folder[] = "/tmp/test_tsig_key.XXXXXX";

static void a_key_is_read_as_it_was_written_and_is_secret(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	char *path = mem_printf("%s/a.key", folder);
	for (int a = 0; a < TSIG_ALGORITHMS; a++) {
		struct tsig_key k, again;
		struct err e = {0};
		struct stat about;
		assert_int_equal(
		    tsig_key_draw("Xfr.Example.com", (enum tsig_algorithm)a, &k, &e), 0);
		assert_string_equal(k.text, "xfr.example.com.");
		assert_int_equal(k.name_bytes, 17);
		assert_memory_equal(k.name, "\3xfr\7example\3com", 17);
		assert_int_equal(tsig_key_write(&k, path, &e), 0);
		assert_int_equal(stat(path, &about), 0);
		assert_int_equal(about.st_mode & 0777, 0600);
		assert_int_equal(tsig_key_read(path, &again, &e), 0);
		assert_true(tsig_key_equals(&k, &again));
		again.secret[3] ^= 1;
		assert_false(tsig_key_equals(&k, &again));
		assert_int_equal(tsig_key_write(&k, path, &e), E_CONFLICT); /* it may be in use */
		assert_int_equal(chmod(path, 0644), 0);
		assert_int_equal(tsig_key_read(path, &again, &e), E_INVALID);
		assert_non_null(strstr(e.text, "others can read"));
		assert_int_equal(unlink(path), 0);
	}
	free(path);
	assert_int_equal(rmdir(folder), 0);
}

#define SECRET16 "AAECAwQFBgcICQoLDA0ODw=="
static const struct {
	const char *text, *message; /* NULL: it is a key */
} texts[] = {
    {"name: a.\nalgorithm: hmac-sha256\nsecret: " SECRET16 "\n", NULL},
    {"# a comment\nsecret:\t" SECRET16 "\r\nalgorithm: hmac-sha512 \nname: a", NULL},
    {"algorithm: hmac-sha256\nsecret: " SECRET16, "no line \"name:\""},
    {"name: .\nalgorithm: hmac-sha256\nsecret: " SECRET16, "is no key name"},
    {"name: a..b\nalgorithm: hmac-sha256\nsecret: " SECRET16, "is no key name"},
    {"name: a\\.b\nalgorithm: hmac-sha256\nsecret: " SECRET16, "is no key name"},
    {"name: "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b\n"
     "algorithm: hmac-sha256\nsecret: " SECRET16,
        "is no key name"},
    {"name: a\nsecret: " SECRET16, "hmac-sha256, hmac-sha384 or hmac-sha512"},
    {"name: a\nalgorithm: hmac-md5\nsecret: " SECRET16, "hmac-sha256"},
    {"name: a\nalgorithm: hmac-sha1\nsecret: " SECRET16, "hmac-sha256"},
    {"name: a\nalgorithm: hmac-sha256\n", "no line \"secret:\""},
    {"name: a\nalgorithm: hmac-sha256\nsecret:\n", "no base64"},
    {"name: a\nalgorithm: hmac-sha256\nsecret: AAEC!wQFBgcICQoLDA0ODw==", "no base64"},
    {"name: a\nalgorithm: hmac-sha256\nsecret: AAECAwQFBgcICQoLDA0O", "expected 16 to 128"},
};

static void what_is_no_key_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tsig_key k;
		struct err e = {0};
		int r = tsig_key_parse(texts[i].text, &k, &e);
		if (!texts[i].message)
			assert_int_equal(r, 0);
		else if (r != E_INVALID || !strstr(e.text, texts[i].message))
			fail_msg("case %zu: %d \"%s\"", i, r, e.text);
		assert_true(r == 0 || k.secret_bytes == 0);
	}
}

/* As long as a name may be on the wire, with the dot at its end or without it. */
static void the_longest_name_is_read_as_it_was_written(void **state)
{
	(void)state;
	char name[TSIG_NAME_BYTES];
	struct tsig_key plain, dotted, again;
	memset(name, 'a', sizeof(name));
	for (size_t i = 60; i < TSIG_NAME_BYTES - 2; i += 60)
		name[i] = '.';
	name[TSIG_NAME_BYTES - 2] = '\0';
	assert_int_equal(tsig_key_draw(name, TSIG_HMAC_SHA256, &plain, NULL), 0);
	assert_int_equal(plain.name_bytes, TSIG_NAME_BYTES);
	name[TSIG_NAME_BYTES - 2] = '.';
	name[TSIG_NAME_BYTES - 1] = '\0';
	assert_int_equal(tsig_key_draw(name, TSIG_HMAC_SHA256, &dotted, NULL), 0);
	assert_memory_equal(plain.name, dotted.name, TSIG_NAME_BYTES);
	char *text = tsig_key_format(&plain);
	assert_int_equal(tsig_key_parse(text, &again, NULL), 0);
	assert_true(tsig_key_equals(&plain, &again));
	free(text);
	name[TSIG_NAME_BYTES - 2] = 'a';
	assert_int_equal(tsig_key_draw(name, TSIG_HMAC_SHA256, &plain, NULL), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_read_as_it_was_written_and_is_secret),
	    cmocka_unit_test(what_is_no_key_is_said),
	    cmocka_unit_test(the_longest_name_is_read_as_it_was_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
