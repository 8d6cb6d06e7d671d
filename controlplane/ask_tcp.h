/* One DNS question over TCP: for an answer that is too large for a packet (RFC 7766). */
#ifndef TANDEM_CONTROLPLANE_ASK_TCP_H
#define TANDEM_CONTROLPLANE_ASK_TCP_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ask_tcp;

/* `answer` is a DNS message, valid during the call; or NULL with why there is none. */
typedef void (*ask_tcp_done)(
    void *ctx, const uint8_t *answer, size_t answer_bytes, const char *failure);

/* The question is copied. `done` is called once, later, never from inside this call; it may free
 * the ask_tcp, and who does not hear has to. NULL: no connection can be begun. */
struct ask_tcp *ask_tcp_start(struct event_base *base, const struct sockaddr *to,
    socklen_t to_bytes, const uint8_t *question, size_t question_bytes, unsigned timeout_ms,
    ask_tcp_done done, void *ctx);
void ask_tcp_free(struct ask_tcp *t); /* NULL allowed */

#endif
