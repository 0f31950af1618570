// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's rules and their execution.  A path is judged by its text first; what is opened is
 * judged again by what it is, for links may lead anywhere.
 */
#include "broker.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Paths ----------------------------------------------------------------------------------- */

/* PATH without "." and superfluous slashes: "" is the current directory; ".." stays. */
static bool tidy(const char *path, char *ret, size_t room)
{
	size_t len = 0;

	if (*path == '/')
		ret[len++] = '/';
	while (*path) {
		size_t part;

		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part && !(part == 1 && *path == '.')) {
			bool slash = len && ret[len - 1] != '/';

			if (len + slash + part + 1 > room)
				return false;
			if (slash)
				ret[len++] = '/';
			memcpy(ret + len, path, part);
			len += part;
		}
		path += part;
	}
	ret[len] = '\0';
	return true;
}

/* What is left of PATH below DIR; NULL: it does not lie there.  Both are tidy. */
static const char *below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	if (!len)
		return *path == '/' ? NULL : path;
	if (strncmp(path, dir, len))
		return NULL;
	if (dir[len - 1] == '/')
		return path + len;
	return path[len] == '/' ? path + len + 1 : path[len] ? NULL : path + len;
}

static bool leads_up(const char *path)
{
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += len;
	}
	return false;
}

static bool ends_in(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && !strcmp(s + len - end_len, end);
}

/* Does a file of this name hold what is said of a kernel or module?  PATH is relative. */
static bool is_debug_name(const char *path)
{
	static const char *const ends[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz", ".debug"};
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (!strncmp(base, "vmlinux", 7))
		return true;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(ends); i++) {
		if (ends_in(base, ends[i]))
			return true;
	}
	return !strncmp(path, ".build-id/", 10) || strstr(path, "/.build-id/") ||
	       !strncmp(path, ".dwz/", 5) || strstr(path, "/.dwz/") ||
	       !strncmp(path, ".debug/", 7) || strstr(path, "/.debug/");
}

/* Marks by which a directory of modules is known: whether they are there, not what is in them. */
static bool is_mark(const char *path)
{
	static const char *const marks[] = {"modules.order", "modules.builtin", "Module.symvers"};
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(marks); i++) {
		if (!strcmp(base, marks[i]))
			return true;
	}
	return false;
}

/* ---- What is allowed ------------------------------------------------------------------------- */

static bool allow_text(struct broker *b, enum allowed kind, const char *path)
{
	char text[PATH_MAX], *copy;

	if (!tidy(path, text, sizeof(text)))
		return true;
	for (unsigned int i = 0; i < b->nr; i++) {
		if (b->allowance[i].kind == kind && !strcmp(b->allowance[i].path, text))
			return true;
	}
	copy = strdup(text);
	if (!copy || !iq_grow(&b->allowance, &b->room, b->nr + 1, sizeof(*b->allowance))) {
		free(copy);
		return false;
	}
	b->allowance[b->nr++] = (struct allowance){copy, kind};
	return true;
}

/* The directory of PATH, as dirname() has it. */
static bool allow_beside(struct broker *b, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (!slash)
		return allow_text(b, ALLOW_DEBUG, ".");
	/* Beside the memory of this machine there are no debug files, but much else. */
	if (!strncmp(path, "/proc/", 6) || !strncmp(path, "/dev/", 5) || !strncmp(path, "/sys/", 5))
		return true;
	if ((size_t)(slash - path) + 2 > sizeof(dir))
		return true;
	memcpy(dir, path, (size_t)(slash - path) + 1);
	dir[slash - path + 1] = '\0';
	return allow_text(b, ALLOW_DEBUG, dir);
}

/* VMware keeps the memory of X.vmss and X.vmsn in X.vmem: who names one means both. */
static bool allow_memory(struct broker *b, const char *path)
{
	const char *dot = strrchr(path, '.');
	char other[PATH_MAX];

	if (!dot || (strcasecmp(dot, ".vmss") && strcasecmp(dot, ".vmsn")) ||
	    snprintf(other, sizeof(other), "%.*s.vmem", (int)(dot - path), path) >= (int)sizeof(other))
		return true;
	return allow_text(b, ALLOW_FILE, other);
}

