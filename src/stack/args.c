/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose parameters the known values are: prototypes, and where the calling convention puts what. */
#include <inttypes.h>
#include <stdlib.h>

#include "args_solve.h"

const char *iq_certainty_text(enum iq_certainty c)
{
	return c == IQ_VALUE_EXACT ? "exact" : c == IQ_VALUE_INFERRED ? "inferred" : "unavailable";
}

struct iq_error *iq_args_open(struct iq_kernel *k, struct iq_args **ret)
{
	struct iq_args *a = calloc(1, sizeof(*a));

	if (!a)
		return iq_error_nomem();
	a->k = k;
	*ret = a;
	return NULL;
}

void iq_args_close(struct iq_args *a)
{
	if (!a)
		return;
	args_forget(a);
	args_forget_flows(a);
	free(a->all);
	free(a);
}

void iq_args_without_dwarf(struct iq_args *a, bool without)
{
	a->without_dwarf = without;
}

struct iq_error *iq_args_trace(struct iq_args *a, const struct iq_backtrace *b)
{
	struct iq_error *err;

	args_forget(a);
	a->b = b;
	err = args_solve(a);
	if (err)
		args_forget(a);
	return err;
}

void iq_frame_variables_free(struct iq_frame_variables *v)
{
	iq_arena_free(&v->arena);
	*v = (struct iq_frame_variables){0};
}

/* ---- Prototypes ------------------------------------------------------------------------------- */

static bool unique(struct iq_symtab *t, const char *name)
{
	struct iq_symbol s;
	unsigned int from = 0;

	return t && iq_symtab_by_name(t, name, &from, &s) && !iq_symtab_by_name(t, name, &from, &s);
}

/* Registers that the parameters of PROTO take. */
static unsigned int registers_of(const struct iq_arch *arch, const struct iq_type *proto)
{
	struct arg_cursor c = {0};
	struct arg_place place;
	unsigned int nr;
	const struct iq_member *p = iq_type_members(proto, &nr);

	for (unsigned int i = 0; i < nr; i++)
		if (!args_place(arch, p[i].type, &c, &place))
			return arch->nr_arg_regs;
	return proto->variadic ? arch->nr_arg_regs : c.registers;
}

/* A register that is read before it is written, but holds no parameter: it is another function's. */
bool args_fits_code(const struct iq_arch *a, const struct flow *f, const struct iq_type *proto)
{
	unsigned int registers = registers_of(a, proto);

	if (!f || !f->known)
		return true;
	for (unsigned int i = registers; i < a->nr_arg_regs; i++)
		if (f->live_in >> a->arg_regs[i] & 1)
			return false;
	return true;
}

static const struct iq_type *in_types(struct iq_types *types, const char *name, bool *certain)
{
	unsigned int matches = 0;
	const struct iq_type *f = types ? iq_function_by_name(types, name, &matches) : NULL;

	*certain = matches == 1;
	return f;
}

const struct iq_type *args_prototype(struct iq_args *a, const struct iq_symbol *s,
				     const struct flow *f, bool *certain)
{
	struct iq_types *types = iq_kernel_types(a->k);
	const char *name = f ? f->name : s->name;
	const struct iq_type *proto, *kernels;
	struct iq_module *m;
	bool other;

	if (!types || !name || strchr(name, '.'))
		return NULL;
	kernels = in_types(types, name, certain);
	if (!s->module) {
		*certain = *certain && unique(a->k->symbols, name);
		return kernels;
	}
	m = iq_module_by_name(a->k, s->module);
	if (!m || !iq_module_types(a->k, m))
		return NULL;
	proto = in_types(iq_module_types(a->k, m), name, certain);
	/* A module's types include the kernel's: a function of this name there may be meant. */
	if (!proto || (kernels && proto == kernels))
		return NULL;
	other = kernels != NULL;
	*certain = *certain && !other && unique(iq_module_symbols(a->k, m), name);
	return proto;
}

/* ---- Where parameters are --------------------------------------------------------------------- */

/* System V ABI, AMD64: classes INTEGER and MEMORY; the kernel passes no floating point. */
bool args_place(const struct iq_arch *a, const struct iq_type *type, struct arg_cursor *c,
		struct arg_place *ret)
{
	const struct iq_type *t = iq_type_strip(type);
	uint64_t size = t->kind == IQ_KIND_POINTER ? a->word : t->size, words;

	*ret = (struct arg_place){.size = size};
	if (t->kind == IQ_KIND_FLOAT || t->kind == IQ_KIND_VOID || size > 4096)
		return false;
	words = (size + 7) / 8;
	if (words <= 2 && c->registers + words <= a->nr_arg_regs) {
		ret->first = c->registers;
		ret->nr_registers = (unsigned int)words;
		c->registers += (unsigned int)words;
		return true;
	}
	if (t->kind == IQ_KIND_INT && size == 16)
		c->stack = (c->stack + 15) & ~15U;
	ret->on_stack = true;
	ret->offset = c->stack;
	c->stack += 8 * (unsigned int)words;
	return true;
}

