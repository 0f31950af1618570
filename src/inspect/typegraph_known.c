// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel's source says and its types do not: what is on a list, what an ops table is the mark of, what is
 * behind a void pointer.  Names are as in the source that the comment names; what this kernel does not have
 * says nothing.
 */
#include "graph.h"

#include <stdlib.h>

#define MAX_ENTRIES 200000 /* of one list */

/* ---- Lists -------------------------------------------------------------------------------------- */

/* The list at `head` of each struct `of` links `member` of structs `type`. */
static const struct {
	const char *of, *head, *type, *member;
} lists[] = {
	{"kset", "list", "kobject", "entry"}, /* lib/kobject.c */
	{"subsys_private", "klist_devices.k_list", "device_private", "knode_bus.n_node"},
	{"subsys_private", "klist_drivers.k_list", "driver_private", "knode_bus.n_node"},
	{"subsys_private", "interfaces", "subsys_interface", "node"}, /* drivers/base/base.h */
	{"driver_private", "klist_devices.k_list", "device_private", "knode_driver.n_node"},
	{"device_private", "klist_children.k_list", "device_private", "knode_parent.n_node"},
	{"device", "devres_head", "devres_node", "entry"},
	{"device", "links.suppliers", "device_link", "c_node"},
	{"device", "links.consumers", "device_link", "s_node"},
	{"workqueue_struct", "pwqs", "pool_workqueue", "pwqs_node"}, /* kernel/workqueue.c */
	{"worker_pool", "workers", "worker", "node"},
	{"worker_pool", "idle_list", "worker", "entry"},
	{"super_block", "s_inodes", "inode", "i_sb_list"},
	{"super_block", "s_mounts", "mount", "mnt_instance"},
	{"mnt_namespace", "list", "mount", "mnt_list"},
	{"mount", "mnt_mounts", "mount", "mnt_child"},
	{"pci_bus", "devices", "pci_dev", "bus_list"}, /* include/linux/pci.h */
	{"pci_bus", "children", "pci_bus", "node"},
	{"pci_bus", "resources", "pci_bus_resource", "list"},
	{"pci_dev", "saved_cap_space", "pci_cap_saved_state", "next"},
	{"acpi_device", "children", "acpi_device", "node"},
	{"acpi_device", "physical_node_list", "acpi_device_physical_node", "node"},
	{"acpi_device", "pnp.ids", "acpi_hardware_id", "list"},
	{"pnp_dev", "resources", "pnp_resource", "list"},
	{"pnp_protocol", "devices", "pnp_dev", "protocol_list"},
	{"trace_array", "systems", "trace_subsystem_dir", "list"}, /* kernel/trace/trace.h */
	{"trace_array", "events", "trace_event_file", "list"},
	{"trace_event_class", "fields", "ftrace_event_field", "link"},
	{"cgroup", "cset_links", "cgrp_cset_link",
	 "cset_link"}, /* kernel/cgroup/cgroup-internal.h */
	{"css_set", "cgrp_links", "cgrp_cset_link", "cgrp_link"},
	{"cgroup_subsys", "cfts", "cftype", "node"},
	{"net", "dev_base_head", "net_device", "dev_list"},
	{"net", "rules_ops", "fib_rules_ops", "list"},
	{"net_device", "ptype_all", "packet_type", "list"},
	{"net_device", "napi_list", "napi_struct", "dev_list"},
	{"netdev_hw_addr_list", "list", "netdev_hw_addr", "list"},
	{"fib_rules_ops", "rules_list", "fib_rule", "list"},
	{"neigh_table", "parms_list", "neigh_parms", "list"},
	{"inet6_dev", "addr_list", "inet6_ifaddr", "if_list"},
	{"tty_struct", "tty_files", "tty_file_private", "list"}, /* include/linux/tty.h */
	{"input_dev", "h_list", "input_handle", "d_node"},
	{"input_handler", "h_list", "input_handle", "h_node"},
	{"usb_device", "filelist", "usb_dev_state", "list"},
	{"usb_dev_state", "async_pending", "async", "asynclist"}, /* drivers/usb/core/devio.c */
	{"usb_dev_state", "async_completed", "async", "asynclist"},
	{"usb_dev_state", "memory_list", "usb_memory", "memlist"},
	{"usb_host_endpoint", "urb_list", "urb", "urb_list"},
	{"module", "source_list", "module_use", "source_list"}, /* include/linux/module.h */
	{"module", "target_list", "module_use", "target_list"},
	{"backing_dev_info", "wb_list", "bdi_writeback", "bdi_node"},
	{"request_queue", "flush_list", "request", "queuelist"},
	{"request_queue", "blkg_list", "blkcg_gq", "q_node"},
	{"blk_mq_tag_set", "tag_list", "request_queue", "tag_set_list"},
	{"Scsi_Host", "__devices", "scsi_device", "siblings"}, /* include/scsi/scsi_host.h */
	{"Scsi_Host", "__targets", "scsi_target", "siblings"},
	{"eventpoll", "rdllist", "epitem", "rdllink"},
	{"fsnotify_group", "marks_list", "fsnotify_mark", "g_list"},
	{"thermal_zone_device", "thermal_instances", "thermal_instance", "tz_node"},
};

