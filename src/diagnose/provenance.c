/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a value back to where it came from, through the function and its callers: a chain of links, root
 * first.  Where several paths could have led here, the one that brings the observed value is taken, and if
 * that is not one only, nothing is said of what is behind.
 */
#include "provenance.h"
#include "skip.h"

#include <inquest/inspect.h>
#include <inttypes.h>

#define DEPTH_MAX 40

/* What is being followed: the term whose value is known lies at or above the one that is looked at. */
struct seen {
	const struct iq_term *top;
	uint64_t value;
};

static struct named walk(struct chain *ch, const struct iq_term *t, struct seen seen,
			 const struct iq_type *expected);

static bool observed(const struct iq_term *t, const struct seen *s, uint64_t *value)
{
	if (s->top == t || t->known)
		*value = s->top == t ? s->value : t->value;
	return s->top == t || t->known;
}

/* ---- Links ------------------------------------------------------------------------------------ */

static struct iq_link *add_link(struct chain *ch, const struct named *n, const struct iq_term *t)
{
	struct iq_link *l;

	if (!n->text || ch->nr == CHAIN_MAX)
		return NULL;
	l = &ch->link[ch->nr];
	ch->term[ch->nr++] = t;
	*l = (struct iq_link){.expression = n->text,
			      .type = n->type,
			      .has_value = n->has_value,
			      .value = n->value,
			      .frame = (int)t->frame};
	return l;
}

/* The same value under another name, as it is called further in. */
static void add_name(struct chain *ch, const struct named *n, const struct iq_term *t)
{
	const struct iq_link *last = ch->nr ? &ch->link[ch->nr - 1] : NULL;

	if (!last || strcmp(last->expression, n->text))
		add_link(ch, n, t);
}

static void add_memory(struct chain *ch, const struct iq_term *t, const struct named *n,
		       bool has_address, uint64_t address, bool seen)
{
	struct iq_link *l = add_link(ch, n, t);

	if (!l)
		return;
	l->size = t->size;
	l->has_address = has_address;
	l->address = address;
	l->has_now = has_address && iq_term_read(&ch->values, t, address, &l->now);
	if (seen && l->has_now)
		l->proof = l->now == l->value ? IQ_PROOF_MEMORY_EQUALS_REGISTER : IQ_PROOF_CHANGED;
}

/* ---- Kinds of terms --------------------------------------------------------------------------- */

static struct named walk_load(struct chain *ch, const struct iq_term *t, struct seen seen)
{
	struct named base = {0}, n;
	uint64_t address = 0, value = 0, index = 0;
	bool is_seen = observed(t, &seen, &value), has_address, has_value = is_seen;
	int64_t offset = t->offset;

	if (is_seen)
		seen = (struct seen){t, value};
	if (t->from)
		base = walk(ch, t->from, seen, NULL);
	has_address = iq_term_address(&ch->values, t, &address);
	/* Behind a choice the way that was taken tells. */
	if (!has_address && base.has_value && !t->index) {
		has_address = true;
		address = base.value + (uint64_t)offset;
	}
	if (!has_value)
		has_value = has_address && iq_term_read(&ch->values, t, address, &value);
	if (t->index && has_address && base.has_value)
		offset = (int64_t)(address - base.value);
	else if (t->index && iq_term_value(&ch->values, t->index, &index))
		offset += (int64_t)(index * t->scale);
	if (base.text)
		n = iq_name_member(ch->c, &base, offset, t->size);
	else
		n = iq_name_variable(ch->c, has_address ? address : (uint64_t)t->offset, t->size);
	if (t->from && t->from->kind == IQ_TERM_FRAME && has_address) {
		struct named local = iq_name_local(ch->c, t->frame, false, 0, address);

		if (local.text)
			n = local;
	}
	if (!n.type && has_address) {
		struct named local = iq_name_through_local(ch->c, t->frame, address, t->size);

		if (local.text)
			n = local;
	}
	n.has_value = has_value;
	n.value = value;
	add_memory(ch, t, &n, has_address, address, is_seen);
	return n;
}

