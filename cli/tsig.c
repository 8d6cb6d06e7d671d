/* tandem tsig: keys that name servers share for transfers and NOTIFY. Asks nobody. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "cli/options.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/tsig_key.h"

static const char usage[] =
    "usage: tandem tsig keygen NAME [--algorithm A] [--out DIR]\n"
    "       tandem tsig show FILE\n"
    "\n"
    "keygen makes a key and prints the name of its file: a secret of this name server and one\n"
    "secondary, named in \"transfers:\" of the file of tandem-dnsd. show prints it as Knot, NSD\n"
    "and BIND want it, with the lines that go with it there.\n"
    "\n"
    "      --algorithm A    hmac-sha256, hmac-sha384 or hmac-sha512; hmac-sha256\n"
    "      --out DIR        where the file goes; .\n"
    "      --json           the answer as JSON\n";

struct order {
	const char *algorithm, *out;
};

static int keygen(const struct cli *cli, const char *name, const struct order *o)
{
	enum tsig_algorithm algorithm = TSIG_HMAC_SHA256;
	const char *folder = o->out ? o->out : ".";
	struct tsig_key k;
	struct err e = {0};
	if (o->algorithm && tsig_algorithm_parse(o->algorithm, &algorithm) != 0)
		return cli_usage(cli,
		    "--algorithm: found \"%s\", expected hmac-sha256, hmac-sha384 or hmac-sha512",
		    o->algorithm);
	if (tsig_key_draw(name, algorithm, &k, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	char *path = mem_printf("%s/%skey", folder, k.text);
	int r = file_make_folder(folder, &e);
	if (r == 0)
		r = tsig_key_write(&k, path, &e);
	if (r == 0 && cli->json) {
		json_t *answer = json_pack("{s:s, s:s, s:s}", "file", path, "name", k.text,
		    "algorithm", tsig_algorithm_name(k.algorithm));
		cli_print_json(answer);
		json_decref(answer);
	} else if (r == 0) {
		printf("%s\n", path);
	}
	free(path);
	tsig_key_wipe(&k);
	return r == 0 ? CLI_OK : cli_fail(cli, CLI_REFUSED, "%s", e.text);
}

static void snippets_print(const char *name, const char *algorithm, const char *secret)
{
	printf("# Knot: knot.conf. PRIMARY is the address of tandem-dnsd; @PORT unless it is 53.\n"
	       "key:\n  - id: %s\n    algorithm: %s\n    secret: %s\n"
	       "remote:\n  - id: tandem\n    address: PRIMARY\n    key: %s\n"
	       "acl:\n  - id: tandem\n    address: PRIMARY\n    key: %s\n    action: notify\n"
	       "#   and with each zone: master: tandem, acl: tandem\n\n",
	    name, algorithm, secret, name, name);
	printf("# NSD: nsd.conf\n"
	       "key:\n    name: \"%s\"\n    algorithm: %s\n    secret: \"%s\"\n"
	       "#   and with each zone:\n"
	       "#   request-xfr: PRIMARY %s\n#   allow-notify: PRIMARY %s\n\n",
	    name, algorithm, secret, name, name);
	printf("// BIND: named.conf\n"
	       "key \"%s\" { algorithm %s; secret \"%s\"; };\n"
	       "//  and with each zone: type secondary; primaries { PRIMARY key \"%s\"; };\n"
	       "//  allow-notify { key \"%s\"; };\n",
	    name, algorithm, secret, name, name);
}

static int show(const struct cli *cli, const char *path)
{
	char secret[(TSIG_SECRET_BYTES_MAX + 2) / 3 * 4 + 1];
	struct tsig_key k;
	struct err e = {0};
	if (tsig_key_read(path, &k, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	EVP_EncodeBlock((unsigned char *)secret, k.secret, k.secret_bytes);
	if (cli->json) {
		json_t *answer = json_pack("{s:s, s:s, s:s}", "name", k.text, "algorithm",
		    tsig_algorithm_name(k.algorithm), "secret", secret);
		cli_print_json(answer);
		json_decref(answer);
	} else {
		snippets_print(k.text, tsig_algorithm_name(k.algorithm), secret);
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	tsig_key_wipe(&k);
	return CLI_OK;
}

static int tsig_run(struct cli *cli, int argc, char **argv)
{
	struct order o = {0};
	const struct option_row rows[] = {
	    {"algorithm", 0, OPTION_TEXT, &o.algorithm}, {"out", 0, OPTION_TEXT, &o.out}};
	int first;
	int status = options_parse(cli, rows, 2, argc, argv, &first);
	if (status == OPTIONS_GO_ON)
		status = options_operands(cli, argc, first, 2, "keygen NAME or show FILE");
	if (status != OPTIONS_GO_ON)
		return status;
	if (strcmp(argv[first], "keygen") == 0)
		return keygen(cli, argv[first + 1], &o);
	if (strcmp(argv[first], "show") == 0)
		return show(cli, argv[first + 1]);
	return cli_usage(cli, "found \"%s\", expected keygen or show", argv[first]);
}

const struct cli_command command_tsig = {.name = "tsig",
    .summary = "make keys for zone transfers and NOTIFY. Asks nobody",
    .usage = usage,
    .run = tsig_run};
