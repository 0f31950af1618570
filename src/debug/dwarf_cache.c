// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The index of names on disk: one file for each build-id in a directory of the user's.
 *
 * A file appears there complete (by rename) and is never changed, so any number of processes can
 * use the directory.  It is mapped and believed only if its checksum is right, it is about
 * debug information of the same size, and the names in it are as they must be: anything else is as
 * if it were not there.  When all files together are too large, those go that were used least
 * recently.
 */
#include "dwarf_names.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* "iqqname4": another number whenever the format changes, or what is hashed. */
#define MAGIC UINT64_C(0x34656d616e717169)
#define SUFFIX ".names"
#define LARGEST (UINT64_C(1) << 30)
#define TOTAL_MAX (UINT64_C(512) << 20)
#define FILES_MAX 512
#define STALE 3600 /* seconds after which a file that was not finished is nobody's any more */

struct header {
	uint64_t magic, checksum; /* of all that follows, header included */
	uint64_t info_size, str_size;
	uint32_t nr_units, nr, size_of_name, zero;
};

static uint64_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h[4] = {1, 2, 3, 4}, all = len;

	for (; len >= 32; p += 32, len -= 32) {
		for (unsigned int i = 0; i < 4; i++) {
			h[i] = (h[i] ^ iq_le64(p + 8 * i)) * UINT64_C(0x9e3779b97f4a7c15);
			h[i] ^= h[i] >> 32;
		}
	}
	for (unsigned int i = 0; i < 4; i++)
		all = (all ^ h[i]) * UINT64_C(0x9e3779b97f4a7c15);
	for (; len; len--)
		all = (all ^ *p++) * UINT64_C(0x100000001b3);
	return all ^ all >> 32;
}

static bool is_hex(const char *s)
{
	return *s && s[strspn(s, "0123456789abcdef")] == 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The file's bytes, mapped; NULL: it is not there, or not a file of ours. */
static uint8_t *map_file(int fd, size_t *len)
{
	struct stat st;
	void *data;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid) ||
	    (uint64_t)st.st_size > LARGEST || (size_t)st.st_size < sizeof(struct header))
		return NULL;
	*len = (size_t)st.st_size;
	data = mmap(NULL, *len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	return data == MAP_FAILED ? NULL : data;
}

static uint64_t own_checksum(const uint8_t *data, size_t len)
{
	size_t start = offsetof(struct header, info_size);

	return checksum(data + start, len - start);
}

void dwarf_cache_seal(uint8_t *data, size_t len)
{
	struct header h;

	if (len < sizeof(h))
		return;
	memcpy(&h, data, sizeof(h));
	h.checksum = own_checksum(data, len);
	memcpy(data, &h, sizeof(h));
}

struct dwarf_names *dwarf_cache_parse(uint8_t *data, size_t len, struct iq_dwarf *d)
{
	struct dwarf_names *n;
	struct header h;

	if (len < sizeof(h))
		return NULL;
	memcpy(&h, data, sizeof(h));
	if (h.magic != MAGIC || h.size_of_name != sizeof(struct dwarf_name) || h.zero ||
	    h.info_size != d->section[IQ_DW_INFO].size ||
	    h.str_size != d->section[IQ_DW_STR].size ||
	    len != sizeof(h) + (uint64_t)h.nr * sizeof(*n->names) +
			    (uint64_t)h.nr_units * sizeof(*n->units) ||
	    h.checksum != own_checksum(data, len))
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->dwarf = d;
	n->names = (const void *)(data + sizeof(h));
	n->nr = h.nr;
	n->units = (const void *)(data + sizeof(h) + h.nr * sizeof(*n->names));
	n->nr_units = h.nr_units;
	n->block = data;
	if (dwarf_names_valid(n))
		return n;
	n->block = NULL;
	n->names = NULL;
	n->units = NULL;
	dwarf_names_close(n);
	return NULL;
}

struct dwarf_names *dwarf_cache_read(const char *dir, const char *build_id, struct iq_dwarf *d)
{
	struct dwarf_names *n = NULL;
	struct iq_buf path = {0};
	uint8_t *data;
	size_t len;
	int fd;

