// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine and the kernel's tables: see machine.h. */
#include <inquest/machine.h>

#include "private.h"

#include <libdeflate.h>
#include <stdlib.h>

#define E820_MAX 8192
#define SYSCALLS_MAX 4096
#define DMI_MAX 64
#define CONFIG_MAX (8u << 20) /* of text; distributions have 0.3 MB */

/* The constant of ENUM with VALUE, behind PREFIX; NULL: it has none. */
static const char *enum_name(struct iq_types *types, const char *tag, const char *prefix,
			     int64_t value)
{
	const struct iq_type *t = iq_type_by_name(types, tag);
	unsigned int nr = 0;
	const struct iq_enumerator *e = t ? iq_type_enumerators(t, &nr) : NULL;
	size_t len = strlen(prefix);

	for (unsigned int i = 0; i < nr; i++) {
		if ((uint32_t)e[i].value == (uint32_t)value && !strncmp(e[i].name, prefix, len))
			return e[i].name + len;
	}
	return NULL;
}

struct iq_error *iq_e820(struct iq_kernel *k, struct iq_e820_entry **ret, unsigned int *nr)
{
	uint64_t table, count, at, one = iq_kernel_sizeof(k, "e820_entry");
	struct iq_e820_entry *all;
	struct iq_types *types;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!one || !iq_kernel_variable(k, "e820_table", 8, &table) ||
	    !iq_offset(types, "e820_table", "entries", &at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel has no e820_table: only x86 machines have one");
	if (!kernel_read_member(k, "e820_table", "nr_entries", table, &count))
		return iq_error_new(IQ_E_MEMORY, "the memory map at 0x%lx cannot be read",
				    (unsigned long)table);
	if (count > E820_MAX) {
		iq_warn(k->warnings, "the memory map says that it has %lu entries: damaged",
			(unsigned long)count);
		count = E820_MAX;
	}
	all = calloc(count ? count : 1, sizeof(*all));
	if (!all)
		return iq_error_nomem();
	*nr = 0;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t entry = table + at + i * one, start, size, type;

		if (!kernel_read_member(k, "e820_entry", "addr", entry, &start) ||
		    !kernel_read_member(k, "e820_entry", "size", entry, &size) ||
		    !kernel_read_member(k, "e820_entry", "type", entry, &type)) {
			iq_warn(k->warnings, "entry %lu of the memory map cannot be read",
				(unsigned long)i);
			break;
		}
		all[(*nr)++] = (struct iq_e820_entry){
			start, start + size, (uint32_t)type,
			enum_name(types, "enum e820_type", "E820_TYPE_", (int64_t)type)};
	}
	*ret = all;
	return NULL;
}

struct iq_error *iq_dmi(struct iq_kernel *k,
			void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	uint64_t table = iq_kernel_symbol(k, "dmi_ident"), at;
	const struct iq_enumerator *e;
	const struct iq_type *fields;
	struct iq_types *types;
	unsigned int nr;
	int64_t end;

	IQ_TRY(iq_kernel_need_types(k, &types));
	fields = iq_type_by_name(types, "enum dmi_field");
	if (!table || !fields || !iq_enumerator_by_name(types, "DMI_STRING_MAX", &end) ||
	    end <= 0 || end > DMI_MAX)
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps no DMI strings");
	e = iq_type_enumerators(fields, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		char value[256];

		if (e[i].value <= 0 || e[i].value >= end)
			continue;
		if (!kernel_read_ptr(k, table + 8 * (uint64_t)e[i].value, &at)) {
			iq_warn(k->warnings, "%s cannot be read", e[i].name);
			continue;
		}
		if (!at)
			continue;
		if (iq_vm_read_string(k->vm, at, value, sizeof(value)))
			iq_warn(k->warnings, "%s at 0x%lx cannot be read", e[i].name,
				(unsigned long)at);
		else
			fn(arg, e[i].name, value);
	}
	return NULL;
}

