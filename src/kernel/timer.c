// SPDX-License-Identifier: GPL-2.0-or-later
/* Timers and what they are measured with: see timer.h. */
#include <inquest/process.h>
#include <inquest/timer.h>

#include "private.h"

#include <stdlib.h>

#define BASES_MAX 64
#define BUCKETS_MAX 4096
#define TIMERS_MAX (4u << 20)
#define NSEC_PER_SEC UINT64_C(1000000000)

/* ---- Time ---------------------------------------------------------------------------------------- */

unsigned int iq_kernel_hz(struct iq_kernel *k)
{
	uint64_t at = iq_kernel_symbol(k, "clocksource_jiffies"), mult, shift, tick;

	/* Its mult is the ns of a tick, shifted (kernel/time/jiffies.c). */
	if (!at || !kernel_read_member(k, "clocksource", "mult", at, &mult) ||
	    !kernel_read_member(k, "clocksource", "shift", at, &shift) || shift > 31)
		return 0;
	tick = mult >> shift;
	return tick >= 100000 && tick <= NSEC_PER_SEC
		       ? (unsigned int)((NSEC_PER_SEC + tick / 2) / tick)
		       : 0;
}

/* ---- Both kinds ---------------------------------------------------------------------------------- */

struct reading {
	struct iq_kernel *k;
	struct iq_timers *t;
	uint64_t node_at; /* of the list's or tree's node */
	bool no_memory;
	char what[64];
};

static void warn_unreadable(struct reading *x, uint64_t timer)
{
	iq_warn(x->k->warnings, "%s: the timer at 0x%lx cannot be read", x->what,
		(unsigned long)timer);
}

static struct iq_timer *add_timer(struct reading *x)
{
	struct iq_timers *t = x->t;

	if (!iq_grow(&t->timer, &t->room_timers, t->nr_timers + 1, sizeof(*t->timer))) {
		x->no_memory = true;
		return NULL;
	}
	t->timer[t->nr_timers] = (struct iq_timer){0};
	return &t->timer[t->nr_timers++];
}

static struct iq_timer_base *add_base(struct reading *x, unsigned int cpu, unsigned int index,
				      uint64_t address)
{
	struct iq_timers *t = x->t;

	if (!iq_grow(&t->base, &t->room_bases, t->nr_bases + 1, sizeof(*t->base))) {
		x->no_memory = true;
		return NULL;
	}
	t->base[t->nr_bases] = (struct iq_timer_base){
		.cpu = cpu, .index = index, .address = address, .first = t->nr_timers};
	return &t->base[t->nr_bases++];
}

/* A timer that starts a delayed work: the function of the work, which is what it is there for. */
static uint64_t delayed_work(struct iq_kernel *k, const struct iq_timer *t, uint64_t starter)
{
	uint64_t timer_at, function;

	if (!starter || t->function != starter ||
	    !iq_kernel_offset(k, "delayed_work", "timer", &timer_at, NULL) ||
	    !kernel_read_member(k, "delayed_work", "work.func", t->address - timer_at, &function))
		return 0;
	return function;
}

void iq_timers_free(struct iq_timers *t)
{
	free(t->base);
	free(t->timer);
	*t = (struct iq_timers){0};
}

/* ---- Wheels -------------------------------------------------------------------------------------- */

static bool wheel_timer(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct reading *x = arg;
	uint64_t address = node - x->node_at, expires, function;
	struct iq_timer *t;

	if (!kernel_read_member(k, "timer_list", "expires", address, &expires) ||
	    !kernel_read_member(k, "timer_list", "function", address, &function)) {
		warn_unreadable(x, address);
		return true;
	}
	t = add_timer(x);
	if (!t)
		return false;
	t->address = address;
	t->expires = t->soft = expires;
	t->function = function;
	t->work = delayed_work(k, t, iq_kernel_symbol(k, "delayed_work_timer_fn"));
	return true;
}

struct ordered {
	struct iq_timer timer;
	unsigned int place;
};

/* The soonest first; at the same time in the order of the wheel. */
static int by_time(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->timer.expires != y->timer.expires)
		return x->timer.expires < y->timer.expires ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static bool sort(struct iq_timer *timer, unsigned int nr)
{
	struct ordered *all = calloc(nr ? nr : 1, sizeof(*all));

	if (!all)
		return false;
	for (unsigned int i = 0; i < nr; i++)
		all[i] = (struct ordered){timer[i], i};
	qsort(all, nr, sizeof(*all), by_time);
	for (unsigned int i = 0; i < nr; i++)
		timer[i] = all[i].timer;
	free(all);
	return true;
}

