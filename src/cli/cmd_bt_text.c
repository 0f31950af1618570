// SPDX-License-Identifier: GPL-2.0-or-later
/* bt as text, in crash's layout. */
#include "bt.h"
#include "frame.h"
#include <inquest/slab.h>
#include <inttypes.h>

/* Rendering one trace. */
struct writer {
	struct session *s;
	const struct bt_options *o;
	const struct bt_trace *t;
	struct iq_buf *out;
	unsigned int number; /* crash counts no interrupted functions */
};

/* ---- Registers --------------------------------------------------------------------------------- */

/* A register of the block: three a line, the labels right-aligned in three columns. */
struct place {
	const char *label;
	unsigned int reg, digits;
	bool ends_line;
};
static const struct place block[] = {
	{"RIP", IQ_X86_RIP, 16, false},
	{"RSP", IQ_X86_RSP, 16, false},
	{"RFLAGS", IQ_X86_RFLAGS, 8, true},
	{"RAX", IQ_X86_RAX, 16, false},
	{"RBX", IQ_X86_RBX, 16, false},
	{"RCX", IQ_X86_RCX, 16, true},
	{"RDX", IQ_X86_RDX, 16, false},
	{"RSI", IQ_X86_RSI, 16, false},
	{"RDI", IQ_X86_RDI, 16, true},
	{"RBP", IQ_X86_RBP, 16, false},
	{"R8", IQ_X86_R8, 16, false},
	{"R9", IQ_X86_R9, 16, true},
	{"R10", IQ_X86_R10, 16, false},
	{"R11", IQ_X86_R11, 16, false},
	{"R12", IQ_X86_R12, 16, true},
	{"R13", IQ_X86_R13, 16, false},
	{"R14", IQ_X86_R14, 16, false},
	{"R15", IQ_X86_R15, 16, true},
	{"ORIG_RAX", IQ_X86_ORIG_RAX, 16, false},
	{"CS", IQ_X86_CS, 4, false},
	{"SS", IQ_X86_SS, 4, true},
};

void bt_text_regs(const struct iq_regs *regs, struct iq_buf *out)
{
	bool in_line = false;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(block); i++) {
		const struct place *p = &block[i];

		/* A register that the frame does not hold leaves its place empty. */
		if (iq_reg_known(regs, p->reg)) {
			bool narrow = p->reg == IQ_X86_CS || p->reg == IQ_X86_SS;

			iq_buf_puts(out, in_line ? "  " : "    ");
			if (!narrow && !p->label[2])
				iq_buf_putc(out, ' ');
			iq_buf_puts(out, p->label);
			iq_buf_puts(out, ": ");
			iq_buf_hex(out, regs->value[p->reg], p->digits);
			in_line = true;
		}
		if (p->ends_line && in_line) {
			iq_buf_putc(out, '\n');
			in_line = false;
		}
	}
}

/* ---- Names ------------------------------------------------------------------------------------- */

/* Names come from the dump as well. */
static void text_name(const char *name, struct iq_buf *out)
{
	iq_buf_add_escaped(out, name, strlen(name), false);
}

static void text_offset(const struct writer *w, uint64_t offset)
{
	iq_buf_puts(w->out, w->o->hex ? "+0x" : "+");
	if (w->o->hex)
		iq_buf_hex(w->out, offset, 1);
	else
		iq_buf_dec(w->out, offset);
}

static void text_function(const struct writer *w, const struct iq_frame *f)
{
	if (!f->symbol.name) {
		iq_buf_puts(w->out, "(unknown)");
		return;
	}
	text_name(f->symbol.name, w->out);
	if (w->o->offsets)
		text_offset(w, f->offset);
}

static void text_module(const struct iq_symbol *symbol, struct iq_buf *out)
{
	if (!symbol->name || !symbol->module)
		return;
	iq_buf_puts(out, " [");
	text_name(symbol->module, out);
	iq_buf_putc(out, ']');
}

static void text_place(const struct writer *w, const char *file, unsigned int line)
{
	if (!file)
		return;
	text_name(file, w->out);
	iq_buf_printf(w->out, ": %u\n", line);
}

static void text_line(const struct writer *w, const struct bt_frame *shown)
{
	if (!w->o->lines)
		return;
	for (unsigned int i = 0; i < shown->nr_inlines; i++) {
		const struct iq_inline *in = &shown->inlines[i];

		iq_buf_puts(w->out, "    (inlined) ");
		text_name(in->function ? in->function : "(unknown)", w->out);
		iq_buf_puts(w->out, in->file ? " " : "\n");
		text_place(w, in->file, in->line);
	}
	iq_buf_puts(w->out, shown->file ? "    " : "");
	text_place(w, shown->file, shown->line);
}

