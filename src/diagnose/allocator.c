// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who takes objects from a slab cache: the calls of kmem_cache_alloc() and its like (include/linux/slab.h) in the code
 * of the kernel and of modules that load the cache's address from a variable which has it.
 */
#include "allocator.h"

#include <inquest/callers.h>
#include <inquest/module.h>
#include <stdlib.h>

#define MAX_TEXT (64u << 20)
#define MAX_FUNCTION (1u << 16)
#define MAX_CALLEES 32

struct search {
	struct iq_case *c;
	uint64_t cache;
	struct iq_callee callees[MAX_CALLEES];
	unsigned int nr_callees;
	uint64_t start; /* of the code that is gone through */
	const uint8_t *code;
	size_t size;
	struct iq_allocator *ret;
};

/*
 * Does the code of a function, up to the call in it at offset CALL, set the first argument from a variable that
 * holds the cache?
 */
static bool loads_cache(struct search *x, const uint8_t *code, size_t call, uint64_t address)
{
	const struct iq_arch *arch = x->c->k->arch;
	uint64_t variable = 0, value;
	struct iq_insn insn;

	for (size_t at = 0; at < call; at += insn.length) {
		if (!iq_insn_decode(arch, code + at, call - at, address + at, &insn) || insn.bad)
			return false;
		if (insn.flow == IQ_FLOW_CALL)
			variable = 0;
		for (unsigned int i = 0; i < insn.nr_operands; i++) {
			const struct iq_operand *to = &insn.operand[i],
						*from = &insn.operand[1];

			if (to->kind != IQ_OP_REG || !to->write ||
			    to->reg != (int)arch->arg_regs[0])
				continue;
			variable = !i && insn.nr_operands > 1 && from->kind == IQ_OP_MEM &&
						   from->read && from->size == 8 &&
						   from->base == (int)arch->reg_pc &&
						   from->index < 0 && from->segment < 0
					   ? (uint64_t)from->disp
					   : 0;
		}
	}
	return variable && iq_vm_read_uint(x->c->k->vm, variable, 8, &value) == IQ_MEM_OK &&
	       value == x->cache;
}

static void found_call(void *arg, size_t offset, unsigned int callee)
{
	struct search *x = arg;
	uint64_t at = x->start + offset;
	struct iq_symbol s;
	size_t from;

	(void)callee;
	if (!iq_symbol_at(x->c->k, at, &s) || s.address < x->start || at - s.address > MAX_FUNCTION)
		return;
	from = s.address - x->start;
	if (!loads_cache(x, x->code + from, offset - from, s.address) ||
	    (x->ret->functions && x->ret->function.address == s.address))
		return;
	if (!x->ret->functions++) {
		x->ret->function = s;
		x->ret->call = at;
	}
}

static void scan(struct search *x, uint64_t start, uint64_t end)
{
	uint64_t page = iq_dump_info(x->c->k->dump)->page_size;
	uint8_t *code;

	if (end <= start || end - start > MAX_TEXT || !(code = calloc(1, end - start)))
		return;
	for (uint64_t at = start; at < end && !iq_cancelled(x->c->cancel);) {
		uint64_t stop = IQ_MIN(end, (at | (page - 1)) + 1);

		/* What cannot be read has no calls. */
		if (iq_vm_read(x->c->k->vm, at, code + (at - start), stop - at, NULL) != IQ_MEM_OK)
			memset(code + (at - start), 0, stop - at);
		at = stop;
	}
	x->start = start;
	x->code = code;
	x->size = end - start;
	iq_calls_in_code(x->c->k->arch, code, x->size, start, x->callees, x->nr_callees, found_call, x);
	free(code);
}

bool iq_cache_allocator(struct iq_case *c, const struct iq_cache *cache, struct iq_allocator *ret)
{
	static const char *const names[] = {
		"kmem_cache_alloc",	     "kmem_cache_alloc_noprof",
		"kmem_cache_alloc_node",     "kmem_cache_alloc_node_noprof",
		"kmem_cache_alloc_lru",	     "kmem_cache_alloc_lru_noprof",
		"kmem_cache_alloc_bulk",     "kmem_cache_alloc_bulk_noprof",
		"kmem_cache_alloc_trace",    "kmem_cache_alloc_node_trace",
		"__kmalloc_cache_noprof",    "__kmalloc_cache_node_noprof",
		"kmalloc_trace",	     "kmalloc_node_trace",
	};
	struct search x = {.c = c, .cache = cache->address, .ret = ret};
	struct iq_module *const *modules;
	struct iq_error *err;
	unsigned int nr;

	*ret = (struct iq_allocator){0};
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		uint64_t address = iq_kernel_symbol(c->k, names[i]);

		if (address)
			x.callees[x.nr_callees++] =
				(struct iq_callee){.function = names[i], .address = address};
	}
	if (!x.nr_callees)
		return false;
	if (c->k->stext && c->k->etext > c->k->stext)
		scan(&x, c->k->stext, c->k->etext);
	err = iq_modules(c->k, &modules, &nr);
	for (unsigned int i = 0; !err && i < nr; i++)
		for (unsigned int r = 0; r < modules[i]->nr_ranges; r++)
			if (modules[i]->range[r].text)
				scan(&x, modules[i]->range[r].start, modules[i]->range[r].end);
	iq_error_free(err);
	return ret->functions > 0;
}
