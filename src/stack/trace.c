/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole trace: the innermost frame, and steps from there until the end. */
#include <stdlib.h>

#include "unwind.h"

const char *iq_context_text(enum iq_context c)
{
	static const char *const text[] = {
		[IQ_CTX_TASK] = "task",
		[IQ_CTX_IRQ] = "irq",
		[IQ_CTX_SOFTIRQ] = "softirq",
		[IQ_CTX_NMI] = "nmi",
		[IQ_CTX_DOUBLE_FAULT] = "double_fault",
		[IQ_CTX_MCE] = "mce",
		[IQ_CTX_DEBUG] = "debug",
		[IQ_CTX_VC] = "vc",
		[IQ_CTX_ENTRY] = "entry",
		[IQ_CTX_USER] = "user",
	};

	return (unsigned int)c < IQ_ARRAY_SIZE(text) ? text[c] : "task";
}

void unwinder_init(struct unwinder *u, struct iq_kernel *k, const struct iq_task *t,
		   struct functions *functions)
{
	memset(u, 0, sizeof(*u));
	u->k = k;
	u->arch = k->arch;
	u->functions = functions;
	u->task_stack = (struct iq_stack){.kind = IQ_STACK_NONE, .cpu = -1};
	if (t->stack && t->stack + t->stack_size > t->stack)
		u->task_stack = (struct iq_stack){IQ_STACK_TASK, t->stack, t->stack + t->stack_size,
						  -1, t->address};
}

/* ---- The frames ------------------------------------------------------------------------------- */

/* Room for one frame behind the last. */
static struct iq_error *make_room(struct iq_backtrace *b, unsigned int *room)
{
	return iq_grow(&b->frames, room, b->nr + 1, sizeof(*b->frames)) ? NULL : iq_error_nomem();
}

/*
 * A new task's stack holds, above the frame that it begins with, the registers with which it will
 * leave for user mode: a complete trace, although the kernel's ends at ret_from_fork.
 */
static void registers_of_new_task(struct unwinder *u, const struct iq_task *t,
				  const struct iq_frame *last)
{
	const struct iq_arch *a = u->arch;
	uint8_t frame[512];
	struct iq_regs regs;

	if (u->end != IQ_END_OUTERMOST || t->kthread || !t->mm || !last->exact_ip ||
	    last->how != IQ_FRAME_TOP || a->trap_frame_size > sizeof(frame) ||
	    last->stack.kind != IQ_STACK_TASK || last->sp > last->stack.end ||
	    last->stack.end - last->sp < a->trap_frame_size ||
	    iq_vm_read(u->k->vm, last->sp, frame, a->trap_frame_size, NULL))
		return;
	a->trap_frame_regs(frame, &regs);
	if (!a->regs_user_mode(&regs))
		return;
	u->has_user_regs = true;
	u->user_regs = regs;
	u->user_regs_address = last->sp;
	u->end = IQ_END_USER;
}

static struct iq_error *follow(struct unwinder *u, const struct iq_frame *top,
			       struct iq_backtrace *b)
{
	unsigned int room = 0;

	IQ_TRY(make_room(b, &room));
	b->frames[0] = *top;
	b->frames[0].n = 0;
	b->nr = 1;
	if (top->context == IQ_CTX_USER) {
		u->end = IQ_END_USER;
		u->has_user_regs = true;
		u->user_regs = top->regs;
		return NULL;
	}
	while (b->nr < IQ_MAX_FRAMES) {
		IQ_TRY(make_room(b, &room));
		if (!unwind_step(u, &b->frames[b->nr - 1], &b->frames[b->nr])) {
			registers_of_new_task(u, &b->task, &b->frames[b->nr - 1]);
			return NULL;
		}
		b->frames[b->nr].n = b->nr;
		b->nr++;
	}
	unwind_end(u, IQ_END_LIMIT, "more than %u frames", IQ_MAX_FRAMES);
	return NULL;
}

static struct iq_error *trace(struct unwinder *u, const struct iq_frame *top,
			      struct iq_backtrace *b)
{
	struct iq_error *err = follow(u, top, b);

	b->end = u->end;
	memcpy(b->end_text, u->end_text, sizeof(b->end_text));
	b->has_user_regs = u->has_user_regs;
	b->user_regs_address = u->user_regs_address;
	b->user_regs = u->user_regs;
	return err;
}

/* ---- Where from ------------------------------------------------------------------------------- */

static const struct iq_cpu *cpu_of(struct iq_kernel *k, const struct iq_task *t)
{
	unsigned int nr = 0;
	const struct iq_cpu *cpus = iq_kernel_cpus(k, &nr);

	for (unsigned int i = 0; i < nr; i++)
		if (cpus[i].current && cpus[i].current == t->address)
			return &cpus[i];
	return NULL;
}

