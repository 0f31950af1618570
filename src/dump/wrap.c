// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading files that were compressed as a whole: in parts, or decompressed once. */
#include "wrap.h"
#include "codec.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define IN_BYTES (256u << 10)
#define OUT_BYTES (1u << 20)
/* Zeros of this length and alignment become holes. */
#define HOLE 4096u
/* A larger part is not worth being looked for: then all is decompressed, with something to see. */
#define LARGEST_PART (256u << 20)
/* Without a place on disk: parts that are kept in memory, and a whole content. */
#define MOST_KEPT (256u << 20)
#define MOST_IN_MEMORY (64u << 20)
/* No content is longer; and what is left free on the disk, in bytes and as a part of it. */
#define MOST_CONTENT (UINT64_C(1) << 46)
#define LEAVE_FREE (128ull << 20)
#define LEAVE_PART 50
/* How often the room on the disk is looked at, in bytes written. */
#define LOOK_EVERY (64u << 20)

enum { PART_NONE, PART_BUSY, PART_THERE, PART_DAMAGED };

struct iq_wrap {
	struct iq_wrap_source source;
	enum iq_wrapping wrapping;
	struct iq_wrap_parts parts;
	int scratch; /* the decompressed parts at their places; -1: in memory */
	pthread_mutex_t lock; /* guards the states, and what is kept in memory */
	pthread_cond_t changed;
	uint64_t kept, clock;
	bool full; /* the disk: what is not there yet stays in memory */
};

/* ---- The compressed bytes ------------------------------------------------------------------------- */

enum iq_wrapping iq_wrapping_of(const uint8_t *head, size_t len)
{
	if (len >= 3 && !memcmp(head, "\x1f\x8b\x08", 3))
		return IQ_WRAP_GZIP;
	if (len >= 6 && !memcmp(head,
				"\xfd"
				"7zXZ\0",
				6))
		return IQ_WRAP_XZ;
	/* A frame, or one to be skipped in front of it (pzstd). */
	if (len >= 4 && (!memcmp(head, "\x28\xb5\x2f\xfd", 4) ||
			 ((head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3))))
		return IQ_WRAP_ZSTD;
	/* The block size, and the first block or the end. */
	if (len >= 10 && !memcmp(head, "BZh", 3) && head[3] >= '1' && head[3] <= '9' &&
	    (!memcmp(head + 4, "\x31\x41\x59\x26\x53\x59", 6) ||
	     !memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6)))
		return IQ_WRAP_BZIP2;
	return IQ_WRAP_NONE;
}

const char *iq_wrapping_name(enum iq_wrapping wrapping)
{
	switch (wrapping) {
	case IQ_WRAP_GZIP:
		return "gzip";
	case IQ_WRAP_XZ:
		return "xz";
	case IQ_WRAP_ZSTD:
		return "zstd";
	case IQ_WRAP_BZIP2:
		return "bzip2";
	case IQ_WRAP_NONE:
		break;
	}
	return "nothing";
}

/* What a part is called by those who made it. */
static const char *part_name(enum iq_wrapping wrapping)
{
	return wrapping == IQ_WRAP_XZ ? "blocks" : wrapping == IQ_WRAP_ZSTD ? "frames" : "members";
}

ssize_t iq_wrap_source_read(const struct iq_wrap_source *s, void *buf, size_t len, uint64_t offset)
{
	if (offset >= s->size)
		return 0;
	len = (size_t)IQ_MIN(len, s->size - offset);
	if (s->fd >= 0)
		return iq_read_fd(s->fd, buf, len, offset);
	memcpy(buf, s->memory + offset, len);
	return (ssize_t)len;
}

bool iq_wrap_source_all(const struct iq_wrap_source *s, void *buf, size_t len, uint64_t offset)
{
	return iq_wrap_source_read(s, buf, len, offset) == (ssize_t)len;
}

/* ---- Where decompressed bytes go ------------------------------------------------------------------ */

enum sink_end { SINK_OK, SINK_FULL, SINK_LIMIT, SINK_FAILED };

struct sink {
	int fd; /* -1: memory */
	uint8_t **memory; /* grown up to limit */
	size_t room;
	uint64_t at, limit; /* where the next byte goes, and none may */
	uint64_t unlooked; /* bytes written since the room on the disk was looked at */
	int error;
};

static bool is_blank(const uint8_t *data)
{
	/* iq_is_zero() wants no alignment, but a multiple of 64. */
	return iq_is_zero(data, HOLE);
}

