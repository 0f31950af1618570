// SPDX-License-Identifier: GPL-2.0-or-later
/* bt as JSON; also frames for those who show a trace within something else. */
#include "bt.h"
#include "frame.h"

static json_t *text_or_null(const char *s)
{
	return s ? json_text(s, strlen(s)) : json_null();
}

static json_t *line_or_null(const char *file, unsigned int line)
{
	return file && line ? json_integer(line) : json_null();
}

static const char *how_text(enum iq_frame_how how)
{
	switch (how) {
	case IQ_FRAME_TOP:
		return "top";
	case IQ_FRAME_ORC:
		return "orc";
	case IQ_FRAME_TRAP:
		return "trap";
	case IQ_FRAME_POINTER:
		return "frame_pointer";
	case IQ_FRAME_CALL:
		return "call";
	case IQ_FRAME_SCAN:
		return "scan";
	case IQ_FRAME_CODE:
		return "code";
	case IQ_FRAME_CFI:
		return "cfi";
	}
	return "top";
}

/* What an inlined function and its host have in common. */
static json_t *common(struct session *s, const struct iq_frame *f, const struct bt_frame *shown,
		      unsigned int n, unsigned int inlined)
{
	json_t *o = json_object();

	json_object_set_new(o, "n", json_integer(n));
	json_object_set_new(o, "ip", json_address(f->ip));
	json_object_set_new(o, "sp", json_address(f->sp));
	json_object_set_new(o, "module",
			    f->symbol.name ? text_or_null(f->symbol.module) : json_null());
	json_object_set_new(o, "reliable", json_boolean(f->reliable));
	json_object_set_new(o, "context", json_string(iq_context_text(f->context)));
	json_object_set_new(o, "how", json_string(how_text(f->how)));
	json_object_set_new(o, "args", json_variables(s, &shown->variables, inlined, true));
	json_object_set_new(o, "locals", json_variables(s, &shown->variables, inlined, false));
	return o;
}

static json_t *inlined(struct session *s, const struct iq_frame *f, const struct bt_frame *shown,
		       unsigned int k, unsigned int n)
{
	const struct iq_inline *i = &shown->inlines[k];
	json_t *o = common(s, f, shown, n, k);

	json_object_set_new(o, "function", text_or_null(i->function));
	json_object_set_new(o, "offset", json_null());
	json_object_set_new(o, "slot", json_null());
	json_object_set_new(o, "file", text_or_null(i->file));
	json_object_set_new(o, "line", line_or_null(i->file, i->line));
	json_object_set_new(o, "inline", json_true());
	json_object_set_new(o, "exception", json_null());
	return o;
}

static json_t *words(struct session *s, const struct bt_frame *shown)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < shown->nr_slots; i++) {
		const struct iq_slot *w = &shown->slots[i];
		json_t *o = json_object();
		char label[512];

		iq_slot_label(s->kernel, w, label, sizeof(label));
		json_object_set_new(o, "address", json_address(w->address));
		json_object_set_new(o, "value", w->readable ? json_address(w->value) : json_null());
		json_object_set_new(o, "label",
				    label[0] ? json_text(label, strlen(label)) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *frame(struct session *s, const struct bt_options *o, const struct bt_trace *t,
		     unsigned int i, unsigned int n)
{
	const struct iq_frame *f = &t->b.frames[i];
	const struct bt_frame *shown = &t->frames[i];
	int number = frame_number(&t->b, i);
	json_t *x = common(s, f, shown, n, shown->nr_inlines);

	json_object_set_new(x, "number", number >= 0 ? json_integer(number) : json_null());
	json_object_set_new(x, "function", text_or_null(f->symbol.name));
	json_object_set_new(x, "offset",
			    f->symbol.name ? json_integer((json_int_t)f->offset) : json_null());
	json_object_set_new(x, "slot", f->slot ? json_address(f->slot) : json_null());
	json_object_set_new(x, "file", text_or_null(shown->file));
	json_object_set_new(x, "line", line_or_null(shown->file, shown->line));
	json_object_set_new(x, "inline", json_false());
	json_object_set_new(x, "exception",
			    f->has_trap ? json_regs(s->kernel->arch, &f->trap) : json_null());
	if (f->has_trap)
		json_object_set_new(x, "exception_address", json_address(f->trap_address));
	if (o->words)
		json_object_set_new(x, "words", words(s, shown));
	return x;
}

static json_t *frames(struct session *s, const struct bt_options *o, const struct bt_trace *t)
{
	json_t *list = json_array();
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->b.nr; i++) {
		const struct bt_frame *shown = &t->frames[i];

		for (unsigned int k = 0; k < shown->nr_inlines; k++)
			json_array_append_new(list, inlined(s, &t->b.frames[i], shown, k, n++));
		json_array_append_new(list, frame(s, o, t, i, n++));
	}
	return list;
}

json_t *bt_json_damage(const struct iq_damage *d, unsigned int nr)
{
	static const char *const kinds[] = {
		[IQ_DAMAGE_GUARD] = "overflow",
		[IQ_DAMAGE_END_MAGIC] = "end_magic",
		[IQ_DAMAGE_CANARY] = "canary",
	};
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "kind", json_string(kinds[d[i].kind]));
		json_object_set_new(o, "frame_index",
				    d[i].frame >= 0 ? json_integer(d[i].frame) : json_null());
		json_object_set_new(o, "address", json_address(d[i].address));
		json_object_set_new(o, "found", json_address(d[i].found));
		json_object_set_new(o, "expected", json_address(d[i].expected));
		if (d[i].kind == IQ_DAMAGE_CANARY) {
			json_object_set_new(o, "from", json_address(d[i].from));
			json_object_set_new(o, "to", json_address(d[i].to));
		}
		json_object_set_new(o, "text", json_text(d[i].text, strlen(d[i].text)));
		json_array_append_new(list, o);
	}
	return list;
}

