/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions by which the kernel reports what it has found, by their names: they stand on the stack of whoever
 * died, whatever became of the log.
 */
#include "event.h"

#include <string.h>

/* From the most to the least specific where more than one can be on a stack: the outermost one counts. */
static const struct report reports[] = {
	/* drivers/tty/sysrq.c */
	{ "sysrq_handle_crash", IQ_CLASS_SYSRQ, PLACE_HERE, "sysrq triggered crash" },
	/* kernel/panic.c, include/linux/fortify-string.h, mm/usercopy.c */
	{ "__stack_chk_fail", IQ_CLASS_STACK_PROTECTOR, PLACE_CALLER,
	  "the stack protector's canary was overwritten" },
	{ "fortify_panic", IQ_CLASS_FORTIFY, PLACE_CALLER, "buffer overflow detected" },
	{ "__fortify_panic", IQ_CLASS_FORTIFY, PLACE_CALLER, "buffer overflow detected" },
	{ "usercopy_abort", IQ_CLASS_USERCOPY, PLACE_CALLER, "bad copy to or from user memory" },
	/* kernel/watchdog*.c */
	{ "watchdog_timer_fn", IQ_CLASS_SOFT_LOCKUP, PLACE_INTERRUPTED, "soft lockup" },
	{ "is_softlockup", IQ_CLASS_SOFT_LOCKUP, PLACE_INTERRUPTED, "soft lockup" },
	{ "watchdog_overflow_callback", IQ_CLASS_HARD_LOCKUP, PLACE_INTERRUPTED, "hard lockup" },
	{ "watchdog_hardlockup_check", IQ_CLASS_HARD_LOCKUP, PLACE_INTERRUPTED, "hard lockup" },
	{ "watchdog_check_hardlockup_other_cpu", IQ_CLASS_HARD_LOCKUP, PLACE_HERE, "hard lockup" },
	{ "watchdog_buddy_check_hardlockup", IQ_CLASS_HARD_LOCKUP, PLACE_HERE, "hard lockup" },
	{ "watchdog_deadman_irq_work", IQ_CLASS_HARD_LOCKUP, PLACE_INTERRUPTED, "hard lockup" },
	/* kernel/rcu/ */
	{ "panic_on_rcu_stall", IQ_CLASS_RCU_STALL, PLACE_INTERRUPTED, "RCU stall" },
	{ "print_cpu_stall", IQ_CLASS_RCU_STALL, PLACE_INTERRUPTED, "RCU stall" },
	{ "print_other_cpu_stall", IQ_CLASS_RCU_STALL, PLACE_HERE, "RCU stall" },
	{ "check_cpu_stall", IQ_CLASS_RCU_STALL, PLACE_INTERRUPTED, "RCU stall" },
	{ "rcu_check_gp_kthread_starvation", IQ_CLASS_RCU_STALL, PLACE_HERE, "RCU stall" },
	{ "rcu_check_gp_kthread_expired_fqs_timer", IQ_CLASS_RCU_STALL, PLACE_HERE, "RCU stall" },
	{ "rcu_sched_clock_irq", IQ_CLASS_RCU_STALL, PLACE_INTERRUPTED, "RCU stall" },
	{ "rcu_check_callbacks", IQ_CLASS_RCU_STALL, PLACE_INTERRUPTED, "RCU stall" },
	{ "synchronize_rcu_expedited_wait", IQ_CLASS_RCU_STALL, PLACE_HERE, "RCU stall" },
	{ "synchronize_sched_expedited_wait", IQ_CLASS_RCU_STALL, PLACE_HERE, "RCU stall" },
	/* kernel/hung_task.c: its thread's function has a name that says nothing but is in that file only */
	{ "check_hung_uninterruptible_tasks", IQ_CLASS_HUNG_TASK, PLACE_HERE, "hung task" },
	{ "check_hung_task", IQ_CLASS_HUNG_TASK, PLACE_HERE, "hung task" },
	{ "hung_task_info", IQ_CLASS_HUNG_TASK, PLACE_HERE, "hung task" },
	{ "watchdog", IQ_CLASS_HUNG_TASK, PLACE_HERE, "hung task" },
	/* mm/oom_kill.c */
	{ "out_of_memory", IQ_CLASS_OOM, PLACE_HERE, "out of memory" },
	{ "check_panic_on_oom", IQ_CLASS_OOM, PLACE_HERE, "out of memory" },
	{ "mem_cgroup_out_of_memory", IQ_CLASS_OOM, PLACE_HERE, "out of memory" },
	/* arch/x86/kernel/cpu/mce/, arch/x86/kernel/nmi.c, traps.c */
	{ "mce_panic", IQ_CLASS_MACHINE_CHECK, PLACE_INTERRUPTED, "fatal machine check" },
	{ "mce_reign", IQ_CLASS_MACHINE_CHECK, PLACE_INTERRUPTED, "fatal machine check" },
	{ "mce_timed_out", IQ_CLASS_MACHINE_CHECK, PLACE_INTERRUPTED, "fatal machine check" },
	{ "__ghes_panic", IQ_CLASS_MACHINE_CHECK, PLACE_INTERRUPTED, "fatal hardware error" },
	{ "ghes_proc", IQ_CLASS_MACHINE_CHECK, PLACE_INTERRUPTED, "fatal hardware error" },
	{ "unknown_nmi_error", IQ_CLASS_NMI, PLACE_INTERRUPTED, "NMI for unknown reason" },
	{ "pci_serr_error", IQ_CLASS_NMI, PLACE_INTERRUPTED, "NMI: PCI system error (SERR)" },
	{ "io_check_error", IQ_CLASS_NMI, PLACE_INTERRUPTED, "NMI: IOCK error" },
	{ "mem_parity_error", IQ_CLASS_NMI, PLACE_INTERRUPTED, "NMI: memory parity error" },
	{ "nmi_panic", IQ_CLASS_NMI, PLACE_INTERRUPTED, "NMI" },
	/* kernel/sched/core.c */
	{ "__schedule_bug", IQ_CLASS_ATOMIC_SLEEP, PLACE_CALLER, "scheduling while atomic" },
	{ "__might_sleep", IQ_CLASS_ATOMIC_SLEEP, PLACE_CALLER,
	  "sleeping function called from invalid context" },
	{ "__might_resched", IQ_CLASS_ATOMIC_SLEEP, PLACE_CALLER,
	  "sleeping function called from invalid context" },
	/* arch/x86/mm/fault.c, kernel/traps.c: the stack's guard page */
	{ "handle_stack_overflow", IQ_CLASS_STACK_OVERFLOW, PLACE_TRAP, NULL },
	{ "page_fault_oops", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "no_context", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "kernelmode_fixup_or_oops", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "exc_double_fault", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "do_double_fault", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "df_debug", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "die_addr", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "__die", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "die", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "oops_begin", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "oops_end", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "do_trap", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "handle_bug", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "report_bug", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "fixup_bug", IQ_CLASS_NONE, PLACE_TRAP, NULL },
	{ "__warn", IQ_CLASS_WARN, PLACE_TRAP, NULL },
	{ "warn_slowpath_fmt", IQ_CLASS_WARN, PLACE_CALLER, "warning" },
	{ "warn_slowpath_null", IQ_CLASS_WARN, PLACE_CALLER, "warning" },
	/* mm/kasan/, mm/kfence/: what they found stands in their report only */
	{ "kasan_report", IQ_CLASS_MEMORY_CORRUPTION, PLACE_CALLER, "KASAN report" },
	{ "__kasan_report", IQ_CLASS_MEMORY_CORRUPTION, PLACE_CALLER, "KASAN report" },
	{ "kasan_report_invalid_free", IQ_CLASS_INVALID_FREE, PLACE_CALLER, "KASAN: invalid free" },
	{ "kfence_report_error", IQ_CLASS_MEMORY_CORRUPTION, PLACE_CALLER, "KFENCE report" },
	{ "panic", IQ_CLASS_PANIC_CALL, PLACE_CALLER, NULL },
	{ "vpanic", IQ_CLASS_PANIC_CALL, PLACE_CALLER, NULL },
};

