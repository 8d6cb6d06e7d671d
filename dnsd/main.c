/* tandem-dnsd: answers the DNS, from a view of the controllers or from zone files. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/daemon_load.h"
#include "dnsd/daemon.h"
#include "dnsd/stats_show.h"
#include "lib/base/mem.h"
#include "lib/log.h"
#include "lib/loop.h"

enum { HEAP_KEPT_BYTES = 16 * 1024 * 1024 };

static int usage(FILE *out)
{
	fputs("usage: tandem-dnsd -c FILE [--take-over [--detach] | --stats]\n"
	      "Answers the DNS, from a view of the controllers or from zone files: "
	      "tandem-dnsd(8).\n"
	      "  --take-over  take sockets and view from the running server, which then ends\n"
	      "  --detach     go into the background as soon as that is done\n"
	      "  --stats      print what the running server counts, and end\n",
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

/* The child goes on; the parent ends as soon as the child answers, or with an error if it does not.
 * Gives the child where to tell. */
static int detach(void)
{
	int ends[2], status = 0;
	char answers;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid_t child = fork();
	if (child < 0)
		return -1;
	if (child == 0) {
		(void)close(ends[0]);
		(void)setsid();
		return ends[1];
	}
	(void)close(ends[1]);
	if (read(ends[0], &answers, 1) == 1)
		_exit(EXIT_SUCCESS);
	(void)waitpid(child, &status, 0);
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static int serve(const char *path, bool takes_over, bool detaches)
{
	struct err e = {0};
	int parent = -1;
	/* ldns takes and gives back tens of kilobytes a record; at the top of the heap that would
	 * be a brk(2) each, and most of the time a large zone needs to load. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	log_open("tandem-dnsd", LOG_LEVEL_INFO);
	if (detaches && (parent = detach()) < 0) {
		log_error("can not go into the background: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	loop_hold_signals(); /* not of whom it detached from, who only waits */
	struct daemon *d = daemon_new(path, takes_over);
	if (!d)
		return EXIT_FAILURE;
	int r = daemon_start(d, &e);
	if (r != 0)
		log_error("%s", e.text);
	if (r == 0 && parent >= 0) {
		(void)!write(parent, "1", 1);
		(void)close(parent);
	}
	if (r == 0)
		r = daemon_run(d);
	daemon_free(d);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
	    {"stats", no_argument, NULL, 's'}, {"take-over", no_argument, NULL, 't'},
	    {"detach", no_argument, NULL, 'd'}, {0}};
	const char *path = NULL;
	bool wants_stats = false, takes_over = false, detaches = false;
	int option;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 's')
			wants_stats = true;
		else if (option == 't')
			takes_over = true;
		else if (option == 'd')
			detaches = true;
		else if (option != 'c')
			return usage(option == 'h' ? stdout : stderr);
		else
			path = optarg;
	}
	if (!path || optind != argc || (wants_stats && takes_over) || (detaches && !takes_over))
		return usage(stderr);
	return wants_stats ? stats_print_of(path) : serve(path, takes_over, detaches);
}
