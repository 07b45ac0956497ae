/*
 * config of glassmaster's stand-in release: not NetBSD's config(1). Of the language of config(5) it knows what says
 * which files there are, which kernels and which options, and of its mistakes those that a derived configuration can
 * have. It writes config_file.h, which embeds the configuration in a kernel as NetBSD's does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 500
#define LINE 1024

static const char *system_directory;
static char *names[2][MANY];            /* what is set: options, configurations */
static FILE *header, *included;

static void fail(const char *file, int line, const char *what, const char *word)
{
	fprintf(stderr, "%s:%d: %s `%s'\n", file, line, what, word);
	exit(1);
}

static char **find(int kind, const char *word)
{
	for (int i = 0; i < MANY; i++)
		if (names[kind][i] != NULL && strcmp(names[kind][i], word) == 0)
			return &names[kind][i];
	return NULL;
}

static void set(int kind, const char *word, const char *file, int line)
{
	if (find(kind, word) != NULL)
		fail(file, line, kind ? "already defined: configuration" : "already have options", word);
	for (int i = 0; i < MANY; i++)
		if (names[kind][i] == NULL) {
			names[kind][i] = strdup(word);
			return;
		}
	fail(file, line, "too many", word);
}

static void unset(int kind, const char *word, const char *file, int line)
{
	char **found = find(kind, word);
	if (found == NULL)
		fail(file, line, kind ? "undefined configuration" : "no such options", word);
	*found = NULL;
}

/* One line as a C string: vis(3) with VIS_TAB, as a host's vis writes it, in octal. */
static void embed(FILE *out, const char *before, const char *text)
{
	fprintf(out, "\"_CFG_%s", before);
	for (; *text != '\0' && *text != '\n'; text++) {
		if (*text == '\t' || *text == '\\')
			fprintf(out, "\\\\%03o", *text);
		else if (*text == '"')
			fprintf(out, "\\\"");
		else
			fputc(*text, out);
	}
	fprintf(out, "\\n\"\n");
}

static void mark(FILE *out, const char *before, const char *file, const char *after)
{
	char line[LINE];
	snprintf(line, sizeof(line), "### %s\"%s\"%s", before, file, after);
	embed(out, "", line);
}

static void statement(char *text, const char *file, int line);

static void read_file(const char *name, int top)
{
	char path[LINE], text[LINE];
	FILE *in, *own = top ? header : tmpfile();
	int line = 0;

	snprintf(path, sizeof(path), "%s%s%s", top ? "" : system_directory, top ? "" : "/", name);
	if ((in = fopen(path, "r")) == NULL || own == NULL)
		fail(name, 0, "cannot open", path);
	mark(own, top ? "START CONFIG FILE " : "(included from ", name, top ? "" : ")");
	while (fgets(text, sizeof(text), in) != NULL)
		embed(own, top ? "" : "###> ", text);
	mark(own, top ? "END CONFIG FILE " : "(end include ", name, top ? "" : ")");
	if (!top) {
		/* After what was opened before it, whole. */
		rewind(own);
		while (fgets(text, sizeof(text), own) != NULL)
			fputs(text, included);
		fclose(own);
	}
	rewind(in);
	while (fgets(text, sizeof(text), in) != NULL)
		statement(text, name, ++line);
	fclose(in);
}

static void statement(char *text, const char *file, int line)
{
	char *comment = strchr(text, '#');
	if (comment != NULL)
		*comment = '\0';
	char *first = strtok(text, " \t\n\""), *second = strtok(NULL, " \t\n\"=,");
	if (first == NULL)
		return;
	if (second == NULL)
		fail(file, line, "syntax error at", first);
	if (strcmp(first, "include") == 0)
		read_file(second, 0);
	else if (strcmp(first, "options") == 0)
		set(0, second, file, line);
	else if (strcmp(first, "config") == 0)
		set(1, second, file, line);
	else if (strcmp(first, "no") == 0) {
		char *third = strtok(NULL, " \t\n\"=,");
		int kind = strcmp(second, "config") == 0;
		if (third == NULL || (!kind && strcmp(second, "options") != 0))
			fail(file, line, "syntax error at", second);
		unset(kind, third, file, line);
	} else
		fail(file, line, "the stand-in does not know", first);
}

int main(int argc, char **argv)
{
	char path[LINE], text[LINE];
	const char *build = NULL;
	int option;

	while ((option = getopt(argc, argv, "b:s:")) != -1) {
		if (option == 'b')
			build = optarg;
		else if (option == 's')
			system_directory = optarg;
		else
			return 1;
	}
	if (build == NULL || system_directory == NULL || optind + 1 != argc) {
		fprintf(stderr, "usage: nbconfig -b builddir -s srcdir file\n");
		return 1;
	}
	header = tmpfile();
	included = tmpfile();
	if (header == NULL || included == NULL)
		fail("", 0, "no temporary file in", "TMPDIR");
	read_file(argv[optind], 1);
	snprintf(path, sizeof(path), "%s/config_file.h", build);
	FILE *out = fopen(path, "w");
	if (out == NULL)
		fail(argv[optind], 0, "cannot write", path);
	fprintf(out, "static const char config[] __attribute__((used)) =\n");
	rewind(header);
	rewind(included);
	if (find(0, "INCLUDE_CONFIG_FILE") == NULL)
		fprintf(out, "\"\"\n");
	else {
		while (fgets(text, sizeof(text), header) != NULL)
			fputs(text, out);
		while (fgets(text, sizeof(text), included) != NULL)
			fputs(text, out);
	}
	fprintf(out, ";\n");
	return fclose(out) != 0;
}
