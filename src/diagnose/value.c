// SPDX-License-Identifier: GPL-2.0-or-later
/* One value that was wrong: what it is by itself, and everything else in the order of what it proves. */
#include "value.h"

#include <inquest/module.h>
#include <inquest/task.h>
#include <inquest/vma.h>
#include <inttypes.h>

/* Bytes of an object behind whose start a member's address still names its pointer. */
#define REACH 4096u

/* Poison of slabs is found in slabs, and that of freed objects in free ones; bytes alike can be anybody's elsewhere. */
static bool fits(struct iq_case *c, const struct iq_suspect *s, const struct iq_word *w)
{
	struct iq_object o;

	if (strncmp(w->id, "poison.slab", 11) && strncmp(w->id, "poison.red", 10))
		return strncmp(w->id, "poison.", 7) || !strcmp(w->id, "poison.list") ||
		       !strcmp(w->id, "poison.timer") || w->weight < 40;
	if (!s->has_address || !iq_object_at(c->k, s->address, &o) || !o.object)
		return false;
	return strcmp(w->id, "poison.slab_free") || o.state != IQ_OBJECT_ALLOCATED;
}

static void explain_word(struct iq_case *c, struct iq_suspect *s)
{
	struct iq_finding *f;
	struct iq_word w;
	bool null;

	if (!iq_word_explain(s->value, REACH, &w))
		return;
	/* Kernels without KASAN have no shadow. */
	if (!strcmp(w.id, "kasan.shadow") && !iq_kernel_symbol(c->k, "kasan_report"))
		return;
	null = !strncmp(w.id, "value.null", 10);
	/* NULL where nobody failed is an ordinary value. */
	if (null && !s->bad)
		return;
	f = iq_case_finding(c, w.id, w.class,
			    w.weight >= 40 && s->bad && fits(c, s, &w) &&
					    strcmp(w.id, "value.null_offset") != 0
				    ? IQ_CONFIDENCE_CERTAIN
			    : fits(c, s, &w) ? IQ_CONFIDENCE_LIKELY
					     : IQ_CONFIDENCE_POSSIBLE,
			    "%s is %s", s->name, w.text);
	f->cause = s->cause && fits(c, s, &w);
	iq_suspect_told(c, s, fits(c, s, &w) ? w.weight : 20);
	iq_finding_evidence(c, f, s->has_address ? IQ_SOURCE_MEMORY : IQ_SOURCE_REGISTERS,
			    s->address, iq_case_text(c, "0x%" PRIx64, s->value), "the value");
	f->refuted_by = null ? "the code had the value from somewhere else: read it"
			     : "another meaning of this very number at this place";
}

/* kernel/module/main.c keeps the name of the module that was unloaded last.  Its address, 0: of none. */
static uint64_t last_unloaded(struct iq_case *c, char *name, size_t room)
{
	uint64_t last = iq_kernel_symbol(c->k, "last_unloaded_module");

	name[0] = 0;
	if (!last || iq_vm_read_string(c->k->vm, last, name, room) != IQ_MEM_OK || !name[0])
		return 0;
	return last;
}

/* Is V where modules are loaded, and none is there now? */
static bool gone(struct iq_case *c, uint64_t v, const char **what)
{
	struct iq_buf b = {0};
	struct iq_place p;
	char name[64];

	iq_place_of(c->k, v, &p);
	if (p.kind != IQ_PLACE_NOTHING || iq_module_at(c->k, v) || !last_unloaded(c, name, sizeof(name)))
		return false;
	iq_buf_add_escaped(&b, name, strlen(name), false);
	*what = iq_case_text(c,
			     "an address where modules are loaded, and none is there now: it was "
			     "of a module that "
			     "is gone (the last one unloaded: %s)",
			     iq_buf_str(&b));
	iq_buf_free(&b);
	return true;
}

/*
 * Who unloads has to take back what leads to it.  module_exit() gives each module's exit function the name
 * cleanup_module(); its own one went with the module.
 */
static void blame_exit(struct iq_case *c, const struct iq_suspect *s, struct iq_finding *f)
{
	struct iq_blame *b = &c->analysis.blame;
	char name[64];
	uint64_t last = last_unloaded(c, name, sizeof(name));

	if (!last)
		return;
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, last, name, "last_unloaded_module");
	f->refuted_by = "another module was there, unloaded before that one";
	if (b->present || !f->cause)
		return;
	*b = (struct iq_blame){
		.present = true,
		.function = "cleanup_module",
		.module = iq_case_text(c, "%s", name),
		.why = iq_case_text(c,
				    "the exit function, as module_exit() names it, of the module that was "
				    "unloaded last: it left %s behind", s->name)};
}

