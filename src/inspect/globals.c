// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types of global variables.  BTF knows those of functions and of per-CPU variables only, so the
 * types of well-known globals are listed here.  An entry is believed only if its type exists in this
 * kernel's BTF and fits into what the symbol occupies; a variable that changed its type between
 * kernels has an entry for each, of which the first that fits is taken.  Of arrays only the type of
 * the elements is listed: how many there are depends on the configuration.  Arrays of char are as
 * long as the text in them.
 */
#include "expr.h"
#include "globals.h"
#include <stdlib.h>

#define MAX_TEXT 4096 /* longest string variable */

struct global {
	const char *name, *type;
	/* Where the size does not tell: only if member `path` of struct `tag` exists and is of `is`. */
	const char *tag, *path, *is;
};

/* Sorted by name, as strcmp() has it. */
static const struct global globals[] = {
	{"__cpu_active_mask", "struct cpumask"},
	{"__cpu_dying_mask", "struct cpumask"},
	{"__cpu_online_mask", "struct cpumask"},
	{"__cpu_possible_mask", "struct cpumask"},
	{"__cpu_present_mask", "struct cpumask"},
	{"__num_online_cpus", "atomic_t"},
	{"__per_cpu_offset", "unsigned long []"},
	{"__supported_pte_mask", "pteval_t"},
	{"_totalram_pages", "atomic_long_t"},
	{"acpi_disabled", "int"},
	{"acpi_gbl_FADT", "struct acpi_table_fadt"},
	{"acpi_ioapic_lock", "struct mutex"},
	{"acpi_root_dir", "struct proc_dir_entry *"},
	{"anon_vma_cachep", "struct kmem_cache *"},
	{"apic", "struct apic *"},
	{"arp_tbl", "struct neigh_table"},
	{"audit_backlog_limit", "u32"},
	{"audit_enabled", "u32"},
	{"audit_queue", "struct sk_buff_head"},
	{"avenrun", "unsigned long []"},
	{"bdi_list", "struct list_head"},
	{"bdi_wq", "struct workqueue_struct *"},
	{"bh_cachep", "struct kmem_cache *"},
	{"binfmt_lock", "rwlock_t"},
	{"bio_slabs", "struct xarray"},
	{"bio_slabs", "struct bio_slab *", "bio_slab", "slab_ref", "unsigned int"},
	{"blacklisted_initcalls", "struct list_head"},
	{"block_class", "struct class"},
	{"blockdev_superblock", "struct super_block *"},
	{"boot_command_line", "char []"},
	{"boot_cpu_data", "struct cpuinfo_x86"},
	{"boot_cpu_physical_apicid", "unsigned int"},
	{"boot_params", "struct boot_params"},
	{"btf_idr", "struct idr"},
	{"btf_modules", "struct list_head"},
	{"btf_vmlinux", "struct btf *"},
	{"bus_kset", "struct kset *"},
	{"cad_pid", "struct pid *"},
	{"calc_load_tasks", "atomic_long_t"},
	{"cdev_map", "struct kobj_map *"},
	{"cea_exception_stacks", "struct cea_exception_stacks *"},
	{"cgroup_mutex", "struct mutex"},
	{"cgroup_roots", "struct list_head"},
	{"cgroup_threadgroup_rwsem", "struct percpu_rw_semaphore"},
	{"cgrp_dfl_root", "struct cgroup_root"},
	{"chrdevs", "struct char_device_struct * []"},
	{"class_kset", "struct kset *"},
	{"clear_seq", "struct latched_seq"},
	{"clear_seq", "u64"},
	{"clocksource_list", "struct list_head"},
	{"con_driver_map", "const struct consw * []"},
	{"console_drivers", "struct console *"},
	{"console_list", "struct hlist_head"},
	{"console_owner", "struct task_struct *"},
	{"console_printk", "int []"},
	{"console_sem", "struct semaphore"},
	{"conswitchp", "const struct consw *"},
	{"contig_page_data", "struct pglist_data"},
	{"core_pattern", "char []"},
	{"core_uses_pid", "int"},
	{"cpu_add_remove_lock", "struct mutex"},
	{"cpu_cgrp_subsys", "struct cgroup_subsys"},
	{"cpu_hotplug_disabled", "int"},
	{"cpu_hotplug_lock", "struct percpu_rw_semaphore"},
	{"cpu_khz", "unsigned int"},
	{"cpuhp_tasks_frozen", "bool"},
	{"cpus_booted_once_mask", "cpumask_t"},
	{"cpuset_cgrp_subsys", "struct cgroup_subsys"},
	{"cpuset_mutex", "struct mutex"},
	{"crash_kexec_post_notifiers", "bool"},
	{"crash_notes", "note_buf_t *"},
	{"crashing_cpu", "int"},
	{"crashk_low_res", "struct resource"},
	{"crashk_res", "struct resource"},
	{"crypto_alg_list", "struct list_head"},
	{"crypto_alg_sem", "struct rw_semaphore"},
	{"css_set_lock", "spinlock_t"},
	{"css_set_table", "struct hlist_head []"},
	{"curr_clocksource", "struct clocksource *"},
	{"d_hash_shift", "unsigned int"},
	{"debug_locks", "int"},
	{"debugfs_mount", "struct vfsmount *"},
	{"def_blk_fops", "const struct file_operations"},
	{"def_root_domain", "struct root_domain"},
	{"dentry_cache", "struct kmem_cache *"},
	{"dentry_hashtable", "struct hlist_bl_head *"},
	{"dentry_stat", "struct dentry_stat_t"},
	{"dev_base_lock", "rwlock_t"},
	{"dev_boot_phase", "int"},
	{"devices_kset", "struct kset *"},
	{"die_chain", "struct atomic_notifier_head"},
	{"die_counter", "int"},
	{"die_lock", "arch_spinlock_t"},
	{"dirty_background_ratio", "int"},
	{"disk_events_mutex", "struct mutex"},
	{"dl_sched_class", "const struct sched_class"},
	{"dmesg_restrict", "int"},
	{"e820_table", "struct e820_table *"},
	{"e820_table_firmware", "struct e820_table *"},
	{"e820_table_kexec", "struct e820_table *"},
	{"efi", "struct efi"},
	{"elv_list", "struct list_head"},
	{"execute_command", "char *"},
	{"fair_sched_class", "const struct sched_class"},
	{"fg_console", "int"},
	{"file_systems", "struct file_system_type *", "file_system_type", "next", "*"},
	{"file_systems", "struct hlist_head", "file_system_type", "list", "hlist_node"},
	{"files_cachep", "struct kmem_cache *"},
	{"files_stat", "struct files_stat_struct"},
	{"filp_cachep", "struct kmem_cache *"},
	{"firmware_kobj", "struct kobject *"},
	{"formats", "struct list_head"},
	{"free_vmap_area_list", "struct list_head"},
	{"free_vmap_area_root", "struct rb_root"},
	{"frontswap_ops", "const struct frontswap_ops *"},
	{"fs_cachep", "struct kmem_cache *"},
	{"ftrace_enabled", "int"},
	{"ftrace_events", "struct list_head"},
	{"ftrace_lock", "struct mutex"},
	{"ftrace_ops_list", "struct ftrace_ops *"},
	{"ftrace_trace_arrays", "struct list_head"},
	{"global_trace", "struct trace_array"},
	{"hardlockup_panic", "unsigned int"},
	{"hest_disable", "int"},
	{"high_memory", "void *"},
	{"hpet_address", "unsigned long"},
	{"hstates", "struct hstate []"},
	{"huge_zero_page", "struct page *"},
	{"i_hash_shift", "unsigned int"},
	{"idle_sched_class", "const struct sched_class"},
	{"idt_table", "gate_desc []"},
	{"ignore_loglevel", "bool"},
	{"inet_stream_ops", "const struct proto_ops"},
	{"init_cred", "struct cred"},
	{"init_css_set", "struct css_set"},
	{"init_files", "struct files_struct"},
	{"init_fs", "struct fs_struct"},
	{"init_groups", "struct group_info"},
	{"init_ipc_ns", "struct ipc_namespace"},
	{"init_level4_pgt", "pgd_t []"},
	{"init_mm", "struct mm_struct"},
	{"init_net", "struct net"},
	{"init_nsproxy", "struct nsproxy"},
	{"init_pid_ns", "struct pid_namespace"},
	{"init_sighand", "struct sighand_struct"},
	{"init_signals", "struct signal_struct"},
	{"init_struct_pid", "struct pid"},
	{"init_task", "struct task_struct"},
	{"init_top_pgt", "pgd_t []"},
	{"init_ucounts", "struct ucounts"},
	{"init_user_ns", "struct user_namespace"},
	{"init_uts_ns", "struct uts_namespace"},
	{"initcall_debug", "bool"},
	{"initrd_end", "unsigned long"},
	{"initrd_start", "unsigned long"},
	{"inode_cachep", "struct kmem_cache *"},
	{"inode_hashtable", "struct hlist_head *"},
	{"inodes_stat", "struct inodes_stat_t"},
	{"input_class", "struct class"},
	{"io_cgrp_subsys", "struct cgroup_subsys"},
	{"iomem_resource", "struct resource"},
	{"ioport_resource", "struct resource"},
	{"irq_desc_tree", "struct radix_tree_root"},
	{"irq_desc_tree", "struct xarray"},
	{"jiffies", "volatile unsigned long"},
	{"jiffies_64", "u64"},
	{"jump_label_mutex", "struct mutex"},
	{"kblockd_workqueue", "struct workqueue_struct *"},
	{"kernel_kobj", "struct kobject *"},
	{"kexec_crash_image", "struct kimage *"},
	{"kexec_image", "struct kimage *"},
	{"key_serial_tree", "struct rb_root"},
	{"key_user_tree", "struct rb_root"},
	{"keyring_name_lock", "rwlock_t"},
	{"kmem_cache", "struct kmem_cache *"},
	{"kmem_cache_node", "struct kmem_cache *"},
	{"kprobe_blacklist", "struct list_head"},
	{"kprobe_table", "struct hlist_head []"},
	{"kptr_restrict", "int"},
	{"ksm_run", "unsigned long"},
	{"kthread_create_list", "struct list_head"},
	{"kthread_create_lock", "spinlock_t"},
	{"kthreadd_task", "struct task_struct *"},
	{"l1tf_mitigation", "enum l1tf_mitigations"},
	{"link_idr", "struct idr"},
	{"linux_banner", "const char []"},
	{"linux_proc_banner", "const char []"},
	{"log_buf", "char *"},
	{"log_buf_len", "u32"},
	{"loops_per_jiffy", "unsigned long"},
	{"major_names", "struct blk_major_name * []"},
	{"map_idr", "struct idr"},
	{"maple_node_cache", "struct kmem_cache *"},
	{"max_low_pfn", "unsigned long"},
	{"max_pfn", "unsigned long"},
	{"max_threads", "int"},
	{"mca_cfg", "struct mca_config"},
	{"mds_mitigation", "enum mds_mitigations"},
	{"mem_section", "struct mem_section **"},
	{"memory_cgrp_subsys", "struct cgroup_subsys"},
	{"min_free_kbytes", "int"},
	{"min_low_pfn", "unsigned long"},
	{"misc_list", "struct list_head"},
	{"mm_cachep", "struct kmem_cache *"},
	{"mm_kobj", "struct kobject *"},
	{"mmu_cr4_features", "unsigned long"},
	{"mnt_cache", "struct kmem_cache *"},
	{"mod_tree", "struct mod_tree_root"},
	{"module_kset", "struct kset *"},
	{"module_mutex", "struct mutex"},
	{"module_notify_list", "struct blocking_notifier_head"},
	{"modules", "struct list_head"},
	{"mount_hashtable", "struct hlist_head *"},
	{"mount_lock", "seqlock_t"},
	{"mountpoint_hashtable", "struct hlist_head *"},
	{"mq_lock", "spinlock_t"},
	{"ms_hyperv", "struct ms_hyperv_info"},
	{"names_cachep", "struct kmem_cache *"},
	{"nd_tbl", "struct neigh_table"},
	{"neigh_tables", "struct neigh_table * []"},
	{"net_class", "struct class"},
	{"net_families", "const struct net_proto_family * []"},
	{"net_namespace_list", "struct list_head"},
	{"net_rwsem", "struct rw_semaphore"},
	{"nmi_desc", "struct nmi_desc []"},
	{"nmi_reason_lock", "raw_spinlock_t"},
	{"node_data", "pg_data_t * []"},
	{"noop_backing_dev_info", "struct backing_dev_info"},
	{"nr_cpu_ids", "unsigned int"},
	{"nr_files", "struct percpu_counter"},
	{"nr_irqs", "int"},
	{"nr_node_ids", "unsigned int"},
	{"nr_swap_pages", "atomic_long_t"},
	{"nr_swapfiles", "unsigned int"},
	{"nr_threads", "int"},
	{"nsfs_mnt", "struct vfsmount *"},
	{"num_registered_fb", "int"},
	{"oom_killer_disabled", "bool"},
	{"oom_lock", "struct mutex"},
	{"oops_in_progress", "int"},
	{"overflowuid", "int"},
	{"page_group_by_mobility_disabled", "int"},
	{"page_offset_base", "unsigned long"},
	{"panic_cpu", "atomic_t"},
	{"panic_notifier_list", "struct atomic_notifier_head"},
	{"panic_on_oops", "int"},
	{"panic_on_taint", "unsigned long"},
	{"panic_on_warn", "int"},
	{"panic_print", "unsigned long"},
	{"panic_timeout", "int"},
	{"pci_bus_type", "struct bus_type"},
	{"pci_root_buses", "struct list_head"},
	{"pci_root_ops", "struct pci_ops"},
	{"percpu_counters", "struct list_head"},
	{"pernet_list", "struct list_head"},
	{"pgd_list", "struct list_head"},
	{"pgd_lock", "spinlock_t"},
	{"pgdat_list", "struct pglist_data *"},
	{"phys_base", "unsigned long"},
	{"phys_cpu_present_map", "physid_mask_t"},
	{"phys_cpu_present_map", "unsigned long []"},
	{"pid_max", "int"},
	{"pid_max_max", "int"},
	{"pid_max_min", "int"},
	{"pidmap_lock", "spinlock_t"},
	{"pipe_mnt", "struct vfsmount *"},
	{"platform_bus", "struct device"},
	{"platform_bus_type", "struct bus_type"},
	{"pm_freezing", "bool"},
	{"pm_suspend_target_state", "suspend_state_t"},
	{"pmu_idr", "struct idr"},
	{"pmus", "struct list_head"},
	{"posix_timers_hashtable", "struct hlist_head []"},
	{"power_kobj", "struct kobject *"},
	{"prb", "struct printk_ringbuffer *"},
	{"printk_ratelimit_state", "struct ratelimit_state"},
	{"printk_rb_static", "struct printk_ringbuffer"},
	{"proc_root", "struct proc_dir_entry"},
	{"prog_idr", "struct idr"},
	{"ptype_all", "struct list_head"},
	{"ptype_base", "struct list_head []"},
	{"pv_ops", "struct paravirt_patch_template"},
	{"radix_tree_node_cachep", "struct kmem_cache *"},
	{"randomize_va_space", "int"},
	{"rcu_cpu_stall_timeout", "int"},
	{"rcu_scheduler_active", "int"},
	{"rcu_state", "struct rcu_state"},
	{"rcu_tasks", "struct rcu_tasks"},
	{"real_mode_header", "struct real_mode_header *"},
	{"reboot_cpu", "int"},
	{"reboot_mode", "enum reboot_mode"},
	{"reboot_notifier_list", "struct blocking_notifier_head"},
	{"reboot_type", "enum reboot_type"},
	{"registered_con_driver", "struct con_driver []"},
	{"registered_fb", "struct fb_info * []"},
	{"rename_lock", "seqlock_t"},
	{"root_mem_cgroup", "struct mem_cgroup *"},
	{"root_task_group", "struct task_group"},
	{"root_user", "struct user_struct"},
	{"rt_sched_class", "const struct sched_class"},
	{"rtnl_mutex", "struct mutex"},
	{"saved_command_line", "char *"},
	{"sched_domains_mutex", "struct mutex"},
	{"scheduler_running", "int"},
	{"security_hook_heads", "struct security_hook_heads"},
	{"selinux_state", "struct selinux_state"},
	{"serial8250_ports", "struct uart_8250_port []"},
	{"shadow_timekeeper", "struct timekeeper"},
	{"shm_mnt", "struct vfsmount *"},
	{"shrinker_list", "struct list_head"},
	{"shrinker_mutex", "struct mutex"},
	{"shrinker_rwsem", "struct rw_semaphore"},
	{"sighand_cachep", "struct kmem_cache *"},
	{"signal_cachep", "struct kmem_cache *"},
	{"skbuff_fclone_cache", "struct kmem_cache *"},
	{"skbuff_head_cache", "struct kmem_cache *"},
	{"slab_caches", "struct list_head"},
	{"slab_mutex", "struct mutex"},
	{"slab_state", "enum slab_state"},
	{"slub_debug", "slab_flags_t"},
	{"smp_num_siblings", "int"},
	{"smp_ops", "struct smp_ops"},
	{"sock_mnt", "struct vfsmount *"},
	{"softirq_vec", "struct softirq_action []"},
	{"softlockup_panic", "unsigned int"},
	{"sparse_irqs", "struct maple_tree"},
	{"spectre_v2_enabled", "enum spectre_v2_mitigation"},
	{"static_command_line", "char *"},
	{"stop_sched_class", "const struct sched_class"},
	{"suid_dumpable", "int"},
	{"super_blocks", "struct list_head"},
	{"suppress_printk", "int"},
	{"suspend_ops", "const struct platform_suspend_ops *"},
	{"swap_active_head", "struct plist_head"},
	{"swap_avail_heads", "struct plist_head *"},
	{"swap_info", "struct swap_info_struct * []"},
	{"swap_lock", "spinlock_t"},
	{"swapin_readahead_hits", "atomic_t"},
	{"sys_call_table", "const sys_call_ptr_t []"},
	{"sysctl_hung_task_check_count", "int"},
	{"sysctl_hung_task_panic", "unsigned int"},
	{"sysctl_hung_task_timeout_secs", "unsigned long"},
	{"sysctl_hung_task_warnings", "int"},
	{"sysctl_max_map_count", "int"},
	{"sysctl_oom_dump_tasks", "int"},
	{"sysctl_oom_kill_allocating_task", "int"},
	{"sysctl_overcommit_memory", "int"},
	{"sysctl_overcommit_ratio", "int"},
	{"sysctl_panic_on_oom", "int"},
	{"sysctl_perf_event_paranoid", "int"},
	{"sysctl_sched_features", "unsigned int"},
	{"sysctl_sched_latency", "unsigned int"},
	{"sysctl_sched_rt_runtime", "int"},
	{"sysfs_root", "struct kernfs_root *"},
	{"sysfs_root_kn", "struct kernfs_node *"},
	{"syslog_seq", "u64"},
	{"system_freezable_wq", "struct workqueue_struct *"},
	{"system_highpri_wq", "struct workqueue_struct *"},
	{"system_kset", "struct kset *"},
	{"system_long_wq", "struct workqueue_struct *"},
	{"system_power_efficient_wq", "struct workqueue_struct *"},
	{"system_state", "enum system_states"},
	{"system_transition_mutex", "struct mutex"},
	{"system_unbound_wq", "struct workqueue_struct *"},
	{"system_wq", "struct workqueue_struct *"},
	{"tainted_mask", "unsigned long"},
	{"task_group_cache", "struct kmem_cache *"},
	{"task_groups", "struct list_head"},
	{"task_struct_cachep", "struct kmem_cache *"},
	{"tasklist_lock", "rwlock_t"},
	{"tcp_hashinfo", "struct inet_hashinfo"},
	{"tcp_memory_allocated", "atomic_long_t"},
	{"tcp_orphan_count", "unsigned int"},
	{"tcp_prot", "struct proto"},
	{"tcp_sockets_allocated", "struct percpu_counter"},
	{"text_mutex", "struct mutex"},
	{"tick_broadcast_device", "struct tick_device"},
	{"tick_next_period", "ktime_t"},
	{"top_cpuset", "struct cpuset"},
	{"total_forks", "unsigned long"},
	{"total_swap_pages", "long"},
	{"totalcma_pages", "unsigned long"},
	{"totalreserve_pages", "unsigned long"},
	{"trace_types", "struct tracer *"},
	{"tracing_buffer_mask", "cpumask_var_t"},
	{"trampoline_cr4_features", "u32 *"},
	{"transparent_hugepage_flags", "unsigned long"},
	{"tsc_clocksource_reliable", "int"},
	{"tsc_khz", "unsigned int"},
	{"tty_drivers", "struct list_head"},
	{"tty_ldiscs", "struct tty_ldisc_ops * []"},
	{"tty_mutex", "struct mutex"},
	{"ucounts_hashtable", "struct hlist_head []", "ucounts", "node", "hlist_node"},
	{"ucounts_hashtable", "struct hlist_nulls_head []", "ucounts", "node", "hlist_nulls_node"},
	{"udp_prot", "struct proto"},
	{"udp_table", "struct udp_table"},
	{"uidhash_lock", "spinlock_t"},
	{"uidhash_table", "struct hlist_head []"},
	{"unbound_std_wq_attrs", "struct workqueue_attrs * []"},
	{"unnamed_dev_ida", "struct ida"},
	{"uprobes_tree", "struct rb_root"},
	{"usermodehelper_disabled", "enum umh_disable_depth"},
	{"uts_sem", "struct rw_semaphore"},
	{"vc_cons", "struct vc []"},
	{"vm_area_cachep", "struct kmem_cache *"},
	{"vm_committed_as", "struct percpu_counter"},
	{"vm_dirty_ratio", "int"},
	{"vm_event_states", "struct vm_event_state"},
	{"vm_node_stat", "atomic_long_t []"},
	{"vm_swappiness", "int"},
	{"vm_zone_stat", "atomic_long_t []"},
	{"vmalloc_base", "unsigned long"},
	{"vmap_area_cachep", "struct kmem_cache *"},
	{"vmap_area_list", "struct list_head"},
	{"vmap_area_lock", "spinlock_t"},
	{"vmap_area_root", "struct rb_root"},
	{"vmap_lazy_nr", "atomic_long_t"},
	{"vmap_purge_lock", "struct mutex"},
	{"vmcoreinfo_data", "unsigned char *"},
	{"vmcoreinfo_note", "u32 *"},
	{"vmcoreinfo_size", "size_t"},
	{"vmemmap_base", "unsigned long"},
	{"vmlist", "struct vm_struct *"},
	{"watchdog_enabled", "unsigned long"},
	{"watchdog_thresh", "int"},
	{"watermark_scale_factor", "int"},
	{"workqueues", "struct list_head"},
	{"wq_pool_mutex", "struct mutex"},
	{"wq_unbound_cpumask", "cpumask_var_t"},
	{"x86_cpuinit", "struct x86_cpuinit_ops"},
	{"x86_hyper_type", "enum x86_hypervisor_type"},
	{"x86_init", "struct x86_init_ops"},
	{"x86_platform", "struct x86_platform_ops"},
	{"x86_spec_ctrl_base", "u64"},
	{"xen_start_info", "struct start_info *"},
	{"zero_pfn", "unsigned long"},
	{"zswap_enabled", "bool"},
	{"zswap_pools", "struct list_head"},
};

