/* tandem-controld: decides by consensus which addresses may be handed out, and tells everyone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/controld.h"
#include "lib/log.h"
#include "wire/backup.h"

static const char usage[] =
    "usage: tandem-controld -c FILE\n"
    "\n"
    "Collects observations, takes part in the election, decides while it leads, and streams the\n"
    "view to name servers and agents.\n"
    "\n"
    "  -c, --config FILE   its configuration, read at start; certificates again on SIGHUP\n"
    "  -t, --test          read the configuration, say what is wrong with it, and end\n"
    "  -r, --restore FILE  put the backup (tandem backup) into the store, which must be empty, and "
    "end\n"
    "  -h, --help          this text\n"
    "\n"
    "See tandem-controld(8).\n";

struct arguments {
	const char *config;
	const char *backup;
	bool test;
};

/* -1: go on; else the exit status. */
static int arguments_read(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
	    {"test", no_argument, NULL, 't'}, {"restore", required_argument, NULL, 'r'},
	    {"help", no_argument, NULL, 'h'}, {0}};
	int option;
	while ((option = getopt_long(argc, argv, "c:tr:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 't':
			out->test = true;
			break;
		case 'r':
			out->backup = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (out->config != NULL && optind == argc)
		return -1;
	fputs(usage, stderr);
	return 2;
}

static void on_reload(void *ctx)
{
	struct err e = {0};
	if (controld_reload(ctx, &e) == 0)
		log_info("certificates read again");
	else
		log_error("certificates not changed: %s", e.text);
}

static int run(const struct config_controld *config)
{
	struct err e = {0};
	struct loop *loop = NULL;
	struct controld *controld = NULL;
	if (loop_new(&loop, &e) != 0 || controld_new(loop, config, &controld, &e) != 0) {
		log_error("can not start: %s", e.text);
		loop_free(loop);
		return 1;
	}
	loop_on_reload(loop, on_reload, controld);
	log_info("controller %s started, store %s", config->common.name,
	    config->sqlite != NULL ? config->sqlite : "etcd");
	loop_notify_ready();
	int result = loop_run(loop);
	log_info("ending");
	controld_resign(controld);
	controld_free(controld);
	loop_free(loop);
	return result == 0 ? 0 : 1;
}

static int restore(const struct config_controld *config, const char *path)
{
	struct err e = {0};
	struct loop *loop = NULL;
	struct backup_told told = {0};
	int result = loop_new(&loop, &e);
	if (result == 0)
		result = controld_restore(loop, config, path, &told, &e);
	loop_free(loop);
	if (result != 0) {
		log_error("not restored: %s", e.text);
		return 1;
	}
	printf("restored %s: cluster %s at epoch %" PRIu64 ", revision %" PRIu64 ", %" PRIu64
	       " keys; start the controllers\n",
	    path, told.cluster, told.epoch, told.revision, told.keys);
	return 0;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct config_controld config = {0};
	struct config_errors errors = {0};
	int status = arguments_read(argc, argv, &arguments);
	if (status >= 0)
		return status;
	loop_hold_signals();
	log_open("tandem-controld", LOG_LEVEL_INFO);
	if (config_controld_load(arguments.config, &config, &errors) != 0) {
		for (size_t i = 0; i < errors.count; i++)
			fprintf(stderr, "%s\n", errors.lines[i]);
		status = 1;
	} else {
		log_open("tandem-controld", config.common.log);
		status = arguments.test             ? 0
		         : arguments.backup != NULL ? restore(&config, arguments.backup)
		                                    : run(&config);
	}
	config_errors_free(&errors);
	config_controld_free(&config);
	return status;
}