static enum sink_end write_some(struct sink *s, const uint8_t *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(s->fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->error = n < 0 ? errno : ENOSPC;
			return s->error == ENOSPC || s->error == EDQUOT || s->error == EFBIG
				       ? SINK_FULL
				       : SINK_FAILED;
		}
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
		s->unlooked += (uint64_t)n;
	}
	return SINK_OK;
}

static bool disk_is_full(struct sink *s)
{
	struct statvfs fs;

	if (s->unlooked < LOOK_EVERY)
		return false;
	s->unlooked = 0;
	if (fstatvfs(s->fd, &fs))
		return false;
	return fs.f_bavail < IQ_MIN(LEAVE_FREE / fs.f_frsize, fs.f_blocks / LEAVE_PART);
}

/* DATA without its blank pieces. */
static enum sink_end put_file(struct sink *s, const uint8_t *data, size_t len)
{
	size_t start = 0, i = 0;

	while (i < len) {
		/* The pieces are aligned in the file. */
		size_t n = IQ_MIN(len - i, HOLE - (s->at + i) % HOLE);
		bool blank = n == HOLE && is_blank(data + i);
		enum sink_end end;

		if (blank && start < i) {
			end = write_some(s, data + start, i - start, s->at + start);
			if (end)
				return end;
		}
		i += n;
		if (blank)
			start = i;
	}
	if (start < len) {
		enum sink_end end = write_some(s, data + start, len - start, s->at + start);

		if (end)
			return end;
	}
	s->at += len;
	return disk_is_full(s) ? SINK_FULL : SINK_OK;
}

static enum sink_end put(struct sink *s, const uint8_t *data, size_t len)
{
	if (len > s->limit - s->at)
		return SINK_LIMIT;
	if (s->fd >= 0)
		return put_file(s, data, len);
	if (s->at + len > s->room) {
		size_t room = (size_t)IQ_MIN(IQ_MAX((s->at + len) * 2, 65536), s->limit);
		uint8_t *p = realloc(*s->memory, room);

		if (!p) {
			s->error = ENOMEM;
			return SINK_FAILED;
		}
		*s->memory = p;
		s->room = room;
	}
	if (len)
		memcpy(*s->memory + s->at, data, len);
	s->at += len;
	return SINK_OK;
}

/* ---- From the one to the other -------------------------------------------------------------------- */

enum pump_end {
	PUMP_OK,
	PUMP_BROKEN_OFF, /* the input ends too early */
	PUMP_DAMAGED,
	PUMP_MEMORY,
	PUMP_SINK, /* see sink_end */
	PUMP_IO,
	PUMP_STOPPED,
};

struct pump {
	const struct iq_wrap_source *source;
	uint64_t from, to; /* of the source */
	enum iq_wrapping wrapping;
	int xz_check;
	const struct iq_dump_options *o; /* NULL: nobody watches */
	struct sink sink;
	enum sink_end sink_end;
	int error;
	uint64_t trailing; /* bytes behind the end */
};

static void tell(const struct pump *p, uint64_t at)
{
	if (p->o && p->o->progress)
		p->o->progress(p->o->progress_arg, at, p->to);
}

static enum pump_end pump_with(struct pump *p, struct iq_unwrapper *u, uint8_t *in_buf,
			       uint8_t *out_buf)
{
	uint64_t at = p->from;
	const uint8_t *in = in_buf;
	size_t in_len = 0;

	for (;;) {
		uint8_t *out = out_buf;
		size_t out_len = OUT_BYTES, in_before;
		enum iq_unwrap step;

		if (p->o && iq_cancelled(p->o->cancel))
			return PUMP_STOPPED;
		if (!in_len && at < p->to) {
			ssize_t n = iq_wrap_source_read(p->source, in_buf,
							(size_t)IQ_MIN(IN_BYTES, p->to - at), at);

			if (n < 0) {
				p->error = errno;
				return PUMP_IO;
			}
			/* A file that has become shorter. */
			if (!n)
				p->to = at;
			in = in_buf;
			in_len = (size_t)n;
			at += (uint64_t)n;
			tell(p, at);
		}
		in_before = in_len;
		step = iq_unwrap(u, &in, &in_len, &out, &out_len, at >= p->to);
		p->sink_end = put(&p->sink, out_buf, (size_t)(out - out_buf));
		if (p->sink_end)
			return PUMP_SINK;
		if (step == IQ_UNWRAP_DAMAGED)
			return PUMP_DAMAGED;
		if (step == IQ_UNWRAP_MEMORY)
			return PUMP_MEMORY;
		if (step == IQ_UNWRAP_END) {
			p->trailing = in_len + (p->to - at);
			return PUMP_OK;
		}
		/* No more input, and what was in there is out. */
		if (at >= p->to && in_len == in_before && out == out_buf)
			return in_len			 ? PUMP_DAMAGED
			       : iq_unwrapper_between(u) ? PUMP_OK
							 : PUMP_BROKEN_OFF;
	}
}