bool broker_allow(struct broker *b, enum allowed kind, const char *path)
{
	char *real = realpath(path, NULL);
	bool good = allow_text(b, kind, path) && (!real || allow_text(b, kind, real));

	if (good && kind == ALLOW_FILE)
		good = allow_beside(b, path) && (!real || allow_beside(b, real)) && allow_memory(b, path);
	free(real);
	return good;
}

bool broker_allow_system(struct broker *b)
{
	static const char *const dirs[] = {"/usr/lib/debug", "/lib/modules", "/usr/lib/modules", "/boot"};
	const char *const scratch[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(dirs); i++) {
		if (!broker_allow(b, ALLOW_DEBUG, dirs[i]))
			return false;
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(scratch); i++) {
		if (scratch[i] && scratch[i][0] == '/' && !broker_allow(b, ALLOW_SCRATCH, scratch[i]))
			return false;
	}
	/* A few people put it there; the other is how many threads are worth starting. */
	return allow_text(b, ALLOW_FILE, "/sys/devices/system/cpu/online") &&
	       allow_text(b, ALLOW_FILE, "/vmlinux") && allow_text(b, ALLOW_FILE, "/vmlinux.debug");
}

void broker_free(struct broker *b)
{
	for (unsigned int i = 0; i < b->nr; i++)
		free(b->allowance[i].path);
	free(b->allowance);
	*b = (struct broker){0};
}

/* What PATH, which is tidy, is asked for. */
enum purpose {
	TO_OPEN,
	TO_LIST, /* a directory */
	TO_SEE,	 /* that it is there */
	TO_FOLLOW, /* a link, on the way to something allowed */
	TO_SCRATCH, /* the directory of a file without a name */
};

/* "DIR/../.dwz/NAME", where distributions keep what debug files share; DIR is allowed. */
static bool is_shared_above(const char *rest)
{
	const char *up = strstr(rest, "../.dwz/");
	char before[PATH_MAX];

	if (!up || (up != rest && up[-1] != '/') || strchr(up + 8, '/') || !strcmp(up + 8, ".."))
		return false;
	memcpy(before, rest, (size_t)(up - rest));
	before[up - rest] = '\0';
	return !leads_up(before);
}

static bool fits(const struct allowance *a, const char *path, enum purpose purpose)
{
	const char *rest;

	/* Every component of an allowed path may be a link, which realpath() looks at. */
	if ((purpose == TO_FOLLOW || purpose == TO_SEE) && *path && below(path, a->path))
		return true;
	if ((a->kind == ALLOW_SCRATCH) != (purpose == TO_SCRATCH))
		return false;
	if (a->kind == ALLOW_FILE || a->kind == ALLOW_SCRATCH)
		return !strcmp(path, a->path) && purpose != TO_LIST;
	rest = below(a->path, path);
	if (!rest)
		return false;
	if (a->kind == ALLOW_DEBUG && purpose != TO_LIST && is_shared_above(rest))
		return true;
	if (leads_up(rest))
		return false;
	switch (a->kind) {
	case ALLOW_DEBUG:
		return purpose == TO_LIST || purpose == TO_FOLLOW || is_debug_name(rest) ||
		       (purpose == TO_SEE && (is_mark(rest) || !*rest));
	case ALLOW_SOURCE:
		return true;
	case ALLOW_CACHE:
		return !strchr(rest, '/');
	case ALLOW_FILE:
	case ALLOW_SCRATCH:
		break;
	}
	return false;
}

/* The allowance that PATH fits; of several the most generous. */
static const struct allowance *find(const struct broker *b, const char *path, enum purpose purpose)
{
	static const unsigned int rank[] = {
		[ALLOW_FILE] = 4, [ALLOW_SCRATCH] = 4, [ALLOW_CACHE] = 3, [ALLOW_SOURCE] = 2, [ALLOW_DEBUG] = 1};
	const struct allowance *best = NULL;

	for (unsigned int i = 0; i < b->nr; i++) {
		const struct allowance *a = &b->allowance[i];

		if (fits(a, path, purpose) && (!best || rank[a->kind] > rank[best->kind]))
			best = a;
	}
	return best;
}