static struct named walk_percpu(struct chain *ch, const struct iq_term *t, struct seen seen)
{
	struct named n = {.atom = true};
	uint64_t address = 0, value = 0;
	bool is_seen = observed(t, &seen, &value), has_address, has_value = is_seen;
	struct iq_types *types = iq_kernel_types(ch->c->k);
	struct iq_symbol s;

	has_address = iq_term_address(&ch->values, t, &address);
	if (!has_value)
		has_value = has_address && iq_term_read(&ch->values, t, address, &value);
	n.has_value = has_value;
	n.value = value;
	if (t->name) {
		n.text = t->name;
		n.type = t->type;
	} else if (iq_symtab_by_address(ch->c->k->symbols, t->address, &s) &&
		   s.address == t->address) {
		n.text = iq_case_text(ch->c, "this_cpu_read(%s)", s.name);
		n.type = types ? iq_variable_type(types, s.name) : NULL;
	} else {
		return n;
	}
	add_memory(ch, t, &n, has_address, address, is_seen);
	return n;
}

static bool is_helper(const struct iq_case *c, unsigned int frame)
{
	const struct iq_symbol *s = &c->trace.frames[frame].symbol;

	return s->name && !s->module && iq_skip_function(s->name);
}

static struct named walk_entry(struct chain *ch, const struct iq_term *t, struct seen seen,
			       const struct iq_type *expected)
{
	struct named n = {0}, outer = {0};
	uint64_t value = 0, from;
	bool has = observed(t, &seen, &value), follow = t->from && t->sure && !ch->local;

	if (!has)
		has = iq_term_value(&ch->values, t, &value);
	/* A call through a pointer: only if what the caller had is what we got. */
	if (t->from && !follow && !ch->local)
		follow = has && iq_term_value(&ch->values, t->from, &from) && from == value &&
			 value >= 4096;
	if (follow)
		outer = walk(ch, t->from, has ? (struct seen){t->from, value} : (struct seen){0},
			     t->type ? t->type : expected);
	/* What a helper calls its parameters says nothing. */
	if (outer.text && is_helper(ch->c, t->frame))
		return outer;
	if (t->name)
		n = (struct named){.text = t->name, .type = t->type, .atom = true};
	if (!n.text && has)
		n = iq_name_local(ch->c, t->frame, true, value, 0);
	if (!n.text && outer.text)
		return outer;
	if (!n.text && !t->on_stack)
		n = iq_name_register(ch->c, t->reg, t->type ? t->type : expected);
	if (!n.text)
		return n;
	if (!n.type)
		n.type = t->type ? t->type : outer.type ? outer.type : expected;
	n.has_value = has;
	n.value = value;
	add_name(ch, &n, t);
	return n;
}

static struct named walk_call(struct chain *ch, const struct iq_term *t, struct seen seen,
			      const struct iq_type *expected)
{
	struct named n = {.atom = true};

	n.has_value = observed(t, &seen, &n.value);
	n.type = t->type ? t->type : expected;
	if (n.has_value && n.value >= 4096) {
		struct named local = iq_name_local(ch->c, t->frame, false, n.value, 0);

		if (local.text)
			n = local;
	}
	if (!n.text && t->name)
		n.text = iq_case_text(ch->c, "%s()", t->name);
	if (n.text)
		add_link(ch, &n, t);
	return n;
}

static struct named walk_sum(struct chain *ch, const struct iq_term *t, struct seen seen,
			     const struct iq_type *expected)
{
	struct named base, n = {0};
	uint64_t value = 0, index = 0;
	bool has = observed(t, &seen, &value);
	int64_t offset = t->offset;

	if (t->index) {
		if (!iq_term_value(&ch->values, t->index, &index))
			return n;
		offset += (int64_t)(index * t->scale);
	}
	if (!t->from)
		return n;
	if (has && t->size >= 8)
		seen = (struct seen){t->from, value - (uint64_t)offset};
	base = walk(ch, t->from, seen, offset ? NULL : expected);
	if (t->size < 8) {
		/* Of a number the low bytes. */
		n = base;
		n.has_value = has;
		n.value = value;
		return n;
	}
	n = iq_name_sum(ch->c, &base, offset, expected);
	if (has) {
		n.has_value = true;
		n.value = value;
	}
	return n;
}

