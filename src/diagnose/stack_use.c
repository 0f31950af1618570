/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks as a cause: calls that go round until the stack is full, frames that are too large for it, a stack pointer
 * that leads nowhere, and a return through a word that is no return address any more.
 */
#include "stages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERIOD_MOST 16u /* functions that call each other in turn */
#define SHARE_CERTAIN 0.8
#define SHARE_LIKELY 0.3
#define LARGE_FRAME 1024u

/* ---- Calls that go round ---------------------------------------------------------------------------- */

static bool same_function(const struct iq_frame *a, const struct iq_frame *b)
{
	return a->symbol.name && b->symbol.name && a->symbol.address == b->symbol.address;
}

/* Frames from FROM outward that repeat those PERIOD further in. */
static unsigned int repeats(const struct iq_backtrace *b, unsigned int from, unsigned int period)
{
	unsigned int n = 0;

	while (from + period + n < b->nr && !b->frames[from + period + n].has_trap &&
	       same_function(&b->frames[from + n], &b->frames[from + period + n]))
		n++;
	return n;
}

struct round {
	unsigned int from, period, frames; /* of the trace, that belong to it */
	uint64_t bytes;			   /* of stack */
};

static void find_round(const struct iq_backtrace *b, unsigned int first, struct round *r)
{
	*r = (struct round){0};
	for (unsigned int from = first; from < b->nr && from < first + PERIOD_MOST; from++) {
		for (unsigned int period = 1; period <= PERIOD_MOST; period++) {
			unsigned int n = repeats(b, from, period) + period, last = from + n - 1;
			uint64_t bytes;

			if (n < 3 * period || n < 6 || b->frames[last].sp <= b->frames[from].sp)
				continue;
			bytes = b->frames[last].sp - b->frames[from].sp;
			if (bytes <= r->bytes)
				continue;
			*r = (struct round){from, period, n, bytes};
		}
	}
}

static bool report_recursion(struct iq_case *c, uint64_t size)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_blame *bl = &c->analysis.blame;
	struct iq_buf names = {0};
	struct iq_finding *f;
	struct round r;
	double share;

	find_round(&c->trace, (unsigned int)e->frame, &r);
	share = (double)r.bytes / (double)size;
	if (!r.bytes || share < SHARE_LIKELY)
		return false;
	for (unsigned int i = r.period; i-- > 0;)
		iq_buf_printf(&names, "%s%s()", names.len ? ", " : "",
			      c->trace.frames[r.from + i].symbol.name);
	f = iq_case_finding(c, "stack.recursion", IQ_CLASS_STACK_OVERFLOW,
			    share >= SHARE_CERTAIN ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_LIKELY,
			    r.period == 1 ? "%s calls itself, %u times: %" PRIu64 " of the %" PRIu64
					    " bytes of the stack are taken by that"
					  : "%s call each other in turn, %u times round: %" PRIu64
					    " of the %" PRIu64 " bytes of the stack are taken by that",
			    iq_buf_str(&names), r.frames / r.period, r.bytes, size);
	iq_buf_free(&names);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, c->trace.frames[r.from].sp, NULL, "the innermost of these frames");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, c->trace.frames[r.from + r.frames - 1].sp, NULL,
			    "the outermost");
	f->cause = true;
	f->refuted_by = "that depth is meant, and what came further in took too much";
	if (!bl->present && c->trace.frames[r.from].symbol.name) {
		const struct iq_frame *x = &c->trace.frames[r.from];

		*bl = (struct iq_blame){.present = true,
					.function = x->symbol.name,
					.module = x->symbol.module,
					.why = "it is part of calls that go round without an end"};
	}
	return true;
}

/* No calls go round: the largest frames are what fills a stack. */
static void report_large(struct iq_case *c, uint64_t size)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_finding *f = NULL;

	for (unsigned int i = (unsigned int)e->frame; i + 1 < c->trace.nr; i++) {
		const struct iq_frame *x = &c->trace.frames[i], *out = &c->trace.frames[i + 1];
		uint64_t bytes = out->sp > x->sp ? out->sp - x->sp : 0;

		if (x->has_trap && i > (unsigned int)e->frame)
			break;
		if (!x->symbol.name || bytes < LARGE_FRAME || bytes > size)
			continue;
		if (!f) {
			f = iq_case_finding(c, "stack.large", IQ_CLASS_STACK_OVERFLOW,
					    IQ_CONFIDENCE_POSSIBLE,
					    "functions with large frames were on the stack of %" PRIu64
					    " bytes, %s() with %" PRIu64 " of them first",
					    size, x->symbol.name, bytes);
			f->cause = true;
		}
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, x->sp, NULL, "%s(): %" PRIu64 " bytes",
				    x->symbol.name, bytes);
	}
}

