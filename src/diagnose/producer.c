/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who made the bad value: not who used it, which is where the stack ends, but a function that was called before, has
 * returned, and wrote into the field that holds it, or freed what it points to.
 */
#include "earlier.h"
#include "event.h"
#include "loop.h"
#include "provenance.h"
#include "skip.h"

#include <inquest/slab_check.h>
#include <inttypes.h>
#include <string.h>

#define FRAMES_MAX 12
#define EFFECTS_MAX 16
#define POISON_FREE 0x6b /* include/linux/poison.h */
#define POISON_END 0xa5
#define RING_MOST 16u /* nodes whose writers are looked for */

static const struct {
	const char *name;
	unsigned int parameter;
	bool put; /* only the last reference frees it */
} frees[] = {
	{"kfree", 0},
	{"kfree_sensitive", 0},
	{"kzfree", 0},
	{"kvfree", 0},
	{"kvfree_sensitive", 0},
	{"kfree_const", 0},
	{"vfree", 0},
	{"kvfree_call_rcu", 1},
	{"kmem_cache_free", 1},
	{"__kfree_skb", 0},
	{"free_pages", 0},
	{"__free_pages", 0},
	{"free_percpu", 0},
	{"mempool_free", 0},
	{"devm_kfree", 1},
	{"iounmap", 0},
	{"vunmap", 0},
	{"free_netdev", 0},
	{"kfree_skb", 0, true},
	{"consume_skb", 0, true},
	{"kfree_skb_reason", 0, true},
	{"put_device", 0, true},
	{"kobject_put", 0, true},
	{"put_page", 0, true},
	{"__folio_put", 0, true},
	{"usb_free_urb", 0, true},
	{"__put_task_struct", 0, true},
	{"fput", 0, true},
	{"iput", 0, true},
	{"dput", 0, true},
};

static bool frees_by(const char *name, unsigned int *parameter, bool puts)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(frees); i++) {
		if ((puts || !frees[i].put) && iq_same_function(name, frees[i].name)) {
			*parameter = frees[i].parameter;
			return true;
		}
	}
	return false;
}

bool iq_is_free(const char *name, unsigned int *parameter)
{
	return frees_by(name, parameter, true);
}

static bool is_true_free(const char *name, unsigned int *parameter)
{
	return frees_by(name, parameter, false);
}

static bool is_copy(const char *name)
{
	static const char *const copies[] = {"memcpy",		"__memcpy",	   "memmove",
					     "__memmove",	"memset",	   "__memset",
					     "memcpy_orig",	"memcpy_erms",	   "memset_orig",
					     "memset_erms",	"_copy_from_user", "copy_from_user",
					     "_copy_from_iter", "strscpy",	   "sized_strscpy",
					     "strlcpy",		"strncpy",	   "strcpy",
					     "strcat",		"sprintf",	   "skb_copy_bits"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(copies); i++)
		if (iq_same_function(name, copies[i]))
			return true;
	return false;
}

static bool is_dull(const struct iq_symbol *s)
{
	return !s->module && iq_skip_function(s->name);
}

struct suspect {
	struct iq_effect effect;
	unsigned int frame;
};

/* The best of the effects found so far: what is sure before what is not, then the last in the innermost frame. */
static bool better(const struct suspect *a, const struct suspect *b)
{
	if (!b->effect.call)
		return true;
	if (a->effect.sure != b->effect.sure)
		return a->effect.sure;
	if (a->effect.weak != b->effect.weak)
		return b->effect.weak;
	if (a->frame != b->frame)
		return a->frame < b->frame;
	return a->effect.call > b->effect.call;
}

static void find_suspects(struct iq_case *c, const struct iq_effect_query *q, bool loaded,
			  struct suspect *best)
{
	const struct iq_event *e = &c->analysis.event;

	for (unsigned int i = (unsigned int)e->frame;
	     i < c->trace.nr && i < (unsigned int)e->frame + FRAMES_MAX; i++) {
		const struct iq_frame *f = &c->trace.frames[i];
		struct iq_effect effect[EFFECTS_MAX];
		unsigned int nr;

		if (i > (unsigned int)e->frame && (f->exact_ip || f->has_trap))
			break;
		if (!f->symbol.name)
			continue;
		if (!f->symbol.module &&
		    (iq_skip_function(f->symbol.name) || iq_skip_entry(f->symbol.name)))
			continue;
		nr = iq_args_effects(c->args, i, q, effect, EFFECTS_MAX);
		for (unsigned int j = 0; j < nr; j++) {
			struct suspect s = {effect[j], i};

			/* What is weak is said of functions of one module only. */
			if (is_dull(&s.effect.function) || (s.effect.loaded && !loaded) ||
			    (s.effect.weak && (!s.effect.function.module || !f->symbol.module ||
					       strcmp(s.effect.function.module, f->symbol.module))))
				continue;
			if (better(&s, best))
				*best = s;
		}
	}
}

