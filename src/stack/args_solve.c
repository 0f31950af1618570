/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known registers and words of the stack, put into what the code of their functions says about them.  A callee
 * gets what its caller had at the call, so that each knows what the other has kept: facts go in and
 * out until nothing new comes of it.  If what the code says must be there is not, it says nothing
 * about that frame.
 */
#include "args_solve.h"

#include <stdlib.h>

/* Times that all frames are gone through. */
#define ROUNDS_MAX 8
/* Facts of a frame. */
#define FACTS_MAX 512
/* Instructions kept of functions that were read. */
#define OPS_KEPT 2000000

/* ---- Functions -------------------------------------------------------------------------------- */

void args_forget_flows(struct iq_args *a)
{
	for (unsigned int i = 0; i < a->nr_flows; i++) {
		flow_free(a->all[i]);
		free(a->all[i]);
	}
	a->nr_flows = 0;
	a->total_ops = 0;
	iq_map_free(&a->flows);
}

/* The words of the stack that hold parameters of functions with many of them. */
#define STACK_PARAMETERS 6

struct flow *args_flow(struct iq_args *a, const struct iq_symbol *s)
{
	struct flow *f = s->name ? iq_map_get(&a->flows, s->address) : NULL;

	if (f || !s->name)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f || !iq_grow(&a->all, &a->flows_room, a->nr_flows + 1, sizeof(struct flow *)) ||
	    !iq_map_put(&a->flows, s->address, f)) {
		free(f);
		return NULL;
	}
	a->all[a->nr_flows++] = f;
	if (code_read(a->k, s, f)) {
		f->stack_words = STACK_PARAMETERS;
		f->canary = a->canary_offset;
		flow_run(a->k, f);
	}
	a->total_ops += f->nr_ops;
	return f;
}

/* ---- Facts ------------------------------------------------------------------------------------ */

static uint64_t low_bytes(uint64_t v, unsigned int width)
{
	return width >= 8 ? v : v & ((UINT64_C(1) << 8 * width) - 1);
}

static const struct fact *find_fact(const struct frame_facts *x, uint8_t base, uint32_t n)
{
	for (unsigned int i = 0; i < x->nr; i++)
		if (x->fact[i].base == base && x->fact[i].n == n)
			return &x->fact[i];
	return NULL;
}

/* Two facts about one thing. */
static bool settle(struct frame_facts *x, struct fact *old, const struct fact *new)
{
	unsigned int width = IQ_MIN(old->width, new->width);

	if (old->disputed)
		return false;
	if (low_bytes(old->value, width) != low_bytes(new->value, width)) {
		/* Of what was proven and what was not one is wrong: the latter. */
		if (old->certain && !new->certain)
			return false;
		if (old->certain)
			x->contradiction = true;
		if (new->certain && !old->certain) {
			*old = *new;
			return true;
		}
		old->disputed = true;
		return true;
	}
	if (new->width < old->width || (new->width == old->width && old->certain >= new->certain))
		return false;
	*old = *new;
	return true;
}

static bool add_fact(struct frame_facts *x, const struct fact *f)
{
	struct fact *old = (struct fact *)find_fact(x, f->base, f->n);

	if (old)
		return settle(x, old, f);
	if (x->nr == FACTS_MAX || !iq_grow(&x->fact, &x->room, x->nr + 1, sizeof(*x->fact)))
		return false;
	x->fact[x->nr++] = *f;
	return true;
}

