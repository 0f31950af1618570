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

struct cached_page {
	uint64_t index;
	struct iq_page page;
};

struct files_result {
	bool cached; /* -c */
	uint64_t dentry; /* -d; 0: not asked for */
	uint64_t inode; /* -p, or the dentry's */
	uint64_t super_block;
	uint32_t mode;
	char *path; /* of the dentry, escaped */
	struct cached_page *page; /* of the inode */
	unsigned int nr_pages, room_pages;
	uint64_t nrpages; /* as it counts them itself */
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
	free(x->page);
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
	/* A task that has exited has neither. */
	if (*t->root || *t->cwd)
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

static void text_pages(struct session *s, const struct files_result *x, struct iq_buf *out)
{
	iq_buf_printf(out, "     INODE        NRPAGES\n%016" PRIx64 " %8" PRIu64 "\n", x->inode, x->nrpages);
	for (unsigned int i = 0; i < x->nr_pages; i++) {
		if (!i) {
			iq_buf_putc(out, '\n');
			text_page(s, &x->page[i].page, out);
		} else {
			text_page_row(s, &x->page[i].page, out);
		}
		if (!stream_out(s, out))
			return;
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct files_result *x = r->data;

	if (x->dentry)
		iq_buf_printf(out, "     DENTRY           INODE           SUPERBLK     TYPE PATH\n"
			      "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %-4s %s\n", x->dentry, x->inode,
			      x->super_block, iq_mode_text(x->mode), x->path);
	else if (x->inode)
		text_pages(s, x, out);
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

/* Of -d and -p. */
static json_t *json_one_file(struct session *s, const struct files_result *x, json_t *o)
{
	json_t *pages;

	if (x->dentry) {
		json_object_set_new(o, "dentry", json_address(x->dentry));
		json_object_set_new(o, "super_block", json_address(x->super_block));
		json_object_set_new(o, "type", json_string(iq_mode_text(x->mode)));
		json_object_set_new(o, "path", json_text(x->path, strlen(x->path)));
	}
	json_object_set_new(o, "inode", json_address(x->inode));
	if (x->dentry)
		return o;
	pages = json_array();
	for (unsigned int i = 0; i < x->nr_pages; i++)
		json_array_append_new(pages, json_page(s, &x->page[i].page));
	json_object_set_new(o, "nrpages", json_integer((json_int_t)x->nrpages));
	json_object_set_new(o, "pages", pages);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct files_result *x = r->data;
	json_t *tasks, *o = json_object();

	if (x->dentry || x->inode)
		return json_one_file(s, x, o);
	tasks = json_array();
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
	if (word_address(s, x->reference, &v) && v &&
	    (v == f->file.address || v == f->file.dentry || v == f->file.inode || v == f->file.mapping))
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

/* -d: what the dentry at an address is. */
static struct iq_error *fill_dentry(struct session *s, struct files_result *x)
{
	char path[IQ_PATH_ROOM];
	struct iq_dentry d;

	if (!iq_dentry_at(s->kernel, x->dentry, &d))
		return iq_error_new(IQ_E_MEMORY, "the dentry at 0x%" PRIx64 " cannot be read", x->dentry);
	x->inode = d.inode;
	x->super_block = d.super_block;
	x->mode = d.mode;
	iq_path(s->kernel, d.vfsmount, x->dentry, path);
	x->path = escaped(x, path);
	return x->path ? NULL : iq_error_nomem();
}

struct pages {
	struct session *s;
	struct files_result *x;
	bool failed;
};

static bool add_page(struct iq_kernel *k, uint64_t index, uint64_t address, void *arg)
{
	struct pages *p = arg;
	struct files_result *x = p->x;
	struct iq_error *err;
	uint64_t pfn;

	if (iq_cancelled(&p->s->cancel))
		return false;
	if (!iq_page_pfn(k, address, &pfn))
		return true;
	if (!iq_grow(&x->page, &x->room_pages, x->nr_pages + 1, sizeof(*x->page))) {
		p->failed = true;
		return false;
	}
	err = iq_page_of(k, pfn, &x->page[x->nr_pages].page);
	x->page[x->nr_pages].index = index;
	x->nr_pages += !err;
	iq_error_free(err);
	return true;
}

/* -p: the inode's pages in the page cache. */
static struct iq_error *fill_inode(struct session *s, struct files_result *x)
{
	struct pages p = {.s = s, .x = x};
	uint64_t mapping;

	if (!iq_inode_mapping(s->kernel, x->inode, &mapping) ||
	    !iq_mapping_pages(s->kernel, mapping, &x->nrpages, NULL, NULL))
		return iq_error_new(IQ_E_MEMORY, "the inode at 0x%" PRIx64 " cannot be read", x->inode);
	if (!iq_mapping_pages(s->kernel, mapping, NULL, add_page, &p))
		iq_warn(&s->warnings, "the page cache of the inode at 0x%" PRIx64 " is damaged: some of its pages "
			"may be missing", x->inode);
	if (iq_cancelled(&s->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	return p.failed ? iq_error_nomem() : NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct files_result *x = data;
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "cR:d:p:", &err)) != -1) {
		switch (option) {
		case 'c': x->cached = true; break;
		case 'R': x->reference = o.value; break;
		case 'd': IQ_TRY(parse_address(s, o.value, &x->dentry)); break;
		case 'p': IQ_TRY(parse_address(s, o.value, &x->inode)); break;
		default: return err;
		}
	}
	if (x->dentry || x->inode) {
		struct iq_types *types;

		if (o.index < argc || (x->dentry && x->inode))
			return iq_error_new(IQ_E_USAGE, "-d and -p take one address, and no task");
		IQ_TRY(iq_kernel_need_types(s->kernel, &types));
		return x->dentry ? fill_dentry(s, x) : fill_inode(s, x);
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
		"files -d DENTRY\n"
		"files -p INODE\n"
		"\n"
		"The root and working directory and the open files of the current task or of those\n"
		"named: descriptor, struct file, dentry and inode, kind, and path.  Sockets, pipes\n"
		"and anonymous files are named as in /proc/PID/fd.\n"
		"\n"
		"  -c   the address space and how many pages of the file are in memory\n"
		"  -R   only files with this descriptor, file, dentry, inode or address space, or\n"
		"       with this text in their path; tasks without one are left out\n"
		"  -d   the inode, super block, kind and path of the dentry at an address\n"
		"  -p   the pages of the inode at an address that are in the page cache\n"
		"\n"
		"  inquest> files\n"
		"  inquest> files -c 4711\n"
		"  inquest> foreach files -R /var/log\n",
	.run = run,
	.completes = "p",
	.keep_quotes = true,
};
