/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks that a tracer has changed.  kretprobes and the function-graph tracer put the address of a
 * trampoline of theirs in the place of a return address, which they keep elsewhere; ftrace calls its
 * users from trampolines made at run time.  As unwind_recover_ret_addr() and orc_ftrace_find() in the
 * kernel's unwinder.
 */
#include "unwind.h"

/* Probed functions that one task may have on its stack. */
#define INSTANCES_MAX 4096
/* A task's shadow stack: SHADOW_STACK_SIZE, or 50 entries in older kernels. */
#define SHADOW_STACK_BYTES 4096
/* A trampoline has a few hundred bytes. */
#define TRAMPOLINE_MAX 4096

/* ---- Return addresses ------------------------------------------------------------------------- */

/* The lists in which what was replaced is kept: of a task, of struct NODE. */
static const struct keeper {
	const char *trampoline;
	const char *head; /* member of task_struct: a struct llist_head */
	const char *node, *link, *address, *place;
} keepers[] = {
	/* include/linux/rethook.h, 5.18 */
	{"arch_rethook_trampoline", "rethooks.first", "rethook_node", "llist", "ret_addr", "frame"},
	/* include/linux/kprobes.h, 5.11 - 5.17 */
	{"__kretprobe_trampoline", "kretprobe_instances.first", "kretprobe_instance", "llist",
	 "ret_addr", "fp"},
	{"kretprobe_trampoline", "kretprobe_instances.first", "kretprobe_instance", "llist",
	 "ret_addr", "fp"},
};

static bool word_at(struct unwinder *u, uint64_t address, uint64_t *ret)
{
	return !iq_vm_read_uint(u->k->vm, address, 8, ret);
}

/* What was at SLOT before, by a list of task T. */
static bool from_list(struct unwinder *u, const struct keeper *k, uint64_t task, uint64_t slot,
		      uint64_t *ret)
{
	struct iq_types *types = iq_kernel_types(u->k);
	uint64_t head, link, address, place, node, at;

	if (!types || !task || !iq_offset(types, "task_struct", k->head, &head, NULL) ||
	    !iq_offset(types, k->node, k->link, &link, NULL) ||
	    !iq_offset(types, k->node, k->address, &address, NULL) ||
	    !iq_offset(types, k->node, k->place, &place, NULL) || !word_at(u, task + head, &node))
		return false;
	for (unsigned int i = 0; node && i < INSTANCES_MAX; i++) {
		node -= link;
		if (!word_at(u, node + place, &at))
			return false;
		/* Several probes of one function: all but the first keep the trampoline itself. */
		if (at == slot && word_at(u, node + address, ret) && is_code(u->k, *ret - 1) &&
		    after_call(u->k, *ret))
			return true;
		if (!word_at(u, node + link, &node))
			return false;
	}
	return false;
}

/*
 * The function-graph tracer's shadow stack (include/linux/ftrace.h: struct ftrace_ret_stack).  Until 6.10 an
 * array, since then records of several kinds: the one whose retp is SLOT is looked for at every word.
 */
static bool from_shadow_stack(struct unwinder *u, uint64_t task, uint64_t slot, uint64_t *ret)
{
	struct iq_types *types = iq_kernel_types(u->k);
	uint64_t member, stack, address, place, at;

	if (!types || !task || !iq_offset(types, "task_struct", "ret_stack", &member, NULL) ||
	    !iq_offset(types, "ftrace_ret_stack", "ret", &address, NULL) ||
	    !iq_offset(types, "ftrace_ret_stack", "retp", &place, NULL) ||
	    !word_at(u, task + member, &stack) || !stack)
		return false;
	for (unsigned int i = 0; i < SHADOW_STACK_BYTES; i += 8) {
		if (!word_at(u, stack + i + place, &at))
			return false;
		if (at == slot && word_at(u, stack + i + address, ret) && is_code(u->k, *ret - 1) &&
		    after_call(u->k, *ret))
			return true;
	}
	return false;
}

static bool is_symbol(struct unwinder *u, uint64_t ip, const char *name)
{
	return ip == iq_kernel_symbol(u->k, name);
}

bool recover_return(struct unwinder *u, const struct iq_stack *s, uint64_t slot, uint64_t *ip)
{
	uint64_t task = s->kind == IQ_STACK_TASK ? s->task : u->task_stack.task;
	const struct iq_symbol *call = &place_of(u, *ip - 1)->symbol;
	struct iq_symbol symbol;

	/* All of these are the first instruction of something: no call returns there. */
	if ((call->name && *ip - call->address < call->size) ||
	    !iq_symbol_at(u->k, *ip, &symbol) || symbol.address != *ip)
		return true;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(keepers); i++) {
		if (!is_symbol(u, *ip, keepers[i].trampoline))
			continue;
		if (from_list(u, &keepers[i], task, slot, ip))
			return true;
		return unwind_end(u, IQ_END_NO_RULE,
				  "a kretprobe has replaced the return address at 0x%llx",
				  (unsigned long long)slot);
	}
	if (!is_symbol(u, *ip, "return_to_handler") || from_shadow_stack(u, task, slot, ip))
		return true;
	return unwind_end(u, IQ_END_NO_RULE,
			  "the function-graph tracer has replaced the return address at 0x%llx",
			  (unsigned long long)slot);
}

/* ---- Trampolines ------------------------------------------------------------------------------ */

/* Does the call that ends at IP go to a trampoline that INSIDE lies in? */
static bool calls(struct unwinder *u, uint64_t ip, uint64_t inside)
{
	uint8_t code[5];
	struct iq_insn insn;

	return !iq_vm_read(u->k->vm, ip - sizeof(code), code, sizeof(code), NULL) &&
	       iq_insn_decode(u->arch, code, sizeof(code), ip - sizeof(code), &insn) &&
	       insn.length == sizeof(code) && insn.flow == IQ_FLOW_CALL && insn.has_target &&
	       inside - insn.target < TRAMPOLINE_MAX;
}

/*
 * All trampolines are copies of ftrace_caller or ftrace_regs_caller, and nothing in them that calls
 * anything is at another depth than the call there (orc_ftrace_find()).  Which of both it is shows in
 * the traced function, which must have called this very trampoline.
 */
bool by_trampoline(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	static const char *const originals[] = {"ftrace_regs_call", "ftrace_call"};

	if (iq_is_text(u->k, f->ip))
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(originals); i++) {
		uint64_t at = iq_kernel_symbol(u->k, originals[i]), cfa;
		struct iq_orc_row row;

		if (!at || !iq_kernel_orc(u->k, at, &row) || row.type != IQ_ORC_CALL ||
		    !cfa_by_row(u, f, &row, &cfa) || !step_return(u, f, cfa, next) ||
		    !calls(u, next->ip, f->ip))
			continue;
		next->how = IQ_FRAME_ORC;
		/* It saves and restores what it uses; what it calls gives back the rest. */
		keep_callee_saved(u, f, next);
		restore_fp(u, f, &row, cfa, next);
		return true;
	}
	return false;
}
