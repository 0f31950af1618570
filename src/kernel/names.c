// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of addresses over the kernel and its modules, their lines and ORC rows. */
#include "private.h"

/* "Absolute" symbols (per-CPU offsets before 6.15, constants) are small numbers, not addresses. */
static bool is_kernel_address(struct iq_kernel *k, uint64_t address)
{
	return k->arch->vm->is_kernel(&k->layout, address);
}

bool iq_symbol_at(struct iq_kernel *k, uint64_t address, struct iq_symbol *ret)
{
	struct iq_module *m;
	struct iq_symtab *t;

	if (!is_kernel_address(k, address))
		return false;
	if (address >= k->layout.text_base && address < k->layout.text_end)
		return k->symbols && iq_symtab_by_address(k->symbols, address, ret) &&
		       is_kernel_address(k, ret->address);
	m = iq_module_at(k, address);
	if (!m)
		return kernel_generated_at(k, address, ret);
	t = iq_module_symbols(k, m);
	return t && iq_symtab_by_address(t, address, ret);
}

bool iq_symbol_named(struct iq_kernel *k, const char *name, struct iq_symbol *ret)
{
	struct iq_module *const *mods, *only = NULL;
	const char *colon = strchr(name, ':');
	struct iq_error *err;
	unsigned int i, nr, from = 0;
	char module[64];

	if (colon && colon > name && (size_t)(colon - name) < sizeof(module)) {
		memcpy(module, name, (size_t)(colon - name));
		module[colon - name] = 0;
		only = iq_module_by_name(k, module);
		if (!only)
			return false;
		name = colon + 1;
	}
	if (!only && k->symbols && iq_symtab_by_name(k->symbols, name, &from, ret))
		return true;
	err = iq_modules(k, &mods, &nr);
	if (err) {
		iq_error_free(err);
		return false;
	}
	for (i = 0; i < nr; i++) {
		struct iq_symtab *t;

		if (only && mods[i] != only)
			continue;
		t = iq_module_symbols(k, mods[i]);
		from = 0;
		if (t && iq_symtab_by_name(t, name, &from, ret))
			return true;
	}
	from = 0;
	return !only && kernel_generated(k) && iq_symtab_by_name(kernel_generated(k), name, &from, ret);
}

uint64_t iq_kernel_symbol(struct iq_kernel *k, const char *name)
{
	struct iq_symbol s;
	unsigned int from = 0;
	uint64_t address;
	char key[128];

	if (k->symbols && iq_symtab_by_name(k->symbols, name, &from, &s))
		return s.address;
	/* A few are in VMCOREINFO as well: enough for the log of a dump that lost its symbol table. */
	snprintf(key, sizeof(key), "SYMBOL(%s)", name);
	if (k->vmcoreinfo && iq_vmcoreinfo_hex(k->vmcoreinfo, k->vmcoreinfo_len, key, &address))
		return address;
	return kernel_anchor(k, name);
}

bool iq_is_text(struct iq_kernel *k, uint64_t address)
{
	struct iq_module *m;
	unsigned int i;

	if (k->stext && address >= k->stext && address < (k->etext ? k->etext : k->layout.text_end))
		return true;
	if (address >= k->layout.text_base && address < k->layout.text_end)
		return false;
	m = iq_module_at(k, address);
	for (i = 0; m && i < m->nr_ranges; i++)
		if (m->range[i].text && address >= m->range[i].start && address < m->range[i].end)
			return true;
	return false;
}

bool iq_symbol_format(struct iq_kernel *k, uint64_t address, bool hex, bool with_module, char *buf,
		      size_t room)
{
	struct iq_symbol s;
	uint64_t off;
	int n;

	if (!iq_symbol_at(k, address, &s))
		return false;
	off = address - s.address;
	if (!off)
		n = snprintf(buf, room, "%s", s.name);
	else
		n = snprintf(buf, room, hex ? "%s+0x%lx" : "%s+%lu", s.name, (unsigned long)off);
	if (with_module && s.module && n >= 0 && (size_t)n < room)
		snprintf(buf + n, room - (size_t)n, " [%s]", s.module);
	return true;
}

struct iq_debugfile *iq_kernel_debugfile(struct iq_kernel *k, uint64_t address)
{
	struct iq_module *m;

	if (address >= k->layout.text_base && address < k->layout.text_end)
		return k->vmlinux;
	m = iq_module_at(k, address);
	return m ? iq_module_debug(k, m) : NULL;
}

