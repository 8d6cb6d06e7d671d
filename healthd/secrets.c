/* A short list of files that have been read. */
#include "healthd/secrets.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/file.h"

struct secret {
	char *path;
	char *text;       /* NULL: could not be read */
	struct err error; /* then why */
};

struct secrets {
	struct secret *items;
	size_t count;
};

struct secrets *secrets_new(void)
{
	return mem_new(1, sizeof(struct secrets));
}

void secrets_forget(struct secrets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->items[i].path);
		if (s->items[i].text != NULL)
			OPENSSL_cleanse(s->items[i].text, strlen(s->items[i].text));
		free(s->items[i].text);
	}
	free(s->items);
	s->items = NULL;
	s->count = 0;
}

void secrets_free(struct secrets *s)
{
	if (s == NULL)
		return;
	secrets_forget(s);
	free(s);
}

static int line_check(const char *path, const char *line, size_t bytes, struct err *e)
{
	if (bytes == 0)
		return err_set(e, E_INVALID, "password file \"%s\" is empty", path);
	if (bytes > SECRET_BYTES)
		return err_set(
		    e, E_INVALID, "password in \"%s\" is longer than %d bytes", path, SECRET_BYTES);
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)line[i] < 32 || line[i] == 127)
			return err_set(
			    e, E_INVALID, "password in \"%s\" has control characters", path);
	return 0;
}

static void secret_read(struct secret *s)
{
	char *text = NULL;
	size_t bytes = 0;
	if (file_read(s->path, 4096, &text, &bytes, &s->error) < 0)
		return;
	size_t line = 0;
	while (line < bytes && text[line] != '\n')
		line++;
	if (line > 0 && text[line - 1] == '\r')
		line--;
	if (line_check(s->path, text, line, &s->error) == 0)
		s->text = mem_strndup(text, line);
	OPENSSL_cleanse(text, bytes);
	free(text);
}

int secrets_get(struct secrets *s, const char *path, const char **out, struct err *e)
{
	size_t i = 0;
	while (i < s->count && strcmp(s->items[i].path, path) != 0)
		i++;
	if (i == s->count) {
		struct secret fresh = {.path = mem_strdup(path)};
		secret_read(&fresh);
		VEC_PUSH(s->items, s->count) = fresh;
	}
	if (s->items[i].text == NULL)
		return err_set(e, s->items[i].error.code, "%s", s->items[i].error.text);
	*out = s->items[i].text;
	return 0;
}