	if (!is_hex(build_id))
		return NULL;
	iq_buf_printf(&path, "%s/%s" SUFFIX, dir, build_id);
	fd = open(iq_buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	iq_buf_free(&path);
	if (fd < 0)
		return NULL;
	data = map_file(fd, &len);
	n = data ? dwarf_cache_parse(data, len, d) : NULL;
	if (n) {
		n->mapped = len;
		/* The time of the last use. */
		futimens(fd, NULL);
	} else if (data) {
		munmap(data, len);
	}
	close(fd);
	return n;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool make_dir(const char *dir)
{
	char *path = strdup(dir);

	for (char *p = path ? path + 1 : NULL; p && (p = strchr(p, '/')) != NULL; p++) {
		*p = 0;
		mkdir(path, 0700);
		*p = '/';
	}
	free(path);
	return !mkdir(dir, 0700) || errno == EEXIST;
}

struct kept {
	char *name;
	uint64_t size;
	int64_t used;
};

static int by_use(const void *pa, const void *pb)
{
	const struct kept *a = pa, *b = pb;

	return a->used < b->used ? -1 : a->used > b->used;
}

static bool ends_in(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && !strcmp(s + len - end_len, end);
}

/* Remove what is too much, and what other processes left unfinished. */
static void clean(int dir)
{
	struct kept *files = NULL;
	unsigned int nr = 0, room = 0;
	uint64_t total = 0;
	time_t now = time(NULL);
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	struct stat st;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		bool unfinished = e->d_name[0] == '.' && ends_in(e->d_name, ".tmp");

		if ((!unfinished && !ends_in(e->d_name, SUFFIX)) ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (unfinished) {
			if (st.st_mtime < now - STALE)
				unlinkat(dir, e->d_name, 0);
			continue;
		}
		if (!iq_grow(&files, &room, nr + 1, sizeof(*files)))
			break;
		files[nr] = (struct kept){strdup(e->d_name), (uint64_t)st.st_size, st.st_mtime};
		total += files[nr].size;
		nr += files[nr].name != NULL;
	}
	closedir(d);
	if (nr)
		qsort(files, nr, sizeof(*files), by_use);
	for (unsigned int i = 0; i < nr; i++) {
		if (total > TOTAL_MAX || nr - i > FILES_MAX) {
			unlinkat(dir, files[i].name, 0);
			total -= files[i].size;
		}
		free(files[i].name);
	}
	free(files);
}

void dwarf_cache_write(const char *dir, const char *build_id, const struct dwarf_names *n)
{
	size_t names = n->nr * sizeof(*n->names), units = n->nr_units * sizeof(*n->units);
	struct header h = {.magic = MAGIC,
			   .info_size = n->dwarf->section[IQ_DW_INFO].size,
			   .str_size = n->dwarf->section[IQ_DW_STR].size,
			   .nr_units = n->nr_units,
			   .nr = n->nr,
			   .size_of_name = sizeof(*n->names)};
	char unfinished[64 + IQ_BUILD_ID_TEXT], name[16 + IQ_BUILD_ID_TEXT];
	uint8_t *data;
	int at, fd;

	if (!is_hex(build_id) || !make_dir(dir))
		return;
	data = malloc(sizeof(h) + names + units);
	at = data ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (at < 0) {
		free(data);
		return;
	}
	memcpy(data, &h, sizeof(h));
	memcpy(data + sizeof(h), n->names, names);
	memcpy(data + sizeof(h) + names, n->units, units);
	dwarf_cache_seal(data, sizeof(h) + names + units);
	snprintf(unfinished, sizeof(unfinished), ".%s.%ld.tmp", build_id, (long)getpid());
	snprintf(name, sizeof(name), "%s" SUFFIX, build_id);
	fd = openat(at, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		bool good = write_all(fd, data, sizeof(h) + names + units);

		good = !close(fd) && good;
		if (!good || renameat(at, unfinished, at, name))
			unlinkat(at, unfinished, 0);
		clean(at);
	}
	close(at);
	free(data);
}