/* ---- What was opened ------------------------------------------------------------------------- */

/* An ELF file, or one compressed. */
static bool is_debug_content(int fd)
{
	static const struct {
		const char *magic;
		size_t len;
	} known[] = {{"\x7f" "ELF", 4}, {"\x1f\x8b", 2}, {"\xfd" "7zXZ", 5}, {"\x28\xb5\x2f\xfd", 4}};
	char head[6] = "";

	if (pread(fd, head, sizeof(head), 0) < 2)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (!memcmp(head, known[i].magic, known[i].len))
			return true;
	}
	return false;
}

/* Where FD really lies is below A's directory. */
static bool is_really_below(int fd, const struct allowance *a)
{
	char link[64], path[PATH_MAX], *real = realpath(*a->path ? a->path : ".", NULL);
	const char *rest;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	rest = real && n > 0 ? below(real, path) : NULL;
	free(real);
	return rest != NULL;
}

/* 0, or why FD is not handed out. */
static int judge(int fd, const struct allowance *a, bool directory)
{
	struct stat st;

	if (a->kind == ALLOW_FILE)
		return 0;
	if (fstat(fd, &st))
		return errno;
	if (directory)
		return S_ISDIR(st.st_mode) && (a->kind != ALLOW_SOURCE || is_really_below(fd, a))
			       ? 0
			       : ENOTDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	if (a->kind == ALLOW_DEBUG)
		return is_debug_content(fd) ? 0 : EACCES;
	return is_really_below(fd, a) ? 0 : EACCES;
}

/* ---- Requests -------------------------------------------------------------------------------- */

#define FLAGS_READ                                                                                 \
	(O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_DIRECTORY | O_NOFOLLOW | O_LARGEFILE)
#define FLAGS_WRITE (FLAGS_READ | O_WRONLY | O_RDWR | O_CREAT | O_EXCL | O_TRUNC)

/* A file that only the worker ever sees, and that is gone with it. */
static int make_scratch(const struct broker *b, const char *path, uint32_t flags, int *ret)
{
	char name[PATH_MAX];

	if (!find(b, path, TO_SCRATCH) ||
	    (flags & ~(uint32_t)(O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC | O_LARGEFILE)))
		return EACCES;
	*ret = open(path, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	/* Not every filesystem has files without a name. */
	if (*ret < 0 && snprintf(name, sizeof(name), "%s/inquest-XXXXXX", path) < (int)sizeof(name)) {
		*ret = mkostemp(name, O_CLOEXEC);
		if (*ret >= 0)
			unlink(name);
	}
	return *ret < 0 ? errno : 0;
}

static int open_at(const struct broker *b, const char *path, uint32_t flags, int *ret)
{
	bool directory = flags & O_DIRECTORY;
	const struct allowance *a = find(b, path, directory ? TO_LIST : TO_OPEN);
	int e, fd;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return make_scratch(b, path, flags, ret);
	if (!a)
		return EACCES;
	if (flags & ~(uint32_t)(a->kind == ALLOW_CACHE ? FLAGS_WRITE : FLAGS_READ))
		return EACCES;
	/* The user means what a link leads to; what the worker writes never follows one. */
	if (a->kind == ALLOW_CACHE)
		flags |= O_NOFOLLOW;
	/* Nothing but what was typed can make the front wait. */
	if (a->kind != ALLOW_FILE)
		flags |= O_NONBLOCK;
	fd = open(*path ? path : ".", (int)(flags | O_CLOEXEC | O_NOCTTY), 0600);
	if (fd < 0)
		return errno;
	e = judge(fd, a, directory);
	if (e) {
		close(fd);
		return e;
	}
	*ret = fd;
	return 0;
}

static int see(const struct broker *b, const char *path, struct message *m)
{
	struct stat st;
	bool seen = find(b, path, TO_SEE) || find(b, path, TO_LIST);

	if (!seen)
		return EACCES;
	if (fstatat(AT_FDCWD, *path ? path : ".", &st, (int)m->flags & AT_SYMLINK_NOFOLLOW))
		return errno;
	/* What may only be listed is a directory. */
	if (!find(b, path, TO_SEE) && !S_ISDIR(st.st_mode))
		return EACCES;
	memcpy(m->data, &st, sizeof(st));
	m->len = sizeof(st);
	return 0;
}

static int try_access(const struct broker *b, const char *path, uint32_t mode)
{
	const struct allowance *a = find(b, path, TO_SEE);

	if (!a)
		a = find(b, path, TO_LIST);
	if (!a || ((mode & ~(uint32_t)R_OK) && a->kind != ALLOW_CACHE))
		return EACCES;
	return access(*path ? path : ".", (int)mode) ? errno : 0;
}

static int follow(const struct broker *b, const char *path, struct message *m)
{
	ssize_t n;

	if (!find(b, path, TO_FOLLOW))
		return EACCES;
	n = readlink(path, m->data, sizeof(m->data));
	if (n < 0)
		return errno;
	m->len = (uint32_t)n;
	return 0;
}

/* The cache's directory, and those that it lies in. */
static int make_directory(struct broker *b, const char *path)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		const struct allowance *a = &b->allowance[i];
		int e;

		if (a->kind != ALLOW_CACHE || !*path || !below(path, a->path))
			continue;
		e = mkdir(path, 0700) ? errno : 0;
		/* Now that it is there, it may have another name as well. */
		if ((!e || e == EEXIST) && !strcmp(path, a->path) && !broker_allow(b, ALLOW_CACHE, path))
			return ENOMEM;
		return e;
	}
	return EACCES;
}