/* -t, -T, -o, -r: what lies on the stack. */
static void add_stack(const struct bt_trace *t, json_t *x)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < t->nr_texts; i++) {
		const struct bt_text *w = &t->texts[i];
		json_t *o = json_object();

		json_object_set_new(o, "address", json_address(w->address));
		json_object_set_new(o, "value", json_address(w->value));
		json_object_set_new(o, "function", text_or_null(w->symbol.name));
		json_object_set_new(o, "offset",
				    json_integer((json_int_t)(w->value - w->symbol.address)));
		json_object_set_new(o, "module", text_or_null(w->symbol.module));
		json_object_set_new(o, "live", json_boolean(w->live));
		json_array_append_new(list, o);
	}
	for (unsigned int i = 0; i < t->nr_raw; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "address", json_address(t->raw[i].address));
		json_object_set_new(o, "value",
				    t->raw[i].readable ? json_address(t->raw[i].value)
						       : json_null());
		json_array_append_new(list, o);
	}
	json_object_set_new(x, "stack", list);
}

static json_t *trace(struct session *s, const struct bt_options *o, const struct bt_trace *t)
{
	const struct iq_backtrace *b = &t->b;
	const struct iq_arch *a = s->kernel->arch;
	bool complete = b->nr && (b->end == IQ_END_USER || b->end == IQ_END_OUTERMOST);
	json_t *x = json_object();

	json_object_set_new(x, "pid", json_integer(t->task.pid));
	json_object_set_new(x, "comm",
			    json_text(t->task.comm, strnlen(t->task.comm, sizeof(t->task.comm))));
	json_object_set_new(x, "task", json_address(t->task.address));
	json_object_set_new(x, "cpu", json_integer(t->task.cpu));
	json_object_set_new(x, "state", json_string(t->task.state_text));
	json_object_set_new(x, "running", json_boolean(t->task.running));
	json_object_set_new(x, "frames", frames(s, o, t));
	json_object_set_new(x, "regs", b->nr ? json_regs(a, &b->frames[0].regs) : json_null());
	json_object_set_new(x, "user_regs",
			    b->has_user_regs ? json_regs(a, &b->user_regs) : json_null());
	json_object_set_new(x, "complete", json_boolean(complete));
	json_object_set_new(x, "error",
			    t->error	     ? text_or_null(t->error)
			    : b->end_text[0] ? text_or_null(b->end_text)
					     : json_null());
	json_object_set_new(x, "damage", bt_json_damage(t->damage, t->nr_damage));
	if (o->view == BT_RAW || o->view == BT_TEXT_SYMBOLS || o->view == BT_ALL_TEXT_SYMBOLS ||
	    o->view == BT_OLD)
		add_stack(t, x);
	return x;
}

json_t *bt_json(struct session *s, const struct result *r)
{
	const struct bt_result *x = r->data;
	json_t *tasks = json_array(), *result = json_object();

	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(tasks, trace(s, &x->options, &x->traces[i]));
	json_object_set_new(result, "tasks", tasks);
	return result;
}
