/* tandem-dnsd: answers the DNS, from a view of the controllers or from zone files. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/daemon_load.h"
#include "dnsd/tcp.h"
#include "dnsd/udp.h"
#include "dnsd/zone_files.h"
#include "lib/base/mem.h"
#include "lib/log.h"
#include "lib/loop.h"

struct daemon {
	const char *path;
	struct config_dnsd config;
	struct loop *loop;
	struct snapshot_seat seat;
	struct stats *stats; /* one a UDP worker, the last is TCP's */
	size_t stats_count;
	struct udp *udp;
	struct tcp *tcp;
	struct zone_files files; /* alone */
};

static int usage(FILE *out)
{
	fputs("usage: tandem-dnsd -c FILE\n"
	      "Answers the DNS, from a view of the controllers or from zone files: "
	      "tandem-dnsd(8).\n",
	    out);
	return out == stdout ? EXIT_SUCCESS : 2;
}

static int config_load(const char *path, struct config_dnsd *out)
{
	struct config_errors errors = {0};
	int r = config_dnsd_load(path, out, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.lines[i]);
	config_errors_free(&errors);
	if (r != 0)
		config_dnsd_free(out);
	return r;
}

/* Binds TCP first: it notices another server on the port. */
static int transports_start(struct daemon *d, struct err *e)
{
	struct socket_address addresses[UDP_LISTEN_MAX];
	int listeners[UDP_LISTEN_MAX], r = 0;
	size_t count = d->config.common.listen_count, bound = 0;
	if (count > UDP_LISTEN_MAX)
		return err_set(e, E_LIMIT, "listen: found %zu addresses, at most %d are possible",
		    count, UDP_LISTEN_MAX);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = socket_address_parse(d->config.common.listen[i], &addresses[i], e);
	for (; r == 0 && bound < count; bound++) {
		listeners[bound] = socket_tcp_open(&addresses[bound], e);
		if (listeners[bound] < 0) {
			r = listeners[bound];
			break;
		}
	}
	d->stats_count = d->config.workers + 1;
	d->stats = stats_new(d->stats_count);
	if (r == 0)
		r = udp_start(addresses, count, d->config.workers, &d->seat, d->stats, &d->udp, e);
	if (r == 0)
		return tcp_start(listeners, bound, &TCP_LIMITS, &d->seat,
		    &d->stats[d->stats_count - 1], &d->tcp, e);
	while (bound > 0)
		close(listeners[--bound]);
	return r;
}

static int zones_load(struct daemon *d, struct err *e)
{
	struct snapshot *s;
	int r = zone_files_load(&d->files, d->config.zones, d->config.zones_count, &s, e);
	if (r == 0) {
		snapshot_swap(&d->seat, s);
		log_info("serving %zu zones with %zu names", s->catalog->zones_count,
		    s->catalog->nodes_count);
	}
	return r;
}

static void on_reload(void *ctx)
{
	struct daemon *d = ctx;
	struct config_dnsd fresh;
	struct err e = {0};
	if (config_load(d->path, &fresh) != 0) {
		log_error("reload refused, everything stays as it was");
		return;
	}
	config_dnsd_free(&d->config);
	d->config = fresh;
	log_open("tandem-dnsd", d->config.common.log);
	if (zones_load(d, &e) != 0)
		log_error("reload refused, the zones stay as they were: %s", e.text);
}

static int daemon_start(struct daemon *d, struct err *e)
{
	int r = loop_new(&d->loop, e);
	if (r == 0)
		r = zones_load(d, e);
	if (r == 0)
		r = transports_start(d, e);
	return r;
}

static void daemon_stop(struct daemon *d)
{
	udp_stop(d->udp);
	tcp_stop(d->tcp);
	snapshot_swap(&d->seat, NULL);
	zone_files_free(&d->files);
	free(d->stats);
	loop_free(d->loop);
	config_dnsd_free(&d->config);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct daemon d = {0};
	struct err e = {0};
	int option;
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option != 'c')
			return usage(option == 'h' ? stdout : stderr);
		d.path = optarg;
	}
	if (!d.path || optind != argc)
		return usage(stderr);
	log_open("tandem-dnsd", LOG_LEVEL_INFO);
	if (config_load(d.path, &d.config) != 0)
		return EXIT_FAILURE;
	log_open("tandem-dnsd", d.config.common.log);
	int r = daemon_start(&d, &e);
	if (r == 0) {
		loop_on_reload(d.loop, on_reload, &d);
		loop_notify_ready();
		r = loop_run(d.loop);
	} else {
		log_error("%s", e.text);
	}
	daemon_stop(&d);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
