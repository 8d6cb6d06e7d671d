/* tandem-dnsd: answers the DNS, from a view of the controllers or from zone files. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/daemon_load.h"
#include "dnsd/daemon.h"
#include "dnsd/stats_show.h"
#include "lib/base/mem.h"
#include "lib/log.h"

enum { HEAP_KEPT_BYTES = 16 * 1024 * 1024 };

static int usage(FILE *out)
{
	fputs("usage: tandem-dnsd -c FILE [--stats]\n"
	      "Answers the DNS, from a view of the controllers or from zone files: "
	      "tandem-dnsd(8).\n"
	      "  --stats  print what the running server counts, and end\n",
	    out);
	return out == stdout ? EXIT_SUCCESS : 2;
}

/* Asks the server that runs with this file. */
static int stats_print_of(const char *path)
{
	struct config_dnsd config;
	struct config_errors errors = {0};
	struct err e = {0};
	struct buf table = {0};
	int r = config_dnsd_load(path, &config, &errors);
	for (size_t i = 0; i < errors.count; i++)
		(void)fprintf(stderr, "%s\n", errors.lines[i]);
	if (r == 0 && !config.common.metrics)
		r = err_set(&e, E_NOT_FOUND, "%s: no metrics, expected where to ask", path);
	else if (r == 0)
		r = stats_show(config.common.metrics, &table, &e);
	if (e.code != 0)
		(void)fprintf(stderr, "tandem-dnsd: %s\n", e.text);
	if (r == 0)
		fputs(buf_text(&table), stdout);
	buf_free(&table);
	config_errors_free(&errors);
	config_dnsd_free(&config);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'}, {"stats", no_argument, NULL, 's'}, {0}};
	const char *path = NULL;
	bool wants_stats = false;
	struct err e = {0};
	int option;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 's')
			wants_stats = true;
		else if (option != 'c')
			return usage(option == 'h' ? stdout : stderr);
		else
			path = optarg;
	}
	if (!path || optind != argc)
		return usage(stderr);
	if (wants_stats)
		return stats_print_of(path);
	/* ldns takes and gives back tens of kilobytes a record; at the top of the heap that would
	 * be a brk(2) each, and most of the time a large zone needs to load. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	log_open("tandem-dnsd", LOG_LEVEL_INFO);
	struct daemon *d = daemon_new(path);
	if (!d)
		return EXIT_FAILURE;
	int r = daemon_start(d, &e);
	if (r == 0)
		r = daemon_run(d);
	else
		log_error("%s", e.text);
	daemon_free(d);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
