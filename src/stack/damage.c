// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is wrong with a stack, as far as it can be proven: the end marker is gone, the stack pointer has
 * left the stack, a canary does not have the task's value.
 */
#include <ctype.h>
#include <inttypes.h>

#include "unwind.h"

/* include/uapi/linux/magic.h */
#define STACK_END_MAGIC UINT64_C(0x57AC6E9D)
/* Words around a changed one that are looked at for the same content. */
#define RUN_WORDS 4096

struct finding {
	struct iq_kernel *k;
	const struct iq_backtrace *b;
	struct iq_damage *list;
	unsigned int nr, max;
};

static struct iq_damage *add(struct finding *x, enum iq_damage_kind kind, int frame,
			     uint64_t address)
{
	static struct iq_damage none;
	struct iq_damage *d;

	if (x->nr == x->max)
		return NULL;
	d = &x->list[x->nr++];
	*d = none;
	d->kind = kind;
	d->frame = frame;
	d->address = address;
	return d;
}

static bool word_at(const struct finding *x, uint64_t address, uint64_t *ret)
{
	return !iq_vm_read_uint(x->k->vm, address, 8, ret);
}

/* ---- The end of the stack ----------------------------------------------------------------------- */

static uint64_t end_of_stack(struct iq_kernel *k, const struct iq_task *t)
{
	struct iq_types *types = iq_kernel_types(k);
	uint64_t offset, size;

	/* end_of_stack(): thread_info lies there unless it is a part of task_struct. */
	if (iq_kernel_offset(k, "task_struct", "thread_info", &offset, &size))
		return t->stack;
	size = types ? iq_kernel_sizeof(k, "thread_info") : 0;
	return size ? t->stack + size : 0;
}

static void check_end(struct finding *x)
{
	const struct iq_task *t = &x->b->task;
	uint64_t at = t->stack ? end_of_stack(x->k, t) : 0, value;
	struct iq_damage *d;

	if (!at || !word_at(x, at, &value) || value == STACK_END_MAGIC)
		return;
	d = add(x, IQ_DAMAGE_END_MAGIC, -1, at);
	if (!d)
		return;
	d->found = value;
	d->expected = STACK_END_MAGIC;
	snprintf(d->text, sizeof(d->text),
		 "STACK_END_MAGIC at 0x%" PRIx64 ", the end of the stack, is gone: 0x%" PRIx64
		 " is there",
		 at, value);
}

/* ---- The guard page ----------------------------------------------------------------------------- */

/* The function that takes most of the stack from frame I outwards. */
static void largest(const struct iq_backtrace *b, unsigned int i, char *buf, size_t room)
{
	const struct iq_stack *s = &b->frames[i].stack;
	uint64_t best = 0;

	*buf = '\0';
	for (unsigned int n = i; n + 1 < b->nr; n++) {
		const struct iq_frame *f = &b->frames[n];
		uint64_t bytes = 0;
		unsigned int calls = 0;

		for (unsigned int k = i; k + 1 < b->nr; k++) {
			const struct iq_frame *g = &b->frames[k];

			if (g->stack.start != s->start || g[1].stack.start != s->start ||
			    g->symbol.address != f->symbol.address)
				continue;
			calls++;
			bytes += g[1].sp - g->sp;
		}
		if (f->symbol.name && bytes > best) {
			best = bytes;
			snprintf(buf, room,
				 "; %u %s of %s take %" PRIu64 " of its %" PRIu64 " bytes", calls,
				 calls == 1 ? "frame" : "frames", f->symbol.name, bytes,
				 s->end - s->start);
		}
	}
}

static void check_guard(struct finding *x)
{
	for (unsigned int i = 0; i < x->b->nr; i++) {
		const struct iq_frame *f = &x->b->frames[i];
		struct iq_damage *d;
		char most[160];

		if (f->stack.kind == IQ_STACK_NONE || f->sp >= f->stack.start ||
		    f->context == IQ_CTX_USER)
			continue;
		d = add(x, IQ_DAMAGE_GUARD, (int)i, f->sp);
		if (!d)
			return;
		d->expected = f->stack.start;
		largest(x->b, i, most, sizeof(most));
		snprintf(d->text, sizeof(d->text),
			 "the stack has overflowed: in %s+%" PRIu64 " the stack pointer, 0x%" PRIx64
			 ", is %" PRIu64 " bytes below its end, 0x%" PRIx64 "%s",
			 f->symbol.name ? f->symbol.name : "(unknown)", f->offset, f->sp,
			 f->stack.start - f->sp, f->stack.start, most);
		return;
	}
}