bool iq_hypervisor(struct iq_kernel *k, char *name, size_t room)
{
	struct iq_types *types = iq_kernel_types(k);
	const char *text;
	uint64_t type;

	if (!types || !iq_kernel_variable(k, "x86_hyper_type", 4, &type) || !type)
		return false;
	text = enum_name(types, "enum x86_hypervisor_type", "X86_HYPER_", (int64_t)type);
	if (!text)
		text = enum_name(types, "enum x86_hypervisor_type", "", (int64_t)type);
	if (text)
		snprintf(name, room, "%s", text);
	return text;
}

struct iq_error *iq_syscalls(struct iq_kernel *k, uint64_t **ret, unsigned int *nr)
{
	struct iq_symbol table;
	uint64_t room, *all;
	unsigned int n;

	if (!iq_symbol_named(k, "sys_call_table", &table) || !table.size)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel has no sys_call_table");
	room = IQ_MIN(table.size / 8, SYSCALLS_MAX);
	all = calloc(room ? room : 1, sizeof(*all));
	if (!all)
		return iq_error_nomem();
	for (n = 0; n < room; n++) {
		struct iq_symbol s;

		if (!kernel_read_ptr(k, table.address + 8 * n, &all[n])) {
			iq_warn(k->warnings, "entry %u of sys_call_table cannot be read", n);
			break;
		}
		/* Behind the end comes alignment, or another table; an overwritten entry leads to code or nowhere. */
		if (!all[n] || (!iq_is_text(k, all[n]) && !iq_symbol_at(k, all[n], &s)))
			break;
	}
	if (!n) {
		free(all);
		return iq_error_new(IQ_E_MEMORY, "sys_call_table at 0x%lx cannot be read",
				    (unsigned long)table.address);
	}
	*ret = all;
	*nr = n;
	return NULL;
}

/* ---- Configuration ------------------------------------------------------------------------------- */

/* LEN bytes of gzip as text. */
static struct iq_error *unpack(const uint8_t *packed, size_t len, struct iq_buf *out)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	char *text = malloc(CONFIG_MAX);
	size_t got = 0;
	bool ok = d && text &&
		  libdeflate_gzip_decompress(d, packed, len, text, CONFIG_MAX, &got) ==
			  LIBDEFLATE_SUCCESS;

	if (ok)
		iq_buf_add(out, text, got);
	libdeflate_free_decompressor(d);
	free(text);
	return ok ? NULL
		  : iq_error_new(
			    IQ_E_FORMAT,
			    "the configuration in the kernel is damaged: it does not decompress");
}

struct iq_error *iq_kernel_config(struct iq_kernel *k, struct iq_buf *out)
{
	uint64_t start = iq_kernel_symbol(k, "kernel_config_data"),
		 end = iq_kernel_symbol(k, "kernel_config_data_end");
	struct iq_symbol s;
	struct iq_error *err;
	uint8_t *packed;
	char magic[8];

	if (!start)
		return iq_error_hint(iq_error_new(IQ_E_UNAVAILABLE,
						  "the kernel was built without CONFIG_IKCONFIG: "
						  "its configuration is "
						  "not in its memory"),
				     "distributions have it as /boot/config-%s",
				     k->release[0] ? k->release : "RELEASE");
	/* Up to 5.0 a char array with the magic words inside; since then they stand around it. */
	if (!iq_vm_read(k->vm, start, magic, 8, NULL) && !memcmp(magic, "IKCFG_ST", 8))
		start += 8;
	if (!end && iq_symbol_named(k, "kernel_config_data", &s))
		end = s.address + s.size;
	if (end <= start || end - start > CONFIG_MAX)
		return iq_error_new(IQ_E_FORMAT,
				    "where the configuration in the kernel ends is not known");
	packed = malloc(end - start);
	if (!packed)
		return iq_error_nomem();
	err = iq_vm_read_or(k->vm, start, packed, end - start, "the configuration in the kernel");
	if (!err)
		err = unpack(packed, end - start, out);
	free(packed);
	return err;
}
