/* Reads SMTP replies (RFC 5321 4.2) from bytes as they come. Pure. */
#ifndef TANDEM_HEALTHD_SMTP_REPLY_H
#define TANDEM_HEALTHD_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "healthd/streak.h"

enum {
	SMTP_LINE_BYTES = 512, /* RFC 5321 4.5.3.1.5, with code and CRLF */
	SMTP_REPLY_LINES = 100,
};

enum smtp_reply_state { SMTP_REPLY_MORE, SMTP_REPLY_COMPLETE, SMTP_REPLY_BAD };

struct smtp_reply { /* start from {0} for each reply */
	unsigned code;
	char text[PROBE_DETAIL_BYTES]; /* the lines in one, the code once, cut; not yet printable */
	size_t text_bytes;
	bool starttls, auth_plain, auth_login; /* what a reply to EHLO offers */
	const char *bad;                       /* what was wrong with it */

	char line[SMTP_LINE_BYTES];
	size_t line_bytes;
	unsigned lines;
};

/* Takes bytes up to the end of the reply; *used says how many. Not to be called again after
 * COMPLETE or BAD. A line may end with a bare LF. */
enum smtp_reply_state smtp_reply_feed(
    struct smtp_reply *r, const char *data, size_t bytes, size_t *used);

#endif