/*
 * BASE_STD and, with CONFIG_NO_HZ_COMMON, BASE_DEF, those that need not wake an idle CPU; since 6.9
 * the former are two: BASE_LOCAL stay on their CPU, BASE_GLOBAL may be run by any.
 */
static void wheel_name(unsigned int index, unsigned int nr, char *name, size_t room)
{
	static const char *const two[] = {"BASE_STD", "BASE_DEF"};
	static const char *const three[] = {"BASE_LOCAL", "BASE_GLOBAL", "BASE_DEF"};

	if (nr <= 2 || nr == 3)
		snprintf(name, room, "%s", nr == 3 ? three[index] : two[index]);
	else
		snprintf(name, room, "%u", index);
}

static void read_wheel(struct reading *x, unsigned int cpu, unsigned int index, unsigned int nr,
		       uint64_t address)
{
	struct iq_timer_base *b = add_base(x, cpu, index, address);
	uint64_t at, size, *head;
	unsigned int first = x->t->nr_timers;

	if (!b)
		return;
	wheel_name(index, nr, b->name, sizeof(b->name));
	snprintf(x->what, sizeof(x->what), "timers of CPU %u, %s", cpu, b->name);
	if (!iq_kernel_offset(x->k, "timer_base", "vectors", &at, &size) || size / 8 > BUCKETS_MAX)
		return;
	head = malloc(size);
	if (!head) {
		x->no_memory = true;
		return;
	}
	if (iq_vm_read(x->k->vm, address + at, head, size, NULL)) {
		iq_warn(x->k->warnings, "%s: the wheel at 0x%lx cannot be read", x->what,
			(unsigned long)address);
		size = 0;
	}
	for (unsigned int i = 0; i < size / 8 && !x->no_memory; i++) {
		if (head[i])
			kernel_hlist_for_each(x->k, address + at + 8 * i, TIMERS_MAX, x->what,
					      wheel_timer, x);
	}
	free(head);
	b->nr = x->t->nr_timers - first;
	x->no_memory |= !sort(x->t->timer + first, b->nr);
}

/* How many a CPU has: by the variable's type, or where BTF has none of it (5.10), by its size. */
static unsigned int nr_wheels(struct iq_kernel *k, struct iq_types *types, uint64_t one)
{
	const struct iq_type *bases = iq_variable_type(types, "timer_bases");
	struct iq_symbol symbol;
	uint64_t size = bases ? bases->size : 0;

	if (!size && iq_symbol_named(k, "timer_bases", &symbol))
		size = symbol.size;
	return (unsigned int)IQ_MAX(IQ_MIN(size / one, 3), 1);
}

struct iq_error *iq_timer_wheels(struct iq_kernel *k, struct iq_timers *ret)
{
	struct iq_timers t = {0};
	struct reading x = {.k = k, .t = &t};
	const struct iq_cpu *cpus;
	struct iq_types *types;
	unsigned int nr_cpus, nr;
	uint64_t one;

