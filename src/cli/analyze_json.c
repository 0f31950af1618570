// SPDX-License-Identifier: GPL-2.0-or-later
/* analyze as JSON. */
#include "analyze.h"
#include "place.h"

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_text(s, strlen(s)) : json_null();
}

static json_t *address_if(bool has, uint64_t a)
{
	return has ? json_address(a) : json_null();
}

static json_t *evidence(const struct iq_evidence *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "what", text_or_null(e->what));
	json_object_set_new(o, "address", address_if(e->has_address, e->address));
	json_object_set_new(o, "value", text_or_null(e->value));
	json_object_set_new(o, "source", json_string(iq_source_text(e->source)));
	return o;
}

static json_t *evidences(const struct iq_evidence *e, unsigned int nr)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(list, evidence(&e[i]));
	return list;
}

static json_t *findings(const struct iq_analysis *a, bool alternatives)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		const struct iq_finding *f = &a->findings[i];
		json_t *o;

		if (f->alternative != alternatives)
			continue;
		o = json_object();
		json_object_set_new(o, "id", json_string(f->id));
		json_object_set_new(o, "class", json_string(iq_class_text(f->class)));
		json_object_set_new(o, "claim", text_or_null(f->claim));
		json_object_set_new(o, "confidence", json_string(iq_confidence_text(f->confidence)));
		json_object_set_new(o, "cause", json_boolean(f->cause));
		json_object_set_new(o, "evidence", evidences(f->evidence, f->nr_evidence));
		json_object_set_new(o, "refuted_by", text_or_null(f->refuted_by));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *event(struct session *s, const struct analyze_result *x)
{
	const struct iq_event *e = &x->a->event;
	bool task = e->task.address || (x->console && x->console->has_pid);
	json_t *o = json_object();

	json_object_set_new(o, "message", text_or_null(e->message));
	json_object_set_new(o, "message_from_log", json_boolean(e->message_from_log));
	json_object_set_new(o, "function", text_or_null(e->symbol.name));
	json_object_set_new(o, "offset", e->symbol.name ? json_integer((json_int_t)e->offset) : json_null());
	json_object_set_new(o, "module", text_or_null(e->module));
	json_object_set_new(o, "file", text_or_null(e->file));
	json_object_set_new(o, "line", e->file && e->line ? json_integer(e->line) : json_null());
	json_object_set_new(o, "ip", address_if(e->has_ip, e->ip));
	json_object_set_new(o, "cpu", e->cpu >= 0 ? json_integer(e->cpu) : json_null());
	json_object_set_new(o, "pid", task ? json_integer(e->task.pid) : json_null());
	json_object_set_new(o, "comm", text_or_null(e->task.comm));
	json_object_set_new(o, "task", address_if(e->task.address != 0, e->task.address));
	json_object_set_new(o, "trap", e->trap >= 0 ? json_integer(e->trap) : json_null());
	json_object_set_new(o, "error_code", address_if(e->has_error_code, e->error_code));
	json_object_set_new(o, "address", address_if(e->has_address, e->address));
	json_object_set_new(o, "access", text_or_null(iq_access_text(e->access)));
	json_object_set_new(o, "confidence", json_string(iq_confidence_text(e->confidence)));
	json_object_set_new(o, "evidence", evidences(e->evidence, e->nr_evidence));
	json_object_set_new(o, "regs",
			    e->has_regs && s->kernel ? json_regs(s->kernel->arch, &e->regs) : json_null());
	return o;
}

static json_t *instruction(const struct iq_fault_insn *i)
{
	json_t *o;

	if (!i->present)
		return json_null();
	o = json_object();
	json_object_set_new(o, "address", json_address(i->insn.address));
	json_object_set_new(o, "text", text_or_null(i->text));
	json_object_set_new(o, "in_c", text_or_null(i->in_c));
	json_object_set_new(o, "accessed", address_if(i->has_address, i->address));
	return o;
}

static json_t *blame(const struct iq_blame *b)
{
	json_t *o;

	if (!b->present)
		return json_null();
	o = json_object();
	json_object_set_new(o, "function", text_or_null(b->function));
	json_object_set_new(o, "module", text_or_null(b->module));
	json_object_set_new(o, "file", text_or_null(b->file));
	json_object_set_new(o, "line", b->file && b->line ? json_integer(b->line) : json_null());
	json_object_set_new(o, "why", text_or_null(b->why));
	return o;
}

static json_t *object(struct session *s, const struct iq_whatis *w)
{
	return w && s->kernel ? json_kind(s, w) : json_null();
}

