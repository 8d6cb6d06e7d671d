/* tandem-healthd: probes what the service document says, and tells every controller. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/daemon_load.h"
#include "healthd/daemon.h"
#include "lib/log.h"
#include "lib/loop.h"

static int usage(FILE *to, int status)
{
	fprintf(to, "usage: tandem-healthd -c FILE\n");
	return status;
}

static int config_read(const char *path, struct config_healthd *config)
{
	struct config_errors errors = {0};
	int rc = config_healthd_load(path, config, &errors);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.lines[i]);
	config_errors_free(&errors);
	return rc;
}

static int run(const char *path, struct config_healthd *config)
{
	struct loop *loop = NULL;
	struct daemon *daemon = NULL;
	struct err e;
	int rc;

	log_open("tandem-healthd", config->common.log);
	if ((rc = loop_new(&loop, &e)) < 0 ||
	    (rc = daemon_new(loop, path, config, &daemon, &e)) < 0) {
		log_error("cannot start: %s", e.text);
	} else {
		loop_notify_ready();
		rc = loop_run(loop);
	}
	daemon_free(daemon);
	loop_free(loop);
	return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct config_healthd config = {0};
	const char *path = NULL;
	int option;

	loop_hold_signals();
	while ((option = getopt(argc, argv, "c:h")) != -1) {
		if (option == 'h')
			return usage(stdout, 0);
		if (option != 'c')
			return usage(stderr, 2);
		path = optarg;
	}
	if (path == NULL || optind != argc)
		return usage(stderr, 2);
	int status = config_read(path, &config) < 0 ? 1 : run(path, &config);
	config_healthd_free(&config);
	return status;
}
