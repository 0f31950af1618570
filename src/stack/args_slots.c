/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the words of a frame are, beyond what the unwinder knows: variables, spilled values, canaries. */
#include <inttypes.h>
#include <stdlib.h>

#include "args_solve.h"

/* Members in members. */
#define DEPTH_MAX 8

struct labelling {
	struct iq_args *a;
	unsigned int n;
	struct frame_facts *x;
	struct iq_frame_variables variables;
	bool has_canary;
	uint64_t canary;
};

/* ---- Variables -------------------------------------------------------------------------------- */

/* Append the member of T that lies at OFFSET: ".entry.next", "[2]". */
static void add_path(const struct iq_type *type, uint64_t offset, struct iq_buf *out)
{
	for (unsigned int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct iq_type *t = iq_type_strip(type), *element;
		const struct iq_member *m, *found = NULL;
		unsigned int nr;

		if (t->kind == IQ_KIND_ARRAY) {
			element = iq_type_target(t);
			if (!iq_type_strip(element)->size)
				return;
			iq_buf_printf(out, "[%" PRIu64 "]", offset / iq_type_strip(element)->size);
			offset %= iq_type_strip(element)->size;
			type = element;
			continue;
		}
		if (t->kind != IQ_KIND_STRUCT)
			break;
		m = iq_type_members(t, &nr);
		for (unsigned int i = 0; i < nr; i++) {
			uint64_t size = iq_type_strip(m[i].type)->size;

			if (m[i].bit_offset / 8 <= offset && offset - m[i].bit_offset / 8 < size)
				found = &m[i];
		}
		if (!found)
			break;
		if (found->name[0])
			iq_buf_printf(out, ".%s", found->name);
		offset -= found->bit_offset / 8;
		type = found->type;
	}
	if (offset)
		iq_buf_printf(out, "+%" PRIu64, offset);
}

/* All variables of the debug information that share the word: small ones are two or more. */
static bool by_variables(struct labelling *l, struct iq_slot *s)
{
	struct iq_buf text = {0};

	for (unsigned int i = 0; i < l->variables.nr; i++) {
		const struct iq_frame_variable *v = &l->variables.list[i];
		struct iq_buf path = {0};

		if (!v->from_dwarf || !v->in_memory || !v->size || v->address >= s->address + 8 ||
		    v->address + v->size <= s->address)
			continue;
		iq_buf_puts(&path, v->name);
		add_path(v->type, s->address > v->address ? s->address - v->address : 0, &path);
		/* The parameter of an inlined function often is the variable of its caller. */
		if (text.len && strstr(iq_buf_str(&text), iq_buf_str(&path))) {
			iq_buf_free(&path);
			continue;
		}
		if (text.len)
			iq_buf_puts(&text, ", ");
		iq_buf_puts(&text, iq_buf_str(&path));
		iq_buf_free(&path);
	}
	if (text.len) {
		s->kind = IQ_SLOT_VARIABLE;
		snprintf(s->text, sizeof(s->text), "%s", iq_buf_str(&text));
	}
	iq_buf_free(&text);
	return s->kind == IQ_SLOT_VARIABLE;
}

/* ---- Code ------------------------------------------------------------------------------------- */

static void place_text(const struct labelling *l, uint32_t op, char *buf, size_t room)
{
	const struct flow *f = l->x->flow;
	uint64_t at = f->op[op].address;

	if (at - f->part[0].start < f->part[0].size)
		snprintf(buf, room, "+%" PRIu64, at - f->part[0].start);
	else
		snprintf(buf, room, "0x%" PRIx64, at);
}

static void plus(char *buf, size_t room, int64_t addend)
{
	size_t len = strlen(buf);

	if (addend)
		snprintf(buf + len, room - len, "%+" PRId64, addend);
}

/* The called function that OP calls, if it is called by address. */
static void returned_by(const struct labelling *l, uint64_t target, char *buf, size_t room)
{
	struct iq_symbol s;

	if (target && iq_symbol_at(l->a->k, target, &s) && s.address == target)
		snprintf(buf, room, "returned by %s", s.name);
}

