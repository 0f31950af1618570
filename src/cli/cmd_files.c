// SPDX-License-Identifier: GPL-2.0-or-later
/* files: the open files of tasks. */
#include "show.h"
#include "internal.h"
#include <inquest/fs.h>
#include <inttypes.h>
#include <stdlib.h>

struct open_file {
	unsigned int fd;
	struct iq_file file;
	char *path; /* escaped */
	uint64_t pages; /* -c; in the page cache */
};

struct task_files {
	struct iq_task task;
	char *root, *cwd; /* escaped */
	struct open_file *file;
	unsigned int nr;
};

struct files_result {
	bool cached; /* -c */
	const char *reference; /* -R, as typed; NULL: none */
	struct task_files *list;
	unsigned int nr;
	struct iq_arena text;
};

static void free_result(void *data)
{
	struct files_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->list[i].file);
	free(x->list);
	iq_arena_free(&x->text);
	free(x);
}

static void text_file(const struct files_result *x, const struct open_file *f, struct iq_buf *out)
{
	iq_buf_printf(out, "%3u ", f->fd);
	if (x->cached)
		iq_buf_printf(out, "%016" PRIx64 " %016" PRIx64 " %7" PRIu64, f->file.inode,
			      f->file.mapping, f->pages);
	else
		iq_buf_printf(out, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64, f->file.address,
			      f->file.dentry, f->file.inode);
	iq_buf_printf(out, " %-4s %s\n", iq_mode_text(f->file.mode), f->path);
}

static void text_task(const struct files_result *x, const struct task_files *t, struct iq_buf *out)
{
	text_task_header(&t->task, out);
	iq_buf_printf(out, "ROOT: %s    CWD: %s\n", t->root, t->cwd);
	if (!t->nr) {
		iq_buf_puts(out, "No open files\n");
		return;
	}
	iq_buf_puts(out, x->cached ? " FD      INODE          I_MAPPING     NRPAGES TYPE PATH\n"
				   : " FD       FILE            DENTRY           INODE       TYPE PATH\n");
	for (unsigned int i = 0; i < t->nr; i++)
		text_file(x, &t->file[i], out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct files_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_task(x, &x->list[i], out);
		if (!stream_out(s, out))
			return;
	}
}

static json_t *json_file(const struct files_result *x, const struct open_file *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "fd", json_integer(f->fd));
	json_object_set_new(o, "file", json_address(f->file.address));
	json_object_set_new(o, "dentry", json_address(f->file.dentry));
	json_object_set_new(o, "inode", json_address(f->file.inode));
	json_object_set_new(o, "mapping", f->file.mapping ? json_address(f->file.mapping) : json_null());
	json_object_set_new(o, "type", json_string(iq_mode_text(f->file.mode)));
	json_object_set_new(o, "flags", json_address(f->file.flags));
	json_object_set_new(o, "position", json_integer((json_int_t)f->file.pos));
	json_object_set_new(o, "path", *f->path ? json_text(f->path, strlen(f->path)) : json_null());
	if (x->cached)
		json_object_set_new(o, "cached_pages", json_integer((json_int_t)f->pages));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct files_result *x = r->data;
	json_t *tasks = json_array(), *o = json_object();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct task_files *t = &x->list[i];
		json_t *task = json_task(&t->task), *list = json_array();

		for (unsigned int f = 0; f < t->nr; f++)
			json_array_append_new(list, json_file(x, &t->file[f]));
		json_object_set_new(task, "root", json_text(t->root, strlen(t->root)));
		json_object_set_new(task, "cwd", json_text(t->cwd, strlen(t->cwd)));
		json_object_set_new(task, "files", list);
		json_array_append_new(tasks, task);
	}
	json_object_set_new(o, "tasks", tasks);
	return o;
}

