// SPDX-License-Identifier: GPL-2.0-or-later
/* analyze: the report for people. */
#include "analyze.h"
#include <inquest/log.h>
#include <inttypes.h>

#define WIDTH 98
#define INDENT 13
#define FRAMES 16
#define NEXT 6	/* commands to run next */
#define NOTE 43 /* column of what they are for */

/* ---- Lines --------------------------------------------------------------------------------------- */

/*
 * TEXT, which may hold bytes of a dump, behind what stands in the last line already, broken at blanks; further
 * lines begin at column INDENT.
 */
static void wrap(struct iq_buf *out, const char *text, unsigned int indent)
{
	struct iq_buf safe = {0};
	const char *s;
	size_t column = 0;

	iq_buf_add_escaped(&safe, text, strlen(text), false);
	s = iq_buf_str(&safe);
	while (column < out->len && out->s[out->len - 1 - column] != '\n')
		column++;
	for (bool first = true; *s; first = false) {
		size_t n = strcspn(s, " ");

		if (!first && column + 1 + n > WIDTH) {
			iq_buf_putc(out, '\n');
			iq_buf_pad(out, indent);
			column = indent;
		} else if (!first) {
			iq_buf_putc(out, ' ');
			column++;
		}
		iq_buf_add(out, s, n);
		column += n;
		s += n;
		s += *s == ' ';
	}
	iq_buf_putc(out, '\n');
	iq_buf_free(&safe);
}

static void label(struct session *s, struct iq_buf *out, const char *name)
{
	size_t n = strlen(name);

	if (s->colour)
		iq_buf_printf(out, "\033[1m%s\033[0m", name);
	else
		iq_buf_puts(out, name);
	for (; n < INDENT; n++)
		iq_buf_putc(out, ' ');
}

static void item(struct session *s, struct iq_buf *out, const char *name, const char *text)
{
	struct iq_buf line = {0};

	/* The label's colours must not count as columns. */
	iq_buf_pad(&line, INDENT);
	wrap(&line, text, INDENT);
	label(s, out, name);
	iq_buf_puts(out, iq_buf_str(&line) + INDENT);
	iq_buf_free(&line);
}

static void heading(struct session *s, struct iq_buf *out, const char *name)
{
	iq_buf_printf(out, s->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", name);
}

/* ---- What happened ------------------------------------------------------------------------------- */

static void add_evidence(struct iq_buf *out, const struct iq_evidence *e, unsigned int nr,
			 unsigned int indent)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_buf line = {0};

		iq_buf_printf(&line, "- %s", e[i].what);
		if (e[i].value)
			iq_buf_printf(&line, ": %s", e[i].value);
		if (e[i].has_address)
			iq_buf_printf(&line, " @ 0x%" PRIx64, e[i].address);
		iq_buf_printf(&line, " (%s)", iq_source_text(e[i].source));
		iq_buf_pad(out, indent);
		wrap(out, iq_buf_str(&line), indent + 2);
		iq_buf_free(&line);
	}
}

static void add_place(struct session *s, const struct iq_event *e, struct iq_buf *out)
{
	struct iq_buf b = {0};

	if (e->symbol.name)
		iq_buf_printf(&b, "%s+0x%" PRIx64, e->symbol.name, e->offset);
	if (e->module)
		iq_buf_printf(&b, " [%s]", e->module);
	if (e->has_ip)
		iq_buf_printf(&b, "%s0x%" PRIx64, b.len ? "  ip " : "ip ", e->ip);
	if (e->file)
		iq_buf_printf(&b, "  %s:%u", e->file, e->line);
	if (b.len)
		item(s, out, "place", iq_buf_str(&b));
	iq_buf_free(&b);
}

static void add_task(struct session *s, const struct analyze_result *x, struct iq_buf *out)
{
	const struct iq_event *e = &x->a->event;
	struct iq_buf b = {0};

	if (e->task.comm[0])
		iq_buf_printf(&b, "%s", e->task.comm);
	if (e->task.address || (x->console && x->console->has_pid))
		iq_buf_printf(&b, "%spid %u", b.len ? ", " : "", e->task.pid);
	if (e->task.address)
		iq_buf_printf(&b, ", task_struct 0x%" PRIx64, e->task.address);
	if (e->cpu >= 0)
		iq_buf_printf(&b, "%sCPU %d", b.len ? ", " : "", e->cpu);
	if (b.len)
		item(s, out, "task", iq_buf_str(&b));
	iq_buf_free(&b);
}