bool args_value(const struct iq_args *a, unsigned int n, const struct value *v, uint64_t *ret,
		unsigned int *width, bool *certain, const struct fact **f)
{
	const struct frame_facts *x = &a->frame[n];
	const struct fact *found = NULL;
	uint64_t base = 0;

	*width = 8;
	*certain = true;
	if (v->base == V_CFA) {
		if (!x->has_cfa)
			return false;
		base = x->cfa;
	} else if (v->base != V_CONST) {
		found = find_fact(x, v->base, v->n);
		if (v->base == V_UNKNOWN || !found || found->disputed)
			return false;
		base = found->value;
		*width = found->width;
		*certain = found->certain;
	}
	if (f)
		*f = found;
	*ret = base + (uint64_t)v->addend;
	if (v->width < 8) {
		unsigned int unused = 64 - 8 * v->width;

		if (*width >= v->width)
			*width = 8;
		if (*width == 8)
			*ret = v->is_signed ? (uint64_t)((int64_t)(*ret << unused) >> unused)
					    : *ret << unused >> unused;
	}
	return true;
}

/*
 * V is known to be VALUE, of which WIDTH bytes count: what follows for its base?  Returns true if that
 * is new.
 */
static bool learn(struct frame_facts *x, const struct value *v, uint64_t value, unsigned int width,
		  struct fact how)
{
	unsigned int known = IQ_MIN(width, v->width);

	value -= (uint64_t)v->addend;
	if (v->base == V_UNKNOWN)
		return false;
	if (v->base == V_CONST || v->base == V_CFA) {
		/* What the code says must be there. */
		if (how.certain && (v->base == V_CONST || x->has_cfa) &&
		    low_bytes(value, known) != low_bytes(v->base == V_CFA ? x->cfa : 0, known))
			x->contradiction = true;
		return false;
	}
	how.base = v->base;
	how.n = v->n;
	how.width = (uint8_t)known;
	how.value = low_bytes(value, known);
	return add_fact(x, &how);
}

/* ---- What a frame itself knows ---------------------------------------------------------------- */

static void own_registers(struct iq_args *a, unsigned int n)
{
	struct frame_facts *x = &a->frame[n];
	const struct iq_frame *f = &a->b->frames[n];

	for (unsigned int r = 0; r < NR_GPR; r++) {
		if (!iq_reg_known(&f->regs, r) || (!f->exact_ip && r != a->k->arch->reg_sp &&
						   !(a->k->arch->callee_saved >> r & 1)))
			continue;
		learn(x, &x->st.reg[r], f->regs.value[r], 8,
		      (struct fact){.source = FACT_REGISTER,
				    .reg = (uint8_t)r,
				    .address = f->saved_at[r],
				    .certain = f->reliable});
	}
}

/*
 * What was pushed last, in front of a call, are parameters of the called function: they belong to it, and it
 * may have changed them.
 */
static bool passed_on(const struct frame_facts *x, unsigned int i, int64_t *bottom)
{
	const struct spill *s = &x->st.spill[i];
	const struct op *op = &x->flow->op[s->op];

	if (s->offset != *bottom || op->kind != OP_PUSH)
		return false;
	*bottom += 8;
	return true;
}

static void own_words(struct iq_args *a, unsigned int n)
{
	struct frame_facts *x = &a->frame[n];
	const struct iq_frame *f = &a->b->frames[n];
	const struct value *sp = &x->st.reg[IQ_X86_RSP];
	int64_t bottom = sp->base == V_CFA && !f->exact_ip ? sp->addend : INT64_MIN;

	for (unsigned int i = 0; x->has_cfa && i < x->st.nr; i++) {
		const struct spill *s = &x->st.spill[i];
		uint64_t at = x->cfa + (uint64_t)(int64_t)s->offset, value;
		int32_t taken;

		if (passed_on(x, i, &bottom))
			continue;
		/* Below the stack pointer there is nothing of the frame's any more. */
		if (at < f->sp || at < f->stack.start || at >= f->stack.end ||
		    iq_vm_read_uint(a->k->vm, at, s->size, &value))
			continue;
		learn(x, &s->value, value, s->size,
		      (struct fact){.source = FACT_WORD,
				    .address = at,
				    .certain =
					    f->reliable &&
					    !flow_taken(x->flow, s->offset + s->size - 1, &taken)});
	}
}