/* The entry of a list, or whatever a loop went through, at ADDRESS. */
static struct named element(struct chain *ch, uint64_t address)
{
	uint64_t start = 0;
	const struct iq_type *type = iq_object_type(ch->c, address, &start), *pointer;
	struct named n = {0}, base;
	struct iq_buf b = {0};

	if (!type)
		return n;
	pointer = iq_type_pointer_to(type);
	iq_buf_puts(&b, "((");
	iq_type_declare(pointer, "", &b);
	iq_buf_printf(&b, ")0x%" PRIx64 ")", start);
	base = (struct named){.text = iq_case_text(ch->c, "%s", iq_buf_str(&b)),
			      .type = pointer,
			      .atom = true,
			      .has_value = true,
			      .value = start};
	iq_buf_free(&b);
	n = iq_name_sum(ch->c, &base, (int64_t)(address - start), NULL);
	n.has_value = true;
	n.value = address;
	return n;
}

static struct named walk_choice(struct chain *ch, const struct iq_term *t, struct seen seen,
				const struct iq_type *expected)
{
	struct named n = {0};
	struct value_of was = ch->values;
	struct way way;
	uint64_t value;
	bool has = observed(t, &seen, &value);

	if (ch->values.bound && t->choice == ch->values.bound->choice) {
		n = element(ch, ch->values.bound_value);
		if (!n.text)
			n = (struct named){
				.text = iq_case_text(ch->c, "0x%" PRIx64, ch->values.bound_value),
				.atom = true,
				.has_value = true,
				.value = ch->values.bound_value};
		add_link(ch, &n, t);
		return n;
	}
	if (has)
		seen = (struct seen){t, value};
	if (!seen.top || !iq_term_way(&ch->values, t, seen.top, seen.value, &way)) {
		if (has)
			n = iq_name_local(ch->c, t->frame, false, value, 0);
		if (n.text)
			add_link(ch, &n, t);
		return n;
	}
	if (!way.loop)
		return walk(ch, way.term, has ? (struct seen){way.term, value} : (struct seen){0},
			    expected);
	walk(ch, way.first, (struct seen){way.first, way.first_value}, NULL);
	ch->values.bound = t;
	ch->values.bound_value = way.before;
	n = walk(ch, way.term, has ? (struct seen){way.term, value} : (struct seen){0}, expected);
	ch->values.bound = was.bound;
	ch->values.bound_value = was.bound_value;
	/* The entry that the loop has come to is better called by itself than by the one before. */
	if (n.has_value && !iq_is_garbage(ch->c, n.value)) {
		struct named e = element(ch, n.value);

		if (e.text && !e.is_address)
			add_link(ch, &e, t);
		if (e.text)
			return e;
		n.text = iq_case_text(ch->c, "0x%" PRIx64, n.value);
		n.atom = true;
		n.cast = n.type != NULL;
	}
	return n;
}

static struct named walk_constant(struct chain *ch, const struct iq_term *t)
{
	return iq_name_constant(ch->c, t->value);
}

static struct named walk_frame(struct chain *ch, const struct iq_term *t)
{
	struct named n = {0};

	if (!t->known)
		return n;
	n = iq_name_local(ch->c, t->frame, false, 0, t->value);
	if (n.text) {
		n.type = n.type ? iq_type_pointer_to(n.type) : NULL;
		n.is_address = true;
	}
	n.has_value = true;
	n.value = t->value;
	return n;
}

