/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a register holds, by looking for who wrote it, backwards, block by block; where blocks bring different values
 * one of them: a choice.
 */
#include "args_run.h"
#include "args_term.h"

#define CHOICES_MAX 16

unsigned int flow_block_of(const struct flow *f, unsigned int at)
{
	unsigned int low = 0, high = f->nr_blocks;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (f->block[mid].first <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : 0;
}

bool flow_leads_to(const struct flow *f, unsigned int p, unsigned int b)
{
	const struct block *from = &f->block[p];
	const struct op *last = &f->op[from->first + from->nr - 1];
	const struct op *to = &f->op[f->block[b].first];
	bool falls = last->flow == IQ_FLOW_NONE || last->flow == IQ_FLOW_BRANCH ||
		     (last->flow == IQ_FLOW_CALL && !last->no_return);

	if (!from->plain)
		return false;
	if (falls && last->address + last->length == to->address)
		return true;
	return (last->flow == IQ_FLOW_BRANCH || last->flow == IQ_FLOW_JUMP) && last->has_target &&
	       last->target == to->address;
}

static bool writes(const struct iq_args *a, const struct flow *f, const struct op *op,
		   unsigned int reg)
{
	if (op->kind == OP_CALL)
		return op->address - f->entry > 4 && !(a->k->arch->callee_saved >> reg & 1);
	if ((op->kind == OP_MOVE || op->kind == OP_SET || op->kind == OP_LOAD ||
	     op->kind == OP_LEA || op->kind == OP_ADD || op->kind == OP_POP) &&
	    op->dst >= 0 && (unsigned int)op->dst == reg)
		return true;
	return op->writes >> reg & 1;
}

static void add_choice(struct iq_term *t, struct iq_term *c)
{
	if (!c || c == t)
		return;
	for (unsigned int i = 0; i < t->nr_choices; i++)
		if (t->choice[i] == c)
			return;
	if (t->nr_choices < CHOICES_MAX)
		t->choice[t->nr_choices++] = c;
}

static unsigned int end_of(const struct flow *f, unsigned int b)
{
	return f->block[b].first + f->block[b].nr;
}

/* What REG holds where block B begins. */
static struct iq_term *at_block(struct search *s, unsigned int n, unsigned int b, unsigned int reg,
				bool loose)
{
	const struct flow *f = s->a->frame[n].flow;
	uint64_t key = ((uint64_t)n << 40) | ((uint64_t)b << 8) | reg;
	struct iq_term *t = iq_map_get(&s->entries, key);
	unsigned int before[CHOICES_MAX], nr = 0;
	bool is_first = f->op[f->block[b].first].address == f->entry, lost = false;

	if (t)
		return t;
	for (unsigned int i = 0; i < f->nr_blocks; i++) {
		if (!flow_leads_to(f, i, b))
			continue;
		if (nr == CHOICES_MAX)
			return NULL;
		before[nr++] = i;
	}
	if (is_first && !nr) {
		struct value v = value_whole(V_ENTRY, reg, 0);

		return term_value(s, n, &v, loose);
	}
	if (nr == 1 && !is_first)
		return term_back(s, n, before[0], end_of(f, before[0]), reg, loose);
	t = term_new(s, n, IQ_TERM_CHOICE);
	if (!t)
		return NULL;
	t->at = f->op[f->block[b].first].address;
	t->choice = iq_arena_alloc(s->arena, CHOICES_MAX * sizeof(struct iq_term *));
	if (!t->choice || !iq_map_put(&s->entries, key, t))
		return NULL;
	if (is_first) {
		struct value v = value_whole(V_ENTRY, reg, 0);

		add_choice(t, term_value(s, n, &v, true));
	}
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_term *c = term_back(s, n, before[i], end_of(f, before[i]), reg, true);

		lost = lost || !c;
		add_choice(t, c);
	}
	if (lost || !t->nr_choices)
		t->kind = IQ_TERM_UNKNOWN;
	return t;
}

struct iq_term *term_back(struct search *s, unsigned int n, unsigned int b, unsigned int at,
			  unsigned int reg, bool loose)
{
	const struct flow *f = s->a->frame[n].flow;
	struct iq_term *t;

	if (++s->depth > TERM_DEPTH_MAX) {
		s->depth--;
		return NULL;
	}
	for (unsigned int i = at; i > f->block[b].first; i--) {
		if (writes(s->a, f, &f->op[i - 1], reg)) {
			uint64_t key = ((uint64_t)1 << 63) | ((uint64_t)n << 40) |
				       ((uint64_t)(i - 1) << 8) | (reg << 1) | loose;

			t = iq_map_get(&s->known, key);
			if (!t) {
				t = term_computed(s, n, i - 1, reg, loose);
				if (t && !iq_map_put(&s->known, key, t))
					t = NULL;
			}
			s->depth--;
			return t;
		}
	}
	t = at_block(s, n, b, reg, loose);
	s->depth--;
	return t;
}
