/* Lines into replies, within bounds. */
#include "healthd/smtp_reply.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static enum smtp_reply_state bad(struct smtp_reply *r, const char *why)
{
	r->bad = why;
	return SMTP_REPLY_BAD;
}

static void text_add(struct smtp_reply *r, const char *text, size_t bytes)
{
	size_t room = sizeof(r->text) - 1 - r->text_bytes;
	if (bytes > room)
		bytes = room;
	memcpy(r->text + r->text_bytes, text, bytes);
	r->text_bytes += bytes;
}

static void auth_read(struct smtp_reply *r, const char *list, size_t bytes)
{
	size_t i = 0;
	while (i < bytes) {
		size_t start = i;
		while (i < bytes && list[i] != ' ')
			i++;
		if (i - start == 5 && strncasecmp(list + start, "PLAIN", 5) == 0)
			r->auth_plain = true;
		if (i - start == 5 && strncasecmp(list + start, "LOGIN", 5) == 0)
			r->auth_login = true;
		i++;
	}
}

static void offer_read(struct smtp_reply *r, const char *text, size_t bytes)
{
	if (bytes == 8 && strncasecmp(text, "STARTTLS", 8) == 0)
		r->starttls = true;
	/* "AUTH=" is what servers say to clients older than RFC 4954. */
	if (bytes > 5 && strncasecmp(text, "AUTH", 4) == 0 && (text[4] == ' ' || text[4] == '='))
		auth_read(r, text + 5, bytes - 5);
}

static enum smtp_reply_state line_end(struct smtp_reply *r)
{
	const char *line = r->line;
	size_t bytes = r->line_bytes;
	unsigned code;

	if (bytes > 0 && line[bytes - 1] == '\r')
		bytes--;
	if (bytes < 3 || !isdigit((unsigned char)line[0]) || !isdigit((unsigned char)line[1]) ||
	    !isdigit((unsigned char)line[2]) || (bytes > 3 && line[3] != ' ' && line[3] != '-')) {
		text_add(r, line, bytes);
		return bad(r, "not an SMTP reply");
	}
	code = (unsigned)(line[0] - '0') * 100 + (unsigned)(line[1] - '0') * 10 +
	       (unsigned)(line[2] - '0');
	if (r->lines > 0 && code != r->code)
		return bad(r, "a reply whose lines have different codes");
	r->code = code;
	if (r->lines == 0)
		text_add(r, line, 3);
	if (bytes > 4) {
		text_add(r, " ", 1);
		text_add(r, line + 4, bytes - 4);
		offer_read(r, line + 4, bytes - 4);
	}
	r->lines++;
	r->line_bytes = 0;
	if (bytes == 3 || line[3] == ' ')
		return SMTP_REPLY_COMPLETE;
	return r->lines < SMTP_REPLY_LINES ? SMTP_REPLY_MORE
	                                   : bad(r, "a reply of more than 100 lines");
}

enum smtp_reply_state smtp_reply_feed(
    struct smtp_reply *r, const char *data, size_t bytes, size_t *used)
{
	for (*used = 0; *used < bytes;) {
		char c = data[(*used)++];
		if (c == '\n') {
			enum smtp_reply_state state = line_end(r);
			if (state != SMTP_REPLY_MORE)
				return state;
		} else if (r->line_bytes + 1 >= SMTP_LINE_BYTES) { /* the LF counts too */
			return bad(r, "a reply line longer than 512 bytes");
		} else {
			r->line[r->line_bytes++] = c;
		}
	}
	return SMTP_REPLY_MORE;
}