void iq_blame_line(struct iq_case *c, uint64_t address, struct iq_blame *b)
{
	struct iq_inline in[16];
	unsigned int nr = iq_kernel_inlines(c->k, address, in, IQ_ARRAY_SIZE(in));
	const char *file = NULL;

	for (unsigned int i = 0; i < nr; i++) {
		if (!in[i].inlined && in[i].file) {
			b->file = iq_case_text(c, "%s", in[i].file);
			b->line = in[i].line;
			return;
		}
	}
	if (iq_kernel_line(c->k, address, &file, &b->line))
		b->file = iq_case_text(c, "%s", file);
}

/* Whoever is blamed, the value was used by somebody who could have looked. */
static void add_alternative(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_blame *b = &c->analysis.blame;
	struct iq_finding *f;

	for (int i = e->frame; i < (int)c->trace.nr && i <= e->frame + 6; i++) {
		const struct iq_frame *user = &c->trace.frames[i];

		if (!user->symbol.name || is_dull(&user->symbol))
			continue;
		if (!strcmp(user->symbol.name, b->function))
			return;
		f = iq_case_finding(c, "blame.user", e->class, IQ_CONFIDENCE_POSSIBLE,
				    "%s() used the value that was bad, and may be at fault itself "
				    "rather than %s()",
				    user->symbol.name, b->function);
		f->alternative = true;
		f->refuted_by =
			"the value was right when it was checked, or is never to be bad there";
		iq_finding_evidence(c, f, IQ_SOURCE_CODE, user->ip, NULL,
				    "it was here when it happened");
		return;
	}
}

static void blame(struct iq_case *c, const struct suspect *s, const char *what)
{
	struct iq_blame *b = &c->analysis.blame;

	*b = (struct iq_blame){.present = true,
			       .function = iq_case_text(c, "%s", s->effect.function.name),
			       .module = s->effect.function.module};
	iq_blame_line(c, s->effect.at, b);
	b->why = iq_case_text(c, "%s() calls it before, and it %s%s (instruction at 0x%" PRIx64 ")",
			      c->trace.frames[s->frame].symbol.name,
			      s->effect.sure ? "" : "probably ", what, s->effect.at);
	add_alternative(c);
}

/* Somebody who has returned freed what is used. */
static void report_freed(struct iq_case *c, const struct suspect *s)
{
	const struct iq_analysis *a = &c->analysis;
	struct iq_finding *f;

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (a->findings[i].class == IQ_CLASS_USE_AFTER_FREE || a->findings[i].class == IQ_CLASS_DOUBLE_FREE)
			return;
	}
	f = iq_case_finding(c, "uaf.code", IQ_CLASS_USE_AFTER_FREE,
			    s->effect.sure ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    "%s(), which was called before, frees what was used afterwards",
			    s->effect.function.name);
	iq_finding_evidence(c, f, IQ_SOURCE_CODE, s->effect.at, NULL, "the instruction that frees it");
	f->cause = s->effect.sure;
	f->refuted_by = "the code took another path there";
}

/*
 * Is there a second function that the frame's code calls and that frees the same?  Then the slot was handed out to two
 * users, unless the two calls are on different ways; that the slab's free list is damaged says that they are not.
 */
