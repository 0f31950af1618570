// SPDX-License-Identifier: GPL-2.0-or-later
/* info: what there is to know of the selected frame. */
#include "info.h"
#include <inttypes.h>
#include <stdlib.h>

/* ---- The topics: a file each where they are large ---------------------------------------------- */

static const struct topic {
	const char *name;
	struct iq_error *(*run)(struct session *s, struct selected *x, int argc, char **argv,
				struct result *r);
} topics[] = {
	{"args", info_args},
	{"frame", info_frame},
	{"locals", info_locals},
	{"registers", info_registers},
};

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	const struct topic *found = NULL;
	struct selected x;
	struct iq_error *err;

	if (argc == 2 && argv[1][0] && !strncmp("dump", argv[1], strlen(argv[1])))
		return info_dump(s, r);
	for (unsigned int i = 0; argc > 1 && i < IQ_ARRAY_SIZE(topics); i++) {
		/* As gdb: any beginning. */
		if (!strncmp(topics[i].name, argv[1], strlen(argv[1]))) {
			found = &topics[i];
			break;
		}
	}
	if (!found || !argv[1][0])
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE,
				     argc > 1 ? "info knows no \"%s\"" : "info of what?",
				     argc > 1 ? argv[1] : ""),
			"help info lists its topics");
	IQ_TRY(selected_frame(s, &x));
	err = found->run(s, &x, argc - 2, argv + 2, r);
	selected_free(&x);
	return err;
}

const struct command cmd_info = {
	.name = "info",
	.summary = "registers and more of the selected frame; what the dump is",
	.help = "info registers [REGISTER...]\n"
		"info frame | args | locals\n"
		"info dump\n"
		"\n"
		"Shows what is known of the selected frame of the context's task (see frame).\n"
		"\n"
		"  registers  the registers as they were in this frame: those that its callees had "
		"to keep,\n"
		"             with the places where these saved them; of an interrupted function "
		"all\n"
		"  args       the parameters of its function, and of those inlined there.  Without "
		"debug\n"
		"             information they are found in the machine code: what the caller passed, "
		"as far as\n"
		"             it was kept.  (inferred): not proven, for instance because the function "
		"was\n"
		"             called through a pointer\n"
		"  locals     local variables (needs debug information)\n"
		"  frame      where the frame is on its stack, how it was found, who called it, "
		"and "
		"which\n"
		"             registers of its caller it has saved where\n"
		"  dump       what the dump is: its format and filter, the memory in it and what is missing, the\n"
		"             kernel, its CPUs and last words, and what helps further; `inquest info FILE...`\n"
		"             shows it without a session, and says of other files what they are\n"
		"\n"
		"Examples:\n"
		"  info registers\n"
		"  info dump\n"
		"  info registers rbx rip\n"
		"  info frame\n",
	.run = run,
};

/* ---- info registers ------------------------------------------------------------------------------ */

struct registers {
	const struct iq_arch *arch;
	struct iq_frame f;
	uint64_t asked; /* mask; 0: all */
	char name[128]; /* of the ip */
};

