/* tandem hold, release, pin, unpin: what people want of automation beside drains. */
#include <string.h>

#include "cli/maintenance.h"
#include "cli/options.h"
#include "lib/clock.h"

#define TERMS_USAGE                                                                                \
	"      --for TIME      how long: 90s, 30m, 2h, 1d (1m to 72h)\n"                           \
	"      --reason TEXT   for the others, at 3 a.m.\n"                                        \
	"      --override RULE break this rule, of unproven, minimum, owner; recorded, and "       \
	"shown\n"                                                                                  \
	"                      while it lasts. Refusals say which\n"
#define OWNER_USAGE                                                                                \
	"      --override owner   although it is another person's; recorded, with the reason\n"    \
	"      --reason TEXT   why, for them\n"
#define COMMON_USAGE                                                                               \
	"      --json          the answer as JSON\n"                                               \
	"  -c, --config FILE   controllers and certificates\n"

static const char hold_usage[] =
    "usage: tandem hold SCOPE --for TIME --reason TEXT\n"
    "\n"
    "Stops automation: members go on being judged, but none leaves or enters the answers by "
    "itself\n"
    "until TIME has passed or \"tandem release SCOPE\". SCOPE is all, region/NAME, site/NAME or\n"
    "pool/NAME. Drains, pins and returns by people work as ever.\n"
    "\n" TERMS_USAGE COMMON_USAGE;

static const char release_usage[] = "usage: tandem release SCOPE\n"
                                    "\n"
                                    "Automation acts again, as \"tandem hold SCOPE\" had stopped "
                                    "it.\n"
                                    "\n" OWNER_USAGE COMMON_USAGE;

static const char pin_usage[] = "usage: tandem pin MEMBER up|down --for TIME --reason TEXT\n"
                                "\n"
                                "Offers MEMBER (POOL/ADDRESS), or leaves it out, whatever health "
                                "says. Pinning down is refused\n"
                                "when nothing that is proven up would be left in the pool; a drain "
                                "of the site outranks a pin up.\n"
                                "\n" TERMS_USAGE COMMON_USAGE;

static const char unpin_usage[] = "usage: tandem unpin MEMBER\n"
                                  "\n"
                                  "Health decides about MEMBER again.\n"
                                  "\n" OWNER_USAGE COMMON_USAGE;

static int send(struct cli *cli, const char *path, const char *subject,
    const struct override_options *o, json_t *body)
{
	struct maintenance m = {
	    .path = path, .site = subject, .plain = true, .done = "is so everywhere", .body = body};

	if (m.body == NULL)
		return cli_usage(cli, "names must be UTF-8");
	if (override_add(cli, o, m.body) != 0) {
		json_decref(m.body);
		return CLI_USAGE;
	}
	return maintenance_run(cli, &m);
}

/* One that lasts: SUBJECT, or SUBJECT and a word, with its terms. */
static int declare(struct cli *cli, int argc, char **argv, const char *path, int operands)
{
	const char *for_text = NULL;
	struct override_options o = {0};
	const struct option_row rows[] = {{"for", 0, OPTION_TEXT, &for_text}, OVERRIDE_ROWS(o)};
	struct err e = {0};
	uint64_t for_ms;
	int first;
	int status = options_parse(cli, rows, 3, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, operands,
		    operands == 1 ? "all, region/NAME, site/NAME or pool/NAME"
		                  : "a member, and up or down");
	if (status != OPTIONS_GO_ON)
		return status;
	if (for_text == NULL)
		return cli_usage(cli, "--for is missing: how long (--for 2h)?");
	if (o.reason == NULL || *o.reason == '\0')
		return cli_usage(cli, "--reason is missing: why? Others will read it");
	if (duration_parse(for_text, &for_ms, &e) != 0)
		return cli_usage(cli, "--for: %s", e.text);
	json_t *body =
	    json_pack("{s:s, s:I}", "subject", argv[first], "for_ms", (json_int_t)for_ms);
	if (body != NULL && operands == 2)
		json_object_set_new(body, "to", json_string(argv[first + 1]));
	return send(cli, path, argv[first], &o, body);
}

static int end(struct cli *cli, int argc, char **argv, const char *path, const char *expected)
{
	struct override_options o = {0};
	const struct option_row rows[] = {OVERRIDE_ROWS(o)};
	int first;
	int status = options_parse(cli, rows, 2, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 1, expected);
	if (status != OPTIONS_GO_ON)
		return status;
	return send(cli, path, argv[first], &o, json_pack("{s:s}", "subject", argv[first]));
}

static int hold_run(struct cli *cli, int argc, char **argv)
{
	return declare(cli, argc, argv, "/v1/hold", 1);
}

static int release_run(struct cli *cli, int argc, char **argv)
{
	return end(cli, argc, argv, "/v1/release", "all, region/NAME, site/NAME or pool/NAME");
}

static int pin_run(struct cli *cli, int argc, char **argv)
{
	return declare(cli, argc, argv, "/v1/pin", 2);
}

static int unpin_run(struct cli *cli, int argc, char **argv)
{
	return end(cli, argc, argv, "/v1/unpin", "a member, POOL/ADDRESS");
}

const struct cli_command command_hold = {
    .name = "hold", .summary = "stop automation for a time", .usage = hold_usage, .run = hold_run};
const struct cli_command command_release = {.name = "release",
    .summary = "let automation act again",
    .usage = release_usage,
    .run = release_run};
const struct cli_command command_pin = {.name = "pin",
    .summary = "offer a member or leave it out, whatever health says",
    .usage = pin_usage,
    .run = pin_run};
const struct cli_command command_unpin = {.name = "unpin",
    .summary = "let health decide about a member again",
    .usage = unpin_usage,
    .run = unpin_run};