static void report_freed_twice(struct iq_case *c, const struct iq_effect_query *q,
			       const struct suspect *best)
{
	const struct iq_analysis *a = &c->analysis;
	struct iq_effect effect[EFFECTS_MAX];
	unsigned int nr = iq_args_effects(c->args, best->frame, q, effect, EFFECTS_MAX);
	const struct iq_effect *other = NULL;
	bool damage = false;
	struct iq_finding *f;

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (a->findings[i].class == IQ_CLASS_DOUBLE_FREE)
			return;
		damage = damage || !strcmp(a->findings[i].id, "slab.damage");
	}
	for (unsigned int i = 0; i < nr && !other; i++)
		if (effect[i].frees && effect[i].sure && !effect[i].weak &&
		    effect[i].call != best->effect.call && !is_dull(&effect[i].function))
			other = &effect[i];
	if (!other || !best->effect.frees || !best->effect.sure || best->effect.weak)
		return;
	f = iq_case_finding(c, "free.twice", IQ_CLASS_DOUBLE_FREE,
			    damage ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    "0x%" PRIx64 " was freed twice: %s() calls %s() and %s() before, and both "
			    "free it%s",
			    q->freed, c->trace.frames[best->frame].symbol.name,
			    other->function.name, best->effect.function.name,
			    damage ? "; the free list of its slab is damaged" : "");
	f->cause = damage;
	iq_finding_evidence(c, f, IQ_SOURCE_CODE, other->call, NULL, "the call of %s()",
			    other->function.name);
	iq_finding_evidence(c, f, IQ_SOURCE_CODE, best->effect.call, NULL, "the call of %s()",
			    best->effect.function.name);
	f->refuted_by = "the two calls are on different ways through the code, or it was allocated "
			"again between them";
}

/* Was what a link leads to freed before, by somebody who was called on the way? */
static bool find_freed(struct iq_case *c, struct iq_effect_query *q, struct suspect *best)
{
	const struct iq_culprit *x = &c->analysis.culprit;

	for (unsigned int i = x->nr_links; i-- > 0 && !best->effect.call;) {
		const struct iq_link *l = &x->links[i];
		bool gone;

		if (!l->has_value || l->value < 65536)
			continue;
		/* Of what is gone any reason will do; of what is there again it must have been freed for sure. */
		gone = l->verdict == IQ_LINK_BAD;
		q->frees = gone ? iq_is_free : is_true_free;
		q->freed = l->value;
		find_suspects(c, q, gone, best);
	}
	if (best->effect.call)
		report_freed_twice(c, q, best);
	q->freed = 0;
	return best->effect.call != 0;
}

static void find_written(struct iq_case *c, struct iq_effect_query *q, struct suspect *best)
{
	const struct iq_culprit *x = &c->analysis.culprit;
	const struct iq_object *o = x->holder && x->holder->has_object ? &x->holder->object : NULL;

	q->field = x->address;
	q->size = 8;
	for (unsigned int i = 0; i < x->nr_links; i++)
		if (x->links[i].expression == x->expression && x->links[i].size)
			q->size = x->links[i].size;
	q->value = x->value;
	if (o && o->object && o->slab.cache)
		q->from = o->object - (o->object > o->slab.memory ? o->slab.cache->size : 0);
	find_suspects(c, q, true, best);
}

/* Who handed on what was bad already, rather than who used it.  Clones of functions have their loads done by callers. */
static void blame_user(struct iq_case *c)
{
	const struct iq_culprit *x = &c->analysis.culprit;
	const struct iq_event *e = &c->analysis.event;
	struct iq_blame *b = &c->analysis.blame;
	const char *why = "it handed on %s, which was bad already";
	const struct iq_frame *f;
	int frame = -1;

	for (unsigned int i = 0; i < x->nr_links; i++)
		if (x->links[i].expression == x->expression && x->links[i].verdict == IQ_LINK_BAD)
			frame = x->links[i].frame;
	if (frame <= e->frame || frame >= (int)c->trace.nr || e->class == IQ_CLASS_USER_ACCESS)
		return;
	f = &c->trace.frames[frame];
	if (frame - 1 >= e->frame && f[-1].symbol.name && strstr(f[-1].symbol.name, ".isra")) {
		f--;
		why = "it was given %s, which was bad";
	}
	if (!f->symbol.name || is_dull(&f->symbol))
		return;
	*b = (struct iq_blame){
		.present = true, .function = f->symbol.name, .module = f->symbol.module};
	iq_blame_line(c, f->exact_ip ? f->ip : f->ip - 1, b);
	b->why = iq_case_text(c, iq_bad_exec(c) ? "it called through %s" : why, x->expression);
}

/*
 * A canary was overwritten: by a function that was given the address of something in the frame, if not by the function
 * itself.
 */
