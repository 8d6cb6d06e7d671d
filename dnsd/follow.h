/* Follows the controllers: listens to all of them, takes the newest view, tells all of them what is
 * served. Without them what is served stays (rule 4). */
#ifndef TANDEM_DNSD_FOLLOW_H
#define TANDEM_DNSD_FOLLOW_H

#include <event2/event.h>

#include "dnsd/taker.h"
#include "lib/base/buf.h"
#include "lib/tls.h"

enum { FOLLOW_CONTROLLERS_MAX = 16 };

struct follow_options {                 /* borrowed for the life of the follower */
	const char *name;               /* of this daemon, in acks, and who asks for views */
	const char *endpoint;           /* "address@port" where it can be asked, or "" */
	const char *const *controllers; /* base URLs */
	size_t controllers_count;
	struct tls_files tls; /* all NULL: plain HTTP, for tests */
	struct taker *taker;
};

struct follow;

/* E_INVALID, E_IO: certificates or URLs can not be used. */
int follow_start(struct event_base *base, const struct follow_options *options, struct follow **out,
    struct err *e);
void follow_stop(struct follow *f);                         /* NULL allowed */
void follow_print(const struct follow *f, struct buf *out); /* metrics */

#endif
