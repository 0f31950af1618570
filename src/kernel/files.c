// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files of tasks (include/linux/fdtable.h), and mounts (fs/mount.h): see fs.h. */
#include <inquest/fs.h>

#include "private.h"

#include <stdlib.h>

#define MAX_FDS (1u << 20) /* sysctl_nr_open's default */
#define MAX_MOUNTS 200000

bool iq_file_at(struct iq_kernel *k, uint64_t address, struct iq_file *ret)
{
	struct iq_file f = {.address = address};
	uint64_t v;

	if (!kernel_read_member(k, "file", "f_path.dentry", address, &f.dentry) ||
	    !kernel_read_member(k, "file", "f_path.mnt", address, &f.vfsmount))
		return false;
	if (kernel_read_member(k, "file", "f_flags", address, &v))
		f.flags = (uint32_t)v;
	kernel_read_member(k, "file", "f_pos", address, &f.pos);
	kernel_read_member(k, "file", "f_mapping", address, &f.mapping);
	if (!kernel_read_member(k, "file", "f_inode", address, &f.inode) || !f.inode)
		kernel_read_member(k, "dentry", "d_inode", f.dentry, &f.inode);
	if (f.inode && kernel_read_member(k, "inode", "i_mode", f.inode, &v))
		f.mode = (uint32_t)v;
	if (f.inode)
		kernel_read_member(k, "inode", "i_ino", f.inode, &f.ino);
	*ret = f;
	return true;
}

bool iq_dentry_at(struct iq_kernel *k, uint64_t address, struct iq_dentry *ret)
{
	struct iq_dentry d = {.address = address};
	uint64_t v, list, mount, mnt;
	struct iq_types *t = iq_kernel_types(k);

	if (!t || !kernel_read_member(k, "dentry", "d_inode", address, &d.inode) ||
	    !kernel_read_member(k, "dentry", "d_sb", address, &d.super_block))
		return false;
	if (d.inode && kernel_read_member(k, "inode", "i_mode", d.inode, &v))
		d.mode = (uint32_t)v;
	/* A list of struct mount through mnt_instance; later the first struct mount itself. */
	if (kernel_read_member(k, "super_block", "s_mounts.next", d.super_block, &list) &&
	    iq_offset(t, "mount", "mnt_instance", &mount, NULL) && iq_offset(t, "mount", "mnt", &mnt, NULL) &&
	    kernel_read_member(k, "super_block", "s_mounts.prev", d.super_block, &v))
		d.vfsmount = list - mount + mnt;
	else if (kernel_read_member(k, "super_block", "s_mounts", d.super_block, &list) && list &&
		 iq_offset(t, "mount", "mnt", &mnt, NULL))
		d.vfsmount = list + mnt;
	if (d.vfsmount && (!kernel_read_member(k, "vfsmount", "mnt_sb", d.vfsmount, &v) || v != d.super_block))
		d.vfsmount = 0;
	*ret = d;
	return true;
}

bool iq_inode_mapping(struct iq_kernel *k, uint64_t address, uint64_t *mapping)
{
	return kernel_read_member(k, "inode", "i_mapping", address, mapping) && *mapping;
}

bool iq_file_path(struct iq_kernel *k, const struct iq_file *f, char *path)
{
	return iq_path(k, f->vfsmount, f->dentry, path);
}

const char *iq_mode_text(uint32_t mode)
{
	static const char *const names[16] = {
		[1] = "FIFO", [2] = "CHR", [4] = "DIR", [6] = "BLK",
		[8] = "REG", [10] = "LNK", [12] = "SOCK",
	};
	const char *name = names[mode >> 12 & 15];

	return name ? name : "UNKN";
}