static void find_smasher(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_frame *f = &c->trace.frames[e->frame];
	struct iq_effect_query q = {.frees = is_true_free,
				    .copies = is_copy,
				    .skip = is_dull,
				    .size = 8,
				    .from = f->sp};
	struct iq_damage damage[8];
	struct iq_effect effect[EFFECTS_MAX];
	struct suspect best = {0};
	unsigned int nr = iq_stack_damage(c->k, &c->trace, damage, IQ_ARRAY_SIZE(damage));

	for (unsigned int i = 0; i < nr; i++) {
		if (damage[i].kind == IQ_DAMAGE_CANARY && damage[i].frame == e->frame) {
			q.field = damage[i].address;
			q.value = damage[i].found;
		}
	}
	nr = q.field ? iq_args_effects(c->args, (unsigned int)e->frame, &q, effect, EFFECTS_MAX)
		     : 0;
	for (unsigned int i = 0; i < nr; i++) {
		struct suspect s = {effect[i], (unsigned int)e->frame};

		if (!is_dull(&s.effect.function) && better(&s, &best))
			best = s;
	}
	if (best.effect.call)
		blame(c, &best, "writes to the stack of its caller, up to the canary");
}

/* A bit that flipped by itself is nobody's code. */
static bool blame_hardware(struct iq_case *c)
{
	const struct iq_analysis *a = &c->analysis;

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		const struct iq_finding *f = &a->findings[i];

		if (f->class != IQ_CLASS_BIT_FLIP || !f->cause || f->alternative ||
		    f->confidence < IQ_CONFIDENCE_LIKELY)
			continue;
		c->analysis.blame = (struct iq_blame){
			.present = true,
			.function = "hardware",
			.why = "one bit differs from what was there: memory, bus or processor, unless code "
			       "sets that very bit",
		};
		return true;
	}
	return false;
}

/* ---- What a check found overwritten ----------------------------------------------------------------- */

struct damaged {
	uint64_t object;
	uint64_t address, len; /* 0: none was found */
};

static bool damaged_bytes(void *arg, const struct iq_slab_finding *f)
{
	struct damaged *d = arg;

	if (f->object != d->object || (f->kind != IQ_SLAB_RED_ZONE && f->kind != IQ_SLAB_POISON &&
				       f->kind != IQ_SLAB_PADDING))
		return true;
	d->address = f->address;
	d->len = f->len;
	return false;
}

/* mm/slub.c, init_object(): what is not poison in an object that is all poison else. */
static void poisoned_bytes(struct iq_case *c, const struct iq_object *o, struct damaged *d)
{
	uint64_t size = o->slab.cache->object_size, from = UINT64_MAX, to = 0, wrong = 0;
	uint8_t bytes[4096];

	if (size < 16 || size > sizeof(bytes) ||
	    iq_vm_read(c->k->vm, o->object, bytes, size, NULL) != IQ_MEM_OK ||
	    bytes[size - 1] != POISON_END)
		return;
	for (uint64_t i = 0; i + 1 < size; i++) {
		if (bytes[i] == POISON_FREE)
			continue;
		from = IQ_MIN(from, i);
		to = i + 1;
		wrong++;
	}
	if (!wrong || wrong > size / 2)
		return;
	d->address = o->object + from;
	d->len = to - from;
}

/* A check of the allocator's, which looked at an object: which bytes of it were not as they must be. */
static bool find_damaged(struct iq_case *c, struct iq_object *o, struct damaged *d)
{
	const struct iq_event *e = &c->analysis.event;

	*d = (struct damaged){0};
	if ((e->class != IQ_CLASS_USE_AFTER_FREE && e->class != IQ_CLASS_HEAP_OVERFLOW) ||
	    !e->has_regs || !e->symbol.name || !is_dull(&e->symbol))
		return false;
	for (unsigned int r = 0; r < c->k->arch->reg_pc && !d->len; r++) {
		if (!iq_reg_known(&e->regs, r) || e->regs.value[r] < 65536 ||
		    !iq_object_at(c->k, e->regs.value[r], o) || !o->object || o->offset)
			continue;
		d->object = o->object;
		iq_slab_check(c->k, &o->slab, damaged_bytes, d);
		if (!d->len)
			poisoned_bytes(c, o, d);
	}
	return d->len != 0;
}

/* Who wrote there, and has returned before the check. */
static bool blame_writer(struct iq_case *c)
{
	struct iq_effect_query q = {.frees = is_true_free, .copies = is_copy, .skip = is_dull};
	struct suspect best = {0};
	struct iq_object o;
	struct damaged d;

	if (!find_damaged(c, &o, &d))
		return false;
	q.field = d.address;
	q.size = d.len >= 8 ? 8 : d.len >= 4 ? 4 : d.len >= 2 ? 2 : 1;
	q.from = o.object;
	if (iq_vm_read_uint(c->k->vm, q.field, q.size, &q.value) != IQ_MEM_OK)
		return false;
	find_suspects(c, &q, true, &best);
	if (best.effect.call)
		blame(c, &best, iq_case_text(c, "writes to 0x%" PRIx64 ", which the check found wrong",
					     d.address));
	return best.effect.call != 0;
}

