/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * __bug_table: which file and line a BUG() or WARN() stands at (lib/bug.c, struct bug_entry of
 * asm-generic/bug.h).  The kernel's and each module's are tables of entries without order.
 */
#include "event.h"

#include <inquest/module.h>
#include <stdlib.h>

#define BUGFLAG_WARNING 1u
#define TABLE_MOST (16u << 20)

struct shape {
	uint64_t size, address, file, line, flags;
	uint64_t format, format_size;
	uint64_t address_size, file_size;
	bool relative, has_file, has_format;
};

/* With types as they say; without as it has been on x86 since 2007: two relative pointers, line, flags. */
static bool shape_of(struct iq_kernel *k, struct shape *s)
{
	uint64_t line_size, flags_size;

	*s = (struct shape){ .size = 12, .file = 4, .line = 8, .flags = 10, .address_size = 4,
			     .file_size = 4, .relative = true, .has_file = true };
	if (!iq_kernel_sizeof(k, "bug_entry"))
		return true;
	s->size = iq_kernel_sizeof(k, "bug_entry");
	s->relative = iq_kernel_offset(k, "bug_entry", "bug_addr_disp", &s->address, &s->address_size);
	if (!s->relative && !iq_kernel_offset(k, "bug_entry", "bug_addr", &s->address, &s->address_size))
		return false;
	if (!iq_kernel_offset(k, "bug_entry", "flags", &s->flags, &flags_size))
		return false;
	s->has_file = iq_kernel_offset(k, "bug_entry", s->relative ? "file_disp" : "file", &s->file,
				       &s->file_size) &&
		      iq_kernel_offset(k, "bug_entry", "line", &s->line, &line_size);
	s->has_format = s->relative && iq_kernel_offset(k, "bug_entry", "format_disp", &s->format,
							&s->format_size) &&
			s->format_size == 4 && s->format + 4 <= s->size;
	return s->size >= 8 && s->size <= 64 && s->address + s->address_size <= s->size &&
	       s->flags + 2 <= s->size && (s->address_size == 4 || s->address_size == 8) &&
	       (!s->has_file || (s->file + s->file_size <= s->size && s->line + 2 <= s->size &&
				 (s->file_size == 4 || s->file_size == 8)));
}

static uint64_t pointer(const uint8_t *entry, uint64_t entry_address, uint64_t offset, uint64_t size,
			bool relative)
{
	uint64_t v = iq_le(entry + offset, size);

	if (!relative)
		return v;
	return entry_address + offset + (size == 4 ? (uint64_t)(int64_t)(int32_t)v : v);
}

/*
 * Relative pointers were relative to the entry until 5.15, to themselves since.  A string begins behind the end of
 * another: that tells which.
 */
static void read_text(struct iq_kernel *k, const uint8_t *entry, uint64_t address, uint64_t offset,
		      uint64_t size, bool relative, char *text, size_t room)
{
	uint64_t at = pointer(entry, address, offset, size, relative), before;

	text[0] = '\0';
	if (relative && !iq_vm_read_uint(k->vm, at - 1, 1, &before) && before &&
	    !iq_vm_read_uint(k->vm, at - offset - 1, 1, &before) && !before)
		at -= offset;
	if (iq_vm_read_string(k->vm, at, text, room))
		text[0] = '\0';
}

static void fill(struct iq_kernel *k, const struct shape *s, const uint8_t *entry, uint64_t address,
		 struct bug *ret)
{
	ret->present = true;
	ret->entry = address;
	ret->warning = iq_le16(entry + s->flags) & BUGFLAG_WARNING;
	if (!s->has_file)
		return;
	ret->line = iq_le16(entry + s->line);
	read_text(k, entry, address, s->file, s->file_size, s->relative, ret->file, sizeof(ret->file));
	if (s->has_format && ret->warning)
		read_text(k, entry, address, s->format, s->format_size, true, ret->format,
			  sizeof(ret->format));
}

static void search_table(struct iq_kernel *k, const struct shape *s, uint64_t start, uint64_t size,
			 uint64_t wanted, struct bug *ret)
{
	uint8_t chunk[64 * 64];
	uint64_t at = 0, step = sizeof(chunk) / s->size * s->size;
	struct iq_fault fault;

	if (size > TABLE_MOST)
		return;
	for (; at + s->size <= size && !ret->present; at += step) {
		uint64_t len = IQ_MIN(step, (size - at) / s->size * s->size);

		if (iq_vm_read(k->vm, start + at, chunk, len, &fault))
			continue;
		for (uint64_t i = 0; i < len && !ret->present; i += s->size) {
			if (pointer(chunk + i, start + at + i, s->address, s->address_size,
				    s->relative) == wanted)
				fill(k, s, chunk + i, start + at + i, ret);
		}
	}
}

static void search_module(struct iq_kernel *k, const struct shape *s, const struct iq_module *m,
			  uint64_t wanted, struct bug *ret)
{
	uint64_t table_at, number_at, size, table, number;

	if (!iq_kernel_offset(k, "module", "bug_table", &table_at, &size) ||
	    !iq_kernel_offset(k, "module", "num_bugs", &number_at, &size) ||
	    iq_vm_read_uint(k->vm, m->address + table_at, k->arch->word, &table) ||
	    iq_vm_read_uint(k->vm, m->address + number_at, 4, &number))
		return;
	if (number <= TABLE_MOST / s->size)
		search_table(k, s, table, number * s->size, wanted, ret);
}

void iq_bug_at(struct iq_kernel *k, uint64_t address, struct bug *ret)
{
	struct iq_module *m;
	struct shape s;
	uint64_t start, stop;

	*ret = (struct bug){ 0 };
	if (!shape_of(k, &s))
		return;
	m = iq_module_at(k, address);
	if (m) {
		search_module(k, &s, m, address, ret);
		return;
	}
	start = iq_kernel_symbol(k, "__start___bug_table");
	stop = iq_kernel_symbol(k, "__stop___bug_table");
	if (start && stop > start)
		search_table(k, &s, start, stop - start, address, ret);
}

void iq_bug_read(struct iq_kernel *k, uint64_t entry, struct bug *ret)
{
	struct iq_fault fault;
	uint8_t bytes[64];
	struct shape s;

	*ret = (struct bug){ 0 };
	if (shape_of(k, &s) && !iq_vm_read(k->vm, entry, bytes, s.size, &fault))
		fill(k, &s, bytes, entry, ret);
}
