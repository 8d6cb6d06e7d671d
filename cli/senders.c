/* tandem senders: the dedicated sending addresses, and what each waits for. */
#include <string.h>

#include "cli/client.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/senders_text.h"
#include "cli/table.h"

static const char usage[] =
    "usage: tandem senders [--site SITE] [--customer NUMBER] [--state STATE] [--json]\n"
    "\n"
    "Shows the dedicated sending addresses: whose each is, how far on its way into use or out of "
    "it,\n"
    "and what it waits for. STATE is allocated, in-spf, visible, ptr-ok, bound, active, "
    "suspended,\n"
    "leaving or retired.\n"
    "\n"
    "      --site SITE        those of one site only\n"
    "      --customer NUMBER  those of one customer only\n"
    "      --state STATE      those in one state only\n"
    "      --json             the same as JSON\n"
    "  -c, --config FILE      controllers and certificates\n"
    "\n"
    "\"tandem explain ADDRESS\" tells the evidence and the history of one.\n";

static int state_check(const struct cli *cli, const char *state)
{
	const char *word;
	for (unsigned i = 0; state != NULL && (word = senders_state_word(i)) != NULL; i++)
		if (strcmp(word, state) == 0)
			return OPTIONS_GO_ON;
	return state == NULL ? OPTIONS_GO_ON
	                     : cli_usage(cli,
	                           "--state: found \"%s\", expected allocated, in-spf, visible, "
	                           "ptr-ok, bound, active, suspended, leaving or retired",
	                           state);
}

/* A site that does not exist, or a customer who has no address, is a slip of the pen rather than an
 * empty answer. */
static int filter_check(
    const struct cli *cli, const struct senders_filter *filter, const json_t *status)
{
	const struct senders_filter of_customer = {.customer = filter->customer};
	size_t i;
	json_t *site;
	bool known = filter->site == NULL;
	if (!json_is_array(json_object_get(status, "senders")))
		return cli_fail(cli, CLI_REFUSED,
		    "the controller is of an earlier release, which knows nothing of sending "
		    "addresses");
	json_array_foreach(json_object_get(status, "sites"), i, site)
	{
		known = known || strcmp(member_text(site, "name"), filter->site) == 0;
	}
	if (!known)
		return cli_fail(cli, CLI_REFUSED, "no site is called \"%s\"", filter->site);
	if (filter->customer == NULL)
		return CLI_OK;
	json_t *list = senders_select(status, &of_customer);
	size_t count = json_array_size(list);
	json_decref(list);
	return count > 0 ? CLI_OK
	                 : cli_fail(cli, CLI_REFUSED, "no sending address is customer \"%s\"'s",
	                       filter->customer);
}

/* What is missing outside is not known there. */
static void follower_note(const json_t *status)
{
	const json_t *controller = json_object_get(status, "controller");
	if (!member_true(controller, "leading"))
		fprintf(stderr,
		    "tandem senders: asked %s, and %s: what name servers and resolvers answer is "
		    "known "
		    "to who leads\n",
		    member_text(controller, "name"), member_text(controller, "text"));
}

static void senders_print(const struct cli *cli, const json_t *status, json_t *list)
{
	if (cli->json) {
		json_t *answer = json_pack("{s:O}", "senders", list);
		cli_print_json(answer);
		json_decref(answer);
		return;
	}
	struct buf out = {0};
	senders_text_add(&out, list, member_text(status, "time"));
	if (out.bytes == 0)
		buf_puts(&out, "No sending addresses.\n");
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

static int senders_run(struct cli *cli, int argc, char **argv)
{
	struct senders_filter filter = {0};
	const struct option_row rows[] = {{"site", 0, OPTION_TEXT, &filter.site},
	    {"customer", 0, OPTION_TEXT, &filter.customer},
	    {"state", 0, OPTION_TEXT, &filter.state}};
	struct client *c;
	struct client_failure f = {0};
	json_t *answer = NULL;
	size_t hint = 0;
	int first;
	int status = options_parse(cli, rows, 3, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 0, "none");
	if (status == OPTIONS_GO_ON)
		status = state_check(cli, filter.state);
	if (status != OPTIONS_GO_ON)
		return status;
	style_use(style_wanted());
	if ((status = client_open(cli, &c)) != 0)
		return status;
	/* The leader alone knows what was heard outside, and so what an address waits for. */
	if ((status = client_leader_status(c, &hint, &answer, &f)) != 0) {
		status = client_fail(cli, &f);
	} else if ((status = filter_check(cli, &filter, answer)) == CLI_OK) {
		json_t *list = senders_select(answer, &filter);
		follower_note(answer);
		senders_print(cli, answer, list);
		json_decref(list);
	}
	json_decref(answer);
	client_close(c);
	return status;
}

const struct cli_command command_senders = {.name = "senders",
    .summary = "dedicated sending addresses, and what each waits for",
    .usage = usage,
    .run = senders_run};