/* ---- Values ----------------------------------------------------------------------------------- */

static void describe(const struct iq_args *a, unsigned int n, const struct fact *f,
		     struct iq_buf *out)
{
	const struct iq_backtrace *b = a->b;
	const char *reg = a->k->arch->reg_names[f->reg];

	switch ((enum fact_source)f->source) {
	case FACT_REGISTER:
		iq_buf_puts(out, reg);
		if (f->address)
			iq_buf_printf(out, " saved at 0x%" PRIx64, f->address);
		break;
	case FACT_WORD:
		iq_buf_printf(out, "on the stack at 0x%" PRIx64, f->address);
		break;
	case FACT_CALLER:
		iq_buf_printf(out, "passed by %s",
			      n + 1 < b->nr && b->frames[n + 1].symbol.name
				      ? b->frames[n + 1].symbol.name
				      : "the caller");
		break;
	case FACT_CALLEE:
		iq_buf_printf(out, "kept by %s",
			      n && b->frames[n - 1].symbol.name ? b->frames[n - 1].symbol.name
								: "the function it called");
		break;
	case FACT_CURRENT:
		iq_buf_puts(out, "the current task");
		break;
	case FACT_CODE:
		iq_buf_puts(out, "in the code");
		break;
	}
}

static const char *why_not(const struct iq_args *a, unsigned int n)
{
	const struct frame_facts *x = &a->frame[n];

	if (!x->flow || !x->flow->nr_ops)
		return "the function's code cannot be read";
	if (x->contradiction)
		return "the frame is not as the function's code leaves it";
	if (!x->flow->known)
		return "the function's code cannot be followed";
	if (!x->usable)
		return "the code does not come to where the frame stands";
	return "kept neither by the function nor by its caller";
}

/* One word of a parameter: what register REG (-1: the stack at CFA + OFFSET) held at the entry. */
static bool entry_word(const struct iq_args *a, unsigned int n, int reg, unsigned int offset,
		       struct word *ret)
{
	const struct frame_facts *x = &a->frame[n];
	struct value v = {.base = reg < 0 ? V_STACK : V_ENTRY,
			  .width = 8,
			  .n = reg < 0 ? offset : (uint32_t)reg};

	*ret = (struct word){0};
	return x->usable && !x->contradiction &&
	       args_value(a, n, &v, &ret->value, &ret->width, &ret->certain, &ret->fact);
}

bool args_entry_register(const struct iq_args *a, unsigned int n, unsigned int reg,
			 struct word *ret)
{
	return entry_word(a, n, (int)reg, 0, ret);
}

static const char *copy_text(struct iq_frame_variables *v, struct iq_buf *b)
{
	const char *s = iq_arena_strdup(&v->arena, iq_buf_str(b));

	iq_buf_free(b);
	return s ? s : "";
}

static void find_value(struct iq_args *a, unsigned int n, const struct arg_place *p,
		       struct iq_frame_variables *all, struct iq_frame_variable *var)
{
	unsigned int words = (unsigned int)((p->size + 7) / 8);
	uint8_t *bytes = iq_arena_alloc(&all->arena, p->size ? 8 * (size_t)words : 8);
	bool certain = true;
	struct iq_buf from = {0};

	var->from = why_not(a, n);
	if (!bytes || !p->size)
		return;
	for (unsigned int i = 0; i < words; i++) {
		unsigned int need = (unsigned int)IQ_MIN(8, p->size - 8 * i);
		int reg = p->on_stack ? -1 : (int)a->k->arch->arg_regs[p->first + i];
		struct word w;

		if (!entry_word(a, n, reg, p->offset + 8 * i, &w) || w.width < need) {
			iq_buf_free(&from);
			return;
		}
		certain = certain && w.certain;
		for (unsigned int j = 0; j < 8; j++)
			bytes[8 * i + j] = (uint8_t)(w.value >> 8 * j);
		if (i)
			iq_buf_puts(&from, ", ");
		if (w.fact)
			describe(a, n, w.fact, &from);
	}
	var->bytes = bytes;
	var->from = copy_text(all, &from);
	var->certainty = certain && a->b->frames[n].reliable ? IQ_VALUE_EXACT : IQ_VALUE_INFERRED;
}

/* V is what register REG holds: known, and of V's type? */
static bool held_value(const struct iq_args *a, unsigned int n, unsigned int reg,
		       struct iq_frame_variables *all, struct iq_frame_variable *v)
{
	const struct iq_type *t = iq_type_strip(v->type);
	const struct fact *fact;
	struct iq_buf from = {0};
	unsigned int width;
	uint64_t value;
	uint8_t *bytes;
	bool certain;

	v->size = t->kind == IQ_KIND_POINTER ? a->k->arch->word : t->size;
	if (!v->size || v->size > 8 ||
	    !args_value(a, n, &a->frame[n].st.reg[reg], &value, &width, &certain, &fact) ||
	    width < v->size)
		return false;
	bytes = iq_arena_alloc(&all->arena, 8);
	if (!bytes)
		return false;
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	if (fact)
		describe(a, n, fact, &from);
	v->bytes = bytes;
	v->from = copy_text(all, &from);
	v->certainty = IQ_VALUE_INFERRED;
	return true;
}

