/* tandem pki: a private CA for Tandem's own traffic. Asks nobody. */
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "lib/base/mem.h"
#include "lib/pki.h"

static const char usage[] =
    "usage: tandem pki init DIR [--name TEXT]\n"
    "       tandem pki issue DIR --role ROLE --site SITE --name NAME [--address A]... [--days N]\n"
    "\n"
    "init makes DIR with the CA's certificate (ca.crt) and key (ca.key): keep the key offline.\n"
    "issue writes DIR/NAME.crt and DIR/NAME.key, signed by that CA.\n"
    "\n"
    "      --role ROLE     controld, healthd, dnsd, agentd or operator\n"
    "      --site SITE     the site it speaks for; for an operator where the person works\n"
    "      --name NAME     daemon or person: names the files, and stands in status and history\n"
    "      --address A     IP address or DNS name under which it is reached; controld needs one\n"
    "      --days N        how long it is valid, 1 to 3650 (365)\n"
    "      --json          the files as JSON\n";

struct order {
	const char *role, *site, *name, *days;
	struct option_texts addresses;
};

static void files_print(const struct cli *cli, const char *folder, const char *name)
{
	char *certificate = mem_printf("%s/%s.crt", folder, name);
	char *key = mem_printf("%s/%s.key", folder, name);
	if (cli->json) {
		json_t *answer = json_pack("{s:s, s:s}", "certificate", certificate, "key", key);
		cli_print_json(answer);
		json_decref(answer);
	} else {
		printf("%s\n%s\n", certificate, key);
	}
	free(certificate);
	free(key);
}

static int init(const struct cli *cli, const char *folder, const struct order *o)
{
	struct err e = {0};
	if (pki_init(folder, o->name != NULL ? o->name : "Tandem CA", &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	files_print(cli, folder, "ca");
	return CLI_OK;
}

/* The name becomes that of two files. */
static bool name_is_plain(const char *name)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
	return *name != '\0' && *name != '.' && strspn(name, letters) == strlen(name) &&
	       strlen(name) < TLS_NAME_BYTES && strcmp(name, "ca") != 0;
}

static int issue(const struct cli *cli, const char *folder, const struct order *o)
{
	struct err e = {0};
	struct pki_request request = {
	    .addresses = o->addresses.items, .addresses_count = o->addresses.count, .days = 365};
	char *end = NULL;
	if (o->role == NULL || o->site == NULL || o->name == NULL)
		return cli_usage(cli, "--role, --site and --name are needed");
	if (tls_role_parse(o->role, &request.identity.role) != 0)
		return cli_usage(cli,
		    "--role: found \"%s\", expected controld, healthd, dnsd, agentd or operator",
		    o->role);
	if (*o->site == '\0' || strlen(o->site) >= TLS_SITE_BYTES)
		return cli_usage(cli, "--site: expected 1 to %d letters", TLS_SITE_BYTES - 1);
	if (!name_is_plain(o->name))
		return cli_usage(cli,
		    "--name: found \"%s\", expected letters, digits and -_.@ (and not \"ca\")",
		    o->name);
	if (request.identity.role == TLS_ROLE_CONTROLD && o->addresses.count == 0)
		return cli_usage(cli,
		    "--address is missing: clients must find the controller's address in its "
		    "certificate");
	if (o->days != NULL) {
		unsigned long days = strtoul(o->days, &end, 10);
		if (*o->days < '0' || *o->days > '9' || *end != '\0' || days < 1 || days > 3650)
			return cli_usage(cli, "--days: found \"%s\", expected 1 to 3650", o->days);
		request.days = (unsigned)days;
	}
	snprintf(request.identity.site, sizeof request.identity.site, "%s", o->site);
	snprintf(request.identity.name, sizeof request.identity.name, "%s", o->name);
	if (pki_issue(folder, o->name, &request, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	files_print(cli, folder, o->name);
	return CLI_OK;
}

static int pki_run(struct cli *cli, int argc, char **argv)
{
	struct order o = {0};
	const struct option_row rows[] = {{"role", 0, OPTION_TEXT, &o.role},
	    {"site", 0, OPTION_TEXT, &o.site}, {"name", 0, OPTION_TEXT, &o.name},
	    {"address", 0, OPTION_TEXTS, &o.addresses}, {"days", 0, OPTION_TEXT, &o.days}};
	int first;
	int status = options_parse(cli, rows, 5, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 2, "init DIR or issue DIR");
	if (status != OPTIONS_GO_ON)
		return status;
	if (strcmp(argv[first], "init") == 0)
		return init(cli, argv[first + 1], &o);
	if (strcmp(argv[first], "issue") == 0)
		return issue(cli, argv[first + 1], &o);
	return cli_usage(cli, "found \"%s\", expected init or issue", argv[first]);
}

const struct cli_command command_pki = {.name = "pki",
    .summary = "make a private CA, issue certificates. Asks nobody",
    .usage = usage,
    .run = pki_run};
