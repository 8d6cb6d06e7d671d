/* Real etcd members as children, on ephemeral loopback ports with data in a temporary folder. */
#ifndef TANDEM_TESTS_ETCD_RIG_H
#define TANDEM_TESTS_ETCD_RIG_H

#include "store_rig.h"

#include "lib/pki.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ETCD_PROGRAM "/usr/bin/etcd"
#define ETCD_MEMBERS 3

struct etcd_rig {
	char folder[64];
	size_t members_count;
	pid_t members[ETCD_MEMBERS];
	unsigned client_ports[ETCD_MEMBERS];
	unsigned peer_ports[ETCD_MEMBERS];
	char urls[ETCD_MEMBERS][64];
	const char *endpoints[ETCD_MEMBERS];
	bool secure; /* mutual TLS with a CA of its own, made in the folder */
	char ca[96], certificate[96], key[96];
};

static inline bool etcd_rig_missing(void)
{
	if (access(ETCD_PROGRAM, X_OK) == 0)
		return false;
	print_message("skipped: " ETCD_PROGRAM " is not installed (Debian: etcd-server)\n");
	return true;
}

/* A port nobody has now, below the range the kernel gives to outgoing connections, so that none
 * of those takes it before etcd does or while a member is down. */
static inline unsigned port_free(void)
{
	static unsigned next;
	if (next == 0)
		next = 12000 + (unsigned)getpid() % 9000 * 2;
	for (;;) {
		struct sockaddr_in a = {.sin_family = AF_INET,
		    .sin_port = htons((uint16_t)++next),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fd >= 0);
		int bound = bind(fd, (struct sockaddr *)&a, sizeof(a));
		close(fd);
		if (bound == 0)
			return next;
	}
}

static inline void etcd_member_start(struct etcd_rig *r, size_t i)
{
	char name[8], data[128], client[64], peer[64], log[128], cluster[256] = "";
	snprintf(name, sizeof(name), "m%zu", i);
	snprintf(data, sizeof(data), "%s/m%zu", r->folder, i);
	snprintf(log, sizeof(log), "%s/m%zu.log", r->folder, i);
	snprintf(client, sizeof(client), "%s://127.0.0.1:%u", r->secure ? "https" : "http",
	    r->client_ports[i]);
	snprintf(peer, sizeof(peer), "http://127.0.0.1:%u", r->peer_ports[i]);
	for (size_t j = 0; j < r->members_count; j++)
		snprintf(cluster + strlen(cluster), sizeof(cluster) - strlen(cluster),
		    "%sm%zu=http://127.0.0.1:%u", j > 0 ? "," : "", j, r->peer_ports[j]);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		if (r->secure) {
			setenv("ETCD_CERT_FILE", r->certificate, 1);
			setenv("ETCD_KEY_FILE", r->key, 1);
			setenv("ETCD_TRUSTED_CA_FILE", r->ca, 1);
			setenv("ETCD_CLIENT_CERT_AUTH", "true", 1);
		}
		execl(ETCD_PROGRAM, "etcd", "--name", name, "--data-dir", data,
		    "--listen-client-urls", client, "--advertise-client-urls", client,
		    "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		    "--initial-cluster", cluster, "--heartbeat-interval", "50",
		    "--election-timeout", "500", "--pre-vote", "--logger", "zap", "--log-level",
		    "error", (char *)NULL);
		_exit(127);
	}
	r->members[i] = pid;
}

static inline void etcd_member_end(struct etcd_rig *r, size_t i)
{
	if (r->members[i] == 0)
		return;
	kill(r->members[i], SIGKILL);
	kill(r->members[i], SIGCONT);
	waitpid(r->members[i], NULL, 0);
	r->members[i] = 0;
}

/* Prepares without starting; the URLs are known afterwards. */
static inline void etcd_rig_init(struct etcd_rig *r, size_t members_count)
{
	*r = (struct etcd_rig){.members_count = members_count};
	rig_folder_make(r->folder);
	for (size_t i = 0; i < members_count; i++) {
		r->client_ports[i] = port_free();
		r->peer_ports[i] = port_free();
		snprintf(r->urls[i], sizeof(r->urls[i]), "http://127.0.0.1:%u", r->client_ports[i]);
		r->endpoints[i] = r->urls[i];
	}
}

/* After etcd_rig_init, before the members start. */
static inline void etcd_rig_secure(struct etcd_rig *r)
{
	static const char *const addresses[] = {"127.0.0.1"};
	const struct pki_request request = {
	    .identity = {.role = TLS_ROLE_CONTROLD, .site = "muc", .name = "etcd"},
	    .addresses = addresses,
	    .addresses_count = 1,
	    .days = 1};
	char folder[80];
	struct err e;
	snprintf(folder, sizeof(folder), "%s/pki", r->folder);
	assert_int_equal(pki_init(folder, "test", &e), 0);
	assert_int_equal(pki_issue(folder, "etcd", &request, &e), 0);
	snprintf(r->ca, sizeof(r->ca), "%s/ca.crt", folder);
	snprintf(r->certificate, sizeof(r->certificate), "%s/etcd.crt", folder);
	snprintf(r->key, sizeof(r->key), "%s/etcd.key", folder);
	r->secure = true;
	for (size_t i = 0; i < r->members_count; i++)
		snprintf(
		    r->urls[i], sizeof(r->urls[i]), "https://127.0.0.1:%u", r->client_ports[i]);
}

/* `first`: the preferred endpoint. Timeouts of 0 are the defaults. */
static inline struct store *etcd_rig_open(struct etcd_rig *r, struct event_base *base, size_t first,
    unsigned request_ms, unsigned total_ms)
{
	const char *endpoints[ETCD_MEMBERS];
	for (size_t i = 0; i < r->members_count; i++)
		endpoints[i] = r->endpoints[(first + i) % r->members_count];
	const struct store_etcd_options options = {.endpoints = endpoints,
	    .endpoints_count = r->members_count,
	    .request_timeout_ms = request_ms,
	    .total_timeout_ms = total_ms,
	    .tls = {r->secure ? r->ca : NULL, r->secure ? r->certificate : NULL,
	        r->secure ? r->key : NULL}};
	struct store *s = NULL;
	struct err e = {0};
	if (store_etcd_open(base, &options, &s, &e) != 0)
		fail_msg("%s", e.text);
	return s;
}

/* Until the cluster answers. */
static inline void etcd_rig_wait(struct rig *rig)
{
	struct rig_result r = {.result = -1};
	for (int tries = 0; r.result != 0; tries++) {
		assert_true(tries < 10);
		rig_result_free(&r);
		r = rig_get(rig, "/tandem/none");
	}
	rig_result_free(&r);
}

static inline void etcd_rig_release(struct etcd_rig *r)
{
	for (size_t i = 0; i < r->members_count; i++)
		etcd_member_end(r, i);
	if (getenv("ETCD_RIG_KEEP") == NULL)
		rig_folder_remove(r->folder);
}

#endif