/* ---- What was freed that is no object ----------------------------------------------------------------- */

/* Memory that was perhaps handed out in the middle of an object: does anybody free it there? */
static bool blame_middle(struct iq_case *c)
{
	struct iq_analysis *a = &c->analysis;
	struct iq_effect_query q = {.frees = is_true_free, .copies = is_copy, .skip = is_dull};
	struct iq_finding *f = NULL;
	struct suspect best = {0};

	for (unsigned int i = 0; i < a->nr_findings && !f; i++)
		if (!strcmp(a->findings[i].id, "free.middle") && a->findings[i].nr_evidence)
			f = &a->findings[i];
	if (!f)
		return false;
	q.freed = f->evidence[0].address;
	find_suspects(c, &q, false, &best);
	if (!best.effect.call || !best.effect.sure)
		return false;
	f->confidence = IQ_CONFIDENCE_LIKELY;
	f->cause = true;
	iq_finding_evidence(c, f, IQ_SOURCE_CODE, best.effect.at, NULL, "%s() frees that address",
			    best.effect.function.name);
	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (strcmp(a->findings[i].id, "heap.overflow") != 0)
			continue;
		a->findings[i].alternative = true;
		a->findings[i].cause = false;
		a->findings[i].confidence = IQ_CONFIDENCE_POSSIBLE;
	}
	blame(c, &best, iq_case_text(c, "frees 0x%" PRIx64 ", which is inside an object", q.freed));
	return true;
}

/* ---- What a loop waits for ------------------------------------------------------------------------------ */

/* Who wrote the SIZE bytes at FIELD, for sure, and has returned. */
static bool find_sure_writer(struct iq_case *c, uint64_t field, unsigned int size, struct suspect *best)
{
	struct iq_effect_query q = {.field = field,
				    .size = size,
				    .frees = is_true_free,
				    .copies = is_copy,
				    .skip = is_dull};
	struct iq_object o;

	if (iq_vm_read_uint(c->k->vm, field, size, &q.value) != IQ_MEM_OK)
		return false;
	if (iq_object_at(c->k, field, &o) && o.object)
		q.from = o.object;
	find_suspects(c, &q, true, best);
	return best->effect.call && best->effect.writes && best->effect.sure && !best->effect.weak;
}

/* Who wrote one of the pointers of a ring: for sure, else at an address that is not followed, the last who may have. */
static bool blame_linker(struct iq_case *c, const struct ring *r)
{
	struct suspect best = {0}, weak = {0};
	uint64_t node = r->node;

	for (unsigned int i = 0; i < r->length && i < RING_MOST; i++) {
		if (find_sure_writer(c, node + (uint64_t)r->offset, 8, &best)) {
			blame(c, &best, "writes a pointer of the chain that is a ring");
			return true;
		}
		if (best.effect.call && best.effect.writes && better(&best, &weak))
			weak = best;
		best = (struct suspect){0};
		if (iq_vm_read_uint(c->k->vm, node + (uint64_t)r->offset, 8, &node) != IQ_MEM_OK)
			break;
	}
	if (!weak.effect.call)
		return false;
	blame(c, &weak, "writes to nodes of the chain that is a ring");
	return true;
}

/*
 * A CPU goes round in a loop: because a chain has become a ring, or because of what the loop reads again and again.
 * That was written by somebody who was called before, if it was on this CPU at all.
 */
static bool blame_staller(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	struct suspect best = {0};
	const struct iq_frame *f;
	uint64_t value;
	struct ring r;
	struct loop l;

	if (!c->trace.frames[e->frame].has_trap ||
	    !loop_find(c->k, &c->trace, (unsigned int)e->frame, &l) || l.frame != e->frame)
		return false;
	f = &c->trace.frames[l.frame];
	if (iq_ring_find(c, f, &l, &r)) {
		iq_ring_report(c, f, &r);
		return blame_linker(c, &r);
	}
	if (!l.has_read || !l.read_size || l.read_size > 8 ||
	    iq_vm_read_uint(c->k->vm, l.read, l.read_size, &value) != IQ_MEM_OK ||
	    !find_sure_writer(c, l.read, l.read_size, &best))
		return false;
	blame(c, &best, iq_case_text(c, "writes to 0x%" PRIx64 ", which the loop waits for", l.read));
	return true;
}

