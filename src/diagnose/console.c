/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the reports in a log is the one that counts, and what is to be said of it.  The first oops or damage counts; warnings and
 * lockups only if nothing worse follows, or if the panic says that they were its reason.
 */
#include "console.h"

#include "event.h"
#include "skip.h"
#include "value.h"

#include <inquest/log.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define USER_END UINT64_C(0x00ffffffffffffff)
#define NULL_PAGE 4096u
#define WORD_REACH 1024u /* bytes of an object that a bad pointer may lie in */
#define WORD_ENOUGH 40u  /* bits, as a weight */

static const char *text(struct iq_console *c, const char *s, size_t most)
{
	const char *kept = iq_arena_strndup(&c->arena, s, IQ_MIN(strlen(s), most));

	return kept ? kept : "";
}

/* ---- Which report -------------------------------------------------------------------------------- */

struct choice {
	struct head head;
	unsigned int line;
	bool found;
	const char *words; /* the message, if it is not that of the line */
};

/* A WARN() and what it says stand in two lines, in either order. */
#define TOGETHER 4u

static void choose(const struct console_text *t, struct choice *ret, unsigned int *nr)
{
	struct choice first[HEAD_FATAL + 1] = { 0 }, warned = { 0 }, this;

	*nr = 0;
	for (unsigned int i = 0; i < t->nr; i++) {
		struct head h;

		if (!iq_console_head(t->lines[i].s, &h))
			continue;
		(*nr)++;
		if (h.panic) {
			/* What was reported last of that kind was its reason. */
			for (int w = HEAD_DAMAGE; w > HEAD_NONE && !first[HEAD_FATAL].found; w--) {
				if (first[w].found && first[w].head.class == h.class)
					first[HEAD_FATAL] = first[w];
			}
			if (!first[HEAD_FATAL].found && h.class == IQ_CLASS_WARN)
				first[HEAD_FATAL] = warned;
			if (!first[HEAD_FATAL].found && h.class == IQ_CLASS_MEMORY_CORRUPTION)
				first[HEAD_FATAL] = first[HEAD_DAMAGE];
			if (!first[HEAD_FATAL].found)
				first[HEAD_FATAL] = (struct choice){ h, i, true, NULL };
			/* Somebody asked for it: what went before did not bring the machine down. */
			if (first[HEAD_FATAL].head.class == IQ_CLASS_SYSRQ)
				first[HEAD_DAMAGE].found = false;
			break;
		}
		this = (struct choice){ h, i, true, NULL };
		if (h.weight == HEAD_DAMAGE && warned.found && warned.head.weight == HEAD_WARN &&
		    i - warned.line <= TOGETHER) {
			this.words = h.at;
			this.line = warned.line;
			this.head.at = warned.head.at;
		}
		if (h.weight != HEAD_FATAL)
			warned = this;
		if (!first[h.weight].found)
			first[h.weight] = this;
	}
	/* Damage that was reported before the oops is what was reported first. */
	if (first[HEAD_FATAL].found && first[HEAD_DAMAGE].found &&
	    first[HEAD_DAMAGE].line < first[HEAD_FATAL].line) {
		*ret = first[HEAD_DAMAGE];
		return;
	}
	*ret = (struct choice){ 0 };
	for (int w = HEAD_FATAL; w > HEAD_NONE && !ret->found; w--)
		*ret = first[w];
}

/* ---- What it is ---------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end)
{
	size_t n = s ? strlen(s) : 0, m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* BUG() and WARN() of the kernel's own checks, by where they stand. */
static void refine_check(struct iq_event *e)
{
	const struct report *check = e->symbol.name ? iq_check_by_name(e->symbol.name) : NULL;

	if (check)
		e->class = check->class;
	else if (ends_with(e->file, "lib/list_debug.c"))
		e->class = IQ_CLASS_LIST_CORRUPTION;
	else if (ends_with(e->file, "lib/refcount.c"))
		e->class = IQ_CLASS_REFCOUNT;
	else if (ends_with(e->file, "mm/usercopy.c"))
		e->class = IQ_CLASS_USERCOPY;
	else if (e->class == IQ_CLASS_BUG && ends_with(e->file, "mm/slub.c") && e->symbol.name &&
		 strstr(e->symbol.name, "free"))
		/* set_freepointer() stands at the head of the file, kfree()'s check for pages far behind it */
		e->class = e->line < 900 ? IQ_CLASS_DOUBLE_FREE
			   : iq_same_function(e->symbol.name, "kfree") ? IQ_CLASS_INVALID_FREE : IQ_CLASS_BUG;
}

