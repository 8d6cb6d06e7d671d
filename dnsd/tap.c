/* dnstap by libfstrm. The stream below it is ours: libfstrm's own would not tell whether anybody
 * collects, and would wait for ever for a collector that hangs. */
#include "dnsd/tap.h"

#include <errno.h>
#include <fstrm.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dnsd/guard.h"
#include "lib/base/mem.h"

/* libfstrm hands frames from thread to thread by barriers that ThreadSanitizer does not see: told
 * here. What it does with its own ring, tests/e2e/tandemworld/thread-sanitizer.supp leaves out. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define FRAME_GIVEN(frame) __tsan_release(frame)
#define FRAME_TAKEN(frame) __tsan_acquire(frame)
#else
#define FRAME_GIVEN(frame) ((void)0)
#define FRAME_TAKEN(frame) ((void)0)
#endif

enum {
	QUEUE_FRAMES = 2048, /* of each thread; a power of two */
	REOPEN_S = 1,
	STALL_S = 2, /* of a collector: then it counts as gone */
};
static const char content_type[] = "protobuf:dnstap.Dnstap";

struct tap {
	struct sockaddr_un at;
	int fd; /* of libfstrm's thread; -1: nobody collects */
	atomic_bool is_open;
	char *identity; /* NULL: none */
	struct fstrm_iothr *writer;
	struct tap_pipe *pipes;
	size_t pipes_count;
};

/* --- the stream, called by libfstrm's thread ------------------------------------------------ */

static fstrm_res stream_open(void *ctx)
{
	struct tap *t = ctx;
	const struct timeval patience = {.tv_sec = STALL_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fstrm_res_failure;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    connect(fd, (const struct sockaddr *)&t->at, sizeof(t->at)) != 0) {
		close(fd);
		return fstrm_res_failure;
	}
	t->fd = fd;
	atomic_store(&t->is_open, true);
	return fstrm_res_success;
}

static fstrm_res stream_close(void *ctx)
{
	struct tap *t = ctx;
	atomic_store(&t->is_open, false);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	return fstrm_res_success;
}

static fstrm_res stream_read(void *ctx, void *data, size_t bytes)
{
	const struct tap *t = ctx;
	for (size_t got = 0; got < bytes;) {
		ssize_t n = recv(t->fd, (char *)data + got, bytes - got, 0);
		if (n == 0)
			return fstrm_res_stop;
		if (n < 0 && errno != EINTR)
			return fstrm_res_failure;
		got += n > 0 ? (size_t)n : 0;
	}
	return fstrm_res_success;
}

static fstrm_res stream_write(void *ctx, const struct iovec *vectors, int count)
{
	const struct tap *t = ctx;
	for (int i = 0; i < count; i++) {
		FRAME_TAKEN(vectors[i].iov_base);
		for (size_t put = 0; put < vectors[i].iov_len;) {
			const char *at = vectors[i].iov_base;
			int more = i + 1 < count ? MSG_MORE : 0;
			ssize_t n =
			    send(t->fd, at + put, vectors[i].iov_len - put, MSG_NOSIGNAL | more);
			if (n < 0 && errno != EINTR)
				return fstrm_res_failure;
			put += n > 0 ? (size_t)n : 0;
		}
	}
	return fstrm_res_success;
}

static void frame_free(void *frame, void *ctx)
{
	(void)ctx;
	FRAME_TAKEN(frame);
	free(frame);
}

static struct fstrm_writer *writer_new(struct tap *t)
{
	struct fstrm_writer_options *o = fstrm_writer_options_init();
	struct fstrm_rdwr *stream = fstrm_rdwr_init(t);
	struct fstrm_writer *w = NULL;
	fstrm_rdwr_set_open(stream, stream_open);
	fstrm_rdwr_set_close(stream, stream_close);
	fstrm_rdwr_set_read(stream, stream_read);
	fstrm_rdwr_set_write(stream, stream_write);
	if (fstrm_writer_options_add_content_type(o, content_type, sizeof(content_type) - 1) ==
	    fstrm_res_success)
		w = fstrm_writer_init(o, &stream);
	fstrm_rdwr_destroy(&stream); /* NULL when the writer has taken it over */
	fstrm_writer_options_destroy(&o);
	return w;
}

