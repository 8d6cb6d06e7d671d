/* libFuzzer: any text as the committed state. What is taken says the same when it is written again
 * and read again: what a leader commits, the next one can read. */
#include <assert.h>

#include "lib/json.h"
#include "wire/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct state *s, *again;
	struct err e = {0};
	json_t *o;
	if (json_parse((const char *)data, bytes, &o, &e) != 0)
		return 0;
	int r = state_decode(o, &s, &e);
	json_decref(o);
	assert((r == 0) == (s != NULL) && (r == 0) == (e.text[0] == '\0'));
	if (!s)
		return 0;
	json_t *one = state_encode(s);
	assert(one);
	r = state_decode(one, &again, &e);
	assert(r == 0);
	json_t *two = state_encode(again);
	assert(json_equal(one, two));
	json_decref(one);
	json_decref(two);
	state_free(again);
	state_free(s);
	return 0;
}
