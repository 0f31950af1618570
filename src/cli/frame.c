// SPDX-License-Identifier: GPL-2.0-or-later
/* The selected frame: finding it, and naming it. */
#include "frame.h"
#include <inttypes.h>

struct iq_error *selected_frame(struct session *s, struct selected *ret)
{
	const struct iq_task *t;
	struct iq_error *err;
	struct selected x = {0};

	IQ_TRY(need_task(s, &t));
	x.task = *t;
	err = iq_backtrace(s->kernel, t, &x.b);
	if (!err && !x.b.nr)
		err = iq_error_new(IQ_E_UNAVAILABLE, "task %u has no frames", t->pid);
	if (err) {
		iq_backtrace_free(&x.b);
		return err;
	}
	x.i = s->frame_selected && s->frame < x.b.nr ? s->frame : 0;
	*ret = x;
	return NULL;
}

void selected_free(struct selected *x)
{
	iq_backtrace_free(&x->b);
}

bool changes_stack(const struct iq_frame *from, const struct iq_frame *to)
{
	return from->stack.kind != IQ_STACK_NONE && from->stack.kind != IQ_STACK_TASK &&
	       (from->stack.kind != to->stack.kind || from->stack.start != to->stack.start);
}

/* Does bt's text give frame I a line of its own, with a number? */
static bool is_numbered(const struct iq_backtrace *b, unsigned int i)
{
	const struct iq_frame *f = &b->frames[i];

	if (f->context == IQ_CTX_USER)
		return false;
	return !i || !f->has_trap || changes_stack(f - 1, f);
}

int frame_number(const struct iq_backtrace *b, unsigned int i)
{
	int n = -1;

	if (i >= b->nr || !is_numbered(b, i))
		return -1;
	for (unsigned int k = 0; k <= i; k++)
		n += is_numbered(b, k);
	return n;
}

void text_selected(struct session *s, const struct iq_backtrace *b, unsigned int i,
		   struct iq_buf *out)
{
	const struct iq_frame *f = &b->frames[i];
	int n = frame_number(b, i);

	if (n >= 0)
		iq_buf_printf(out, "#%d ", n);
	else
		iq_buf_puts(out, f->context == IQ_CTX_USER ? "user mode " : "exception RIP: ");
	iq_buf_puts(out, f->reliable ? "" : "? ");
	if (f->symbol.name) {
		iq_buf_add_escaped(out, f->symbol.name, strlen(f->symbol.name), false);
		iq_buf_printf(out, s->hex ? "+0x%" PRIx64 : "+%" PRIu64, f->offset);
	} else if (f->context != IQ_CTX_USER) {
		iq_buf_puts(out, "(unknown)");
	}
	iq_buf_printf(out, " at %016" PRIx64, f->ip);
	if (f->symbol.name && f->symbol.module) {
		iq_buf_puts(out, " [");
		iq_buf_add_escaped(out, f->symbol.module, strlen(f->symbol.module), false);
		iq_buf_putc(out, ']');
	}
}

json_t *json_selected(const struct selected *x)
{
	const struct iq_frame *f = &x->b.frames[x->i];
	int n = frame_number(&x->b, x->i);
	json_t *o = json_object();

	json_object_set_new(o, "pid", json_integer(x->task.pid));
	json_object_set_new(o, "task", json_address(x->task.address));
	json_object_set_new(o, "number", n >= 0 ? json_integer(n) : json_null());
	json_object_set_new(o, "function",
			    f->symbol.name ? json_text(f->symbol.name, strlen(f->symbol.name))
					   : json_null());
	json_object_set_new(o, "offset",
			    f->symbol.name ? json_integer((json_int_t)f->offset) : json_null());
	json_object_set_new(o, "ip", json_address(f->ip));
	json_object_set_new(o, "sp", json_address(f->sp));
	json_object_set_new(o, "module",
			    f->symbol.name && f->symbol.module
				    ? json_text(f->symbol.module, strlen(f->symbol.module))
				    : json_null());
	json_object_set_new(o, "reliable", json_boolean(f->reliable));
	json_object_set_new(o, "interrupted", json_boolean(f->has_trap));
	return o;
}