static enum pump_end pump(struct pump *p)
{
	struct iq_unwrapper *u = iq_unwrapper_open(p->wrapping, p->xz_check);
	uint8_t *in = malloc(IN_BYTES), *out = malloc(OUT_BYTES);
	enum pump_end end = PUMP_MEMORY;

	if (u && in && out)
		end = pump_with(p, u, in, out);
	free(in);
	free(out);
	iq_unwrapper_close(u);
	return end;
}

size_t iq_wrap_peek(const struct iq_wrap_source *s, enum iq_wrapping wrapping, void *buf,
		    size_t len)
{
	struct iq_unwrapper *u = iq_unwrapper_open(wrapping, -1);
	uint8_t *in_buf = malloc(IN_BYTES), *out = buf;
	uint64_t at = 0;
	size_t out_len = len, in_len = 0;
	const uint8_t *in = in_buf;

	/* bzip2 needs a block of up to 900 KB before it gives anything. */
	while (u && in_buf && out_len && at < 4u << 20) {
		size_t before = out_len, had;

		if (!in_len) {
			ssize_t n = iq_wrap_source_read(s, in_buf, IN_BYTES, at);

			if (n <= 0)
				break;
			in = in_buf;
			in_len = (size_t)n;
			at += (uint64_t)n;
		}
		had = in_len;
		if (iq_unwrap(u, &in, &in_len, &out, &out_len, at >= s->size) != IQ_UNWRAP_MORE ||
		    (in_len == had && out_len == before))
			break;
	}
	free(in_buf);
	iq_unwrapper_close(u);
	return len - out_len;
}

/* ---- The temporary file --------------------------------------------------------------------------- */