/*
 * A function whose prototype is not known, or a clone that has lost parameters: what it reads of the
 * registers that parameters come in, by their names.
 */
static struct iq_error *by_register(struct iq_args *a, unsigned int n,
				    struct iq_frame_variables *ret)
{
	const struct iq_arch *arch = a->k->arch;
	const struct flow *f = a->frame[n].flow;
	struct arg_place place = {.size = arch->word, .nr_registers = 1};

	if (!f || !f->known)
		return NULL;
	ret->list = iq_arena_alloc(&ret->arena, arch->nr_arg_regs * sizeof(*ret->list));
	if (!ret->list)
		return iq_error_nomem();
	for (unsigned int i = 0; i < arch->nr_arg_regs; i++) {
		struct iq_frame_variable *v = &ret->list[ret->nr];

		if (!(f->live_in >> arch->arg_regs[i] & 1))
			continue;
		place.first = i;
		*v = (struct iq_frame_variable){.name = arch->reg_names[arch->arg_regs[i]],
						.function = a->b->frames[n].symbol.name,
						.parameter = true,
						.size = place.size};
		find_value(a, n, &place, ret, v);
		if (v->certainty != IQ_VALUE_UNAVAILABLE)
			ret->nr++;
	}
	return NULL;
}

/* Parameters by prototype and code. */
static struct iq_error *by_code(struct iq_args *a, unsigned int n, struct iq_frame_variables *ret)
{
	const struct iq_frame *frame = &a->b->frames[n];
	const struct flow *f = a->frame[n].flow;
	const struct iq_type *proto;
	const struct iq_member *p;
	struct arg_cursor c = {0};
	unsigned int nr;
	bool certain, placed = true;

	if (!frame->symbol.name)
		return NULL;
	proto = args_prototype(a, &frame->symbol, f, &certain);
	if (!proto || !args_fits_code(a->k->arch, f, proto))
		return by_register(a, n, ret);
	p = iq_type_members(proto, &nr);
	ret->list = iq_arena_alloc(&ret->arena, (nr ? nr : 1) * sizeof(*ret->list));
	if (!ret->list)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_frame_variable *v = &ret->list[ret->nr++];
		struct arg_place place;

		*v = (struct iq_frame_variable){.name = p[i].name,
						.type = p[i].type,
						.function = frame->symbol.name,
						.parameter = true,
						.from = "where it was passed cannot be told"};
		/* Behind one that cannot be placed none can. */
		placed = placed && args_place(a->k->arch, p[i].type, &c, &place);
		if (!placed)
			continue;
		v->size = place.size;
		find_value(a, n, &place, ret, v);
		if (v->certainty == IQ_VALUE_EXACT && !certain)
			v->certainty = IQ_VALUE_INFERRED;
	}
	return NULL;
}

/*
 * Local variables have no names without debug information; but what a callee-saved register holds often is
 * a member of a parameter, or what a function returned, and so has a type.
 */
static struct iq_error *held_values(struct iq_args *a, unsigned int n,
				    struct iq_frame_variables *ret)
{
	const struct frame_facts *x = &a->frame[n];
	const struct iq_arch *arch = a->k->arch;
	struct iq_frame_variable *list;
	unsigned int params = ret->nr;

	if (!x->usable || x->contradiction)
		return NULL;
	list = iq_arena_alloc(&ret->arena, (params + NR_GPR) * sizeof(*list));
	if (!list)
		return iq_error_nomem();
	if (params)
		memcpy(list, ret->list, params * sizeof(*list));
	ret->list = list;
	for (unsigned int r = 0; r < NR_GPR; r++) {
		struct iq_buf text = {0};
		const struct iq_type *type;
		struct iq_frame_variable *v;

		if (!(arch->callee_saved >> r & 1) || x->st.reg[r].base != V_DEF ||
		    !args_expression(a, n, &x->st.reg[r], &type, &text)) {
			iq_buf_free(&text);
			continue;
		}
		v = &list[ret->nr];
		*v = (struct iq_frame_variable){.name = copy_text(ret, &text),
						.type = type,
						.function = a->b->frames[n].symbol.name};
		if (type && held_value(a, n, r, ret, v))
			ret->nr++;
	}
	return NULL;
}

struct iq_error *iq_args_frame(struct iq_args *a, unsigned int n, struct iq_frame_variables *ret)
{
	bool found = false;

	*ret = (struct iq_frame_variables){0};
	if (!a->b || n >= a->b->nr)
		return iq_error_new(IQ_E_USAGE, "there is no frame %u", n);
	if (a->b->frames[n].context == IQ_CTX_USER)
		return NULL;
	if (!a->without_dwarf)
		IQ_TRY(args_by_dwarf(a, n, ret, &found));
	if (found)
		return NULL;
	IQ_TRY(by_code(a, n, ret));
	return held_values(a, n, ret);
}
