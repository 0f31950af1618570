// SPDX-License-Identifier: GPL-2.0-or-later
/* Source paths as people know them: relative to the root of the kernel's source. */
#include "dwarf_read.h"

/* Start of the last part of [BASE, OUT), which ends with a slash. */
static char *last_part(char *base, char *out)
{
	for (out--; out > base && out[-1] != '/';)
		out--;
	return out;
}

/* Remove "." and "name/.." from PATH, in place, as far as the text alone allows it. */
static void normalise(char *path)
{
	char *end = path + strlen(path), *base = path + (*path == '/'), *out = base;

	for (char *in = base; in < end;) {
		size_t len = strcspn(in, "/");
		char *next = in + len + 1;

		if (len == 2 && in[0] == '.' && in[1] == '.') {
			char *last = out > base ? last_part(base, out) : out;

			if (out > base && strncmp(last, "../", 3)) {
				out = last;
				len = 0;
			} else if (base > path) {
				len = 0; /* the root's parent is the root */
			}
		}
		if (len && !(len == 1 && in[0] == '.')) {
			memmove(out, in, len);
			out += len;
			*out++ = '/'; /* of the last part: in the place of the NUL */
		}
		in = next;
	}
	if (out > base)
		out--;
	*out = '\0';
}

/* Length of the directory DIR with its slash if PATH lies below it, else 0. */
static size_t below(const char *path, const char *dir, size_t len)
{
	return len && !strncmp(path, dir, len) && path[len] == '/' ? len + 1 : 0;
}

/*
 * Debian compiles in debian/build/build_ARCH_FLAVOUR below the source; a path that is not below the
 * build directory is then below the one that holds "debian".
 */
static size_t below_debian(const char *path, const char *comp_dir)
{
	const char *debian = strstr(comp_dir, "/debian/build/build_");

	return debian ? below(path, comp_dir, (size_t)(debian - comp_dir)) : 0;
}

static void join(struct iq_buf *b, const char *comp_dir, const char *dir, const char *name)
{
	if (*name != '/' && *dir != '/' && *comp_dir)
		iq_buf_printf(b, "%s/", comp_dir);
	if (*name != '/' && *dir)
		iq_buf_printf(b, "%s/", dir);
	iq_buf_puts(b, name);
}

static const char *intern(struct iq_dwarf *d, const char *path)
{
	uint64_t key = iq_hash_str(path);
	char *known;

	/* Two paths of one hash: the next key. */
	for (; (known = iq_map_get(&d->paths, key)); key++) {
		if (!strcmp(known, path))
			return known;
	}
	known = iq_arena_strdup(&d->strings, path);
	if (known && !iq_map_put(&d->paths, key, known))
		return NULL;
	return known;
}

const char *iq_dw_source_path(struct iq_dwarf *d, const char *comp_dir, const char *dir,
			      const char *name)
{
	struct iq_buf full = {0}, build = {0};
	const char *path = NULL;
	size_t skip;

	join(&full, comp_dir, dir, name);
	iq_buf_printf(&build, "%s", *comp_dir ? comp_dir : ".");
	if (!full.failed && !build.failed && full.len) {
		normalise(full.s);
		normalise(build.s);
		skip = below(full.s, build.s, strlen(build.s));
		if (!skip)
			skip = below_debian(full.s, build.s);
		path = intern(d, full.s + skip);
	}
	iq_buf_free(&full);
	iq_buf_free(&build);
	return path;
}