/* An array of C as long as the text that lies there. */
static const struct iq_type *text_type(struct iq_kernel *k, const struct iq_type *c,
				       const struct iq_symbol *symbol)
{
	uint64_t room = symbol->size ? IQ_MIN(symbol->size, (uint64_t)MAX_TEXT) : MAX_TEXT;
	char text[MAX_TEXT];

	if (iq_vm_read_string(k->vm, symbol->address, text, room))
		return NULL;
	return iq_type_array_of(c, strlen(text) + 1);
}

/* Does this kernel have what tells this entry from others of its name? */
static bool applies(struct iq_types *types, const struct global *g)
{
	const struct iq_type *tag;
	struct iq_member m;
	struct iq_error *err;
	char name[64];

	if (!g->tag)
		return true;
	snprintf(name, sizeof(name), "struct %s", g->tag);
	tag = iq_type_by_name(types, name);
	if (!tag)
		return false;
	err = iq_member_find(tag, g->path, &m);
	iq_error_free(err);
	return !err && (*g->is == '*' ? m.type->kind == IQ_KIND_POINTER
				      : !strcmp(m.type->name, g->is));
}

static const struct iq_type *listed_type(struct iq_kernel *k, struct iq_types *types,
					 const struct iq_symbol *symbol)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(globals); i++) {
		size_t len = strlen(globals[i].type);
		bool array = len > 3 && !strcmp(globals[i].type + len - 3, " []");
		const struct iq_type *t;
		char type[64];

		if (strcmp(globals[i].name, symbol->name) || !applies(types, &globals[i]))
			continue;
		snprintf(type, sizeof(type), "%.*s", (int)(array ? len - 3 : len), globals[i].type);
		t = iq_type_by_name(types, type);
		if (!t || !t->size || (symbol->size && iq_type_strip(t)->size > symbol->size))
			continue;
		if (array && iq_type_strip(t)->size == 1)
			return text_type(k, t, symbol);
		return array ? iq_type_array_of(t, 0) : t;
	}
	return NULL;
}

