/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel had reported before somebody asked for a dump: a check of its own had found damage and mended it,
 * so that memory no longer shows it.  The log alone tells, and its trace leads to code that is still there.
 */
#include "earlier.h"
#include "event.h"
#include "provenance.h"
#include "skip.h"

#include <inquest/console.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CODE_MOST (16u << 10)
#define FRAMES_MOST 32u
#define FRAMES_LOOKED_INTO 4u /* from the one that found the damage outward */

uint64_t iq_call_before(struct iq_case *c, const struct iq_symbol *s, uint64_t ip,
			bool (*wanted)(struct iq_case *c, uint64_t target, const void *arg),
			const void *arg, uint64_t *target)
{
	uint64_t len = ip - s->address, found = 0;
	struct iq_insn insn;
	uint8_t *code;

	if (!s->name || ip <= s->address || len > CODE_MOST)
		return 0;
	code = malloc(len);
	if (code && iq_vm_read(c->k->vm, s->address, code, len, NULL) == IQ_MEM_OK) {
		for (uint64_t i = 0; i < len; i += insn.length) {
			if (!iq_insn_decode(c->k->arch, code + i, len - i, s->address + i, &insn) ||
			    insn.bad)
				break;
			/* The last instruction is the call that the frame is in. */
			if (i + insn.length >= len || insn.flow != IQ_FLOW_CALL ||
			    !insn.has_target || !wanted(c, insn.target, arg))
				continue;
			found = s->address + i;
			*target = insn.target;
		}
	}
	free(code);
	return found;
}

struct place {
	struct iq_symbol symbol;
	uint64_t ip;
};

/* The frames of a trace in the log, as far as their functions are still there; those that only look are left out. */
static unsigned int find_places(struct iq_case *c, const struct iq_console *log, struct place *ret)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < log->nr_frames && nr < FRAMES_MOST; i++) {
		const struct iq_console_frame *f = &log->frames[i];
		struct place *p = &ret[nr];

		if (!f->reliable || !iq_symbol_named(c->k, f->function, &p->symbol) ||
		    (p->symbol.module && (!f->module || strcmp(p->symbol.module, f->module) != 0)) ||
		    f->offset > CODE_MOST ||
		    (!p->symbol.module && (iq_skip_function(f->function) || iq_skip_entry(f->function))))
			continue;
		p->ip = p->symbol.address + f->offset;
		nr++;
	}
	return nr;
}

static bool is_target(struct iq_case *c, uint64_t target, const void *arg)
{
	(void)c;
	return target == *(const uint64_t *)arg;
}

/* Somebody in the same module as the place that ARG is, and other than it. */
static bool is_neighbour(struct iq_case *c, uint64_t target, const void *arg)
{
	const struct place *p = arg;
	struct iq_symbol s;

	return target != p->symbol.address && iq_symbol_at(c->k, target, &s) && s.address == target &&
	       p->symbol.module && s.module && !strcmp(s.module, p->symbol.module);
}

static void set_blame(struct iq_case *c, const struct iq_symbol *s, uint64_t at, const char *why)
{
	struct iq_blame *b = &c->analysis.blame;

	*b = (struct iq_blame){.present = true,
			       .function = iq_case_text(c, "%s", s->name),
			       .module = s->module,
			       .why = why};
	iq_blame_line(c, at, b);
}

/* Of a second free: who calls the function once more that somebody further out had called before. */
static void blame_second(struct iq_case *c, const struct place *p, unsigned int nr)
{
	uint64_t target;

	for (unsigned int j = 2; j < nr && j <= FRAMES_LOOKED_INTO; j++) {
		uint64_t at = iq_call_before(c, &p[j].symbol, p[j].ip, is_target,
					     &p[0].symbol.address, &target);

		if (!at)
			continue;
		set_blame(c, &p[1].symbol, p[1].ip - 1,
			  iq_case_text(c,
				       "by the trace in the log it calls %s(), which %s() had called "
				       "before (instruction at 0x%" PRIx64 ")",
				       p[0].symbol.name, p[j].symbol.name, at));
		return;
	}
}

/* Of damage that a check found: the last function of the module that was called before the one in which the check ran. */
static void blame_last(struct iq_case *c, const struct place *p, unsigned int nr)
{
	for (unsigned int j = 1; j < nr && j <= FRAMES_LOOKED_INTO; j++) {
		uint64_t target, at = iq_call_before(c, &p[j].symbol, p[j].ip, is_neighbour, &p[0], &target);
		struct iq_symbol s;

		if (!at || !iq_symbol_at(c->k, target, &s))
			continue;
		set_blame(c, &s, target,
			  iq_case_text(c,
				       "by the trace in the log %s() calls it (instruction at 0x%" PRIx64
				       ") last before %s(), in which the damage was found",
				       p[j].symbol.name, at, p[0].symbol.name));
		return;
	}
}

static bool is_damage(enum iq_class class)
{
	return class == IQ_CLASS_USE_AFTER_FREE || class == IQ_CLASS_DOUBLE_FREE ||
	       class == IQ_CLASS_INVALID_FREE || class == IQ_CLASS_HEAP_OVERFLOW ||
	       class == IQ_CLASS_LIST_CORRUPTION || class == IQ_CLASS_MEMORY_CORRUPTION ||
	       class == IQ_CLASS_REFCOUNT;
}

static bool has_class(const struct iq_analysis *a, enum iq_class class)
{
	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (a->findings[i].class == class)
			return true;
	}
	return false;
}

static void report(struct iq_case *c, const struct iq_console *log, const char *words)
{
	const struct iq_event *said = &log->analysis.event;
	struct place places[FRAMES_MOST];
	unsigned int nr = find_places(c, log, places);
	struct iq_finding *f;

	f = iq_case_finding(c, "log.earlier", said->class, IQ_CONFIDENCE_LIKELY, "before that, %s: %s", words,
			    said->message);
	iq_finding_evidence(c, f, IQ_SOURCE_LOG, 0, said->message, "line %u of the log", log->line);
	if (nr)
		iq_finding_evidence(c, f, IQ_SOURCE_LOG, places[0].ip, NULL,
				    "%s() was on the stack then, by the trace in the log",
				    places[0].symbol.name);
	f->refuted_by = "a log that was written to by somebody else";
	if (c->analysis.blame.present || nr < 2)
		return;
	if (said->class == IQ_CLASS_DOUBLE_FREE)
		blame_second(c, places, nr);
	else if (said->class == IQ_CLASS_HEAP_OVERFLOW || said->class == IQ_CLASS_USE_AFTER_FREE)
		blame_last(c, places, nr);
}

void iq_report_earlier(struct iq_case *c, const char *const *words)
{
	struct iq_console *log = NULL, *before = NULL;
	struct iq_error *err = iq_console_read_log(c->k, &log);
	enum iq_class class;

	if (!err && log->line > 1)
		err = iq_console_read_log_before(c->k, log->line, &before);
	class = before ? before->analysis.event.class : IQ_CLASS_NONE;
	if (is_damage(class) && !has_class(&c->analysis, class))
		report(c, before, words[class] ? words[class] : "the kernel found damage");
	iq_error_free(err);
	iq_console_free(before);
	iq_console_free(log);
}
