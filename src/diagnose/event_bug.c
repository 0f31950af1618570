/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BUG() and WARN(): ud2 with an entry in the table of bugs, and which of the kernel's checks it belongs to. */
#include "event_trap.h"

#include <string.h>

#define FUNCTION_MOST (16u << 10)

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/*
 * BUG_ON(a == b) is a comparison and a jump to the ud2: the two registers, if all that jump there compare two
 * registers that are equal now.
 */
static bool equal_registers(struct iq_case *c, const struct iq_event *e, uint64_t *value)
{
	struct iq_insn insn, before = { .bad = true };
	uint8_t code[FUNCTION_MOST];
	uint64_t start = e->symbol.address, len = e->symbol.size;
	struct iq_fault fault;
	unsigned int jumps = 0;

	if (!e->symbol.name || !len || len > sizeof(code) || iq_vm_read(c->k->vm, start, code, len, &fault))
		return false;
	for (uint64_t at = 0; at < len; at += insn.length) {
		const struct iq_operand *a = before.operand, *b = before.operand + 1;

		if (!iq_insn_decode(c->k->arch, code + at, len - at, start + at, &insn) || insn.bad)
			return false;
		if (insn.flow == IQ_FLOW_BRANCH && insn.has_target && insn.target == e->ip) {
			if (strcmp(before.mnemonic, "cmp") || before.nr_operands < 2 ||
			    a->kind != IQ_OP_REG || b->kind != IQ_OP_REG || a->reg < 0 || b->reg < 0 ||
			    !iq_reg_known(&e->regs, (unsigned int)a->reg) ||
			    !iq_reg_known(&e->regs, (unsigned int)b->reg) ||
			    e->regs.value[a->reg] != e->regs.value[b->reg])
				return false;
			*value = e->regs.value[a->reg];
			jumps++;
		}
		before = insn;
	}
	return jumps > 0;
}

/*
 * The format that a WARN() gave to __warn_printk() before its ud2: what the last such call before it had in its first
 * argument's register, if it was put there as a constant.
 */
static void warn_format(struct iq_case *c, const struct iq_event *e, char *format, size_t room)
{
	uint64_t printk = iq_kernel_symbol(c->k, "__warn_printk"), start = e->symbol.address;
	uint8_t code[FUNCTION_MOST];
	uint64_t len = e->ip - start, constant = 0, used = 0;
	struct iq_fault fault;
	struct iq_insn insn;

	format[0] = '\0';
	if (!printk || !e->symbol.name || !len || len > sizeof(code) || !c->k->arch->nr_arg_regs ||
	    iq_vm_read(c->k->vm, start, code, len, &fault))
		return;
	for (uint64_t at = 0; at < len; at += insn.length) {
		const struct iq_operand *to = insn.operand, *from = insn.operand + 1;

		if (!iq_insn_decode(c->k->arch, code + at, len - at, start + at, &insn) || insn.bad)
			return;
		if (insn.flow == IQ_FLOW_CALL && insn.has_target && insn.target == printk)
			used = constant;
		if (insn.nr_operands < 2 || to->kind != IQ_OP_REG || !to->write ||
		    to->reg != (int)c->k->arch->arg_regs[0])
			continue;
		constant = 0;
		if (!strcmp(insn.mnemonic, "mov") && from->kind == IQ_OP_IMM)
			constant = (uint64_t)from->disp;
		else if (!strcmp(insn.mnemonic, "lea") && from->kind == IQ_OP_MEM &&
			 from->base == (int)c->k->arch->reg_pc)
			constant = (uint64_t)from->disp;
	}
	if (used && iq_vm_read_string(c->k->vm, used, format, room))
		format[0] = '\0';
}

static bool frees(const char *name)
{
	static const char *const words[] = { "free", "release" };

	for (size_t i = 0; name && i < IQ_ARRAY_SIZE(words); i++) {
		if (strstr(name, words[i]))
			return true;
	}
	return false;
}

