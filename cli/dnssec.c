/* tandem dnssec: keys that sign zones, and what the parent zone needs of them. Asks nobody. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "lib/base/mem.h"
#include "lib/dnskey.h"
#include "lib/file.h"

static const char usage[] =
    "usage: tandem dnssec keygen ZONE [--role ROLE] [--algorithm A] [--state STATE] [--out DIR]\n"
    "       tandem dnssec state FILE STATE\n"
    "       tandem dnssec ds ZONE [--keys DIR]\n"
    "\n"
    "keygen makes a key and prints the name of its file: a secret for the name servers of the\n"
    "zone. state changes what the key is used for; reload the name servers then (SIGHUP). ds "
    "prints\n"
    "the DS records that the parent zone needs: of the active csk and ksk.\n"
    "\n"
    "      --role ROLE      csk (signs everything), ksk (the keys) or zsk (the rest); csk\n"
    "      --algorithm A    ecdsap256sha256 or ed25519; ecdsap256sha256\n"
    "      --state STATE    published (known), active (signs) or retired (still known); active\n"
    "      --out DIR        where the file goes; .\n"
    "      --keys DIR       where the key files are; .\n"
    "      --json           the answer as JSON\n";

struct order {
	const char *role, *algorithm, *state, *out, *keys;
};

static json_t *key_describe(const struct dnskey *k, const char *path)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "file", path, "zone", k->zone_text,
	    "algorithm", dnskey_algorithm_name(k->algorithm), "role", dnskey_role_name(k->role),
	    "state", dnskey_state_name(k->state), "tag", (int)k->tag);
}

static void key_print(const struct cli *cli, const struct dnskey *k, const char *path)
{
	if (cli->json) {
		json_t *answer = key_describe(k, path);
		cli_print_json(answer);
		json_decref(answer);
	} else {
		printf("%s\n", path);
	}
}

static int keygen(const struct cli *cli, const char *zone, const struct order *o)
{
	enum dnskey_role role = DNSKEY_CSK;
	enum dnskey_algorithm algorithm = DNSKEY_ECDSAP256SHA256;
	enum dnskey_state state = DNSKEY_ACTIVE;
	struct dnskey *k;
	struct err e = {0};
	struct stat about;
	if (o->role && dnskey_role_parse(o->role, &role) != 0)
		return cli_usage(cli, "--role: found \"%s\", expected csk, ksk or zsk", o->role);
	if (o->algorithm && dnskey_algorithm_parse(o->algorithm, &algorithm) != 0)
		return cli_usage(cli,
		    "--algorithm: found \"%s\", expected ecdsap256sha256 or ed25519", o->algorithm);
	if (o->state && dnskey_state_parse(o->state, &state) != 0)
		return cli_usage(
		    cli, "--state: found \"%s\", expected published, active or retired", o->state);
	if (dnskey_new(zone, algorithm, role, &k, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	k->state = state;
	char *name = dnskey_file_name(k);
	char *path = mem_printf("%s/%s", o->out ? o->out : ".", name);
	int r = file_make_folder(o->out ? o->out : ".", &e);
	if (r == 0 && stat(path, &about) == 0) /* the same tag: one in 65536 */
		r = err_set(&e, E_CONFLICT, "\"%s\" exists; try again", path);
	if (r == 0)
		r = dnskey_write(k, path, &e);
	if (r == 0)
		key_print(cli, k, path);
	free(name);
	free(path);
	dnskey_free(k);
	return r == 0 ? CLI_OK : cli_fail(cli, CLI_REFUSED, "%s", e.text);
}

static int state_change(const struct cli *cli, const char *path, const char *text)
{
	enum dnskey_state state;
	struct dnskey *k;
	struct err e = {0};
	if (dnskey_state_parse(text, &state) != 0)
		return cli_usage(cli, "found \"%s\", expected published, active or retired", text);
	if (dnskey_read(path, &k, &e) != 0)
		return cli_fail(cli, CLI_REFUSED, "%s", e.text);
	k->state = state;
	int r = dnskey_write(k, path, &e);
	if (r == 0 && cli->json)
		key_print(cli, k, path);
	dnskey_free(k);
	return r == 0 ? CLI_OK : cli_fail(cli, CLI_REFUSED, "%s", e.text);
}

