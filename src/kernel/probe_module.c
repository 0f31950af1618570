// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct module (include/linux/module.h) without types.  `state`, `list` and `name` have been its first
 * members in all kernels that this is for; the rest is proven by all loaded modules at once:
 *
 *  - memory: struct mod_tree_node mtn in each struct module_layout (core_layout, init_layout; up to
 *    6.3) or struct module_memory (mem[]; since 6.4) points back to its module, so that the pointers of
 *    a module to itself stand at equal distances; and struct module lies in its own module's memory;
 *  - symbols: `kallsyms` of a live module points at core_kallsyms, which directly follows;
 *  - unwinding: arch.num_orcs, orc_unwind_ip, orc_unwind, where the table holds ascending addresses,
 *    most of them in the module's memory.
 */
#include "probe.h"

#include <stdlib.h>

#define LIST_AT 8
#define NAME_AT 24
#define NAME_LEN 56 /* MODULE_NAME_LEN */
#define SPAN 4096 /* struct module has about 1 KB */
#define MTN_SIZE 56 /* struct mod_tree_node: a pointer and struct latch_tree_node of two rb_nodes */
#define RANGE_MAX (UINT64_C(1) << 30)
#define ORCS_MAX (4u << 20)
#define SAMPLE 256 /* modules that are looked at */
#define SELVES 64

struct sample {
	uint64_t address;
	uint8_t bytes[SPAN];
};

struct probe {
	struct iq_kernel *k;
	struct sample *m;
	unsigned int nr;
	/* The records of memory. */
	uint64_t first, stride, size_at, count;
};

static uint64_t word(const struct sample *m, uint64_t at)
{
	return at + 8 <= SPAN ? iq_le64(m->bytes + at) : 0;
}

static uint32_t half(const struct sample *m, uint64_t at)
{
	return at + 4 <= SPAN ? iq_le32(m->bytes + at) : 0;
}

static bool take(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct probe *p = arg;
	struct sample *m = &p->m[p->nr];

	m->address = entry - LIST_AT;
	/* Modules that are being loaded or unloaded are not like the others. */
	if (probe_read(k, m->address, m->bytes, SPAN) && !half(m, 0) &&
	    probe_is_name(m->bytes + NAME_AT, NAME_LEN))
		p->nr++;
	return p->nr < SAMPLE;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

/* Offsets at which every module points to itself. */
static unsigned int selves(const struct probe *p, uint64_t *at)
{
	unsigned int n = 0, i;

	for (uint64_t o = NAME_AT + NAME_LEN; o + 8 <= SPAN && n < SELVES; o += 8) {
		for (i = 0; i < p->nr && word(&p->m[i], o) == p->m[i].address; i++)
			;
		if (i == p->nr)
			at[n++] = o;
	}
	return n;
}

static bool is_range(struct iq_kernel *k, uint64_t base, uint64_t size)
{
	if (!base || !size)
		return !base && !size;
	/* Since 6.4 only text need be near the kernel; init memory is freed after its use. */
	return !(base & 4095) && k->arch->vm->is_kernel(&k->layout, base) && size < RANGE_MAX;
}

static bool contains(const struct probe *p, const struct sample *m, uint64_t address, uint64_t len)
{
	for (uint64_t i = 0; i < p->count; i++) {
		uint64_t at = p->first + i * p->stride, base = word(m, at);
		uint64_t size = half(m, at + p->size_at);

		if (base && address - base < size && len <= size - (address - base))
			return true;
	}
	return false;
}

/* Do records of this shape fit all modules? */
static bool records_fit(const struct probe *p)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct sample *m = &p->m[i];

		for (uint64_t n = 0; n < p->count; n++) {
			uint64_t at = p->first + n * p->stride;

			if (!is_range(p->k, word(m, at), half(m, at + p->size_at)))
				return false;
		}
		if (!word(m, p->first) || !contains(p, m, m->address, NAME_AT + NAME_LEN))
			return false;
	}
	return true;
}

/*
 * The size stands behind the base (core_layout; module_memory up to 6.12) or, where flags stand between
 * them, right before the struct mod_tree_node.
 */
static bool find_size(struct probe *p)
{
	uint64_t last = p->stride - MTN_SIZE - 4;

	for (p->size_at = 8; p->size_at <= last; p->size_at += 4)
		if (records_fit(p))
			return true;
	return false;
}

/* Length of the run of self pointers from AT[0] on that are STRIDE apart. */
static unsigned int run_length(const uint64_t *at, unsigned int n, uint64_t stride)
{
	unsigned int length = 1;

	for (unsigned int i = 1; i < n && at[i] <= at[0] + length * stride; i++)
		length += at[i] == at[0] + length * stride;
	return length;
}

/*
 * The longest run of records that fit.  What lies behind struct module can point to it as well, such as
 * the owners of file operations, if there are few modules to compare.
 */
static bool find_memory(struct probe *p)
{
	struct probe best = {0};
	uint64_t at[SELVES];
	unsigned int n = selves(p, at), length;

	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int j = i + 1; j < n && at[j] - at[i] <= MTN_SIZE + 64; j++) {
			p->stride = at[j] - at[i];
			if (p->stride < MTN_SIZE + 16 || at[i] < p->stride)
				continue;
			length = run_length(at + i, n - i, p->stride);
			p->first = at[i] - (p->stride - MTN_SIZE);
			for (p->count = length; p->count > IQ_MAX(best.count, 1); p->count--)
				if (find_size(p))
					best = *p;
		}
	}
	if (best.count < 2)
		return false;
	*p = best;
	return true;
}