/*
 * The allocator's own checks while something is freed: set_freepointer() refuses to make an object its own successor on
 * the free list (CONFIG_SLAB_FREELIST_HARDENED); the others ask whether it is an object at all.
 */
static void slab_check(struct iq_case *c, struct iq_event *e, const struct bug *bug)
{
	struct iq_whatis *w;
	uint64_t object;

	if (bug->warning || !(ends_with(bug->file, "mm/slub.c") || ends_with(bug->file, "mm/slab.c") ||
			      ends_with(bug->file, "mm/slab_common.c")) || !frees(e->symbol.name))
		return;
	if (!equal_registers(c, e, &object)) {
		if (iq_same_function(e->symbol.name, "kfree") ||
		    iq_same_function(e->symbol.name, "free_large_kmalloc")) {
			e->class = IQ_CLASS_INVALID_FREE;
			e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
		}
		return;
	}
	w = iq_case_whatis(c, object);
	if (!w || !w->has_object)
		return;
	e->class = IQ_CLASS_DOUBLE_FREE;
	iq_event_evidence(c, e, IQ_SOURCE_CODE, object, iq_case_text(c, "0x%llx", (unsigned long long)object),
			  "BUG_ON(object == freelist head): the object that is freed is the one that was freed last");
}

static bool text_argument(struct iq_case *c, unsigned int frame, const char *name, char *text, size_t room)
{
	uint64_t at;

	return iq_event_argument(c, frame, name, &at) && !iq_vm_read_string(c->k->vm, at, text, room);
}

/* What a check of bytes found overwritten: by its name for them, else by what they should have been (linux/poison.h). */
static enum iq_class overwritten(struct iq_case *c, unsigned int frame)
{
	char what[64];
	uint64_t value;

	if (text_argument(c, frame, "what", what, sizeof(what)))
		return strstr(what, "oison") ? IQ_CLASS_USE_AFTER_FREE
		       : strstr(what, "edzone") || strstr(what, "adding") ? IQ_CLASS_HEAP_OVERFLOW
									  : IQ_CLASS_MEMORY_CORRUPTION;
	if (!iq_event_argument(c, frame, "value", &value))
		return IQ_CLASS_MEMORY_CORRUPTION;
	return value == 0x6b ? IQ_CLASS_USE_AFTER_FREE
	       : value == 0xbb || value == 0xcc || value == 0x5a ? IQ_CLASS_HEAP_OVERFLOW
								 : IQ_CLASS_MEMORY_CORRUPTION;
}

/* An object on its free list that somebody frees. */
static bool freed_again(struct iq_case *c, unsigned int frame)
{
	struct iq_whatis *w;
	uint64_t object;
	bool freeing = false;

	for (unsigned int i = frame + 1; i < c->trace.nr && i < frame + 5; i++)
		freeing |= frees(c->trace.frames[i].symbol.name);
	if (!freeing || !iq_event_argument(c, frame, "object", &object))
		return false;
	w = iq_case_whatis(c, object);
	return w && w->has_object && w->object.object == object && w->object.state >= IQ_OBJECT_FREE;
}

/* SLUB's debugging (slub_debug=, mm/slub.c) ends its reports in a WARN() since 6.16. */
static void slab_report(struct iq_case *c, struct iq_event *e)
{
	char reason[64];

	if (e->frame < 0 || !(iq_same_function(e->symbol.name, "object_err") ||
			      iq_same_function(e->symbol.name, "slab_err") ||
			      iq_same_function(e->symbol.name, "__slab_err")))
		return;
	e->class = IQ_CLASS_MEMORY_CORRUPTION;
	for (int i = e->frame + 1; i < (int)c->trace.nr && i <= e->frame + 3; i++) {
		if (iq_same_function(c->trace.frames[i].symbol.name, "check_bytes_and_report") ||
		    iq_same_function(c->trace.frames[i].symbol.name, "slab_pad_check")) {
			e->class = overwritten(c, (unsigned int)i);
			return;
		}
	}
	if (text_argument(c, (unsigned int)e->frame, "reason", reason, sizeof(reason)))
		e->class = strstr(reason, "already free") ? IQ_CLASS_DOUBLE_FREE
			   : strstr(reason, "Invalid object") ? IQ_CLASS_INVALID_FREE : e->class;
	else if (freed_again(c, (unsigned int)e->frame))
		e->class = IQ_CLASS_DOUBLE_FREE;
	if (e->class == IQ_CLASS_MEMORY_CORRUPTION)
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
}