static void add_event(struct session *s, const struct analyze_result *x, struct iq_buf *out)
{
	const struct iq_analysis *a = x->a;
	const struct iq_event *e = &a->event;
	struct iq_buf b = {0};

	heading(s, out, "What happened");
	iq_buf_printf(&b, "%s (%s)", iq_class_text(e->class), iq_confidence_text(e->confidence));
	item(s, out, "class", iq_buf_str(&b));
	iq_buf_free(&b);
	if (*e->message) {
		iq_buf_printf(&b, "%s%s", e->message, e->message_from_log && !x->console ? "  (from the log)" : "");
		item(s, out, "message", iq_buf_str(&b));
		iq_buf_free(&b);
	}
	add_task(s, x, out);
	add_place(s, e, out);
	if (a->insn.present && a->insn.text)
		item(s, out, "instruction", a->insn.text);
	if (a->insn.present && a->insn.in_c)
		item(s, out, "in C", a->insn.in_c);
	if (e->has_address) {
		iq_buf_printf(&b, "%s of 0x%" PRIx64,
			      e->access == IQ_ACCESS_NONE ? "access" : iq_access_text(e->access), e->address);
		item(s, out, "access", iq_buf_str(&b));
		iq_buf_free(&b);
	}
	if (e->nr_evidence) {
		label(s, out, "evidence");
		iq_buf_putc(out, '\n');
		add_evidence(out, e->evidence, e->nr_evidence, 2);
	}
}

/* ---- Why ----------------------------------------------------------------------------------------- */

static void add_link(struct session *s, const struct iq_link *l, struct iq_buf *out)
{
	static const char *const verdicts[] = {"?", "ok", "BAD"};
	struct iq_buf b = {0};

	iq_buf_printf(&b, "  %-4s", verdicts[l->verdict]);
	if (s->colour && l->verdict == IQ_LINK_BAD) {
		b.len = 0;
		iq_buf_puts(&b, "  BAD ");
	}
	iq_buf_add(out, iq_buf_str(&b), b.len);
	iq_buf_free(&b);
	iq_buf_printf(&b, "%s", l->expression);
	if (l->has_value)
		iq_buf_printf(&b, " = 0x%" PRIx64, l->value);
	if (l->has_address)
		iq_buf_printf(&b, " @ 0x%" PRIx64, l->address);
	if (l->proof == IQ_PROOF_MEMORY_EQUALS_REGISTER)
		iq_buf_puts(&b, ", memory holds the same");
	else if (l->proof == IQ_PROOF_CHANGED && l->has_now)
		iq_buf_printf(&b, ", memory now holds 0x%" PRIx64, l->now);
	else if (l->proof == IQ_PROOF_CHANGED)
		iq_buf_puts(&b, ", changed since");
	wrap(out, iq_buf_str(&b), 8);
	iq_buf_free(&b);
	if (!l->object || !s->kernel)
		return;
	iq_whatis_line(s->kernel, l->object, &b);
	if (b.len) {
		iq_buf_pad(out, 8);
		wrap(out, iq_buf_str(&b), 8);
	}
	iq_buf_free(&b);
}

static void add_culprit(struct session *s, const struct iq_culprit *c, struct iq_buf *out)
{
	struct iq_buf b = {0};

	if (!c->present)
		return;
	heading(s, out, "Where the value came from");
	iq_buf_printf(&b, "%s", c->used_by ? c->used_by : c->expression ? c->expression : "");
	iq_buf_puts(out, "  ");
	wrap(out, iq_buf_str(&b), 4);
	iq_buf_free(&b);
	for (unsigned int i = 0; i < c->nr_links; i++)
		add_link(s, &c->links[i], out);
}

static void add_findings(struct session *s, const struct iq_analysis *a, bool alternatives,
			 struct iq_buf *out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		const struct iq_finding *f = &a->findings[i];
		struct iq_buf b = {0};

		if (f->alternative != alternatives)
			continue;
		if (!n++)
			heading(s, out, alternatives ? "What else it could be" : "Findings");
		iq_buf_printf(&b, "%2u. %s%s, %s: %s", n, iq_confidence_text(f->confidence),
			      f->cause ? " (cause)" : "", iq_class_text(f->class), f->claim);
		wrap(out, iq_buf_str(&b), 4);
		add_evidence(out, f->evidence, f->nr_evidence, 4);
		iq_buf_free(&b);
		if (!f->refuted_by)
			continue;
		iq_buf_printf(&b, "- wrong if: %s", f->refuted_by);
		iq_buf_pad(out, 4);
		wrap(out, iq_buf_str(&b), 6);
		iq_buf_free(&b);
	}
}