/* ---- Canaries ----------------------------------------------------------------------------------- */

/* Where frame I keeps its canary; false: its function has none, or that cannot be told. */
static bool canary_slot(struct unwinder *u, const struct iq_frame *f, uint64_t *at)
{
	const struct function *fn = f->symbol.name ? function_of(u, &f->symbol) : NULL;
	uint64_t ip = f->exact_ip ? f->ip : f->ip - 1, cfa;
	unsigned int fp = u->arch->reg_fp;

	if (!fn || !fn->known || !fn->canary_stored || !fn->part[0].size ||
	    (ip >= fn->part[0].start && ip < fn->canary_stored))
		return false;
	if (fn->canary_by_fp) {
		*at = f->regs.value[fp] + (uint64_t)(int64_t)fn->canary_at;
		return iq_reg_known(&f->regs, fp);
	}
	if (!unwind_cfa(u, f, &cfa))
		return false;
	*at = cfa - (uint64_t)(int64_t)fn->canary_at;
	return true;
}

/* "AAAAAAAA" if the word is text. */
static void as_text(uint64_t value, char *buf, size_t room)
{
	char text[9] = "";

	*buf = '\0';
	for (unsigned int i = 0; i < 8; i++) {
		text[i] = (char)(value >> 8 * i);
		if (!isascii((unsigned char)text[i]) || !isprint((unsigned char)text[i]))
			return;
	}
	snprintf(buf, room, " (\"%s\")", text);
}

static bool is_text_word(uint64_t value)
{
	char text[16];

	as_text(value, text, sizeof(text));
	return *text;
}

/* The words around AT that hold the same, or all text if it is text. */
static void run_around(const struct finding *x, const struct iq_stack *s, uint64_t at,
		       uint64_t value, struct iq_damage *d)
{
	bool text = is_text_word(value);
	uint64_t w;

	d->from = at;
	d->to = at + 8;
	for (unsigned int i = 0; i < RUN_WORDS && d->from > s->start; i++) {
		if (!word_at(x, d->from - 8, &w) || (w != value && !(text && is_text_word(w))))
			break;
		d->from -= 8;
	}
	for (unsigned int i = 0; i < RUN_WORDS && d->to < s->end; i++) {
		if (!word_at(x, d->to, &w) || (w != value && !(text && is_text_word(w))))
			break;
		d->to += 8;
	}
}

static void changed_canary(struct finding *x, unsigned int i, uint64_t at, uint64_t value,
			   uint64_t canary)
{
	const struct iq_frame *f = &x->b->frames[i];
	struct iq_damage *d = add(x, IQ_DAMAGE_CANARY, (int)i, at);
	char text[16], run[96] = "";

	if (!d)
		return;
	d->found = value;
	d->expected = canary;
	run_around(x, &f->stack, at, value, d);
	as_text(value, text, sizeof(text));
	if (d->to - d->from > 8)
		snprintf(run, sizeof(run),
			 "; %s from 0x%" PRIx64 " up to 0x%" PRIx64 ", %" PRIu64 " bytes",
			 *text ? "text lies" : "the same lies", d->from, d->to, d->to - d->from);
	snprintf(d->text, sizeof(d->text),
		 "the canary of %s at 0x%" PRIx64 " is 0x%" PRIx64 "%s, not the task's 0x%" PRIx64
		 "%s",
		 f->symbol.name, at, value, text, canary, run);
}

static void check_canaries(struct finding *x, struct functions *functions)
{
	uint64_t offset, size, canary, at, value;
	struct unwinder u;

	if (!iq_kernel_offset(x->k, "task_struct", "stack_canary", &offset, &size) || size != 8 ||
	    !word_at(x, x->b->task.address + offset, &canary) || !canary)
		return;
	unwinder_init(&u, x->k, &x->b->task, functions);
	u.trial = true;
	for (unsigned int i = 0; i < x->b->nr; i++) {
		const struct iq_frame *f = &x->b->frames[i];

		if (f->reliable && f->stack.kind != IQ_STACK_NONE && canary_slot(&u, f, &at) &&
		    at >= f->stack.start && at < f->stack.end && !(at & 7) &&
		    word_at(x, at, &value) && value != canary)
			changed_canary(x, i, at, value, canary);
	}
}

unsigned int iq_stack_damage(struct iq_kernel *k, const struct iq_backtrace *b,
			     struct iq_damage *ret, unsigned int max)
{
	struct finding x = {.k = k, .b = b, .list = ret, .max = max};
	struct functions *functions = functions_get(k);

	check_guard(&x);
	check_end(&x);
	if (functions)
		check_canaries(&x, functions);
	return x.nr;
}
