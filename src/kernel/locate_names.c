// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of a kernel that was found: its kallsyms, or what a vmlinux has instead. */
#include "locate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Pages of the names that are not there: enough may be left to open them. */
static uint64_t lost_names(struct iq_kernel *k, const struct iq_kallsyms_where *w)
{
	uint64_t lost = 0, pa;

	if (!w->names || w->token_index < w->names || w->token_index - w->names > IMAGE_MAX)
		return 0;
	for (uint64_t va = w->names & ~UINT64_C(4095); va < w->token_index; va += 4096)
		lost += iq_vm_translate(k->vm, va, &pa, NULL) || iq_page_state(k->reader, pa / 4096);
	return lost;
}

static struct iq_error *symbols_from_tables(struct iq_kernel *k, uint64_t end)
{
	static const char *const witnesses[] = {"swapper_pg_dir", "init_top_pgt", "init_uts_ns", "mem_section",
						"node_online_map", "prb", "log_buf_len", "kallsyms_names"};
	struct iq_kallsyms_where w = {0};
	const char *t = k->vmcoreinfo;
	size_t len = k->vmcoreinfo_len;
	struct iq_error *err;
	uint64_t address;
	char key[64];

	if (t) {
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_names)", &w.names);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_num_syms)", &w.num_syms);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_token_table)", &w.token_table);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_token_index)", &w.token_index);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_offsets)", &w.offsets);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_relative_base)", &w.relative_base);
		iq_vmcoreinfo_hex(t, len, "SYMBOL(kallsyms_addresses)", &w.addresses);
	}
	if (!w.names || !w.token_table || !w.token_index) {
		memset(&w, 0, sizeof(w));
		IQ_TRY(iq_kallsyms_find(k->vm, k->stext, end, &w));
	}
	k->priv->names_lost = lost_names(k, &w);
	err = iq_kallsyms_open(k->vm, &w, "_stext", k->stext, &k->symbols);
	/* If the page with that name is lost, another one that VMCOREINFO tells is the proof. */
	for (unsigned int i = 0; err && t && k->priv->names_lost && i < IQ_ARRAY_SIZE(witnesses); i++) {
		snprintf(key, sizeof(key), "SYMBOL(%s)", witnesses[i]);
		if (!iq_vmcoreinfo_hex(t, len, key, &address))
			continue;
		iq_error_free(err);
		err = iq_kallsyms_open(k->vm, &w, witnesses[i], address, &k->symbols);
	}
	return err;
}

/* First address behind the kernel image: the mapping's first hole of 2 MB. */
uint64_t locate_image_end(struct iq_kernel *k)
{
	uint64_t va = k->stext & ~UINT64_C(0x1fffff), pa, left, step = UINT64_C(0x200000);

	/* By arithmetic everything is mapped. */
	if (k->layout.text_linear)
		return IQ_MIN(k->layout.text_end, va + IMAGE_MAX);
	for (; va < k->layout.text_end; va += step) {
		bool mapped = false;
		unsigned int i;

		/* Freed init sections leave holes of single pages inside a 2 MB range. */
		for (i = 0; i < 8 && !mapped; i++)
			mapped = !iq_vm_translate(k->vm, va + i * (step / 8), &pa, &left);
		if (!mapped && va > k->stext)
			break;
	}
	return va;
}

struct iq_error *locate_symbols(struct iq_kernel *k)
{
	struct iq_error *err;

	iq_symtab_close(k->symbols);
	k->symbols = NULL;
	err = symbols_from_tables(k, locate_image_end(k));
	return err;
}

static struct iq_error *symbols_from_file(const char *path, int64_t delta, struct iq_symtab **ret)
{
	struct iq_error *err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return iq_error_errno(errno, "cannot open %s", path);
	err = iq_symtab_from_elf(fd, path, delta, ret);
	close(fd);
	return err;
}

/* Without kallsyms, or without all of it, the vmlinux has the names.  WHY (may be NULL) is taken over then. */
struct iq_error *locate_names_of_file(struct iq_kernel *k, struct iq_error **why)
{
	struct iq_debugfile *f = k->priv->options.vmlinux;
	struct iq_symtab *symbols = NULL;
	uint64_t stext;

	if (k->symbols && !k->priv->names_lost)
		return NULL;
	if (!f || !iq_debugfile_symbol(f, "_stext", &stext)) {
		if (k->symbols)
			iq_warn(k->warnings, "%lu pages of the kernel's symbol names are not in the dump: what has no "
					     "name may be in these (a vmlinux has them all)",
				(unsigned long)k->priv->names_lost);
		return NULL;
	}
	IQ_TRY(symbols_from_file(iq_debugfile_path(f), (int64_t)(k->stext - stext), &symbols));
	if (k->symbols)
		iq_warn(k->warnings, "%lu pages of the kernel's symbol names are not in the dump; names come from %s",
			(unsigned long)k->priv->names_lost, iq_debugfile_path(f));
	else
		iq_warn(k->warnings, "the dump's own kallsyms cannot be used (%s); names come from %s",
			*why ? (*why)->message : "not found", iq_debugfile_path(f));
	iq_symtab_close(k->symbols);
	k->symbols = symbols;
	iq_error_free(*why);
	*why = NULL;
	return NULL;
}
