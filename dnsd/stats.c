/* Counters and their Prometheus text. */
#include "dnsd/stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/metrics.h"

static const struct {
	uint16_t type;
	const char *name;
} types[STATS_TYPES] = {
    {TYPE_A, "A"}, {TYPE_AAAA, "AAAA"}, {TYPE_MX, "MX"}, {TYPE_TXT, "TXT"}, {TYPE_NS, "NS"},
    {TYPE_SOA, "SOA"}, {TYPE_CNAME, "CNAME"}, {TYPE_PTR, "PTR"}, {TYPE_SRV, "SRV"},
    {TYPE_CAA, "CAA"}, {TYPE_ANY, "ANY"}, {TYPE_AXFR, "AXFR"},
    {0, "other"}, /* last: what no row above names */
};

static const char *const rcodes[STATS_RCODES] = {/* NULL: never given */
    [RCODE_NOERROR] = "NOERROR",
    [RCODE_FORMERR] = "FORMERR",
    [RCODE_SERVFAIL] = "SERVFAIL",
    [RCODE_NXDOMAIN] = "NXDOMAIN",
    [RCODE_NOTIMP] = "NOTIMP",
    [RCODE_REFUSED] = "REFUSED",
    [RCODE_YXDOMAIN] = "YXDOMAIN",
    [RCODE_NOTAUTH] = "NOTAUTH",
    [RCODE_BADVERS] = "BADVERS",
    [RCODE_BADCOOKIE] = "BADCOOKIE"};

static const char *const transports[STATS_TRANSPORTS] = {"udp", "tcp"};

struct stats *stats_new(size_t count)
{
	assert(count > 0 && count < 1024);
	struct stats *s = aligned_alloc(alignof(struct stats), count * sizeof(*s));
	assert(s);
	memset(s, 0, count * sizeof(*s));
	return s;
}

void stats_count(
    struct stats *s, enum stats_transport transport, const struct answer_facts *facts, size_t bytes)
{
	size_t row = 0;
	if (bytes == 0) {
		stats_add(&s->dropped, 1);
		return;
	}
	while (row < STATS_TYPES - 1 && types[row].type != facts->type)
		row++;
	stats_add(&s->queries[transport][row], 1);
	stats_add(&s->answers[transport][facts->rcode < STATS_RCODES ? facts->rcode : 0], 1);
	if (facts->truncated)
		stats_add(&s->truncated, 1);
}

void stats_count_signatures(struct stats *s, struct signer *signer)
{
	stats_add_signatures(s, signer_counts_take(signer));
}

void stats_add_signatures(struct stats *s, struct signer_counts counts)
{
	if (counts.made + counts.remembered + counts.starved == 0)
		return;
	stats_add(&s->signatures_made, counts.made);
	stats_add(&s->signatures_remembered, counts.remembered);
	stats_add(&s->signatures_starved, counts.starved);
}

/* The same counter of all threads: `offset` is its place in struct stats. */
static double sum(const struct stats *threads, size_t count, size_t offset)
{
	uint64_t total = 0;
	for (size_t i = 0; i < count; i++) {
		const void *at = (const char *)&threads[i] + offset;
		total +=
		    atomic_load_explicit((const atomic_uint_fast64_t *)at, memory_order_relaxed);
	}
	return (double)total;
}

#define SUM(field) sum(threads, count, offsetof(struct stats, field))

static void single(struct buf *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "counter", help);
	metrics_value(out, name, NULL, value);
}

static void latencies_print(const struct stats *threads, size_t count, struct buf *out)
{
	static const char name[] = "tandem_dnsd_latency_seconds";
	metrics_family(out, name, "histogram",
	    "from reading a query to handing its answer to the kernel, a sample of 1 in 16");
	for (size_t t = 0; t < STATS_TRANSPORTS; t++) {
		struct latency_sum sum = {{0}, 0};
		for (size_t i = 0; i < count; i++)
			latency_sum_add(&sum, &threads[i].latency[t]);
		latency_print(&sum, name, transports[t], out);
	}
}

