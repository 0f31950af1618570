// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sweep through red-black trees (include/linux/rbtree.h): a child leads back to its parent, a red node has no
 * red child, every way down has as many black nodes.
 */
#include "sweep.h"

#include <inttypes.h>

#define DEEPEST 96u
#define NODES_MOST 300000u

struct tree {
	struct iq_case *c;
	struct iq_sweep *s;
	const char *name;
	uint64_t nodes;
	unsigned int nr, black; /* black nodes on a whole way down; 0: none was seen */
};

static void broken(struct tree *t, uint64_t node, enum iq_confidence sure, const char *what,
		   uint64_t value)
{
	struct iq_finding *f;

	if (t->nr++ >= 4)
		return;
	f = iq_case_finding(t->c, "sweep.tree", IQ_CLASS_MEMORY_CORRUPTION, sure,
			    "the red-black tree %s is damaged at its node 0x%" PRIx64 ": %s",
			    t->name, node, what);
	iq_finding_evidence(t->c, f, IQ_SOURCE_MEMORY, node,
			    iq_case_text(t->c, "0x%" PRIx64, value), "the node");
}

static bool take(struct tree *t, uint64_t node, uint64_t parent, bool red_parent,
		 unsigned int black, uint64_t *words)
{
	struct iq_fault fault;
	enum iq_mem mem = iq_vm_read(t->c->k->vm, node, words, 24, &fault);

	(void)black;
	if (mem == IQ_MEM_UNMAPPED || mem == IQ_MEM_ABSENT) {
		broken(t, parent, IQ_CONFIDENCE_CERTAIN, "one of its children is where nothing is",
		       node);
		return false;
	}
	if (mem != IQ_MEM_OK)
		return false;
	t->nodes++;
	t->s->nodes++;
	if ((words[0] & ~UINT64_C(3)) != parent) {
		broken(t, node, IQ_CONFIDENCE_LIKELY, "it does not lead back to its parent",
		       words[0]);
		return false;
	}
	if (red_parent && !(words[0] & 1))
		broken(t, node, IQ_CONFIDENCE_POSSIBLE, "it is red below a red one", words[0]);
	return true;
}

/* In depth, with a stack of our own: what a tree says of its depth is not trusted. */
static void walk(struct tree *t, uint64_t root)
{
	struct {
		uint64_t node, parent;
		bool red_parent;
		unsigned int black, depth;
	} pending[2 * DEEPEST];
	unsigned int nr = 0;

	pending[nr].node = root;
	pending[nr].parent = 0;
	pending[nr].red_parent = false;
	pending[nr].depth = 0;
	pending[nr++].black = 0;
	while (nr && t->nodes < NODES_MOST && !iq_cancelled(t->c->cancel)) {
		uint64_t words[3], node = pending[--nr].node;
		unsigned int black = pending[nr].black, depth = pending[nr].depth;

		if (!node) {
			if (t->black && black != t->black)
				broken(t, pending[nr].parent, IQ_CONFIDENCE_POSSIBLE,
				       "the ways down from the root have different numbers of "
				       "black nodes",
				       0);
			t->black = t->black ? t->black : black;
			continue;
		}
		if (depth >= DEEPEST) {
			broken(t, node, IQ_CONFIDENCE_LIKELY, "it is deeper than any balanced tree",
			       0);
			return;
		}
		if (!take(t, node, pending[nr].parent, pending[nr].red_parent, black, words))
			return;
		for (unsigned int side = 1; side <= 2; side++) {
			pending[nr].node = words[side];
			pending[nr].parent = node;
			pending[nr].red_parent = !(words[0] & 1);
			pending[nr].depth = depth + 1;
			pending[nr++].black = black + (words[0] & 1);
		}
	}
}

static void tree_at(struct iq_case *c, struct iq_sweep *s, const char *name, uint64_t at)
{
	struct tree t = {.c = c, .s = s, .name = name};
	uint64_t root;

	if (iq_vm_read_uint(c->k->vm, at, 8, &root) == IQ_MEM_OK && root)
		walk(&t, root);
}

/* The timers of each CPU: hrtimer_bases.clock_base[].active.rb_root. */
static void timers(struct iq_case *c, struct iq_sweep *s)
{
	uint64_t base, active, size = iq_kernel_sizeof(c->k, "hrtimer_clock_base");
	const struct iq_cpu *cpus;
	unsigned int nr;

	if (!size || !iq_kernel_offset(c->k, "hrtimer_cpu_base", "clock_base", &base, NULL) ||
	    !iq_kernel_offset(c->k, "hrtimer_clock_base", "active.rb_root.rb_root.rb_node", &active,
			      NULL))
		return;
	cpus = iq_kernel_cpus(c->k, &nr);
	for (unsigned int i = 0; i < nr && !iq_cancelled(c->cancel); i++) {
		uint64_t at = iq_percpu_symbol(c->k, "hrtimer_bases", cpus[i].cpu);

		for (unsigned int clock = 0; at && cpus[i].online && clock < 8; clock++)
			tree_at(c, s,
				iq_case_text(c, "hrtimer_bases:%u.clock_base[%u].active",
					     cpus[i].cpu, clock),
				at + base + clock * size + active);
	}
}

struct iq_error *iq_sweep_trees(struct iq_case *c, struct iq_sweep *s)
{
	static const char *const roots[] = {"vmap_area_root", "free_vmap_area_root",
					    "swap_cgroup_root"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(roots); i++) {
		uint64_t at = iq_kernel_symbol(c->k, roots[i]);

		if (at)
			tree_at(c, s, roots[i], at);
	}
	timers(c, s);
	return NULL;
}
