/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event: what the kernel's own check or the CPU reported first, from stacks, registers and code.  The log is
 * asked last, and only as a witness.
 */
#include "event.h"

#include <inquest/module.h>
#include <string.h>

/* CPUs whose stacks are looked at if that of the task that panicked tells nothing. */
#define CPUS_MOST 128

/* ---- The stack that tells ------------------------------------------------------------------------ */

static bool take_trace(struct iq_case *c, uint64_t address)
{
	struct iq_task t;
	struct iq_error *err;

	if (c->has_trace)
		iq_backtrace_free(&c->trace);
	c->has_trace = false;
	err = address ? iq_task_read(c->k, address, &t) : NULL;
	if (!err && address) {
		err = iq_backtrace(c->k, &t, &c->trace);
		c->has_trace = !err && c->trace.nr;
	}
	iq_error_free(err);
	return c->has_trace;
}

static bool find_site(struct iq_case *c, uint64_t panicked, struct site *s)
{
	unsigned int nr;
	const struct iq_cpu *cpus;

	if (take_trace(c, panicked) && iq_site_find(&c->trace, s))
		return true;
	cpus = iq_kernel_cpus(c->k, &nr);
	for (unsigned int i = 0; i < nr && i < CPUS_MOST; i++) {
		if (!cpus[i].current || cpus[i].current == panicked)
			continue;
		if (take_trace(c, cpus[i].current) && iq_site_find(&c->trace, s))
			return true;
	}
	take_trace(c, panicked);
	return false;
}

/* ---- Place --------------------------------------------------------------------------------------- */

void iq_event_place(struct iq_case *c, struct iq_event *e, int frame)
{
	const struct iq_frame *f;

	if (frame < 0 || !c->has_trace || frame >= (int)c->trace.nr)
		return;
	f = &c->trace.frames[frame];
	e->frame = frame;
	e->has_ip = true;
	e->ip = f->ip;
	e->symbol = f->symbol;
	e->offset = f->symbol.name ? f->offset : 0;
	e->module = f->symbol.name ? f->symbol.module : NULL;
	if (f->has_trap) {
		e->has_regs = true;
		e->regs = f->trap;
	}
}

bool iq_event_argument(struct iq_case *c, unsigned int n, const char *name, uint64_t *value)
{
	struct iq_frame_variables v;
	struct iq_error *err = iq_args_frame(c->args, n, &v);
	bool found = false;

	if (err) {
		iq_error_free(err);
		return false;
	}
	for (unsigned int i = 0; i < v.nr && !found; i++) {
		const struct iq_frame_variable *x = &v.list[i];
		const uint8_t *bytes = x->passed ? x->passed : x->bytes;

		if (!x->parameter || strcmp(x->name, name) || !x->size || x->size > 8 ||
		    x->certainty == IQ_VALUE_UNAVAILABLE)
			continue;
		if (bytes) {
			*value = iq_le(bytes, x->size == 8 || x->size == 4 || x->size == 2 ? x->size : 1);
			found = true;
		} else if (x->in_memory) {
			found = !iq_vm_read_uint(c->k->vm, x->address, (unsigned int)x->size, value);
		}
	}
	iq_frame_variables_free(&v);
	return found;
}

/* ---- panic() ------------------------------------------------------------------------------------- */

/* The format is in the kernel's read-only data, not in the log; what was filled in is not known but for %pB. */
static const char *panic_words(struct iq_case *c, int frame, const struct iq_event *e)
{
	uint64_t address;
	struct iq_buf b = { 0 };
	char format[200];
	const char *words;

	if (frame < 0 || !iq_event_argument(c, (unsigned int)frame, "fmt", &address) ||
	    iq_vm_read_string(c->k->vm, address, format, sizeof(format)) || !format[0])
		return NULL;
	for (const char *p = format; *p; p++) {
		if (*p == '\n' || (*p == '%' && p[1] == '%')) {
			continue;
		} else if (*p != '%') {
			iq_buf_putc(&b, *p);
		} else if (!strncmp(p, "%pB", 3) && e->symbol.name) {
			iq_buf_printf(&b, "%s+0x%llx", e->symbol.name, (unsigned long long)e->offset);
			p += 2;
		} else {
			iq_buf_puts(&b, "...");
			p += strspn(p, "%-+ #0123456789.lhzpj");
			while (p[1] && !strchr(" ,.:;!?()[]'\"\n%", p[1]) && p[-1] == 'p')
				p++;
			if (!*p)
				break;
		}
	}
	/* "%s" alone says nothing */
	words = strspn(iq_buf_str(&b), ".") == b.len ? NULL : iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return words;
}