static void text_registers(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct registers *x = r->data;
	const struct iq_arch *a = x->arch;

	for (unsigned int n = 0; n < a->nr_regs; n++) {
		bool known = iq_reg_known(&x->f.regs, n);
		char value[24];

		/* What no frame of this kind has is not missed. */
		if (x->asked ? !(x->asked >> n & 1) : !known && n > a->reg_pc)
			continue;
		if (!known) {
			iq_buf_printf(out, "%-15snot known\n", a->reg_names[n]);
			continue;
		}
		snprintf(value, sizeof(value), "0x%" PRIx64, x->f.regs.value[n]);
		iq_buf_printf(out, "%-15s%-19s", a->reg_names[n], value);
		if (n == a->reg_pc)
			iq_buf_add_escaped(out, x->name, strlen(x->name), false);
		else if (x->f.saved_at[n])
			iq_buf_printf(out, "saved at %016" PRIx64, x->f.saved_at[n]);
		else if (x->f.regs.value[n] >> 63)
			iq_buf_printf(out, "%" PRId64, (int64_t)x->f.regs.value[n]);
		else
			iq_buf_printf(out, "%" PRIu64, x->f.regs.value[n]);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_registers(struct session *s, const struct result *r)
{
	const struct registers *x = r->data;
	json_t *o = json_object(), *list = json_object(), *saved = json_object();

	for (unsigned int n = 0; n < x->arch->nr_regs; n++) {
		const char *name = x->arch->reg_names[n];

		if (x->asked && !(x->asked >> n & 1))
			continue;
		if (iq_reg_known(&x->f.regs, n))
			json_object_set_new(list, name, json_address(x->f.regs.value[n]));
		else if (x->asked || n <= x->arch->reg_pc)
			json_object_set_new(list, name, json_null());
		if (x->f.saved_at[n])
			json_object_set_new(saved, name, json_address(x->f.saved_at[n]));
	}
	json_object_set_new(o, "registers", list);
	json_object_set_new(o, "saved_at", saved);
	return o;
}

static const struct result_ops registers_ops = {text_registers, json_registers, free};

struct iq_error *info_registers(struct session *s, struct selected *x, int argc, char **argv,
				struct result *r)
{
	struct registers *d = calloc(1, sizeof(*d));

	if (!d)
		return iq_error_nomem();
	d->arch = s->kernel->arch;
	d->f = x->b.frames[x->i];
	for (int i = 0; i < argc; i++) {
		int reg = iq_reg_by_name(d->arch, argv[i]);

		if (reg < 0) {
			free(d);
			return iq_error_new(IQ_E_NOT_FOUND, "there is no register %s", argv[i]);
		}
		d->asked |= UINT64_C(1) << reg;
	}
	if (!iq_symbol_format(s->kernel, d->f.ip, s->hex, true, d->name, sizeof(d->name)))
		d->name[0] = '\0';
	*r = (struct result){&registers_ops, d};
	return NULL;
}

/* ---- info frame ---------------------------------------------------------------------------------- */

struct frame_info {
	struct selected x; /* owned */
	const char *file;
	unsigned int line;
};

static const char *how(const struct iq_frame *f)
{
	switch (f->how) {
	case IQ_FRAME_TOP:
		return f->slot ? "where the task stopped or was switched out"
			       : "the registers of the CPU";
	case IQ_FRAME_ORC:
		return "ORC";
	case IQ_FRAME_CFI:
		return ".debug_frame";
	case IQ_FRAME_TRAP:
		return "the registers that an exception saved";
	case IQ_FRAME_POINTER:
		return "frame pointer";
	case IQ_FRAME_CALL:
		return "return address of a call into nowhere";
	case IQ_FRAME_SCAN:
		return "a guess: found by searching the stack";
	case IQ_FRAME_CODE:
		return "the machine code of what it called";
	}
	return "";
}

/* Where the frame saved register R of its caller; 0: nowhere. */
static uint64_t saved_for_caller(const struct selected *x, unsigned int r)
{
	const struct iq_frame *f = &x->b.frames[x->i];

	if (x->i + 1 >= x->b.nr || f[1].has_trap || f[1].saved_at[r] == f->saved_at[r])
		return 0;
	return f[1].saved_at[r];
}

static void text_info_frame(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct frame_info *d = r->data;
	const struct selected *x = &d->x;
	const struct iq_frame *f = &x->b.frames[x->i];
	const struct iq_arch *a = s->kernel->arch;
	bool any = false;

	text_selected(s, &x->b, x->i, out);
	iq_buf_putc(out, '\n');
	if (d->file) {
		iq_buf_printf(out, "%16s: ", "line");
		iq_buf_add_escaped(out, d->file, strlen(d->file), false);
		iq_buf_printf(out, ": %u\n", d->line);
	}
	iq_buf_printf(out, "%16s: %s%s\n", "found by", how(f),
		      f->reliable ? "" : " (not reliable)");
	iq_buf_printf(out, "%16s: %s\n", "context", iq_context_text(f->context));
	if (f->stack.kind != IQ_STACK_NONE)
		iq_buf_printf(out, "%16s: %s %016" PRIx64 " - %016" PRIx64 "\n", "stack",
			      f->stack.kind == IQ_STACK_TASK ? "task"
							     : iq_stack_kind_text(f->stack.kind),
			      f->stack.start, f->stack.end);
	iq_buf_printf(out, "%16s: %016" PRIx64 "\n", "stack pointer", f->sp);
	if (f->slot)
		iq_buf_printf(out, "%16s: [%016" PRIx64 "]\n", "return slot", f->slot);
	if (f->has_trap)
		iq_buf_printf(out, "%16s: %016" PRIx64 "%s\n", "registers at", f->trap_address,
			      f->trap_partial ? " (ip to ss only)" : "");
	if (x->i + 1 < x->b.nr) {
		iq_buf_printf(out, "%16s: ", f[1].has_trap ? "interrupted" : "called by");
		text_selected(s, &x->b, x->i + 1, out);
		iq_buf_putc(out, '\n');
		if (f[1].slot && !f[1].has_trap)
			iq_buf_printf(out, "%16s: [%016" PRIx64 "]\n", "return address at",
				      f[1].slot);
	}
	for (unsigned int n = 0; n < a->nr_regs; n++) {
		uint64_t at = saved_for_caller(x, n);

		if (!at)
			continue;
		if (any)
			iq_buf_puts(out, ", ");
		else
			iq_buf_printf(out, "%16s: ", "saved registers");
		iq_buf_printf(out, "%s at %016" PRIx64, a->reg_names[n], at);
		any = true;
	}
	iq_buf_puts(out, any ? "\n" : "");
}

static json_t *json_info_frame(struct session *s, const struct result *r)
{
	const struct frame_info *d = r->data;
	const struct iq_frame *f = &d->x.b.frames[d->x.i];
	const struct iq_arch *a = s->kernel->arch;
	json_t *o = json_selected(&d->x), *saved = json_object();

	json_object_set_new(o, "file", d->file ? json_text(d->file, strlen(d->file)) : json_null());
	json_object_set_new(o, "line", d->file ? json_integer(d->line) : json_null());
	json_object_set_new(o, "how", json_text(how(f), strlen(how(f))));
	json_object_set_new(o, "context", json_string(iq_context_text(f->context)));
	json_object_set_new(o, "slot", f->slot ? json_address(f->slot) : json_null());
	json_object_set_new(o, "stack_start",
			    f->stack.kind ? json_address(f->stack.start) : json_null());
	json_object_set_new(o, "stack_end",
			    f->stack.kind ? json_address(f->stack.end) : json_null());
	for (unsigned int n = 0; n < a->nr_regs; n++) {
		uint64_t at = saved_for_caller(&d->x, n);

		if (at)
			json_object_set_new(saved, a->reg_names[n], json_address(at));
	}
	json_object_set_new(o, "saved_registers", saved);
	return o;
}

static void free_frame_info(void *data)
{
	struct frame_info *d = data;

	selected_free(&d->x);
	free(d);
}

static const struct result_ops frame_ops = {text_info_frame, json_info_frame, free_frame_info};

struct iq_error *info_frame(struct session *s, struct selected *x, int argc, char **argv,
			    struct result *r)
{
	struct frame_info *d;
	const struct iq_frame *f = &x->b.frames[x->i];

	if (argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "info frame is the selected one"),
				     "frame N selects another");
	d = calloc(1, sizeof(*d));
	if (!d)
		return iq_error_nomem();
	if (!iq_kernel_line(s->kernel, f->exact_ip ? f->ip : f->ip - 1, &d->file, &d->line))
		d->file = NULL;
	/* The result takes the trace over. */
	d->x = *x;
	memset(&x->b, 0, sizeof(x->b));
	*r = (struct result){&frame_ops, d};
	return NULL;
}
