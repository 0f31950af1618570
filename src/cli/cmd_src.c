// SPDX-License-Identifier: GPL-2.0-or-later
/* src: the source text itself. */
#include "show.h"
#include "source.h"
#include <stdlib.h>

#define LINES_MAX 10000

static void free_result(void *data)
{
	listing_free(data);
	free(data);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	text_listing(r->data, out);
}

static json_t *json(struct session *s, const struct result *r)
{
	json_t *o = json_object();

	json_listing(r->data, o);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* "kernel/panic.c:279": the file without the line; NULL: not of that form. */
static char *file_and_line(const char *word, unsigned int *line)
{
	const char *colon = strrchr(word, ':');
	uint64_t number;

	/* "module:symbol" and "symbol:cpu" have no file name in front of the colon. */
	if (!colon || !iq_parse_u64(colon + 1, &number) || !number || number > UINT32_MAX ||
	    !memchr(word, '.', (size_t)(colon - word)))
		return NULL;
	*line = (unsigned int)number;
	return strndup(word, (size_t)(colon - word));
}

static struct iq_error *find(struct session *s, const char *word, unsigned int count,
			     struct listing *l)
{
	unsigned int line;
	char *file = file_and_line(word, &line);
	struct iq_error *err;
	uint64_t address;

	if (file) {
		err = listing_of(s, file, line, count, l);
		free(file);
		return err;
	}
	IQ_TRY(parse_address(s, word, &address));
	if (!is_code_address(s->kernel, address))
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "%s is no address of kernel code", word),
			"src shows source: src FUNCTION, src FILE:LINE");
	return listing_at(s, address, count, l);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_kernel *k;
	struct iq_error *err;
	struct listing *l;
	uint64_t count = 0;

	if (next_option(&o, "", &err) != -1)
		return err;
	IQ_TRY(need_kernel(s, &k));
	l = calloc(1, sizeof(*l));
	if (!l)
		return iq_error_nomem();
	argc -= o.index;
	argv += o.index;
	err = NULL;
	if (argc < 1 || argc > 2)
		err = iq_error_hint(
			iq_error_new(IQ_E_USAGE, "a function, an address or FILE:LINE is wanted"),
			"help src shows examples");
	if (!err && argc == 2)
		err = parse_number(argv[1], "a count of lines", LINES_MAX, &count);
	if (!err)
		err = find(s, argv[0], (unsigned int)count, l);
	if (!err && l->missing) {
		err = iq_error_hint(
			iq_error_new(IQ_E_UNAVAILABLE, "%s", l->missing),
			"set src DIRECTORY, or --src DIRECTORY, says where the source is");
	}
	*r = (struct result){l->file ? &ops : NULL, l};
	if (!l->file)
		free(l);
	return err;
}

const struct command cmd_src = {
	.name = "src",
	.summary = "source text",
	.help = "src FUNCTION | ADDRESS | (EXPRESSION) | FILE:LINE [COUNT]\n"
		"\n"
		"Shows the source: five lines in front of the one that is meant, marked with *,\n"
		"and from it on COUNT lines, or the rest of the function.  A > marks lines that\n"
		"the context's stack is in.  An address that a call returns to stands for the\n"
		"call.\n"
		"\n"
		"The source is looked for below the directory that --src DIR or set src DIR "
		"names:\n"
		"DIR/kernel/panic.c for kernel/panic.c, whatever directory it was compiled in.\n"
		"Nothing outside of DIR is read.  `list FUNCTION` and `list FILE:LINE` are the "
		"same.\n"
		"\n"
		"  inquest> set src ~/linux-6.1\n"
		"  inquest> src vfs_write\n"
		"  inquest> src fs/read_write.c:565 20\n",
	.run = run,
	.completes = "s",
};