/* The same of list heads that are variables. */
static const struct {
	const char *head, *type, *member;
} global_lists[] = {
	{"workqueues", "workqueue_struct", "list"},
	{"super_blocks", "super_block", "s_list"},
	{"tty_drivers", "tty_driver", "tty_drivers"},
	{"ftrace_trace_arrays", "trace_array", "list"},
	{"event_subsystems", "event_subsystem", "list"},
	{"ftrace_events", "trace_event_call", "list"},
	{"net_namespace_list", "net", "list"},
	{"pci_root_buses", "pci_bus", "node"},
	{"bdi_list", "backing_dev_info", "bdi_list"},
	{"cgroup_roots", "cgroup_root", "root_list"},
	{"input_dev_list", "input_dev", "node"},
	{"input_handler_list", "input_handler", "node"},
	{"crypto_alg_list", "crypto_alg", "cra_list"},
	{"slab_caches", "kmem_cache", "list"},
	{"vmap_area_list", "vmap_area", "list"},
	{"proto_list", "proto", "node"},
	{"link_ops", "rtnl_link_ops", "list"},
	{"pernet_list", "pernet_operations", "list"},
	{"pmus", "pmu", "entry"},
	{"modules", "module", "list"},
	{"misc_list", "miscdevice", "list"},
	{"serio_list", "serio", "node"},
	{"pnp_global", "pnp_dev", "global_list"},
	{"pnp_protocols", "pnp_protocol", "protocol_list"},
	{"pnp_cards", "pnp_card", "global_list"},
	{"acpi_bus_id_list", "acpi_device_bus_id", "node"},
	{"acpi_power_resource_list", "acpi_power_resource", "list_node"},
	{"usb_bus_list", "usb_bus", "bus_list"},
	{"dpm_list", "device", "power.entry"},
	{"clocksource_list", "clocksource", "list"},
	{"clockevent_devices", "clock_event_device", "list"},
	{"irq_domain_list", "irq_domain", "link"},
	{"key_types_list", "key_type", "link"},
	{"shrinker_list", "shrinker", "list"},
	{"task_groups", "task_group", "list"},
	{"all_mddevs", "mddev", "all_mddevs"},
	{"btf_modules", "btf_module", "list"},
	{"syscore_ops_list", "syscore_ops", "node"},
	{"wakeup_sources", "wakeup_source", "entry"},
	{"elv_list", "elevator_type", "list"},
	{"dyn_event_list", "dyn_event", "list"},
	{"iommu_device_list", "iommu_device", "list"},
};

