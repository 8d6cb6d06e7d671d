/* Zone files that include others: what they mean, what is refused, and where it is said to be. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/zone_files.h"
#include "lib/file.h"
#include "tests/unit/dnsd/ask.h"

#define HEAD "$TTL 300\n@ SOA ns1 host 7 1 2 3 60\n@ NS ns1\n"

static char folder[] = "/tmp/tandem-include-XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = mem_printf("%s/zones/%s", folder, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
	free(path);
}

static int reads(struct zone_data **z, struct err *e)
{
	char *path = mem_printf("%s/zones/main", folder);
	int r = zone_data_read_file("example.com.", path, z, e);
	free(path);
	return r;
}

/* The zone in force, or NULL with the message. */
static struct snapshot *loads(struct err *e)
{
	struct zone_files f = {0};
	struct snapshot *s = NULL;
	char *path = mem_printf("%s/zones/main", folder);
	struct config_zone_file file = {.name = (char[]){"example.com."}, .file = path};
	if (zone_files_load(&f, &file, 1, &s, e) != 0)
		s = NULL;
	zone_files_free(&f);
	free(path);
	return s;
}

static void included_records_have_the_origin_that_is_told(void **state)
{
	(void)state;
	struct err e = {0};
	put("main",
	    HEAD "a TXT main\n$INCLUDE sub/more\nb TXT main\n"
	         "$INCLUDE sub/more sub\nc TXT main\n$INCLUDE sub/more other.example.com. ; x\n"
	         "$ORIGIN deep\n$ORIGIN er\nd TXT \"(\" ; $INCLUDE nothing\n$ORIGIN @\ne TXT (\n"
	         "$INCLUDE text )\n");
	put("sub/more", "i TXT more\n$ORIGIN inner\nj TXT more\n$INCLUDE sub/last");
	put("sub/last", "k TXT last");
	struct snapshot *s = loads(&e);
	if (!s)
		fail_msg("%s", e.text);
	static const struct {
		const char *name, *text;
	} found[] = {{"a", "main"}, {"i", "more"}, {"j.inner", "more"}, {"k.inner", "last"},
	    {"b", "main"}, {"i.sub", "more"}, {"j.inner.sub", "more"}, {"k.inner.sub", "last"},
	    {"c", "main"}, {"i.other", "more"}, {"k.inner.other", "last"}, {"d.er.deep", "("}};
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		char question[100], answer[200];
		(void)snprintf(question, sizeof(question), "%s.example.com. TXT", found[i].name);
		(void)snprintf(answer, sizeof(answer),
		    "NOERROR aa | %s.example.com. 300 TXT \"%s\" |  | ", found[i].name,
		    found[i].text);
		expect(s, question, answer);
	}
	expect(s, "e.er.deep.example.com. TXT",
	    "NOERROR aa | e.er.deep.example.com. 300 TXT \"$INCLUDE\" \"text\" |  | ");
	snapshot_free(s);
}

