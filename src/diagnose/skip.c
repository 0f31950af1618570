/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of functions: which of them are seldom at fault, and what two kernels' names have in common. */
#include "skip.h"

#include <string.h>

/* A name that ends in '*' is a prefix. */
static const char *const helpers[] = {
	/* reports */
	"panic", "vpanic", "nmi_panic", "__warn*", "warn_slowpath*", "report_bug", "handle_bug",
	"check_panic_on_warn", "dump_stack*", "show_*", "__show_*", "__die*", "die", "die_addr",
	"oops_*", "crash_kexec", "__crash_kexec", "machine_kexec", "__stack_chk_fail", "fortify_panic",
	"__fortify_*", "usercopy_abort", "__check_object_size", "__check_heap_object", "check_heap_object",
	"check_stack_object", "__schedule_bug", "__might_*", "___might_*", "print_*", "printk*", "vprintk*",
	"_printk*", "kasan_*", "__kasan_*", "__asan_*", "__hwasan_*", "kfence_*", "__kfence_*", "check_canary*", "kmsan_*",
	"__msan_*", "kcsan_*", "__tsan_*", "ubsan_*", "__ubsan_*", "lockdep_*", "debug_object*",
	"debug_print_object", "debug_check_no_obj*", "check_memory_region", "panic_on_rcu_stall",
	"watchdog_*", "rcu_sched_clock_irq", "rcu_check_callbacks", "refcount_*", "__refcount_*",
	"rcuref_*", "kref_*", "asm_exc_*", "exc_*", "asm_sysvec_*", "sysvec_*", "do_trap", "do_error_trap",
	"do_error_trap", "do_invalid_op", "invalid_op", "do_general_protection", "general_protection",
	"page_fault", "page_fault_oops", "do_page_fault", "__do_page_fault", "no_context",
	"__bad_area*", "bad_area*", "error_entry", "object_err", "slab_err", "print_trailer",
	"slab_pad_check", "alloc_debug_processing", "get_from_partial_node", "__slab_err", "free_to_partial_list", "slab_bug", "slab_fix", "check_object", "check_bytes*", "dump_header*", "on_freelist", "free_consistency_checks", "check_slab", "alloc_debug_processing",
	"free_debug_processing", "__report_bad_page", "bad_page", "check_*_page*",
	/* memory, strings, copies */
	"kfree*", "__kfree", "kvfree*", "vfree*", "__vfree", "kmem_cache_*", "__kmem_cache_*",
	"___cache_free", "cache_free*", "__cache_free", "cache_alloc*", "kmalloc*", "__kmalloc*", "kzalloc*",
	"krealloc*", "__krealloc*", "kvmalloc*", "slab_*", "__slab_*", "___slab_*", "new_slab*",
	"allocate_slab", "get_partial*", "get_any_partial", "deactivate_slab", "free_large_kmalloc",
	"free_to_partial_list", "cache_from_obj", "warn_free_bad_obj", "free_nonslab_page", "virt_to_cache", "set_freepointer", "get_freepointer*", "memcg_slab_*", "__memcg_slab_*",
	"kmemdup*", "kstrdup*", "__free_pages*", "free_pages*", "free_page*", "__free_page*", "free_unref*",
	"free_pcppages*", "free_one_page", "rmqueue*", "get_page_from_freelist", "__alloc_pages*",
	"alloc_pages*", "alloc_page*", "__get_free_page*", "put_page", "__put_page", "__folio_put*",
	"folio_put*", "mempool_*", "qlist_*", "quarantine_*", "___kasan*", "devm_k*", "___free_pages*",
	"__free_slab", "free_slab", "discard_slab", "__free_frozen_pages", "put_cpu_partial", "__unfreeze_partials",
	"memcpy*", "__memcpy*", "memmove*", "__memmove*", "memset*", "__memset*", "memcmp*", "memchr*", "memscan",
	"strlen*", "strnlen*", "strcmp*", "strncmp*", "strcpy*", "strncpy*", "strlcpy*", "strscpy*",
	"strcat*", "strncat*", "strlcat*", "strchr*", "strrchr*", "strstr*", "strcasecmp*", "strncasecmp*",
	"sized_strscpy", "string_nocheck", "string", "vsnprintf", "snprintf", "sprintf", "vsprintf", "scnprintf",
	"pointer", "format_decode", "number", "__copy_*", "copy_user_*", "_copy_*", "copy_to_user*", "copy_from_user*",
	"raw_copy_*", "rep_movs*", "rep_stos*", "clear_page*", "copy_page*", "clear_user*", "csum_partial*",
	"__get_user*", "__put_user*", "get_user*", "put_user*", "strncpy_from_user", "strnlen_user",
	"crc32*", "__crc32*", "crc32c*", "find_next_bit*", "_find_*", "find_first_*", "__bitmap_*",
	/* lists, trees, references */
	"__list_*", "list_*", "hlist_*", "llist_*", "plist_*", "rb_*", "__rb_*", "rhashtable_*",
	"__rhashtable_*", "idr_*", "ida_*", "xa_*", "__xa_*", "xas_*", "radix_tree_*", "__radix_tree_*",
	"mas_*", "mtree_*", "kobject_put", "kobject_get", "kobject_release", "kobject_cleanup", "klist_*",
	"timerqueue_*", "sort", "sort_r", "bsearch",
	/* locks and waiting */
	"_raw_*", "__raw_*", "do_raw_*", "queued_*", "native_queued_*", "__pv_queued_*", "pv_*", "mutex_*",
	"__mutex_*", "ww_mutex_*", "rwsem_*", "down*", "up", "up_read", "up_write", "__down*", "__up*", "rt_mutex_*",
	"__rt_mutex_*", "rtlock_*", "rt_spin_*", "percpu_down_*", "__percpu_*", "percpu_up_*", "lock_acquire",
	"lock_release", "__lock_acquire", "validate_chain", "check_noncircular", "mark_lock*",
	"lock_acquire*", "schedule", "__schedule", "schedule_*", "preempt_schedule*", "io_schedule*",
	"wait_for_*", "__wait_for_*", "do_wait_for_*", "prepare_to_wait*", "finish_wait", "autoremove_wake_function",
	"__wake_up*", "wake_up*", "try_to_wake_up", "complete", "complete_all", "swake_up*", "bit_wait*",
	"__wait_on_*", "wait_on_*", "out_of_line_wait_*", "synchronize_rcu*", "synchronize_srcu*", "rcu_barrier*",
	"__synchronize_srcu*", "osq_lock", "lock_sock_nested", "__lock_sock", "native_safe_halt", "cpu_relax",
	"delay_tsc", "__delay", "__const_udelay", "__udelay", "udelay*", "msleep*", "usleep_*", "ktime_get*",
	"smp_call_function*", "csd_lock_wait", "arch_static_*", "__static_call*", "__x86_indirect_*",
	"__x86_return_thunk", "srso_*", "__fentry__", "ftrace_*", "__trace_*", "trace_*", "stack_trace_*",
	"unwind_*", "arch_stack_walk", "dev_*printk*", "_dev_*", "__dynamic_*", "del_timer*", "timer_delete*",
	"add_timer*", "mod_timer*", "__mod_timer", "queue_work*", "__queue_work*", "queue_delayed_work*",
	"mod_delayed_work*", "cancel_work*", "flush_work*", "__flush_work*", "flush_workqueue*",
	"__flush_workqueue", "__cancel_work*",
	"skb_panic", "skb_over_panic", "skb_under_panic", "skb_put", "skb_push", "skb_pull", "assertfail",
	"asm_xfs_*", "__virt_addr_valid", "__phys_addr*", "__warn_printk", "__WARN_trap",
};

