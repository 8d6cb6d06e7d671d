/* tandem-dnsd --stats: metrics fetched, and laid out. */
#include "dnsd/stats_show.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
	ANSWER_BYTES = 1024 * 1024,
	TIMEOUT_MS = 5000,
	TEXT_COLUMNS = 64,  /* of what is counted */
	LABEL_COLUMNS = 62, /* the same, set in by 2 */
	NUMBER_COLUMNS = 14,
};

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
	struct buf *b = ctx;
	if (b->bytes + size * count > ANSWER_BYTES)
		return 0; /* makes curl give up */
	buf_add(b, data, size * count);
	return size * count;
}

/* "[::1]@9" and "::1@9" become http://[::1]:9/metrics. The caller frees. */
static char *url_of(const char *metrics)
{
	const char *at = strchr(metrics, '@');
	int host_bytes = (int)(at - metrics);
	bool bare_v6 = metrics[0] != '[' && memchr(metrics, ':', (size_t)host_bytes);
	return mem_printf("http://%s%.*s%s:%s/metrics", bare_v6 ? "[" : "", host_bytes, metrics,
	    bare_v6 ? "]" : "", at + 1);
}

int stats_show(const char *metrics, struct buf *out, struct err *e)
{
	struct buf body = {0};
	long status = 0;
	CURL *curl = curl_easy_init();
	if (!curl)
		return err_set(e, E_IO, "can not make a curl handle");
	char *url = url_of(metrics);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	CURLcode result = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	int r = 0;
	if (result != CURLE_OK)
		r = err_set(e, E_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(result));
	else if (status != 200 || !strstr(buf_text(&body), "tandem_dnsd_"))
		r = err_set(e, E_INVALID, "%s: found no tandem-dnsd there", url);
	else
		stats_table(buf_text(&body), out);
	curl_easy_cleanup(curl);
	free(url);
	buf_free(&body);
	return r;
}

/* One line of the text: `name` ends at the first blank or brace. */
struct sample {
	const char *name, *labels, *value;
	size_t name_bytes, labels_bytes, value_bytes;
};

static bool sample_read(const char *line, size_t bytes, struct sample *s)
{
	s->name = line;
	s->name_bytes = strcspn(line, " {\n");
	if (bytes == 0 || line[0] == '#' || s->name_bytes >= bytes)
		return false;
	s->labels = line + s->name_bytes;
	s->labels_bytes = 0;
	const char *end = line + bytes, *value = line + s->name_bytes;
	if (*value == '{') {
		bool quoted = false;
		for (value++; value < end && (quoted || *value != '}'); value++) {
			if (*value == '\\' && value + 1 < end)
				value++;
			else if (*value == '"')
				quoted = !quoted;
		}
		if (value == end)
			return false;
		value++;
		s->labels_bytes = (size_t)(value - s->labels);
	}
	while (value < end && *value == ' ')
		value++;
	s->value = value;
	s->value_bytes = (size_t)(end - value);
	return s->value_bytes > 0;
}

static bool ends_in(const struct sample *s, const char *end)
{
	size_t bytes = strlen(end);
	return s->name_bytes > bytes && memcmp(s->name + s->name_bytes - bytes, end, bytes) == 0;
}

/* The labels' values, one blank between them: {transport="udp",type="A"} is "udp A". Of a histogram
 * the edges are told as such, and what stands behind them. */
static void labels_print(const struct sample *s, struct buf *out)
{
	static const char edge[] = "le=";
	bool quoted = false, first = true;
	for (const char *at = s->labels; at < s->labels + s->labels_bytes; at++) {
		if (*at == '"') {
			quoted = !quoted;
			if (quoted && !first)
				buf_puts(out, " ");
			if (quoted && at - s->labels > 3 && memcmp(at - 3, edge, 3) == 0)
				buf_puts(out, "up to ");
			first = false;
		} else if (quoted) {
			at += *at == '\\' && at + 1 < s->labels + s->labels_bytes;
			buf_add(out, at, 1);
		}
	}
	if (ends_in(s, "_sum"))
		buf_puts(out, " in all");
	else if (ends_in(s, "_count"))
		buf_puts(out, " measured");
}

static void sample_print(
    const struct sample *s, const char *help, size_t help_bytes, const char **told, struct buf *out)
{
	struct buf labels = {0};
	if (s->labels_bytes == 0) {
		buf_printf(out, "%-*.*s%*.*s\n", TEXT_COLUMNS, (int)help_bytes, help,
		    NUMBER_COLUMNS, (int)s->value_bytes, s->value);
		return;
	}
	if (s->value_bytes == 1 && s->value[0] == '0')
		return;
	if (*told != help)
		buf_printf(out, "%.*s\n", (int)help_bytes, help);
	*told = help;
	labels_print(s, &labels);
	buf_printf(out, "  %-*s%*.*s\n", LABEL_COLUMNS, buf_text(&labels), NUMBER_COLUMNS,
	    (int)s->value_bytes, s->value);
	buf_free(&labels);
}

void stats_table(const char *prometheus, struct buf *out)
{
	static const char head[] = "# HELP ";
	const char *help = "", *told = NULL;
	size_t help_bytes = 0;
	for (const char *line = prometheus; *line;) {
		size_t bytes = strcspn(line, "\n");
		struct sample s;
		if (strncmp(line, head, sizeof(head) - 1) == 0) {
			help = line + sizeof(head) - 1;
			help += strcspn(help, " \n");
			help += *help == ' ';
			help_bytes = strcspn(help, "\n");
		} else if (sample_read(line, bytes, &s)) {
			sample_print(&s, help, help_bytes, &told, out);
		}
		line += bytes + (line[bytes] == '\n');
	}
}
