// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Formats that only libkdumpfile knows: LKCD, SADUMP, diskdump, s390's and others.  Where it was there at build time,
 * it is asked about a file that nothing here recognises.
 */
#include "image.h"

#if IQ_HAVE_KDUMPFILE
#include <elf.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdlib.h>

/* Those whose first bytes are known, so that the file is taken for a dump: LKCD, s390, diskdump, SADUMP. */
bool iq_kdumpfile_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return !memcmp(head, "\xed\x23\x8f\x61\x73\x01\x19\xa8", 8) ||
	       !memcmp(head, "\xa8\x19\x01\x73\x61\x8f\x23\xed", 8) ||
	       !memcmp(head, "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 8) ||
	       !memcmp(head, "DISKDUMP", 8) || !memcmp(head, "sadump", 7);
}

static enum iq_mem reason(kdump_status status)
{
	switch (status) {
	case KDUMP_OK:
		return IQ_MEM_OK;
	case KDUMP_ERR_CORRUPT:
		return IQ_MEM_DAMAGED;
	case KDUMP_ERR_EOF:
		return IQ_MEM_TRUNCATED;
	case KDUMP_ERR_NODATA:
		/* Left out or never there: it does not say. */
	case KDUMP_ERR_INVALID:
		return IQ_MEM_ABSENT;
	default:
		return IQ_MEM_IO;
	}
}

/* Of the dump. */
struct library {
	kdump_ctx_t *ctx;
	kdump_bmp_t *map; /* which pages are in the file; NULL: it does not say */
};

/*
 * A page that is not there is not asked for, if that is known: version 0.5.1 keeps something wrong in its cache of
 * pages when reading fails, and uses it later.
 */
static enum iq_mem read_one(struct iq_reader *r, uint64_t pfn, uint8_t *page)
{
	const struct library *l = r->dump->format_data;
	kdump_addr_t next = pfn;
	size_t len = r->page_size;

	if (l->map && (kdump_bmp_find_set(l->map, &next) != KDUMP_OK || next != pfn))
		return IQ_MEM_ABSENT;
	return reason(kdump_read(r->format_data, KDUMP_MACHPHYSADDR, pfn << r->page_shift, page,
				 &len));
}

static enum iq_mem kdumpfile_state(struct iq_reader *r, uint64_t pfn)
{
	return read_one(r, pfn, r->packed);
}

static enum iq_mem kdumpfile_load(struct iq_reader *r, uint64_t pfn, uint8_t *page,
				  struct iq_loaded *loaded)
{
	enum iq_mem why = read_one(r, pfn, page);

	loaded->zero = !why && iq_is_zero(page, r->page_size);
	return why;
}

static uint64_t kdumpfile_next(const struct iq_dump *d, uint64_t pfn)
{
	const struct library *l = d->format_data;
	kdump_addr_t next = pfn;

	if (l->map && kdump_bmp_find_set(l->map, &next) != KDUMP_OK)
		next = d->info.max_pfn;
	return IQ_MIN(next, d->info.max_pfn);
}

static bool kdumpfile_scan(struct iq_reader *r, uint64_t pfn, uint64_t end, struct iq_sink *sink)
{
	for (; pfn < end; pfn++) {
		enum iq_mem why = read_one(r, pfn, r->scan_page);

		if (why)
			sink->missing[why]++;
		else if (!iq_sink_page(sink, pfn, iq_is_zero(r->scan_page, r->page_size)
							  ? NULL
							  : r->scan_page))
			return false;
	}
	return true;
}

static bool kdumpfile_range(const struct iq_dump *d, unsigned int index, uint64_t *start,
			    uint64_t *end)
{
	*start = 0;
	*end = d->info.max_pfn * d->info.page_size;
	return !index;
}

/* Threads share what does not change; each has its own context. */
static struct iq_error *kdumpfile_reader_open(struct iq_reader *r)
{
	const struct library *l = r->dump->format_data;

	r->format_data = kdump_clone(l->ctx, 0);
	return r->format_data ? NULL : iq_error_nomem();
}

static void kdumpfile_reader_close(struct iq_reader *r)
{
	if (r->format_data)
		kdump_free(r->format_data);
}

static void kdumpfile_close(struct iq_dump *d)
{
	struct library *l = d->format_data;

	if (l->map)
		kdump_bmp_decref(l->map);
	kdump_free(l->ctx);
	free(l);
}

static const struct iq_format kdumpfile_format = {
	.state = kdumpfile_state,
	.load = kdumpfile_load,
	.next = kdumpfile_next,
	.scan = kdumpfile_scan,
	.range = kdumpfile_range,
	.close = kdumpfile_close,
	.reader_open = kdumpfile_reader_open,
	.reader_close = kdumpfile_reader_close,
};

