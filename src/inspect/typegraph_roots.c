// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the typegraph begins outside of slabs: per-CPU variables, well-known globals (with a vmlinux all of them),
 * modules.
 */
#include "graph.h"

#define MAX_ELEMENTS 4096

/* A variable: a struct, an array of them, or a pointer to one. */
static void variable(struct graph *g, const char *name, uint64_t size, uint64_t address,
		     const struct iq_type *type)
{
	const struct iq_type *t = graph_type(g, type), *e;
	uint64_t n = 1, value, i;

	if (t->kind == IQ_KIND_ARRAY) {
		e = graph_type(g, iq_type_target(t));
		n = e->size ? (t->count ? t->count : size / e->size) : 0;
		t = e;
	}
	for (i = 0; i < IQ_MIN(n, MAX_ELEMENTS); i++) {
		if (t->kind != IQ_KIND_POINTER)
			graph_place(g, address + i * t->size, t, true);
		else if (!iq_vm_read_uint(g->k->vm, address + i * 8, 8, &value) && value)
			graph_object(g, value, graph_type(g, iq_type_target(t)), NULL, 0, 0, name);
	}
}

static void percpu_variables(struct graph *g)
{
	uint64_t start = iq_kernel_symbol(g->k, "__per_cpu_start"),
		 end = iq_kernel_symbol(g->k, "__per_cpu_end");
	struct iq_types *types = iq_kernel_types(g->k);
	struct iq_symtab *symbols = g->k->symbols;
	const struct iq_cpu *cpus;
	unsigned int i, c, nr, nr_cpus;
	struct iq_symbol s;

	cpus = iq_kernel_cpus(g->k, &nr_cpus);
	nr = symbols && types && end > start ? iq_symtab_count(symbols) : 0;
	for (i = 0; i < nr; i++) {
		const struct iq_type *t;

		if (!iq_symtab_at(symbols, i, &s) || s.address < start)
			continue;
		if (s.address >= end)
			break;
		t = iq_variable_type(types, s.name);
		if (!t)
			continue;
		for (c = 0; c < nr_cpus; c++)
			if (cpus[c].percpu_offset)
				variable(g, s.name, s.size, s.address + cpus[c].percpu_offset, t);
	}
}

static void global(void *arg, const struct iq_symbol *s, const struct iq_type *type)
{
	variable(arg, s->name, s->size, s->address, type);
}

/* Is it of data that can be written?  What is constant leads to what is known by other ways. */
static bool is_data(const struct iq_symbol *s)
{
	return s->type && strchr("bBdD", s->type);
}

/* With a vmlinux all other variables of the kernel have a type as well. */
static void debug_globals(struct graph *g)
{
	uint64_t start = iq_kernel_symbol(g->k, "__per_cpu_start"),
		 end = iq_kernel_symbol(g->k, "__per_cpu_end");
	struct iq_symtab *symbols = g->k->symbols;
	unsigned int nr = symbols && g->k->vmlinux ? iq_symtab_count(symbols) : 0;

	for (unsigned int i = 0; i < nr && !iq_cancelled(g->cancel); i++) {
		const struct iq_type *t;
		struct iq_symbol s;

		if (!iq_symtab_at(symbols, i, &s) || !is_data(&s) ||
		    (s.address >= start && s.address < end))
			continue;
		t = iq_global_type(g->k, &s);
		if (t && (t = iq_type_strip(t)) && t->kind != IQ_KIND_FUNCTION)
			variable(g, s.name, s.size, s.address, t);
	}
}

static void modules(struct graph *g)
{
	const struct iq_type *t = iq_kernel_type(g->k, "struct module", NULL);
	struct iq_module *const *mods;
	struct iq_error *err;
	unsigned int i, nr;

	err = t ? iq_modules(g->k, &mods, &nr) : NULL;
	for (i = 0; t && !err && i < nr; i++)
		graph_place(g, mods[i]->address, t, true);
	iq_error_free(err);
}

void graph_roots(struct graph *g)
{
	percpu_variables(g);
	globals_each(g->k, global, g);
	known_globals(g);
	debug_globals(g);
	modules(g);
}
