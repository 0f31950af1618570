// SPDX-License-Identifier: GPL-2.0
/*
 * hooked: functions whose calls something stands between.
 * "kretprobe": hk_middle() returns to the kretprobe's trampoline, not to its caller.
 * "ftrace":    a callback at the entry of hk_inner() crashes: ftrace's trampoline is
 *              on the stack.
 * "plain":     the same chain, unhooked by us (the guest may have set a tracer).
 * "helper":    the next BPF program of a task "bpfsender" that wants a random number
 *              dies in a kprobe on that helper.
 */
#include "lab.h"
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/sched.h>

#define HK_FN noinline __attribute__((noipa))

struct hk_unit {
	u64 serial;
	struct hk_unit *next;
};

static struct hk_unit hk_first;

static HK_FN u64 hk_break(struct hk_unit *unit, u64 key)
{
	return unit->next->serial + key;	/* there is no next */
}

static HK_FN u64 hk_inner(struct hk_unit *unit, u64 key)
{
	u64 r = hk_break(unit, key ^ 0x55);

	return r + 1;
}

static HK_FN u64 hk_middle(struct hk_unit *unit, u64 key)
{
	u64 r = hk_inner(unit, key + 1);

	return r + unit->serial;
}

static HK_FN u64 hk_outer(struct hk_unit *unit, u64 key)
{
	u64 r = hk_middle(unit, key << 1);

	return r + key;
}

static int hk_returned(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return 0;
}

static struct kretprobe hk_probe = {
	.kp.symbol_name = "hk_middle",
	.handler = hk_returned,
	.maxactive = 8,
};

static HK_FN void hk_callback(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, void *regs)
{
	hk_break(&hk_first, ip & 0xff);
}

static struct ftrace_ops hk_ops = {
	.func = (ftrace_func_t)hk_callback,
};

static int hk_helper(struct kprobe *p, struct pt_regs *regs)
{
	if (!strcmp(current->comm, "bpfsender"))
		hk_break(&hk_first, 7);
	return 0;
}

static struct kprobe hk_on_helper = {
	.symbol_name = "bpf_user_rnd_u32",
	.pre_handler = hk_helper,
};

static long lab_trigger(const char *cmd, size_t len)
{
	int r = 0;

	if (!strcmp(cmd, "kretprobe"))
		r = register_kretprobe(&hk_probe);
	else if (!strcmp(cmd, "helper"))
		return register_kprobe(&hk_on_helper);
	else if (!strcmp(cmd, "ftrace"))
		r = ftrace_set_filter(&hk_ops, "hk_inner", 8, 1) ?: register_ftrace_function(&hk_ops);
	if (r) {
		pr_err("LAB-FAIL: %s: %d\n", cmd, r);
		return r;
	}
	LAB_TRUTH("unit=0x%px", &hk_first);
	return hk_outer(&hk_first, 0x1234);
}

static int __init hooked_init(void)
{
	return lab_register();
}
module_init(hooked_init);