/* A stack's canary, code, user memory, a small number: right somewhere else. */
static void explain_kind(struct iq_case *c, struct iq_suspect *s)
{
	const struct iq_task *t = &c->analysis.event.task;
	uint64_t v = s->value, offset, canary;
	struct iq_place p;
	const char *what = NULL, *id = NULL;
	enum iq_confidence sure = IQ_CONFIDENCE_LIKELY;
	unsigned int weight = 20;
	struct iq_finding *f;

	if (t->address && iq_kernel_offset(c->k, "task_struct", "stack_canary", &offset, NULL) &&
	    iq_vm_read_uint(c->k->vm, t->address + offset, 8, &canary) == IQ_MEM_OK &&
	    canary == v && v >> 32) {
		what = iq_case_text(
			c,
			"the stack canary of task %s: it was read from, or copied out of, a stack",
			t->comm);
		id = "value.canary";
		sure = IQ_CONFIDENCE_CERTAIN;
		weight = 50;
	} else if (c->analysis.event.class == IQ_CLASS_USER_ACCESS && s->bad && v >= 4096 &&
		   !c->k->arch->vm->is_kernel(&c->k->layout, v) &&
		   c->k->arch->vm->canonical(&c->k->layout, v)) {
		what = "an address of user space, used without the functions that copy from and to "
		       "it";
		id = "value.user";
		sure = IQ_CONFIDENCE_CERTAIN;
		weight = 30;
	} else if (c->analysis.event.class == IQ_CLASS_WRITE_PROTECTED && s->bad && v >= 4096) {
		iq_place_of(c->k, v, &p);
		if (p.kind == IQ_PLACE_SYMBOL || p.kind == IQ_PLACE_TEXT) {
			what = iq_case_text(c, "an address of memory that is read-only: %s",
					    p.text);
			id = "value.read_only";
			sure = IQ_CONFIDENCE_CERTAIN;
			weight = 30;
		}
	} else if (v >= c->k->layout.modules_start && v < c->k->layout.modules_end && s->bad &&
		   gone(c, v, &what)) {
		id = "value.unloaded";
		weight = 45;
	} else if (c->analysis.event.class == IQ_CLASS_BAD_EXEC && s->bad && v >= 4096) {
		iq_place_of(c->k, v, &p);
		if (iq_place_alive(&p) && p.kind != IQ_PLACE_TEXT) {
			what = iq_case_text(c, "no address of code: it leads to %s", p.text);
			id = "value.not_code";
			sure = IQ_CONFIDENCE_CERTAIN;
			weight = 45;
		}
	} else if (v >> 31 == 0x1ffffffff && !iq_is_text(c->k, v) && s->bad) {
		iq_place_of(c->k, v, &p);
		if (p.kind == IQ_PLACE_NOTHING) {
			what = iq_case_text(
				c, "the 32-bit number %" PRId32 " (0x%" PRIx32 "), sign extended",
				(int32_t)v, (uint32_t)v);
			id = "value.sign_extended";
		}
	} else if (v >= 4096 && v >> 32 == 0 && s->bad) {
		what = iq_case_text(c, "a number of 32 bits, %" PRIu64 ", where a pointer belongs",
				    v);
		id = "value.number";
		weight = 14;
		sure = IQ_CONFIDENCE_POSSIBLE;
	} else if (v >= 4096 && !c->k->arch->vm->is_kernel(&c->k->layout, v) &&
		   c->k->arch->vm->canonical(&c->k->layout, v) && s->bad) {
		what = "an address of user space where one of the kernel belongs";
		id = "value.user";
		sure = IQ_CONFIDENCE_POSSIBLE;
		weight = 14;
	}
	if (!what || weight <= s->weight)
		return;
	f = iq_case_finding(c, id,
			    !strcmp(id, "value.unloaded")   ? IQ_CLASS_USE_AFTER_FREE
			    : !strcmp(id, "value.not_code") ? IQ_CLASS_BAD_EXEC
							    : IQ_CLASS_MEMORY_CORRUPTION,
			    sure, "%s is %s", s->name, what);
	f->cause = s->cause;
	iq_suspect_told(c, s, weight);
	iq_finding_evidence(c, f, s->has_address ? IQ_SOURCE_MEMORY : IQ_SOURCE_REGISTERS,
			    s->address, iq_case_text(c, "0x%" PRIx64, v), "the value");
	if (!strcmp(id, "value.unloaded"))
		blame_exit(c, s, f);
}

/* A debug pattern or NULL by itself explains the value: its bytes are not looked at again. */
#define WORD_ENOUGH 40u

void iq_suspect_told(struct iq_case *c, struct iq_suspect *s, unsigned int weight)
{
	s->weight = IQ_MAX(s->weight, weight);
	if (s->nr_told == IQ_ARRAY_SIZE(s->told) || !c->analysis.nr_findings)
		return;
	s->told[s->nr_told].finding = c->analysis.nr_findings - 1;
	s->told[s->nr_told++].weight = weight;
}

/* A value is one thing only: what is explained much better another way is an alternative. */
static void settle(struct iq_case *c, const struct iq_suspect *s)
{
	for (unsigned int i = 0; i < s->nr_told; i++) {
		struct iq_finding *f = &c->analysis.findings[s->told[i].finding];

		if (s->told[i].weight + 4 > s->weight)
			continue;
		f->alternative = true;
		f->cause = false;
		f->confidence = IQ_MIN(f->confidence, IQ_CONFIDENCE_POSSIBLE);
	}
}

struct iq_error *iq_value_explain(struct iq_case *c, struct iq_suspect *s)
{
	bool word;

	explain_word(c, s);
	word = s->weight >= WORD_ENOUGH;
	if (s->has_address)
		iq_heap_holder(c, s);
	if (s->has_address && s->weight < WORD_ENOUGH)
		IQ_TRY(iq_field_explain(c, s));
	if (s->weight < IQ_PAYLOAD_STRONG)
		explain_kind(c, s);
	if (s->weight < WORD_ENOUGH)
		iq_flip_explain(c, s);
	/* Where it leads to is worth knowing even if it is clear why it does. */
	if (!word)
		iq_heap_pointer(c, s);
	settle(c, s);
	return NULL;
}
