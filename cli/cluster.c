/* tandem cluster: the controllers and the members of their store, each asked by itself; and whether
 * one of them may be taken away now. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/table.h"
#include "lib/base/mem.h"
#include "lib/clock.h"

static const char usage[] =
    "usage: tandem cluster [--without NAME] [--wait] [--json]\n"
    "\n"
    "Asks every controller of the configuration by itself and shows who leads, who belongs to the\n"
    "store, who answers, how full it is, and which certificates expire.\n"
    "\n"
    "      --without NAME  may the controller NAME and the store's member NAME be stopped, "
    "replaced\n"
    "                      or upgraded now? 0 yes, 5 no and why\n"
    "      --wait          ask again, 60 s at most, until it is so\n"
    "      --json          what every controller answered\n"
    "  -c, --config FILE   controllers and certificates\n"
    "\n"
    "Without --without: 0 when all is well, else 5.\n";

enum { CONTROLLERS = 32, WAIT_MS = 60000, PAUSE_MS = 300 };

struct cluster {
	json_t *answers[CONTROLLERS]; /* of /v1/cluster; NULL: silent */
	char *failures[CONTROLLERS];
	size_t count;
	const json_t *members; /* of the store, as one told; the leader's if it answers */
	struct buf problems;   /* a line each */
	size_t problems_count;
};

__attribute__((format(printf, 2, 3))) static void problem(
    struct cluster *c, const char *format, ...)
{
	va_list arguments;
	char text[512];
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	text_add(&c->problems, 2, STYLE_BAD, text);
	c->problems_count++;
}

static const json_t *controller_of(const json_t *answer)
{
	return json_object_get(answer, "controller");
}

static const char *name_of(const struct cluster *c, size_t i)
{
	return member_text(controller_of(c->answers[i]), "name");
}

static void ask_all(struct client *client, struct cluster *c)
{
	c->count = client_controllers(client);
	if (c->count > CONTROLLERS)
		c->count = CONTROLLERS;
	for (size_t i = 0; i < c->count; i++) {
		struct client_failure f = {0};
		const json_t *store;
		int status = client_get_from(client, i, "/v1/cluster", &c->answers[i], &f);
		if (status ==
		    CLI_REFUSED) /* of a release before that: its status has the same members */
			status = client_get_from(client, i, "/v1/status", &c->answers[i], &f);
		if (status != 0)
			c->failures[i] = mem_strdup(f.text);
		client_failure_release(&f);
		store = json_object_get(c->answers[i], "store");
		bool leads =
		    strcmp(member_text(controller_of(c->answers[i]), "role"), "leader") == 0;
		if (store != NULL && (c->members == NULL || leads))
			c->members = json_object_get(store, "members");
	}
}

/* The same member as another controller sees it, if that one reaches it: a controller that was not
 * told of an endpoint yet knows nothing of the member. */
static const json_t *member_best(const struct cluster *c, const json_t *member)
{
	const char *id = member_text(member, "id");
	for (size_t i = 0; i < c->count && !member_true(member, "answers"); i++) {
		const json_t *store = json_object_get(c->answers[i], "store"), *other;
		size_t k;
		json_array_foreach(json_object_get(store, "members"), k, other)
		{
			if (member_true(other, "answers") &&
			    strcmp(member_text(other, "id"), id) == 0)
				return other;
		}
	}
	return member;
}

/* ---- what is wrong ---- */

static bool is_leader(const struct cluster *c, size_t i)
{
	return strcmp(member_text(controller_of(c->answers[i]), "role"), "leader") == 0;
}

/* Nobody who answers has that name, and one is silent: then that is the one. */
static bool silent_is_named(const struct cluster *c, const char *without)
{
	size_t silent = 0;
	for (size_t i = 0; i < c->count; i++) {
		if (without == NULL ||
		    (c->answers[i] != NULL && strcmp(name_of(c, i), without) == 0))
			return false;
		silent += c->answers[i] == NULL;
	}
	return silent == 1;
}

/* `without`: that controller's own troubles do not count; NULL: everybody's do. Returns how many
 * of the others answer and follow. */
static size_t controllers_judge(
    struct client *client, struct cluster *c, const char *without, bool *found)
{
	size_t sound = 0, leaders = 0;
	int64_t epoch = -1;
	bool silent_named = silent_is_named(c, without);
	for (size_t i = 0; i < c->count; i++) {
		const json_t *controller = controller_of(c->answers[i]);
		const char *role = member_text(controller, "role");
		bool named = without != NULL && strcmp(name_of(c, i), without) == 0;
		*found = *found || named;
		leaders += is_leader(c, i);
		if (named || (silent_named && c->answers[i] == NULL))
			continue;
		if (c->answers[i] == NULL)
			problem(c, "controller %s does not answer: %s",
			    client_controller_url(client, i), c->failures[i]);
		else if (strcmp(role, "leader") != 0 && strcmp(role, "follower") != 0)
			problem(
			    c, "controller %s: %s", name_of(c, i), member_text(controller, "text"));
		else
			sound++;
		int64_t its = member_number(c->answers[i], "epoch");
		if (c->answers[i] != NULL && epoch >= 0 && its != epoch)
			problem(c,
			    "controller %s has epoch %" PRId64 ", another %" PRId64
			    ": look again in a second",
			    name_of(c, i), its, epoch);
		epoch = c->answers[i] != NULL ? its : epoch;
	}
	if (leaders != 1)
		problem(c, "%zu controllers say that they lead, expected one", leaders);
	return sound;
}

