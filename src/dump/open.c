// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening a dump: what kind of file is it? */
#include "image.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Files of one split dump; each stays open. */
#define MOST_PARTS 1000u

/* What a content that begins with HEAD is, where that is known but cannot be opened. */
static const char *known_stranger(const uint8_t *head, size_t len)
{
	static const struct {
		const char *magic, *what;
	} strangers[] = {
		{"DISKDUMP", "a diskdump of the years before kdump"},
		{"\177ELF", "an ELF file, but not a 64-bit little-endian core"},
		{"Core", "a VirtualBox or Xen core in an older format"},
		{"PAGEDU64", "a dump in the format of Windows (QEMU's dump-guest-memory -w)"},
		{"PAGEDUMP", "a dump in the format of Windows"},
		{"\xed\xab\xee\xdb", "an RPM package"},
		{"!<arch>", "an archive or a Debian package"},
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(strangers); i++) {
		size_t n = strlen(strangers[i].magic);

		if (len >= n && !memcmp(head, strangers[i].magic, n))
			return strangers[i].what;
	}
	return NULL;
}

/* Hyper-V's files are told by their names: .vmrs, or .bin and .vsv in older versions. */
static bool is_hyper_v(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcasecmp(dot, ".vmrs") || !strcasecmp(dot, ".vsv"));
}

const char *iq_dump_format_name(enum iq_dump_format format)
{
	static const char *const names[] = {
		[IQ_DUMP_ELF] = "elf",	     [IQ_DUMP_KDUMP] = "kdump",	  [IQ_DUMP_LIME] = "lime",
		[IQ_DUMP_SAVEVM] = "savevm", [IQ_DUMP_VMWARE] = "vmware", [IQ_DUMP_RAW] = "raw",
		[IQ_DUMP_KDUMPFILE] = "libkdumpfile",
	};

	return (unsigned int)format < IQ_ARRAY_SIZE(names) ? names[format] : NULL;
}

/* Asked for by --format libkdumpfile, also where we could read it ourselves. */
static struct iq_error *open_by_library(struct iq_dump *d)
{
	IQ_TRY(iq_kdumpfile_open(d));
	return d->format ? NULL
			 : iq_error_new(IQ_E_FORMAT, "libkdumpfile cannot read it, or was not there when "
						     "this program was built");
}

static struct iq_error *open_format(struct iq_dump *d, const char *format, struct iq_warnings *w)
{
	uint8_t head[IQ_HEAD_LEN] = {0};
	ssize_t n = iq_file_read(d->file, head, sizeof(head), 0);
	const char *stranger;

	if (n < 0)
		return iq_error_errno(errno, "cannot read");
	if (format && !strcmp(format, "raw"))
		return iq_raw_open(d, w);
	if (format && !strcmp(format, "libkdumpfile"))
		return open_by_library(d);
	if (iq_elf_recognise(head))
		return iq_elf_open(d, w);
	if (iq_kdump_recognise(head))
		return iq_kdump_open(d, w);
	if (iq_lime_recognise(head))
		return iq_lime_open(d, w);
	if (iq_savevm_recognise(head))
		return iq_savevm_open(d, w);
	if (iq_vmware_recognise(head))
		return iq_vmware_open(d, w);
	IQ_TRY(iq_kdumpfile_open(d));
	if (d->format)
		return NULL;
	stranger = known_stranger(head, (size_t)n);
	if (stranger)
		return iq_error_new(IQ_E_FORMAT,
				    "not a kernel dump that can be read here: it is %s", stranger);
	if (is_hyper_v(d->info.path))
		return iq_error_hint(
			iq_error_new(IQ_E_FORMAT, "a machine saved by Hyper-V, a format without a public description"),
			"vm2core of Microsoft makes a dump of it that can be read here");
	return iq_error_hint(
		iq_error_new(IQ_E_FORMAT, "not a kernel dump"),
		"a dump is an ELF core (/proc/vmcore, virsh dump --memory-only) or what "
		"makedumpfile writes");
}

static void describe(struct iq_dump *d)
{
	size_t len = strlen(d->info.format_text);

	if (d->info.flattened)
		snprintf(d->info.format_text + len, sizeof(d->info.format_text) - len,
			 ", flattened");
	len = strlen(d->info.format_text);
	if (d->info.wrapping)
		snprintf(d->info.format_text + len, sizeof(d->info.format_text) - len, ", in %s",
			 d->info.wrapping);
}

static struct iq_error *open_file(struct iq_dump *d, const char *format, struct iq_warnings *w)
{
	struct iq_error *err;

	d->info.file_size = d->file->disk_size;
	d->info.content_size = d->file->raw_size;
	d->info.wrapping = d->file->wrapping[0] ? d->file->wrapping : NULL;
	d->info.flattened = d->file->flattened;
	d->info.dump_level = -1;
	d->info.truncated = d->file->broken_off;
	d->info.live = d->file->live;
	err = open_format(d, format, w);
	if (err)
		return err;
	if (format && strcmp(format, iq_dump_format_name(d->info.format)))
		return iq_error_new(IQ_E_FORMAT, "it is no %s dump but %s", format, d->info.format_text);
	if (d->info.live)
		iq_warn(w, "the memory of the running machine: it changes while it is read");
	describe(d);
	if (d->info.truncated)
		iq_warn(w, "the dump file is truncated: some of the memory is lost");
	if (d->info.incomplete)
		iq_warn(w,
			"the dump is incomplete: makedumpfile ran out of space when it wrote it");
	return NULL;
}

