// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a function does to the stack, found out by following its code from the entry along all of its
 * branches: how far below its caller's frame the stack pointer is at every instruction, what is
 * pushed where, and which registers are changed.
 *
 * The code is the live one in the dump (alternatives and static keys applied).  What no branch leads to is
 * filled in afterwards (gap.c).  Jumps through registers are not followed.
 */
#include "function.h"
#include <stdlib.h>

/* No function worth reading is longer. */
#define FUNCTION_MAX 65536
/* Memory for what was read. */
#define READ_MAX (4 << 20)
/* Symbols within one function, each reached by falling out of the one before. */
#define LABELS_MAX 16

struct code_part *part_of(const struct function *f, uint64_t address)
{
	for (unsigned int i = 0; i < f->nr_parts; i++)
		if (address - f->part[i].start < f->part[i].size)
			return (struct code_part *)&f->part[i];
	return NULL;
}

struct depth *depth_at(const struct function *f, uint64_t address)
{
	struct code_part *p = part_of(f, address);

	return p ? &p->depth[address - p->start] : NULL;
}

bool insn_at(const struct reading *r, uint64_t address, struct iq_insn *insn)
{
	const struct code_part *p = part_of(r->f, address);
	uint64_t at = p ? address - p->start : 0;

	return p && iq_insn_decode(r->u->arch, p->code + at, p->size - at, address, insn) &&
	       !insn->bad;
}

bool function_depth(const struct function *f, uint64_t address, struct depth *ret)
{
	const struct code_part *p = part_of(f, address);
	uint64_t at;

	if (!f->known || !p)
		return false;
	at = address - p->start;
	while (at && p->depth[at].sp == INSIDE)
		at--;
	*ret = p->depth[at];
	if (ret->sp == NOT_SEEN || ret->sp == INSIDE)
		return false;
	if (ret->sp >= 0 && ret->sp < 8)
		*ret = DEPTH_AT(DEPTH_UNKNOWN);
	return true;
}

/* ---- Which code ------------------------------------------------------------------------------------ */

/* Init text has been given back; something else lies there now.  BPF programs are made elsewhere. */
static bool is_live(struct iq_kernel *k, uint64_t address)
{
	return iq_is_text(k, address) || (is_code(k, address) && !(address >= k->layout.text_base &&
								   address < k->layout.text_end));
}

static bool add_part(struct unwinder *u, struct function *f, const struct iq_symbol *s)
{
	struct code_part *p = &f->part[f->nr_parts];

	if (f->nr_parts == CODE_PARTS || !s->size || s->size > FUNCTION_MAX ||
	    !is_live(u->k, s->address) || u->functions->read + s->size > READ_MAX)
		return false;
	p->start = s->address;
	p->size = s->size;
	p->code = malloc(s->size);
	p->depth = calloc(s->size, sizeof(*p->depth));
	f->nr_parts++;
	u->functions->read += s->size;
	if (!p->code || !p->depth || iq_vm_read(u->k->vm, s->address, p->code, s->size, NULL)) {
		p->size = 0;
		return false;
	}
	for (uint64_t i = 0; i < s->size; i++)
		p->depth[i].sp = NOT_SEEN;
	return true;
}

/* "foo" for "foo.cold", where the compiler has moved the unlikely parts of foo. */
static bool hot_part(struct iq_kernel *k, const struct iq_symbol *cold, struct iq_symbol *hot)
{
	const char *dot = strstr(cold->name, ".cold");
	char name[512];

	if (!dot || snprintf(name, sizeof(name), "%s%s%.*s", cold->module ? cold->module : "",
			     cold->module ? ":" : "", (int)(dot - cold->name),
			     cold->name) >= (int)sizeof(name))
		return false;
	return iq_symbol_named(k, name, hot) && hot->address != cold->address;
}

