// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes of a dump file.  Read with pread(), never mapped: a file that shrinks while it is open
 * must lead to a short read, not to a SIGBUS, and what was read must not stay resident.
 */
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

ssize_t iq_read_fd(int fd, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t iq_file_read_raw(const struct iq_file *f, void *buf, size_t len, uint64_t offset)
{
	if (offset >= f->raw_size)
		return 0;
	len = IQ_MIN(len, f->raw_size - offset);
	if (f->parts)
		return iq_wrap_read(f->parts, buf, len, offset);
	if (f->fd < 0) {
		memcpy(buf, f->memory + offset, len);
		return (ssize_t)len;
	}
	return iq_read_fd(f->fd, buf, len, offset);
}

/*
 * What no record wrote is zero, as in the file that `makedumpfile -R` makes of it.  But if the end
 * of the flattened file is lost, such bytes are more likely lost with it than meant to be zero.
 */
static ssize_t read_flattened(const struct iq_file *f, uint8_t *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (offset >= f->size)
		return 0;
	len = IQ_MIN(len, f->size - offset);
	while (done < len) {
		uint64_t at = offset + done;
		const struct iq_extent *e = iq_extents_find(&f->map, at);
		size_t want = len - done;
		ssize_t n;

		if (e && e->start <= at) {
			want = IQ_MIN(want, e->end - at);
			n = iq_file_read_raw(f, buf + done, want, e->pos + (at - e->start));
			if (n < 0)
				return -1;
			done += (size_t)n;
			if ((size_t)n < want)
				break;
		} else {
			if (f->broken_off)
				break;
			if (e)
				want = IQ_MIN(want, e->start - at);
			memset(buf + done, 0, want);
			done += want;
		}
	}
	return (ssize_t)done;
}

ssize_t iq_file_read(const struct iq_file *f, void *buf, size_t len, uint64_t offset)
{
	return f->flattened ? read_flattened(f, buf, len, offset)
			    : iq_file_read_raw(f, buf, len, offset);
}

enum iq_mem iq_file_read_all(const struct iq_file *f, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = iq_file_read(f, buf, len, offset);

	if (n < 0)
		return errno == EBADMSG ? IQ_MEM_DAMAGED : IQ_MEM_IO;
	return (size_t)n < len ? IQ_MEM_TRUNCATED : IQ_MEM_OK;
}

void iq_file_next_data(const struct iq_file *f, uint64_t offset, uint64_t end, uint64_t *start,
		       uint64_t *stop)
{
	off_t data, hole;

	*start = IQ_MIN(offset, end);
	*stop = end;
	if (f->fd < 0 || f->flattened || offset >= end || offset >= f->raw_size)
		return;
	/* These move the position of the descriptor, which nothing here uses. */
	data = lseek(f->fd, (off_t)offset, SEEK_DATA);
	if (data < 0) {
		/*
		 * ENXIO: a hole to the end of the file.  That may be before END, and in a file that
		 * has shrunk even before OFFSET: what is not there is no hole, reading will tell.
		 */
		off_t size = errno == ENXIO ? lseek(f->fd, 0, SEEK_END) : -1;

		if (size > (off_t)offset)
			*start = IQ_MIN(end, (uint64_t)size);
		return;
	}
	*start = IQ_MIN((uint64_t)data, end);
	hole = *start < end ? lseek(f->fd, data, SEEK_HOLE) : -1;
	/* The end of the file counts as a hole, but it must be seen as a short read. */
	if (hole >= 0 && (uint64_t)hole < f->raw_size)
		*stop = IQ_MIN((uint64_t)hole, end);
}

/* If the file was compressed as a whole, its content becomes what is read. */
static struct iq_error *unwrap(struct iq_file *f, const struct iq_dump_options *o, struct iq_warnings *w)
{
	struct iq_wrap_source s = {f->fd, f->memory, f->disk_size};
	struct iq_unwrapped x;
	uint8_t head[16] = {0};
	ssize_t n = iq_wrap_source_read(&s, head, sizeof(head), 0);
	enum iq_wrapping wrapping = n > 0 ? iq_wrapping_of(head, (size_t)n) : IQ_WRAP_NONE;

	if (wrapping == IQ_WRAP_NONE)
		return NULL;
	IQ_TRY(iq_wrap_open(&s, wrapping, o, w, &x));
	memcpy(f->wrapping, x.text, sizeof(f->wrapping));
	f->broken_off = x.broken_off;
	f->raw_size = x.size;
	f->parts = x.parts;
	if (x.parts) {
		f->parts_fd = f->fd;
		f->fd = -1;
	} else {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = x.fd;
		f->memory = f->decompressed = x.memory;
	}
	return NULL;
}

size_t iq_file_peek(int fd, void *buf, size_t len)
{
	struct iq_wrap_source s = {.fd = fd};
	uint8_t head[16] = {0};
	off_t before = lseek(fd, 0, SEEK_CUR), size = lseek(fd, 0, SEEK_END);
	enum iq_wrapping wrapping;
	ssize_t n;

	lseek(fd, before, SEEK_SET);
	s.size = size > 0 ? (uint64_t)size : 0;
	n = iq_wrap_source_read(&s, head, sizeof(head), 0);
	wrapping = n > 0 ? iq_wrapping_of(head, (size_t)n) : IQ_WRAP_NONE;
	if (wrapping != IQ_WRAP_NONE)
		return iq_wrap_peek(&s, wrapping, buf, len);
	n = iq_wrap_source_read(&s, buf, len, 0);
	return n > 0 ? (size_t)n : 0;
}

static struct iq_error *find_layout(struct iq_file *f, const struct iq_dump_options *o,
				    struct iq_warnings *w)
{
	char magic[IQ_FLAT_MAGIC_LEN] = {0};

	IQ_TRY(unwrap(f, o, w));
	f->size = f->raw_size;
	if (iq_file_read_raw(f, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, IQ_FLAT_MAGIC, sizeof(IQ_FLAT_MAGIC)))
		return NULL;
	f->flattened = true;
	return iq_file_map_records(f, w);
}

/* linux/magic.h */
#define PROC_SUPER_MAGIC 0x9fa0

static struct iq_error *open_fd(const char *path, struct iq_file *f)
{
	struct statfs fs;
	struct stat st;
	off_t size;

	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0)
		return iq_error_errno(errno, "cannot open %s", path);
	if (fstat(f->fd, &st))
		return iq_error_errno(errno, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode))
		return iq_error_new(IQ_E_FORMAT, "%s is a directory, not a dump", path);
	f->live = !fstatfs(f->fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return iq_error_hint(iq_error_new(IQ_E_FORMAT, "%s is not a regular file", path),
				     "write what comes out of a pipe to a file first");
	size = lseek(f->fd, 0, SEEK_END);
	if (size < 0)
		return iq_error_errno(errno, "cannot find the size of %s", path);
	if (size == 0)
		return iq_error_new(IQ_E_FORMAT, "%s is empty", path);
	f->raw_size = f->disk_size = (uint64_t)size;
	return NULL;
}