/* Type "struct NAME" of this kernel, and where MEMBER is in it. */
static const struct iq_type *find_type(struct graph *g, const char *name, const char *member,
				       uint64_t *at)
{
	const struct iq_type *t;
	struct iq_member m;
	struct iq_error *err;
	char text[80];

	snprintf(text, sizeof(text), "struct %s", name);
	t = iq_kernel_type(g->k, text, NULL);
	if (!t || t->kind != IQ_KIND_STRUCT)
		return NULL;
	*at = 0;
	if (member) {
		err = iq_member_find(t, member, &m);
		*at = m.bit_offset / 8;
		if (err) {
			iq_error_free(err);
			return NULL;
		}
	}
	return graph_type(g, t);
}

void known_lists(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(lists); i++) {
		const struct iq_type *entry;
		struct iq_member m;
		struct iq_error *err;
		uint64_t at;

		if (strcmp(lists[i].of, t->name))
			continue;
		err = iq_member_find(t, lists[i].head, &m);
		iq_error_free(err);
		if (err)
			continue;
		entry = find_type(g, lists[i].type, lists[i].member, &at);
		for (unsigned int k = p->nr; entry && k-- > 0;) {
			if (p->ops[k].offset != offset + m.bit_offset / 8 ||
			    p->ops[k].kind != OP_LIST)
				continue;
			p->ops[k].target = entry;
			p->ops[k].entry_at = (uint32_t)at;
			break;
		}
	}
}

void known_entries(struct graph *g, uint64_t head, const struct iq_type *type, uint32_t entry_at,
		   const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
		   const char *text)
{
	uint64_t at, prev = head, back;

	if (iq_vm_read_uint(g->k->vm, head, 8, &at))
		return;
	for (unsigned int n = 0; at && at != head && n < MAX_ENTRIES; n++) {
		/* What does not point back is not on the list, or the list is damaged. */
		if (iq_vm_read_uint(g->k->vm, at + 8, 8, &back) || back != prev)
			return;
		graph_object(g, at - entry_at, type, from_type, from_offset, from, text);
		prev = at;
		if (iq_vm_read_uint(g->k->vm, at, 8, &at))
			return;
	}
}

void known_globals(struct graph *g)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(global_lists); i++) {
		uint64_t head = iq_kernel_symbol(g->k, global_lists[i].head), at;
		const struct iq_type *t;

		if (!head)
			continue;
		t = find_type(g, global_lists[i].type, global_lists[i].member, &at);
		if (t)
			known_entries(g, head, t, (uint32_t)at, NULL, 0, 0, global_lists[i].head);
	}
}

/* ---- Marks -------------------------------------------------------------------------------------- */

