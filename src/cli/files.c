// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug files on disk: a vmlinux and modules in the places where distributions and people put
 * them.  The release comes from the dump, so that it is checked before it becomes part of a path.
 */
#include "internal.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBUG_ROOT "/usr/lib/debug"

/* Bounds of a walk through a directory tree. */
#define WALK_DEPTH 16
#define WALK_ENTRIES 400000

/* One path component made of the characters that releases are made of. */
static bool sane_release(const char *r)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-";

	return r && *r && *r != '.' && strspn(r, allowed) == strlen(r);
}

static bool sane_build_id(const char *id)
{
	return id && strlen(id) >= 8 && strspn(id, "0123456789abcdef") == strlen(id);
}

/* The file at PATH, if it is a vmlinux of this build. */
static struct iq_debugfile *try_vmlinux(const char *path, const char *build_id)
{
	struct iq_debugfile *f;
	struct iq_error *err;

	if (access(path, R_OK) || iq_file_recognise(path) != IQ_FILE_VMLINUX)
		return NULL;
	err = iq_debugfile_open(path, &f);
	if (err) {
		iq_error_free(err);
		return NULL;
	}
	if (!strcmp(iq_debugfile_build_id(f), build_id))
		return f;
	iq_debugfile_close(f);
	return NULL;
}

static struct iq_debugfile *vmlinux_below(const char *dir, const char *release,
					  const char *build_id)
{
	/* In what follows D is the directory, R the release. */
	static const char *const with_release[] = {
		"boot/vmlinux-",
		"lib/debug/boot/vmlinux-",
		"usr/lib/debug/boot/vmlinux-",
		"vmlinux-",
	};
	static const char *const in_release[] = {
		"lib/modules/",
		"usr/lib/debug/lib/modules/",
		"usr/lib/debug/usr/lib/modules/",
		"usr/lib/modules/",
	};
	static const char *const by_id[] = {".build-id/", "usr/lib/debug/.build-id/",
					    "lib/debug/.build-id/"};
	struct iq_debugfile *found = NULL;
	char path[4096];

	for (unsigned int i = 0; !found && i < IQ_ARRAY_SIZE(by_id); i++) {
		snprintf(path, sizeof(path), "%s/%s%.2s/%s.debug", dir, by_id[i], build_id,
			 build_id + 2);
		found = try_vmlinux(path, build_id);
	}
	for (unsigned int i = 0; !found && sane_release(release) && i < IQ_ARRAY_SIZE(with_release);
	     i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, with_release[i], release);
		found = try_vmlinux(path, build_id);
	}
	for (unsigned int i = 0; !found && sane_release(release) && i < IQ_ARRAY_SIZE(in_release);
	     i++) {
		snprintf(path, sizeof(path), "%s/%s%s/vmlinux", dir, in_release[i], release);
		found = try_vmlinux(path, build_id);
	}
	if (!found) {
		snprintf(path, sizeof(path), "%s/vmlinux", dir);
		found = try_vmlinux(path, build_id);
	}
	return found;
}

struct iq_debugfile *find_vmlinux(const struct debug_dirs *dirs, const char *release,
				  const char *build_id)
{
	struct iq_debugfile *found = NULL;

	if (!sane_build_id(build_id))
		return NULL;
	for (unsigned int i = 0; !found && i < dirs->nr; i++)
		found = vmlinux_below(dirs->dir[i], release, build_id);
	return found ? found : vmlinux_below(DEBUG_ROOT, release, build_id);
}

/* ---- Modules --------------------------------------------------------------------------------- */

struct wanted {
	const struct iq_module *m;
	char build_id[41]; /* "" unknown */
	char *path; /* the best so far */
	unsigned int rank;
};

struct walk {
	struct wanted *wanted;
	unsigned int nr, entries;
	const char *release;
};

/* The module that a file of this name is for; false: it is no module's. */
static bool module_of_file(const char *name, char *module, size_t room, bool *debug)
{
	const char *end = strstr(name, ".ko");
	size_t len;

	if (!end || (strcmp(end, ".ko") && strcmp(end, ".ko.debug")))
		return false;
	*debug = end[3] != '\0';
	len = (size_t)(end - name);
	if (len >= room)
		return false;
	for (size_t i = 0; i < len; i++)
		module[i] = name[i] == '-' ? '_' : name[i];
	module[len] = '\0';
	return true;
}

