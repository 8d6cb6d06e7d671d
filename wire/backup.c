/* Backups as files of JSON lines: written durably, believed only when whole. */
#include "wire/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "wire/state.h"

enum {
	FORMAT = 1,
	DIGEST_BYTES = 32,
	HEX_BYTES = 2 * DIGEST_BYTES + 1,
	/* A value in base64, its key escaped, and the rest of the line. */
	LINE_BYTES = BACKUP_VALUE_BYTES / 3 * 4 + 6 * BACKUP_KEY_BYTES + 256,
};

/* ---- entries ---- */

bool backup_holds(const char *key)
{
	static const char leader[] = BACKUP_PREFIX "leader/";
	return strncmp(key, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) == 0 &&
	       strncmp(key, leader, strlen(leader)) != 0;
}

json_t *backup_entry_encode(const char *key, const void *value, size_t bytes)
{
	unsigned char *text = mem_new((bytes + 2) / 3 * 4 + 1, 1);
	EVP_EncodeBlock(text, value, (int)bytes);
	json_t *o = json_pack("{s:s, s:s}", "key", key, "value", (const char *)text);
	free(text);
	return o;
}

static int value_decode(const char *text, struct backup_entry *out, struct err *e)
{
	size_t length = strlen(text);
	if (length % 4 != 0 || length > (BACKUP_VALUE_BYTES + 2) / 3 * 4)
		return err_set(
		    e, E_INVALID, "value: expected base64 of at most %d bytes", BACKUP_VALUE_BYTES);
	size_t padding =
	    length == 0 ? 0 : (size_t)((text[length - 1] == '=') + (text[length - 2] == '='));
	char *value = mem_new(length / 4 * 3 + 1, 1);
	int bytes =
	    EVP_DecodeBlock((unsigned char *)value, (const unsigned char *)text, (int)length);
	if (bytes < 0 || (size_t)bytes < padding) {
		free(value);
		return err_set(e, E_INVALID, "value: expected base64");
	}
	out->value = value;
	out->bytes = (size_t)bytes - padding;
	value[out->bytes] = '\0';
	return 0;
}

int backup_entry_decode(const json_t *o, struct backup_entry *out, struct err *e)
{
	const char *key = NULL, *value = NULL;
	*out = (struct backup_entry){0};
	int result = json_get_string(o, "key", &key, e);
	if (result == 0)
		result = json_get_string(o, "value", &value, e);
	if (result == 0 && (strlen(key) > BACKUP_KEY_BYTES ||
	                       strncmp(key, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) != 0))
		result = err_set(e, E_INVALID, "key: found \"%.60s\", expected one below %s", key,
		    BACKUP_PREFIX);
	if (result == 0)
		result = value_decode(value, out, e);
	if (result == 0)
		out->key = mem_strdup(key);
	return result;
}

void backup_entry_release(struct backup_entry *entry)
{
	free(entry->key);
	free(entry->value);
	*entry = (struct backup_entry){0};
}

/* ---- what both directions check ---- */

struct checker {
	EVP_MD_CTX *digest;
	struct backup_told told;
	char document[BACKUP_KEY_BYTES]; /* the newest one's key so far: keys come in order */
	char *former;
};

static void checker_init(struct checker *c)
{
	*c = (struct checker){.digest = EVP_MD_CTX_new()};
	if (c->digest == NULL || EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL) != 1)
		abort(); /* no memory: as mem_new does */
}

static void checker_release(struct checker *c)
{
	EVP_MD_CTX_free(c->digest);
	free(c->former);
}

static void checker_line(struct checker *c, const char *line)
{
	(void)EVP_DigestUpdate(c->digest, line, strlen(line));
	(void)EVP_DigestUpdate(c->digest, "\n", 1);
}