static struct named walk(struct chain *ch, const struct iq_term *t, struct seen seen,
			 const struct iq_type *expected)
{
	struct named n = {0};
	uint64_t value;

	if (ch->depth >= DEPTH_MAX)
		return n;
	ch->depth++;
	switch (t->kind) {
	case IQ_TERM_LOAD:
		n = walk_load(ch, t, seen);
		break;
	case IQ_TERM_PERCPU:
		n = walk_percpu(ch, t, seen);
		break;
	case IQ_TERM_ENTRY:
		n = walk_entry(ch, t, seen, expected);
		break;
	case IQ_TERM_CALL:
		n = walk_call(ch, t, seen, expected);
		break;
	case IQ_TERM_SUM:
		n = walk_sum(ch, t, seen, expected);
		break;
	case IQ_TERM_CHOICE:
		n = walk_choice(ch, t, seen, expected);
		break;
	case IQ_TERM_CONSTANT:
		n = walk_constant(ch, t);
		break;
	case IQ_TERM_FRAME:
		n = walk_frame(ch, t);
		break;
	case IQ_TERM_UNKNOWN:
		if (observed(t, &seen, &value))
			n = iq_name_local(ch->c, t->frame, false, value, 0);
		if (n.text)
			add_link(ch, &n, t);
		break;
	}
	ch->depth--;
	return n;
}

/* ---- The whole chain -------------------------------------------------------------------------- */

/* Is what T comes from a place of its own, or only the address of one? */
static bool comes_from_memory(const struct iq_term *t)
{
	while (t && t->kind == IQ_TERM_SUM)
		t = t->from;
	return t && (t->kind == IQ_TERM_LOAD || t->kind == IQ_TERM_PERCPU ||
		     t->kind == IQ_TERM_CALL || t->kind == IQ_TERM_CHOICE);
}

/* The chain belongs to the outermost function that was given the value. */
static void note_user(struct chain *ch, const struct iq_term *t)
{
	while (t && (t->kind == IQ_TERM_ENTRY || t->kind == IQ_TERM_SUM)) {
		if (t->kind == IQ_TERM_ENTRY && (!t->from || !t->sure))
			return;
		if (t->kind == IQ_TERM_ENTRY) {
			const struct iq_term *in = t->from;

			while (in->kind == IQ_TERM_SUM && in->from)
				in = in->from;
			if (in->kind != IQ_TERM_ENTRY && !comes_from_memory(in))
				return;
			ch->user = (int)t->frame + 1;
			ch->user_reg = t->caller_reg;
		}
		t = t->from;
	}
}

/* Of several parameters that only hand a value on the innermost is enough. */
static void drop_aliases(struct chain *ch)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < ch->nr; i++) {
		const struct iq_link *l = &ch->link[i];

		if (i + 1 < ch->nr && ch->term[i]->kind == IQ_TERM_ENTRY &&
		    ch->term[i + 1]->kind == IQ_TERM_ENTRY && l->has_value && l[1].has_value &&
		    l->value == l[1].value)
			continue;
		ch->link[kept] = *l;
		ch->term[kept++] = ch->term[i];
	}
	ch->nr = kept;
}

struct named iq_chain_of(struct chain *ch, const struct iq_term *t, const uint64_t *value,
			 const struct iq_type *expected)
{
	struct named n;

	ch->user = -1;
	note_user(ch, t);
	n = walk(ch, t, value ? (struct seen){t, *value} : (struct seen){0}, expected);
	/* "stats" of one function is "s->port->stats" of its caller: the latter says more. */
	while (ch->nr > 1 && n.has_value && n.value == ch->link[ch->nr - 1].value &&
	       ch->term[ch->nr - 1]->kind == IQ_TERM_ENTRY && ch->link[ch->nr - 1].has_value &&
	       ch->link[ch->nr - 2].has_value &&
	       ch->link[ch->nr - 1].value == ch->link[ch->nr - 2].value) {
		ch->nr--;
		n.text = ch->link[ch->nr - 1].expression;
		n.type = ch->link[ch->nr - 1].type ? ch->link[ch->nr - 1].type : n.type;
		n.is_address = false;
		n.atom = true;
	}
	drop_aliases(ch);
	return n;
}