/* this_cpu_read_stable(current_task): the same for as long as the task runs. */
static void own_current(struct iq_args *a, unsigned int n)
{
	struct frame_facts *x = &a->frame[n];

	for (unsigned int i = 0; a->current_offset && i < 2 * x->flow->nr_ops; i++) {
		const struct origin *o = &x->flow->origin[i];

		if (o->kind == FROM_PERCPU && o->size == 8 &&
		    (uint64_t)o->address.addend == a->current_offset)
			add_fact(x, &(struct fact){.base = V_DEF,
						   .width = 8,
						   .n = i,
						   .source = FACT_CURRENT,
						   .value = a->b->task.address});
	}
}

static bool called_by_next(const struct iq_backtrace *b, unsigned int n)
{
	return n + 1 < b->nr && !b->frames[n + 1].exact_ip && !b->frames[n + 1].has_trap;
}

static void prepare(struct iq_args *a, unsigned int n)
{
	struct frame_facts *x = &a->frame[n];
	const struct iq_frame *f = &a->b->frames[n];
	const struct value *sp = &x->st.reg[IQ_X86_RSP];
	const struct op *op;

	if (f->context == IQ_CTX_USER || f->how == IQ_FRAME_SCAN)
		return;
	x->flow = args_flow(a, &f->symbol);
	if (!x->flow || !x->flow->known)
		return;
	x->op = code_find(x->flow, f->exact_ip ? f->ip : f->ip - 1);
	if (x->op < 0)
		return;
	op = &x->flow->op[x->op];
	if (f->exact_ip ? op->address != f->ip
			: op->kind != OP_CALL || op->address + op->length != f->ip)
		return;
	if (!flow_at(a->k, x->flow, (unsigned int)x->op, &x->st))
		return;
	/*
	 * With room on the stack for something of variable size only the unwinder knows.  Entry code has
	 * no caller, and changes stacks.
	 */
	x->has_cfa = true;
	if (sp->base == V_CFA)
		x->cfa = f->sp - (uint64_t)sp->addend;
	else if (called_by_next(a->b, n))
		x->cfa = a->b->frames[n + 1].sp;
	else
		x->has_cfa = false;
	x->usable = !called_by_next(a->b, n) || a->b->frames[n + 1].sp == x->cfa;
}

/* ---- Between frames --------------------------------------------------------------------------- */

/*
 * The register through which the retpoline at TARGET, if it is one, jumps (arch/x86/lib/retpoline.S); its names do not
 * always say: jmp *%rax, or mov %rax,(%rsp) and ret.
 */
static bool is_thunk(struct iq_args *a, const char *name, uint64_t target, int *reg)
{
	uint8_t code[16];
	struct iq_insn in;

	*reg = -1;
	if (!strstr(name, "__x86_indirect_"))
		return false;
	for (unsigned int i = 0; i < 12; i++) {
		const struct iq_operand *o = in.operand;

		if (iq_vm_read(a->k->vm, target, code, sizeof(code), NULL) ||
		    !iq_insn_decode(a->k->arch, code, sizeof(code), target, &in))
			break;
		if (in.flow == IQ_FLOW_JUMP && !in.has_target && o[0].kind == IQ_OP_REG)
			*reg = o[0].reg;
		else if (!strcmp(in.mnemonic, "mov") && o[0].kind == IQ_OP_MEM &&
			 o[0].base == (int)a->k->arch->reg_sp && o[1].kind == IQ_OP_REG)
			*reg = o[1].reg;
		if (*reg >= 0)
			break;
		target += in.length;
	}
	return true;
}

static bool enters(const struct flow *f, uint64_t target)
{
	/* Calls may leave out an endbr64. */
	return target == f->entry || target == f->entry + 4;
}