static void memory_proved(struct probe *p)
{
	struct iq_kernel *k = p->k;

	if (p->count == 2) { /* struct module_layout */
		probe_proved(k, "module", "core_layout.base", p->first, 8);
		probe_proved(k, "module", "core_layout.size", p->first + p->size_at, 4);
		probe_proved(k, "module", "init_layout.base", p->first + p->stride, 8);
		probe_proved(k, "module", "init_layout.size", p->first + p->stride + p->size_at, 4);
		return;
	}
	probe_proved(k, "module", "mem", p->first, p->count * p->stride);
	probe_proved(k, "module_memory", "", p->stride, 0);
	probe_proved(k, "module_memory", "base", 0, 8);
	probe_proved(k, "module_memory", "size", p->size_at, 4);
}

/* ---- Symbols ----------------------------------------------------------------------------------- */

/* struct mod_kallsyms { symtab; num_symtab; strtab; typetab (5.2); } */
static bool is_kallsyms(const struct probe *p, const struct sample *m, uint64_t at, bool *typetab)
{
	uint64_t nr = half(m, at + 8);

	*typetab = contains(p, m, word(m, at + 24), nr);
	return nr && contains(p, m, word(m, at), nr * 24) && contains(p, m, word(m, at + 16), 1);
}

static void find_symbols(struct probe *p)
{
	uint64_t found = 0;
	bool types = true;

	for (uint64_t o = NAME_AT + NAME_LEN; o + 40 <= SPAN; o += 8) {
		bool all = true, has;
		unsigned int i;

		for (i = 0; i < p->nr; i++) {
			const struct sample *m = &p->m[i];

			if (word(m, o) != m->address + o + 8 || !is_kallsyms(p, m, o + 8, &has))
				break;
			all = all && has;
		}
		if (i < p->nr)
			continue;
		if (found)
			return; /* two places: which? */
		found = o;
		types = all;
	}
	if (!found)
		return;
	probe_proved(p->k, "module", "kallsyms", found, 8);
	probe_proved(p->k, "mod_kallsyms", "symtab", 0, 8);
	probe_proved(p->k, "mod_kallsyms", "num_symtab", 8, 4);
	probe_proved(p->k, "mod_kallsyms", "strtab", 16, 8);
	if (types)
		probe_proved(p->k, "mod_kallsyms", "typetab", 24, 8);
}

/* ---- ORC --------------------------------------------------------------------------------------- */

/* Where entry I of a table of int at IPS, each relative to itself, points. */
static bool orc_ip(const struct probe *p, uint64_t ips, uint64_t i, uint64_t *ip)
{
	uint64_t v;

	if (!kernel_read_uint(p->k, ips + 4 * i, 4, &v))
		return false;
	*ip = ips + 4 * i + (uint64_t)(int64_t)(int32_t)v;
	return true;
}

static bool is_orc(const struct probe *p, const struct sample *m, uint64_t at)
{
	uint64_t nr = half(m, at), ips = word(m, at + 8), rows = word(m, at + 16), prev = 0, ip;
	unsigned int seen = 0, inside = 0;

	if (!nr)
		return !ips && !rows;
	if (nr > ORCS_MAX || !contains(p, m, ips, nr * 4) || !contains(p, m, rows, nr * 4))
		return false;
	for (uint64_t i = 0; i < nr; i += 1 + nr / 16) {
		if (!orc_ip(p, ips, i, &ip) || ip < prev || ip < p->k->layout.modules_start ||
		    ip >= p->k->layout.modules_end)
			return false;
		prev = ip;
		seen++;
		inside += contains(p, m, ip, 1);
	}
	/* The memory of init functions has been freed. */
	return inside * 2 > seen;
}

static void find_orc(struct probe *p)
{
	uint64_t found = 0;

	for (uint64_t o = NAME_AT + NAME_LEN; o + 24 <= SPAN; o += 8) {
		unsigned int i, some = 0;

		for (i = 0; i < p->nr && is_orc(p, &p->m[i], o); i++)
			some += half(&p->m[i], o) != 0;
		if (i < p->nr || !some)
			continue;
		if (found)
			return;
		found = o;
	}
	if (!found)
		return;
	probe_proved(p->k, "module", "arch.num_orcs", found, 4);
	probe_proved(p->k, "module", "arch.orc_unwind_ip", found + 8, 8);
	probe_proved(p->k, "module", "arch.orc_unwind", found + 16, 8);
}

void probe_modules(struct iq_kernel *k)
{
	uint64_t head = iq_kernel_symbol(k, "modules"), next;
	struct probe p = {.k = k};

	if (!head || !kernel_read_ptr(k, head, &next))
		return;
	p.m = calloc(SAMPLE, sizeof(*p.m));
	if (!p.m)
		return;
	kernel_list_for_each(k, head, MAX_MODULES, "module list", take, &p);
	/* A list of no modules needs no more than this. */
	if (p.nr || next == head) {
		probe_proved(k, "module", "state", 0, 4);
		probe_proved(k, "module", "list", LIST_AT, 16);
		probe_proved(k, "module", "name", NAME_AT, NAME_LEN);
	}
	if (p.nr && find_memory(&p)) {
		memory_proved(&p);
		find_symbols(&p);
		find_orc(&p);
	}
	free(p.m);
}