/* ---- Words of the stack: -f -------------------------------------------------------------------- */

static void text_word(const struct iq_slot *slot, struct iq_buf *out)
{
	if (slot->readable)
		iq_buf_hex(out, slot->value, 16);
	else
		iq_buf_puts(out, "----------------");
	iq_buf_putc(out, ' ');
}

/* NAME in the width of a word. */
static void text_in_width(const char *name, struct iq_buf *out)
{
	size_t end = out->len + 16;

	text_name(name, out);
	while (out->len < end && !out->failed)
		iq_buf_putc(out, ' ');
	iq_buf_putc(out, ' ');
}

/* A word as symbol+offset, [cache] or [address:cache]; false: it is none. */
static bool text_symbolic(const struct writer *w, const struct iq_slot *slot)
{
	struct iq_object o;
	char name[256];

	if (!slot->readable)
		return false;
	if (!iq_symbol_format(w->s->kernel, slot->value, false, false, name, sizeof(name))) {
		if (!iq_object_at(w->s->kernel, slot->value, &o))
			return false;
		if (w->o->cache_addresses)
			snprintf(name, sizeof(name), "[%" PRIx64 ":%s]", slot->value,
				 o.slab.cache->name);
		else
			snprintf(name, sizeof(name), "[%s]", o.slab.cache->name);
	}
	text_in_width(name, w->out);
	return true;
}

/* Two words a line, and behind them what they are. */
static void text_words(const struct writer *w, const struct bt_frame *shown)
{
	char label[2][512];

	unsigned int n;

	for (unsigned int i = 0; i < shown->nr_slots; i += n) {
		const struct iq_slot *slot = &shown->slots[i];

		/* Words behind a change of stacks start a line of their own. */
		n = i + 1 < shown->nr_slots && slot[1].address == slot->address + 8 ? 2 : 1;
		iq_buf_printf(w->out, "    %016" PRIx64 ": ", slot->address);
		label[1][0] = '\0';
		for (unsigned int k = 0; k < n; k++) {
			label[k][0] = '\0';
			if (!w->o->symbolic || !text_symbolic(w, &slot[k]))
				text_word(&slot[k], w->out);
			if (!w->o->symbolic)
				iq_slot_label(w->s->kernel, &slot[k], label[k], sizeof(label[k]));
		}
		if (label[0][0] || label[1][0]) {
			iq_buf_puts(w->out, n == 1 ? "                   " : "  ");
			text_name(label[0][0] ? label[0] : "-", w->out);
			iq_buf_puts(w->out, label[1][0] ? " " : "");
			text_name(label[1], w->out);
		}
		iq_buf_putc(w->out, '\n');
	}
}

/* ---- Frames ------------------------------------------------------------------------------------ */

/* Was frame I chosen with frame, up or down? */
static bool is_selected(const struct writer *w, unsigned int i)
{
	return w->s->frame_selected && w->s->frame == i && w->s->task.address == w->t->task.address;
}

/* -V: those of inlined functions with the function's name in front. */
static void text_variables(const struct writer *w, const struct bt_frame *shown)
{
	const struct iq_frame_variables *all = &shown->variables;
	unsigned int last = variables_outermost(all), before = last;

	for (unsigned int i = 0; i < all->nr; i++) {
		const struct iq_frame_variable *v = &all->list[i];

		if (v->inlined != last && (!i || v->inlined != before)) {
			iq_buf_puts(w->out, "    (inlined) ");
			text_name(v->function, w->out);
			iq_buf_putc(w->out, '\n');
		}
		if (v->inlined == last && before != last && i) {
			iq_buf_puts(w->out, "    ");
			text_name(v->function, w->out);
			iq_buf_putc(w->out, '\n');
		}
		before = v->inlined;
		text_variable(w->s, v, last ? 8 : 4, w->out);
	}
}

static void text_frame(struct writer *w, unsigned int i)
{
	const struct iq_frame *f = &w->t->b.frames[i];
	unsigned int n = w->number++;

	iq_buf_puts(w->out, n < 10 ? " #" : "#");
	iq_buf_dec(w->out, n);
	iq_buf_puts(w->out, " [");
	iq_buf_hex(w->out, f->slot ? f->slot : f->sp, 16);
	iq_buf_puts(w->out, f->reliable ? "] " : "] ? ");
	text_function(w, f);
	iq_buf_puts(w->out, " at ");
	iq_buf_hex(w->out, f->ip, 16);
	text_module(&f->symbol, w->out);
	iq_buf_puts(w->out, is_selected(w, i) ? "  <--\n" : "\n");
	text_line(w, &w->t->frames[i]);
	text_variables(w, &w->t->frames[i]);
}