static void refine_access(struct iq_event *e)
{
	bool user = e->has_address && e->address >= NULL_PAGE && e->address <= USER_END;
	bool present = e->has_error_code && e->error_code & 1;
	bool fetched = e->access == IQ_ACCESS_EXEC || (e->has_ip && !e->symbol.name && e->has_address &&
						       e->ip == e->address);

	if (e->has_address && e->address < NULL_PAGE && e->class == IQ_CLASS_BAD_ACCESS)
		e->class = IQ_CLASS_NULL_DEREF;
	if (e->class == IQ_CLASS_NON_CANONICAL && !e->symbol.name && e->has_ip)
		e->class = IQ_CLASS_BAD_EXEC;
	if (e->class != IQ_CLASS_BAD_ACCESS)
		return;
	if (user && present)
		e->class = IQ_CLASS_USER_ACCESS;
	else if (fetched)
		e->class = IQ_CLASS_BAD_EXEC;
	else if (present && e->access == IQ_ACCESS_WRITE)
		e->class = IQ_CLASS_WRITE_PROTECTED;
}

static void refine(struct iq_event *e)
{
	if (iq_same_function(e->symbol.name, "sysrq_handle_crash"))
		e->class = IQ_CLASS_SYSRQ;
	else if (e->class == IQ_CLASS_BUG || e->class == IQ_CLASS_WARN)
		refine_check(e);
	else
		refine_access(e);
}

/* ---- Where, and who ------------------------------------------------------------------------------ */

static void place_from_frame(struct iq_console *c, int i)
{
	struct iq_event *e = &c->analysis.event;

	e->frame = i;
	e->symbol.name = c->frames[i].function;
	e->symbol.module = e->module = c->frames[i].module;
	e->symbol.size = c->frames[i].size;
	e->offset = c->frames[i].offset;
}

static bool helper(const struct iq_console_frame *f)
{
	return !f->reliable || (!f->module && (iq_skip_function(f->function) || iq_skip_entry(f->function)));
}

/* panic()'s caller; of what only hangs, the first function that is no helper. */
static void find_place(struct iq_console *c)
{
	struct iq_event *e = &c->analysis.event;

	for (unsigned int i = 0; e->symbol.name && i < c->nr_frames; i++) {
		if (c->frames[i].offset == e->offset && !strcmp(c->frames[i].function, e->symbol.name)) {
			e->frame = (int)i;
			return;
		}
	}
	if (e->symbol.name || e->has_ip)
		return;
	for (unsigned int i = 0; i + 1 < c->nr_frames; i++) {
		if (!c->frames[i].reliable || (!iq_same_function(c->frames[i].function, "panic") &&
					       !iq_same_function(c->frames[i].function, "nmi_panic")))
			continue;
		while (i + 1 < c->nr_frames &&
		       (!c->frames[i + 1].reliable || iq_same_function(c->frames[i + 1].function, "panic") ||
			iq_same_function(c->frames[i + 1].function, "__stack_chk_fail") ||
			iq_same_function(c->frames[i + 1].function, "check_panic_on_warn") ||
			iq_same_function(c->frames[i + 1].function, "__schedule_bug")))
			i++;
		if (i + 1 < c->nr_frames)
			place_from_frame(c, (int)i + 1);
		return;
	}
	for (unsigned int i = 0; i < c->nr_frames; i++) {
		if (!helper(&c->frames[i])) {
			place_from_frame(c, (int)i);
			return;
		}
	}
}

static bool nobody_to_blame(enum iq_class class)
{
	return class == IQ_CLASS_NONE || class == IQ_CLASS_SYSRQ || class == IQ_CLASS_NMI ||
	       class == IQ_CLASS_MACHINE_CHECK || class == IQ_CLASS_OOM;
}

static void find_blame(struct iq_console *c)
{
	struct iq_analysis *a = &c->analysis;
	const struct iq_event *e = &a->event;
	struct iq_console_frame place = { e->symbol.name, e->module, e->offset, 0, true };

	if (nobody_to_blame(e->class))
		return;
	if (e->symbol.name && !helper(&place)) {
		a->blame = (struct iq_blame){ .present = true, .function = e->symbol.name, .module = e->module,
					      .why = "it happened there" };
		if (e->class == IQ_CLASS_WARN || e->class == IQ_CLASS_BUG) {
			a->blame.file = e->file;
			a->blame.line = e->line;
		}
		return;
	}
	for (unsigned int i = e->frame > 0 ? (unsigned int)e->frame : 0; i < c->nr_frames; i++) {
		const struct iq_console_frame *f = &c->frames[i];

		if (helper(f))
			continue;
		a->blame = (struct iq_blame){ .present = true, .function = f->function, .module = f->module,
					      .why = "the innermost caller that is no helper" };
		return;
	}
}