/* A running task whose CPU's registers nobody saved: a guess is better than nothing, and marked. */
static struct iq_error *start_by_search(struct unwinder *u, const struct iq_task *t,
					struct iq_frame *f)
{
	u->doubtful = true;
	if (u->task_stack.kind != IQ_STACK_NONE &&
	    guess_start(u, &u->task_stack, u->task_stack.start, f))
		return NULL;
	return iq_error_new(IQ_E_UNAVAILABLE,
			    "task %u was running, and the registers of its CPU are not in the dump",
			    t->pid);
}

static struct iq_error *start(struct unwinder *u, const struct iq_task *t, const struct iq_cpu *c,
			      struct iq_frame *f)
{
	struct iq_error *err;

	if (c && c->has_regs) {
		err = start_running(u, c, f);
	} else if (c) {
		return start_by_search(u, t, f);
	} else if (u->task_stack.kind == IQ_STACK_NONE) {
		return iq_error_new(IQ_E_NOT_FOUND, "task %u has no stack any more: it has exited",
				    t->pid);
	} else {
		/* One that is being switched to is on_cpu already, but not yet current. */
		err = start_sleeping(u, t, f);
	}
	if (!err || !t->running)
		return err;
	iq_error_free(err);
	return start_by_search(u, t, f);
}

static struct iq_error *backtrace(struct iq_kernel *k, const struct iq_task *t, bool places,
				  struct iq_backtrace *ret)
{
	const struct iq_cpu *c = cpu_of(k, t);
	struct iq_error *err;
	struct functions *functions = functions_get(k);
	struct unwinder u;
	struct iq_frame top;

	memset(ret, 0, sizeof(*ret));
	ret->task = *t;
	ret->cpu = c ? (int)c->cpu : -1;
	if (!functions)
		return iq_error_nomem();
	unwinder_init(&u, k, t, functions);
	u.places = places;
	err = start(&u, t, c, &top);
	if (!err)
		err = trace(&u, &top, ret);
	else
		ret->end = t->stack ? IQ_END_UNREADABLE : IQ_END_NO_STACK;
	return err;
}

struct iq_error *iq_backtrace(struct iq_kernel *k, const struct iq_task *t,
			      struct iq_backtrace *ret)
{
	return backtrace(k, t, false, ret);
}

struct iq_error *iq_backtrace_places(struct iq_kernel *k, const struct iq_task *t,
				     struct iq_backtrace *ret)
{
	struct iq_error *err;

	/* Where a CPU was is found by its registers. */
	if (t->running || cpu_of(k, t))
		return backtrace(k, t, false, ret);
	err = backtrace(k, t, true, ret);
	if (!err && (ret->end == IQ_END_USER || ret->end == IQ_END_OUTERMOST))
		return NULL;
	iq_error_free(err);
	iq_backtrace_free(ret);
	return backtrace(k, t, false, ret);
}

/* Without a frame yet. */
static struct iq_error *prepare(struct unwinder *u, struct iq_kernel *k, const struct iq_task *t,
				int cpu, struct iq_backtrace *ret)
{
	struct functions *functions = functions_get(k);

	memset(ret, 0, sizeof(*ret));
	ret->task = *t;
	ret->cpu = cpu;
	if (!functions)
		return iq_error_nomem();
	unwinder_init(u, k, t, functions);
	return NULL;
}

struct iq_error *iq_backtrace_from(struct iq_kernel *k, const struct iq_task *t, int cpu,
				   const struct iq_regs *regs, struct iq_backtrace *ret)
{
	struct unwinder u;
	struct iq_frame top;

	IQ_TRY(prepare(&u, k, t, cpu, ret));
	IQ_TRY(start_at(&u, regs, &top));
	return trace(&u, &top, ret);
}

struct iq_error *iq_backtrace_return(struct iq_kernel *k, const struct iq_task *t, int cpu,
				     uint64_t slot, struct iq_backtrace *ret)
{
	struct iq_frame top = {.how = IQ_FRAME_TOP, .slot = slot, .sp = slot + 8};
	struct unwinder u;
	uint8_t word[8];

	IQ_TRY(prepare(&u, k, t, cpu, ret));
	IQ_TRY(iq_vm_read_or(k->vm, slot, word, sizeof(word), "the return address"));
	top.ip = iq_le64(word);
	/* Behind a call that does not return another function may begin, or none. */
	if (!is_code(k, top.ip - 1))
		return iq_error_new(IQ_E_USAGE, "0x%llx, the word at 0x%llx, is no return address",
				    (unsigned long long)top.ip, (unsigned long long)slot);
	frame_complete(&u, &top);
	return trace(&u, &top, ret);
}

void iq_backtrace_free(struct iq_backtrace *b)
{
	free(b->frames);
	b->frames = NULL;
	b->nr = 0;
}
