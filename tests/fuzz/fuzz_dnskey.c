/* libFuzzer: any octets as the file of a DNSSEC key. What is read can sign, and reads the same
 * again when it has been written. */
#include <assert.h>
#include <string.h>

#include "lib/dnskey.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct dnskey *k, *again;
	struct err e = {0};
	uint8_t one[DNSKEY_SIGNATURE_BYTES], two[DNSKEY_SIGNATURE_BYTES], ds[DNSKEY_DS_BYTES];
	int r = dnskey_read(scratch_write("key", data, bytes), &k, &e);
	assert((r == 0) == (k != NULL) && (r == 0) == (e.text[0] == '\0'));
	if (!k)
		return 0;
	const char *path = scratch_write("other", data, 0);
	r = dnskey_write(k, path, &e);
	assert(r == 0);
	r = dnskey_read(path, &again, &e);
	assert(r == 0 && again->id == k->id && again->tag == k->tag);
	assert(again->role == k->role && again->state == k->state);
	struct dnskey_bench *bench = dnskey_bench_new();
	dnskey_sign(k, bench, "text", 4, one);
	dnskey_sign(again, bench, "text", 4, two);
	assert(memcmp(one, two, sizeof(one)) == 0);
	dnskey_ds(k, ds);
	dnskey_bench_free(bench);
	char *name = dnskey_file_name(k);
	assert(name && !strchr(name, '/'));
	free(name);
	dnskey_free(again);
	dnskey_free(k);
	return 0;
}