/* The panic has a caller of which nothing is known: the words it gives decide, and what it interrupted. */
static void from_panic(struct iq_case *c, struct iq_event *e, const struct site *s)
{
	const char *words = panic_words(c, s->panic, e);

	if (e->class == IQ_CLASS_PANIC_CALL || e->class == IQ_CLASS_NONE) {
		e->class = words ? iq_report_by_format(words) : IQ_CLASS_PANIC_CALL;
		if (e->class == IQ_CLASS_PANIC_CALL && s->vector == TRAP_NMI)
			e->class = IQ_CLASS_NMI;
		if (e->class == IQ_CLASS_PANIC_CALL && s->vector == TRAP_MACHINE_CHECK)
			e->class = IQ_CLASS_MACHINE_CHECK;
	}
	if (words && !*e->message)
		e->message = iq_case_text(c, "Kernel panic - not syncing: %s", words);
}

/* ---- KFENCE -------------------------------------------------------------------------------------- */

/*
 * KFENCE's report of a page fault in its pool, or of what it found when an object was freed (mm/kfence/report.c).  What the kind
 * of error was is an argument that nobody keeps; what the object is tells as much.
 */
static void from_kfence(struct iq_case *c, struct iq_event *e, const struct site *s)
{
	int report = -1, from = s->trap >= 0 ? s->trap : (int)c->trace.nr;
	bool freeing = false, canary = false;
	uint64_t meta, state, at;
	int64_t freed, allocated;
	struct iq_types *types = iq_kernel_types(c->k);

	for (int i = from - 1; i >= 0 && report < 0; i--) {
		const char *name = c->trace.frames[i].symbol.name;

		if (iq_same_function(name, "kfence_report_error"))
			report = i;
		freeing |= iq_same_function(name, "kfence_guarded_free");
		canary |= iq_same_function(name, "check_canary") || iq_same_function(name, "check_canary_byte");
	}
	if (report < 0)
		return;
	e->class = canary ? IQ_CLASS_HEAP_OVERFLOW : freeing ? IQ_CLASS_INVALID_FREE : IQ_CLASS_BAD_ACCESS;
	e->message = "KFENCE report";
	e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	if (canary || !types || !iq_event_argument(c, (unsigned int)report, "meta", &meta) || !meta ||
	    !iq_kernel_offset(c->k, "kfence_metadata", "state", &at, NULL) ||
	    iq_vm_read_uint(c->k->vm, meta + at, 4, &state))
		return;
	if (iq_enumerator_by_name(types, "KFENCE_OBJECT_FREED", &freed) && state == (uint64_t)freed) {
		e->class = freeing ? IQ_CLASS_DOUBLE_FREE : IQ_CLASS_USE_AFTER_FREE;
		e->message = freeing ? "KFENCE: invalid free of a free object" : "KFENCE: use-after-free";
	} else if (!freeing && iq_enumerator_by_name(types, "KFENCE_OBJECT_ALLOCATED", &allocated) &&
		   state == (uint64_t)allocated) {
		e->class = IQ_CLASS_HEAP_OVERFLOW;
		e->message = "KFENCE: out-of-bounds access";
	} else {
		return;
	}
	e->confidence = IQ_CONFIDENCE_CERTAIN;
	iq_event_evidence(c, e, IQ_SOURCE_MEMORY, meta, NULL, "KFENCE's record of the object, which is %s",
			  e->class == IQ_CLASS_HEAP_OVERFLOW ? "allocated" : "freed");
}

/* ---- Reports ------------------------------------------------------------------------------------- */

/* The outermost frame of the functions that hand the report on: panic() calls vpanic(), which calls itself. */
static int caller_of(const struct iq_backtrace *b, int frame)
{
	int i = frame + 1;

	while (i < (int)b->nr && !b->frames[i].has_trap &&
	       (iq_same_function(b->frames[i].symbol.name, "panic") ||
		iq_same_function(b->frames[i].symbol.name, "nmi_panic")))
		i++;
	return i < (int)b->nr ? i : frame;
}

static bool frames_reliable(const struct iq_backtrace *b, int from, int to)
{
	for (int i = IQ_MAX(from, 0); i <= to && i < (int)b->nr; i++) {
		if (!b->frames[i].reliable)
			return false;
	}
	return true;
}