/* Takes FILE over. */
static struct iq_error *open_dump(const char *path, struct iq_file *file, const char *format,
				  struct iq_warnings *w, struct iq_dump **ret)
{
	struct iq_dump *d = calloc(1, sizeof(*d));
	struct iq_error *err;

	if (!d) {
		iq_file_close(file);
		return iq_error_nomem();
	}
	d->file = file;
	d->info.path = iq_arena_strdup(&d->arena, path);
	d->info.files = &d->info.path;
	d->info.nr_files = 1;
	err = d->info.path ? open_file(d, format, w) : iq_error_nomem();
	if (err) {
		iq_dump_close(d);
		return err;
	}
	*ret = d;
	return NULL;
}

/* The files to open: either PATHS or MEMORY. */
struct sources {
	const char *const *paths;
	const struct iq_dump_options *options; /* NULL: none */
	const struct iq_memory_file *memory;
	unsigned int nr;
};

static struct iq_error *open_source(const struct sources *s, unsigned int i, struct iq_warnings *w,
				    struct iq_dump **ret)
{
	struct iq_file *file;
	struct iq_error *err;

	if (s->memory) {
		IQ_TRY(iq_file_open_memory(s->memory[i].data, s->memory[i].size, w, &file));
		return open_dump("(memory)", file, NULL, w, ret);
	}
	IQ_TRY(iq_file_open(s->paths[i], s->options, w, &file));
	err = open_dump(s->paths[i], file, s->options ? s->options->format : NULL, w, ret);
	return err ? iq_error_prefix(err, "%s", s->paths[i]) : NULL;
}

/* The same, but warnings name the file. */
static struct iq_error *open_part(const struct sources *s, unsigned int i, struct iq_warnings *w,
				  struct iq_dump **ret)
{
	struct iq_warnings own = {0};
	struct iq_error *err = open_source(s, i, &own, ret);

	for (unsigned int k = 0; k < own.nr; k++)
		iq_warn(w, "%s: %s", s->memory ? "(memory)" : s->paths[i], own.text[k]);
	iq_warnings_clear(&own);
	return err;
}

static struct iq_error *open_parts(const struct sources *s, struct iq_warnings *w,
				   struct iq_dump **ret)
{
	struct iq_dump **dumps = calloc(s->nr, sizeof(struct iq_dump *));
	struct iq_error *err = dumps ? NULL : iq_error_nomem();

	for (unsigned int i = 0; !err && i < s->nr; i++)
		err = open_part(s, i, w, &dumps[i]);
	if (!err)
		err = iq_kdump_join(dumps, s->nr, ret);
	for (unsigned int i = 0; dumps && i < s->nr; i++)
		iq_dump_close(dumps[i]);
	free(dumps);
	return err;
}

static struct iq_error *open_sources(const struct sources *s, struct iq_warnings *w,
				     struct iq_dump **ret)
{
	if (!s->nr)
		return iq_error_new(IQ_E_USAGE, "no dump was given");
	if (s->nr > MOST_PARTS)
		return iq_error_new(IQ_E_LIMIT, "a split dump of more than %u files", MOST_PARTS);
	IQ_TRY(s->nr > 1 ? open_parts(s, w, ret) : open_source(s, 0, w, ret));
	if ((*ret)->info.format == IQ_DUMP_KDUMP)
		iq_kdump_warn_split(*ret, w);
	return NULL;
}

struct iq_error *iq_dump_open_files(const char *const *paths, unsigned int nr,
				    struct iq_warnings *w, struct iq_dump **ret)
{
	return iq_dump_open_with(paths, nr, NULL, w, ret);
}

struct iq_error *iq_dump_open_with(const char *const *paths, unsigned int nr,
				   const struct iq_dump_options *o, struct iq_warnings *w,
				   struct iq_dump **ret)
{
	return open_sources(&(struct sources){.paths = paths, .options = o, .nr = nr}, w, ret);
}

struct iq_error *iq_dump_open(const char *path, struct iq_warnings *w, struct iq_dump **ret)
{
	return iq_dump_open_files(&path, 1, w, ret);
}

struct iq_error *iq_dump_open_memory_files(const struct iq_memory_file *files, unsigned int nr,
					   struct iq_warnings *w, struct iq_dump **ret)
{
	return open_sources(&(struct sources){.memory = files, .nr = nr}, w, ret);
}

struct iq_error *iq_dump_open_memory(const void *data, size_t size, struct iq_warnings *w,
				     struct iq_dump **ret)
{
	return iq_dump_open_memory_files(&(struct iq_memory_file){data, size}, 1, w, ret);
}

void iq_dump_close(struct iq_dump *d)
{
	if (!d)
		return;
	if (d->format && d->format->close)
		d->format->close(d);
	iq_file_close(d->file);
	free(d->notes);
	free(d->devices);
	iq_arena_free(&d->arena);
	free(d);
}

const struct iq_dump_info *iq_dump_info(const struct iq_dump *d)
{
	return &d->info;
}

bool iq_dump_recognise(int fd)
{
	uint8_t head[IQ_HEAD_LEN] = {0};

	if (iq_file_peek(fd, head, sizeof(head)) < sizeof(head))
		return false;
	return iq_elf_recognise(head) || iq_kdump_recognise(head) || iq_lime_recognise(head) ||
	       iq_savevm_recognise(head) || iq_vmware_recognise(head) ||
	       iq_kdumpfile_recognise(head) ||
	       !memcmp(head, IQ_FLAT_MAGIC, sizeof(IQ_FLAT_MAGIC));
}
