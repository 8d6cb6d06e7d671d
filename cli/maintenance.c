/* What drain and undrain have in common. */
#include "cli/maintenance.h"

#include <inttypes.h>
#include <string.h>

#include "cli/drain_wait.h"
#include "cli/follow.h"
#include "cli/lines.h"
#include "cli/table.h"
#include "lib/clock.h"

enum {
	LOOK_MS = 3000, /* without --wait: name servers usually take it within 100 ms */
	WAIT_MS = 60000,
};

/* Is there a drain of the site by us, for this reason? */
static bool status_has_drain(
    const json_t *status, const struct maintenance *m, const struct client *c)
{
	const json_t *reason = json_object_get(m->body, "reason");
	size_t i;
	json_t *drain;
	json_array_foreach(json_object_get(status, "drains"), i, drain)
	{
		const char *site = json_string_value(json_object_get(drain, "site"));
		const char *owner = json_string_value(json_object_get(drain, "owner"));
		if (site != NULL && strcmp(site, m->site) == 0 &&
		    (!m->draining || (owner != NULL && client_is_person(c, owner) &&
		                         json_equal(json_object_get(drain, "reason"), reason))))
			return true;
	}
	return false;
}

/* The answer never came. The status may tell; what it does not tell is not claimed. */
static int find_out(
    const struct cli *cli, struct client *c, const struct maintenance *m, struct client_failure *f)
{
	struct client_failure none = {0};
	json_t *status = NULL;
	if (client_status(c, &status, &none) != 0) {
		client_failure_release(&none);
		return client_fail(cli, f);
	}
	bool there = status_has_drain(status, m, c);
	const char *text =
	    json_string_value(json_object_get(json_object_get(status, "summary"), "text"));
	fprintf(stderr, "the answer did not come (%s), so the status was read: %s\n", f->text,
	    text != NULL ? text : "");
	bool happened = there == m->draining;
	if (happened) {
		fprintf(stderr, "%s: %s\n", m->site,
		    m->draining ? "the drain you asked for is in force"
		                : "no drain is in force any more");
		client_failure_release(f);
		if (cli->json)
			cli_print_json(status);
	}
	json_decref(status);
	return happened ? CLI_OK : client_fail(cli, f);
}

static void result_print(const struct maintenance *m, const struct follow_result *r, bool all)
{
	struct buf out = {0};
	if (r->servers == 0)
		buf_printf(&out,
		    "No name server has reported to this controller: nobody confirms epoch %" PRIu64
		    ".\n",
		    r->epoch);
	else if (m->draining && all && r->still_offered > 0)
		buf_printf(&out,
		    "%s is out of every answer that another site can give (epoch %" PRIu64
		    ", %zu of %zu name servers) after %" PRIu64 " ms; %zu of its addresses stay.\n",
		    m->site, r->epoch, r->serving, r->servers, r->took_ms, r->still_offered);
	else
		buf_printf(&out,
		    "%s %s (epoch %" PRIu64 ", %zu of %zu name servers) after %" PRIu64 " ms.\n",
		    m->site, all ? m->done : "is NOT YET where you want it", r->epoch, r->serving,
		    r->servers, r->took_ms);
	if (m->draining && r->drain_text[0] != '\0')
		text_add(&out, 0, STYLE_PLAIN, r->drain_text);
	if (!all && r->servers > 0)
		buf_puts(&out, "It is decided and will be served when they hear of it: "
		               "\"tandem status --watch\" shows it.\n");
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

static int follow_up(const struct cli *cli, struct client *c, const struct maintenance *m,
    json_t *answer, uint64_t began_ms)
{
	struct follow_result r;
	uint64_t epoch = (uint64_t)json_integer_value(json_object_get(answer, "epoch"));
	if (!cli->json)
		lines_print(json_object_get(answer, "text"));
	fflush(stdout);
	if (m->unserved) {
		if (cli->json)
			cli_print_json(answer);
		return CLI_OK;
	}
	if (m->wait && m->draining) {
		const struct drain_made made = {.site = m->site,
		    .epoch = (json_int_t)epoch,
		    .declared = member_text(answer, "declared")};
		return drain_wait(cli, c, &made, m->wait_ms);
	}
	bool all = follow_epoch(c, m->site, epoch, began_ms, m->wait ? WAIT_MS : LOOK_MS, &r);
	if (cli->json) {
		json_object_set_new(answer, "name_servers",
		    json_pack("{s:I, s:I, s:b, s:I}", "known", (json_int_t)r.servers, "serving",
		        (json_int_t)r.serving, "all", all, "took_ms", (json_int_t)r.took_ms));
		if (m->draining)
			json_object_set_new(answer, "drain_text", json_string(r.drain_text));
		cli_print_json(answer);
	} else {
		result_print(m, &r, all);
	}
	return m->wait && !all ? CLI_ATTENTION : CLI_OK;
}

/* An older leader ignores what it does not know in a request. */
static int leader_understand(
    const struct cli *cli, struct client *c, const struct maintenance *m, struct client_failure *f)
{
	json_t *status = NULL;
	size_t hint = 0;
	if (m->needs == NULL)
		return 0;
	int result = client_leader_status(c, &hint, &status, f);
	if (result != 0)
		return client_fail(cli, f);
	bool knows = json_object_get(status, m->needs) != NULL;
	json_decref(status);
	return knows ? 0
	             : cli_fail(cli, CLI_REFUSED,
	                   "%s: this controller's release does not know that command: upgrade it "
	                   "first; nothing was changed",
	                   client_controllers(c) > 0 ? client_controller_url(c, hint) : "");
}

int maintenance_run(const struct cli *cli, struct maintenance *m)
{
	struct client *c;
	struct client_failure f = {0};
	json_t *answer = NULL;
	int status = client_open(cli, &c);
	if (status == 0)
		status = leader_understand(cli, c, m, &f);
	if (status == 0) {
		uint64_t began_ms = clock_mono_ms();
		status = client_post(c, m->path, m->body, &answer, &f);
		if (status == 0)
			status = follow_up(cli, c, m, answer, began_ms);
		else if (status == CLI_UNKNOWN && !m->plain)
			status = find_out(cli, c, m, &f);
		else
			status = client_fail(cli, &f);
	}
	json_decref(answer);
	json_decref(m->body);
	client_close(c);
	return status;
}