static void traffic_print(const struct stats *threads, size_t count, struct buf *out)
{
	static const char queries[] = "tandem_dnsd_queries_total";
	static const char answers[] = "tandem_dnsd_answers_total";
	metrics_family(out, queries, "counter", "queries answered, by transport and type");
	for (size_t t = 0; t < STATS_TRANSPORTS; t++)
		for (size_t i = 0; i < STATS_TYPES; i++) {
			const char *labels[] = {
			    "transport", transports[t], "type", types[i].name, NULL};
			size_t at = offsetof(struct stats, queries) +
			            (t * STATS_TYPES + i) * sizeof(atomic_uint_fast64_t);
			metrics_value(out, queries, labels, sum(threads, count, at));
		}
	metrics_family(out, answers, "counter", "answers sent, by transport and rcode");
	for (size_t t = 0; t < STATS_TRANSPORTS; t++)
		for (size_t i = 0; i < STATS_RCODES; i++) {
			if (!rcodes[i])
				continue;
			const char *labels[] = {
			    "transport", transports[t], "rcode", rcodes[i], NULL};
			size_t at = offsetof(struct stats, answers) +
			            (t * STATS_RCODES + i) * sizeof(atomic_uint_fast64_t);
			metrics_value(out, answers, labels, sum(threads, count, at));
		}
}

void stats_print(const struct stats *threads, size_t count, struct buf *out)
{
	static const char taps[] = "tandem_dnsd_dnstap_frames_total";
	static const char limited[] = "tandem_dnsd_rate_limited_total";
	static const char transfers[] = "tandem_dnsd_transfers_total";
	static const char *const kinds[] = {"whole", "difference", "current"};
	traffic_print(threads, count, out);
	single(out, "tandem_dnsd_truncated_total", "answers cut with TC", SUM(truncated));
	single(out, "tandem_dnsd_dropped_total", "messages that got no answer", SUM(dropped));
	single(out, "tandem_dnsd_send_failed_total", "answers the kernel did not take",
	    SUM(send_failed));
	single(out, "tandem_dnsd_cookies_valid_total", "queries with a valid server cookie",
	    SUM(cookies_valid));
	single(out, "tandem_dnsd_proxy_refused_total", "messages of proxies without a sound header",
	    SUM(proxy_refused));
	metrics_family(
	    out, transfers, "counter", "zone transfers that were begun, by what was given");
	for (size_t i = 0; i < 3; i++)
		metrics_value(out, transfers, (const char *[]){"kind", kinds[i], NULL},
		    sum(threads, count,
		        offsetof(struct stats, transfers) + i * sizeof(atomic_uint_fast64_t)));
	single(out, "tandem_dnsd_transfers_cut_total",
	    "zone transfers that were not taken to their end", SUM(transfers_cut));
	single(out, "tandem_dnsd_transfers_refused_total",
	    "zone transfers that were not begun: not allowed, no such zone, too many at once",
	    SUM(transfers_refused));
	single(out, "tandem_dnsd_tsig_verified_total", "queries with a valid TSIG signature",
	    SUM(tsig_verified));
	single(out, "tandem_dnsd_tsig_refused_total", "queries with a TSIG signature that is not",
	    SUM(tsig_refused));
	metrics_family(
	    out, limited, "counter", "answers over the rate limit, by what became of them");
	metrics_value(out, limited, (const char *[]){"action", "drop", NULL}, SUM(rate_dropped));
	metrics_value(out, limited, (const char *[]){"action", "slip", NULL}, SUM(rate_slipped));
	metrics_value(out, limited, (const char *[]){"action", "dry run", NULL}, SUM(rate_dry));
	single(out, "tandem_dnsd_signatures_made_total", "DNSSEC signatures computed",
	    SUM(signatures_made));
	single(out, "tandem_dnsd_signatures_remembered_total", "DNSSEC signatures from the cache",
	    SUM(signatures_remembered));
	single(out, "tandem_dnsd_signatures_starved_total",
	    "DNSSEC signatures there was no time for: answered with TC", SUM(signatures_starved));
	single(
	    out, "tandem_dnsd_tcp_connections_total", "connections accepted", SUM(tcp_connections));
	single(out, "tandem_dnsd_tcp_cut_total", "connections cut for being idle, slow or too many",
	    SUM(tcp_cut));
	metrics_family(out, taps, "counter", "dnstap frames, by what became of them");
	metrics_value(out, taps, (const char *[]){"result", "queued", NULL}, SUM(tap_sent));
	metrics_value(out, taps, (const char *[]){"result", "lost", NULL}, SUM(tap_lost));
	latencies_print(threads, count, out);
}