static void members_judge(struct cluster *c, const char *without, bool *found)
{
	size_t voters = 0, left = 0, leaders = 0, i;
	json_t *listed;
	json_array_foreach((json_t *)c->members, i, listed)
	{
		const json_t *m = member_best(c, listed);
		const char *name = member_text(m, "name");
		bool voter = !member_true(m, "learner");
		bool named = without != NULL && strcmp(name, without) == 0;
		*found = *found || named;
		voters += voter;
		leaders += member_true(m, "answers") && member_true(m, "leader");
		left += voter && !named && member_true(m, "answers");
		if (!named && !member_true(m, "answers"))
			problem(c, "the store's member %s does not answer",
			    *name != '\0' ? name : member_text(m, "id"));
	}
	if (voters > 0 && leaders == 0)
		problem(c, "no member of the store leads: look again in some seconds");
	if (voters > 0 && left < voters / 2 + 1)
		problem(c, "%zu of the store's %zu members would be left, %zu are needed", left,
		    voters, voters / 2 + 1);
}

static bool alarm_was_told(const struct cluster *c, size_t before, const char *key)
{
	for (size_t i = 0; i < before; i++) {
		size_t k;
		json_t *a;
		json_array_foreach(json_object_get(c->answers[i], "alarms"), k, a)
		{
			if (strcmp(member_text(a, "key"), key) == 0)
				return true;
		}
	}
	return false;
}

/* Every controller has files of its own to tell of; what concerns all is told once. Silent members
 * are counted above. `all`: else only what forbids to take anything away. */
static void alarms_judge(struct cluster *c, bool all)
{
	for (size_t i = 0; i < c->count; i++) {
		size_t k;
		json_t *a;
		json_array_foreach(json_object_get(c->answers[i], "alarms"), k, a)
		{
			const char *key = member_text(a, "key");
			bool full = strcmp(key, "store-full") == 0 ||
			            strcmp(key, "store-corrupt") == 0 ||
			            strcmp(key, "store-differs") == 0;
			bool silent = strncmp(key, "store-member/", 13) == 0;
			if ((full || (all && !silent)) && !alarm_was_told(c, i, key))
				problem(c, "%s", member_text(a, "text"));
		}
	}
}

/* A controller that was not told of a member's endpoint, or is told of one too many, is behind. */
static void endpoints_judge(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const json_t *store = json_object_get(c->answers[i], "store"), *m;
		size_t k;
		json_array_foreach(json_object_get(store, "members"), k, m)
		{
			if (*member_text(m, "endpoint") == '\0')
				problem(c, "controller %s has no endpoint of the store's member %s",
				    name_of(c, i),
				    *member_text(m, "name") != '\0' ? member_text(m, "name")
				                                    : member_text(m, "id"));
		}
	}
}

/* ---- what there is ---- */

static void controllers_add(struct buf *out, struct client *client, const struct cluster *c)
{
	static const char *const headings[] = {
	    "CONTROLLER", "ROLE", "EPOCH", "REVISION", "RELEASE", "URL", NULL};
	struct table *t = table_new(2, headings);
	for (size_t i = 0; i < c->count; i++) {
		const json_t *controller = controller_of(c->answers[i]);
		char *epoch = mem_printf("%" PRId64, member_number(c->answers[i], "epoch"));
		char *revision = mem_printf("%" PRId64, member_number(c->answers[i], "revision"));
		bool there = c->answers[i] != NULL;
		const char *const cells[] = {there ? name_of(c, i) : "?",
		    there ? member_text(controller, "role") : "SILENT", there ? epoch : "",
		    there ? revision : "", member_text(controller, "release"),
		    client_controller_url(client, i)};
		table_row(t, cells, 6, there ? STYLE_PLAIN : STYLE_BAD);
		free(epoch);
		free(revision);
	}
	table_end(t, out);
}

