/* Passwords from files, read once and kept until told to forget them. */
#ifndef TANDEM_HEALTHD_SECRETS_H
#define TANDEM_HEALTHD_SECRETS_H

#include "lib/base/err.h"

#define SECRET_BYTES 255

struct secrets;

struct secrets *secrets_new(void);
void secrets_free(struct secrets *s);
void secrets_forget(struct secrets *s);

/* The first line of the file, borrowed until secrets_forget. E_INVALID: empty, longer than
 * SECRET_BYTES, or with control characters. A failure is kept too, so that a missing file is not
 * looked for with every probe. */
int secrets_get(struct secrets *s, const char *path, const char **out, struct err *e);

#endif
