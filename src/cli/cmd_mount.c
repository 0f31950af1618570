// SPDX-License-Identifier: GPL-2.0-or-later
/* mount: what is mounted where. */
#include "internal.h"
#include <inquest/fs.h>
#include <inttypes.h>
#include <stdlib.h>

struct mount_result {
	struct iq_mounts mounts;
	bool *shown; /* by index; owned */
};

static void free_result(void *data)
{
	struct mount_result *x = data;

	iq_mounts_free(&x->mounts);
	free(x->shown);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct mount_result *x = r->data;

	iq_buf_puts(out, "     MOUNT           SUPERBLK     TYPE   DEVNAME   DIRNAME\n");
	for (unsigned int i = 0; i < x->mounts.nr; i++) {
		const struct iq_mount *m = &x->mounts.mount[i];
		int type = (int)strlen(m->type), over = IQ_MAX(type - 6, 0);

		if (!x->shown[i])
			continue;
		/* What is too long for its column takes from the blanks of the next, as in crash. */
		iq_buf_printf(out, "%016" PRIx64 " %016" PRIx64 " %-6s %-*s %-10s\n", m->address,
			      m->super_block, m->type, IQ_MAX(9 - over, 0), m->device, m->directory);
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct mount_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->mounts.nr; i++) {
		const struct iq_mount *m = &x->mounts.mount[i];
		json_t *e;

		if (!x->shown[i])
			continue;
		e = json_object();
		json_object_set_new(e, "mount", json_address(m->address));
		json_object_set_new(e, "super_block", json_address(m->super_block));
		json_object_set_new(e, "id", json_integer(m->id));
		json_object_set_new(e, "type", json_string(m->type));
		json_object_set_new(e, "device", json_text(m->device, strlen(m->device)));
		json_object_set_new(e, "directory", json_text(m->directory, strlen(m->directory)));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "mounts", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* An address of the mount, its super block or root, or a device, directory or type. */
static bool meant(struct session *s, const struct iq_mount *m, const char *word)
{
	uint64_t v;

	if (word_address(s, word, &v) &&
	    (v == m->address || v == m->vfsmount || v == m->super_block || v == m->dentry))
		return true;
	return !strcmp(word, m->device) || !strcmp(word, m->directory) || !strcmp(word, m->type);
}

static struct iq_error *fill(struct session *s, const char *task, int nr, char **words,
			     struct mount_result *x)
{
	struct iq_task t;
	bool any = false;

	if (task)
		IQ_TRY(parse_task(s, task, &t));
	IQ_TRY(iq_mounts(s->kernel, task ? &t : NULL, &x->mounts));
	x->shown = calloc(x->mounts.nr + 1, sizeof(*x->shown));
	if (!x->shown)
		return iq_error_nomem();
	for (unsigned int i = 0; i < x->mounts.nr; i++) {
		x->shown[i] = !nr;
		for (int w = 0; w < nr; w++)
			x->shown[i] |= meant(s, &x->mounts.mount[i], words[w]);
		any |= x->shown[i];
	}
	if (nr && !any)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "nothing mounted is meant by %s",
						  words[0]),
				     "mount alone lists all mounts");
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	const char *task = NULL;
	struct mount_result *x;
	struct iq_kernel *k;
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "n:", &err)) != -1) {
		if (option == '?')
			return err;
		task = o.value;
	}
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	err = fill(s, task, argc - o.index, argv + o.index, x);
	if (err) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_mount = {
	.name = "mount",
	.summary = "the mounted file systems",
	.help = "mount [-n PID | TASK] [MOUNT | VFSMOUNT | SUPERBLOCK | DENTRY | DEVICE | DIRECTORY | TYPE]...\n"
		"\n"
		"Lists what is mounted in the first process's name space: struct mount, super block,\n"
		"type, device and directory; all of it, or what the words name.\n"
		"\n"
		"  -n   the name space of this task\n"
		"\n"
		"  inquest> mount\n"
		"  inquest> mount ext4\n",
	.run = run,
	.no_context = true,
};
