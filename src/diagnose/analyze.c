/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The analysis as a whole: the stages one after the other, then the findings put in order. */
#include "stages.h"

#include <stdlib.h>
#include <string.h>

/* What is known is put into words even after Ctrl-C: these stages are quick. */
static const struct stage {
	struct iq_error *(*run)(struct iq_case *c);
	const char *what; /* it looks at, for those who wait */
	bool always;
} stages[] = {
	/* what happened */
	{iq_stage_event, "what happened", false},
	{iq_stage_instruction, "the instruction", false},
	{iq_stage_culprit, "where the value came from", false},
	/* why */
	{iq_stage_machine_check, "machine checks", false},
	{iq_stage_corruption, "what is wrong with the value", false},
	{iq_stage_stall, "CPUs that stall", false},
	{iq_stage_waits, "who waits for whom", false},
	{iq_stage_memory, "where memory went", false},
	{iq_stage_check, "slabs, and earlier reports", false},
	/* what is said of it */
	{iq_stage_producer, "who made the bad value", false},
	{iq_stage_blame, NULL, true},
	{iq_stage_signature, NULL, true},
	{iq_stage_verdict, NULL, true},
};

struct iq_error *iq_case_open(struct iq_kernel *k, const struct iq_cancel *cancel,
			      struct iq_case **ret)
{
	struct iq_case *c = calloc(1, sizeof(*c));
	struct iq_error *err;

	if (!c)
		return iq_error_nomem();
	c->k = k;
	c->cancel = cancel;
	err = iq_describer_open(k, &c->describer);
	if (!err)
		err = iq_args_open(k, &c->args);
	if (err) {
		iq_case_close(c);
		return err;
	}
	*ret = c;
	return NULL;
}

void iq_case_progress(struct iq_case *c, void (*fn)(void *arg, const char *what), void *arg)
{
	c->progress = fn;
	c->progress_arg = arg;
}

void iq_case_close(struct iq_case *c)
{
	if (!c)
		return;
	if (c->args)
		iq_args_close(c->args);
	if (c->describer)
		iq_describer_close(c->describer);
	if (c->has_trace)
		iq_backtrace_free(&c->trace);
	free(c->analysis.findings);
	iq_arena_free(&c->arena);
	free(c);
}

/* Causes first, then the surest; alternatives last; otherwise as they were found. */
static int rank(const struct iq_finding *f)
{
	return (f->alternative ? 0 : 16) + (f->cause ? 8 : 0) + (int)f->confidence;
}

static void sort_findings(struct iq_analysis *a)
{
	for (unsigned int i = 1; i < a->nr_findings; i++) {
		struct iq_finding f = a->findings[i];
		unsigned int at = i;

		for (; at > 0 && rank(&a->findings[at - 1]) < rank(&f); at--)
			a->findings[at] = a->findings[at - 1];
		a->findings[at] = f;
	}
}

struct iq_error *iq_analyze(struct iq_case *c, const struct iq_analysis **ret)
{
	struct iq_analysis *a = &c->analysis;

	a->event.message = "";
	a->event.cpu = a->event.frame = a->event.trap = -1;
	a->insn.operand = a->insn.reg = -1;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(stages); i++) {
		struct iq_error *err;

		a->interrupted = a->interrupted || iq_cancelled(c->cancel);
		if (a->interrupted && !stages[i].always)
			continue;
		if (c->progress && stages[i].what)
			c->progress(c->progress_arg, stages[i].what);
		err = stages[i].run(c);
		if (err && err->code == IQ_E_NOMEM)
			return err;
		if (err && err->code == IQ_E_INTERRUPTED)
			a->interrupted = true;
		iq_error_free(err);
	}
	a->trace = c->has_trace ? &c->trace : NULL;
	if (!a->verdict)
		a->verdict = iq_case_text(c, "%s", a->event.message);
	sort_findings(a);
	*ret = a;
	return NULL;
}