struct iq_error *iq_file_open(const char *path, const struct iq_dump_options *o, struct iq_warnings *w,
			      struct iq_file **ret)
{
	struct iq_file *f = calloc(1, sizeof(*f));
	struct iq_error *err;

	if (!f)
		return iq_error_nomem();
	f->parts_fd = -1;
	err = open_fd(path, f);
	if (!err) {
		err = find_layout(f, o, w);
		if (err)
			err = iq_error_prefix(err, "%s", path);
	}
	if (err) {
		iq_file_close(f);
		return err;
	}
	*ret = f;
	return NULL;
}

struct iq_error *iq_file_open_memory(const void *data, size_t size, struct iq_warnings *w,
				     struct iq_file **ret)
{
	struct iq_file *f = calloc(1, sizeof(*f));
	struct iq_error *err;

	if (!f)
		return iq_error_nomem();
	f->fd = f->parts_fd = -1;
	f->memory = data;
	f->raw_size = f->disk_size = size;
	err = find_layout(f, NULL, w);
	if (err) {
		iq_file_close(f);
		return err;
	}
	*ret = f;
	return NULL;
}

void iq_file_close(struct iq_file *f)
{
	if (!f)
		return;
	iq_wrap_close(f->parts);
	if (f->fd >= 0)
		close(f->fd);
	if (f->parts_fd >= 0)
		close(f->parts_fd);
	free(f->decompressed);
	iq_extents_free(&f->map);
	free(f);
}