static const char *const entries[] = {
	"kthread", "ret_from_fork*", "do_syscall_64", "entry_SYSCALL_*", "entry_INT80*", "do_int80*",
	"__do_fast_syscall_32", "do_fast_syscall_32", "el0*", "el1*", "invoke_syscall*", "do_el0_svc",
	"ret_fast_syscall", "system_call*", "asm_*", "common_startup_64", "secondary_startup_64*",
	"start_secondary", "start_kernel", "rest_init", "cpu_startup_entry", "do_idle", "x86_64_start_*",
	"process_one_work", "worker_thread", "x64_sys_call", "__do_sys_*", "__se_sys_*", "syscall_*",
};

static bool listed(const char *const *list, size_t nr, const char *name)
{
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < nr; i++) {
		size_t n = strlen(list[i]);

		if (list[i][n - 1] == '*' ? !strncmp(name, list[i], n - 1)
					  : n == len && !strncmp(name, list[i], n))
			return true;
	}
	return false;
}

bool iq_skip_function(const char *name)
{
	return listed(helpers, IQ_ARRAY_SIZE(helpers), name);
}

bool iq_skip_entry(const char *name)
{
	return listed(entries, IQ_ARRAY_SIZE(entries), name);
}

void iq_plain_function(const char *name, char *buf, size_t room)
{
	static const char *const calls[] = {
		"__x64_sys_", "__ia32_sys_", "__arm64_sys_", "__se_sys_", "__do_sys_", "__s390x_sys_",
		"__riscv_sys_", "__se_compat_sys_", "__ia32_compat_sys_", "SyS_",
	};
	const char *sys = "";

	for (size_t i = 0; i < IQ_ARRAY_SIZE(calls); i++) {
		if (strncmp(name, calls[i], strlen(calls[i])))
			continue;
		name += strlen(calls[i]);
		sys = "sys_";
		break;
	}
	snprintf(buf, room, "%s%.*s", sys, (int)strcspn(name, "."), name);
}