bool within_function(struct reading *r, uint64_t target)
{
	struct iq_symbol s;
	size_t len;

	if (part_of(r->f, target))
		return true;
	if (!r->f->name || !iq_symbol_at(r->u->k, target, &s))
		return false;
	len = strlen(r->f->name);
	return !strncmp(s.name, r->f->name, len) && !strncmp(s.name + len, ".cold", 5) &&
	       add_part(r->u, r->f, &s);
}

/*
 * Does the code of S run into what lies behind it, or jump there?  A call at its end, in front of what is
 * ALIGNED as functions are, is one that does not return.
 */
static bool may_run_into(struct unwinder *u, const struct iq_symbol *s)
{
	uint64_t end = s->address + s->size;
	bool aligned = !(end % FUNCTION_ALIGN);
	uint8_t code[FUNCTION_ALIGN];
	struct iq_insn insn;
	bool runs = false;

	for (uint64_t at = s->address; at < end; at += insn.length) {
		size_t len = IQ_MIN(sizeof(code), end - at);

		if (s->size > FUNCTION_MAX || iq_vm_read(u->k->vm, at, code, len, NULL) ||
		    !iq_insn_decode(u->arch, code, len, at, &insn))
			return true;
		if ((insn.flow == IQ_FLOW_BRANCH || insn.flow == IQ_FLOW_JUMP) && insn.has_target &&
		    insn.target == end)
			return true;
		if (!strncmp(insn.mnemonic, "nop", 3) && !runs)
			continue;
		runs = insn.flow != IQ_FLOW_JUMP && insn.flow != IQ_FLOW_RETURN &&
		       !((insn.flow == IQ_FLOW_CALL || insn.flow == IQ_FLOW_TRAP) &&
			 (aligned || never_returns(u, &insn)));
	}
	return runs;
}

/* int3, nop, ret: what stands between functions that are aligned. */
static bool is_boundary(uint8_t byte)
{
	return byte == 0xcc || byte == 0x90 || byte == 0xc3;
}

/*
 * A symbol in the middle of a function, as assembly has them: the code in front of it falls into it.  WHOLE
 * becomes what it is a part of; false: that cannot be told.
 */
static bool add_front(struct unwinder *u, struct iq_symbol *whole)
{
	const struct function *f;
	struct iq_symbol before;
	uint8_t last;

	/* Room in front of a function, for a hash of its type or a call. */
	if (!strncmp(whole->name, "__pfx_", 6) || !strncmp(whole->name, "__cfi_", 6))
		return true;
	if (iq_vm_read(u->k->vm, whole->address - 1, &last, 1, NULL) ||
	    (!(whole->address % FUNCTION_ALIGN) && is_boundary(last)) ||
	    !iq_symbol_at(u->k, whole->address - 1, &before) ||
	    before.address + before.size != whole->address || !may_run_into(u, &before))
		return true;
	if (u->functions->labels == LABELS_MAX)
		return false;
	u->functions->labels++;
	f = function_of(u, &before);
	u->functions->labels--;
	if (!f || !f->known)
		return false;
	if (f->falls_out && f->nr_parts) {
		whole->size += whole->address - f->part[0].start;
		whole->address = f->part[0].start;
	}
	return true;
}

/* ---- The walk ------------------------------------------------------------------------------------ */

static void visit(struct reading *r, uint64_t address, struct depth depth)
{
	struct visits *v = &r->pending;

	if (!iq_grow(&v->list, &v->room, v->nr + 1, sizeof(*v->list)))
		r->failed = true;
	else
		v->list[v->nr++] = (struct visit){address, depth};
}

/* A jump away from the function: a call in disguise if nothing of the frame is left. */
static void leave_function(struct reading *r, const struct iq_insn *insn, const struct depth *d)
{
	if (insn->has_target && d->sp != 8 &&
	    insn->target == r->f->part[0].start + r->f->part[0].size)
		r->f->falls_out = true;
	/* Through a register, or a thunk for that, it may also go to a place in this very function. */
	if (!insn->has_target || d->sp != 8)
		r->f->unfollowed = true;
}

