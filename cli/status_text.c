/* A status object as text. */
#include "cli/status_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/senders_text.h"
#include "cli/table.h"
#include "lib/base/mem.h"

static void heading_add(struct buf *out, const char *text)
{
	buf_puts(out, "\n");
	style_add(out, STYLE_BOLD, text);
	buf_puts(out, "\n");
}

static void summary_add(struct buf *out, const json_t *status)
{
	const json_t *summary = json_object_get(status, "summary");
	const json_t *controller = json_object_get(status, "controller");
	bool ok = strcmp(member_text(summary, "level"), "ok") == 0;
	text_add(out, 0, ok ? STYLE_GOOD : STYLE_BAD, member_text(summary, "text"));
	char *line = mem_printf("controller %s: %s, term %" PRId64 ", store %s; %s",
	    member_text(controller, "name"), member_text(controller, "role"),
	    member_number(controller, "term"), member_text(controller, "store"),
	    member_text(status, "time"));
	text_add(out, 0, STYLE_DIM, line);
	free(line);
}

static void alarms_add(struct buf *out, const json_t *status)
{
	static const char *const headings[] = {"SINCE", "ALARM", "WHAT", NULL};
	const json_t *alarms = json_object_get(status, "alarms");
	size_t i;
	json_t *alarm;
	if (json_array_size(alarms) == 0)
		return;
	heading_add(out, "Alarms");
	struct table *t = table_new(2, headings);
	json_array_foreach((json_t *)alarms, i, alarm)
	{
		char since[SPAN_BYTES];
		const char *const cells[] = {
		    since_format(member_text(alarm, "since"), member_text(status, "time"), since),
		    member_text(alarm, "key"), member_text(alarm, "text")};
		table_row(t, cells, 3, STYLE_BAD);
	}
	table_end(t, out);
}

static void intents_add(struct buf *out, const json_t *status)
{
	static const char *const headings[] = {
	    "WHAT", "FOR", "OWNER", "SINCE", "ENDS IN", "REASON", NULL};
	const json_t *intents = json_object_get(status, "intents");
	const char *now = member_text(status, "time");
	size_t i;
	json_t *in;
	if (json_array_size(intents) == 0)
		return;
	heading_add(out, "Stopped automation and pins");
	struct table *t = table_new(2, headings);
	json_array_foreach((json_t *)intents, i, in)
	{
		char since[SPAN_BYTES], ends[SPAN_BYTES];
		const char *const cells[] = {member_text(in, "type"), member_text(in, "subject"),
		    member_text(in, "owner"), since_format(member_text(in, "declared"), now, since),
		    since_format(now, member_text(in, "until"), ends), member_text(in, "reason")};
		table_row(t, cells, 6, STYLE_WARN);
	}
	table_end(t, out);
}

static void drains_add(struct buf *out, const json_t *status)
{
	static const char *const headings[] = {
	    "SITE", "OWNER", "SINCE", "ENDS IN", "STATE", "REASON", NULL};
	const json_t *drains = json_object_get(status, "drains");
	const char *now = member_text(status, "time");
	size_t i;
	json_t *drain;
	if (json_array_size(drains) == 0)
		return;
	heading_add(out, "Maintenance");
	struct table *t = table_new(2, headings);
	json_array_foreach((json_t *)drains, i, drain)
	{
		char since[SPAN_BYTES], ends[SPAN_BYTES];
		const char *const cells[] = {member_text(drain, "site"),
		    member_text(drain, "owner"),
		    since_format(member_text(drain, "declared"), now, since),
		    since_format(now, member_text(drain, "until"), ends),
		    member_text(drain, "state"),
		    member_true(drain, "practice") ? "(practice)" : member_text(drain, "reason")};
		table_row(t, cells, 6, STYLE_WARN);
	}
	table_end(t, out);
	json_array_foreach((json_t *)drains, i, drain)
	{
		if (*member_text(drain, "text") == '\0')
			continue;
		char *line =
		    mem_printf("%s: %s", member_text(drain, "site"), member_text(drain, "text"));
		text_add(out, 2, STYLE_PLAIN, line);
		free(line);
	}
}

/* "dnsd-muc epoch 43, dnsd-muc-2 BEHIND at 42" */
static char *servers_format(const json_t *servers)
{
	struct buf text = {0};
	size_t i;
	json_t *server;
	json_array_foreach((json_t *)servers, i, server)
	{
		buf_printf(&text, "%s%s %s %" PRId64, i == 0 ? "" : ", ",
		    member_text(server, "name"),
		    member_true(server, "current") ? "epoch" : "BEHIND at epoch",
		    member_number(server, "epoch"));
		if (member_number(server, "age_ms") > 5000)
			buf_printf(&text, " (silent for %" PRId64 " s)",
			    member_number(server, "age_ms") / 1000);
		if (*member_text(server, "refused") != '\0')
			buf_printf(&text, " (REFUSED: %s)", member_text(server, "refused"));
	}
	return buf_take(&text);
}

