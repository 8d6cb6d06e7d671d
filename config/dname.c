/* DNS names in the form that every room of Tandem compares them. */
#include "config/dname.h"

#include <string.h>

#include "config/report.h"

static bool byte_is_allowed(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	       byte == '_';
}

int dname_normalize(const char *text, char out[static DNAME_TEXT_BYTES], struct err *e)
{
	const size_t written = strlen(text);
	const bool dotted = written > 0 && text[written - 1] == '.';
	const size_t bytes = dotted ? written - 1 : written;
	size_t label_bytes = 0;

	out[0] = '\0';
	if (bytes == 0)
		return err_set(e, E_INVALID, "%s, expected a domain name", report_quote(text).text);
	/* On the wire: a length byte for each label instead of each dot, and the root's. */
	if (bytes + 2 > 255)
		return err_set(e, E_INVALID, "a name of %zu bytes, expected at most 253", bytes);
	for (size_t i = 0; i <= bytes; i++) {
		unsigned char byte = i < bytes ? (unsigned char)text[i] : '.';

		if (byte == '.') {
			if (label_bytes == 0 || label_bytes > 63)
				return err_set(e, E_INVALID,
				    "%s has a label of %zu bytes, expected 1 to 63",
				    report_quote(text).text, label_bytes);
			label_bytes = 0;
			out[i] = '.';
			continue;
		}
		if (byte >= 'A' && byte <= 'Z')
			byte = (unsigned char)(byte - 'A' + 'a');
		if (!byte_is_allowed(byte))
			return err_set(e, E_INVALID,
			    "%s has the byte %s, expected letters, digits, - and _%s",
			    report_quote(text).text,
			    report_quote((const char[]){(char)byte, '\0'}).text,
			    byte >= 0x80 ? " (write an international name as xn--…)" : "");
		label_bytes++;
		out[i] = (char)byte;
	}
	out[bytes + 1] = '\0';
	return 0;
}

bool dname_is_within(const char *name, const char *zone)
{
	const size_t name_bytes = strlen(name), zone_bytes = strlen(zone);

	if (zone_bytes == 1)
		return true;
	if (name_bytes < zone_bytes || strcmp(name + name_bytes - zone_bytes, zone) != 0)
		return false;
	return name_bytes == zone_bytes || name[name_bytes - zone_bytes - 1] == '.';
}

const char *dname_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL || dot[1] == '\0' ? "." : dot + 1;
}