static void add_blame(struct session *s, const struct iq_blame *bl, struct iq_buf *out)
{
	struct iq_buf b = {0};

	if (!bl->present)
		return;
	iq_buf_printf(&b, "%s()", bl->function);
	if (bl->module)
		iq_buf_printf(&b, " [%s]", bl->module);
	if (bl->file)
		iq_buf_printf(&b, " at %s:%u", bl->file, bl->line);
	if (bl->why)
		iq_buf_printf(&b, ": %s", bl->why);
	iq_buf_putc(out, '\n');
	item(s, out, "blame", iq_buf_str(&b));
	iq_buf_free(&b);
}

static void add_frames(struct session *s, const struct analyze_result *x, struct iq_buf *out)
{
	const struct iq_analysis *a = x->a;
	unsigned int from = a->event.frame > 0 ? (unsigned int)a->event.frame : 0;
	unsigned int nr = x->console ? x->console->nr_frames : a->trace ? a->trace->nr : 0;

	if (a->event.class == IQ_CLASS_NONE || from >= nr)
		return;
	heading(s, out, "Called by");
	for (unsigned int i = from; i < nr && i < from + FRAMES; i++) {
		const char *name = x->console ? x->console->frames[i].function : a->trace->frames[i].symbol.name;
		const char *module = x->console ? x->console->frames[i].module : a->trace->frames[i].symbol.module;
		uint64_t offset = x->console ? x->console->frames[i].offset : a->trace->frames[i].offset;
		bool reliable = x->console ? x->console->frames[i].reliable : a->trace->frames[i].reliable;
		struct iq_buf b = {0};

		if (name)
			iq_buf_printf(&b, "%s%s+0x%" PRIx64, reliable ? "" : "? ", name, offset);
		else if (!x->console)
			iq_buf_printf(&b, "0x%" PRIx64, a->trace->frames[i].ip);
		if (module)
			iq_buf_printf(&b, " [%s]", module);
		iq_buf_puts(out, "  ");
		wrap(out, iq_buf_str(&b), 4);
		iq_buf_free(&b);
	}
	if (nr > from + FRAMES)
		iq_buf_printf(out, "  ... %u more\n", nr - from - FRAMES);
}

/* ---- What is not known, and what to do next ------------------------------------------------------ */

static bool has_log(struct session *s)
{
	const struct iq_log_record *records;
	unsigned int nr = 0;
	struct iq_error *err = iq_log(s->kernel, &records, &nr);
	bool has = !err && nr;

	iq_error_free(err);
	return has;
}

static bool has_tasks(struct session *s)
{
	const struct iq_task *tasks;
	unsigned int nr = 0;
	struct iq_error *err = iq_tasks(s->kernel, &tasks, &nr);
	bool has = !err && nr;

	iq_error_free(err);
	return has;
}

void analyze_missing(struct session *s, struct iq_buf *out)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);

	if (!has_log(s))
		iq_buf_puts(out, "- the kernel log cannot be read from this dump\n");
	if (info->truncated || info->incomplete)
		iq_buf_puts(out, "- the dump is not complete: its end is missing\n");
	if (info->filtered)
		iq_buf_puts(out, "- pages were filtered out: what lay in them (user memory, page cache, free pages) was not seen\n");
	if (!iq_kernel_types(s->kernel))
		iq_buf_puts(out, "- there are no types (no BTF, no vmlinux): members and objects have no names\n");
	else if (!s->vmlinux)
		iq_buf_puts(out, "- no vmlinux: there are no source lines and no names of local variables\n");
}

struct next {
	struct iq_buf *out;
	size_t from; /* of the list in it */
	unsigned int nr;
};

/* One command to run next, unless it is there already or there are enough. */
static void IQ_PRINTF(3, 4) suggest(struct next *n, const char *note, const char *fmt, ...)
{
	struct iq_buf line = {0};
	va_list ap;

	va_start(ap, fmt);
	iq_buf_puts(&line, "  ");
	iq_buf_vprintf(&line, fmt, ap);
	va_end(ap);
	iq_buf_putc(&line, ' ');
	if (n->nr < NEXT && !line.failed && !strstr(iq_buf_str(n->out) + n->from, iq_buf_str(&line))) {
		iq_buf_puts(n->out, iq_buf_str(&line));
		iq_buf_pad(n->out, NOTE);
		iq_buf_printf(n->out, "%s\n", note);
		n->nr++;
	}
	iq_buf_free(&line);
}