static void what_is_wrong_is_said_with_its_file_and_line(void **state)
{
	(void)state;
	put("sub/bad", "x TXT ok\n\ny A not-an-address\n");
	put("sub/cname", "; comment\nz CNAME a\nz TXT b\n");
	put("sub/open", "x TXT (\n a\n");
	put("sub/self", "x TXT a\n$INCLUDE sub/self\n");
	put("sub/bare", "\n\tTXT nobody\n");
	put("sub/fine", "x TXT a\n");
	put("sub/nested", "x TXT a\n$INCLUDE sub/bad\n");
	put("../outside", "x TXT a\n");
	static const struct {
		const char *text, *message;
	} bad[] = {{HEAD "$INCLUDE sub/bad\n", "zones/sub/bad:3: "},
	    {HEAD "a TXT x\n$INCLUDE sub/nested\nb TXT y\n", "zones/sub/bad:3: "},
	    {HEAD "$INCLUDE sub/fine\nb TXT y\nc A wrong\n", "zones/main:6: "},
	    {HEAD "$INCLUDE sub/fine\nb TXT y\nb CNAME c\n",
	        "zones/main:6: \"b.example.com.\" has a CNAME"},
	    {HEAD "$INCLUDE sub/cname\n", "zones/sub/cname:2: \"z.example.com.\" has a CNAME"},
	    {HEAD "$INCLUDE sub/open\n)", "zones/sub/open:1: a quote or parenthesis"},
	    {HEAD "$INCLUDE sub/self\n", "found too many files, at most 8 deep"},
	    {HEAD "$INCLUDE sub/bare\n", "zones/sub/bare:2: no owner"},
	    {HEAD "a TXT x\n$INCLUDE sub/fine\n\tTXT y\n", "zones/main:6: no owner"},
	    {HEAD "$INCLUDE sub/none\n", "zones/main:4: $INCLUDE: no file \"sub/none\""},
	    {HEAD "$INCLUDE ../outside\n", "is outside the zone file's folder"},
	    {HEAD "$INCLUDE /etc/hostname\n", "is outside the zone file's folder"},
	    {HEAD "$INCLUDE sub/link\n", "is outside the zone file's folder"},
	    {HEAD "$INCLUDE sub\n", "zones/main:4: "},
	    {HEAD "$INCLUDE \n", "$INCLUDE without a file"},
	    {HEAD "$INCLUDE sub/fine a..b\n", "zones/main:4: name \"a..b.example.com.\""},
	    {HEAD "$ORIGIN a..b\n", "zones/main:4: name \"a..b.example.com.\""},
	    {HEAD "$INCLUDE sub/fine other.\n", "\"x.other.\" is not inside the zone"}};
	char *link_path = mem_printf("%s/zones/sub/link", folder);
	char *target = mem_printf("%s/outside", folder);
	assert_int_equal(symlink(target, link_path), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		struct zone_data *z;
		put("main", bad[i].text);
		if (reads(&z, &e) == 0)
			fail_msg("accepted: %s", bad[i].text);
		if (!strstr(e.text, bad[i].message))
			fail_msg(
			    "%s\n  expected: %s\n  found: %s", bad[i].text, bad[i].message, e.text);
	}
	free(link_path);
	free(target);
}

struct writer { /* somebody who writes into the file all the time */
	char *path;
	atomic_bool ends;
};

static void *writer_work(void *ctx)
{
	struct writer *w = ctx;
	int fd = open(w->path, O_WRONLY);
	assert_true(fd >= 0);
	while (!atomic_load(&w->ends))
		assert_int_equal(pwrite(fd, ";", 1, 0), 1); /* as it was */
	close(fd);
	return NULL;
}

/* Half of an included file is as bad as half of the zone file. */
static void an_included_file_that_is_being_written_is_not_believed(void **state)
{
	enum { TRIES = 1000, COMMENT_BYTES = 1024 * 1024 };
	struct err e = {0};
	struct zone_data *z;
	pthread_t thread;
	char *text = mem_new(COMMENT_BYTES + 1, 1);
	(void)state;
	memset(text, ';', COMMENT_BYTES); /* takes a while to read */
	put("main", HEAD "$INCLUDE sub/more\n");
	put("sub/more", text);
	free(text);
	struct writer w = {.path = mem_printf("%s/zones/sub/more", folder)};
	assert_int_equal(pthread_create(&thread, NULL, writer_work, &w), 0);
	for (unsigned tries = 0; reads(&z, &e) == 0; tries++) {
		zone_data_free(z);
		assert_true(tries < TRIES);
	}
	assert_non_null(strstr(e.text, "zones/main:4: "));
	assert_non_null(strstr(e.text, "sub/more: was written to while it was being read"));
	atomic_store(&w.ends, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reads(&z, &e), 0);
	zone_data_free(z);
	free(w.path);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	char *path = mem_printf("%s/zones/sub", folder);
	int r = file_make_folder(path, NULL);
	free(path);
	return r;
}

static int folder_drop(void **state)
{
	(void)state;
	static const char *const files[] = {"zones/main", "zones/sub/more", "zones/sub/last",
	    "zones/sub/bad", "zones/sub/cname", "zones/sub/open", "zones/sub/self",
	    "zones/sub/bare", "zones/sub/fine", "zones/sub/nested", "zones/sub/link", "outside"};
	static const char *const folders[] = {"/zones/sub", "/zones", ""};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = mem_printf("%s/%s", folder, files[i]);
		(void)unlink(path);
		free(path);
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = mem_printf("%s%s", folder, folders[i]);
		(void)rmdir(path);
		free(path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(included_records_have_the_origin_that_is_told),
	    cmocka_unit_test(what_is_wrong_is_said_with_its_file_and_line),
	    cmocka_unit_test(an_included_file_that_is_being_written_is_not_believed),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
