/* Reading a zone file again where it has changed, instead of as a whole.
 *
 * What comes out is what reading all of it would have given. What is not a matter of a few plain
 * records at a few names, and whatever might be an error, is left to that. */
#ifndef TANDEM_DNSD_ZONE_REREAD_H
#define TANDEM_DNSD_ZONE_REREAD_H

#include "dnsd/catalog.h"

enum zone_reread {
	REREAD_SAME,    /* the file says what it said */
	REREAD_CHANGED, /* *out with one reference */
	REREAD_WHOLE,   /* it has to be read as a whole; nothing has changed */
};

/* `z` was read from its source and is in `from`. After CHANGED it remembers the file as it is now:
 * then `from` is to be given up for *out. Main thread. */
enum zone_reread zone_reread(struct zone_data *z, struct catalog *from, struct catalog **out);

#endif
