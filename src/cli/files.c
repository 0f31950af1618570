// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug files on disk: where people and distributions put a vmlinux, and debug information that was
 * split off.  The release comes from the dump, so that it is checked before it becomes part of a path.
 */
#include "files.h"
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#define DEBUG_ROOT "/usr/lib/debug"
#define PATH_ROOM 4096

/* ---- Checking -------------------------------------------------------------------------------- */

/* One path component made of the characters that releases are made of. */
static bool sane_release(const char *r)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-";

	return r && *r && *r != '.' && strspn(r, allowed) == strlen(r);
}

bool sane_build_id(const char *id)
{
	return id && strlen(id) >= 8 && strspn(id, "0123456789abcdef") == strlen(id);
}

static char *directory_of(const char *path)
{
	char *copy = strdup(path), *dir = copy ? strdup(dirname(copy)) : NULL;

	free(copy);
	return dir;
}

/* For dwz files, which any debug file may refer to. */
static char *find_referred(void *arg, const char *build_id, const char *name);

struct iq_debugfile *try_debugfile(struct finder *f, const char *path, enum iq_file_kind kind,
				   const char *build_id, bool any_build)
{
	struct iq_debugfile *file;
	struct iq_error *err;
	const char *id;
	bool same;

	if (access(path, R_OK))
		return NULL;
	err = iq_debugfile_open(path, &file);
	if (err) {
		iq_error_free(err);
		return NULL;
	}
	id = iq_debugfile_build_id(file);
	same = *id && *build_id ? !strcmp(id, build_id) : any_build;
	if (same && iq_debugfile_kind(file) == kind) {
		finder_adopt(f, file);
		return file;
	}
	iq_debugfile_close(file);
	return NULL;
}

/* ---- By build-id ----------------------------------------------------------------------------- */

static const char *const prefixes[] = {"", "usr/lib/debug/", "lib/debug/"};

/* Call TRY with each path that a file of BUILD_ID may have, until it returns something. */
static void *each_by_id(struct finder *f, const char *build_id,
			void *(*try_path)(void *arg, const char *path), void *arg)
{
	char path[PATH_ROOM];
	void *found = NULL;

	if (!sane_build_id(build_id))
		return NULL;
	for (unsigned int d = 0; !found && d <= f->nr_dirs + 1; d++) {
		const char *dir = d < f->nr_dirs    ? f->dir[d]
				  : d == f->nr_dirs ? f->dump_dir
						    : DEBUG_ROOT;

		for (unsigned int i = 0; !found && i < 2 * IQ_ARRAY_SIZE(prefixes); i++) {
			if (snprintf(path, sizeof(path), "%s/%s.build-id/%.2s/%s%s", dir,
				     prefixes[i / 2], build_id, build_id + 2,
				     i % 2 ? "" : ".debug") < (int)sizeof(path) &&
			    !access(path, R_OK))
				found = try_path(arg, path);
		}
	}
	return found;
}

static void *copy_path(void *arg, const char *path)
{
	return strdup(path);
}

static char *find_referred(void *arg, const char *build_id, const char *name)
{
	struct finder *f = arg;
	char path[PATH_ROOM], *found = each_by_id(f, build_id, copy_path, NULL);

	/* Debian and Fedora keep them in .dwz, by package. */
	for (unsigned int d = 0; !found && d <= f->nr_dirs; d++) {
		const char *dir = d < f->nr_dirs ? f->dir[d] : DEBUG_ROOT;

		for (unsigned int i = 0; !found && i < IQ_ARRAY_SIZE(prefixes); i++) {
			snprintf(path, sizeof(path), "%s/%s.dwz/%s", dir, prefixes[i], name);
			if (!access(path, R_OK))
				found = strdup(path);
		}
	}
	return found ? found : debuginfod_fetch(f, build_id, name);
}

struct by_id {
	struct finder *f;
	enum iq_file_kind kind;
	const char *build_id;
};

static void *open_with_dwarf(void *arg, const char *path)
{
	struct by_id *q = arg;
	struct iq_debugfile *file = try_debugfile(q->f, path, q->kind, q->build_id, false);

	if (file && !iq_debugfile_has_dwarf(file)) {
		iq_debugfile_close(file);
		file = NULL;
	}
	return file;
}

struct iq_debugfile *find_by_build_id(struct finder *f, enum iq_file_kind kind,
				      const char *build_id)
{
	struct by_id q = {f, kind, build_id};

	return each_by_id(f, build_id, open_with_dwarf, &q);
}