static struct iq_error *take_facts(struct iq_dump *d, kdump_ctx_t *ctx)
{
	const char *format = "a format of its own", *arch = NULL;
	kdump_num_t size = 0, pages = 0, cpus = 0;
	struct iq_error *err = NULL;
	char *text = NULL;

	(void)kdump_get_string_attr(ctx, KDUMP_ATTR_FILE_FORMAT, &format);
	(void)kdump_get_string_attr(ctx, KDUMP_ATTR_ARCH_NAME, &arch);
	(void)kdump_get_number_attr(ctx, KDUMP_ATTR_PAGE_SIZE, &size);
	(void)kdump_get_number_attr(ctx, "max_pfn", &pages);
	(void)kdump_get_number_attr(ctx, KDUMP_ATTR_NUM_CPUS, &cpus);
	snprintf(d->info.format_text, sizeof(d->info.format_text), "%.40s, by libkdumpfile", format);
	if (size < IQ_PAGE_MIN || size > IQ_PAGE_MAX || size & (size - 1) || !pages ||
	    pages > IQ_PFN_LIMIT)
		return iq_error_new(IQ_E_FORMAT, "%s whose size of a page or of memory makes no sense",
				    d->info.format_text);
	d->info.page_size = (uint32_t)size;
	d->info.max_pfn = pages;
	d->info.nr_cpus = cpus < 65536 ? (unsigned int)cpus : 0;
	if (arch && !strcmp(arch, KDUMP_ARCH_X86_64))
		d->info.machine = EM_X86_64;
	else if (arch && !strcmp(arch, KDUMP_ARCH_AARCH64))
		d->info.machine = EM_AARCH64;
	else if (arch && !strcmp(arch, KDUMP_ARCH_S390X))
		d->info.machine = EM_S390;
	else if (arch && !strcmp(arch, KDUMP_ARCH_PPC64))
		d->info.machine = EM_PPC64;
	if (kdump_vmcoreinfo_raw(ctx, &text) == KDUMP_OK && text)
		err = iq_vmcoreinfo_set(d, text, strlen(text));
	free(text);
	return err;
}

static bool is_diskdump(const struct iq_dump *d)
{
	char magic[8];

	return !iq_file_read_all(d->file, magic, sizeof(magic), 0) && !memcmp(magic, "DISKDUMP", 8);
}

/* A diskdump whose block size makes no sense, in neither layout of its header, is none. */
static bool is_senseless_diskdump(const struct iq_dump *d)
{
	uint8_t head[432] = {0};
	uint32_t wide, narrow;

	if (!is_diskdump(d) || iq_file_read(d->file, head, sizeof(head), 0) < 0)
		return false;
	narrow = iq_le32(head + 416);
	wide = iq_le32(head + 428);
	return (narrow < IQ_PAGE_MIN || narrow > IQ_PAGE_MAX || narrow & (narrow - 1)) &&
	       (wide < IQ_PAGE_MIN || wide > IQ_PAGE_MAX || wide & (wide - 1));
}

struct iq_error *iq_kdumpfile_open(struct iq_dump *d)
{
	kdump_attr_t map = {.type = KDUMP_BITMAP};
	struct library *l;
	kdump_ctx_t *ctx;
	kdump_status status;

	/* It reads files only, and only those that are one as they lie there. */
	if (d->file->fd < 0 || d->file->flattened || d->file->wrapping[0] || is_senseless_diskdump(d))
		return NULL;
	ctx = kdump_new();
	if (!ctx)
		return iq_error_nomem();
	/* A file that shrinks must not end the program. */
	(void)kdump_set_number_attr(ctx, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER);
	status = kdump_open_fd(ctx, d->file->fd);
	if (status != KDUMP_OK) {
		/* Version 0.5.1 can die of freeing what a damaged diskdump left behind: that is kept. */
		if (!is_diskdump(d))
			kdump_free(ctx);
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		kdump_free(ctx);
		return iq_error_nomem();
	}
	l->ctx = ctx;
	if (kdump_get_typed_attr(ctx, KDUMP_ATTR_FILE_PAGEMAP, &map) == KDUMP_OK && map.val.bitmap) {
		l->map = map.val.bitmap;
		kdump_bmp_incref(l->map);
	}
	d->format = &kdumpfile_format;
	d->format_data = l;
	d->info.format = IQ_DUMP_KDUMPFILE;
	return take_facts(d, ctx);
}

void iq_kdumpfile_version(struct iq_buf *out, const char *gap)
{
	iq_buf_printf(out, "%slibkdumpfile %s", gap, KDUMPFILE_VERSION_STRING);
}

#else

bool iq_kdumpfile_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return false;
}

struct iq_error *iq_kdumpfile_open(struct iq_dump *d)
{
	return NULL;
}

void iq_kdumpfile_version(struct iq_buf *out, const char *gap)
{
}

#endif
