/* Asks the controllers, one after the other, and never repeats a change whose fate is unknown.
 *
 * Blocking: every call runs a loop of its own until the answer is there or the patience is over. */
#ifndef TANDEM_CLI_CLIENT_H
#define TANDEM_CLI_CLIENT_H

#include "cli/cli.h"

struct client;

struct client_failure { /* start from {0}; client_failure_release */
	int status;     /* enum cli_exit */
	char text[3072];
	json_t *body; /* the answer with its "error" object, or NULL */
};

/* Reads the configuration, which is not needed with --socket. 0, or an exit status after a message.
 */
int client_open(const struct cli *cli, struct client **out);
void client_close(struct client *c);
/* Whether that is how we are recorded: by our certificate, or our number on a controller's host. */
bool client_is_person(const struct client *c, const char *actor);

/* 0 and *out (the caller decrefs), or an exit status and `f` filled.
 * While controllers answer that nobody leads, both try on for 5 s, with a note on standard error.
 */
int client_get(struct client *c, const char *path, json_t **out, struct client_failure *f);
int client_post(
    struct client *c, const char *path, const json_t *body, json_t **out, struct client_failure *f);
/* A status, from a controller with quorum if there is one. */
int client_status(struct client *c, json_t **out, struct client_failure *f);

/* A status from the leader, which alone knows what is asked outside; else from any that answers.
 * *hint remembers where the leader was; start from 0. */
int client_leader_status(struct client *c, size_t *hint, json_t **out, struct client_failure *f);

/* Every controller by itself, in the order of the configuration; one that does not answer 200 is a
 * failure as above, and nobody else is asked. */
size_t client_controllers(const struct client *c);
const char *client_controller_url(const struct client *c, size_t controller);
int client_get_from(
    struct client *c, size_t controller, const char *path, json_t **out, struct client_failure *f);

/* Reads a stream of JSON lines until `on_line` returns true (then so does this), or for
 * `timeout_ms` (0: for ever). A stream that ends or falls silent is opened again elsewhere;
 * `on_loss` (may be NULL) hears of it. */
bool client_follow(struct client *c, const char *path, unsigned timeout_ms,
    bool (*on_line)(void *ctx, const json_t *line), void (*on_loss)(void *ctx, const char *why),
    void *ctx);

/* The message on standard error, with the details of an invalid document; with --json the error
 * object on standard output. Releases `f`; returns its exit status. */
int client_fail(const struct cli *cli, struct client_failure *f);
void client_failure_release(struct client_failure *f);

/* A path segment: everything but unreserved characters percent-encoded (RFC 3986 2.1). The caller
 * frees. */
char *client_escape(const char *text);

#endif