/*
 * What debug information of the file that the symbol comes from says of it: exact, since its address
 * tells it from others of its name.  Compilers put numbers behind the names of static variables of
 * functions, and ".isra.0" behind those of functions that they changed, whose prototypes are other ones.
 */
static const struct iq_type *debug_type(struct iq_kernel *k, struct iq_debugfile *f,
					const struct iq_symbol *symbol)
{
	const char *dot = strchr(symbol->name, '.');
	struct iq_variable v;
	char name[256];

	if (!f || !iq_debugfile_has_dwarf(f) || dot == symbol->name ||
	    (dot && (size_t)(dot - symbol->name) >= sizeof(name)))
		return NULL;
	if (strchr("tTwW", symbol->type) && iq_is_text(k, symbol->address))
		return dot ? NULL : iq_debugfile_function(f, symbol->address);
	if (dot)
		snprintf(name, sizeof(name), "%.*s", (int)(dot - symbol->name), symbol->name);
	return iq_debugfile_variable(f, dot ? name : symbol->name, symbol->address, &v, NULL)
		       ? v.type
		       : NULL;
}

/* What BTF, or whatever types there are, says by the name alone. */
static const struct iq_type *type_by_name(struct iq_kernel *k, struct iq_types *types,
					  const struct iq_symbol *symbol)
{
	const struct iq_type *t;
	unsigned int matches = 0;

	if (strchr("tTwW", symbol->type)) {
		/* 7.x links some data so that nm's letter for it is text's. */
		if (!symbol->module && !iq_is_text(k, symbol->address) &&
		    (t = listed_type(k, types, symbol)))
			return t;
		t = iq_function_by_name(types, symbol->name, &matches);
		/* Several static functions of one name: which of them this is cannot be told. */
		return matches == 1 ? t : NULL;
	}
	t = iq_variable_type(types, symbol->name);
	if (t || symbol->module)
		return t;
	return listed_type(k, types, symbol);
}

