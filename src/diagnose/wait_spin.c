/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs that spin: which lock, and who may hold it.  A spinlock does not name its owner, but who holds it is
 * running, or was interrupted on its CPU, and has had the lock's address in hand
 * (kernel/locking/qspinlock.c, qrwlock.c).
 */
#include "held.h"
#include "wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_WORDS 4096
#define LOCKED UINT64_C(0xff)	  /* struct qspinlock: the byte that says it is held */

struct spinner {
	const char *begin;
	enum iq_wait_kind kind;
};
static const struct spinner spinners[] = {
	{ "native_queued_spin_lock_slowpath", IQ_WAIT_SPINLOCK },
	{ "__pv_queued_spin_lock_slowpath", IQ_WAIT_SPINLOCK },
	{ "queued_spin_lock_slowpath", IQ_WAIT_SPINLOCK },
	{ "queued_read_lock_slowpath", IQ_WAIT_RWLOCK },
	{ "queued_write_lock_slowpath", IQ_WAIT_RWLOCK },
};

/* Index of the frame that spins, of those up to the first one that is neither an interruption nor a helper. */
static int spinning_frame(const struct iq_backtrace *b, enum iq_wait_kind *kind)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		const char *name = b->frames[i].symbol.name;

		for (unsigned int n = 0; name && n < IQ_ARRAY_SIZE(spinners); n++) {
			if (!strncmp(name, spinners[n].begin, strlen(spinners[n].begin))) {
				*kind = spinners[n].kind;
				return (int)i;
			}
		}
	}
	return -1;
}

/* The first parameter of the slow path, or of the _raw_…_lock() that called it: the lock. */
static uint64_t lock_of(struct iq_args *args, const struct iq_backtrace *b, unsigned int frame)
{
	uint64_t lock = 0;

	for (unsigned int i = frame; !lock && i < b->nr && i < frame + 2; i++) {
		struct iq_frame_variables v = {0};
		struct iq_error *err = iq_args_frame(args, i, &v);
		const struct iq_frame_variable *first = !err && v.nr ? &v.list[0] : NULL;

		if (first && first->parameter && first->certainty != IQ_VALUE_UNAVAILABLE &&
		    first->size == 8 && (first->passed || first->bytes))
			memcpy(&lock, first->passed ? first->passed : first->bytes, sizeof(lock));
		if (!err)
			iq_frame_variables_free(&v);
		iq_error_free(err);
	}
	return lock & 3 ? 0 : lock;
}

/* Is LOCK's address in a register or on the live stack of frames FROM and further out? */
static bool has_in_hand(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int from,
			uint64_t lock)
{
	for (unsigned int i = from; i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];
		uint64_t end = f->stack.end, word;

		/* The words up to the next frame, if it lies on the same stack. */
		if (i + 1 < b->nr && b->frames[i + 1].sp > f->sp && b->frames[i + 1].sp < end)
			end = b->frames[i + 1].sp;
		for (unsigned int r = 0; r < IQ_MAX_REGS; r++) {
			if (iq_reg_known(&f->regs, r) && f->regs.value[r] == lock)
				return true;
		}
		for (uint64_t at = f->sp & ~UINT64_C(7); at < end && at - f->sp < 8 * STACK_WORDS;
		     at += 8) {
			if (iq_vm_read_uint(k->vm, at, 8, &word))
				break;
			if (word == lock)
				return true;
		}
	}
	return false;
}

/* The frame behind the innermost interruption further out than FROM; -1: there is none. */
static int interrupted_frame(const struct iq_backtrace *b, unsigned int from)
{
	for (unsigned int i = from + 1; i < b->nr; i++) {
		if (b->frames[i].has_trap)
			return (int)i;
	}
	return -1;
}