static bool is_lockup(enum iq_class class)
{
	return class == IQ_CLASS_SOFT_LOCKUP || class == IQ_CLASS_HARD_LOCKUP ||
	       class == IQ_CLASS_RCU_STALL;
}

/* ---- What was done twice ------------------------------------------------------------------------------ */

static bool is_target(struct iq_case *c, uint64_t target, const void *arg)
{
	(void)c;
	return target == *(const uint64_t *)arg;
}

/*
 * What must be done once only was done twice by a function that is right by itself: somebody further out called it
 * before, and who is between the two calls it once more.
 */
static bool blame_second(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_blame *b = &c->analysis.blame;
	int i = e->frame, second = -1;
	uint64_t at = 0, target;

	while (i < (int)c->trace.nr && i < e->frame + FRAMES_MAX &&
	       (!c->trace.frames[i].symbol.name || is_dull(&c->trace.frames[i].symbol)))
		i++;
	for (int j = i + 1; j < (int)c->trace.nr && j < i + 6; j++) {
		const struct iq_frame *f = &c->trace.frames[j];

		if (f->exact_ip || f->has_trap || !f->symbol.name || iq_skip_entry(f->symbol.name))
			return false;
		if (is_dull(&f->symbol))
			continue;
		if (second >= 0)
			at = iq_call_before(c, &f->symbol, f->ip, is_target,
					    &c->trace.frames[i].symbol.address, &target);
		if (at) {
			f = &c->trace.frames[second];
			*b = (struct iq_blame){.present = true,
					       .function = f->symbol.name,
					       .module = f->symbol.module};
			iq_blame_line(c, f->ip - 1, b);
			b->why = iq_case_text(
				c,
				"it calls %s() for what %s() had called it for before (instruction "
				"at 0x%" PRIx64 ")",
				c->trace.frames[i].symbol.name, c->trace.frames[j].symbol.name, at);
			return true;
		}
		if (second < 0)
			second = j;
	}
	return false;
}

struct iq_error *iq_stage_producer(struct iq_case *c)
{
	const struct iq_culprit *x = &c->analysis.culprit;
	const struct iq_event *e = &c->analysis.event;
	struct iq_effect_query q = {.frees = iq_is_free, .copies = is_copy, .skip = is_dull};
	struct suspect best = {0};

	if (e->class == IQ_CLASS_STACK_PROTECTOR && c->has_trace && e->frame >= 0 &&
	    !c->analysis.blame.present) {
		find_smasher(c);
		return NULL;
	}
	if (!c->analysis.blame.present && c->has_trace && e->frame >= 0 && is_lockup(e->class) &&
	    blame_staller(c))
		return NULL;
	if (!c->analysis.blame.present && c->has_trace && e->frame >= 0 &&
	    (e->class == IQ_CLASS_DOUBLE_FREE ||
	     (e->class == IQ_CLASS_LIST_CORRUPTION && x->present && iq_is_garbage(c, x->value))) &&
	    blame_second(c))
		return NULL;
	if (!c->analysis.blame.present && c->has_trace && e->frame >= 0 &&
	    (blame_writer(c) || blame_middle(c)))
		return NULL;
	/* Who counts wrongly, or takes from a list twice, is on the stack. */
	if (!x->present || c->analysis.blame.present || !c->has_trace || e->frame < 0 ||
	    e->class == IQ_CLASS_REFCOUNT ||
	    (e->class == IQ_CLASS_LIST_CORRUPTION && iq_is_garbage(c, x->value)))
		return NULL;
	if (e->class == IQ_CLASS_WRITE_PROTECTED) {
		blame_user(c);
		return NULL;
	}
	if (blame_hardware(c))
		return NULL;
	if (find_freed(c, &q, &best)) {
		blame(c, &best, "frees what was used then");
		report_freed(c, &best);
	} else if (x->has_address && x->has_value) {
		find_written(c, &q, &best);
		if (best.effect.call)
			blame(c, &best, iq_case_text(c, "writes into %s", x->expression));
	}
	if (!c->analysis.blame.present)
		blame_user(c);
	return NULL;
}
