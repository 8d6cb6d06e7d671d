/* The service document of a file with its names files.
 *
 * What the names files hold is appended to the text as names_lists, so that the document in the
 * store is whole; whoever applies a text that was read back without the files applies the same. */
#include "cli/document.h"

#include <stdlib.h>
#include <string.h>

#include "config/names_check.h"
#include "config/names_file.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/file.h"

#define LISTS_MARK "# Written by tandem apply: what the names files held.\n"

enum { CHANGES_MOST = 1000000000 };

struct reading { /* of a document's names files */
	const char *path;
	struct document *d;
	struct names_file *files; /* as the service's */
	struct config_errors *errors;
};

static void error_add(struct config_errors *errors, char *line)
{
	if (errors->count >= CONFIG_ERRORS_MAX) {
		errors->more = true;
		free(line);
		return;
	}
	VEC_PUSH(errors->lines, errors->count) = line;
}

static char *beside(const char *path, const char *file)
{
	const char *slash = strrchr(path, '/');
	if (*file == '/' || !slash)
		return mem_strdup(file);
	return mem_printf("%.*s/%s", (int)(slash - path), path, file);
}

static void list_pack(struct reading *r, size_t index)
{
	struct service_names *to = &r->d->service->names_files[index];
	const struct names_file *from = &r->files[index];
	const char **names = mem_new(from->count, sizeof(char *));
	struct names_manifest m;
	size_t bytes;
	for (size_t i = 0; i < from->count; i++)
		names[i] = from->lines[i].name;
	names_pack(names, from->count, names_bag_made, &r->d->bag, &m);
	free(names);
	char *text = names_manifest_text(&m, &bytes);
	names_bag_put(&r->d->bag, m.digest, text, bytes);
	free(text);
	memcpy(to->digest, m.digest, sizeof(to->digest));
	to->count = m.names;
	to->is_listed = true;
	names_manifest_release(&m);
}

/* A file that is not there may have its list in the document already. */
static void file_take(struct reading *r, size_t index)
{
	struct service_names *to = &r->d->service->names_files[index];
	char *path = beside(r->path, to->file), *text = NULL;
	struct err e = {0};
	size_t bytes;
	int result = file_read(path, NAMES_FILE_BYTES, &text, &bytes, &e);
	if (result == E_NOT_FOUND && to->is_listed)
		result = 0; /* as it was when it was applied */
	else if (result != 0)
		error_add(r->errors, mem_printf("%s: names file: %s", r->path, e.text));
	else if (names_file_read(path, text, bytes, &r->files[index], r->errors) == 0)
		list_pack(r, index);
	free(text);
	free(path);
}

/* Where the name stands in another file, for "stands in … too". */
static char *elsewhere(const struct reading *r, size_t but, const char *name)
{
	for (size_t i = 0; i < r->d->service->names_files_count; i++) {
		const struct names_line *line =
		    i == but ? NULL : names_file_find(&r->files[i], name);
		if (line)
			return mem_printf(
			    " (%s:%u)", r->d->service->names_files[i].file, line->line);
	}
	return mem_strdup("");
}

/* Against the rest of the document and each other. */
static void files_check(struct reading *r)
{
	struct service *s = r->d->service;
	struct names_change change = {0};
	struct err e = {0};
	bool listed[SERVICE_NAMES_FILES] = {false};
	for (size_t i = 0; i < s->names_files_count; i++) {
		listed[i] = s->names_files[i].is_listed;
		s->names_files[i].is_listed = r->files[i].count > 0; /* others are not here */
	}
	if (names_check(NULL, s, names_bag_fetch, &r->d->bag, &change, &e) != 0)
		error_add(r->errors, mem_printf("%s: %s", r->path, e.text));
	for (size_t i = 0; i < change.faults_count; i++) {
		const struct names_fault *f = &change.faults[i];
		const struct names_line *line = names_file_find(&r->files[f->file], f->name);
		char *path = beside(r->path, s->names_files[f->file].file);
		char *other = elsewhere(r, f->file, f->name);
		error_add(
		    r->errors, mem_printf("%s:%u:%u: name %s: %s%s", path, line ? line->line : 0,
		                   line ? line->column : 0, f->name, f->text, other));
		free(other);
		free(path);
	}
	for (size_t i = 0; i < s->names_files_count; i++)
		s->names_files[i].is_listed = listed[i];
	names_change_release(&change);
}

