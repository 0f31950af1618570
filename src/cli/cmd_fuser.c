// SPDX-License-Identifier: GPL-2.0-or-later
/* fuser: the tasks that use a file. */
#include "internal.h"
#include <inquest/fs.h>
#include <inquest/vma.h>
#include <inttypes.h>
#include <stdlib.h>

enum { USE_ROOT = 1, USE_CWD = 2, USE_FD = 4, USE_MMAP = 8 };

struct user {
	struct iq_task task;
	unsigned int use;
};

struct fuser_result {
	char *word; /* as typed */
	uint64_t inode; /* 0: a path was typed */
	struct user *user;
	unsigned int nr, room;
	/* The last file that was looked at: many tasks map one file. */
	uint64_t last_file;
	bool last_is_it;
	/* The last memory map: threads share it. */
	uint64_t last_mm;
	bool last_maps_it;
};

static void free_result(void *data)
{
	struct fuser_result *x = data;

	free(x->word);
	free(x->user);
	free(x);
}

static const struct {
	unsigned int use;
	const char *name;
} uses[] = {{USE_ROOT, "root"}, {USE_CWD, "cwd"}, {USE_FD, "fd"}, {USE_MMAP, "mmap"}};

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct fuser_result *x = r->data;
	struct iq_buf name = {0};

	if (!x->nr) {
		iq_buf_puts(out, "No users of ");
		iq_buf_add_escaped(out, x->word, strlen(x->word), false);
		iq_buf_puts(out, " found\n");
		return;
	}
	iq_buf_puts(out, " PID         TASK        COMM             USAGE\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct user *u = &x->user[i];

		name.len = 0;
		iq_buf_putc(&name, '"');
		iq_buf_add_escaped(&name, u->task.comm, strnlen(u->task.comm, sizeof(u->task.comm)), false);
		iq_buf_putc(&name, '"');
		iq_buf_printf(out, "%5" PRIu32 "  %016" PRIx64 "  %-16s ", u->task.pid, u->task.address,
			      iq_buf_str(&name));
		for (unsigned int n = 0; n < IQ_ARRAY_SIZE(uses); n++) {
			if (u->use & uses[n].use)
				iq_buf_printf(out, "%s ", uses[n].name);
		}
		iq_buf_putc(out, '\n');
	}
	iq_buf_free(&name);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct fuser_result *x = r->data;
	json_t *o = json_object(), *tasks = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		json_t *t = json_task(&x->user[i].task), *list = json_array();

		for (unsigned int n = 0; n < IQ_ARRAY_SIZE(uses); n++) {
			if (x->user[i].use & uses[n].use)
				json_array_append_new(list, json_string(uses[n].name));
		}
		json_object_set_new(t, "use", list);
		json_array_append_new(tasks, t);
	}
	json_object_set_new(o, "tasks", tasks);
	return o;
}

static bool some(const void *data)
{
	const struct fuser_result *x = data;

	return x->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding them ------------------------------------------------------------------------------ */

/* What can be seen can be typed: paths are compared as they are shown. */
static bool same_path(const struct fuser_result *x, const char *raw)
{
	struct iq_buf b = {0};
	bool same;

	iq_buf_add_escaped(&b, raw, strlen(raw), false);
	same = !strcmp(iq_buf_str(&b), x->word);
	iq_buf_free(&b);
	return same;
}

static bool is_it(struct session *s, struct fuser_result *x, const struct iq_file *f)
{
	char path[IQ_PATH_ROOM];

	if (x->inode)
		return f->inode == x->inode;
	iq_file_path(s->kernel, f, path);
	return same_path(x, path);
}

static bool is_mapped(struct session *s, struct fuser_result *x, const struct iq_task *t)
{
	struct iq_vma *vma = NULL;
	struct iq_file f;
	bool found = false;
	unsigned int nr = 0;

	if (!t->mm)
		return false;
	if (t->mm == x->last_mm)
		return x->last_maps_it;
	iq_error_free(iq_vmas(s->kernel, t->mm, &vma, &nr));
	for (unsigned int i = 0; i < nr && !found; i++) {
		if (!vma[i].file)
			continue;
		if (vma[i].file != x->last_file) {
			x->last_file = vma[i].file;
			x->last_is_it = iq_file_at(s->kernel, vma[i].file, &f) && is_it(s, x, &f);
		}
		found = x->last_is_it;
	}
	free(vma);
	x->last_mm = t->mm;
	x->last_maps_it = found;
	return found;
}

static struct iq_error *look_at(struct session *s, struct fuser_result *x, const struct iq_task *t)
{
	uint64_t root_inode = 0, cwd_inode = 0;
	char root[IQ_PATH_ROOM], cwd[IQ_PATH_ROOM];
	struct iq_fd *fds = NULL;
	unsigned int nr = 0, use = 0;
	struct iq_error *err;

	if (x->inode) {
		iq_task_dir_inodes(s->kernel, t, &root_inode, &cwd_inode);
		use |= root_inode == x->inode ? USE_ROOT : 0;
		use |= cwd_inode == x->inode ? USE_CWD : 0;
	} else {
		iq_task_dirs(s->kernel, t, root, cwd);
		use |= *root && same_path(x, root) ? USE_ROOT : 0;
		use |= *cwd && same_path(x, cwd) ? USE_CWD : 0;
	}
	err = iq_task_files(s->kernel, t, &fds, &nr);
	for (unsigned int i = 0; !err && i < nr && !(use & USE_FD); i++)
		use |= is_it(s, x, &fds[i].file) ? USE_FD : 0;
	free(fds);
	if (err) {
		/* The next task's may be whole. */
		iq_warn(&s->warnings, "%s", err->message);
		iq_error_free(err);
	}
	use |= is_mapped(s, x, t) ? USE_MMAP : 0;
	if (!use)
		return NULL;
	if (!iq_grow(&x->user, &x->room, x->nr + 1, sizeof(*x->user)))
		return iq_error_nomem();
	x->user[x->nr++] = (struct user){*t, use};
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct fuser_result *x = data;
	const struct iq_task *tasks;
	struct iq_types *types;
	struct iq_error *err;
	unsigned int nr;

	if (next_option(&o, "", &err) != -1)
		return err;
	if (argc - o.index != 1)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "one path, or the address of an inode, is needed"),
				     "for example: fuser /dev/null");
	x->word = strdup(argv[o.index]);
	if (!x->word)
		return iq_error_nomem();
	if (x->word[0] != '/' && !word_address(s, x->word, &x->inode))
		x->inode = 0; /* "pipe:[4711]" is a name as well */
	IQ_TRY(iq_kernel_need_types(s->kernel, &types));
	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		if (iq_cancelled(&s->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		IQ_TRY(look_at(s, x, &tasks[i]));
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct fuser_result), fill, &ops, r);
}

const struct command cmd_fuser = {
	.name = "fuser",
	.summary = "the tasks that use a file",
	.help = "fuser PATH | INODE\n"
		"\n"
		"The tasks that have the file open (fd), mapped into memory (mmap), or as their\n"
		"root or working directory (root, cwd).  The file is named by its full path, by\n"
		"the name that files shows (\"socket:[4711]\"), or by the address of its inode.\n"
		"\n"
		"  inquest> fuser /dev/null\n"
		"  inquest> fuser /bin/busybox\n",
	.run = run,
	.completes = "f",
	.no_context = true,
};