static json_t *link_of(struct session *s, const struct iq_link *l)
{
	static const char *const verdicts[] = {"unknown", "ok", "bad"};
	static const char *const proofs[] = {"inferred", "memory_equals_register", "changed"};
	json_t *o = json_object();
	struct iq_buf type = {0};

	if (l->type)
		iq_type_declare(l->type, "", &type);
	json_object_set_new(o, "expression", text_or_null(l->expression));
	json_object_set_new(o, "type", text_or_null(iq_buf_str(&type)));
	json_object_set_new(o, "address", address_if(l->has_address, l->address));
	json_object_set_new(o, "size", l->size ? json_integer(l->size) : json_null());
	json_object_set_new(o, "value", address_if(l->has_value, l->value));
	json_object_set_new(o, "now", address_if(l->has_now, l->now));
	json_object_set_new(o, "verdict", json_string(verdicts[l->verdict]));
	json_object_set_new(o, "proof", json_string(proofs[l->proof]));
	json_object_set_new(o, "object", object(s, l->object));
	json_object_set_new(o, "frame", l->frame >= 0 ? json_integer(l->frame) : json_null());
	iq_buf_free(&type);
	return o;
}

static json_t *culprit(struct session *s, const struct iq_culprit *c)
{
	json_t *o, *links;

	if (!c->present)
		return json_null();
	o = json_object();
	links = json_array();
	for (unsigned int i = 0; i < c->nr_links; i++)
		json_array_append_new(links, link_of(s, &c->links[i]));
	json_object_set_new(o, "expression", text_or_null(c->expression));
	json_object_set_new(o, "used_by", text_or_null(c->used_by));
	json_object_set_new(o, "address", address_if(c->has_address, c->address));
	json_object_set_new(o, "value", address_if(c->has_value, c->value));
	json_object_set_new(o, "object", object(s, c->holder));
	json_object_set_new(o, "links", links);
	return o;
}

/* The frames of the event's task, as bt has them. */
static json_t *frames_of_task(struct session *s, const struct iq_event *e)
{
	char address[32];
	char *words[] = {"bt", address, NULL};
	struct result r;
	json_t *all, *frames;
	struct iq_error *err;

	snprintf(address, sizeof(address), "%llx", (unsigned long long)e->task.address);
	err = execute_command(s, 2, words, &r);
	if (err || !r.ops) {
		iq_error_free(err);
		result_free(&r);
		return json_array();
	}
	all = r.ops->json(s, &r);
	frames = json_object_get(json_array_get(json_object_get(all, "tasks"), 0), "frames");
	json_incref(frames);
	json_decref(all);
	result_free(&r);
	return frames ? frames : json_array();
}

static json_t *frames_of_log(const struct iq_console *c)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->nr_frames; i++) {
		const struct iq_console_frame *f = &c->frames[i];
		json_t *o = json_object();

		json_object_set_new(o, "n", json_integer(i));
		json_object_set_new(o, "function", text_or_null(f->function));
		json_object_set_new(o, "offset", json_integer((json_int_t)f->offset));
		json_object_set_new(o, "module", text_or_null(f->module));
		json_object_set_new(o, "reliable", json_boolean(f->reliable));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *analyze_json(struct session *s, const struct result *r)
{
	const struct analyze_result *x = r->data;
	const struct iq_analysis *a = x->a;
	struct iq_buf report = {0};
	json_t *o = json_object(), *signature = json_object();
	char nodename[65];

	json_object_set_new(o, "verdict", text_or_null(a->verdict));
	json_object_set_new(o, "confidence", json_string(iq_confidence_text(a->confidence)));
	json_object_set_new(o, "class", json_string(iq_class_text(a->event.class)));
	json_object_set_new(o, "panic", event(s, x));
	json_object_set_new(o, "instruction", instruction(&a->insn));
	json_object_set_new(o, "blame", blame(&a->blame));
	json_object_set_new(o, "culprit", culprit(s, &a->culprit));
	json_object_set_new(o, "findings", findings(a, false));
	json_object_set_new(o, "alternatives", findings(a, true));
	json_object_set_new(signature, "s1", text_or_null(a->signature[0]));
	json_object_set_new(signature, "s2", text_or_null(a->signature[1]));
	json_object_set_new(signature, "s3", text_or_null(a->signature[2]));
	json_object_set_new(o, "signature", signature);
	if (x->console)
		json_object_set_new(o, "frames", frames_of_log(x->console));
	else
		json_object_set_new(o, "frames",
				    a->event.task.address ? frames_of_task(s, &a->event) : json_array());
	json_object_set_new(o, "interrupted", json_boolean(a->interrupted));
	redact_nodename(s, nodename);
	if (x->redact)
		redact_json(nodename, o);
	analyze_text(s, r, &report);
	json_object_set_new(o, "report", json_text(iq_buf_str(&report), report.len));
	iq_buf_free(&report);
	return o;
}