static void quoted_add(struct buf *out, const char *text)
{
	buf_puts(out, "\"");
	for (; *text; text++)
		buf_printf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	buf_puts(out, "\"");
}

/* The text with names_lists as they are now. */
static void lists_append(struct document *d)
{
	struct buf text = {0};
	char hex[NAMES_HEX_BYTES];
	const char *mark = strstr(d->text, LISTS_MARK);
	size_t bytes = mark ? (size_t)(mark - d->text) : d->bytes;
	buf_add(&text, d->text, bytes);
	if (bytes > 0 && d->text[bytes - 1] != '\n')
		buf_puts(&text, "\n");
	buf_puts(&text, LISTS_MARK "names_lists:\n");
	for (size_t i = 0; i < d->service->names_files_count; i++) {
		const struct service_names *f = &d->service->names_files[i];
		buf_puts(&text, "  ");
		quoted_add(&text, f->file);
		buf_printf(&text, ": {digest: %s, names: %llu}\n", names_hex(f->digest, hex),
		    (unsigned long long)f->count);
	}
	free(d->text);
	d->bytes = text.bytes;
	d->text = buf_take(&text);
}

static int files_take(const char *path, struct document *d, struct config_errors *errors)
{
	size_t count = d->service->names_files_count;
	struct reading r = {
	    .path = path, .d = d, .files = mem_new(count, sizeof(*r.files)), .errors = errors};
	for (size_t i = 0; i < count; i++)
		file_take(&r, i);
	if (errors->count == 0)
		files_check(&r);
	for (size_t i = 0; i < count; i++)
		names_file_release(&r.files[i]);
	free(r.files);
	if (errors->count > 0)
		return E_INVALID;
	lists_append(d);
	service_drop(d->service);
	return service_load(path, d->text, d->bytes, &d->service, errors);
}

int document_read(
    const char *path, struct document *out, struct config_errors *errors, struct err *e)
{
	int result = cli_read_document(path, &out->text, &out->bytes, e);
	if (result != 0)
		return result;
	result = service_load(path, out->text, out->bytes, &out->service, errors);
	if (result == 0 && out->service->names_files_count > 0)
		result = files_take(path, out, errors);
	return result;
}

int document_open(const struct cli *cli, const char *path, struct document *out)
{
	struct err e = {0};
	struct config_errors errors = {0};
	int result = document_read(path, out, &errors, &e);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.lines[i]);
	bool told = errors.count > 0;
	config_errors_free(&errors);
	if (result == 0)
		return 0;
	if (!told)
		return cli_fail(cli, CLI_REFUSED, "%s; nothing was changed", e.text);
	return cli_fail(cli, CLI_REFUSED, "\"%s\" is not valid; nothing was changed", path);
}

json_t *document_body(const struct document *d, const char *path)
{
	return json_pack("{s:s%, s:s}", "document", d->text, d->bytes, "file", path);
}

static int count_read(const char *number, long long most, long long *out)
{
	char *end = NULL;
	*out = strtoll(number, &end, 10);
	return end == number || *end != '\0' || *out < 1 || *out > most ? E_INVALID : 0;
}

int confirm_add(const struct cli *cli, const struct confirm *c, json_t *body)
{
	long long count;
	if (c->remove_names != NULL) {
		if (count_read(c->remove_names, SERVICE_LIST_NAMES, &count) != 0)
			return cli_usage(
			    cli, "--remove-names takes the number of names that leave");
		json_object_set_new(body, "remove_names", json_integer(count));
	}
	if (c->changes != NULL) {
		if (count_read(c->changes, CHANGES_MOST, &count) != 0)
			return cli_usage(cli, "--changes takes the number of answers that change");
		json_object_set_new(body, "changes", json_integer(count));
	}
	return 0;
}

void document_release(struct document *d)
{
	service_drop(d->service);
	free(d->text);
	names_bag_release(&d->bag);
	*d = (struct document){0};
}
