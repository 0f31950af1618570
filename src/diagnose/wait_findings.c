/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits say about the cause: circles, who holds everybody up, locks that nobody will ever give back. */
#include "held.h"
#include "provenance.h"
#include "stages.h"
#include "wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MANY_TASKS 20000 /* of more the stacks are looked at only if the event asks for it */
#define MAX_ROOTS 4
#define AT_ONCE 0.5 /* seconds: waits that begin within these may have begun in any order */

/* Events that are what waiting looks like from outside, or a dump that somebody took of a machine that hung. */
static bool is_hang(enum iq_class c)
{
	return c == IQ_CLASS_HUNG_TASK || c == IQ_CLASS_SOFT_LOCKUP || c == IQ_CLASS_HARD_LOCKUP ||
	       c == IQ_CLASS_RCU_STALL || c == IQ_CLASS_SYSRQ || c == IQ_CLASS_NMI;
}

static const char *object_text(struct iq_case *c, const struct iq_wait *w)
{
	struct iq_buf b = {0};
	const char *text;

	iq_wait_object_line(c->k, c->describer, w, &b);
	text = iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return text;
}

/* The same in short: what it lies in is said with the evidence. */
static const char *object_name(struct iq_case *c, const struct iq_wait *w)
{
	char name[256];

	if (!w->object)
		return iq_wait_kind_text(w->kind);
	if (iq_symbol_format(c->k, w->object, true, true, name, sizeof(name)))
		return iq_case_text(c, "%s %s", iq_wait_kind_text(w->kind), name);
	return iq_case_text(c, "%s 0x%" PRIx64, iq_wait_kind_text(w->kind), w->object);
}

static const char *who(struct iq_case *c, const struct iq_task *t)
{
	return iq_case_text(c, "%.16s (pid %u)", t->comm, t->pid);
}

static const char *where(struct iq_case *c, const struct iq_wait *w)
{
	if (!w->function[0])
		return "";
	return iq_case_text(c, " in %s()%s%s%s", w->function, w->module[0] ? " [" : "", w->module,
			    w->module[0] ? "]" : "");
}

/* Did A wait already when B began to, for sure?  Clocks of two CPUs differ a little. */
static bool waited_before(const struct iq_wait *a, const struct iq_wait *b)
{
	return a->has_age && b->has_age && a->age > b->age + AT_ONCE;
}

/* Why W waits, and why its owner is who it is. */
static enum iq_confidence add_edge(struct iq_case *c, struct iq_finding *f, const struct iq_wait *w)
{
	if (w->entry)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->entry, NULL,
				    "%s is in the list of those who wait for it", who(c, &w->task));
	else
		iq_finding_evidence(c, f, IQ_SOURCE_CODE, w->ip, NULL, "%s spins%s", who(c, &w->task),
				    where(c, w));
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->object, NULL, "%s", object_text(c, w));
	if (w->owner_from)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->owner, NULL, "its holder: %s",
				    w->owner_from);
	if (w->taken_at)
		iq_finding_evidence(c, f, IQ_SOURCE_CODE, w->taken_at, NULL, "the call that took it");
	return w->proven ? w->owner_confidence : IQ_MIN(w->owner_confidence, IQ_CONFIDENCE_LIKELY);
}

/* Whoever waits there is at fault, unless somebody is blamed already. */
static void blame_wait(struct iq_case *c, const struct iq_wait *w, const char *why)
{
	struct iq_blame *b = &c->analysis.blame;

	if (b->present || !w || !w->function[0])
		return;
	*b = (struct iq_blame){ .present = true, .function = iq_case_text(c, "%s", w->function),
				.module = w->module[0] ? iq_case_text(c, "%s", w->module) : NULL, .why = why };
	iq_blame_line(c, w->ip - 1, b);
}

static void report_self(struct iq_case *c, const struct iq_wait *w, bool cause)
{
	struct iq_finding *f = iq_case_finding(
		c, "wait.self", IQ_CLASS_DEADLOCK, w->owner_confidence,
		"%s waits%s for %s: %s", who(c, &w->task), where(c, w),
		w->kind == IQ_WAIT_WORK ? "what can only run when it is done itself" : "a lock that it holds itself",
		object_name(c, w));

	f->confidence = add_edge(c, f, w);
	f->cause = cause;
	if (cause)
		blame_wait(c, w, "it waits for what can only end after it");
	f->refuted_by = w->owner_confidence < IQ_CONFIDENCE_CERTAIN
				? "the lock was taken by code that has returned without giving it back"
				: "the lock's owner word was overwritten";
}

/* A task's start_time, in ns; 0 unknown. */
static uint64_t started(struct iq_case *c, const struct iq_task *t)
{
	uint64_t time;

	return wait_read(c->k, t->address, "task_struct", "start_time", 8, &time) ? time : 0;
}

/*
 * Which of the waits of a circle is the one to change?  The wait that closed the circle, if the others were there long
 * before.  Otherwise the order of locks that came second, as lockdep has it: the younger task's.
 */