struct iq_error *iq_task_files(struct iq_kernel *k, const struct iq_task *t, struct iq_fd **ret,
			       unsigned int *nr)
{
	uint64_t files, fdt, max, table, slots[512];
	struct iq_fd *fds = NULL;
	unsigned int n = 0, room = 0;
	struct iq_fault fault;
	struct iq_types *types;

	*ret = NULL;
	*nr = 0;
	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!kernel_read_member(k, "task_struct", "files", t->address, &files))
		return iq_error_new(IQ_E_MEMORY, "the open files of task %u cannot be read", t->pid);
	if (!files)
		return NULL;
	if (!kernel_read_member(k, "files_struct", "fdt", files, &fdt) ||
	    !kernel_read_member(k, "fdtable", "max_fds", fdt, &max) ||
	    !kernel_read_member(k, "fdtable", "fd", fdt, &table))
		return iq_error_new(IQ_E_MEMORY,
				    "the open files of task %u (files_struct 0x%lx) cannot be read",
				    t->pid, (unsigned long)files);
	if (max > MAX_FDS) {
		iq_warn(k->warnings, "task %u says it has %lu file descriptors: only %u are looked at",
			t->pid, (unsigned long)max, MAX_FDS);
		max = MAX_FDS;
	}
	for (uint64_t i = 0; i < max; i++) {
		uint64_t at = i % IQ_ARRAY_SIZE(slots);

		if (!at && iq_vm_read(k->vm, table + i * 8, slots,
				      IQ_MIN(IQ_ARRAY_SIZE(slots), max - i) * 8, &fault)) {
			iq_warn(k->warnings, "task %u: its table of open files cannot be read from "
				"descriptor %lu on", t->pid, (unsigned long)i);
			break;
		}
		if (!slots[at])
			continue;
		if (!iq_grow(&fds, &room, n + 1, sizeof(*fds))) {
			free(fds);
			return iq_error_nomem();
		}
		if (!iq_file_at(k, slots[at], &fds[n].file)) {
			memset(&fds[n].file, 0, sizeof(fds[n].file));
			fds[n].file.address = slots[at];
		}
		fds[n++].fd = (unsigned int)i;
	}
	*ret = fds;
	*nr = n;
	return NULL;
}

bool iq_task_dirs(struct iq_kernel *k, const struct iq_task *t, char *root, char *cwd)
{
	uint64_t fs, mnt, dentry;

	*root = *cwd = '\0';
	if (!kernel_read_member(k, "task_struct", "fs", t->address, &fs) || !fs)
		return false;
	if (kernel_read_member(k, "fs_struct", "root.mnt", fs, &mnt) &&
	    kernel_read_member(k, "fs_struct", "root.dentry", fs, &dentry))
		iq_path(k, mnt, dentry, root);
	if (kernel_read_member(k, "fs_struct", "pwd.mnt", fs, &mnt) &&
	    kernel_read_member(k, "fs_struct", "pwd.dentry", fs, &dentry))
		iq_path(k, mnt, dentry, cwd);
	return *root && *cwd;
}

void iq_task_dir_inodes(struct iq_kernel *k, const struct iq_task *t, uint64_t *root, uint64_t *cwd)
{
	uint64_t fs, dentry;

	*root = *cwd = 0;
	if (!kernel_read_member(k, "task_struct", "fs", t->address, &fs) || !fs)
		return;
	if (kernel_read_member(k, "fs_struct", "root.dentry", fs, &dentry))
		kernel_read_member(k, "dentry", "d_inode", dentry, root);
	if (kernel_read_member(k, "fs_struct", "pwd.dentry", fs, &dentry))
		kernel_read_member(k, "dentry", "d_inode", dentry, cwd);
}

bool iq_mapping_pages(struct iq_kernel *k, uint64_t mapping, uint64_t *nrpages,
		      bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t page, void *arg),
		      void *arg)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t tree;

	if (nrpages && !kernel_read_member(k, "address_space", "nrpages", mapping, nrpages))
		return false;
	if (!fn)
		return true;
	if (!t || (!iq_offset(t, "address_space", "i_pages", &tree, NULL) &&
		   !iq_offset(t, "address_space", "page_tree", &tree, NULL)))
		return false;
	return kernel_xarray_for_each(k, mapping + tree, "page cache", fn, arg);
}

/* ---- Mounts ------------------------------------------------------------------------------------- */

struct mounts {
	struct iq_mounts *list;
	unsigned int room;
	uint64_t list_at, mnt_at;
	bool failed;
};

