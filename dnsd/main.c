/* tandem-dnsd: answers the DNS, from a view of the controllers or from zone files. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dnsd/daemon.h"
#include "lib/base/mem.h"
#include "lib/log.h"

enum { HEAP_KEPT_BYTES = 16 * 1024 * 1024 };

static int usage(FILE *out)
{
	fputs("usage: tandem-dnsd -c FILE\n"
	      "Answers the DNS, from a view of the controllers or from zone files: "
	      "tandem-dnsd(8).\n",
	    out);
	return out == stdout ? EXIT_SUCCESS : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	const char *path = NULL;
	struct err e = {0};
	int option;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option != 'c')
			return usage(option == 'h' ? stdout : stderr);
		path = optarg;
	}
	if (!path || optind != argc)
		return usage(stderr);
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