/* Debug information that could not be read is worth a word where it would have been the answer. */
static void warn_of_trouble(struct iq_kernel *k, const struct iq_debugfile *f)
{
	const char *trouble = iq_debugfile_trouble(f);

	if (trouble)
		iq_warn(k->warnings, "%s", trouble);
}

bool iq_kernel_line(struct iq_kernel *k, uint64_t address, const char **file, unsigned int *line)
{
	struct iq_debugfile *f = iq_kernel_debugfile(k, address);
	bool found = f && iq_line_of(f, address, file, line);

	if (f)
		warn_of_trouble(k, f);
	return found;
}

unsigned int iq_kernel_inlines(struct iq_kernel *k, uint64_t address, struct iq_inline *out,
			       unsigned int max)
{
	struct iq_debugfile *f = iq_kernel_debugfile(k, address);
	unsigned int nr = f ? iq_inlines_of(f, address, out, max) : 0;

	if (f)
		warn_of_trouble(k, f);
	return nr;
}

void iq_kernel_nearest_symbol(struct iq_kernel *k, struct iq_nearest *n)
{
	struct iq_module *const *mods;
	struct iq_error *err;
	unsigned int i, nr;

	if (k->symbols)
		iq_symtab_nearest(k->symbols, n);
	err = iq_modules(k, &mods, &nr);
	if (err) {
		iq_error_free(err);
		return;
	}
	for (i = 0; i < nr; i++) {
		struct iq_symtab *t = iq_module_symbols(k, mods[i]);

		if (t)
			iq_symtab_nearest(t, n);
	}
}

/* ---- ORC --------------------------------------------------------------------------------------- */

/* Functions that exist in every x86-64 kernel and begin with CFA = rsp + 8. */
static const char *const plain_functions[] = {"schedule", "vfs_read", "kfree", "wake_up_process",
					      "memcpy_toio", "vprintk", "do_exit", "filp_close"};

static struct iq_error *open_orc(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t ips = iq_kernel_symbol(k, "__start_orc_unwind_ip");
	uint64_t ips_end = iq_kernel_symbol(k, "__stop_orc_unwind_ip");
	uint64_t rows = iq_kernel_symbol(k, "__start_orc_unwind"), header_at, num;
	uint64_t starts[IQ_ARRAY_SIZE(plain_functions)];
	unsigned int i, nr = 0;
	uint8_t header[20];
	bool has_header;

	if (!ips || !rows || ips_end <= ips)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel has no ORC unwind tables");
	num = (ips_end - ips) / 4;
	header_at = iq_kernel_symbol(k, "__start_orc_header");
	has_header = header_at && !iq_vm_read(k->vm, header_at, header, sizeof(header), NULL);
	for (i = 0; i < IQ_ARRAY_SIZE(plain_functions); i++)
		if ((starts[nr] = iq_kernel_symbol(k, plain_functions[i])))
			nr++;
	/* struct orc_entry needs the types, which cost more than everything else together: ask them
	 * only if rows and header leave a doubt. */
	IQ_TRY(iq_orc_probe(k->vm, NULL, has_header ? header : NULL, ips, rows, num, starts, nr,
			    &p->orc_layout));
	/* The meaning of an indirect stack pointer changed in 5.12 with the series that also brought
	 * hardirq_stack_inuse (pcpu_hot has it from 6.2 to 6.14). */
	p->orc_deref_after_offset = !iq_kernel_symbol(k, "hardirq_stack_inuse") &&
				    !iq_kernel_symbol(k, "pcpu_hot");
	return iq_orc_open(k->vm, p->orc_layout, p->orc_deref_after_offset, ips, rows, num, &p->orc);
}

bool iq_kernel_orc(struct iq_kernel *k, uint64_t address, struct iq_orc_row *row)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_module *m;
	struct iq_orc *o;

	if (!p->orc_state) {
		struct iq_error *err = open_orc(k);

		p->orc_state = err ? LAZY_FAILED : LAZY_DONE;
		if (err)
			iq_warn(k->warnings, "no ORC: %s", err->message);
		iq_error_free(err);
	}
	if (!p->orc)
		return false;
	if (address >= k->layout.text_base && address < k->layout.text_end)
		return iq_orc_lookup(p->orc, address, row);
	m = iq_module_at(k, address);
	o = m ? iq_module_orc(k, m) : NULL;
	return o && iq_orc_lookup(o, address, row);
}