/* Signals belong to the main thread. */
static struct fstrm_iothr *thread_new(struct fstrm_writer **w, size_t queues)
{
	sigset_t all, former;
	struct fstrm_iothr_options *o = fstrm_iothr_options_init();
	struct fstrm_iothr *thread = NULL;
	fstrm_iothr_options_set_input_queue_size(o, QUEUE_FRAMES);
	fstrm_iothr_options_set_num_input_queues(o, (unsigned)queues);
	fstrm_iothr_options_set_reopen_interval(o, REOPEN_S);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	thread = fstrm_iothr_init(o, w);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	fstrm_iothr_options_destroy(&o);
	return thread;
}

/* --- life ----------------------------------------------------------------------------------- */

int tap_new(const struct config_dnsd *config, struct stats *stats, size_t threads, struct tap **out,
    struct err *e)
{
	*out = NULL;
	if (!config->dnstap_socket)
		return 0;
	struct tap *t = mem_new(1, sizeof(*t));
	t->fd = -1;
	t->at.sun_family = AF_UNIX;
	int n = snprintf(t->at.sun_path, sizeof(t->at.sun_path), "%s", config->dnstap_socket);
	if (n < 0 || (size_t)n >= sizeof(t->at.sun_path)) {
		free(t);
		return err_set(e, E_LIMIT, "dnstap: \"%s\" is too long for a socket's path",
		    config->dnstap_socket);
	}
	struct fstrm_writer *w = writer_new(t);
	t->writer = w ? thread_new(&w, threads) : NULL;
	if (!t->writer) {
		fstrm_writer_destroy(&w);
		free(t);
		return err_set(e, E_IO, "dnstap: can not start the writer");
	}
	const char *identity =
	    config->dnstap_identity ? config->dnstap_identity : config->common.name;
	t->identity = identity ? mem_strdup(identity) : NULL;
	t->pipes = mem_new(threads, sizeof(*t->pipes));
	t->pipes_count = threads;
	for (size_t i = 0; i < threads; i++)
		t->pipes[i] = (struct tap_pipe){.tap = t,
		    .queue = fstrm_iothr_get_input_queue_idx(t->writer, i),
		    .stats = &stats[i],
		    .wants_queries = config->dnstap_queries,
		    .wants_responses = config->dnstap_responses};
	*out = t;
	return 0;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	fstrm_iothr_destroy(&t->writer);
	free(t->pipes);
	free(t->identity);
	free(t);
}

struct tap_pipe *tap_pipe(struct tap *t, size_t thread)
{
	return t && thread < t->pipes_count ? &t->pipes[thread] : NULL;
}

/* --- what is put in ------------------------------------------------------------------------- */

void tap_put(struct tap_pipe *p, const struct tap_event *event)
{
	if (event->type == TAP_QUERY ? !p->wants_queries : !p->wants_responses)
		return;
	if (!atomic_load_explicit(&p->tap->is_open, memory_order_relaxed)) {
		stats_add(&p->stats->tap_lost, 1);
		return;
	}
	uint8_t *frame = mem_resize(NULL, TAP_FRAME_BYTES + event->message_bytes, 1);
	size_t bytes = tap_frame(event, p->tap->identity, "tandem-dnsd", frame);
	FRAME_GIVEN(frame);
	if (fstrm_iothr_submit(p->tap->writer, p->queue, frame, bytes, frame_free, NULL) ==
	    fstrm_res_success) {
		stats_add(&p->stats->tap_sent, 1);
		return;
	}
	free(frame);
	stats_add(&p->stats->tap_lost, 1);
}

void tap_time(struct timespec *out)
{
	clock_gettime(CLOCK_REALTIME, out);
}

struct addr tap_address(const struct sockaddr_storage *a, uint16_t *port)
{
	*port = ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
	                                      : ((const struct sockaddr_in6 *)a)->sin6_port);
	return guard_address(a);
}