/* Behind INSN: true if the next instruction follows at once, with D. */
static bool go_on(struct reading *r, const struct iq_insn *insn, const struct depth *d)
{
	switch (insn->flow) {
	case IQ_FLOW_NONE:
		return true;
	case IQ_FLOW_CALL:
		/* Into its own middle: a trick of the entry code. */
		if (insn->has_target && insn->target != r->f->address &&
		    part_of(r->f, insn->target))
			r->failed = true;
		return !never_returns(r->u, insn);
	case IQ_FLOW_BRANCH:
		if (within_function(r, insn->target))
			visit(r, insn->target, *d);
		else
			leave_function(r, insn, d);
		return true;
	case IQ_FLOW_JUMP:
		if (insn->has_target && within_function(r, insn->target))
			visit(r, insn->target, *d);
		else
			leave_function(r, insn, d);
		return false;
	case IQ_FLOW_TRAP:
		return !never_returns(r->u, insn);
	case IQ_FLOW_RETURN:
		break;
	}
	return false;
}

/* Two ways lead here with different depths: which one is real, ORC must say. */
static void settle(struct reading *r, uint64_t address, const struct depth *seen)
{
	struct iq_orc_row row;

	if (!r->u->functions->alone && iq_kernel_orc(r->u->k, address, &row) &&
	    row.type == IQ_ORC_CALL && !row.sp_deref) {
		if (row.sp_reg == (int)r->u->arch->reg_sp && row.sp_offset == seen->sp)
			return;
		if (row.sp_reg == (int)r->u->arch->reg_fp && row.sp_offset == seen->fp)
			return;
	}
	r->failed = true;
}

/*
 * Come to a place a second time, with D.  What both ways do not agree on is not known from there on: true if
 * that is news, D then being what is left.
 */
static bool join(struct reading *r, uint64_t address, struct depth *seen, struct depth *d)
{
	struct depth both = *seen;

	/* What is found in a gap says nothing of what is known already: nobody may ever come from there. */
	if (r->gap && seen->filled != r->gap) {
		if (seen->sp != d->sp && seen->sp != DEPTH_UNKNOWN && d->sp != DEPTH_UNKNOWN)
			r->failed = true;
		return false;
	}
	if (seen->sp != d->sp && seen->sp != DEPTH_UNKNOWN && d->sp != DEPTH_UNKNOWN) {
		settle(r, address, seen);
		return false;
	}
	both.sp = seen->sp == d->sp ? d->sp : DEPTH_UNKNOWN;
	both.fp = seen->fp == d->fp ? d->fp : DEPTH_UNKNOWN;
	both.below = seen->below == d->below ? d->below : DEPTH_UNKNOWN;
	both.at = seen->at == d->at ? d->at : 0;
	both.link = seen->link == d->link ? d->link : DEPTH_UNKNOWN;
	both.holder = seen->holder == d->holder ? d->holder : -1;
	both.linker = seen->linker == d->linker ? d->linker : -1;
	both.intact = seen->intact & d->intact;
	for (unsigned int i = 0; i < KEPT; i++)
		both.save[i] = seen->save[i] == d->save[i] ? d->save[i] : 0;
	*d = both;
	return memcmp(&both, seen, sizeof(both)) != 0;
}

static void follow(struct reading *r, uint64_t address, struct depth d)
{
	struct iq_insn insn;

	while (!r->failed) {
		struct depth *seen = depth_at(r->f, address);

		if (!seen) {
			r->f->falls_out |= address == r->f->part[0].start + r->f->part[0].size;
			return;
		}
		if (seen->sp == INSIDE) {
			r->failed = true;
			return;
		}
		if (seen->sp != NOT_SEEN && !join(r, address, seen, &d))
			return;
		if (!insn_at(r, address, &insn))
			return;
		*seen = d;
		seen->filled = r->gap;
		for (unsigned int i = 1; i < insn.length; i++)
			seen[i].sp = INSIDE;
		if (insn.flow == IQ_FLOW_NONE)
			apply_insn(r, &insn, &d);
		if (!go_on(r, &insn, &d))
			return;
		address += insn.length;
	}
}