static bool closes(struct iq_case *c, const struct iq_wait *a, const struct iq_wait *b)
{
	uint64_t started_a = started(c, &a->task), started_b = started(c, &b->task);

	if (waited_before(a, b) || waited_before(b, a))
		return waited_before(b, a);
	return started_a != started_b ? started_a > started_b : a->task.pid > b->task.pid;
}

/* Of a circle any other party's order may be the wrong one as well. */
static void blame_parties(struct iq_case *c, const struct iq_waits *w, int first, const struct iq_wait *last)
{
	bool at_once = false;
	int at = first;

	for (unsigned int n = 0; n < 6; n++) {
		const struct iq_wait *one = &w->list[at];
		struct iq_finding *f;

		if (one != last && one->function[0] && strcmp(one->function, last->function) != 0) {
			at_once = at_once || !waited_before(one, last);
			f = iq_case_finding(c, "blame.party", IQ_CLASS_DEADLOCK,
					    IQ_CONFIDENCE_POSSIBLE,
					    "%s() may be at fault rather than %s(): of orders that "
					    "contradict each other either can be changed",
					    one->function, last->function);
			f->alternative = true;
			iq_finding_evidence(c, f, IQ_SOURCE_CODE, one->ip, NULL, "it waits here");
			f->refuted_by = "everybody else takes the locks in the order that it does";
		}
		at = one->next;
		if (at == first)
			break;
	}
	blame_wait(c, last, at_once ? "of those who take the locks in orders that contradict each "
				      "other, its task came last"
				    : "it was the last to wait: its wait closed the circle");
}

static void report_cycle(struct iq_case *c, const struct iq_waits *w, unsigned int cycle, bool cause)
{
	enum iq_confidence sure = IQ_CONFIDENCE_CERTAIN;
	const struct iq_wait *last = NULL;
	struct iq_buf text = {0};
	struct iq_finding *f;
	int first = -1, at;
	unsigned int n = 0;

	for (unsigned int i = 0; first < 0 && i < w->nr; i++) {
		if (w->list[i].cycle == cycle)
			first = (int)i;
	}
	if (first < 0)
		return;
	if (w->list[first].next == first) {
		report_self(c, &w->list[first], cause);
		return;
	}
	at = first;
	do {
		const struct iq_wait *one = &w->list[at];

		if (!last || closes(c, one, last))
			last = one;
		if (n++ < 6)
			iq_buf_printf(&text, "%s%s waits%s for %s", n > 1 ? "; " : "", who(c, &one->task),
				      where(c, one), object_name(c, one));
		at = one->next;
		if (n <= 6)
			iq_buf_printf(&text, ", which %s holds", who(c, &w->list[at].task));
	} while (at != first);
	f = iq_case_finding(c, "wait.cycle", IQ_CLASS_DEADLOCK, sure, "%u tasks wait for each other: %s", n,
			    iq_buf_str(&text));
	iq_buf_free(&text);
	n = 0;
	do {
		if (n++ < 6) {
			enum iq_confidence edge = add_edge(c, f, &w->list[at]);

			sure = IQ_MIN(sure, edge);
		}
		at = w->list[at].next;
	} while (at != first);
	f->confidence = sure;
	f->cause = cause;
	f->refuted_by = "a lock word or wait list was overwritten";
	if (cause)
		blame_parties(c, w, first, last);
}

/* How many wait for TASK, directly or through others; bounded by one step a wait. */
static unsigned int held_up_by(const struct iq_waits *w, uint64_t task)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->nr; i++) {
		const struct iq_wait *one = &w->list[i];

		for (unsigned int steps = 0; one && steps < 64; steps++) {
			if (one->owner == task) {
				n++;
				break;
			}
			one = one->next >= 0 ? &w->list[one->next] : NULL;
		}
	}
	return n;
}

static bool in_cycle(const struct iq_waits *w, const struct iq_wait *one)
{
	for (unsigned int steps = 0; steps < 64 && one->next >= 0; steps++) {
		if (one->cycle)
			return true;
		one = &w->list[one->next];
	}
	return one->cycle != 0;
}

/*
 * A task that waits for an event which does not come while it holds a lock: whoever holds the lock over the wait, if
 * that is another function than the one which waits.  One that sleeps for a time is itself what takes so long.
 */
static void blame_root(struct iq_case *c, const struct iq_wait *own, uint64_t lock)
{
	struct iq_blame *b = &c->analysis.blame;
	struct iq_backtrace trace = {0};
	struct iq_error *err;
	unsigned int frame;
	uint64_t at;

	if (b->present || !own)
		return;
	err = own->kind == IQ_WAIT_COMPLETION || own->kind == IQ_WAIT_QUEUE
		      ? iq_backtrace(c->k, &own->task, &trace)
		      : NULL;
	if (!err && trace.nr && held_by(c->k, &trace, 0, lock, &frame, &at)) {
		const struct iq_frame *f = &trace.frames[frame];

		*b = (struct iq_blame){
			.present = true,
			.function = iq_case_text(c, "%s", f->symbol.name),
			.module = f->symbol.module,
			.why = iq_case_text(c,
					    "it takes the lock (call at 0x%" PRIx64
					    ") and holds it while %s() waits for what may never come",
					    at, own->function)};
		iq_blame_line(c, at, b);
	}
	iq_error_free(err);
	iq_backtrace_free(&trace);
	blame_wait(c, own, "it waits there while it holds what others wait for");
}

