/* Prometheus text: families and samples. */
#include "lib/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void metrics_escape(struct buf *out, const char *text, int quotes)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			buf_puts(out, "\\\\");
		else if (*p == '\n')
			buf_puts(out, "\\n");
		else if (*p == '"' && quotes)
			buf_puts(out, "\\\"");
		else
			buf_add(out, p, 1);
	}
}

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s ", name);
	metrics_escape(out, help, 0);
	buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void metrics_number(struct buf *out, double value)
{
	if (isnan(value)) {
		buf_puts(out, "NaN");
	} else if (isinf(value)) {
		buf_puts(out, value > 0 ? "+Inf" : "-Inf");
	} else {
		char text[32];
		(void)snprintf(text, sizeof(text), "%.15g", value);
		double back = strtod(text, NULL);
		if (back < value || back > value)
			(void)snprintf(text, sizeof(text), "%.17g", value);
		buf_puts(out, text);
	}
}

void metrics_value(struct buf *out, const char *name, const char *const *labels, double value)
{
	buf_puts(out, name);
	for (size_t i = 0; labels && labels[i]; i += 2) {
		buf_printf(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i]);
		metrics_escape(out, labels[i + 1], 1);
		buf_puts(out, "\"");
	}
	buf_puts(out, labels && labels[0] ? "} " : " ");
	metrics_number(out, value);
	buf_puts(out, "\n");
}