static void members_add(struct buf *out, const struct cluster *c)
{
	static const char *const headings[] = {
	    "STORE MEMBER", "ROLE", "SIZE", "IN USE", "QUOTA", "ETCD", "ENDPOINT", NULL};
	struct table *t = table_new(2, headings);
	size_t i;
	json_t *listed;
	json_array_foreach((json_t *)c->members, i, listed)
	{
		const json_t *m = member_best(c, listed);
		bool there = member_true(m, "answers");
		const char *const keys[] = {"bytes", "used_bytes", "quota_bytes"};
		char *sizes[3];
		for (size_t k = 0; k < 3; k++)
			sizes[k] = there ? mem_printf("%.1f MiB",
			                       (double)member_number(m, keys[k]) / 1048576.0)
			                 : mem_strdup("");
		const char *const cells[] = {
		    *member_text(m, "name") != '\0' ? member_text(m, "name") : member_text(m, "id"),
		    !there                      ? "SILENT"
		    : member_true(m, "leader")  ? "leader"
		    : member_true(m, "learner") ? "learner"
		                                : "follower",
		    sizes[0], sizes[1], sizes[2], member_text(m, "version"),
		    member_text(m, "endpoint")};
		table_row(t, cells, 7, there ? STYLE_PLAIN : STYLE_BAD);
		for (size_t k = 0; k < 3; k++)
			free(sizes[k]);
	}
	if (json_array_size(c->members) > 0)
		buf_puts(out, "\n");
	table_end(t, out);
}

static void verdict_add(struct buf *out, const struct cluster *c, const char *without, size_t sound)
{
	bool well = c->problems_count == 0;
	size_t members = json_array_size(c->members);
	char *line;
	if (without != NULL)
		line = mem_printf(
		    well ? "Yes: %s may be taken away now." : "NOT NOW: %s must stay.", without);
	else if (members > 0)
		line = mem_printf("%s%zu of %zu controllers, %zu store members.",
		    well ? "All well: " : "ATTENTION: ", sound, c->count, members);
	else
		line = mem_printf("%s%zu of %zu controllers.",
		    well ? "All well: " : "ATTENTION: ", sound, c->count);
	text_add(out, 0, well ? STYLE_GOOD : STYLE_BAD, line);
	free(line);
	buf_puts(out, buf_text(&c->problems));
}

static void cluster_print(
    struct client *client, struct cluster *c, const char *without, size_t sound, bool json)
{
	struct buf out = {0};
	if (json) {
		json_t *all = json_array();
		for (size_t i = 0; i < c->count; i++)
			json_array_append_new(all,
			    json_pack("{s:s, s:s, s:o}", "url", client_controller_url(client, i),
			        "failure", c->failures[i] != NULL ? c->failures[i] : "", "answer",
			        c->answers[i] != NULL ? json_incref(c->answers[i]) : json_null()));
		json_t *whole = json_pack("{s:b, s:o}", c->problems_count == 0 ? "ok" : "attention",
		    1, "controllers", all);
		cli_print_json(whole);
		json_decref(whole);
		return;
	}
	verdict_add(&out, c, without, sound);
	buf_puts(&out, "\n");
	controllers_add(&out, client, c);
	members_add(&out, c);
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

static void cluster_release(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++) {
		json_decref(c->answers[i]);
		free(c->failures[i]);
	}
	buf_free(&c->problems);
	*c = (struct cluster){0};
}

/* Asks and judges; returns how many controllers are sound. */
static size_t cluster_look(struct client *client, struct cluster *c, const char *without)
{
	bool found = false;
	ask_all(client, c);
	size_t sound = controllers_judge(client, c, without, &found);
	members_judge(c, without, &found);
	alarms_judge(c, without == NULL);
	if (without == NULL)
		endpoints_judge(c);
	if (without != NULL && !found)
		problem(c, "nobody here is called %s", without);
	return sound;
}

static int cluster_run(struct cli *cli, int argc, char **argv)
{
	const char *without = NULL;
	bool wait = false;
	const struct option_row rows[] = {
	    {"without", 0, OPTION_TEXT, &without}, {"wait", 0, OPTION_FLAG, &wait}};
	struct cluster c = {0};
	struct client *client;
	int first;
	int status = options_parse(cli, rows, 2, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 0, "none");
	if (status != OPTIONS_GO_ON)
		return status;
	style_use(style_wanted());
	if ((status = client_open(cli, &client)) != 0)
		return status;
	uint64_t end_ms = clock_mono_ms() + WAIT_MS;
	size_t sound = cluster_look(client, &c, without);
	while (wait && c.problems_count > 0 && clock_mono_ms() < end_ms) {
		usleep(PAUSE_MS * 1000);
		cluster_release(&c);
		sound = cluster_look(client, &c, without);
	}
	cluster_print(client, &c, without, sound, cli->json);
	status = c.problems_count == 0 ? CLI_OK : CLI_ATTENTION;
	cluster_release(&c);
	client_close(client);
	return status;
}

const struct cli_command command_cluster = {.name = "cluster",
    .summary = "controllers, store members, and whether one may be taken away",
    .usage = usage,
    .run = cluster_run};
