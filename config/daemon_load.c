/* Daemon files: read, walked along their rows, then checked for what one row can not see. */
#include "config/daemon_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/daemon_schema.h"
#include "config/transfer_schema.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/local_socket.h"

enum { DAEMON_FILE_BYTES = 64 * 1024 };

static const struct yaml_mark start_of_file = {1, 1};

/* The folder that relative paths start from, absolute. The caller frees. */
static char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? mem_strdup(".")
	               : slash == path ? mem_strdup("/")
	                               : mem_strndup(path, (size_t)(slash - path));
	char *absolute = realpath(folder, NULL);

	if (absolute == NULL) /* then the file can not be read either, which is reported */
		return folder;
	free(folder);
	return absolute;
}

static void need(
    struct report *r, const struct yaml_node *root, const char *option, const char *because)
{
	if (root != NULL && yaml_value(root, option) == NULL)
		report_add(r, root->mark, "no %s, expected one %s", option, because);
}

/* Over plain HTTP nobody's certificate would be asked for: whoever answers there is believed. */
static void secure_check(const struct yaml_node *url, struct report *r)
{
	if (url != NULL && url->text != NULL && strncmp(url->text, "http://", 7) == 0)
		report_add(r, url->mark,
		    "\"%.80s\", expected https://…: controllers are known by their certificates",
		    url->text);
}

static void controllers_check(const struct yaml_node *root, void *config, struct report *r)
{
	const struct yaml_node *controllers = yaml_value(root, "controllers");

	(void)config;
	for (size_t i = 0; controllers != NULL && controllers->kind == YAML_LIST &&
	                   i < controllers->children_count;
	     i++)
		secure_check(controllers->children[i], r);
}

static void controld_check(const struct yaml_node *root, void *config, struct report *r)
{
	const struct yaml_node *store = yaml_value(root, "store");
	const bool sqlite = yaml_value(store, "sqlite") != NULL,
	           etcd = yaml_value(store, "etcd") != NULL;
	const struct config_controld *c = config;

	secure_check(yaml_value(root, "url"), r);
	if (c->socket != NULL && strlen(c->socket) >= LOCAL_SOCKET_PATH_BYTES)
		report_add(r, yaml_value(root, "socket")->mark,
		    "a path of %zu bytes, expected at most %d: a Unix socket's name is no longer",
		    strlen(c->socket), LOCAL_SOCKET_PATH_BYTES - 1);
	if (store != NULL && store->kind == YAML_MAP && sqlite == etcd)
		report_add(r, store->mark, "%s, expected exactly one of: etcd, sqlite",
		    sqlite ? "sqlite and etcd together" : "neither sqlite nor etcd");
}

static void zones_check(const struct yaml_node *list, const struct config_zone_file *zones,
    size_t count, struct report *r)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (zones[i].name != NULL && zones[j].name != NULL &&
			    strcmp(zones[i].name, zones[j].name) == 0) {
				report_add(r, list->children[i]->mark,
				    "zone %s again, expected it once (first in line %zu)",
				    zones[i].name, list->children[j]->mark.line);
				break;
			}
}

static void dnsd_check(const struct yaml_node *root, void *config, struct report *r)
{
	const struct yaml_node *controllers = yaml_key(root, "controllers"),
	                       *zones = yaml_key(root, "zones"), *dnssec = yaml_key(root, "dnssec");
	const struct config_dnsd *c = config;

	if (root == NULL || root->kind != YAML_MAP)
		return;
	controllers_check(root, config, r);
	if (controllers != NULL && zones != NULL)
		report_add(r, zones->mark,
		    "zones beside controllers, expected either controllers or zones of its own");
	if (controllers == NULL && zones == NULL)
		report_add(r, root->mark, "neither controllers nor zones, expected one of them");
	if (controllers != NULL) {
		need(r, root, "name", "where controllers are given");
		need(r, root, "tls", "where controllers are given");
		need(r, root, "state",
		    "where controllers are given: the last good view is kept there");
	}
	((struct config_dnsd *)config)->rate_limit = yaml_value(root, "rate_limit") != NULL;
	if (dnssec != NULL && controllers == NULL)
		report_add(r, dnssec->mark,
		    "dnssec without controllers, expected it within the zone it is meant for");
	transfers_check(root, c, r);
	if (zones != NULL)
		zones_check(yaml_value(root, "zones"), c->zones, c->zones_count, r);
	if (dnssec != NULL)
		zones_check(yaml_value(root, "dnssec"), c->dnssec, c->dnssec_count, r);
}

static int daemon_load(const char *path, const struct schema_table *table,
    void (*check)(const struct yaml_node *, void *, struct report *), void *out,
    struct config_errors *errors)
{
	struct report r = {.file = path};
	struct yaml_tree tree = {0};
	struct err e = {0};
	char *text = NULL, *folder = path_folder(path);
	size_t bytes = 0;

	memset(out, 0, table->item_bytes);
	if (file_read(path, DAEMON_FILE_BYTES, &text, &bytes, &e) != 0)
		report_add(&r, start_of_file, "%s, expected a readable file of at most %d bytes",
		    e.text, DAEMON_FILE_BYTES);
	else if (yaml_tree_parse(text, bytes, DAEMON_FILE_BYTES, &tree, &r) == 0) {
		schema_fill(table, &tree, folder, out, &r);
		if (check != NULL)
			check(tree.root, out, &r);
	}
	yaml_tree_free(&tree);
	free(text);
	free(folder);
	return report_finish(&r, errors);
}

int config_controld_load(const char *path, struct config_controld *out, struct config_errors *e)
{
	return daemon_load(path, &controld_table, controld_check, out, e);
}

int config_healthd_load(const char *path, struct config_healthd *out, struct config_errors *e)
{
	return daemon_load(path, &healthd_table, controllers_check, out, e);
}

int config_dnsd_load(const char *path, struct config_dnsd *out, struct config_errors *e)
{
	return daemon_load(path, &dnsd_table, dnsd_check, out, e);
}

int config_cli_load(const char *path, struct config_cli *out, struct config_errors *e)
{
	return daemon_load(path, &cli_table, controllers_check, out, e);
}

void config_controld_free(struct config_controld *c)
{
	schema_release(&controld_table, c);
	*c = (struct config_controld){0};
}

void config_healthd_free(struct config_healthd *c)
{
	schema_release(&healthd_table, c);
	*c = (struct config_healthd){0};
}

void config_dnsd_free(struct config_dnsd *c)
{
	schema_release(&dnsd_table, c);
	*c = (struct config_dnsd){0};
}

void config_cli_free(struct config_cli *c)
{
	schema_release(&cli_table, c);
	*c = (struct config_cli){0};
}
