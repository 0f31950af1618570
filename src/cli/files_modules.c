// SPDX-License-Identifier: GPL-2.0-or-later
/* Module files on disk: trees of them are gone through once, when a module's file is first needed. */
#include "files.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBUG_ROOT "/usr/lib/debug"
#define PATH_ROOM 4096

/* Bounds of a walk through a directory tree. */
#define WALK_DEPTH 16
#define WALK_ENTRIES 400000

struct entry {
	char *module, *path;
	unsigned int rank; /* higher is better */
};

struct module_index {
	struct entry *entries; /* by module, the best first */
	unsigned int nr, room;
	unsigned int seen; /* directory entries */
};

void module_index_free(struct module_index *x)
{
	for (unsigned int i = 0; x && i < x->nr; i++) {
		free(x->entries[i].module);
		free(x->entries[i].path);
	}
	if (x)
		free(x->entries);
	free(x);
}

/* The module that a file of this name is for, malloc()ed; NULL: it is no module's. */
static char *module_of_file(const char *name, bool *debug)
{
	static const char *const suffixes[] = {".ko",	  ".ko.debug", ".ko.xz",
					       ".ko.zst", ".ko.gz",    ".debug"};
	size_t len = strlen(name);
	char *module;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(suffixes); i++) {
		size_t tail = strlen(suffixes[i]);

		if (len <= tail || strcmp(name + len - tail, suffixes[i]))
			continue;
		module = strndup(name, len - tail);
		for (char *c = module; c && *c; c++)
			*c = *c == '-' ? '_' : *c;
		*debug = strstr(suffixes[i], "debug");
		/* "usbcore.ko.debug" ends with ".debug" as well. */
		return module;
	}
	return NULL;
}

/*
 * Of several files for one module the one below a directory of this release is better, then the
 * one that is made of debug information.
 */
static void add_file(struct module_index *x, const struct finder *f, const char *path,
		     const char *name)
{
	bool debug = false;
	char *module = module_of_file(name, &debug), *copy;

	if (!module)
		return;
	copy = strdup(path);
	if (!copy || !iq_grow(&x->entries, &x->room, x->nr + 1, sizeof(*x->entries))) {
		free(module);
		free(copy);
		return;
	}
	x->entries[x->nr++] = (struct entry){
		module, copy, 1U + debug + (f->release[0] && strstr(path, f->release) ? 2 : 0)};
}

static bool is_directory(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return !fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

/* Directories are followed, links to them are not. */
static void walk_tree(struct module_index *x, const struct finder *f, const char *path,
		      unsigned int depth)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char child[PATH_ROOM];

	if (!dir)
		return;
	while (x->seen < WALK_ENTRIES && !iq_cancelled(&f->s->cancel) && (e = readdir(dir))) {
		x->seen++;
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(child, sizeof(child), "%s/%s", path, e->d_name) >=
		    sizeof(child))
			continue;
		if (!is_directory(dirfd(dir), e))
			add_file(x, f, child, e->d_name);
		else if (depth)
			walk_tree(x, f, child, depth - 1);
	}
	closedir(dir);
}

static int by_module(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = strcmp(a->module, b->module);

	if (order)
		return order;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void sort(struct module_index *x)
{
	if (x->nr)
		qsort(x->entries, x->nr, sizeof(*x->entries), by_module);
}

/* Is this where somebody built or installed modules, so that going down into it pays? */
static bool has_modules(const char *dir)
{
	static const char *const marks[] = {"modules.order", "modules.builtin", "Module.symvers"};
	char path[PATH_ROOM];

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(marks); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, marks[i]) < (int)sizeof(path) &&
		    !access(path, F_OK))
			return true;
	}
	return false;
}

static struct module_index *index_all(const struct finder *f)
{
	static const char *const roots[] = {DEBUG_ROOT "/lib/modules",
					    DEBUG_ROOT "/usr/lib/modules", "/lib/modules"};
	struct module_index *x = calloc(1, sizeof(*x));
	char path[PATH_ROOM];

	if (!x)
		return NULL;
	for (unsigned int i = 0; i < f->nr_dirs; i++)
		walk_tree(x, f, f->dir[i], WALK_DEPTH);
	walk_tree(x, f, f->dump_dir, 0);
	if (f->vmlinux_dir)
		walk_tree(x, f, f->vmlinux_dir, has_modules(f->vmlinux_dir) ? WALK_DEPTH : 0);
	for (unsigned int i = 0; f->release[0] && i < IQ_ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/%s", roots[i], f->release);
		walk_tree(x, f, path, WALK_DEPTH);
	}
	sort(x);
	return x;
}

/* ---- One module's ---------------------------------------------------------------------------- */

static unsigned int first_of(const struct module_index *x, const char *module)
{
	unsigned int low = 0, high = x->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (strcmp(x->entries[mid].module, module) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The best file that X has for M; one with debug information ends the search. */
static struct iq_debugfile *from_index(struct finder *f, const struct module_index *x,
				       const struct iq_module *m, const char *build_id)
{
	struct iq_debugfile *best = NULL;

	for (unsigned int i = first_of(x, m->name);
	     i < x->nr && !strcmp(x->entries[i].module, m->name); i++) {
		struct iq_debugfile *file =
			try_debugfile(f, x->entries[i].path, IQ_FILE_MODULE, build_id, true);

		if (file && best && !iq_debugfile_has_dwarf(file)) {
			iq_debugfile_close(file);
		} else if (file) {
			iq_debugfile_close(best);
			best = file;
			if (iq_debugfile_has_dwarf(best))
				break;
		}
	}
	return best;
}

static struct iq_debugfile *from_directory(struct finder *f, const char *dir,
					   const struct iq_module *m, const char *build_id)
{
	struct module_index *x = calloc(1, sizeof(*x));
	struct iq_debugfile *file = NULL;

	if (x) {
		walk_tree(x, f, dir, WALK_DEPTH);
		sort(x);
		file = from_index(f, x, m, build_id);
	}
	module_index_free(x);
	return file;
}

static struct iq_debugfile *from_anywhere(struct finder *f, const struct iq_module *m,
					  const char *build_id)
{
	struct iq_debugfile *file = find_by_build_id(f, IQ_FILE_MODULE, build_id);

	if (file)
		return file;
	if (!f->modules)
		f->modules = index_all(f);
	return f->modules ? from_index(f, f->modules, m, build_id) : NULL;
}

struct iq_debugfile *find_module(struct finder *f, struct iq_kernel *k, const struct iq_module *m,
				 const char *dir, bool any)
{
	struct iq_debugfile *file, *other = NULL;
	char build_id[41];

	iq_module_build_id(k, m, build_id, sizeof(build_id));
	file = dir ? from_directory(f, dir, m, build_id) : from_anywhere(f, m, build_id);
	/* A stripped file leads to what was stripped from it. */
	if (file && !iq_debugfile_has_dwarf(file))
		other = find_split(f, file);
	else if (!file && !dir)
		other = fetch_debugfile(f, IQ_FILE_MODULE, build_id, m->name);
	if (other || (file && !any && !iq_debugfile_has_dwarf(file))) {
		iq_debugfile_close(file);
		file = other;
	}
	return file;
}
