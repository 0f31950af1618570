// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of code that the kernel made at run time, as its own kallsyms has them: BPF programs, trampolines and
 * dispatchers (struct bpf_ksym, include/linux/bpf.h, 5.7 and later), ftrace's trampolines (struct ftrace_ops)
 * and the pages in which kprobes keep copies of instructions (struct kprobe_insn_page, kernel/kprobes.c).
 */
#include "private.h"

#define MAX_GENERATED (1 << 20)
/* Names are cut there by the kernel as well (KSYM_NAME_LEN). */
#define NAME_MAX_LEN 512
#define PAGE 4096

struct generating {
	struct iq_symtab *t;
	/* Of the list that is being read: */
	uint64_t link, start, end, name, name_size;
	const char *fixed; /* the name of all its entries */
	uint64_t size; /* their size; 0: at `end` */
	bool end_is_size;
	uint64_t last; /* the highest end of all */
};

static void add(struct generating *g, const char *name, uint64_t start, uint64_t size)
{
	/* No code is that large: damage. */
	if (!start || !size || size > (1 << 24) || start + size < start)
		return;
	iq_error_free(iq_symtab_add(g->t, name, start, size, 't'));
	if (start + size > g->last)
		g->last = start + size;
}

static bool add_entry(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct generating *g = arg;
	uint64_t base = entry - g->link, start, end;
	char name[NAME_MAX_LEN];

	if (!kernel_read_ptr(k, base + g->start, &start))
		return true;
	if (g->size)
		end = start + g->size;
	else if (!kernel_read_ptr(k, base + g->end, &end))
		return true;
	if (g->end_is_size)
		end += start;
	if (g->fixed)
		add(g, g->fixed, start, end - start);
	else if (!iq_vm_read_string(k->vm, base + g->name, name,
				    IQ_MIN(sizeof(name), (size_t)g->name_size)) &&
		 *name)
		add(g, name, start, end - start);
	return true;
}

static void read_list(struct iq_kernel *k, uint64_t head, const char *what, struct generating *g)
{
	if (head)
		kernel_list_for_each(k, head, MAX_GENERATED, what, add_entry, g);
}

static void add_bpf(struct iq_kernel *k, struct iq_types *types, struct generating *g)
{
	if (!iq_offset(types, "bpf_ksym", "lnode", &g->link, NULL) ||
	    !iq_offset(types, "bpf_ksym", "start", &g->start, NULL) ||
	    !iq_offset(types, "bpf_ksym", "end", &g->end, NULL) ||
	    !iq_offset(types, "bpf_ksym", "name", &g->name, &g->name_size))
		return;
	g->fixed = NULL;
	g->size = 0;
	g->end_is_size = false;
	read_list(k, iq_kernel_symbol(k, "bpf_kallsyms"), "BPF programs", g);
}

static void add_ftrace(struct iq_kernel *k, struct iq_types *types, struct generating *g)
{
	if (!iq_offset(types, "ftrace_ops", "list", &g->link, NULL) ||
	    !iq_offset(types, "ftrace_ops", "trampoline", &g->start, NULL) ||
	    !iq_offset(types, "ftrace_ops", "trampoline_size", &g->end, NULL))
		return;
	g->fixed = "ftrace_trampoline";
	g->size = 0;
	g->end_is_size = true;
	read_list(k, iq_kernel_symbol(k, "ftrace_ops_trampoline_list"), "ftrace trampolines", g);
}

static void add_kprobes(struct iq_kernel *k, struct iq_types *types, struct generating *g)
{
	static const char *const caches[][2] = {
		{"kprobe_insn_slots", "kprobe_insn_page"},
		{"kprobe_optinsn_slots", "kprobe_optinsn_page"},
	};
	uint64_t pages;

	if (!iq_offset(types, "kprobe_insn_cache", "pages", &pages, NULL) ||
	    !iq_offset(types, "kprobe_insn_page", "list", &g->link, NULL) ||
	    !iq_offset(types, "kprobe_insn_page", "insns", &g->start, NULL))
		return;
	g->size = PAGE;
	g->end_is_size = false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(caches); i++) {
		uint64_t cache = iq_kernel_symbol(k, caches[i][0]);

		g->fixed = caches[i][1];
		read_list(k, cache ? cache + pages : 0, "kprobes' instructions", g);
	}
}

struct iq_symtab *kernel_generated(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_types *types;
	struct generating g = {0};

	if (p->generated_state)
		return p->generated;
	p->generated_state = LAZY_FAILED;
	types = iq_kernel_types(k);
	if (!types)
		return NULL;
	iq_error_free(iq_symtab_new(NULL, &g.t));
	if (!g.t)
		return NULL;
	add_bpf(k, types, &g);
	add_ftrace(k, types, &g);
	add_kprobes(k, types, &g);
	iq_error_free(iq_symtab_seal(g.t, g.last));
	p->generated = g.t;
	p->generated_state = LAZY_DONE;
	return p->generated;
}

bool kernel_generated_at(struct iq_kernel *k, uint64_t address, struct iq_symbol *ret)
{
	struct iq_symtab *t = kernel_generated(k);
	struct iq_symbol s;

	if (!t || !iq_symtab_by_address(t, address, &s) || address - s.address >= s.size)
		return false;
	*ret = s;
	return true;
}
