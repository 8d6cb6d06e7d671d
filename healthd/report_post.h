/* The shell around report: posts to every controller by HTTPS and keeps the time. */
#ifndef TANDEM_HEALTHD_REPORT_POST_H
#define TANDEM_HEALTHD_REPORT_POST_H

#include "healthd/report.h"
#include "lib/http_client.h"

#define REPORT_TIMEOUT_MS 500

struct report_post;

/* `client` is borrowed; the rest is copied. The first heartbeat goes out at once. */
struct report_post *report_post_new(struct event_base *base, struct http_client *client,
    const char *const *controllers, size_t controllers_count, const char *site,
    uint32_t heartbeat_ms);
void report_post_free(struct report_post *p); /* cancels what is under way */

struct report *report_post_report(struct report_post *p); /* borrowed */

struct report_post_view {
	const char *controller; /* base URL */
	uint64_t sent, failed;
};
size_t report_post_controllers(const struct report_post *p);
void report_post_get(const struct report_post *p, size_t controller, struct report_post_view *out);

#endif