/* A static call's trampoline is a jump. */
static bool jumps_to(struct iq_args *a, uint64_t target, const struct flow *f)
{
	uint8_t code[16];
	struct iq_insn in;

	for (unsigned int i = 0; i < 2; i++) {
		if (iq_vm_read(a->k->vm, target, code, sizeof(code), NULL) ||
		    !iq_insn_decode(a->k->arch, code, sizeof(code), target, &in))
			return false;
		if (in.flow == IQ_FLOW_JUMP)
			return in.has_target && enters(f, in.target);
		if (strncmp(in.mnemonic, "endbr", 5))
			return false;
		target += in.length;
	}
	return false;
}

/* Does the call through the value V go to F?  Often it is not known any more. */
static enum link_kind through(const struct iq_args *a, unsigned int n, const struct value *v,
			      const struct flow *f)
{
	uint64_t target;
	unsigned int width;
	bool certain;

	if (!args_value(a, n, v, &target, &width, &certain, NULL) || width < 8)
		return LINK_UNSURE;
	if (!enters(f, target))
		return certain ? LINK_NONE : LINK_UNSURE;
	return certain ? LINK_SURE : LINK_UNSURE;
}

/* Has the caller put something into all registers that F reads as it finds them? */
static bool prepared(const struct iq_args *a, const struct frame_facts *caller,
		     const struct flow *f)
{
	for (unsigned int i = 0; i < a->k->arch->nr_arg_regs; i++) {
		unsigned int r = a->k->arch->arg_regs[i];

		if (f->live_in >> r & 1 && caller->st.clobbered >> r & 1)
			return false;
	}
	return true;
}

/* Did the call at which frame N + 1 stands enter the function of frame N? */
static enum link_kind find_link(struct iq_args *a, unsigned int n)
{
	const struct frame_facts *callee = &a->frame[n], *caller = &a->frame[n + 1];
	const struct op *op;
	struct iq_symbol s;
	int r;

	if (!called_by_next(a->b, n) || !callee->usable || !caller->usable)
		return LINK_NONE;
	op = &caller->flow->op[caller->op];
	if (!op->has_target) {
		/* call *%rax: a call through memory reads nothing into a register. */
		for (unsigned int i = 0; i < NR_GPR; i++)
			if (op->reads == 1U << i && !op->mem_read)
				return through(a, n + 1, &caller->st.reg[i], callee->flow);
		return LINK_UNSURE;
	}
	if (enters(callee->flow, op->target))
		return LINK_SURE;
	if (!iq_symbol_at(a->k, op->target, &s) || s.address != op->target)
		return LINK_NONE;
	if (is_thunk(a, s.name, op->target, &r))
		return r < 0 || r >= NR_GPR ? LINK_UNSURE
					    : through(a, n + 1, &caller->st.reg[r], callee->flow);
	return jumps_to(a, op->target, callee->flow) ? LINK_SURE : LINK_NONE;
}

static enum link_kind link_of(struct iq_args *a, unsigned int n)
{
	enum link_kind link = find_link(a, n);

	/* Without it somebody else was called, who jumped on to where we are. */
	if (link == LINK_UNSURE && !prepared(a, &a->frame[n + 1], a->frame[n].flow))
		return LINK_NONE;
	return link;
}

/* What the caller has is what the callee got, at V in the caller and BASE in the callee. */
static bool exchange(struct iq_args *a, unsigned int n, const struct value *v,
		     const struct value *entry)
{
	struct frame_facts *callee = &a->frame[n], *caller = &a->frame[n + 1];
	bool sure = callee->to_caller == LINK_SURE, certain, news = false;
	unsigned int width;
	uint64_t value;

	if (v->base == V_UNKNOWN)
		return false;
	if (args_value(a, n + 1, v, &value, &width, &certain, NULL))
		news = learn(callee, entry, value, width,
			     (struct fact){.source = FACT_CALLER, .certain = certain && sure});
	if (args_value(a, n, entry, &value, &width, &certain, NULL))
		news |= learn(caller, v, value, width,
			      (struct fact){.source = FACT_CALLEE, .certain = certain && sure});
	return news;
}