static void from_report(struct iq_case *c, struct iq_event *e, const struct site *s)
{
	const struct report *r = s->how;
	int frame = s->report;

	if (r->place == PLACE_CALLER)
		frame = caller_of(&c->trace, s->report);
	else if (r->place == PLACE_INTERRUPTED && s->trap >= 0)
		frame = s->trap;
	e->class = r->class;
	iq_event_place(c, e, frame);
	/* What is interrupted at a tick is no exception: its registers stand, but no trap. */
	iq_event_evidence(c, e, IQ_SOURCE_MEMORY, c->trace.frames[s->report].sp, NULL,
			  "%s() is on the stack of the task, and leads to panic()",
			  c->trace.frames[s->report].symbol.name);
	from_panic(c, e, s);
	if (!*e->message && r->words)
		e->message = iq_case_text(c, "%s", r->words);
	e->confidence = frames_reliable(&c->trace, s->panic, s->report) ? IQ_CONFIDENCE_CERTAIN
									 : IQ_CONFIDENCE_LIKELY;
}

static void from_exception(struct iq_case *c, struct iq_event *e, const struct site *s)
{
	const struct iq_frame *f = &c->trace.frames[s->trap];
	uint64_t code;

	iq_event_place(c, e, s->trap);
	e->trap = s->vector;
	for (int i = s->trap - 1; i >= 0 && i >= s->trap - 4 && !e->has_error_code; i--) {
		if (!iq_event_argument(c, (unsigned int)i, "error_code", &code))
			continue;
		e->has_error_code = true;
		e->error_code = code;
	}
	iq_event_evidence(c, e, IQ_SOURCE_REGISTERS, f->trap_address, NULL,
			  "the exception's registers (struct pt_regs) are on the stack");
	e->confidence = f->trap_partial ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_CERTAIN;
	iq_event_trap(c, e);
}

/*
 * Nothing on the stack says how it ended, but the CPU is known to have panicked: a kernel that saved itself keeps
 * the registers of the exception, and what came after them may not be in the dump.
 */
static void from_registers(struct iq_case *c, struct iq_event *e)
{
	if (iq_panic_cpu(c->k) < 0 || !c->has_trace || !c->trace.frames[0].exact_ip)
		return;
	iq_event_place(c, e, 0);
	e->has_regs = true;
	e->regs = c->trace.frames[0].regs;
	iq_event_trap(c, e);
	if (e->class == IQ_CLASS_NONE)
		e->class = IQ_CLASS_PANIC_CALL;
	e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_POSSIBLE);
}

/*
 * Is it known that nothing happened?  Nobody panicked, nobody oopsed, and the stacks that would show it could be read.
 */
static bool is_healthy(struct iq_case *c)
{
	uint64_t cpu, oopses;

	return c->has_trace && c->trace.nr > 1 && iq_kernel_variable(c->k, "panic_cpu", 4, &cpu) &&
	       (int32_t)cpu < 0 && (!iq_kernel_symbol(c->k, "die_counter") ||
				    (iq_kernel_variable(c->k, "die_counter", 4, &oopses) && !oopses));
}

static void say_who(struct iq_case *c, struct iq_event *e)
{
	if (!c->has_trace)
		return;
	e->task = c->trace.task;
	e->cpu = c->trace.cpu >= 0 ? c->trace.cpu : iq_panic_cpu(c->k);
}

struct iq_error *iq_stage_event(struct iq_case *c)
{
	struct iq_event *e = &c->analysis.event;
	uint64_t panicked = iq_panic_task(c->k);
	struct site s;
	bool found = find_site(c, panicked, &s);

	if (c->has_trace)
		IQ_TRY(iq_args_trace(c->args, &c->trace));
	if (found) {
		if (s.trap >= 0 && s.how && s.how->place == PLACE_TRAP)
			from_exception(c, e, &s);
		else if (s.how && s.how->place != PLACE_TRAP)
			from_report(c, e, &s);
		else if (s.trap >= 0 && s.vector >= 0 && s.vector != TRAP_NMI)
			from_exception(c, e, &s);
		else
			from_panic(c, e, &s);
		from_kfence(c, e, &s);
		if (s.panic >= 0 && !*e->message)
			from_panic(c, e, &s);
		say_who(c, e);
	} else {
		from_registers(c, e);
		if (e->class != IQ_CLASS_NONE)
			say_who(c, e);
		else if (is_healthy(c))
			e->confidence = IQ_CONFIDENCE_LIKELY;
	}
	if (e->class != IQ_CLASS_NONE && !*e->message)
		e->message = e->symbol.name ? iq_case_text(c, "panic() was called by %s()", e->symbol.name)
					    : "panic() was called";
	iq_event_first(c, e);
	iq_event_records(c, e);
	iq_event_log(c, e);
	return NULL;
}