static void checker_hex(struct checker *c, char out[static HEX_BYTES])
{
	unsigned char digest[DIGEST_BYTES];
	(void)EVP_DigestFinal_ex(c->digest, digest, NULL);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static int state_look(struct checker *c, const struct backup_entry *entry, struct err *e)
{
	json_t *json = NULL;
	struct state *state = NULL;
	char key[64];
	int result = json_parse(entry->value, entry->bytes, &json, e);
	if (result == 0)
		result = state_decode(json, &state, e);
	json_decref(json);
	if (result != 0)
		return err_prefix(e, "this release can not read the state");
	snprintf(c->told.cluster, sizeof(c->told.cluster), "%s", state->cluster);
	c->told.epoch = state->epoch;
	c->told.revision = state->revision;
	c->told.has_state = true;
	/* Documents stand before the state in the order of keys, the newest last. */
	snprintf(key, sizeof(key), BACKUP_PREFIX "config/%020" PRIu64, state->revision);
	c->told.has_document = state->revision == 0 || strcmp(key, c->document) == 0;
	state_free(state);
	return 0;
}

static int checker_entry(struct checker *c, const struct backup_entry *entry, struct err *e)
{
	static const char documents[] = BACKUP_PREFIX "config/";
	if (c->former != NULL && strcmp(c->former, entry->key) >= 0)
		return err_set(e, E_INVALID, "keys are not in order: \"%s\" stands behind \"%s\"",
		    entry->key, c->former);
	free(c->former);
	c->former = mem_strdup(entry->key);
	c->told.keys++;
	if (strncmp(entry->key, documents, strlen(documents)) == 0)
		snprintf(c->document, sizeof(c->document), "%s", entry->key);
	return strcmp(entry->key, BACKUP_KEY_STATE) == 0 ? state_look(c, entry, e) : 0;
}

static int checker_whole(const struct checker *c, struct err *e)
{
	if (!c->told.has_state)
		return err_set(e, E_INVALID, "there is no state in it (%s)", BACKUP_KEY_STATE);
	if (!c->told.has_document)
		return err_set(e, E_CONFLICT,
		    "the newest service document in it is not that of revision %" PRIu64
		    ", which the state says is in force",
		    c->told.revision);
	return 0;
}

/* ---- writing ---- */

struct backup_writer {
	char *path, *partial;
	FILE *file;
	struct checker checker;
};

static int line_write(struct backup_writer *w, json_t *json, struct err *e)
{
	char *text = json_text(json);
	json_decref(json);
	checker_line(&w->checker, text);
	int written = fprintf(w->file, "%s\n", text);
	free(text);
	return written > 0 ? 0 : err_set_errno(e, errno, "can not write \"%s\"", w->partial);
}

int backup_writer_open(const char *path, struct backup_writer **out, struct err *e)
{
	struct backup_writer *w = mem_new(1, sizeof(*w));
	char now[CLOCK_TEXT_BYTES];
	*out = NULL;
	w->path = mem_strdup(path);
	w->partial = mem_printf("%s.XXXXXX", path);
	checker_init(&w->checker);
	int fd = mkostemp(w->partial, O_CLOEXEC); /* with mode 0600 */
	if (fd >= 0)
		w->file = fdopen(fd, "w");
	if (w->file == NULL) {
		int result = err_set_errno(e, errno, "can not write \"%s\"", w->partial);
		if (fd >= 0)
			close(fd);
		free(w->partial);
		w->partial = NULL;
		backup_writer_abort(w);
		return result;
	}
	int result = line_write(w,
	    json_pack(
	        "{s:i, s:s}", "tandem_backup", FORMAT, "taken", clock_format(clock_wall_ms(), now)),
	    e);
	if (result != 0) {
		backup_writer_abort(w);
		return result;
	}
	*out = w;
	return 0;
}

int backup_write(struct backup_writer *w, const struct backup_entry *entry, struct err *e)
{
	if (!backup_holds(entry->key))
		return 0;
	int result = checker_entry(&w->checker, entry, e);
	return result != 0
	           ? result
	           : line_write(w, backup_entry_encode(entry->key, entry->value, entry->bytes), e);
}

static int folder_sync(const char *path)
{
	char *folder = mem_strdup(path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return -1;
	int result = fsync(fd);
	close(fd);
	return result;
}

int backup_writer_finish(struct backup_writer *w, struct backup_told *told, struct err *e)
{
	char hex[HEX_BYTES];
	int result = checker_whole(&w->checker, e);
	if (result == 0) {
		checker_hex(&w->checker, hex);
		if (fprintf(w->file, "{\"end\":%" PRIu64 ",\"sha256\":\"%s\"}\n",
		        w->checker.told.keys, hex) < 0 ||
		    fflush(w->file) != 0 || fsync(fileno(w->file)) != 0 ||
		    rename(w->partial, w->path) != 0 || folder_sync(w->path) != 0)
			result = err_set_errno(e, errno, "can not write \"%s\"", w->path);
	}
	if (result == 0) {
		free(w->partial);
		w->partial = NULL;
		*told = w->checker.told;
	}
	backup_writer_abort(w);
	return result;
}

void backup_writer_abort(struct backup_writer *w)
{
	if (w == NULL)
		return;
	if (w->file != NULL)
		(void)fclose(w->file);
	if (w->partial != NULL)
		unlink(w->partial);
	checker_release(&w->checker);
	free(w->partial);
	free(w->path);
	free(w);
}

/* ---- reading ---- */

struct reader {
	FILE *file;
	char *line;
	size_t room;
	struct checker checker;
	int (*each)(void *ctx, const struct backup_entry *entry, struct err *e);
	void *ctx;
};

/* The next line as JSON, its newline cut; E_NOT_FOUND at the end of the file. */
static int line_read(struct reader *r, json_t **out, struct err *e)
{
	if (fgets(r->line, (int)r->room, r->file) == NULL)
		return ferror(r->file) ? err_set_errno(e, errno, "can not read it")
		                       : err_set(e, E_NOT_FOUND, "it is cut off");
	size_t bytes = strlen(r->line);
	if (bytes == 0 || r->line[bytes - 1] != '\n')
		return err_set(e, E_INVALID, "a line is cut off, too long or has a NUL");
	r->line[bytes - 1] = '\0';
	return json_parse(r->line, bytes - 1, out, e);
}

static int head_read(struct reader *r, struct err *e)
{
	json_t *json = NULL;
	uint64_t format = 0;
	const char *taken = "";
	int result = line_read(r, &json, e);
	if (result == 0)
		result = json_get_u64(json, "tandem_backup", UINT32_MAX, &format, e);
	if (result == 0 && format != FORMAT)
		result = err_set(e, E_INVALID, "format %" PRIu64 ": this release reads format %d",
		    format, FORMAT);
	if (result == 0)
		result = json_get_string(json, "taken", &taken, e);
	if (result == 0) {
		snprintf(r->checker.told.taken, sizeof(r->checker.told.taken), "%s", taken);
		checker_line(&r->checker, r->line);
	} else {
		err_prefix(e, "this is no backup of Tandem, or a damaged one");
	}
	json_decref(json);
	return result;
}

static int end_check(struct reader *r, const json_t *json, struct err *e)
{
	uint64_t keys = 0;
	const char *told = NULL;
	char hex[HEX_BYTES];
	if (json_get_u64(json, "end", INT64_MAX, &keys, e) != 0 ||
	    json_get_string(json, "sha256", &told, e) != 0)
		return E_INVALID;
	checker_hex(&r->checker, hex);
	if (keys != r->checker.told.keys || strcmp(told, hex) != 0)
		return err_set(e, E_INVALID, "it is damaged: its checksum does not hold");
	if (fgetc(r->file) != EOF)
		return err_set(e, E_INVALID, "there is something behind its end");
	return checker_whole(&r->checker, e);
}

/* *ended: that was the last line. */
static int entry_read(struct reader *r, bool *ended, struct err *e)
{
	json_t *json = NULL;
	struct backup_entry entry = {0};
	int result = line_read(r, &json, e);
	*ended = result == 0 && json_object_get(json, "end") != NULL;
	if (*ended) {
		result = end_check(r, json, e);
	} else if (result == 0) {
		checker_line(&r->checker, r->line);
		result = backup_entry_decode(json, &entry, e);
		if (result == 0)
			result = checker_entry(&r->checker, &entry, e);
		if (result == 0 && r->each != NULL)
			result = r->each(r->ctx, &entry, e);
		backup_entry_release(&entry);
	}
	json_decref(json);
	return result;
}

int backup_read(const char *path,
    int (*each)(void *ctx, const struct backup_entry *entry, struct err *e), void *ctx,
    struct backup_told *told, struct err *e)
{
	struct reader r = {.room = LINE_BYTES, .each = each, .ctx = ctx};
	bool ended = false;
	r.file = fopen(path, "re");
	if (r.file == NULL)
		return err_set_errno(e, errno, "backup \"%s\"", path);
	r.line = mem_new(r.room, 1);
	checker_init(&r.checker);
	int result = head_read(&r, e);
	while (result == 0 && !ended)
		result = entry_read(&r, &ended, e);
	if (result == 0)
		*told = r.checker.told;
	else
		err_prefix(e, "backup \"%s\"", path);
	checker_release(&r.checker);
	free(r.line);
	(void)fclose(r.file);
	return result;
}