/* A value that the code has put there, and nobody has changed since. */
static void describe_spill(const struct labelling *l, const struct spill *p, struct iq_slot *s)
{
	const struct iq_arch *arch = l->a->k->arch;
	const struct value *v = &p->value;
	struct iq_buf expression = {0};
	const struct iq_type *type;
	char where[64];

	s->kind = IQ_SLOT_SPILL;
	place_text(l, p->op, where, sizeof(where));
	snprintf(s->text, sizeof(s->text), "set at %.60s", where);
	if (args_expression(l->a, l->n, v, &type, &expression)) {
		s->kind = IQ_SLOT_VARIABLE;
		snprintf(s->text, sizeof(s->text), "%s", iq_buf_str(&expression));
		iq_buf_free(&expression);
		return;
	}
	iq_buf_free(&expression);
	switch ((enum value_base)v->base) {
	case V_ENTRY:
		if (!v->addend && arch->callee_saved >> v->n & 1 && v->width == 8) {
			s->kind = IQ_SLOT_SAVED_REG;
			s->reg = (int)v->n;
			s->text[0] = '\0';
			return;
		}
		snprintf(s->text, sizeof(s->text), "%s at the entry", arch->reg_names[v->n]);
		plus(s->text, sizeof(s->text), v->addend);
		break;
	case V_CONST:
		snprintf(s->text, sizeof(s->text), "constant, set at %.60s", where);
		break;
	case V_CFA:
		snprintf(s->text, sizeof(s->text), "address in this frame");
		break;
	case V_DEF:
		if (l->x->flow->origin[v->n].kind == FROM_CALL && !v->addend)
			returned_by(l, l->x->flow->origin[v->n].target, s->text, sizeof(s->text));
		break;
	case V_STACK:
	case V_UNKNOWN:
		break;
	}
}

static const struct spill *spill_in(const struct state *st, int32_t offset)
{
	for (unsigned int i = 0; i < st->nr; i++)
		if (st->spill[i].offset >= offset && st->spill[i].offset < offset + 8)
			return &st->spill[i];
	return NULL;
}

/* The highest place at or below OFFSET whose address was taken: what begins there goes on to here. */
static bool object_at(const struct flow *f, int32_t offset, int32_t *ret)
{
	bool found = false;

	for (unsigned int i = 0; i < f->nr_taken; i++) {
		if (f->taken[i] <= offset && (!found || f->taken[i] > *ret)) {
			*ret = f->taken[i];
			found = true;
		}
	}
	return found;
}

static void by_canary(const struct labelling *l, struct iq_slot *s)
{
	s->kind = IQ_SLOT_CANARY;
	s->changed = l->has_canary && s->readable && s->value != l->canary;
}

static bool by_code(struct labelling *l, struct iq_slot *s)
{
	const struct flow *f = l->x->flow;
	int64_t offset = (int64_t)(s->address - l->x->cfa);
	const struct frame_use *use;
	const struct spill *p;
	int32_t object = 0;
	char where[64];

	if (!l->x->has_cfa || offset >= 0 || offset < -8 * FLOW_WORDS)
		return false;
	use = &f->word[(-offset - 1) / 8];
	p = spill_in(&l->x->st, (int32_t)offset);
	if (f->variable_below && offset < f->variable_below) {
		s->kind = IQ_SLOT_DYNAMIC;
		snprintf(s->text, sizeof(s->text), "variable size");
	} else if (use->canary && !use->writer) {
		by_canary(l, s);
	} else if (p) {
		describe_spill(l, p, s);
	} else if (use->writer && state_written(&l->x->st, (int32_t)offset)) {
		s->kind = IQ_SLOT_LOCAL;
		place_text(l, use->writer - 1, where, sizeof(where));
		snprintf(s->text, sizeof(s->text), "local, set at %.60s%s", where,
			 use->several ? " ..." : "");
	} else if (object_at(f, (int32_t)offset + 7, &object)) {
		s->kind = IQ_SLOT_LOCAL;
		snprintf(s->text, sizeof(s->text), "local at sp+%" PRId64,
			 (int64_t)(l->x->cfa + (uint64_t)(int64_t)object -
				   l->a->b->frames[l->n].sp));
		if (offset > object)
			plus(s->text, sizeof(s->text), offset - object);
	} else {
		s->kind = IQ_SLOT_LEFTOVER;
		snprintf(s->text, sizeof(s->text), "leftover");
	}
	return true;
}

static void label(struct labelling *l, struct iq_slot *s)
{
	bool coded = l->x->usable && !l->x->contradiction;

	/* By its value alone a canary may as well be that of an earlier call. */
	if (s->kind == IQ_SLOT_CANARY && coded)
		s->kind = IQ_SLOT_UNKNOWN;
	if (s->kind == IQ_SLOT_UNKNOWN && !by_variables(l, s) && coded)
		by_code(l, s);
}

struct iq_error *iq_args_slots(struct iq_args *a, unsigned int n, struct iq_slot **slots,
			       unsigned int *nr)
{
	struct labelling l = {.a = a, .n = n};
	struct iq_error *err;

	if (!a->b || n >= a->b->nr)
		return iq_error_new(IQ_E_USAGE, "there is no frame %u", n);
	IQ_TRY(iq_frame_slots(a->k, a->b, n, slots, nr));
	err = a->without_dwarf ? NULL : iq_args_frame(a, n, &l.variables);
	if (err) {
		free(*slots);
		*slots = NULL;
		return err;
	}
	l.x = &a->frame[n];
	l.has_canary = slots_canary(a->k, &a->b->task, &l.canary);
	for (unsigned int i = 0; i < *nr; i++)
		label(&l, &(*slots)[i]);
	iq_frame_variables_free(&l.variables);
	return NULL;
}
