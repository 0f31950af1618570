/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: the bytes of the file, whatever they lie in (a file, memory, something
 * compressed as a whole, the records of makedumpfile's flattened format).
 */
#ifndef IQ_DUMP_FILE_H
#define IQ_DUMP_FILE_H

#include "extent.h"
#include "wrap.h"
#include <inquest/dump.h>
#include <sys/types.h>

/* The flattened format: makedumpfile(8) -F; struct makedumpfile_header and _data_header. */
#define IQ_FLAT_MAGIC "makedumpfile"
#define IQ_FLAT_MAGIC_LEN 16 /* NUL padded */
#define IQ_FLAT_HEADER_LEN 4096 /* records begin here */

struct iq_file {
	int fd; /* -1: in memory.  Of what was decompressed, not of the compressed file, once that is done */
	const uint8_t *memory;
	uint8_t *decompressed; /* memory that is ours, or NULL */
	struct iq_wrap *parts; /* what is read through here, compressed in parts; or NULL */
	int parts_fd; /* the compressed file of these; -1: none */
	uint64_t disk_size; /* of the file as it lies there */
	uint64_t raw_size; /* the same, decompressed */
	bool live; /* in procfs: /proc/kcore */
	char wrapping[64]; /* "xz, 12 blocks"; empty: not compressed */
	uint64_t size; /* of its content: the end of the last byte of a flattened file */
	bool flattened;
	bool broken_off; /* flattened: the end marker is missing */
	struct iq_extents map; /* flattened: content offset -> raw offset */
};

/* O may be NULL. */
struct iq_error *iq_file_open(const char *path, const struct iq_dump_options *o, struct iq_warnings *w,
			      struct iq_file **ret);
struct iq_error *iq_file_open_memory(const void *data, size_t size, struct iq_warnings *w,
				     struct iq_file **ret);
void iq_file_close(struct iq_file *f);

/*
 * Up to LEN bytes of the content at OFFSET: the number that is there, less than LEN where the file
 * ends; -1 with errno if the operating system fails.
 */
ssize_t iq_file_read(const struct iq_file *f, void *buf, size_t len, uint64_t offset);
/* All LEN bytes: IQ_MEM_OK, IQ_MEM_TRUNCATED or IQ_MEM_IO. */
enum iq_mem iq_file_read_all(const struct iq_file *f, void *buf, size_t len, uint64_t offset);
/*
 * The next stretch of [OFFSET, END) that is not a hole of a sparse file.  A hole reads as zeros.
 * Without one, *START == *STOP == END.
 */
void iq_file_next_data(const struct iq_file *f, uint64_t offset, uint64_t end, uint64_t *start,
		       uint64_t *stop);

/* The first LEN bytes of the content of the file FD, as far as they are there, whatever it is packed in. */
size_t iq_file_peek(int fd, void *buf, size_t len);

/* As pread(), but all that there is. */
ssize_t iq_read_fd(int fd, void *buf, size_t len, uint64_t offset);
/* The decompressed bytes, below the flattened layer. */
ssize_t iq_file_read_raw(const struct iq_file *f, void *buf, size_t len, uint64_t offset);
/* One pass over the record headers of a flattened file: fills map, size and broken_off. */
struct iq_error *iq_file_map_records(struct iq_file *f, struct iq_warnings *w);

#endif