const struct iq_type *iq_global_type(struct iq_kernel *k, const struct iq_symbol *symbol)
{
	struct iq_module *m = symbol->module ? iq_module_by_name(k, symbol->module) : NULL;
	struct iq_types *types = m ? iq_module_types(k, m) : iq_kernel_types(k);
	const struct iq_type *t;

	if (symbol->module && !m)
		return NULL;
	t = debug_type(k, m ? m->debug : k->vmlinux, symbol);
	if (!t && types)
		t = type_by_name(k, types, symbol);
	/* A module's file is looked for only if nothing else knows. */
	if (!t && m && !m->debug)
		t = debug_type(k, iq_module_debug(k, m), symbol);
	return t;
}

void globals_each(struct iq_kernel *k,
		  void (*fn)(void *arg, const struct iq_symbol *symbol, const struct iq_type *type),
		  void *arg)
{
	struct iq_types *types = iq_kernel_types(k);
	const char *last = "";

	for (size_t i = 0; types && k->symbols && i < IQ_ARRAY_SIZE(globals); i++) {
		const struct iq_type *t;
		struct iq_symbol s;
		unsigned int from = 0;

		/* Of several entries of a name listed_type() takes the one that applies. */
		if (!strcmp(globals[i].name, last) ||
		    !iq_symtab_by_name(k->symbols, globals[i].name, &from, &s))
			continue;
		last = globals[i].name;
		t = iq_variable_type(types, s.name);
		t = t ? t : listed_type(k, types, &s);
		if (t)
			fn(arg, &s, t);
	}
}