void follow_from(struct reading *r, uint64_t address, struct depth d)
{
	visit(r, address, d);
	while (r->pending.nr && !r->failed) {
		struct visit v = r->pending.list[--r->pending.nr];

		follow(r, v.address, v.depth);
	}
	r->pending.nr = 0;
}

/* Functions that are returned to, not called: on entry their return address is not on the stack yet. */
static bool entered_by_return(const char *name)
{
	static const char *const names[] = {"arch_rethook_trampoline", "__kretprobe_trampoline",
					    "kretprobe_trampoline", "return_to_handler"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool read_function(struct unwinder *u, const struct iq_symbol *s, struct function *f)
{
	struct reading r = {.u = u, .f = f};
	struct iq_symbol whole = *s;
	struct depth entry;
	bool cold = strstr(s->name, ".cold") != NULL;

	/* The cold part is added when the walk comes by. */
	if (cold ? !hot_part(u->k, s, &whole) : !add_front(u, &whole))
		return false;
	if (!add_part(u, f, &whole))
		return false;
	f->name = cold ? whole.name : s->name;
	f->address = f->part[0].start;
	entry = DEPTH_AT(entered_by_return(f->name) ? 0 : 8);
	entry.intact = KEPT_ALL;
	follow_from(&r, f->address, entry);
	if (!r.failed) {
		fill_gaps(&r);
		find_canary(&r);
	}
	free(r.pending.list);
	return !r.failed;
}

const struct place *place_of(struct unwinder *u, uint64_t address)
{
	static const struct place nowhere;
	struct functions *all = u->functions;
	struct place *p = iq_map_get(&all->places, address);

	if (p)
		return p;
	p = iq_arena_alloc(&all->place_memory, sizeof(*p));
	if (!p || !iq_map_put(&all->places, address, p))
		return &nowhere;
	if (!iq_symbol_at(u->k, address, &p->symbol))
		p->symbol = (struct iq_symbol){0};
	p->has_row = iq_kernel_orc(u->k, address, &p->row);
	return p;
}

static void function_free(struct function *f)
{
	for (unsigned int n = 0; n < f->nr_parts; n++) {
		free(f->part[n].code);
		free(f->part[n].depth);
	}
	free(f);
}

const struct function *function_of(struct unwinder *u, const struct iq_symbol *s)
{
	struct functions *all = u->functions;
	struct function *f;

	if (!s->name)
		return NULL;
	f = iq_map_get(&all->by_symbol, s->address);
	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f || !iq_grow(&all->list, &all->room, all->nr + 1, sizeof(*all->list)) ||
	    !iq_map_put(&all->by_symbol, s->address, f)) {
		free(f);
		return NULL;
	}
	all->list[all->nr++] = f;
	f->known = read_function(u, s, f);
	return f;
}

void functions_forget(struct functions *all)
{
	for (unsigned int i = 0; i < all->nr; i++)
		function_free(all->list[i]);
	iq_map_free(&all->by_symbol);
	iq_map_free(&all->places);
	iq_arena_free(&all->place_memory);
	all->nr = 0;
	all->read = 0;
}

void functions_free(struct functions *all)
{
	functions_forget(all);
	iq_map_free(&all->noreturn);
	iq_map_free(&all->bugs);
	free(all->list);
	memset(all, 0, sizeof(*all));
}

static void functions_close(void *memory)
{
	functions_free(memory);
	free(memory);
}

struct functions *functions_get(struct iq_kernel *k)
{
	struct functions *all = k->stack_memory;

	if (!all) {
		all = calloc(1, sizeof(*all));
		k->stack_memory = all;
		k->stack_memory_free = functions_close;
	} else if (all->read > READ_MAX / 2 || all->place_memory.total > READ_MAX) {
		functions_forget(all);
	}
	return all;
}
