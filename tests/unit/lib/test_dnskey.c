/* Keys that sign zones: signatures are those of the RFCs, and the same each time. */
#define OPENSSL_SUPPRESS_DEPRECATED
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
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include "lib/base/mem.h"
#include "lib/dnskey.h"
#include "lib/ecdsa_nonce.h"
#include "lib/file.h"

static void octets(uint8_t *out, size_t bytes, const char *hex)
{
	assert_int_equal(strlen(hex), 2 * bytes);
	for (size_t i = 0; i < bytes; i++) {
		unsigned octet;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
		out[i] = (uint8_t)octet;
	}
}

/* RFC 6979 appendix A.2.5, SHA-256. */
#define RFC6979_SECRET "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
static const struct {
	const char *message, *nonce, *signature;
} rfc6979[] = {
    {"sample", "A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
    {"test", "D16B6AE827F17175E040871A1C7EC3500192C4C92677336EC2537ACAEE0008E0",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
};

static void ecdsa_signatures_are_those_of_rfc_6979(void **state)
{
	(void)state;
	uint8_t secret[32], wanted[64], found[64], digest[32];
	struct dnskey *k;
	struct dnskey_bench *b = dnskey_bench_new();
	octets(secret, 32, RFC6979_SECRET);
	assert_int_equal(dnskey_new_of_secret(
	                     "example.com", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, secret, &k, NULL),
	    0);
	for (size_t i = 0; i < sizeof(rfc6979) / sizeof(rfc6979[0]); i++) {
		const char *message = rfc6979[i].message;
		struct ecdsa_nonce n;
		SHA256((const uint8_t *)message, strlen(message), digest);
		ecdsa_nonce_init(&n, secret, digest);
		ecdsa_nonce_next(&n, found);
		octets(wanted, 32, rfc6979[i].nonce);
		assert_memory_equal(found, wanted, 32);
		dnskey_sign(k, b, message, strlen(message), found);
		octets(wanted, 64, rfc6979[i].signature);
		assert_memory_equal(found, wanted, 64);
	}
	dnskey_free(k);
	dnskey_bench_free(b);
}

/* RFC 6605 section 6.1: the DNSKEY, its tag and its DS. The secret's value is there in base 64. */
static void key_tag_and_ds_are_those_of_rfc_6605(void **state)
{
	(void)state;
	uint8_t secret[32], ds[DNSKEY_DS_BYTES], wanted[32];
	struct dnskey *k;
	/* GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ= */
	octets(secret, 32, "194e929d0fcebbec42e51ba6b88508b8966d7974f6cf43bfa24d6cdfc12dea64");
	assert_int_equal(dnskey_new_of_secret(
	                     "Example.NET.", DNSKEY_ECDSAP256SHA256, DNSKEY_KSK, secret, &k, NULL),
	    0);
	assert_int_equal(k->tag, 55648);
	assert_string_equal(k->zone_text, "example.net.");
	dnskey_ds(k, ds);
	octets(wanted, 32, "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
	assert_memory_equal(ds + 4, wanted, 32);
	dnskey_free(k);
}

/* Every 256th number on the way begins with a zero octet. */
static void ecdsa_signatures_verify(void **state)
{
	(void)state;
	struct dnskey *k;
	struct dnskey_bench *bench = dnskey_bench_new();
	assert_int_equal(
	    dnskey_new("example.com", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, &k, NULL), 0);
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED}, out[64], digest[SHA256_DIGEST_LENGTH];
	memcpy(point + 1, k->rdata + DNSKEY_RDATA_HEAD_BYTES, 64);
	assert_int_equal(EC_KEY_oct2key(ec, point, sizeof(point), NULL), 1);
	for (uint32_t i = 0; i < 2000; i++) {
		ECDSA_SIG *sig = ECDSA_SIG_new();
		dnskey_sign(k, bench, &i, sizeof(i), out);
		SHA256((const uint8_t *)&i, sizeof(i), digest);
		ECDSA_SIG_set0(sig, BN_bin2bn(out, 32, NULL), BN_bin2bn(out + 32, 32, NULL));
		assert_int_equal(ECDSA_do_verify(digest, sizeof(digest), sig, ec), 1);
		ECDSA_SIG_free(sig);
	}
	EC_KEY_free(ec);
	dnskey_bench_free(bench);
	dnskey_free(k);
}

/* RFC 8080 section 6, first example. */
static void ed25519_key_is_that_of_rfc_8080(void **state)
{
	(void)state;
	uint8_t secret[32], ds[DNSKEY_DS_BYTES], wanted[32];
	struct dnskey *k;
	/* ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI= */
	memcpy(secret, "82260384628080122645190204142262", 32);
	assert_int_equal(
	    dnskey_new_of_secret("example.com", DNSKEY_ED25519, DNSKEY_KSK, secret, &k, NULL), 0);
	assert_int_equal(k->tag, 3613);
	dnskey_ds(k, ds);
	octets(wanted, 32, "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b");
	assert_memory_equal(ds + 4, wanted, 32);
	dnskey_free(k);
}

/* RFC 8032 section 7.1, test 2. */
static void ed25519_signature_is_that_of_rfc_8032(void **state)
{
	(void)state;
	uint8_t secret[32], wanted[64], signature[64];
	struct dnskey *k;
	struct dnskey_bench *bench = dnskey_bench_new();
	octets(secret, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
	assert_int_equal(
	    dnskey_new_of_secret("example.com", DNSKEY_ED25519, DNSKEY_CSK, secret, &k, NULL), 0);
	octets(wanted, 64,
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	dnskey_sign(k, bench, "\x72", 1, signature);
	assert_memory_equal(signature, wanted, 64);
	dnskey_bench_free(bench);
	dnskey_free(k);
}

static void nonce_stays_below_the_order_and_takes_any_digest(void **state)
{
	(void)state;
	uint8_t secret[32] = {[31] = 1}, digest[32], nonce[32], next[32];
	struct ecdsa_nonce n;
	memset(digest, 0xff, sizeof(digest)); /* above the order */
	ecdsa_nonce_init(&n, secret, digest);
	ecdsa_nonce_next(&n, nonce);
	ecdsa_nonce_next(&n, next);
	assert_memory_not_equal(nonce, next, 32);
}

static void file_gives_back_the_key(void **state)
{
	(void)state;
	char folder[] = "/tmp/tandem-dnskey-XXXXXX";
	assert_non_null(mkdtemp(folder));
	static const enum dnskey_algorithm algorithms[] = {DNSKEY_ECDSAP256SHA256, DNSKEY_ED25519};
	for (size_t i = 0; i < 2; i++) {
		struct dnskey *k, *read;
		struct err e = {0};
		struct stat about;
		uint8_t a[64], b[64];
		struct dnskey_bench *bench = dnskey_bench_new();
		assert_int_equal(dnskey_new("example.com", algorithms[i], DNSKEY_ZSK, &k, &e), 0);
		k->state = DNSKEY_RETIRED;
		char *name = dnskey_file_name(k), *path = mem_printf("%s/%s", folder, name);
		assert_int_equal(dnskey_write(k, path, &e), 0);
		assert_int_equal(stat(path, &about), 0);
		assert_int_equal(about.st_mode & 0777, 0600);
		if (dnskey_read(path, &read, &e) != 0)
			fail_msg("%s", e.text);
		assert_int_equal(read->tag, k->tag);
		assert_int_equal(read->id, k->id);
		assert_int_equal(read->state, DNSKEY_RETIRED);
		assert_int_equal(read->role, DNSKEY_ZSK);
		dnskey_sign(k, bench, "x", 1, a);
		dnskey_sign(read, bench, "x", 1, b);
		assert_memory_equal(a, b, 64);
		assert_int_equal(chmod(path, 0644), 0);
		struct dnskey *refused;
		assert_int_equal(dnskey_read(path, &refused, &e), E_INVALID);
		assert_non_null(strstr(e.text, "others can read"));
		assert_null(refused);
		unlink(path);
		free(path);
		free(name);
		dnskey_free(k);
		dnskey_free(read);
		dnskey_bench_free(bench);
	}
	rmdir(folder);
}

static void damaged_files_are_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} table[] = {
	    {"", "no line \"zone:\""},
	    {"zone: x.\nalgorithm: rsa\nrole: csk\nstate: active\n", "found \"rsa\""},
	    {"zone: x.\nalgorithm: ed25519\nrole: boss\nstate: active\n", "found \"boss\""},
	    {"zone: x.\nalgorithm: ed25519\nrole: csk\nstate: gone\n", "found \"gone\""},
	    {"zone: x.\nalgorithm: ed25519\nrole: csk\nstate: active\n", "no private key"},
	    {"zone: x.\nalgorithm: ed25519\nrole: csk\nstate: active\n-----BEGIN PRIVATE "
	     "KEY-----\n",
	        "no private key"},
	    {"zone: x.\nalgorithm: ecdsap256sha256\nrole: csk\nstate: active\n"
	     "-----BEGIN PRIVATE KEY-----\n"
	     "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	     "-----END PRIVATE KEY-----\n",
	        "not one of ecdsap256sha256"},
	};
	char path[] = "/tmp/tandem-dnskey-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct dnskey *k;
		struct err e = {0};
		assert_int_equal(
		    file_write_atomic(path, table[i].text, strlen(table[i].text), 0600, NULL), 0);
		assert_int_equal(dnskey_read(path, &k, &e), E_INVALID);
		if (!strstr(e.text, table[i].why) || !strstr(e.text, path))
			fail_msg("expected \"%s\", found \"%s\"", table[i].why, e.text);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ecdsa_signatures_are_those_of_rfc_6979),
	    cmocka_unit_test(key_tag_and_ds_are_those_of_rfc_6605),
	    cmocka_unit_test(ecdsa_signatures_verify),
	    cmocka_unit_test(ed25519_key_is_that_of_rfc_8080),
	    cmocka_unit_test(ed25519_signature_is_that_of_rfc_8032),
	    cmocka_unit_test(nonce_stays_below_the_order_and_takes_any_digest),
	    cmocka_unit_test(file_gives_back_the_key),
	    cmocka_unit_test(damaged_files_are_refused_with_the_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