static void top_frames(struct iq_console *c, char *s, size_t room)
{
	unsigned int taken = 0;
	char plain[100];

	s[0] = '\0';
	if (c->analysis.event.frame < 0 && c->analysis.event.symbol.name) {
		iq_plain_function(c->analysis.event.symbol.name, plain, sizeof(plain));
		snprintf(s, room, "%s", plain);
		taken = 1;
	}
	for (unsigned int i = c->analysis.event.frame > 0 ? (unsigned int)c->analysis.event.frame : 0;
	     i < c->nr_frames && taken < 8; i++) {
		size_t len = strlen(s);

		if (!c->frames[i].reliable || iq_skip_entry(c->frames[i].function))
			continue;
		iq_plain_function(c->frames[i].function, plain, sizeof(plain));
		if (len + strlen(plain) + 2 >= room)
			break;
		snprintf(s + len, room - len, "%s%s", taken++ ? "|" : "", plain);
	}
	if (!taken)
		snprintf(s, room, "%s", iq_class_text(c->analysis.event.class));
}

/* The address that was accessed may speak for itself: poison of lists and slabs, error pointers. */
static void explain_address(struct iq_case *k)
{
	const struct iq_event *e = &k->analysis.event;
	struct iq_finding *f;
	struct iq_word w;

	if (!e->has_address || e->address < 65536 ||
	    (e->class != IQ_CLASS_NON_CANONICAL && e->class != IQ_CLASS_BAD_ACCESS) ||
	    !iq_word_explain(e->address, WORD_REACH, &w) || !w.id || w.weight < WORD_ENOUGH)
		return;
	f = iq_case_finding(k, w.id, w.class, IQ_CONFIDENCE_LIKELY, "the address is %s", w.text);
	iq_finding_evidence(k, f, IQ_SOURCE_LOG, 0, iq_case_text(k, "0x%" PRIx64, e->address),
			    "the address that was accessed");
	f->cause = true;
	f->refuted_by = "another meaning of this very number";
}

static struct iq_error *conclude(struct iq_console *c, const struct console_text *t)
{
	struct iq_case k = { .arena = c->arena, .analysis = c->analysis };
	struct iq_error *err;

	iq_console_machine_checks(&k, t);
	explain_address(&k);
	err = iq_stage_signature(&k);
	if (!err)
		err = iq_stage_verdict(&k);
	c->arena = k.arena;
	c->analysis = k.analysis;
	top_frames(c, c->analysis.signature[2], sizeof(c->analysis.signature[2]));
	return err;
}

/* ---- Entrances ----------------------------------------------------------------------------------- */

static struct iq_error *read_lines(struct iq_console *c, const struct console_text *t)
{
	struct iq_event *e = &c->analysis.event;
	struct choice choice;

	e->message = "";
	e->cpu = e->frame = e->trap = -1;
	c->analysis.insn.operand = c->analysis.insn.reg = -1;
	choose(t, &choice, &c->nr_reports);
	e->confidence = IQ_CONFIDENCE_LIKELY;
	if (choice.found) {
		c->line = t->lines[choice.line].number;
		e->class = choice.head.class;
		e->message = text(c, choice.words ? choice.words : choice.head.at, 300);
		e->message_from_log = true;
		iq_console_details(c, t, choice.line, &choice.head);
		refine(e);
		find_place(c);
		find_blame(c);
	}
	return conclude(c, t);
}

struct iq_error *iq_console_read(const char *log, size_t len, struct iq_console **ret)
{
	struct iq_console *c = calloc(1, sizeof(*c));
	struct console_text t;
	struct iq_error *err;

	if (!c)
		return iq_error_nomem();
	err = iq_console_lines(log, len, &t);
	if (!err) {
		err = read_lines(c, &t);
		iq_console_lines_free(&t);
	}
	if (err) {
		iq_console_free(c);
		return err;
	}
	*ret = c;
	return NULL;
}

/* Bytes of the lines before LINE. */
static size_t length_before(const char *log, size_t len, unsigned int line)
{
	size_t at = 0;

	for (unsigned int n = 1; n < line && at < len; n++) {
		const char *end = memchr(log + at, '\n', len - at);

		at = end ? (size_t)(end - log) + 1 : len;
	}
	return at;
}

struct iq_error *iq_console_read_log_before(struct iq_kernel *k, unsigned int line,
					    struct iq_console **ret)
{
	const struct iq_log_record *r;
	struct iq_buf b = { 0 };
	struct iq_error *err;
	unsigned int nr;

	IQ_TRY(iq_log(k, &r, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		if (r[i].caller)
			iq_buf_printf(&b, "[%c%u]", r[i].caller >> 31 ? 'C' : 'T', r[i].caller & 0x7fffffff);
		iq_buf_add(&b, r[i].text, r[i].len);
		iq_buf_putc(&b, '\n');
	}
	err = b.failed ? iq_error_nomem()
		       : iq_console_read(iq_buf_str(&b), length_before(iq_buf_str(&b), b.len, line),
					 ret);
	iq_buf_free(&b);
	return err;
}

struct iq_error *iq_console_read_log(struct iq_kernel *k, struct iq_console **ret)
{
	return iq_console_read_log_before(k, UINT_MAX, ret);
}

void iq_console_free(struct iq_console *c)
{
	if (!c)
		return;
	free(c->analysis.findings);
	iq_arena_free(&c->arena);
	free(c);
}