/* ---- Which links are bad ---------------------------------------------------------------------- */

bool iq_is_garbage(struct iq_case *c, uint64_t value)
{
	uint64_t pa;
	enum iq_mem is;

	if (value < 4096 || value >= (uint64_t)-4095 ||
	    !c->k->arch->vm->canonical(&c->k->layout, value) ||
	    !c->k->arch->vm->is_kernel(&c->k->layout, value))
		return true;
	is = iq_vm_translate(c->k->vm, value, &pa, NULL);
	return is == IQ_MEM_UNMAPPED;
}

static bool is_pointer(const struct iq_type *t)
{
	return t && iq_type_strip(t)->kind == IQ_KIND_POINTER;
}

/* Does VALUE point into an object where no TYPE has room, or begins? */
static bool misplaced(struct iq_case *c, const struct iq_type *type, uint64_t value,
		      const struct iq_whatis *w)
{
	const struct iq_type *to = iq_pointed_to(type), *whole, *inner;
	struct iq_buf path = {0};
	uint64_t start;
	bool fits;

	if (!to || to->kind != IQ_KIND_STRUCT || !to->size || !to->name[0] || !w->has_object ||
	    !w->object.object || !w->object.offset || !w->object.slab.cache)
		return false;
	if (w->object.offset + to->size > w->object.slab.cache->object_size)
		return true;
	whole = iq_object_type(c, value, &start);
	whole = whole ? iq_type_strip(whole) : NULL;
	/* Only of a struct that begins elsewhere: others may be within. */
	if (!whole || whole->kind != IQ_KIND_STRUCT || strcmp(whole->name, to->name))
		return false;
	fits = iq_member_sized(whole, value - start, to->size, &inner, &path);
	iq_buf_free(&path);
	return !fits;
}

static void judge(struct chain *ch, unsigned int i, bool used_as_pointer)
{
	struct iq_link *l = &ch->link[i];
	struct iq_case *c = ch->c;

	if (!l->has_value || !(used_as_pointer || is_pointer(l->type)))
		return;
	if (iq_is_garbage(c, l->value)) {
		/* A NULL that nobody follows is no mistake. */
		l->verdict = used_as_pointer ? IQ_LINK_BAD : IQ_LINK_UNKNOWN;
		return;
	}
	l->object = iq_case_whatis(c, l->value);
	if (!l->object)
		return;
	l->verdict = IQ_LINK_OK;
	if ((l->object->has_object && l->object->object.object &&
	     (l->object->object.state == IQ_OBJECT_FREE ||
	      l->object->object.state == IQ_OBJECT_CPU_FREE ||
	      l->object->object.state == IQ_OBJECT_SHEAF)) ||
	    (l->object->has_page && l->object->use == IQ_PAGE_FREE) ||
	    misplaced(c, l->type, l->value, l->object))
		l->verdict = IQ_LINK_BAD;
}

void iq_chain_judge(struct chain *ch, bool pointer)
{
	for (unsigned int i = 0; i < ch->nr; i++)
		judge(ch, i, i + 1 < ch->nr || pointer);
	/*
	 * What was read through a value from memory, and came out as the register has it, proves that value
	 * too.  Small numbers are equal by chance.
	 */
	for (unsigned int i = ch->nr; i-- > 1;) {
		struct iq_link *l = &ch->link[i], *before = &ch->link[i - 1];

		if (l->proof == IQ_PROOF_MEMORY_EQUALS_REGISTER && l->value >= 65536 &&
		    l->has_address && before->has_now && before->proof == IQ_PROOF_INFERRED &&
		    before->has_value && before->now == before->value)
			before->proof = IQ_PROOF_MEMORY_EQUALS_REGISTER;
	}
}