/* ---- Pointers that lead nowhere ----------------------------------------------------------------------- */

static bool stack_pointer(const struct iq_case *c, uint64_t *sp)
{
	const struct iq_event *e = &c->analysis.event;

	if (!e->has_regs || !iq_reg_known(&e->regs, c->k->arch->reg_sp))
		return false;
	*sp = e->regs.value[c->k->arch->reg_sp];
	return true;
}

static void report_pointer(struct iq_case *c)
{
	uint64_t sp, word;
	struct iq_finding *f;
	const char *what;

	if (!stack_pointer(c, &sp))
		return;
	if (!c->k->arch->vm->canonical(&c->k->layout, sp))
		what = "no address (not canonical)";
	else if (iq_vm_read_uint(c->k->vm, sp - 8, 8, &word) == IQ_MEM_UNMAPPED)
		what = "an address at which nothing is mapped";
	else
		return;
	f = iq_case_finding(c, "stack.pointer", IQ_CLASS_DOUBLE_FAULT, IQ_CONFIDENCE_CERTAIN,
			    "the stack pointer, 0x%" PRIx64 ", is %s: the exception that came then could "
			    "not be handled", sp, what);
	iq_finding_evidence(c, f, IQ_SOURCE_REGISTERS, 0, iq_case_text(c, "0x%" PRIx64, sp),
			    "the stack pointer when it happened");
	f->cause = true;
	f->refuted_by = "the registers of the double fault are not those of the code that ran";
}

static bool is_text_byte(uint8_t b)
{
	return (b >= 0x20 && b < 0x7f) || b == '\n' || b == '\t';
}

static bool is_text_word(uint64_t word)
{
	bool text = true;

	for (unsigned int i = 0; i < 8; i++)
		text = text && is_text_byte((uint8_t)(word >> 8 * i));
	return text;
}

/* The text on the stack around AT, up to where it ends in both directions. */
static void text_around(struct iq_case *c, const struct iq_task *t, uint64_t at, uint64_t *from, uint64_t *to)
{
	uint8_t b;

	for (*from = at; *from > t->stack; --*from)
		if (iq_vm_read(c->k->vm, *from - 1, &b, 1, NULL) != IQ_MEM_OK || !is_text_byte(b))
			break;
	for (*to = at; *to < t->stack + t->stack_size; ++*to)
		if (iq_vm_read(c->k->vm, *to, &b, 1, NULL) != IQ_MEM_OK || !is_text_byte(b))
			break;
}

/*
 * Code went where there is none.  A return leaves the word that it took in front of the stack pointer, until the
 * exception's frame is put there; what overwrote that word has often gone on behind it.
 */
static void report_return(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	uint64_t sp, before = 0, behind = 0, from = 0, to = 0, at;
	struct iq_finding *f;
	bool text;

	if (!stack_pointer(c, &sp) || e->ip < 65536 || iq_is_text(c->k, e->ip) || !e->task.address ||
	    sp < e->task.stack + 8 || sp > e->task.stack + e->task.stack_size - 8 ||
	    iq_vm_read_uint(c->k->vm, sp - 8, 8, &before) != IQ_MEM_OK ||
	    iq_vm_read_uint(c->k->vm, sp, 8, &behind) != IQ_MEM_OK)
		return;
	text = is_text_word(e->ip) && (before == e->ip || is_text_word(behind));
	if (before != e->ip && behind != e->ip && !text)
		return;
	at = before == e->ip ? sp - 8 : sp;
	if (text)
		text_around(c, &e->task, at, &from, &to);
	f = iq_case_finding(c, "stack.return", IQ_CLASS_MEMORY_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			    "a function returned to 0x%" PRIx64
			    ": its return address, at 0x%" PRIx64 " on the stack, was overwritten%s",
			    e->ip, sp - 8, text ? " by text" : "");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, at,
			    iq_case_text(c, "0x%" PRIx64, before == e->ip ? before : behind),
			    before == e->ip ? "the word that the return took, in front of the stack pointer"
					    : "the word behind it is of the same kind");
	if (text)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, from,
				    iq_case_text(c, "%" PRIu64 " bytes", to - from),
				    "text on the stack from here");
	f->cause = true;
	f->refuted_by = "the code got there by a jump or a call, and the words are there by chance";
}

void iq_report_stack(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	uint64_t size = e->task.stack_size;

	if (e->class == IQ_CLASS_BAD_EXEC && e->has_ip) {
		report_return(c);
		return;
	}
	if (e->class == IQ_CLASS_DOUBLE_FAULT)
		report_pointer(c);
	if (e->class == IQ_CLASS_STACK_OVERFLOW && c->has_trace && e->frame >= 0 && size &&
	    !report_recursion(c, size))
		report_large(c, size);
}
