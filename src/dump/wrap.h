/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: files that somebody compressed as a whole (vmcore.xz, core.gz).
 *
 * Where such a file consists of parts that can be decompressed one without the other, and says how
 * large they are (several blocks of xz with their index, several frames of zstd, bgzip), a part is
 * decompressed when something in it is read.  Anything else is decompressed once, from its beginning
 * to its end.  What was decompressed goes to a temporary file without a name, so that no part is
 * decompressed twice and nothing is left behind however inquest ends; zeros are holes in it.
 */
#ifndef IQ_DUMP_WRAP_H
#define IQ_DUMP_WRAP_H

#include <inquest/dump.h>
#include <sys/types.h>

enum iq_wrapping {
	IQ_WRAP_NONE,
	IQ_WRAP_GZIP,
	IQ_WRAP_XZ,
	IQ_WRAP_ZSTD,
	IQ_WRAP_BZIP2,
};

/* What HEAD, the first bytes of a file, says. */
enum iq_wrapping iq_wrapping_of(const uint8_t *head, size_t len);
const char *iq_wrapping_name(enum iq_wrapping wrapping);

/* The compressed bytes: those of a file, or MEMORY if FD is -1. */
struct iq_wrap_source {
	int fd;
	const uint8_t *memory;
	uint64_t size;
};
ssize_t iq_wrap_source_read(const struct iq_wrap_source *s, void *buf, size_t len, uint64_t offset);
bool iq_wrap_source_all(const struct iq_wrap_source *s, void *buf, size_t len, uint64_t offset);

/* ---- wrap_codec.c: decompressing from a beginning to an end ------------------------------------- */

enum iq_unwrap {
	IQ_UNWRAP_MORE, /* all of the input or of the output was used */
	IQ_UNWRAP_END, /* there is nothing more */
	IQ_UNWRAP_DAMAGED,
	IQ_UNWRAP_MEMORY, /* the file asks for more memory than it gets */
};

struct iq_unwrapper;
/*
 * XZ_CHECK: -1 for a whole file; else of xz a single block is decompressed, which has a checksum of
 * this kind (of the others any number of members or frames).  NULL without memory, or if the library for
 * it was not there at build time.
 */
struct iq_unwrapper *iq_unwrapper_open(enum iq_wrapping wrapping, int xz_check);
/*
 * Some of the *IN_LEN bytes at *IN into the *OUT_LEN at *OUT; all four are advanced.  LAST: no more
 * input will come.
 */
enum iq_unwrap iq_unwrap(struct iq_unwrapper *u, const uint8_t **in, size_t *in_len, uint8_t **out,
			 size_t *out_len, bool last);
/* May the input end here? */
bool iq_unwrapper_between(const struct iq_unwrapper *u);
void iq_unwrapper_close(struct iq_unwrapper *u);
/* Was the library for WRAPPING there at build time? */
bool iq_wrapping_known(enum iq_wrapping wrapping);

/* ---- wrap_index.c: parts ------------------------------------------------------------------------ */

struct iq_wrap_part {
	uint64_t in, in_len; /* compressed, in the file */
	uint64_t out, out_len; /* its content */
	int xz_check; /* -1: not xz */
	unsigned char state; /* wrap.c */
	uint8_t *data; /* kept in memory because there is no room on disk */
	uint64_t used;
};

struct iq_wrap_parts {
	struct iq_wrap_part *p;
	unsigned int nr, room;
	uint64_t size; /* of the content */
};

/*
 * The parts of S, ascending and without gaps; less than two if it has none or does not say how large
 * they are.  False without memory.
 */
bool iq_wrap_index(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
		   struct iq_wrap_parts *parts) IQ_CHECK;

/* ---- wrap.c ------------------------------------------------------------------------------------- */

struct iq_wrap; /* a file whose parts are decompressed as they are read */

struct iq_unwrapped {
	/* One of these three is the content. */
	struct iq_wrap *parts;
	int fd; /* -1 */
	uint8_t *memory;
	uint64_t size; /* of the content */
	bool broken_off; /* the compressed file ends early, or is damaged from a place on */
	char text[64]; /* "xz, 12 blocks" */
};

struct iq_error *iq_wrap_open(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
			      const struct iq_dump_options *o, struct iq_warnings *w,
			      struct iq_unwrapped *ret) IQ_CHECK;
/* As iq_file_read(): errno is EBADMSG if the compressed bytes are damaged.  For any number of threads. */
ssize_t iq_wrap_read(struct iq_wrap *wrap, void *buf, size_t len, uint64_t offset);
void iq_wrap_close(struct iq_wrap *wrap);
/* The first LEN bytes of the content, as far as they are to be had, and no others. */
size_t iq_wrap_peek(const struct iq_wrap_source *s, enum iq_wrapping wrapping, void *buf,
		    size_t len);

#endif