/* Interrupted: the tasks so far. */
static bool some(const void *data)
{
	const struct files_result *x = data;

	return x->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding them ------------------------------------------------------------------------------ */

static char *escaped(struct files_result *x, const char *raw)
{
	struct iq_buf b = {0};
	char *copy;

	iq_buf_add_escaped(&b, raw, strlen(raw), false);
	copy = iq_arena_strdup(&x->text, iq_buf_str(&b));
	iq_buf_free(&b);
	return copy;
}

/* -R: a number is a descriptor, or an address of the file, its dentry or inode; other words a part
 * of the path. */
static bool refers(struct session *s, const struct files_result *x, const struct open_file *f)
{
	uint64_t v;

	if (!x->reference)
		return true;
	if (iq_parse_u64(x->reference, &v) && v == f->fd)
		return true;
	if (word_address(s, x->reference, &v) &&
	    (v == f->file.address || v == f->file.dentry || v == f->file.inode))
		return true;
	return strstr(f->path, x->reference);
}

static struct iq_error *add_task(struct session *s, void *arg, const struct iq_task *t)
{
	struct files_result *x = arg;
	char root[IQ_PATH_ROOM], cwd[IQ_PATH_ROOM], path[IQ_PATH_ROOM];
	struct task_files *tf = &x->list[x->nr];
	struct iq_kernel *k = s->kernel;
	struct iq_fd *fds;
	unsigned int nr;

	IQ_TRY(iq_task_files(k, t, &fds, &nr));
	iq_task_dirs(k, t, root, cwd);
	*tf = (struct task_files){.task = *t, .root = escaped(x, root), .cwd = escaped(x, cwd)};
	tf->file = calloc(nr ? nr : 1, sizeof(*tf->file));
	x->nr++;
	for (unsigned int i = 0; i < nr && tf->file && !iq_cancelled(&s->cancel); i++) {
		struct open_file *f = &tf->file[tf->nr];

		*f = (struct open_file){.fd = fds[i].fd, .file = fds[i].file};
		iq_file_path(k, &f->file, path);
		f->path = escaped(x, path);
		if (!f->path)
			break;
		if (x->cached && f->file.mapping)
			iq_mapping_pages(k, f->file.mapping, &f->pages, NULL, NULL);
		if (refers(s, x, f))
			tf->nr++;
	}
	free(fds);
	if (!tf->file || !tf->root || !tf->cwd || x->text.total == 0)
		return iq_error_nomem();
	if (x->reference && !tf->nr) { /* nothing of this task is asked for */
		free(tf->file);
		x->nr--;
	}
	return iq_cancelled(&s->cancel) ? iq_error_new(IQ_E_INTERRUPTED, "interrupted") : NULL;
}

static bool room(void *arg, unsigned int most)
{
	struct files_result *x = arg;

	x->list = calloc(most, sizeof(*x->list));
	return x->list;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct files_result *x = data;
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "cR:", &err)) != -1) {
		switch (option) {
		case 'c': x->cached = true; break;
		case 'R': x->reference = o.value; break;
		default: return err;
		}
	}
	return with_tasks(s, argc - o.index, argv + o.index, room, add_task, x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct files_result), fill, &ops, r);
}

const struct command cmd_files = {
	.name = "files",
	.summary = "the open files of a task",
	.help = "files [-c] [-R REFERENCE] [PID | TASK | NAME | 'REGEX']...\n"
		"\n"
		"The root and working directory and the open files of the current task or of those\n"
		"named: descriptor, struct file, dentry and inode, kind, and path.  Sockets, pipes\n"
		"and anonymous files are named as in /proc/PID/fd.\n"
		"\n"
		"  -c   the address space and how many pages of the file are in memory\n"
		"  -R   only files with this descriptor, file, dentry or inode, or with this text in\n"
		"       their path; tasks without one are left out\n"
		"\n"
		"  inquest> files\n"
		"  inquest> files -c 4711\n"
		"  inquest> foreach files -R /var/log\n",
	.run = run,
	.completes = "p",
	.keep_quotes = true,
};
