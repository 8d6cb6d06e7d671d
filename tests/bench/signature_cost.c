/* What one signature costs by itself, without a server around it: ours, which is reproducible, and
 * one of OpenSSL's own with a random nonce. One line for each algorithm: its name, microseconds of
 * processor time of ours, of OpenSSL's. */
#include <assert.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/dnskey.h"

enum { ROUNDS = 41, SIGNATURES = 100, DATA_BYTES = 100 }; /* about what an A record's RRSIG signs */

static double spent_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int double_order(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static double median(double values[static ROUNDS])
{
	qsort(values, ROUNDS, sizeof(values[0]), double_order);
	return values[ROUNDS / 2];
}

struct contest {
	struct dnskey *ours;
	struct dnskey_bench *bench;
	EVP_PKEY *theirs;
	EVP_MD_CTX *context;
	const EVP_MD *digest;
};

static void ours_sign(struct contest *c, const uint8_t *data)
{
	uint8_t out[DNSKEY_SIGNATURE_BYTES];
	dnskey_sign(c->ours, c->bench, data, DATA_BYTES, out);
}

static void theirs_sign(struct contest *c, const uint8_t *data)
{
	uint8_t out[2 * DNSKEY_SIGNATURE_BYTES]; /* ECDSA in DER is a little longer */
	size_t bytes = sizeof(out);
	bool done = EVP_MD_CTX_reset(c->context) == 1 &&
	            EVP_DigestSignInit(c->context, NULL, c->digest, NULL, c->theirs) == 1 &&
	            EVP_DigestSign(c->context, out, &bytes, data, DATA_BYTES) == 1;
	assert(done);
}

static double round_us(struct contest *c, void (*sign)(struct contest *, const uint8_t *))
{
	static uint32_t number; /* no two of the same data */
	uint8_t data[DATA_BYTES] = {0};
	double begin = spent_us();
	for (unsigned i = 0; i < SIGNATURES; i++) {
		number++;
		memcpy(data, &number, sizeof(number));
		sign(c, data);
	}
	return (spent_us() - begin) / SIGNATURES;
}

static void algorithm_run(enum dnskey_algorithm algorithm)
{
	struct contest c = {.bench = dnskey_bench_new(), .context = EVP_MD_CTX_new()};
	double ours[ROUNDS], theirs[ROUNDS];
	struct err e = {0};
	bool is_ecdsa = algorithm == DNSKEY_ECDSAP256SHA256;
	if (dnskey_new("example.com.", algorithm, DNSKEY_CSK, &c.ours, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	c.theirs = is_ecdsa ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	c.digest = is_ecdsa ? EVP_sha256() : NULL;
	assert(c.theirs && c.context);
	for (unsigned i = 0; i < ROUNDS; i++) { /* by turns */
		ours[i] = round_us(&c, ours_sign);
		theirs[i] = round_us(&c, theirs_sign);
	}
	printf("%s %.1f %.1f\n", dnskey_algorithm_name(algorithm), median(ours), median(theirs));
	EVP_PKEY_free(c.theirs);
	EVP_MD_CTX_free(c.context);
	dnskey_bench_free(c.bench);
	dnskey_free(c.ours);
}

int main(void)
{
	algorithm_run(DNSKEY_ECDSAP256SHA256);
	algorithm_run(DNSKEY_ED25519);
	return 0;
}