static void text_exception(const struct writer *w, unsigned int i)
{
	const struct iq_frame *f = &w->t->b.frames[i];

	iq_buf_puts(w->out, "    [exception RIP: ");
	if (f->symbol.name) {
		text_name(f->symbol.name, w->out);
		text_offset(w, f->offset);
	} else {
		iq_buf_puts(w->out, "unknown or invalid address");
	}
	iq_buf_puts(w->out, is_selected(w, i) ? "]  <--\n" : "]\n");
}

static void text_stack_change(const struct writer *w, const struct iq_frame *from)
{
	const char *name = iq_stack_kind_text(from->stack.kind);

	if (from->stack.kind == IQ_STACK_IRQ || from->stack.kind == IQ_STACK_ENTRY)
		iq_buf_printf(w->out, "--- <%s stack> ---\n", name);
	else
		iq_buf_printf(w->out, "--- <%s exception stack> ---\n", name);
}

/* Frame I was interrupted: it goes with the entry that saved its registers. */
static void text_interrupted(struct writer *w, unsigned int i)
{
	const struct iq_frame *f = &w->t->b.frames[i];
	bool away = i && changes_stack(f - 1, f);

	text_exception(w, i);
	if (!away)
		text_line(w, &w->t->frames[i]);
	if (!away)
		text_variables(w, &w->t->frames[i]);
	bt_text_regs(&f->trap, w->out);
	if (i)
		text_words(w, &w->t->frames[i - 1]);
	if (away) {
		text_stack_change(w, f - 1);
		text_frame(w, i);
	}
}

static void text_user(const struct writer *w)
{
	if (w->t->b.has_user_regs)
		bt_text_regs(&w->t->b.user_regs, w->out);
}

static void text_frames(struct writer *w)
{
	const struct iq_backtrace *b = &w->t->b;

	for (unsigned int i = 0; i < b->nr; i++) {
		bool last = i + 1 == b->nr;

		/* A CPU in user mode has no frames in the kernel. */
		if (b->frames[i].context == IQ_CTX_USER)
			break;
		if (b->frames[i].has_trap && i) {
			text_interrupted(w, i);
		} else {
			if (i && changes_stack(&b->frames[i - 1], &b->frames[i]))
				text_stack_change(w, &b->frames[i - 1]);
			text_frame(w, i);
		}
		/* The words of an entry come behind the registers that they hold. */
		if (last || !b->frames[i + 1].has_trap) {
			if (last)
				text_user(w);
			text_words(w, &w->t->frames[i]);
		}
	}
	if (b->nr && b->frames[0].context == IQ_CTX_USER)
		text_user(w);
}

/* ---- The other views --------------------------------------------------------------------------- */

static void text_start(const struct writer *w, const struct iq_frame *f)
{
	iq_buf_puts(w->out, "              START: ");
	text_name(f->symbol.name, w->out);
	iq_buf_printf(w->out, " at %016" PRIx64 "\n", f->ip);
}

/* One of the text addresses; of -o as a frame, with a number. */
static void text_text(struct writer *w, const struct bt_text *x)
{
	bool old = w->o->view == BT_OLD;

	/* No call returns to the beginning of a function. */
	if (old && !x->live && x->value == x->symbol.address)
		return;
	if (old) {
		iq_buf_puts(w->out, w->number < 10 ? " #" : "#");
		iq_buf_dec(w->out, w->number++);
	} else {
		iq_buf_putc(w->out, ' ');
	}
	iq_buf_puts(w->out, " [");
	iq_buf_hex(w->out, x->address, 16);
	iq_buf_puts(w->out, old && !x->live ? "] ? " : "] ");
	text_name(x->symbol.name, w->out);
	if (w->o->offsets)
		text_offset(w, x->value - x->symbol.address);
	iq_buf_puts(w->out, " at ");
	iq_buf_hex(w->out, x->value, 16);
	text_module(&x->symbol, w->out);
	iq_buf_putc(w->out, '\n');
}

/* Those from number *NEXT on that lie on the stack that begins at STACK, below END. */
static void texts_below(struct writer *w, unsigned int *next, uint64_t stack, uint64_t end,
			bool silent)
{
	const struct bt_trace *t = w->t;

	for (; *next < t->nr_texts; ++*next) {
		const struct bt_text *x = &t->texts[*next];

		if (x->stack != stack || x->address >= end)
			return;
		if (!silent)
			text_text(w, x);
	}
}

/*
 * The interrupted frame I, whose registers lie on the stack of the frame before; CROSSED: the trace came there
 * from another stack.
 */
