/* A stream of JSON lines from every controller at once.
 *
 * A daemon subscribes to each controller; the reader takes what is newest (the epoch tells) and
 * ignores the rest. So the loss of a controller costs nothing: no fail-over, no delay. A stream
 * that ends, or is silent for 3 s (controllers send a line at least every second), is opened
 * again after 100 ms … 2 s, with jitter. See docs/decisions/002. */
#ifndef TANDEM_LIB_SUBSCRIPTION_H
#define TANDEM_LIB_SUBSCRIPTION_H

#include <jansson.h>

#include "lib/http_client.h"

struct subscription;

/* `controller` is the index in the list. The object is borrowed. A line that is not a JSON object
 * is logged and ends that stream (it is opened again). The subscription may be freed inside. */
typedef void (*subscription_line)(void *ctx, size_t controller, const json_t *line);

/* E_INVALID: no controller, too many (32), or one that is no URL. Nothing is called before the loop
 * runs. What goes wrong later is logged, once an outage, and tried again. */
int subscription_new(struct event_base *base, struct http_client *client,
    const char *const *controllers, size_t controllers_count, const char *path, size_t max_line,
    subscription_line on_line, void *ctx, struct subscription **out, struct err *e);
/* Opens this controller's stream anew and at once: it begins with everything. The others go on. One
 * that is not open now is left to its own pace. May be called inside `on_line`. */
void subscription_reopen(struct subscription *s, size_t controller);
size_t subscription_connected(const struct subscription *s); /* streams that have given a line */
void subscription_free(struct subscription *s);              /* before the client is freed */

#endif