struct iq_debugfile *fetch_debugfile(struct finder *f, enum iq_file_kind kind, const char *build_id,
				     const char *what)
{
	struct by_id q = {f, kind, build_id};
	char *path = debuginfod_fetch(f, build_id, what);
	struct iq_debugfile *file = path ? open_with_dwarf(&q, path) : NULL;

	free(path);
	return file;
}

/* ---- Debug information that was split off ----------------------------------------------------- */

/* One of NAMES in the directory ROOT with DIR behind it. */
static struct iq_debugfile *try_names(struct by_id *q, const char *root, const char *dir,
				      const char *const names[2])
{
	struct iq_debugfile *found = NULL;
	char path[PATH_ROOM];

	for (unsigned int i = 0; !found && i < 2; i++) {
		if (names[i] && snprintf(path, sizeof(path), "%s%s/%s", root, dir, names[i]) <
					(int)sizeof(path))
			found = open_with_dwarf(q, path);
	}
	return found;
}

/* As gdb looks for it ("Debugging Information in Separate Files"), and where we look for everything. */
static struct iq_debugfile *split_beside(struct by_id *q, const char *dir, const char *real_dir,
					 const char *const names[2])
{
	struct finder *f = q->f;
	struct iq_debugfile *found = try_names(q, dir, "", names);

	if (!found)
		found = try_names(q, dir, "/.debug", names);
	if (!found)
		found = try_names(q, f->dump_dir, "", names);
	for (unsigned int i = 0; !found && i <= f->nr_dirs; i++) {
		const char *root = i < f->nr_dirs ? f->dir[i] : DEBUG_ROOT;

		found = try_names(q, root, real_dir, names);
		if (!found)
			found = try_names(q, root, "", names);
	}
	return found;
}

struct iq_debugfile *find_split(struct finder *f, struct iq_debugfile *stripped)
{
	struct by_id q = {f, iq_debugfile_kind(stripped), iq_debugfile_build_id(stripped)};
	const char *path = iq_debugfile_path(stripped), *base = strrchr(path, '/');
	char *dir = directory_of(path), *real = realpath(path, NULL), with_suffix[256];
	char *real_dir = real ? directory_of(real) : NULL;
	/* strip --only-keep-debug leaves no link: "vmlinux.debug" is what people call it. */
	const char *names[2] = {iq_debugfile_debuglink(stripped), with_suffix};
	struct iq_debugfile *found = NULL;

	base = base ? base + 1 : path;
	snprintf(with_suffix, sizeof(with_suffix), "%s.debug", base);
	if (sane_build_id(q.build_id) && dir && real_dir)
		found = split_beside(&q, dir, real_dir, names);
	free(dir);
	free(real);
	free(real_dir);
	if (!found)
		found = find_by_build_id(f, q.kind, q.build_id);
	return found ? found : fetch_debugfile(f, q.kind, q.build_id, base);
}

/* ---- A vmlinux ------------------------------------------------------------------------------- */

/* The better of two files of one build; the other is closed. */
static struct iq_debugfile *better(struct iq_debugfile *a, struct iq_debugfile *b)
{
	if (!a || !b)
		return a ? a : b;
	if (iq_debugfile_has_dwarf(b) && !iq_debugfile_has_dwarf(a)) {
		iq_debugfile_close(a);
		return b;
	}
	iq_debugfile_close(b);
	return a;
}

static bool good_enough(const struct iq_debugfile *file)
{
	return file && iq_debugfile_has_dwarf(file);
}

/* Where it may lie below a directory; %s is the release. */
static const char *const shapes[] = {
	"vmlinux-%s",
	"vmlinux-%s.debug",
	"boot/vmlinux-%s",
	"boot/vmlinux-%s.debug",
	"lib/modules/%s/vmlinux",
	"lib/modules/%s/vmlinux.debug",
	"usr/lib/modules/%s/vmlinux",
	"usr/lib/modules/%s/vmlinux.debug",
	"lib/modules/%s/build/vmlinux",
	"usr/lib/modules/%s/build/vmlinux",
	"%s/vmlinux",
	"%s/vmlinux.debug",
};
/* Those that stand for themselves. */
static const char *const plain[] = {"vmlinux", "vmlinux.debug"};
static const char *const packed[] = {"", ".xz", ".zst", ".gz"};