static void texts_trap(struct writer *w, unsigned int i, bool crossed, unsigned int *next)
{
	const struct iq_frame *f = &w->t->b.frames[i], *entry = f - 1;
	uint64_t end = f->trap_address + w->s->kernel->arch->trap_frame_size;
	bool away = changes_stack(entry, f);
	struct bt_text interrupted = {.address = f->sp, .value = f->ip, .symbol = f->symbol, .live = true};


	texts_below(w, next, entry->stack.start, f->trap_address, false);
	if (!away && !crossed && w->o->view != BT_OLD)
		return;
	text_exception(w, i);
	bt_text_regs(&f->trap, w->out);
	texts_below(w, next, entry->stack.start, away ? UINT64_MAX : end, true);
	if (!away)
		return;
	text_stack_change(w, entry);
	if (f->symbol.name)
		text_text(w, &interrupted);
}

/* Each stack's in turn, with the registers that were saved where the trace leaves it. */
static void text_texts(struct writer *w)
{
	const struct iq_backtrace *b = &w->t->b;
	unsigned int next = 0;
	bool crossed = false;

	if (w->o->view == BT_TEXT_SYMBOLS && b->nr && b->frames[0].symbol.name)
		text_start(w, &b->frames[0]);
	for (unsigned int i = 1; w->o->view != BT_ALL_TEXT_SYMBOLS && i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];

		if (f->has_trap && f->context != IQ_CTX_USER) {
			texts_trap(w, i, crossed, &next);
			crossed = false;
		} else if (changes_stack(f - 1, f)) {
			texts_below(w, &next, f[-1].stack.start, UINT64_MAX, false);
			text_stack_change(w, f - 1);
			crossed = true;
		}
	}
	for (; next < w->t->nr_texts; next++)
		text_text(w, &w->t->texts[next]);
	text_user(w);
}

static void text_raw_word(const struct writer *w, const struct iq_slot *slot)
{
	char name[256];

	if (slot->readable &&
	    iq_symbol_format(w->s->kernel, slot->value, false, false, name, sizeof(name)))
		text_in_width(name, w->out);
	else
		text_word(slot, w->out);
}

static void text_raw(const struct writer *w)
{
	for (unsigned int i = 0; i < w->t->nr_raw; i += 2) {
		iq_buf_printf(w->out, "%016" PRIx64 ":  ", w->t->raw[i].address);
		text_raw_word(w, &w->t->raw[i]);
		if (i + 1 < w->t->nr_raw)
			text_raw_word(w, &w->t->raw[i + 1]);
		iq_buf_putc(w->out, '\n');
	}
}

static void text_exceptions(const struct writer *w)
{
	const struct iq_backtrace *b = &w->t->b;

	for (unsigned int i = 0; i < b->nr; i++) {
		if (!b->frames[i].has_trap)
			continue;
		iq_buf_printf(w->out, "\n  KERNEL-MODE EXCEPTION FRAME AT: %016" PRIx64 "\n",
			      b->frames[i].trap_address);
		text_exception(w, i);
		bt_text_regs(&b->frames[i].trap, w->out);
	}
	if (b->has_user_regs && b->user_regs_address)
		iq_buf_printf(w->out, "\n  USER-MODE EXCEPTION FRAME AT: %016" PRIx64 "\n",
			      b->user_regs_address);
	if (b->has_user_regs)
		bt_text_regs(&b->user_regs, w->out);
}

static void text_damage(const struct writer *w)
{
	for (unsigned int i = 0; i < w->t->nr_damage; i++) {
		const struct iq_damage *d = &w->t->damage[i];
		int n = d->frame >= 0 ? frame_number(&w->t->b, (unsigned int)d->frame) : -1;

		iq_buf_puts(w->out, "! ");
		if (n >= 0)
			iq_buf_printf(w->out, "#%d: ", n);
		text_name(d->text, w->out);
		iq_buf_putc(w->out, '\n');
	}
}

static void text_trace(struct writer *w)
{
	text_task_header(&w->t->task, w->out);
	if (w->t->error && w->o->view != BT_RAW && w->o->view != BT_ALL_TEXT_SYMBOLS) {
		iq_buf_puts(w->out, w->t->no_stack ? "(no stack)\n" : "(no trace: ");
		if (!w->t->no_stack)
			iq_buf_printf(w->out, "%s)\n", w->t->error);
		return;
	}
	switch (w->o->view) {
	case BT_FRAMES:
		text_frames(w);
		break;
	case BT_TEXT_SYMBOLS:
	case BT_ALL_TEXT_SYMBOLS:
	case BT_OLD:
		text_texts(w);
		break;
	case BT_RAW:
		text_raw(w);
		break;
	case BT_EXCEPTIONS:
		text_exceptions(w);
		break;
	}
	text_damage(w);
}

void bt_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct bt_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		struct writer w = {s, &x->options, &x->traces[i], out, 0};

		if (i)
			iq_buf_putc(out, '\n');
		text_trace(&w);
	}
}