/* A task that holds what others wait for and is not itself held up by anybody known. */
static void report_root(struct iq_case *c, const struct iq_waits *w, const struct iq_wait *child,
			bool cause)
{
	const struct iq_task *t = iq_task_by_address(c->k, child->owner);
	const struct iq_wait *own = iq_waits_of(w, child->owner);
	unsigned int n = held_up_by(w, child->owner);
	struct iq_finding *f;

	if (!t)
		return;
	f = iq_case_finding(c, "wait.root", IQ_CLASS_HUNG_TASK,
			    IQ_MIN(child->owner_confidence, IQ_CONFIDENCE_LIKELY),
			    "%u task%s wait%s for what %s holds, which %s%s%s", n, n == 1 ? "" : "s",
			    n == 1 ? "s" : "", who(c, t),
			    own && own->kind ? "itself waits for " : t->running ? "runs" : "sleeps",
			    own && own->kind ? object_name(c, own) : "", own ? where(c, own) : "");
	add_edge(c, f, child);
	f->cause = cause;
	if (cause)
		blame_root(c, own, child->object);
	f->refuted_by = "it would have given it back in time";
}

/* Waits whose holder is not known: for an event, a page, I/O. */
static void report_unknown(struct iq_case *c, const struct iq_wait *w, bool cause)
{
	struct iq_finding *f;

	f = iq_case_finding(c, "wait.object", IQ_CLASS_HUNG_TASK, IQ_CONFIDENCE_LIKELY,
			    "%s waits%s for %s%s; nothing in memory says who should end that wait",
			    who(c, &w->task), where(c, w), object_name(c, w),
			    w->has_age ? iq_case_text(c, ", for %.0f s", w->age) : "");
	if (w->entry)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->entry, NULL, "its entry, linked with %s",
				    object_text(c, w));
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->task.address, NULL, "the task that waits");
	if (w->kind == IQ_WAIT_MUTEX && w->free)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->object, "0",
				    "mutex.owner: it is free, and yet somebody waits for it");
	f->cause = cause;
	if (cause)
		blame_wait(c, w, "it waits there");
}

/* The lock says that a task holds it which does not exist any more. */
static void report_gone(struct iq_case *c, const struct iq_wait *w, bool cause)
{
	struct iq_finding *f;

	f = iq_case_finding(c, "wait.gone", IQ_CLASS_DEADLOCK, IQ_CONFIDENCE_LIKELY,
			    "%s waits%s for %s, whose holder has ended without giving it back",
			    who(c, &w->task), where(c, w), object_name(c, w));
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->object, NULL, "%s", object_text(c, w));
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->gone, NULL,
			    "the owner word names this task_struct, which no task has");
	f->cause = cause;
	f->refuted_by = "the lock's owner word was overwritten";
}

static void report_all(struct iq_case *c, const struct iq_waits *w)
{
	const struct iq_event *e = &c->analysis.event;
	bool hang = is_hang(e->class), hung = e->class == IQ_CLASS_HUNG_TASK;
	uint64_t told[MAX_ROOTS] = {0};
	unsigned int roots = 0, unknown = 0;

	for (unsigned int i = 1; i <= w->cycles && i <= MAX_ROOTS; i++)
		report_cycle(c, w, i, hang);
	for (unsigned int i = 0; i < w->nr; i++) {
		const struct iq_wait *one = &w->list[i];
		bool seen = false;

		if (one->gone) {
			if (roots++ < MAX_ROOTS)
				report_gone(c, one, hung && !w->cycles);
			continue;
		}
		if (in_cycle(w, one) || !one->owner || (one->next >= 0 && w->list[one->next].owner))
			continue;
		for (unsigned int n = 0; n < roots && n < MAX_ROOTS; n++)
			seen = seen || told[n] == one->owner;
		if (seen || roots >= MAX_ROOTS)
			continue;
		told[roots++] = one->owner;
		report_root(c, w, one, hung && !w->cycles);
	}
	for (unsigned int i = 0; hung && !w->cycles && !roots && i < w->nr; i++) {
		if (!w->list[i].owner && !w->list[i].task.running && unknown++ < MAX_ROOTS)
			report_unknown(c, &w->list[i], unknown == 1);
	}
}

struct iq_error *iq_stage_waits(struct iq_case *c)
{
	const struct iq_task *tasks;
	struct iq_waits w;
	unsigned int nr;

	IQ_TRY(iq_tasks(c->k, &tasks, &nr));
	if (nr > MANY_TASKS && !is_hang(c->analysis.event.class))
		return NULL;
	IQ_TRY(iq_waits_find(c->k, c->cancel, &w));
	report_all(c, &w);
	iq_waits_free(&w);
	return NULL;
}