	IQ_TRY(iq_kernel_need_types(k, &types));
	one = iq_kernel_sizeof(k, "timer_base");
	if (!one || !iq_kernel_symbol(k, "timer_bases") ||
	    !iq_offset(types, "timer_list", "entry", &x.node_at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps its timers in no struct "
						      "timer_base, or they are not known here");
	nr = nr_wheels(k, types, one);
	iq_kernel_variable(k, "jiffies", 8, &t.jiffies);
	cpus = iq_kernel_cpus(k, &nr_cpus);
	for (unsigned int c = 0; c < nr_cpus; c++) {
		uint64_t at = iq_percpu_symbol(k, "timer_bases", cpus[c].cpu);

		for (unsigned int i = 0; at && cpus[c].present && i < nr && !x.no_memory; i++)
			read_wheel(&x, cpus[c].cpu, i, nr, at + i * one);
	}
	if (x.no_memory) {
		iq_timers_free(&t);
		return iq_error_nomem();
	}
	*ret = t;
	return NULL;
}

/* ---- High resolution ----------------------------------------------------------------------------- */

static bool tree_timer(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct reading *x = arg;
	uint64_t address = node - x->node_at, expires, soft, function;
	struct iq_timer *t;

	if (!kernel_read_member(k, "hrtimer", "node.expires", address, &expires) ||
	    !kernel_read_member(k, "hrtimer", "_softexpires", address, &soft) ||
	    !kernel_read_member(k, "hrtimer", "function", address, &function)) {
		warn_unreadable(x, address);
		return true;
	}
	t = add_timer(x);
	if (!t)
		return false;
	*t = (struct iq_timer){
		.address = address, .expires = expires, .soft = soft, .function = function};
	return true;
}

/* How the clock is read: the function itself, or since 6.18 that of the clock's number (uapi/linux/time.h). */
static void clock_name(struct iq_kernel *k, uint64_t base, char *name, size_t room)
{
	uint64_t function, id;
	struct iq_symbol symbol;

	if (kernel_read_member(k, "hrtimer_clock_base", "get_time", base, &function)) {
		if (iq_symbol_at(k, function, &symbol) && symbol.address == function)
			snprintf(name, room, "%s", symbol.name);
		else
			snprintf(name, room, "0x%lx", (unsigned long)function);
		return;
	}
	if (!kernel_read_member(k, "hrtimer_clock_base", "clockid", base, &id))
		id = UINT32_MAX;
	snprintf(name, room, "%s",
		 id == 0    ? "ktime_get_real"
		 : id == 1  ? "ktime_get"
		 : id == 7  ? "ktime_get_boottime"
		 : id == 11 ? "ktime_get_clocktai"
			    : "unknown clock");
}

static void read_clock(struct reading *x, unsigned int cpu, unsigned int index, uint64_t cpu_base,
		       uint64_t address, const uint64_t *monotonic)
{
	struct iq_timer_base *b = add_base(x, cpu, index, address);
	unsigned int first = x->t->nr_timers;
	uint64_t offset, at;

	if (!b)
		return;
	b->cpu_base = cpu_base;
	clock_name(x->k, address, b->name, sizeof(b->name));
	snprintf(x->what, sizeof(x->what), "hrtimers of CPU %u, clock %u", cpu, index);
	if (monotonic && kernel_read_member(x->k, "hrtimer_clock_base", "offset", address, &offset))
		b->now = *monotonic + offset;
	if (!iq_kernel_offset(x->k, "hrtimer_clock_base", "active", &at, NULL))
		return;
	/* struct timerqueue_head begins with the root of the tree. */
	kernel_rbtree_for_each(x->k, address + at, TIMERS_MAX, x->what, tree_timer, x);
	b->nr = x->t->nr_timers - first;
}

struct iq_error *iq_hrtimers(struct iq_kernel *k, struct iq_timers *ret)
{
	struct iq_timers t = {0};
	struct reading x = {.k = k, .t = &t};
	uint64_t one, bases_at, size, monotonic;
	const struct iq_cpu *cpus;
	struct iq_types *types;
	unsigned int nr_cpus;
	bool timed;

	IQ_TRY(iq_kernel_need_types(k, &types));
	one = iq_kernel_sizeof(k, "hrtimer_clock_base");
	if (!one || !iq_kernel_symbol(k, "hrtimer_bases") ||
	    !iq_offset(types, "hrtimer_cpu_base", "clock_base", &bases_at, &size) ||
	    !iq_offset(types, "hrtimer", "node", &x.node_at, NULL))
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"this kernel's hrtimers are not laid out as any that is known here");
	iq_kernel_variable(k, "jiffies", 8, &t.jiffies);
	timed = iq_kernel_monotonic(k, &monotonic);
	cpus = iq_kernel_cpus(k, &nr_cpus);
	for (unsigned int c = 0; c < nr_cpus; c++) {
		uint64_t at = iq_percpu_symbol(k, "hrtimer_bases", cpus[c].cpu);

		for (unsigned int i = 0;
		     at && cpus[c].present && i < IQ_MIN(size / one, BASES_MAX) && !x.no_memory;
		     i++)
			read_clock(&x, cpus[c].cpu, i, at, at + bases_at + i * one,
				   timed ? &monotonic : NULL);
	}
	if (x.no_memory) {
		iq_timers_free(&t);
		return iq_error_nomem();
	}
	*ret = t;
	return NULL;
}