/* __WARN_trap(bug, ...) of 6.19 and later: the instruction names the entry, and is not where the WARN() stands. */
static bool warn_trap(struct iq_case *c, struct iq_event *e, struct bug *bug)
{
	if (!iq_same_function(e->symbol.name, "__WARN_trap"))
		return false;
	if (iq_reg_known(&e->regs, IQ_X86_RDI))
		iq_bug_read(c->k, e->regs.value[IQ_X86_RDI], bug);
	bug->present = bug->warning = true;
	if (e->frame >= 0 && e->frame + 1 < (int)c->trace.nr) {
		struct iq_regs regs = e->regs;

		iq_event_place(c, e, e->frame + 1);
		e->has_regs = true;
		e->regs = regs;
	}
	return true;
}

/* What the WARN() says belongs to its message, and some checks are known by nothing else. */
static void add_format(struct iq_case *c, struct iq_event *e, struct bug *bug)
{
	enum iq_class class;

	if (!bug->format[0])
		warn_format(c, e, bug->format, sizeof(bug->format));
	bug->format[strcspn(bug->format, "\n")] = '\0';
	if (!bug->format[0])
		return;
	class = iq_check_by_format(bug->format);
	if (class != IQ_CLASS_NONE)
		e->class = class;
	e->message = iq_case_text(c, "%s: %s", e->message, bug->format);
}

static void from_entry(struct iq_case *c, struct iq_event *e, const struct bug *bug)
{
	e->class = bug->warning ? IQ_CLASS_WARN : IQ_CLASS_BUG;
	if (bug->file[0]) {
		e->file = iq_case_text(c, "%s", bug->file);
		e->line = bug->line;
		e->message = bug->warning ? iq_case_text(c, "WARNING at %s:%u", bug->file, bug->line)
					  : iq_case_text(c, "kernel BUG at %s:%u!", bug->file, bug->line);
	} else {
		e->message = bug->warning ? "WARNING" : "kernel BUG";
	}
	iq_event_evidence(c, e, IQ_SOURCE_MEMORY, bug->entry, bug->file[0] ? iq_case_text(c, "%s:%u", bug->file, bug->line) : NULL,
			  "__bug_table has an entry for the instruction: a %s", bug->warning ? "WARN()" : "BUG()");
}

void iq_trap_bug(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn)
{
	const struct report *check;
	struct bug bug = { 0 };

	if (!warn_trap(c, e, &bug))
		iq_bug_at(c->k, e->ip, &bug);
	if (bug.present) {
		from_entry(c, e, &bug);
		if (bug.warning)
			add_format(c, e, &bug);
	} else if (!insn->bad && insn->flow == IQ_FLOW_TRAP) {
		/* __builtin_trap(), or BUG() of a kernel that keeps no table. */
		e->class = IQ_CLASS_BUG;
		e->message = "invalid opcode: the code ends here (BUG(), or what cannot be reached)";
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	} else {
		e->class = IQ_CLASS_BAD_EXEC;
		e->message = "invalid opcode";
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
		return;
	}
	check = iq_check_by_name(e->symbol.name);
	if (check) {
		e->class = check->class;
		e->message = iq_case_text(c, "%s (%s)", check->words, e->message);
		iq_event_evidence(c, e, IQ_SOURCE_MEMORY, e->ip, NULL, "%s() found it", e->symbol.name);
	} else if (bug.present) {
		slab_check(c, e, &bug);
		slab_report(c, e);
	}
}