static int move(const struct broker *b, const char *from, const char *to)
{
	const struct allowance *x = find(b, from, TO_OPEN), *y = find(b, to, TO_OPEN);

	if (!x || !y || x->kind != ALLOW_CACHE || y->kind != ALLOW_CACHE || !*below(x->path, from) ||
	    !*below(y->path, to))
		return EACCES;
	return rename(from, to) ? errno : 0;
}

static int delete(const struct broker *b, const char *path)
{
	const struct allowance *a = find(b, path, TO_OPEN);

	if (!a || a->kind != ALLOW_CACHE || !*below(a->path, path))
		return EACCES;
	return unlink(path) ? errno : 0;
}

/*
 * NAME as a path from here on.  With a directory it is one component, and the directory is known
 * by the kernel's name for it, which the worker has no part in.
 */
static int path_of(int dir, const char *name, char *path, size_t room)
{
	char link[64], at[PATH_MAX], both[2 * PATH_MAX];
	ssize_t n;

	if (dir < 0 || *name == '/')
		return tidy(name, path, room) ? 0 : ENAMETOOLONG;
	if (strchr(name, '/') || !strcmp(name, ".."))
		return EACCES;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, at, sizeof(at) - 1);
	if (n <= 0 || at[0] != '/')
		return EACCES;
	at[n] = '\0';
	snprintf(both, sizeof(both), "%s/%s", at, name);
	return tidy(both, path, room) ? 0 : ENAMETOOLONG;
}

static int serve(struct broker *b, struct message *m, int dir, int *file)
{
	const char *name = message_string(m, 0), *other = message_string(m, 1);
	char path[PATH_MAX], to[PATH_MAX];
	int e;

	if (!name || !*name)
		return ENOENT;
	e = path_of(dir, name, path, sizeof(path));
	if (!e && m->kind == MSG_RENAME)
		e = other && *other ? path_of(dir, other, to, sizeof(to)) : ENOENT;
	m->len = 0;
	if (e)
		return e;
	switch (m->kind) {
	case MSG_OPEN:
		return open_at(b, path, m->flags, file);
	case MSG_STAT:
		return see(b, path, m);
	case MSG_ACCESS:
		return try_access(b, path, m->mode);
	case MSG_READLINK:
		return follow(b, path, m);
	case MSG_MKDIR:
		return make_directory(b, path);
	case MSG_RENAME:
		return move(b, path, to);
	case MSG_UNLINK:
		return delete(b, path);
	default:
		return EPERM;
	}
}

int broker_serve(struct broker *b, struct message *m, int dir)
{
	int file = -1;

	m->result = serve(b, m, dir, &file);
	if (m->result)
		m->len = 0;
	m->kind = MSG_REPLY;
	return file;
}
