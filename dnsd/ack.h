/* Acks: tells every controller what this server serves, at once after each view and each second.
 *
 * One request a controller is under way at a time; what changes meanwhile is sent when it is done,
 * so a slow controller gets fewer acks, not a queue of old ones. */
#ifndef TANDEM_DNSD_ACK_H
#define TANDEM_DNSD_ACK_H

#include "core/core.h"
#include "lib/http_client.h"

struct ack;

struct ack *ack_new(struct http_client *client, const char *const *controllers, size_t count);
void ack_free(struct ack *a);                              /* before the client; NULL allowed */
void ack_send(struct ack *a, const struct core_ack *what); /* copied */

#endif
