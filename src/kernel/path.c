// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths of dentries, as d_path() (fs/d_path.c) makes them: see fs.h. */
#include <inquest/fs.h>

#include "private.h"

#define MAX_COMPONENTS 1024
#define NAME_ROOM 256 /* NAME_MAX + 1 */

/* d_name: LEN bytes at .name; false if that cannot be. */
static bool dentry_name(struct iq_kernel *k, uint64_t dentry, char *name, size_t *len)
{
	uint64_t n, at;
	struct iq_fault fault;

	if (!kernel_read_member(k, "dentry", "d_name.len", dentry, &n) ||
	    !kernel_read_member(k, "dentry", "d_name.name", dentry, &at) || n >= NAME_ROOM)
		return false;
	if (iq_vm_read(k->vm, at, name, n, &fault) || memchr(name, 0, n))
		return false;
	*len = n;
	return true;
}

/* The name of the file system that DENTRY lies in; false unknown. */
static bool fs_type(struct iq_kernel *k, uint64_t dentry, char *name, size_t room)
{
	uint64_t sb, type, at;
	struct iq_fault fault;

	if (!kernel_read_member(k, "dentry", "d_sb", dentry, &sb) ||
	    !kernel_read_member(k, "super_block", "s_type", sb, &type) ||
	    !kernel_read_member(k, "file_system_type", "name", type, &at))
		return false;
	for (size_t i = 0; i < room; i++) {
		if (iq_vm_read(k->vm, at + i, name + i, 1, &fault))
			return false;
		if (!name[i])
			return true;
	}
	return false;
}

/* Files without a place in a directory: d_dname() of their file systems. */
static bool special_name(struct iq_kernel *k, uint64_t dentry, char *path)
{
	char type[32], name[NAME_ROOM];
	uint64_t inode, ino = 0;
	size_t len;

	if (!fs_type(k, dentry, type, sizeof(type)))
		return false;
	if (!kernel_read_member(k, "dentry", "d_inode", dentry, &inode) ||
	    !kernel_read_member(k, "inode", "i_ino", inode, &ino))
		ino = 0;
	if (!strcmp(type, "sockfs")) {
		snprintf(path, IQ_PATH_ROOM, "socket:[%lu]", (unsigned long)ino);
	} else if (!strcmp(type, "pipefs")) {
		snprintf(path, IQ_PATH_ROOM, "pipe:[%lu]", (unsigned long)ino);
	} else if (!strcmp(type, "anon_inodefs") && dentry_name(k, dentry, name, &len)) {
		snprintf(path, IQ_PATH_ROOM, "anon_inode:%.*s", (int)len, name);
	} else if ((!strcmp(type, "dmabuf") || !strcmp(type, "nsfs")) &&
		   dentry_name(k, dentry, name, &len)) {
		snprintf(path, IQ_PATH_ROOM, "%s:[%lu]", type, (unsigned long)ino);
	} else {
		return false;
	}
	return true;
}

/* Put "/NAME" in front of what begins at *AT; false: no room. */
static bool prepend(char *path, size_t *at, const char *name, size_t len)
{
	if (*at < len + 1)
		return false;
	*at -= len;
	memcpy(path + *at, name, len);
	path[--*at] = '/';
	return true;
}

struct climb {
	uint64_t mount, dentry; /* mount: struct mount; 0 none */
	uint64_t mnt_at;	/* of .mnt in struct mount */
};

/* From the root of a mount to the directory it is mounted on; false: it is the root of all. */
static bool next_mount(struct iq_kernel *k, struct climb *c)
{
	uint64_t parent, mountpoint;

	if (!c->mount || !kernel_read_member(k, "mount", "mnt_parent", c->mount, &parent) ||
	    !kernel_read_member(k, "mount", "mnt_mountpoint", c->mount, &mountpoint) ||
	    parent == c->mount || !parent)
		return false;
	c->mount = parent;
	c->dentry = mountpoint;
	return true;
}

bool iq_path(struct iq_kernel *k, uint64_t vfsmount, uint64_t dentry, char *path)
{
	struct climb c = {.dentry = dentry};
	struct iq_types *t = iq_kernel_types(k);
	size_t at = IQ_PATH_ROOM - 1, len;
	char name[NAME_ROOM], text[IQ_PATH_ROOM];
	bool whole = true;

	path[0] = '\0';
	if (!dentry || !t)
		return false;
	if (special_name(k, dentry, path))
		return true;
	if (vfsmount && iq_offset(t, "mount", "mnt", &c.mnt_at, NULL))
		c.mount = vfsmount - c.mnt_at;
	text[at] = '\0';
	for (unsigned int n = 0;; n++) {
		uint64_t root = 0, parent;

		if (c.mount)
			kernel_read_member(k, "mount", "mnt.mnt_root", c.mount, &root);
		if (c.dentry == root) {
			if (!next_mount(k, &c))
				break;
			if (n < MAX_COMPONENTS)
				continue;
		}
		if (n >= MAX_COMPONENTS ||
		    !kernel_read_member(k, "dentry", "d_parent", c.dentry, &parent)) {
			whole = false;
			break;
		}
		if (parent == c.dentry) { /* IS_ROOT(); of memfds and shared memory with a name */
			if (at == IQ_PATH_ROOM - 1 && dentry_name(k, c.dentry, name, &len) &&
			    !(len == 1 && *name == '/'))
				whole = prepend(text, &at, name, len);
			break;
		}
		if (!dentry_name(k, c.dentry, name, &len) || !prepend(text, &at, name, len)) {
			whole = false;
			break;
		}
		c.dentry = parent;
	}
	if (!whole)
		snprintf(path, IQ_PATH_ROOM, "…%.*s", IQ_PATH_ROOM - 8, text + at);
	else
		snprintf(path, IQ_PATH_ROOM, "%s", text[at] ? text + at : "/");
	return whole;
}

bool iq_dentry_deleted(struct iq_kernel *k, uint64_t dentry)
{
	uint64_t pprev, parent;

	return kernel_read_member(k, "dentry", "d_parent", dentry, &parent) && parent != dentry &&
	       kernel_read_member(k, "dentry", "d_hash.pprev", dentry, &pprev) && !pprev;
}