static bool exchange_all(struct iq_args *a, unsigned int n)
{
	struct frame_facts *callee = &a->frame[n], *caller = &a->frame[n + 1];
	const struct value *sp = &caller->st.reg[IQ_X86_RSP];
	bool news = false;

	if (callee->to_caller == LINK_NONE)
		return false;
	for (unsigned int r = 0; r < NR_GPR; r++) {
		struct value entry = {.base = V_ENTRY, .width = 8, .n = r};

		if (r != a->k->arch->reg_sp)
			news |= exchange(a, n, &caller->st.reg[r], &entry);
	}
	for (unsigned int i = 0; i < callee->flow->stack_words; i++) {
		struct value entry = {.base = V_STACK, .width = 8, .n = 8 * i};
		struct value word =
			state_word(&caller->st, (int32_t)(sp->addend + 8 * (int64_t)i), 8);

		/* What is above its own frame is no parameter of the callee's. */
		if (sp->base == V_CFA && sp->addend + 8 * (int64_t)i < -8)
			news |= exchange(a, n, &word, &entry);
	}
	return news;
}

static void exchange_facts(struct iq_args *a)
{
	unsigned int nr = a->b->nr;

	for (unsigned int round = 0; round < ROUNDS_MAX; round++) {
		bool news = false;

		for (unsigned int i = nr; i-- > 0;) {
			if (i + 1 < nr && a->frame[i].to_caller == LINK_UNSURE)
				a->frame[i].to_caller = link_of(a, i);
			if (i + 1 < nr)
				news |= exchange_all(a, i);
		}
		for (unsigned int i = 0; i + 1 < nr; i++)
			news |= exchange_all(a, i);
		if (!news)
			break;
	}
}

/* ---- A trace ---------------------------------------------------------------------------------- */

void args_forget(struct iq_args *a)
{
	for (unsigned int i = 0; i < a->nr_frames; i++) {
		state_free(&a->frame[i].st);
		free(a->frame[i].fact);
	}
	free(a->frame);
	a->frame = NULL;
	a->nr_frames = 0;
	a->b = NULL;
	if (a->total_ops > OPS_KEPT)
		args_forget_flows(a);
}

/*
 * Where each CPU keeps its current task: current_task, pcpu_hot (6.2 - 6.14), const_current_task; and
 * where the compiler takes the stack canary from: %gs:40, or (6.15) a variable of its own.
 */
static void look_for_variables(struct iq_args *a)
{
	static const char *const current[] = {"const_pcpu_hot", "const_current_task", "pcpu_hot",
					      "current_task"};

	a->looked = true;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(current) && !a->current_offset; i++)
		a->current_offset = iq_kernel_symbol(a->k, current[i]);
	a->canary_offset = iq_kernel_symbol(a->k, "__stack_chk_guard");
	if (!a->canary_offset)
		a->canary_offset = 40;
}

static void use(struct iq_args *a, unsigned int n)
{
	own_registers(a, n);
	own_words(a, n);
	own_current(a, n);
}

struct iq_error *args_solve(struct iq_args *a)
{
	const struct iq_backtrace *b = a->b;

	if (!a->looked)
		look_for_variables(a);
	a->frame = calloc(b->nr ? b->nr : 1, sizeof(*a->frame));
	if (!a->frame)
		return iq_error_nomem();
	a->nr_frames = b->nr;
	for (unsigned int i = 0; i < b->nr; i++) {
		prepare(a, i);
		if (a->frame[i].usable)
			use(a, i);
		a->frame[i].usable = a->frame[i].usable && !a->frame[i].contradiction;
	}
	for (unsigned int i = 0; i + 1 < b->nr; i++)
		a->frame[i].to_caller = link_of(a, i);
	exchange_facts(a);
	return NULL;
}
