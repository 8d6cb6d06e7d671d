/* Daemon files: what they give, and what is said about wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/daemon_load.h"
#include "lib/base/mem.h"
#include "lib/file.h"

static char folder[] = "/tmp/test_daemon_load.XXXXXX";
static char *path; /* of the file under test */

static int group_setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	path = mem_printf("%s/d.yaml", folder);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	free(path);
	return 0;
}

static void file_write(const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void assert_path(const char *found, const char *relative)
{
	char *expected = mem_printf("%s/%s", folder, relative);

	assert_string_equal(found, expected);
	free(expected);
}

#define TLS "tls: {ca: ca.pem, certificate: me.pem, key: me.key}\n"

static void controld_file_gives_absolute_paths(void **state)
{
	struct config_controld c;
	struct config_errors e = {0};

	(void)state;
	file_write("name: muc\nlisten: [\"127.10.0.1@8443\", \"::1@8443\"]\n"
	           "url: https://127.10.0.1:8443\n" TLS "metrics: 127.10.0.1@9443\n"
	           "store: {sqlite: db/tandem.db}\n");
	assert_int_equal(config_controld_load(path, &c, &e), 0);
	assert_int_equal(e.count, 0);
	assert_string_equal(c.common.name, "muc");
	assert_int_equal(c.common.listen_count, 2);
	assert_string_equal(c.common.listen[1], "::1@8443");
	assert_string_equal(c.url, "https://127.10.0.1:8443");
	assert_string_equal(c.common.metrics, "127.10.0.1@9443");
	assert_path(c.sqlite, "db/tandem.db");
	assert_path(c.common.tls_key, "me.key");
	assert_null(c.etcd_endpoints);
	assert_int_equal(c.common.log, LOG_LEVEL_INFO);
	config_controld_free(&c);
}

static void controld_file_takes_etcd_with_certificates(void **state)
{
	struct config_controld c;
	struct config_errors e = {0};

	(void)state;
	file_write("name: muc\nlisten: [127.10.0.1@8443]\nurl: https://127.10.0.1:8443\n" TLS
	           "log: debug\nstore:\n  etcd:\n    endpoints: ['https://127.10.0.1:2379']\n"
	           "    tls: {ca: /etc/etcd/ca.pem, certificate: e.pem, key: e.key}\n");
	assert_int_equal(config_controld_load(path, &c, &e), 0);
	assert_null(c.sqlite);
	assert_int_equal(c.etcd_endpoints_count, 1);
	assert_string_equal(c.etcd_ca, "/etc/etcd/ca.pem");
	assert_path(c.etcd_key, "e.key");
	assert_path(c.common.tls_ca, "ca.pem");
	assert_int_equal(c.common.log, LOG_LEVEL_DEBUG);
	config_controld_free(&c);
}

static void healthd_and_cli_files_have_their_defaults(void **state)
{
	struct config_healthd h;
	struct config_cli c;
	struct config_errors e = {0};

	(void)state;
	file_write("name: healthd-muc\ncontrollers: [https://127.10.0.1:8443]\n" TLS);
	assert_int_equal(config_healthd_load(path, &h, &e), 0);
	assert_int_equal(h.heartbeat_ms, 1000);
	assert_null(h.common.state);
	assert_null(h.common.metrics);
	config_healthd_free(&h);
	file_write("controllers: ['https://127.10.0.1:8443', 'https://[::1]:8443']\n" TLS);
	assert_int_equal(config_cli_load(path, &c, &e), 0);
	assert_int_equal(c.common.controllers_count, 2);
	config_cli_free(&c);
}

static void dnsd_runs_alone_on_zone_files(void **state)
{
	struct config_dnsd c;
	struct config_errors e = {0};

	(void)state;
	file_write("listen: [127.0.0.1@5300]\nzones:\n"
	           "  - {name: Example.com, file: example.com.zone}\n");
	assert_int_equal(config_dnsd_load(path, &c, &e), 0);
	assert_int_equal(c.workers, 1);
	assert_int_equal(c.zones_count, 1);
	assert_string_equal(c.zones[0].name, "example.com.");
	assert_path(c.zones[0].file, "example.com.zone");
	assert_int_equal(c.common.controllers_count, 0);
	config_dnsd_free(&c);
}

static void dnsd_knows_its_secondaries(void **state)
{
	struct config_dnsd c;
	struct config_errors e = {0};

	(void)state;
	file_write("listen: [127.0.0.1@5300]\nzones: [{name: a.de, file: x}]\ntransfers:\n"
	           "  secondaries:\n"
	           "  - {address: 192.0.2.1, key: one.key, zones: [A.de]}\n"
	           "  - {address: '2001:db8::1', port: 5353, notify: false}\n"
	           "  allow: [{from: [192.0.2.0/24], key: two.key}]\n"
	           "  catalog: {name: Catalog.test, group: g}\n");
	assert_int_equal(config_dnsd_load(path, &c, &e), 0);
	assert_int_equal(c.secondaries_count, 2);
	assert_int_equal(c.secondaries[0].port, 53);
	assert_path(c.secondaries[0].key, "one.key");
	assert_string_equal(c.secondaries[0].zones[0], "a.de.");
	assert_true(c.secondaries[0].notify);
	assert_int_equal(c.secondaries[1].port, 5353);
	assert_null(c.secondaries[1].key);
	assert_false(c.secondaries[1].notify);
	assert_int_equal(c.transfer_rules[0].from[0].bits, 24);
	assert_string_equal(c.member_zones.name, "catalog.test.");
	assert_string_equal(c.member_zones.group, "g");
	assert_int_equal(c.member_zones.zones_count, 0);
	config_dnsd_free(&c);
}

static int load_controld(struct config_errors *e)
{
	struct config_controld c;
	const int result = config_controld_load(path, &c, e);

	config_controld_free(&c);
	return result;
}

static int load_healthd(struct config_errors *e)
{
	struct config_healthd c;
	const int result = config_healthd_load(path, &c, e);

	config_healthd_free(&c);
	return result;
}

static int load_dnsd(struct config_errors *e)
{
	struct config_dnsd c;
	const int result = config_dnsd_load(path, &c, e);

	config_dnsd_free(&c);
	return result;
}

static int load_cli(struct config_errors *e)
{
	struct config_cli c;
	const int result = config_cli_load(path, &c, e);

	config_cli_free(&c);
	return result;
}

#define C "name: muc\nlisten: [127.0.0.1@1]\nurl: https://a:1\n" TLS

static const struct {
	int (*load)(struct config_errors *);
	const char *text, *expected; /* lines without the path */
} refusals[] = {
    {load_controld, C, "1:1: no store in this controld file, expected store: a mapping"},
    {load_controld, C "store: {}\n",
        "5:8: neither sqlite nor etcd, expected exactly one of: etcd, sqlite"},
    {load_controld, C "store: {sqlite: a, etcd: {endpoints: [http://a]}}\n",
        "5:8: sqlite and etcd together, expected exactly one of: etcd, sqlite"},
    {load_controld, C "store: {sqllite: a}\n",
        "5:8: neither sqlite nor etcd, expected exactly one of: etcd, sqlite\n"
        "5:9: unknown key \"sqllite\", expected one of: etcd, sqlite (did you mean \"sqlite\"?)"},
    {load_controld, C "store: {sqlite: a}\nlog: loud\n",
        "6:6: log: \"loud\", expected one of: debug, error, info, warn"},
    {load_controld, C "store: {etcd: {endpoints: [127.0.0.1]}}\n",
        "5:28: endpoints: \"127.0.0.1\" is no URL, expected https://host:port"},
    {load_cli, "controllers: [https://a:99999, 'https://', 'https://[::1', https://a:1/x]\n" TLS,
        "1:15: controllers: \"https://a:99999\" goes on wrongly behind its host, expected "
        "https://host:port\n"
        "1:32: controllers: \"https://\" has no usable host, expected https://host:port\n"
        "1:44: controllers: \"https://[::1\" has no usable host, expected https://host:port\n"
        "1:60: controllers: \"https://a:1/x\" goes on wrongly behind its host, expected "
        "https://host:port"},
    {load_cli, "controllers: [https://a, http://b:1]\n" TLS,
        "1:26: \"http://b:1\", expected https://…: controllers are known by their "
        "certificates"},
    {load_healthd, "name: a\ncontrollers: [http://b]\n" TLS,
        "2:15: \"http://b\", expected https://…: controllers are known by their certificates"},
    {load_controld,
        "name: muc\nlisten: [127.0.0.1@1]\nurl: http://a:1\n" TLS "store: {sqlite: a}\n",
        "3:6: \"http://a:1\", expected https://…: controllers are known by their certificates"},
    {load_controld,
        C "store: {sqlite: a}\nsocket: "
          "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
          "123456789/123456789/1234567\n",
        "6:9: a path of 108 bytes, expected at most 107: a Unix socket's name is no longer"},
    {load_cli, "controllers: []\n" TLS,
        "1:14: controllers: empty, expected a list of 1 to 16 entries"},
    {load_cli, "controllers: [https://a]\ntls: {ca: ''}\n",
        "2:6: no certificate in this tls, expected certificate: a path\n"
        "2:6: no key in this tls, expected key: a path\n"
        "2:11: ca: \"\", expected a path"},
    {load_healthd, "name: Muc\ncontrollers: https://a\n" TLS "heartbeat: 1\n",
        "1:7: name: \"Muc\", expected a word of 1 to 63 lower-case letters, digits and -\n"
        "2:14: controllers: \"https://a\", expected a list of 1 to 16 entries\n"
        "4:12: heartbeat: \"1\" has no unit (ms, s, m, h, d, w), expected a duration from 100ms "
        "to 10s"},
    {load_dnsd, "listen: [127.0.0.1:53, a@53, 127.0.0.1@0]\nzones: [{name: a, file: b}]\n",
        "1:10: listen: \"127.0.0.1:53\", expected address@port\n"
        "1:24: listen: \"a@53\" has no address, expected address@port\n"
        "1:30: listen: \"127.0.0.1@0\" has no port from 1 to 65535, expected address@port"},
    {load_dnsd, "listen: [127.0.0.1@53]\n",
        "1:1: neither controllers nor zones, expected one of them"},
    {load_dnsd, "listen: [127.0.0.1@53]\ncontrollers: [https://a]\nzones: []\n",
        "1:1: no name, expected one where controllers are given\n"
        "1:1: no state, expected one where controllers are given: the last good view is kept "
        "there\n"
        "1:1: no tls, expected one where controllers are given\n"
        "3:1: zones beside controllers, expected either controllers or zones of its own\n"
        "3:8: zones: empty, expected a list of 1 to 1024 entries"},
    {load_dnsd, "listen: ['::1@53']\nzones:\n- {name: a.de, file: x}\n- {name: A.de., file: y}\n",
        "4:3: zone a.de. again, expected it once (first in line 3)"},
    {load_dnsd, "listen: ['::1@53']\nworkers: 0\nzones: [{name: a..b, file: x}]\n",
        "2:10: workers: \"0\" is out of range, expected a number from 1 to 64\n"
        "3:16: name: \"a..b\" has a label of 0 bytes, expected 1 to 63"},
    {load_dnsd,
        "listen: ['::1@53']\nzones: [{name: a.de, file: x}]\ntransfers:\n"
        "  secondaries: [{address: 192.0.2.1}, {address: 192.0.2.1, port: 53}, {key: k}]\n"
        "  allow: [{zones: [a.de]}]\n"
        "  catalog: {name: A.de}\n",
        "4:39: secondary 192.0.2.1 port 53 again, expected it once (first in line 4)\n"
        "4:71: no address in this secondary, expected address: an IPv4 or IPv6 address\n"
        "5:11: neither from nor key, expected at least one: else everybody is allowed\n"
        "6:12: catalog zone a.de. is one of the zones too, expected a name of its own"},
    {load_dnsd,
        "listen: ['::1@53']\nzones: [{name: a.de, file: x}]\ntransfers:\n"
        "  secondaries: [{address: 192.0.2.1, zones: [a.de, c.test]}]\n"
        "  allow: [{key: k, zones: [a.de, b.de]}]\n"
        "  catalog: {name: c.test, zones: [c.de]}\n",
        "5:11: zones: b.de. is not one of this server's, expected those only\n"
        "6:12: zones: c.de. is not one of this server's, expected those only"},
    {load_cli, "", "1:1: an empty document, expected a mapping that describes a tandem file"},
    {load_cli, "- a\n", "1:1: a list, expected a mapping that describes a tandem file"},
};

static void wrong_files_are_refused_with_the_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct config_errors e = {0};
		char found[4096] = "";
		size_t used = 0;

		file_write(refusals[i].text);
		assert_int_equal(refusals[i].load(&e), E_INVALID);
		for (size_t j = 0; j < e.count; j++) {
			assert_memory_equal(e.lines[j], path, strlen(path));
			used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%s",
			    j > 0 ? "\n" : "", e.lines[j] + strlen(path) + 1);
		}
		assert_string_equal(found, refusals[i].expected);
		config_errors_free(&e);
	}
}

static void unreadable_file_is_one_error(void **state)
{
	struct config_cli c;
	struct config_errors e = {0};

	(void)state;
	assert_int_equal(config_cli_load("/nonexistent/cli.yaml", &c, &e), E_INVALID);
	assert_int_equal(e.count, 1);
	assert_non_null(strstr(e.lines[0], "/nonexistent/cli.yaml:1:1: "));
	assert_non_null(strstr(e.lines[0], "No such file"));
	config_errors_free(&e);
	config_cli_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(controld_file_gives_absolute_paths),
	    cmocka_unit_test(controld_file_takes_etcd_with_certificates),
	    cmocka_unit_test(healthd_and_cli_files_have_their_defaults),
	    cmocka_unit_test(dnsd_runs_alone_on_zone_files),
	    cmocka_unit_test(dnsd_knows_its_secondaries),
	    cmocka_unit_test(wrong_files_are_refused_with_the_place),
	    cmocka_unit_test(unreadable_file_is_one_error),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