/* Is there a directory that DIR/PREFIX/NAME can lie in?  Asked once instead of for each name in it. */
static bool has_place(const char *dir, const char *prefix, const char *name)
{
	const char *slash = strrchr(name, '/');
	char path[PATH_ROOM];

	return snprintf(path, sizeof(path), "%s/%s%.*s", dir, prefix, slash ? (int)(slash - name) : 0,
			name) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

static struct iq_debugfile *vmlinux_below(struct finder *f, const char *dir, const char *build_id)
{
	unsigned int nr = (f->release[0] ? IQ_ARRAY_SIZE(shapes) : 0) + IQ_ARRAY_SIZE(plain);
	struct iq_debugfile *best = NULL;
	char name[256], path[PATH_ROOM];
	bool there[IQ_ARRAY_SIZE(prefixes)];

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(prefixes); i++)
		there[i] = has_place(dir, prefixes[i], "");
	for (unsigned int i = 0; !good_enough(best) && i < nr * IQ_ARRAY_SIZE(prefixes); i++) {
		unsigned int shape = i / IQ_ARRAY_SIZE(prefixes);
		unsigned int prefix = i % IQ_ARRAY_SIZE(prefixes);

		if (!there[prefix])
			continue;
		if (shape < IQ_ARRAY_SIZE(plain))
			snprintf(name, sizeof(name), "%s", plain[shape]);
		else /* the release passed sane_release() */
			snprintf(name, sizeof(name), shapes[shape - IQ_ARRAY_SIZE(plain)],
				 f->release);
		if (strchr(name, '/') && !has_place(dir, prefixes[prefix], name))
			continue;
		/* Distributions compress what they put into /boot, not what is below debug. */
		for (unsigned int p = 0; !good_enough(best) && p < (prefix ? 1 : IQ_ARRAY_SIZE(packed));
		     p++) {
			snprintf(path, sizeof(path), "%s/%s%s%s", dir,
				 prefixes[prefix], name, packed[p]);
			best = better(best,
				      try_debugfile(f, path, IQ_FILE_VMLINUX, build_id, false));
		}
	}
	return best;
}

struct iq_debugfile *find_vmlinux(struct finder *f, const char *release, const char *build_id)
{
	struct iq_debugfile *best, *split;

	if (!sane_build_id(build_id))
		return NULL;
	finder_set_release(f, release);
	best = find_by_build_id(f, IQ_FILE_VMLINUX, build_id);
	for (unsigned int d = 0; !good_enough(best) && d <= f->nr_dirs + 2; d++) {
		const char *dir = d < f->nr_dirs	? f->dir[d]
				  : d == f->nr_dirs	? f->dump_dir
				  : d == f->nr_dirs + 1 ? DEBUG_ROOT
							: "";

		best = better(best, vmlinux_below(f, dir, build_id));
	}
	if (best && !good_enough(best)) {
		split = find_split(f, best);
		best = better(best, split);
	} else if (!best) {
		best = fetch_debugfile(f, IQ_FILE_VMLINUX, build_id, "vmlinux");
	}
	return best;
}

/* ---- The finder ------------------------------------------------------------------------------ */

char *cache_dir(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct iq_buf b = {0};

	/* A relative path is to be ignored (XDG Base Directory Specification). */
	if (cache && cache[0] == '/')
		iq_buf_printf(&b, "%s/inquest", cache);
	else if (home && home[0] == '/')
		iq_buf_printf(&b, "%s/.cache/inquest", home);
	else
		return NULL;
	return iq_buf_steal(&b);
}

struct iq_error *finder_open(struct session *s, const struct debug_dirs *dirs, const char *dump,
			     struct finder **ret)
{
	struct finder *f = calloc(1, sizeof(*f));

	if (!f)
		return iq_error_nomem();
	f->s = s;
	f->dir = dirs->dir;
	f->nr_dirs = dirs->nr;
	f->cache_dir = cache_dir();
	f->dump_dir = directory_of(dump);
	if (!f->dump_dir) {
		finder_close(f);
		return iq_error_nomem();
	}
	*ret = f;
	return NULL;
}

void finder_close(struct finder *f)
{
	if (!f)
		return;
	module_index_free(f->modules);
	debuginfod_close(f->debuginfod);
	free(f->cache_dir);
	free(f->dump_dir);
	free(f->vmlinux_dir);
	free(f);
}

void finder_set_release(struct finder *f, const char *release)
{
	snprintf(f->release, sizeof(f->release), "%s", sane_release(release) ? release : "");
}

void finder_set_vmlinux(struct finder *f, const char *path)
{
	free(f->vmlinux_dir);
	f->vmlinux_dir = directory_of(path);
}

void finder_adopt(struct finder *f, struct iq_debugfile *file)
{
	struct iq_finder referred = {find_referred, f};

	iq_debugfile_set_finder(file, &referred);
	iq_debugfile_set_cache(file, f->cache_dir, &f->s->warnings);
}