static const char *const fatal[] = {
	"panic", "vpanic", "nmi_panic", "crash_kexec", "__crash_kexec", "machine_kexec", "oops_end",
	"die", "die_addr", "__die", "xen_panic_event", "machine_crash_shutdown",
	"native_machine_crash_shutdown", "check_panic_on_warn",
};

static const struct report checks[] = {
	{ "__list_add_valid", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER, "list_add corruption" },
	{ "__list_add_valid_or_report", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER, "list_add corruption" },
	{ "__list_del_entry_valid", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER, "list_del corruption" },
	{ "__list_del_entry_valid_or_report", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER,
	  "list_del corruption" },
	{ "__list_add", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER, "list_add corruption" },
	{ "__list_del_entry", IQ_CLASS_LIST_CORRUPTION, PLACE_CALLER, "list_del corruption" },
	{ "usercopy_abort", IQ_CLASS_USERCOPY, PLACE_CALLER, "bad copy to or from user memory" },
	{ "__check_object_size", IQ_CLASS_USERCOPY, PLACE_CALLER, "bad copy to or from user memory" },
	{ "fortify_panic", IQ_CLASS_FORTIFY, PLACE_CALLER, "buffer overflow detected" },
	{ "__fortify_panic", IQ_CLASS_FORTIFY, PLACE_CALLER, "buffer overflow detected" },
	{ "__fortify_report", IQ_CLASS_FORTIFY, PLACE_CALLER, "buffer overflow detected" },
	{ "refcount_warn_saturate", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t: saturated or freed" },
	{ "refcount_sub_and_test_checked", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t underflow" },
	{ "refcount_inc_checked", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t incremented from 0" },
	{ "refcount_dec_checked", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t underflow" },
	{ "refcount_add_checked", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t incremented from 0" },
	{ "ex_handler_refcount", IQ_CLASS_REFCOUNT, PLACE_CALLER, "refcount_t overflow" },
	{ "rcuref_get_slowpath", IQ_CLASS_REFCOUNT, PLACE_CALLER, "rcuref saturated or freed" },
	{ "rcuref_put_slowpath", IQ_CLASS_REFCOUNT, PLACE_CALLER, "rcuref imbalanced put" },
	{ "__schedule_bug", IQ_CLASS_ATOMIC_SLEEP, PLACE_CALLER, "scheduling while atomic" },
	{ "__might_sleep", IQ_CLASS_ATOMIC_SLEEP, PLACE_CALLER,
	  "sleeping function called from invalid context" },
	/* mm/slab_common.c, mm/slub.c, mm/slab.h: what is freed is no object of any, or of that cache */
	{ "free_large_kmalloc", IQ_CLASS_INVALID_FREE, PLACE_CALLER, "invalid free" },
	{ "free_nonslab_page", IQ_CLASS_INVALID_FREE, PLACE_CALLER, "invalid free" },
	{ "cache_from_obj", IQ_CLASS_INVALID_FREE, PLACE_CALLER, "object freed to a wrong cache" },
	{ "warn_free_bad_obj", IQ_CLASS_INVALID_FREE, PLACE_CALLER, "object freed to a wrong cache" },
	{ "sysrq_handle_crash", IQ_CLASS_SYSRQ, PLACE_HERE, "sysrq triggered crash" },
};

static const struct {
	const char *name;
	int vector;
} traps[] = {
	{ "divide_error", TRAP_DIVIDE },
	{ "debug", TRAP_DEBUG },
	{ "nmi", TRAP_NMI },
	{ "end_repeat_nmi", TRAP_NMI },
	{ "nmi_noist", TRAP_NMI },
	{ "int3", TRAP_BREAKPOINT },
	{ "overflow", TRAP_OVERFLOW },
	{ "bounds", TRAP_BOUNDS },
	{ "invalid_op", TRAP_INVALID_OPCODE },
	{ "device_not_available", TRAP_NO_DEVICE },
	{ "double_fault", TRAP_DOUBLE_FAULT },
	{ "invalid_tss", TRAP_INVALID_TSS },
	{ "invalid_TSS", TRAP_INVALID_TSS },
	{ "segment_not_present", TRAP_NO_SEGMENT },
	{ "stack_segment", TRAP_STACK_SEGMENT },
	{ "general_protection", TRAP_PROTECTION },
	{ "page_fault", TRAP_PAGE_FAULT },
	{ "async_page_fault", TRAP_PAGE_FAULT },
	{ "coprocessor_error", TRAP_FPU },
	{ "alignment_check", TRAP_ALIGNMENT },
	{ "machine_check", TRAP_MACHINE_CHECK },
	{ "simd_coprocessor_error", TRAP_SIMD },
	{ "control_protection", TRAP_CONTROL },
};

bool iq_same_function(const char *name, const char *plain)
{
	size_t len = strlen(plain);

	return name && !strncmp(name, plain, len) && (!name[len] || name[len] == '.');
}

static const struct report *find(const struct report *list, size_t nr, const char *name)
{
	for (size_t i = 0; name && i < nr; i++) {
		if (iq_same_function(name, list[i].name))
			return &list[i];
	}
	return NULL;
}

const struct report *iq_report_by_name(const char *name)
{
	return find(reports, IQ_ARRAY_SIZE(reports), name);
}

const struct report *iq_check_by_name(const char *name)
{
	return find(checks, IQ_ARRAY_SIZE(checks), name);
}

bool iq_report_is_fatal(const char *name)
{
	for (size_t i = 0; name && i < IQ_ARRAY_SIZE(fatal); i++) {
		if (iq_same_function(name, fatal[i]))
			return true;
	}
	return false;
}

enum iq_class iq_check_by_format(const char *format)
{
	static const struct {
		const char *words;
		enum iq_class class;
	} known[] = {
		{ "detected field-spanning write", IQ_CLASS_FORTIFY },
		{ "buffer overflow", IQ_CLASS_FORTIFY },
		{ "refcount_t:", IQ_CLASS_REFCOUNT },
		{ "rcuref", IQ_CLASS_REFCOUNT },
		{ "list_add corruption", IQ_CLASS_LIST_CORRUPTION },
		{ "list_del corruption", IQ_CLASS_LIST_CORRUPTION },
		{ "Bad or missing usercopy whitelist", IQ_CLASS_USERCOPY },
		{ "Wrong slab cache", IQ_CLASS_INVALID_FREE },
		{ "scheduling while atomic", IQ_CLASS_ATOMIC_SLEEP },
		{ "do not call blocking ops when", IQ_CLASS_ATOMIC_SLEEP },
		{ "vfree() nonexistent", IQ_CLASS_INVALID_FREE },
		{ "vfree() bad address", IQ_CLASS_INVALID_FREE },
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (strstr(format, known[i].words))
			return known[i].class;
	}
	return IQ_CLASS_NONE;
}

enum iq_class iq_report_by_format(const char *format)
{
	static const struct {
		const char *words;
		enum iq_class class;
	} known[] = {
		{ "sysrq triggered", IQ_CLASS_SYSRQ },
		{ "stack-protector", IQ_CLASS_STACK_PROTECTOR },
		{ "corrupted stack end", IQ_CLASS_STACK_OVERFLOW },
		{ "softlockup", IQ_CLASS_SOFT_LOCKUP },
		{ "soft lockup", IQ_CLASS_SOFT_LOCKUP },
		{ "hard LOCKUP", IQ_CLASS_HARD_LOCKUP },
		{ "Hard LOCKUP", IQ_CLASS_HARD_LOCKUP },
		{ "RCU Stall", IQ_CLASS_RCU_STALL },
		{ "hung_task", IQ_CLASS_HUNG_TASK },
		{ "Out of memory", IQ_CLASS_OOM },
		{ "out of memory", IQ_CLASS_OOM },
		{ "deadlocked on memory", IQ_CLASS_OOM },
		{ "machine check", IQ_CLASS_MACHINE_CHECK },
		{ "Machine check", IQ_CLASS_MACHINE_CHECK },
		{ "hardware error", IQ_CLASS_MACHINE_CHECK },
		{ "NMI", IQ_CLASS_NMI },
		{ "scheduling while atomic", IQ_CLASS_ATOMIC_SLEEP },
		{ "panic_on_warn", IQ_CLASS_WARN },
		{ "stack overflow", IQ_CLASS_STACK_OVERFLOW },
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (strstr(format, known[i].words))
			return known[i].class;
	}
	return IQ_CLASS_PANIC_CALL;
}

int iq_trap_by_name(const char *name)
{
	/* asm_exc_page_fault, exc_page_fault, do_page_fault, page_fault: by age. */
	static const char *const prefixes[] = { "asm_", "exc_", "xen_", "do_", "xenpv_", "sysvec_" };

	if (!name)
		return -1;
	for (bool cut = true; cut;) {
		cut = false;
		for (size_t i = 0; i < IQ_ARRAY_SIZE(prefixes); i++) {
			if (!strncmp(name, prefixes[i], strlen(prefixes[i]))) {
				name += strlen(prefixes[i]);
				cut = true;
			}
		}
	}
	for (size_t i = 0; i < IQ_ARRAY_SIZE(traps); i++) {
		if (iq_same_function(name, traps[i].name))
			return traps[i].vector;
	}
	return -1;
}