static void sites_add(struct buf *out, const json_t *status)
{
	static const char *const headings[] = {
	    "SITE", "REGION", "HEALTHD", "STATE", "NAME SERVERS", NULL};
	const json_t *sites = json_object_get(status, "sites");
	size_t i;
	json_t *site;
	if (json_array_size(sites) == 0)
		return;
	heading_add(out, "Sites");
	struct table *t = table_new(2, headings);
	json_array_foreach((json_t *)sites, i, site)
	{
		bool drained = member_true(site, "drained");
		bool silent = strcmp(member_text(site, "healthd"), "fresh") != 0;
		char *servers = servers_format(json_object_get(site, "dnsd"));
		const char *const cells[] = {member_text(site, "name"),
		    *member_text(site, "region") != '\0' ? member_text(site, "region") : "-",
		    silent ? "SILENT" : "fresh",
		    member_true(site, "witness") ? "witness"
		    : drained                    ? "maintenance"
		                                 : "active",
		    *servers != '\0' ? servers : "-"};
		table_row(t, cells, 5, drained || silent ? STYLE_WARN : STYLE_PLAIN);
		free(servers);
	}
	table_end(t, out);
}

static enum style member_style(const json_t *member)
{
	const char *verdict = member_text(member, "verdict");
	if (strcmp(verdict, "down") == 0)
		return STYLE_BAD;
	return strcmp(verdict, "up") == 0 && member_true(member, "offered") ? STYLE_PLAIN
	                                                                    : STYLE_WARN;
}

/* A member that is up and offered needs no words. */
static const char *member_why(const json_t *member)
{
	const char *stage = member_text(member, "stage");
	bool fine = strcmp(member_text(member, "verdict"), "up") == 0 &&
	            member_true(member, "offered") && (*stage == '\0' || strcmp(stage, "in") == 0);
	return fine ? "" : member_text(member, "why");
}

static void vantages_add(struct buf *out, unsigned indent, const json_t *member)
{
	static const char *const headings[] = {
	    "SEEN FROM", "SAYS", "CHECK", "IN A ROW", "AGE", "DETAIL", NULL};
	struct table *t = table_new(indent, headings);
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(member, "vantages"), i, v)
	{
		bool fresh = member_true(v, "fresh");
		char *streak = mem_printf("%" PRId64, member_number(v, "streak"));
		char *age = member_number(v, "age_ms") >= 0
		                ? mem_printf("%.1f s", (double)member_number(v, "age_ms") / 1000)
		                : mem_strdup("never");
		char *from = mem_printf(
		    "%s%s", member_text(v, "vantage"), member_true(v, "own") ? " (own site)" : "");
		const char *const cells[] = {from, fresh ? member_text(v, "says") : "not heard",
		    member_text(v, "check"), streak, age, member_text(v, "detail")};
		table_row(t, cells, 6,
		    strcmp(member_text(v, "says"), "down") == 0 ? STYLE_BAD : STYLE_PLAIN);
		free(streak);
		free(age);
		free(from);
	}
	table_end(t, out);
}

void members_text_add(
    struct buf *out, unsigned indent, const json_t *members, const char *now, bool vantages)
{
	static const char *const headings[] = {
	    "ADDRESS", "SITE", "VERDICT", "OFFERED", "SINCE", "WHY", NULL};
	struct table *t = table_new(indent, headings);
	size_t i;
	json_t *member;
	json_array_foreach((json_t *)members, i, member)
	{
		char since[SPAN_BYTES];
		const char *const cells[] = {member_text(member, "address"),
		    member_text(member, "site"), member_text(member, "verdict"),
		    member_true(member, "offered") ? "yes" : "NO",
		    since_format(member_text(member, "since"), now, since), member_why(member)};
		table_row(t, cells, 6, member_style(member));
	}
	table_end(t, out);
	json_array_foreach((json_t *)members, i, member)
	{
		if (!vantages || json_array_size(json_object_get(member, "vantages")) == 0)
			continue;
		buf_printf(out, "\n%*s", (int)indent, "");
		style_add(out, STYLE_PLAIN, member_text(member, "id"));
		buf_puts(out, "\n");
		vantages_add(out, indent + 2, member);
	}
}

static void pools_add(struct buf *out, const json_t *status)
{
	const json_t *pools = json_object_get(status, "pools");
	size_t i;
	json_t *pool;
	json_array_foreach((json_t *)pools, i, pool)
	{
		char *title =
		    mem_printf("Pool %s (%s, ttl %" PRId64 " s)", member_text(pool, "name"),
		        member_text(pool, "region"), member_number(pool, "ttl_s"));
		heading_add(out, title);
		free(title);
		if (*member_text(pool, "text") != '\0')
			text_add(out, 2, STYLE_PLAIN, member_text(pool, "text"));
		members_text_add(
		    out, 2, json_object_get(pool, "members"), member_text(status, "time"), false);
	}
}

/* Thousands of them are no part of an overview. */
static void senders_add(struct buf *out, const json_t *status)
{
	struct buf counts = {0};
	senders_count_add(&counts, json_object_get(status, "senders"));
	if (counts.bytes > 0) {
		char *line = mem_printf("Sending addresses: %s", buf_text(&counts));
		buf_puts(out, "\n");
		text_add(out, 0, STYLE_PLAIN, line);
		free(line);
	}
	buf_free(&counts);
}

void status_text_add(struct buf *out, const json_t *status)
{
	summary_add(out, status);
	intents_add(out, status);
	alarms_add(out, status);
	drains_add(out, status);
	sites_add(out, status);
	senders_add(out, status);
	pools_add(out, status);
}