/* A word at member `path` that is the address of `symbol` makes it a `type`. */
static const struct {
	const char *symbol, *type, *path;
} marks[] = {
	{"bus_ktype", "subsys_private", "subsys.kobj.ktype"}, /* drivers/base/bus.c, class.c */
	{"class_ktype", "subsys_private", "subsys.kobj.ktype"},
	{"driver_ktype", "driver_private", "kobj.ktype"},
	{"device_ktype", "device", "kobj.ktype"},
	{"kset_ktype", "kset", "kobj.ktype"},
	{"dynamic_kobj_ktype", "kobject", "ktype"},
	{"ktype_cdev_dynamic", "cdev", "kobj.ktype"},
	{"ktype_cdev_default", "cdev", "kobj.ktype"},
	{"module_ktype", "module_kobject", "kobj.ktype"},
	{"irq_kobj_type", "irq_desc", "kobj.ktype"},
	{"rx_queue_ktype", "netdev_rx_queue", "kobj.ktype"},
	{"netdev_queue_ktype", "netdev_queue", "kobj.ktype"},
	{"blk_mq_hw_ktype", "blk_mq_hw_ctx", "kobj.ktype"},
	{"blk_mq_ktype", "blk_mq_ctxs", "kobj.ktype"},
	{"blk_mq_ctx_ktype", "blk_mq_ctx", "kobj.ktype"},
	{"elv_ktype", "elevator_queue", "kobj.ktype"},
	{"iommu_group_ktype", "iommu_group", "kobj.ktype"},
	{"firmware_map_ktype", "firmware_map_entry", "kobj.ktype"},
	{"firmware_ktype", "firmware_map_entry", "kobj.ktype"},
	{"ext4_sb_ktype", "ext4_sb_info", "s_kobj.ktype"},
	{"pci_dev_type", "pci_dev", "dev.type"},
	{"pci_bus_type", "pci_dev", "dev.bus"},
	{"pcibus_class", "pci_bus", "dev.class"},
	{"platform_bus_type", "platform_device", "dev.bus"},
	{"acpi_bus_type", "acpi_device", "dev.bus"},
	{"pnp_bus_type", "pnp_dev", "dev.bus"},
	{"serio_bus", "serio", "dev.bus"},
	{"usb_device_type", "usb_device", "dev.type"},
	{"usb_if_device_type", "usb_interface", "dev.type"},
	{"usb_ep_device_type", "ep_device", "dev.type"},
	{"usb_port_device_type", "usb_port", "dev.type"},
	{"disk_type", "block_device", "bd_device.type"},
	{"part_type", "block_device", "bd_device.type"},
	{"input_dev_type", "input_dev", "dev.type"},
	{"scsi_host_type", "Scsi_Host", "shost_gendev.type"},
	{"scsi_dev_type", "scsi_device", "sdev_gendev.type"},
	{"scsi_target_type", "scsi_target", "dev.type"},
	{"i2c_client_type", "i2c_client", "dev.type"},
	{"i2c_adapter_type", "i2c_adapter", "dev.type"},
	{"net_class", "net_device", "dev.class"},
	{"rtc_class", "rtc_device", "dev.class"},
	{"netlink_proto", "netlink_sock", "sk.__sk_common.skc_prot"},
	{"packet_proto", "packet_sock", "sk.__sk_common.skc_prot"},
	{"wq_device_release", "wq_device", "dev.release"},
	{"pmu_dev_release", "device", "release"},
	{"device_create_release", "device", "release"},
	{"platform_device_release", "platform_object", "pdev.dev.release"},
	{"i8042_port_close", "serio", "close"},
	{"i8042_kbd_write", "serio", "write"},
	{"pwq_unbound_release_workfn", "pool_workqueue", "unbound_release_work.func"},
	{"pwq_release_workfn", "pool_workqueue", "release_work.func"},
	{"wb_workfn", "bdi_writeback", "dwork.work.func"},
	{"wb_update_bandwidth_workfn", "bdi_writeback", "bw_dwork.work.func"},
	{"addrconf_rs_timer", "inet6_dev", "rs_timer.function"},
	{"igmp_gq_timer_expire", "in_device", "mr_gq_timer.function"},
	{"destroy_super_work", "super_block", "destroy_work.func"},
	{"hub_event", "usb_hub", "events.func"},
	{"flush_to_ldisc", "tty_port", "buf.work.func"},
	{"tty_port_default_client_ops", "tty_port", "client_ops"},
	{"n_tty_ops", "tty_ldisc", "ops"},
	{"anon_pipe_buf_ops", "pipe_buffer", "ops"},
	{"blk_mq_run_work_fn", "blk_mq_hw_ctx", "run_work.work.func"},
	{"blk_mq_timeout_work", "request_queue", "timeout_work.func"},
	{"disk_events_workfn", "disk_events", "dwork.work.func"},
};

struct mark {
	struct mark *next;
	const struct iq_type *type;
	uint32_t at;
	const char *text;
};