/* The command that says most of an address: a task's stack, the code before it, else what it is. */
static void suggest_address(struct session *s, struct next *n, uint64_t address, const char *note)
{
	uint64_t code;

	if (iq_task_by_address(s->kernel, address))
		suggest(n, note, "bt 0x%" PRIx64, address);
	else if (iq_is_text(s->kernel, address) && !iq_vm_read_uint(s->kernel->vm, address, 1, &code))
		suggest(n, note, "dis -r 0x%" PRIx64, address);
	else
		suggest(n, note, "whatis 0x%" PRIx64, address);
}

static void suggest_event(struct session *s, struct next *n, const struct iq_event *e)
{
	bool hang = e->class == IQ_CLASS_HUNG_TASK || e->class == IQ_CLASS_DEADLOCK;

	if (hang || e->class == IQ_CLASS_SOFT_LOCKUP || e->class == IQ_CLASS_HARD_LOCKUP ||
	    e->class == IQ_CLASS_RCU_STALL)
		suggest(n, "who waits for whom", "waits");
	if (e->class == IQ_CLASS_OOM)
		suggest(n, "where memory is", "kmem -i");
	if (e->task.address && !hang)
		suggest(n, "the stack with arguments and variables", "bt -V");
	if (e->has_ip && e->symbol.name && !hang)
		suggest(n, "the code up to there", "dis -r 0x%" PRIx64, e->ip);
	if ((!e->task.address || hang) && has_tasks(s))
		suggest(n, "what all tasks are doing", "stacks");
}

static void suggest_finding(struct session *s, struct next *n, const struct iq_finding *f, unsigned int number)
{
	const struct iq_evidence *first = NULL;
	const struct iq_task *task = NULL;
	char note[32];

	snprintf(note, sizeof(note), "finding %u", number);
	if (f->class == IQ_CLASS_LEAK)
		suggest(n, "objects that nothing points to", "leaks");
	/* Of a task that is part of it its stack says most. */
	for (unsigned int i = 0; i < f->nr_evidence; i++) {
		const struct iq_evidence *e = &f->evidence[i];

		if (e->has_address && (!first || (!task && iq_task_by_address(s->kernel, e->address)))) {
			task = iq_task_by_address(s->kernel, e->address);
			first = e;
		}
	}
	if (first)
		suggest_address(s, n, first->address, note);
}

static void add_next(struct session *s, const struct iq_analysis *a, struct iq_buf *out)
{
	struct next n = {.out = out};

	heading(s, out, "Next");
	n.from = out->len;
	suggest_event(s, &n, &a->event);
	for (unsigned int i = 0; i < a->culprit.nr_links; i++) {
		const struct iq_link *l = &a->culprit.links[i];

		if (l->has_address && l->verdict == IQ_LINK_BAD)
			suggest(&n, "what holds the bad value", "whatis 0x%" PRIx64, l->address);
	}
	for (unsigned int i = 0; i < a->nr_findings; i++)
		if (!a->findings[i].alternative)
			suggest_finding(s, &n, &a->findings[i], i + 1);
	n.nr = 0;
	if (has_log(s))
		suggest(&n, "the kernel's last words", "log -T | tail -60");
	else
		suggest(&n, "what the dump has, and what is missing", "info dump");
}

void analyze_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct analyze_result *x = r->data;
	const struct iq_analysis *a = x->a;
	size_t from = out->len;
	bool colour = s->colour;
	char nodename[65];

	if (s->json)
		s->colour = false;
	item(s, out, "VERDICT", a->verdict);
	item(s, out, "CONFIDENCE", iq_confidence_text(a->confidence));
	if (a->interrupted)
		item(s, out, "", "interrupted: not everything was looked at");
	if (a->event.class != IQ_CLASS_NONE)
		add_event(s, x, out);
	add_culprit(s, &a->culprit, out);
	add_findings(s, a, false, out);
	add_findings(s, a, true, out);
	add_blame(s, &a->blame, out);
	add_frames(s, x, out);
	if (!x->console) {
		struct iq_buf missing = {0};

		analyze_missing(s, &missing);
		if (missing.len) {
			heading(s, out, "What this dump does not hold");
			iq_buf_add(out, iq_buf_str(&missing), missing.len);
		}
		iq_buf_free(&missing);
		add_next(s, a, out);
	}
	if (a->event.class != IQ_CLASS_NONE) {
		iq_buf_putc(out, '\n');
		item(s, out, "signature", a->signature[0]);
	}
	if (x->redact) {
		redact_nodename(s, nodename);
		redact_text(nodename, out, from);
	}
	s->colour = colour;
}