/* The string at ADDRESS, escaped and cut to ROOM. */
static void read_text(struct iq_kernel *k, uint64_t address, char *text, size_t room)
{
	struct iq_buf b = {};
	struct iq_fault fault;
	char raw[256];
	size_t n = 0;

	while (n < sizeof(raw) && !iq_vm_read(k->vm, address + n, raw + n, 1, &fault) && raw[n])
		n++;
	iq_buf_add_escaped(&b, raw, n, false);
	snprintf(text, room, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
}

static bool add_mount(struct iq_kernel *k, struct mounts *m, uint64_t address)
{
	struct iq_mount mount = {.address = address, .vfsmount = address + m->mnt_at};
	char path[IQ_PATH_ROOM];
	struct iq_buf b = {};
	uint64_t v, name;

	if (!kernel_read_member(k, "mount", "mnt.mnt_sb", address, &mount.super_block) ||
	    !kernel_read_member(k, "mount", "mnt.mnt_root", address, &mount.dentry)) {
		iq_warn(k->warnings, "struct mount 0x%lx cannot be read", (unsigned long)address);
		return true;
	}
	if (kernel_read_member(k, "mount", "mnt_id", address, &v))
		mount.id = (int)v;
	if (kernel_read_member(k, "super_block", "s_type", mount.super_block, &v) &&
	    kernel_read_member(k, "file_system_type", "name", v, &name))
		read_text(k, name, mount.type, sizeof(mount.type));
	if (kernel_read_member(k, "mount", "mnt_devname", address, &v) && v)
		read_text(k, v, mount.device, sizeof(mount.device));
	iq_path(k, mount.vfsmount, mount.dentry, path);
	iq_buf_add_escaped(&b, path, strlen(path), false);
	mount.directory = iq_arena_strdup(&m->list->text, iq_buf_str(&b));
	iq_buf_free(&b);
	if (!mount.directory || m->list->nr >= MAX_MOUNTS ||
	    !iq_grow(&m->list->mount, &m->room, m->list->nr + 1, sizeof(mount))) {
		m->failed = true;
		return false;
	}
	m->list->mount[m->list->nr++] = mount;
	return true;
}

static bool linked_mount(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct mounts *m = arg;

	return add_mount(k, m, entry - m->list_at);
}

struct iq_error *iq_mounts(struct iq_kernel *k, const struct iq_task *t, struct iq_mounts *ret)
{
	struct mounts m = {.list = ret};
	struct iq_types *types;
	uint64_t task, proxy, ns, at;

	memset(ret, 0, sizeof(*ret));
	IQ_TRY(iq_kernel_need_types(k, &types));
	task = t ? t->address : iq_kernel_symbol(k, "init_task");
	if (!kernel_read_member(k, "task_struct", "nsproxy", task, &proxy) || !proxy ||
	    !kernel_read_member(k, "nsproxy", "mnt_ns", proxy, &ns) || !ns)
		return iq_error_new(IQ_E_MEMORY, "the mount name space of the task cannot be read");
	if (!iq_offset(types, "mount", "mnt", &m.mnt_at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's struct mount is of an unknown layout");
	if (iq_offset(types, "mnt_namespace", "list", &at, NULL) &&
	    iq_offset(types, "mount", "mnt_list", &m.list_at, NULL)) {
		kernel_list_for_each(k, ns + at, MAX_MOUNTS, "mounts", linked_mount, &m);
	} else if (iq_offset(types, "mnt_namespace", "mounts", &at, NULL) &&
		   iq_offset(types, "mount", "mnt_node", &m.list_at, NULL)) {
		kernel_rbtree_for_each(k, ns + at, MAX_MOUNTS, "mounts", linked_mount, &m);
	} else {
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel keeps its mounts in a way that is not known");
	}
	return m.failed ? iq_error_nomem() : NULL;
}

void iq_mounts_free(struct iq_mounts *m)
{
	free(m->mount);
	iq_arena_free(&m->text);
	memset(m, 0, sizeof(*m));
}