static void load_marks(struct graph *g)
{
	g->marks_made = true;
	g->marks_low = UINT64_MAX;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(marks); i++) {
		const struct iq_type *t;
		struct iq_symbol s;
		struct mark *m;
		uint64_t at;
		char text[160];

		if (!iq_symbol_named(g->k, marks[i].symbol, &s) ||
		    !(t = find_type(g, marks[i].type, marks[i].path, &at)) || graph_is_link(t))
			continue;
		m = iq_arena_alloc(&g->arena, sizeof(*m));
		snprintf(text, sizeof(text), "its %s is %s", marks[i].path, marks[i].symbol);
		if (!m)
			return;
		*m = (struct mark){iq_map_get(&g->marks, s.address), t, (uint32_t)at,
				   iq_arena_strdup(&g->arena, text)};
		if (!m->text || !iq_map_put(&g->marks, s.address, m))
			return;
		g->marks_low = IQ_MIN(g->marks_low, s.address);
		g->marks_high = IQ_MAX(g->marks_high, s.address);
	}
}

void known_marks(struct graph *g, struct node *n, const uint8_t *bytes, size_t len)
{
	if (!g->marks_made)
		load_marks(g);
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t v = iq_le64(bytes + i);

		if (v < g->marks_low || v > g->marks_high)
			continue;
		for (const struct mark *m = iq_map_get(&g->marks, v); m; m = m->next)
			if (i >= m->at)
				graph_say(g, n, m->type, (uint32_t)i - m->at, true, NULL, 0, 0,
					  m->text);
	}
}

/* ---- Void pointers ------------------------------------------------------------------------------ */

/* `member` of a struct `of` is a `type` if its `ops` is the address of `symbol`. */
static const struct {
	const char *of, *ops, *symbol, *member, *type;
} privates[] = {
	{"file", "f_op", "eventpoll_fops", "private_data", "eventpoll"}, /* fs/eventpoll.c */
	{"file", "f_op", "timerfd_fops", "private_data", "timerfd_ctx"},
	{"file", "f_op", "signalfd_fops", "private_data", "signalfd_ctx"},
	{"file", "f_op", "eventfd_fops", "private_data", "eventfd_ctx"},
	{"file", "f_op", "inotify_fops", "private_data", "fsnotify_group"},
	{"file", "f_op", "fanotify_fops", "private_data", "fsnotify_group"},
	{"file", "f_op", "tty_fops", "private_data", "tty_file_private"},
	{"file", "f_op", "console_fops", "private_data", "tty_file_private"},
	{"file", "f_op", "hung_up_tty_fops", "private_data", "tty_file_private"},
	{"file", "f_op", "pipefifo_fops", "private_data", "pipe_inode_info"},
	{"file", "f_op", "usbdev_file_operations", "private_data", "usb_dev_state"},
	{"file", "f_op", "perf_fops", "private_data", "perf_event"},
	{"file", "f_op", "evdev_fops", "private_data", "evdev_client"},
	{"file", "f_op", "pidfd_fops", "private_data", "pid"},
	{"file", "f_op", "fuse_dev_operations", "private_data", "fuse_dev"},
	{"super_block", "s_op", "ext4_sops", "s_fs_info", "ext4_sb_info"},
	{"super_block", "s_op", "shmem_ops", "s_fs_info", "shmem_sb_info"},
	{"super_block", "s_op", "proc_sops", "s_fs_info", "proc_fs_info"},
	{"super_block", "s_op", "kernfs_sops", "s_fs_info", "kernfs_super_info"},
	{"super_block", "s_op", "ramfs_ops", "s_fs_info", "ramfs_fs_info"},
};

void known_privates(struct graph *g, struct plan *p)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(privates); i++) {
		uint64_t ops_at, at, none;
		const struct iq_type *t;
		struct iq_symbol s;
		struct private *x;

		if (strcmp(privates[i].of, p->type->name) ||
		    !find_type(g, privates[i].of, privates[i].ops, &ops_at) ||
		    !find_type(g, privates[i].of, privates[i].member, &at) ||
		    !(t = find_type(g, privates[i].type, NULL, &none)) || graph_is_link(t) ||
		    !iq_symbol_named(g->k, privates[i].symbol, &s) ||
		    !(x = iq_arena_alloc(&g->arena, sizeof(*x))))
			continue;
		*x = (struct private){p->privates, t, s.address, (uint32_t)ops_at, (uint32_t)at};
		p->privates = x;
	}
}
