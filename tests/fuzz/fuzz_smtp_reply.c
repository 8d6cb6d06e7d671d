/* libFuzzer target for SMTP replies: any bytes, cut anywhere, stay within the bounds, and cutting
 * makes no difference. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "healthd/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct smtp_reply whole = {0}, pieces = {0};
	enum smtp_reply_state a, b = SMTP_REPLY_MORE;
	size_t used_whole = 0, used_pieces = 0;

	a = smtp_reply_feed(&whole, (const char *)data, bytes, &used_whole);
	while (b == SMTP_REPLY_MORE && used_pieces < bytes) {
		size_t piece = 1 + data[used_pieces] % 7U, used;
		if (piece > bytes - used_pieces)
			piece = bytes - used_pieces;
		b = smtp_reply_feed(&pieces, (const char *)data + used_pieces, piece, &used);
		used_pieces += used;
	}
	assert(a == b && used_whole == used_pieces && used_whole <= bytes);
	assert(whole.text_bytes < sizeof(whole.text) && whole.lines <= SMTP_REPLY_LINES);
	assert((a == SMTP_REPLY_BAD) == (whole.bad != NULL));
	assert(memcmp(whole.text, pieces.text, sizeof(whole.text)) == 0);
	return 0;
}