/* How a CPU is stopped for the dump, or asked what it does: kernel/panic.c, arch/x86/kernel/{smp,nmi,crash}.c. */
static bool is_stop(const char *name)
{
	static const char *const names[] = {
		"stop_this_cpu", "native_stop_other", "__sysvec_reboot", "sysvec_reboot", "asm_sysvec_reboot",
		"crash_nmi_callback", "kdump_nmi", "nmi_handle", "default_do_nmi", "do_nmi", "exc_nmi",
		"asm_exc_nmi", "end_repeat_nmi", "nmi_shootdown", "smp_stop_nmi", "nmi", "halt_current_cpu",
		"reboot_interrupt", "smp_reboot_interrupt",
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* Was the CPU with this trace idle, or in user mode, when it was stopped?  Then it holds no spinlock. */
static bool holds_nothing(const struct iq_backtrace *b)
{
	unsigned int i = 0;

	for (; i < b->nr && !b->frames[i].has_trap; i++) {
		if (!b->frames[i].symbol.name || !is_stop(b->frames[i].symbol.name))
			return false;
	}
	return i < b->nr ? b->task.pid == 0 && b->end == IQ_END_OUTERMOST
			 : b->has_user_regs && b->end == IQ_END_USER;
}

/* What the other CPUs' tasks have to do with a lock. */
struct holders {
	uint64_t taker, taken_at; /* has taken it, by its code; 0: nobody */
	uint64_t first;		  /* has its address in hand, and does not spin on it itself */
	unsigned int nr;	  /* of the latter */
	bool all_free;		  /* none of them can hold any spinlock */
};

static void look_at(struct iq_kernel *k, struct iq_args *args, const struct iq_backtrace *b,
		    uint64_t lock, struct holders *h)
{
	enum iq_wait_kind kind;
	int frame = spinning_frame(b, &kind);
	unsigned int from = frame < 0 ? 0 : (unsigned int)frame, taker;

	h->all_free = h->all_free && holds_nothing(b);
	if (!h->taker && held_by(k, b, from + (frame >= 0), lock, &taker, &h->taken_at))
		h->taker = b->task.address;
	if (frame >= 0) {
		iq_error_free(iq_args_trace(args, b));
		if (lock_of(args, b, from) == lock)
			return; /* it waits for it as well */
	}
	if (has_in_hand(k, b, from, lock) && !h->nr++)
		h->first = b->task.address;
}

static void find_others(struct iq_kernel *k, struct iq_args *args, const struct iq_wait *w,
			struct holders *h)
{
	unsigned int cpus;
	const struct iq_cpu *cpu = iq_kernel_cpus(k, &cpus);

	for (unsigned int i = 0; i < cpus; i++) {
		const struct iq_task *t = iq_task_by_address(k, cpu[i].current);
		struct iq_backtrace b = {0};
		struct iq_error *err;

		/* A CPU that panic() has stopped counts as offline; one that was never there has no task. */
		if (!cpu[i].current || (t && t->address == w->task.address))
			continue;
		err = t ? iq_backtrace(k, t, &b) : NULL;
		if (!t || err)
			h->all_free = false;
		else
			look_at(k, args, &b, w->object, h);
		iq_error_free(err);
		iq_backtrace_free(&b);
	}
}

static void set_holder(struct iq_wait *w, uint64_t task, enum iq_confidence confidence, const char *from)
{
	w->owner = task;
	w->owner_confidence = confidence;
	w->owner_from = from;
}

static void find_holder(struct iq_kernel *k, struct iq_args *args, const struct iq_backtrace *b,
			unsigned int frame, struct iq_wait *w)
{
	int interrupted = interrupted_frame(b, frame);
	struct holders others = { .all_free = true };
	unsigned int taker;

	if (held_by(k, b, frame + 1, w->object, &taker, &w->taken_at)) {
		set_holder(w, w->task.address, IQ_CONFIDENCE_LIKELY, "its own caller has taken it by its code");
		return;
	}
	if (interrupted >= 0 && has_in_hand(k, b, (unsigned int)interrupted, w->object)) {
		set_holder(w, w->task.address, IQ_CONFIDENCE_LIKELY,
			   "the code that was interrupted on this CPU has the lock in hand");
		return;
	}
	find_others(k, args, w, &others);
	if (others.taker) {
		set_holder(w, others.taker, IQ_CONFIDENCE_LIKELY, "a function on its stack has taken it by its code");
		w->taken_at = others.taken_at;
	} else if (others.nr) {
		set_holder(w, others.first, others.nr == 1 ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			   "its CPU's stack or registers have the lock's address");
	} else if (others.all_free) {
		/* Who holds a spinlock cannot sleep. */
		set_holder(w, w->task.address, IQ_CONFIDENCE_LIKELY,
			   "all other CPUs were idle or in user mode, where no spinlock is held");
	} else if (has_in_hand(k, b, frame + 2, w->object)) {
		set_holder(w, w->task.address, IQ_CONFIDENCE_POSSIBLE,
			   "no other CPU has the lock's address in hand, its own callers have");
	}
}

bool wait_spin_find(struct iq_kernel *k, struct iq_args *args, const struct iq_backtrace *b,
		    struct iq_wait *w)
{
	enum iq_wait_kind kind = IQ_WAIT_NONE;
	int frame = spinning_frame(b, &kind);
	struct iq_error *err;
	uint64_t word;

	if (frame < 0)
		return false;
	w->kind = kind;
	wait_who(b, (unsigned int)frame, w);
	err = iq_args_trace(args, b);
	if (!err)
		w->object = lock_of(args, b, (unsigned int)frame);
	iq_error_free(err);
	if (!w->object || iq_vm_read_uint(k->vm, w->object, 4, &word))
		return true;
	w->proven = word != 0; /* somebody holds it, or is in its queue */
	if (word & LOCKED || kind == IQ_WAIT_RWLOCK)
		find_holder(k, args, b, (unsigned int)frame, w);
	return true;
}