/* Is the file at PATH made from the build that was loaded?  True if that cannot be told. */
static bool same_build(const struct wanted *w, const char *path)
{
	struct iq_debugfile *f;
	struct iq_error *err;
	const char *id;
	bool same;

	err = iq_debugfile_open(path, &f);
	if (err) {
		iq_error_free(err);
		return false;
	}
	id = iq_debugfile_build_id(f);
	same = !w->build_id[0] || !id[0] || !strcmp(w->build_id, id);
	iq_debugfile_close(f);
	return same;
}

/*
 * Of several files for one module the one below a directory of this release is better, then the
 * one that is made of debug information.
 */
static void offer_file(struct walk *w, const char *path, const char *name)
{
	char module[64], *copy;
	unsigned int rank;
	bool debug;

	if (!module_of_file(name, module, sizeof(module), &debug))
		return;
	rank = 1 + debug + (w->release && strstr(path, w->release) ? 2 : 0);
	for (unsigned int i = 0; i < w->nr; i++) {
		struct wanted *one = &w->wanted[i];

		if (strcmp(one->m->name, module) || one->rank >= rank || !same_build(one, path))
			continue;
		copy = strdup(path);
		if (!copy)
			return;
		free(one->path);
		one->path = copy;
		one->rank = rank;
	}
}

static bool is_directory(int dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return !fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

/* Directories are followed, links to them are not. */
static void walk_tree(struct walk *w, const char *path, unsigned int depth)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char child[4096];

	if (!dir)
		return;
	while (w->entries < WALK_ENTRIES && (e = readdir(dir))) {
		w->entries++;
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(child, sizeof(child), "%s/%s", path, e->d_name) >=
		    sizeof(child))
			continue;
		if (!is_directory(dirfd(dir), e))
			offer_file(w, child, e->d_name);
		else if (depth < WALK_DEPTH)
			walk_tree(w, child, depth + 1);
	}
	closedir(dir);
}

/* The modules of K without a debug file. */
static unsigned int list_wanted(struct iq_kernel *k, struct wanted **ret)
{
	struct iq_module *const *modules;
	struct iq_error *err;
	unsigned int nr, n = 0;
	struct wanted *wanted;

	err = iq_modules(k, &modules, &nr);
	if (err) {
		/* Whoever needs the modules will be told. */
		iq_error_free(err);
		return 0;
	}
	wanted = calloc(nr ? nr : 1, sizeof(*wanted));
	for (unsigned int i = 0; wanted && i < nr; i++) {
		if (modules[i]->debug)
			continue;
		wanted[n].m = modules[i];
		iq_module_build_id(k, modules[i], wanted[n].build_id, sizeof(wanted[n].build_id));
		n++;
	}
	*ret = wanted;
	return n;
}

unsigned int find_modules(const struct debug_dirs *dirs, struct iq_kernel *k, char **paths,
			  unsigned int room)
{
	struct walk w = {.release = sane_release(k->release) ? k->release : NULL};
	char system_dir[256] = "";
	unsigned int n = 0;

	if (w.release)
		snprintf(system_dir, sizeof(system_dir), DEBUG_ROOT "/lib/modules/%s", w.release);
	/* Without a place to look in the list of modules need not be read. */
	if (!dirs->nr && (!system_dir[0] || access(system_dir, R_OK | X_OK)))
		return 0;
	w.nr = list_wanted(k, &w.wanted);
	if (!w.nr) {
		free(w.wanted);
		return 0;
	}
	for (unsigned int i = 0; i < dirs->nr; i++)
		walk_tree(&w, dirs->dir[i], 0);
	if (system_dir[0])
		walk_tree(&w, system_dir, 0);
	for (unsigned int i = 0; i < w.nr; i++) {
		if (w.wanted[i].path && n < room)
			paths[n++] = w.wanted[i].path;
		else
			free(w.wanted[i].path);
	}
	free(w.wanted);
	return n;
}
