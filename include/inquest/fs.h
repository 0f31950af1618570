/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files (include/linux/fs.h, dcache.h, fs/mount.h): paths of dentries, open files of tasks, mounts.
 */
#ifndef INQUEST_FS_H
#define INQUEST_FS_H

#include <inquest/task.h>

#define IQ_PATH_ROOM 4096

/*
 * The path of DENTRY on the mounted file system VFSMOUNT (0: only up to the root of its own file
 * system), from the root of the mount tree, raw bytes: escape before showing.  Files that have no
 * place in a directory are named as /proc/PID/fd does: "socket:[123]", "pipe:[4]", "anon_inode:
 * [eventfd]", "/memfd:x".  PATH has room for IQ_PATH_ROOM bytes and always ends in a NUL.  False:
 * damage or memory that is not in the dump; PATH then holds what could be had behind "…".
 */
bool iq_path(struct iq_kernel *k, uint64_t vfsmount, uint64_t dentry, char *path);
/* Was the dentry's name removed from its directory (the kernel's own " (deleted)")? */
bool iq_dentry_deleted(struct iq_kernel *k, uint64_t dentry);

/* A struct dentry. */
struct iq_dentry {
	uint64_t address;
	uint64_t inode, super_block;
	uint64_t vfsmount;	/* a place where its file system is mounted, for iq_path(); 0 none */
	uint32_t mode;		/* i_mode; 0 unknown */
};
bool iq_dentry_at(struct iq_kernel *k, uint64_t address, struct iq_dentry *ret);
/* The struct address_space of the inode at ADDRESS (i_mapping). */
bool iq_inode_mapping(struct iq_kernel *k, uint64_t address, uint64_t *mapping);

/* A struct file. */
struct iq_file {
	uint64_t address;
	uint64_t dentry, vfsmount, inode;
	uint64_t mapping;	/* struct address_space; 0 unknown */
	uint32_t mode;		/* i_mode: type and permissions; 0 unknown */
	uint32_t flags;		/* f_flags: O_* */
	uint64_t pos;
	uint64_t ino;
};
bool iq_file_at(struct iq_kernel *k, uint64_t address, struct iq_file *ret);
/* The same with a path; "" and false if it cannot be had. */
bool iq_file_path(struct iq_kernel *k, const struct iq_file *f, char *path);
/* crash's word for a mode: "REG", "DIR", "CHR", "BLK", "FIFO", "SOCK", "LNK", "UNKN". */
const char *iq_mode_text(uint32_t mode);

struct iq_fd {
	unsigned int fd;
	struct iq_file file;
};
/*
 * The open files of task T in ascending order, malloc()ed (free()).  None without files_struct
 * (zombies).
 */
struct iq_error *iq_task_files(struct iq_kernel *k, const struct iq_task *t, struct iq_fd **ret,
			       unsigned int *nr) IQ_CHECK;
/* Root and working directory of T, raw bytes, "" unknown; each has IQ_PATH_ROOM bytes. */
bool iq_task_dirs(struct iq_kernel *k, const struct iq_task *t, char *root, char *cwd);
/* The inodes of both, without their paths; 0 unknown. */
void iq_task_dir_inodes(struct iq_kernel *k, const struct iq_task *t, uint64_t *root, uint64_t *cwd);

/*
 * The pages of struct address_space MAPPING in the page cache: FN is called with each page's index
 * in the file and its struct page (or folio), ascending, until it returns false.  *NRPAGES (may be
 * NULL) is what the mapping itself counts.  False on damage.
 */
bool iq_mapping_pages(struct iq_kernel *k, uint64_t mapping, uint64_t *nrpages,
		      bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t page, void *arg),
		      void *arg);

struct iq_mount {
	uint64_t address;	/* struct mount */
	uint64_t vfsmount;	/* &mount->mnt */
	uint64_t super_block;
	uint64_t dentry;	/* root of the mounted tree */
	int id;
	char type[32];		/* file system type; escaped, as are the following */
	char device[256];
	char *directory;	/* owned by the list */
};
struct iq_mounts {
	struct iq_mount *mount;
	unsigned int nr;
	struct iq_arena text;
};
/* The mounts of the name space that T (NULL: init) lives in, in the kernel's order. */
struct iq_error *iq_mounts(struct iq_kernel *k, const struct iq_task *t,
			   struct iq_mounts *ret) IQ_CHECK;
void iq_mounts_free(struct iq_mounts *m);

#endif