static void ds_add(const struct cli *cli, json_t *list, const struct dnskey *k)
{
	uint8_t ds[DNSKEY_DS_BYTES];
	char digest[2 * (DNSKEY_DS_BYTES - 4) + 1];
	dnskey_ds(k, ds);
	for (size_t i = 4; i < sizeof(ds); i++)
		snprintf(digest + 2 * (i - 4), 3, "%02X", ds[i]);
	if (!cli->json)
		printf("%s IN DS %u %u %u %s\n", k->zone_text, k->tag, ds[2], ds[3], digest);
	json_array_append_new(
	    list, json_pack("{s:s, s:i, s:i, s:i, s:s}", "zone", k->zone_text, "tag", (int)k->tag,
	              "algorithm", ds[2], "digest_type", ds[3], "digest", digest));
}

/* All key files of the folder; those of other zones are passed over. */
static int ds(const struct cli *cli, const char *zone, const struct order *o)
{
	const char *folder = o->keys ? o->keys : ".";
	struct dirent **entries;
	struct err e = {0};
	size_t zone_bytes = strlen(zone);
	int count = scandir(folder, &entries, NULL, alphasort), status = CLI_OK;
	if (count < 0)
		return cli_fail(cli, CLI_REFUSED, "can not read the folder \"%s\"", folder);
	json_t *list = json_array();
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		size_t bytes = strlen(name);
		struct dnskey *k;
		char *path = mem_printf("%s/%s", folder, name);
		bool is_key = bytes > 4 && strcmp(name + bytes - 4, ".key") == 0 &&
		              strncasecmp(name, zone, zone_bytes) == 0;
		if (is_key && status == CLI_OK && dnskey_read(path, &k, &e) != 0) {
			status = cli_fail(cli, CLI_REFUSED, "%s", e.text);
		} else if (is_key && status == CLI_OK) {
			bool is_zone =
			    strncasecmp(k->zone_text, zone, zone_bytes) == 0 &&
			    strlen(k->zone_text) - zone_bytes <= (zone[zone_bytes - 1] != '.');
			if (is_zone && dnskey_is_sep(k) && k->state == DNSKEY_ACTIVE)
				ds_add(cli, list, k);
			dnskey_free(k);
		}
		free(path);
		free(entries[i]);
	}
	free(entries);
	if (status == CLI_OK && json_array_size(list) == 0)
		status = cli_fail(
		    cli, CLI_REFUSED, "no active csk or ksk of \"%s\" in \"%s\"", zone, folder);
	if (status == CLI_OK && cli->json)
		cli_print_json(list);
	json_decref(list);
	return status;
}

static int dnssec_run(struct cli *cli, int argc, char **argv)
{
	struct order o = {0};
	const struct option_row rows[] = {{"role", 0, OPTION_TEXT, &o.role},
	    {"algorithm", 0, OPTION_TEXT, &o.algorithm}, {"state", 0, OPTION_TEXT, &o.state},
	    {"out", 0, OPTION_TEXT, &o.out}, {"keys", 0, OPTION_TEXT, &o.keys}};
	int first;
	int status = options_parse(cli, rows, 5, argc, argv, &first);
	if (status != OPTIONS_GO_ON)
		return status;
	bool is_state = first < argc && strcmp(argv[first], "state") == 0;
	status = is_state ? options_operands(cli, argc, first, 3, "state FILE STATE")
	                  : options_operands(cli, argc, first, 2, "keygen ZONE or ds ZONE");
	if (status != OPTIONS_GO_ON)
		return status;
	if (is_state)
		return state_change(cli, argv[first + 1], argv[first + 2]);
	if (argv[first + 1][0] == '\0')
		return cli_usage(cli, "the zone's name is empty");
	if (strcmp(argv[first], "keygen") == 0)
		return keygen(cli, argv[first + 1], &o);
	if (strcmp(argv[first], "ds") == 0)
		return ds(cli, argv[first + 1], &o);
	return cli_usage(cli, "found \"%s\", expected keygen, state or ds", argv[first]);
}

const struct cli_command command_dnssec = {.name = "dnssec",
    .summary = "make keys that sign zones; the DS for the parent. Asks nobody",
    .usage = usage,
    .run = dnssec_run};
