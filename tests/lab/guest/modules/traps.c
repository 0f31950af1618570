// SPDX-License-Identifier: GPL-2.0
/*
 * traps: dying on the stacks of exceptions.
 *
 *   "break"  a hardware breakpoint (#DB) on a variable, whose handler follows
 *            a null pointer
 *   "twice"  CPU 0 takes a spinlock that it holds, with interrupts off
 *   "lockup" CPU 0 spins with interrupts off.  The emulated CPUs have no counter
 *            to raise an NMI now and then, hence CPU 1 sends it one, whose handler
 *            does what the counter's would: it asks the kernel's own detector.
 */
#include "lab.h"
#include <asm/apic.h>
#include <asm/nmi.h>
#include <linux/delay.h>
#include <linux/hw_breakpoint.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/perf_event.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

struct tr_watch {
	u64 hits;
	struct tr_watch *next;
	u32 value;
	spinlock_t lock;
};

static struct tr_watch watch;
static struct perf_event * __percpu *breakpoint;
static volatile u32 tr_ready;

static noinline void tr_count(struct tr_watch *w)
{
	w->next->hits++;			/* BUG: there is no next one */
}

static noinline void tr_hit(struct perf_event *event, struct perf_sample_data *data,
			    struct pt_regs *regs)
{
	watch.hits++;
	tr_count(&watch);
}

static noinline void tr_set(struct tr_watch *w, u32 value)
{
	WRITE_ONCE(w->value, value);
}

static long do_break(void)
{
	struct perf_event_attr attr;

	hw_breakpoint_init(&attr);
	attr.bp_addr = (unsigned long)&watch.value;
	attr.bp_len = HW_BREAKPOINT_LEN_4;
	attr.bp_type = HW_BREAKPOINT_W;
	breakpoint = register_wide_hw_breakpoint(&attr, tr_hit, NULL);
	if (IS_ERR((void __force *)breakpoint)) {
		pr_emerg("LAB-FAIL: no breakpoint\n");
		return PTR_ERR((void __force *)breakpoint);
	}
	LAB_TRUTH("blame=tr_count culprit=w->next object=%px watch=%px watched=%px", &watch,
		  &watch, &watch.value);
	tr_set(&watch, 0x77);
	return 0;
}

typedef void (*overflow_t)(struct perf_event *, struct perf_sample_data *, struct pt_regs *);
static overflow_t tr_overflow;
static struct perf_event *tr_event;

static void *tr_lookup(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *at;

	if (register_kprobe(&kp))
		return NULL;
	at = kp.addr;
	unregister_kprobe(&kp);
	return at;
}

static int tr_nmi(unsigned int type, struct pt_regs *regs)
{
	if (raw_smp_processor_id() != 0)
		return NMI_DONE;
	tr_overflow(tr_event, NULL, regs);
	return NMI_HANDLED;
}

static noinline int tr_wait_ready(struct tr_watch *w)
{
	while (!tr_ready)
		cpu_relax();
	return w->value;
}

static noinline void tr_update(struct tr_watch *w)
{
	unsigned long flags;

	spin_lock_irqsave(&w->lock, flags);	/* BUG: tr_refresh() holds it */
	w->hits++;
	spin_unlock_irqrestore(&w->lock, flags);
}

static noinline void tr_refresh(struct tr_watch *w)
{
	spin_lock_irq(&w->lock);
	tr_update(w);
	spin_unlock_irq(&w->lock);
}

static int tr_locker(void *data)
{
	LAB_TRUTH("spinner=%px spinner_pid=%d spinner_cpu=%d lock=%px", current, current->pid,
		  raw_smp_processor_id(), &watch.lock);
	tr_refresh(data);
	return 0;
}

static int tr_spinner(void *data)
{
	unsigned long flags;
	int r;

	LAB_TRUTH("spinner=%px spinner_pid=%d spinner_cpu=%d", current, current->pid,
		  raw_smp_processor_id());
	local_irq_save(flags);
	r = tr_wait_ready(data);		/* BUG: for ever, with interrupts off */
	local_irq_restore(flags);
	return r;
}

static long do_lockup(int (*fn)(void *), const char *blame, const char *culprit)
{
	void (*send)(int cpu, int vector);
	struct task_struct *task;
	int i;

	tr_overflow = tr_lookup("watchdog_overflow_callback");
	send = tr_lookup("default_send_IPI_single_phys");
	tr_event = kzalloc(sizeof(*tr_event), GFP_KERNEL);
	task = kthread_create(fn, &watch, "tr_spinner");
	if (!tr_overflow || !send || !tr_event || IS_ERR(task) ||
	    register_nmi_handler(NMI_LOCAL, tr_nmi, NMI_FLAG_FIRST, "lab")) {
		pr_emerg("LAB-FAIL: no detector (%px, %px)\n", tr_overflow, send);
		return -ENOENT;
	}
	LAB_TRUTH("blame=%s culprit=%s object=%px", blame, culprit, &watch);
	kthread_bind(task, 0);
	wake_up_process(task);
	msleep(1000);
	for (i = 0; i < 12; i++) {
		msleep(2500);
		send(0, NMI_VECTOR);
	}
	return 0;
}

static long lab_trigger(const char *cmd, size_t len)
{
	if (!strcmp(cmd, "break"))
		return do_break();
	if (!strcmp(cmd, "twice"))
		return do_lockup(tr_locker, "tr_update", "w->lock");
	return do_lockup(tr_spinner, "tr_wait_ready", "tr_ready");
}

static int __init traps_init(void)
{
	spin_lock_init(&watch.lock);
	return lab_register();
}
module_init(traps_init);
