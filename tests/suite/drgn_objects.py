#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_objects.py VMCORE VMLINUX [MODULE.ko...]: objects that the kernel's own lists lead to, as JSON.

A list of [kind, address, type or types that it may be, referrer]; the address is that of the whole object, so far
as the kernel's source says so.  drgn walks the lists with the types of a vmlinux.
"""
import json
import sys

import drgn
from drgn import cast, container_of
from drgn.helpers.linux.list import hlist_for_each_entry, list_for_each_entry
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.rbtree import rbtree_inorder_for_each_entry

found = {}
errors = []


def add(kind, pointer, types, limit=400):
    """POINTER is an object of one of TYPES ('signal_struct')."""
    value = pointer if isinstance(pointer, int) else pointer.value_()
    if not value or value >= 2**64 - 4096:
        return False
    of_kind = found.setdefault(kind, {})
    if value in of_kind or len(of_kind) >= limit:
        return value not in of_kind
    of_kind[value] = [types] if isinstance(types, str) else list(types)
    return True


def guarded(walk):
    """One list that is damaged, or that this kernel does not have, says nothing of the others."""
    def run(prog):
        try:
            walk(prog)
        except (LookupError, AttributeError, ValueError, TypeError, drgn.FaultError, drgn.ObjectAbsentError) as e:
            errors.append(f'{walk.__name__}: {e}')
    return run


INODES = {'sockfs': 'socket_alloc', 'proc': 'proc_inode', 'tmpfs': 'shmem_inode_info', 'rootfs': 'shmem_inode_info',
          'devtmpfs': 'shmem_inode_info', 'ext4': 'ext4_inode_info', 'hugetlbfs': 'hugetlbfs_inode_info',
          'mqueue': 'mqueue_inode_info', 'bdev': 'bdev_inode', 'tracefs': 'tracefs_inode'}


def inode(prog, i):
    if not i:
        return
    fs = i.i_sb.s_type.name.string_().decode()
    if fs == 'sockfs' and has(prog, 'struct sockfs_inode'):
        add('inode', container_of(i, 'struct sockfs_inode', 'vfs_inode'), 'sockfs_inode')
        return
    if fs == 'tracefs' and not has(prog, 'struct tracefs_inode'):
        fs = 'none'
    name = INODES.get(fs, 'inode')
    if name == 'inode':
        add('inode', i, name)
    elif name == 'tracefs_inode':
        add('inode', i, [name, 'inode'])
    elif has(prog, f'struct {name}'):
        add('inode', container_of(i, f'struct {name}', 'vfs_inode'), name)


def has(prog, name):
    try:
        prog.type(name)
        return True
    except LookupError:
        return False


@guarded
def tasks(prog):
    for t in for_each_task(prog):
        add('task', t, 'task_struct')
        add('signal', t.signal, 'signal_struct')
        add('sighand', t.sighand, 'sighand_struct')
        add('cred', t.cred, 'cred')
        add('fs', t.fs, 'fs_struct')
        add('files', t.files, 'files_struct')
        add('nsproxy', t.nsproxy, 'nsproxy')
        add('pid', t.thread_pid, 'pid')
        add('css_set', t.cgroups, 'css_set')
        add('io_context', t.io_context, 'io_context')
        add('user', t.cred.user, 'user_struct')
        if hasattr(t.cred, 'ucounts'):
            add('ucounts', t.cred.ucounts, 'ucounts')
        if t.mm:
            add('mm', t.mm, 'mm_struct')


def vmas(prog, mm):
    try:
        from drgn.helpers.linux.mm import for_each_vma
        yield from for_each_vma(mm)
    except (ImportError, LookupError):
        v = mm.mmap
        while v:
            yield v
            v = v.vm_next


@guarded
def memory(prog):
    for t in for_each_task(prog):
        if not t.mm:
            continue
        for v in vmas(prog, t.mm):
            add('vma', v, 'vm_area_struct')
            add('anon_vma', v.anon_vma, 'anon_vma')
            for c in list_for_each_entry('struct anon_vma_chain', v.anon_vma_chain.address_of_(), 'same_vma'):
                add('anon_vma_chain', c, 'anon_vma_chain')


SOCKS = {'TCP': 'tcp_sock', 'TCPv6': 'tcp6_sock', 'UDP': 'udp_sock', 'UDPv6': 'udp6_sock', 'UNIX': 'unix_sock',
         'UNIX-STREAM': 'unix_sock', 'NETLINK': 'netlink_sock', 'PACKET': 'packet_sock', 'RAW': 'raw_sock',
         'RAWv6': 'raw6_sock', 'PING': 'inet_sock'}


def sock(prog, sk):
    if not sk:
        return
    name = SOCKS.get(sk.__sk_common.skc_prot.name.string_().decode())
    if name:
        add('sock', sk, name)


@guarded
def open_files(prog):
    for t in for_each_task(prog):
        if not t.files:
            continue
        fdt = t.files.fdt
        if fdt.value_() != t.files.fdtab.address_of_().value_():
            add('fdtable', fdt, 'fdtable')
        for i in range(min(fdt.max_fds.value_(), 256)):
            f = fdt.fd[i]
            if not f or not add('file', f, 'file'):
                continue
            add('dentry', f.f_path.dentry, 'dentry', 2000)
            add('mount', container_of(f.f_path.mnt, 'struct mount', 'mnt'), 'mount')
            inode(prog, f.f_inode)
            kind = f.f_inode.i_mode.value_() >> 12
            if kind == 0o14:
                socket = container_of(f.f_inode, 'struct socket_alloc', 'vfs_inode').socket
                sock(prog, socket.sk)
            elif kind == 1:
                pipe = f.f_inode.i_pipe
                if add('pipe', pipe, 'pipe_inode_info'):
                    add('pipe_buffers', pipe.bufs, 'pipe_buffer []')
            try:
                ops = prog.symbol(f.f_op.value_()).name
            except LookupError:
                continue
            private = {'eventpoll_fops': 'eventpoll', 'signalfd_fops': 'signalfd_ctx', 'timerfd_fops': 'timerfd_ctx',
                       'eventfd_fops': 'eventfd_ctx', 'inotify_fops': 'fsnotify_group',
                       'tty_fops': 'tty_file_private', 'console_fops': 'tty_file_private',
                       'kernfs_file_fops': 'seq_file'}.get(ops)
            if private:
                add(f'private of {ops}', f.private_data, private)
            if private == 'tty_file_private':
                tty = cast('struct tty_file_private *', f.private_data).tty
                add('tty', tty, 'tty_struct')
                add('ldisc', tty.ldisc, 'tty_ldisc')


def children(prog, d):
    if hasattr(d, 'd_children'):
        return hlist_for_each_entry('struct dentry', d.d_children.address_of_(), 'd_sib')
    return list_for_each_entry('struct dentry', d.d_subdirs.address_of_(), 'd_child')


def mounts(sb):
    if hasattr(sb.s_mounts, 'next'):
        yield from list_for_each_entry('struct mount', sb.s_mounts.address_of_(), 'mnt_instance')
        return
    m = sb.s_mounts
    while m:
        yield m
        m = m.mnt_next_for_sb


@guarded
def file_systems(prog):
    for sb in list_for_each_entry('struct super_block', prog['super_blocks'].address_of_(), 's_list'):
        add('super_block', sb, 'super_block')
        add('bdi', sb.s_bdi, 'backing_dev_info')
        add('s_dentry_lru', sb.s_dentry_lru.node, 'list_lru_node []')
        add('s_inode_lru', sb.s_inode_lru.node, 'list_lru_node []')
        queue = [sb.s_root] if sb.s_root else []
        for d in queue:
            if not add('dentry', d, 'dentry', 2000):
                continue
            inode(prog, d.d_inode)
            if len(queue) < 3000:
                queue += list(children(prog, d))
        for m in mounts(sb):
            add('mount', m, 'mount')
            add('mountpoint', m.mnt_mp, 'mountpoint')
            add('mnt_ns', m.mnt_ns, 'mnt_namespace')


def bus_subsystems(prog):
    return list_for_each_entry('struct subsys_private', prog['bus_kset'].list.address_of_(), 'subsys.kobj.entry')


def klist(prog, k, type_, member):
    for node in list_for_each_entry('struct klist_node', k.k_list.address_of_(), 'n_node'):
        yield container_of(node, type_, member)


def device(prog, bus, dev):
    whole = {'platform': (['platform_object', 'platform_device'], 'platform_device'), 'pci': (['pci_dev'], 'pci_dev'),
             'pnp': (['pnp_dev'], 'pnp_dev'), 'acpi': (['acpi_device'], 'acpi_device'),
             'usb': (['usb_device', 'usb_interface'], None), 'serio': (['serio'], 'serio')}.get(bus)
    if whole and whole[1]:
        add(f'{bus} device', container_of(dev, f'struct {whole[1]}', 'dev'), whole[0])
    elif whole is None:
        return


@guarded
def buses(prog):
    for s in bus_subsystems(prog):
        add('subsys_private', s, 'subsys_private')
        bus = s.bus.name.string_().decode()
        for p in klist(prog, s.klist_devices, 'struct device_private', 'knode_bus'):
            add('device_private', p, 'device_private')
            device(prog, bus, p.device)
        for p in klist(prog, s.klist_drivers, 'struct driver_private', 'knode_bus'):
            add('driver_private', p, 'driver_private')


@guarded
def classes(prog):
    for s in list_for_each_entry('struct subsys_private', prog['class_kset'].list.address_of_(), 'subsys.kobj.entry'):
        add('subsys_private', s, 'subsys_private')
        name = getattr(s, 'class').name.string_().decode()
        for p in klist(prog, s.klist_devices, 'struct device_private', 'knode_class'):
            add('device_private', p, 'device_private')
            try:
                release = prog.symbol(p.device.release.value_()).name if p.device.release else ''
            except LookupError:
                release = ''
            if release == 'device_create_release':
                add('device_create()', p.device, 'device')
            if name == 'net':
                add('net class', container_of(p.device, 'struct net_device', 'dev'), 'net_device')
            if name == 'input' and p.device.kobj.name.string_().startswith(b'input'):
                add('input_dev', container_of(p.device, 'struct input_dev', 'dev'), 'input_dev')
            if name == 'rtc':
                add('rtc_device', container_of(p.device, 'struct rtc_device', 'dev'), 'rtc_device')
            if name == 'bdi':
                add('bdi', p.device.driver_data, 'backing_dev_info')
            if name == 'block' and p.device.type.name.string_() == b'disk':
                if has(prog, 'struct block_device') and prog.type('struct block_device').has_member('bd_device'):
                    b = container_of(p.device, 'struct block_device', 'bd_device')
                    add('bdev', container_of(b, 'struct bdev_inode', 'bdev'), 'bdev_inode')
                    add('gendisk', b.bd_disk, 'gendisk')
                    add('request_queue', b.bd_disk.queue, 'request_queue')


@guarded
def network(prog):
    net = prog['init_net']
    for d in list_for_each_entry('struct net_device', net.dev_base_head.address_of_(), 'dev_list'):
        add('net_device', d, 'net_device')
        add('in_device', d.ip_ptr, 'in_device')
        add('inet6_dev', d.ip6_ptr, 'inet6_dev')
        add('rx queues', d._rx, 'netdev_rx_queue []')
        add('tx queues', d._tx, 'netdev_queue []')
        for a in range(1):
            i = d.ip_ptr.ifa_list if d.ip_ptr else None
            if i:
                add('in_ifaddr', i, 'in_ifaddr')
        if d.ip_ptr:
            add('neigh_parms', d.ip_ptr.arp_parms, 'neigh_parms')


@guarded
def work(prog):
    for w in list_for_each_entry('struct workqueue_struct', prog['workqueues'].address_of_(), 'list'):
        add('workqueue', w, 'workqueue_struct')
        add('workqueue_attrs', w.unbound_attrs, 'workqueue_attrs')
        add('rescuer', w.rescuer, 'worker')
        for p in list_for_each_entry('struct pool_workqueue', w.pwqs.address_of_(), 'pwqs_node'):
            add('pool_workqueue', p, 'pool_workqueue')
            pool = p.pool
            add('pool attrs', pool.attrs, 'workqueue_attrs')
            for x in list_for_each_entry('struct worker', pool.workers.address_of_(), 'node'):
                add('worker', x, 'worker')


@guarded
def interrupts(prog):
    from drgn.helpers.linux.irq import for_each_irq_desc
    for _, d in for_each_irq_desc(prog):
        add('irq_desc', d, 'irq_desc')
        a = d.action
        while a:
            add('irqaction', a, 'irqaction')
            a = a.next


@guarded
def modules(prog):
    for m in list_for_each_entry('struct module', prog['modules'].address_of_(), 'list'):
        for kind in ('sect_attrs', 'notes_attrs'):
            if hasattr(m, kind):
                add(kind, getattr(m, kind), 'module_' + kind)
        add('param_attrs', m.mkobj.mp, 'module_param_attrs')
        add('holders_dir', m.holders_dir, 'kobject')


@guarded
def cgroups(prog):
    queue = [prog['cgrp_dfl_root'].cgrp.address_of_()]
    for c in queue[:200]:
        if c != queue[0]:
            add('cgroup', c, 'cgroup')
        for css in list_for_each_entry('struct cgroup_subsys_state', c.self.children.address_of_(), 'sibling'):
            queue.append(container_of(css, 'struct cgroup', 'self'))
        for link in list_for_each_entry('struct cgrp_cset_link', c.cset_links.address_of_(), 'cset_link'):
            add('cset_link', link, 'cgrp_cset_link')


def resource_tree(prog, r, depth=0):
    while r and depth < 20:
        add('resource', r, 'resource')
        resource_tree(prog, r.child, depth + 1)
        r = r.sibling


@guarded
def resources(prog):
    resource_tree(prog, prog['iomem_resource'].child)
    resource_tree(prog, prog['ioport_resource'].child)


@guarded
def character_devices(prog):
    for c in prog['chrdevs']:
        while c:
            add('chrdev', c, 'char_device_struct')
            c = c.next
    for p in prog['cdev_map'].probes:
        while p:
            add('probe', p, 'probe')
            p = p.next


@guarded
def terminals(prog):
    for d in list_for_each_entry('struct tty_driver', prog['tty_drivers'].address_of_(), 'tty_drivers'):
        add('tty_driver', d, 'tty_driver')
        if d.ttys:
            add('ttys', d.ttys, 'tty_struct * []')
            for i in range(min(d.num.value_(), 64)):
                add('tty', d.ttys[i], 'tty_struct')


@guarded
def tracing(prog):
    for s in list_for_each_entry('struct event_subsystem', prog['event_subsystems'].address_of_(), 'list'):
        add('event_subsystem', s, 'event_subsystem')
        add('event_filter', s.filter, 'event_filter')
    for a in list_for_each_entry('struct trace_array', prog['ftrace_trace_arrays'].address_of_(), 'list'):
        add('trace_array', a, 'trace_array')
        for d in list_for_each_entry('struct trace_subsystem_dir', a.systems.address_of_(), 'list'):
            add('trace_subsystem_dir', d, 'trace_subsystem_dir')
        for f in list_for_each_entry('struct trace_event_file', a.events.address_of_(), 'list'):
            add('trace_event_file', f, 'trace_event_file')


@guarded
def scheduling(prog):
    from drgn.helpers.linux.cpumask import for_each_online_cpu
    from drgn.helpers.linux.percpu import per_cpu
    for cpu in for_each_online_cpu(prog):
        rq = per_cpu(prog['runqueues'], cpu)
        add('root_domain', rq.rd, 'root_domain')
        sd = rq.sd
        while sd:
            add('sched_domain', sd, 'sched_domain')
            add('sched_group', sd.groups, 'sched_group')
            add('sched_domain_shared', sd.shared, 'sched_domain_shared')
            sd = sd.parent


def proc_entries(prog, pde, depth=0):
    for e in rbtree_inorder_for_each_entry('struct proc_dir_entry', pde.subdir.address_of_(), 'subdir_node'):
        add('proc_dir_entry', e, 'proc_dir_entry')
        if depth < 4:
            proc_entries(prog, e, depth + 1)


@guarded
def proc(prog):
    proc_entries(prog, prog['proc_root'].address_of_())


@guarded
def slab_itself(prog):
    for c in list_for_each_entry('struct kmem_cache', prog['slab_caches'].address_of_(), 'list'):
        add('kmem_cache', c, 'kmem_cache')
        if hasattr(c, 'node'):
            add('kmem_cache_node', c.node[0], 'kmem_cache_node')
        add('cache name', c.name, 'char []')


@guarded
def vmalloc(prog):
    areas = []
    try:
        areas = list(list_for_each_entry('struct vmap_area', prog['vmap_area_list'].address_of_(), 'list'))
    except (LookupError, AttributeError):
        nodes = prog['vmap_nodes']
        for i in range(prog['nr_vmap_nodes'].value_()):
            areas += list(rbtree_inorder_for_each_entry('struct vmap_area', nodes[i].busy.root.address_of_(), 'rb_node'))
    for a in areas:
        add('vmap_area', a, 'vmap_area')
        if a.vm:
            add('vm_struct', a.vm, 'vm_struct')
            if a.vm.pages:
                add('pages', a.vm.pages, 'page * []')


def main(vmcore, *files):
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    try:
        prog.load_debug_info(list(files))
    except drgn.MissingDebugInfoError:
        pass            # of modules that the lab has no files of
    for walk in (tasks, memory, open_files, file_systems, buses, classes, network, work, interrupts, modules, cgroups,
                 resources, character_devices, terminals, tracing, scheduling, proc, slab_itself, vmalloc):
        walk(prog)
    json.dump({'objects': [[kind, address, types] for kind, all_ in found.items() for address, types in all_.items()],
               'errors': errors}, sys.stdout)


main(*sys.argv[1:])