static int open_in(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	if (fd >= 0)
		return fd;
	/* Not every filesystem has files without a name. */
	if ((size_t)snprintf(path, sizeof(path), "%s/inquest-XXXXXX", dir) >= sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* *DIR: where it is. */
static int open_scratch(const struct iq_dump_options *o, const char **dir)
{
	const char *const places[] = {o ? o->scratch : NULL, getenv("TMPDIR"), "/var/tmp", "/tmp"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(places); i++) {
		int fd = places[i] && *places[i] ? open_in(places[i]) : -1;

		if (fd >= 0) {
			*dir = places[i];
			return fd;
		}
		/* Who names a place means that one. */
		if (i == 0 && places[0])
			break;
	}
	return -1;
}

/* ---- In parts ------------------------------------------------------------------------------------- */

/* Decompress PART: into the temporary file, or into *MEMORY. */
static enum pump_end unwrap_part(struct iq_wrap *x, const struct iq_wrap_part *part, int fd,
				 uint8_t **memory, enum sink_end *sink_end)
{
	struct pump p = {
		.source = &x->source,
		.from = part->in,
		.to = part->in + part->in_len,
		.wrapping = x->wrapping,
		.xz_check = part->xz_check,
		.sink = {.fd = fd, .memory = memory},
	};
	uint64_t start = fd >= 0 ? part->out : 0;
	enum pump_end end;

	p.sink.at = start;
	p.sink.limit = start + part->out_len;
	end = pump(&p);
	*sink_end = p.sink_end;
	/* Not more than the index promised, nor less. */
	if (end == PUMP_OK && p.sink.at != p.sink.limit)
		end = PUMP_DAMAGED;
	return end;
}

/* Make room for parts in memory, of which KEEP stays.  The lock is held. */
static void drop_oldest(struct iq_wrap *x, const struct iq_wrap_part *keep)
{
	while (x->kept > MOST_KEPT) {
		struct iq_wrap_part *oldest = NULL;

		for (unsigned int i = 0; i < x->parts.nr; i++) {
			struct iq_wrap_part *p = &x->parts.p[i];

			if (p->data && p != keep && (!oldest || p->used < oldest->used))
				oldest = p;
		}
		if (!oldest)
			return;
		free(oldest->data);
		oldest->data = NULL;
		x->kept -= oldest->out_len;
		oldest->state = PART_NONE;
	}
}

/* Decompress a part that nobody else works at.  The lock is held, and given back meanwhile. */
static void fetch_part(struct iq_wrap *x, struct iq_wrap_part *part)
{
	int fd = x->full ? -1 : x->scratch;
	enum sink_end sink_end = SINK_OK;
	uint8_t *memory = NULL;
	enum pump_end end;

	part->state = PART_BUSY;
	pthread_mutex_unlock(&x->lock);
	end = unwrap_part(x, part, fd, &memory, &sink_end);
	if (fd >= 0 && end == PUMP_SINK && sink_end == SINK_FULL) {
		fd = -1;
		end = unwrap_part(x, part, -1, &memory, &sink_end);
	}
	pthread_mutex_lock(&x->lock);
	if (fd < 0)
		x->full = true;
	if (end == PUMP_OK && fd < 0) {
		part->data = memory;
		memory = NULL;
		x->kept += part->out_len;
		part->used = ++x->clock;
		drop_oldest(x, part);
	}
	free(memory);
	part->state = end == PUMP_OK ? PART_THERE : PART_DAMAGED;
	pthread_cond_broadcast(&x->changed);
}

/* LEN bytes at AT of a part, all of which are in it.  False: errno. */
static bool read_part(struct iq_wrap *x, struct iq_wrap_part *part, uint8_t *buf, size_t len,
		      uint64_t at)
{
	bool ok;

	pthread_mutex_lock(&x->lock);
	for (;;) {
		if (part->state == PART_NONE)
			fetch_part(x, part);
		else if (part->state == PART_BUSY)
			pthread_cond_wait(&x->changed, &x->lock);
		else
			break;
	}
	ok = part->state == PART_THERE;
	if (ok && part->data) {
		memcpy(buf, part->data + at, len);
		part->used = ++x->clock;
	}
	pthread_mutex_unlock(&x->lock);
	if (!ok)
		errno = EBADMSG;
	/* What is in the file stays there. */
	else if (!part->data)
		ok = iq_read_fd(x->scratch, buf, len, part->out + at) == (ssize_t)len;
	return ok;
}

static struct iq_wrap_part *find_part(const struct iq_wrap *x, uint64_t offset)
{
	unsigned int lo = 0, hi = x->parts.nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		const struct iq_wrap_part *p = &x->parts.p[mid];

		if (p->out + p->out_len <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &x->parts.p[lo];
}

ssize_t iq_wrap_read(struct iq_wrap *x, void *buf, size_t len, uint64_t offset)
{
	size_t done = 0;

	if (offset >= x->parts.size)
		return 0;
	len = (size_t)IQ_MIN(len, x->parts.size - offset);
	while (done < len) {
		struct iq_wrap_part *part = find_part(x, offset + done);
		uint64_t at = offset + done - part->out;
		size_t n = (size_t)IQ_MIN(len - done, part->out_len - at);

		if (!read_part(x, part, (uint8_t *)buf + done, n, at))
			return -1;
		done += n;
	}
	return (ssize_t)done;
}

void iq_wrap_close(struct iq_wrap *x)
{
	if (!x)
		return;
	for (unsigned int i = 0; i < x->parts.nr; i++)
		free(x->parts.p[i].data);
	free(x->parts.p);
	if (x->scratch >= 0)
		close(x->scratch);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->changed);
	free(x);
}

/* Parts that are worth being read one by one?  Takes PARTS over if so. */
static struct iq_error *open_parts(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
				   struct iq_wrap_parts *parts, const struct iq_dump_options *o,
				   struct iq_wrap **ret)
{
	struct iq_wrap *x;
	const char *dir;

	if (parts->nr < 2)
		return NULL;
	for (unsigned int i = 0; i < parts->nr; i++) {
		if (parts->p[i].out_len > LARGEST_PART)
			return NULL;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->source = *s;
	x->wrapping = wrapping;
	x->parts = *parts;
	*parts = (struct iq_wrap_parts){0};
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->changed, NULL);
	x->scratch = s->fd >= 0 ? open_scratch(o, &dir) : -1;
	/* The zeros that are not written must be there, too. */
	if (x->scratch >= 0 && ftruncate(x->scratch, (off_t)x->parts.size)) {
		close(x->scratch);
		x->scratch = -1;
	}
	x->full = x->scratch < 0;
	*ret = x;
	return NULL;
}

/* ---- At once -------------------------------------------------------------------------------------- */

static struct iq_error *too_large(enum iq_wrapping wrapping, const char *dir)
{
	struct iq_error *err;

	err = iq_error_new(
		IQ_E_LIMIT,
		"compressed by %s in one piece, and decompressed it does not fit into %s",
		iq_wrapping_name(wrapping), dir);
	return iq_error_hint(
		err,
		"TMPDIR names another directory; compressed in blocks (xz -T0, zstd of several "
		"frames, bgzip) it needs no room");
}

static struct iq_error *pump_error(const struct pump *p, enum pump_end end, const char *dir)
{
	const char *name = iq_wrapping_name(p->wrapping);

	switch (end) {
	case PUMP_STOPPED:
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	case PUMP_IO:
		return iq_error_errno(p->error, "cannot read");
	case PUMP_MEMORY:
		return iq_error_new(IQ_E_LIMIT,
				    "compressed by %s, which wants too much memory for this file",
				    name);
	case PUMP_SINK:
		if (p->sink_end == SINK_FULL)
			return too_large(p->wrapping, dir);
		if (p->sink_end == SINK_LIMIT)
			return iq_error_new(IQ_E_LIMIT,
					    "compressed by %s, and decompressed too large", name);
		return iq_error_errno(p->sink.error, "cannot decompress into %s", dir);
	case PUMP_OK:
	case PUMP_BROKEN_OFF:
	case PUMP_DAMAGED:
		break;
	}
	/* Nothing came out. */
	return iq_error_new(IQ_E_FORMAT, "compressed by %s, and damaged at its beginning", name);
}

/* All of S into a temporary file, or into memory. */
static struct iq_error *unwrap_all(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
				   const struct iq_dump_options *o, struct iq_warnings *w,
				   struct iq_unwrapped *ret)
{
	const char *dir = "memory", *name = iq_wrapping_name(wrapping);
	uint8_t *memory = NULL;
	struct pump p = {
		.source = s,
		.to = s->size,
		.wrapping = wrapping,
		.xz_check = -1,
		.o = o,
		.sink = {.fd = -1, .memory = &memory, .limit = MOST_IN_MEMORY},
	};
	enum pump_end end;

	if (s->fd >= 0) {
		p.sink.fd = open_scratch(o, &dir);
		p.sink.limit = MOST_CONTENT;
		if (p.sink.fd < 0)
			return iq_error_hint(iq_error_errno(errno,
							    "compressed by %s, and there is no "
							    "place to decompress it to",
							    name),
					     "TMPDIR names a directory for that");
	}
	end = pump(&p);
	if (end == PUMP_OK && s->fd >= 0)
		tell(&p, p.to);
	if (p.sink.fd >= 0 && ftruncate(p.sink.fd, (off_t)p.sink.at)) {
		end = PUMP_SINK;
		p.sink_end = SINK_FAILED;
		p.sink.error = errno;
	}
	if ((end == PUMP_OK || end == PUMP_BROKEN_OFF || end == PUMP_DAMAGED) && p.sink.at) {
		if (end == PUMP_DAMAGED)
			iq_warn(w,
				"the data compressed by %s is damaged: what follows the first %llu "
				"bytes is lost, "
				"and what is in front of that may be wrong",
				name, (unsigned long long)p.sink.at);
		if (end == PUMP_BROKEN_OFF)
			iq_warn(w,
				"the data compressed by %s ends early: what follows the first %llu "
				"bytes is lost",
				name, (unsigned long long)p.sink.at);
		ret->broken_off = end != PUMP_OK;
		ret->fd = p.sink.fd;
		ret->memory = memory;
		ret->size = p.sink.at;
		if (s->fd >= 0)
			iq_warn(w,
				"compressed by %s in one piece: decompressed into %s (%llu MB), "
				"where it stays "
				"until inquest ends",
				name, dir, (unsigned long long)(p.sink.at + (1u << 20) - 1) >> 20);
		snprintf(ret->text, sizeof(ret->text), "%s", name);
		return NULL;
	}
	if (p.sink.fd >= 0)
		close(p.sink.fd);
	free(memory);
	return pump_error(&p, end, dir);
}

struct iq_error *iq_wrap_open(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
			      const struct iq_dump_options *o, struct iq_warnings *w,
			      struct iq_unwrapped *ret)
{
	struct iq_wrap_parts parts;
	struct iq_error *err;

	*ret = (struct iq_unwrapped){.fd = -1};
	if (!iq_wrapping_known(wrapping))
		return iq_error_hint(
			iq_error_new(
				IQ_E_UNAVAILABLE,
				"compressed by %s, whose library this inquest was built without",
				iq_wrapping_name(wrapping)),
			"decompress it first");
	if (!iq_wrap_index(s, wrapping, &parts))
		return iq_error_nomem();
	err = open_parts(s, wrapping, &parts, o, &ret->parts);
	free(parts.p);
	if (err)
		return err;
	if (!ret->parts)
		return unwrap_all(s, wrapping, o, w, ret);
	ret->size = ret->parts->parts.size;
	snprintf(ret->text, sizeof(ret->text), "%s, %u %s", iq_wrapping_name(wrapping),
		 ret->parts->parts.nr, part_name(wrapping));
	return NULL;
}
