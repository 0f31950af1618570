// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which struct lives in a slab cache of its own.  kmem_cache_create() is given a name and a size: the struct
 * of that name, or the one that the kernel's source is known to create the cache for, is believed if its
 * size is the cache's.
 */
#include "typed.h"

static const struct {
	const char *cache, *tag;
} known[] = {
	{"filp", "file"},			/* fs/file_table.c */
	{"inode_cache", "inode"},		/* fs/inode.c */
	{"files_cache", "files_struct"},	/* kernel/fork.c */
	{"fs_cache", "fs_struct"},
	{"signal_cache", "signal_struct"},
	{"sighand_cache", "sighand_struct"},
	{"cred_jar", "cred"},			/* kernel/cred.c */
	{"mnt_cache", "mount"},			/* fs/namespace.c */
	{"bdev_cache", "bdev_inode"},		/* block/bdev.c */
	{"radix_tree_node", "xa_node"},		/* lib/radix-tree.c */
	{"radix_tree_node", "radix_tree_node"},
	{"maple_node", "maple_node"},		/* lib/maple_tree.c */
	{"proc_inode_cache", "proc_inode"},	/* fs/proc/inode.c */
	{"sock_inode_cache", "socket_alloc"},	/* net/socket.c */
	{"shmem_inode_cache", "shmem_inode_info"},
	{"ext4_inode_cache", "ext4_inode_info"},
	{"xfs_inode", "xfs_inode"},
	{"btrfs_inode", "btrfs_inode"},
	{"fat_inode_cache", "msdos_inode_info"},
	{"nfs_inode_cache", "nfs_inode"},
	{"fuse_inode", "fuse_inode"},
	{"ovl_inode", "ovl_inode"},
	{"isofs_inode_cache", "iso_inode_info"},
	{"squashfs_inode_cache", "squashfs_inode_info"},
	{"hugetlbfs_inode_cache", "hugetlbfs_inode_info"},
	{"mqueue_inode_cache", "mqueue_inode_info"},
	{"rpc_inode_cache", "rpc_inode"},
	{"kernfs_node_cache", "kernfs_node"},
	{"kernfs_iattrs_cache", "kernfs_iattrs"},
	{"skbuff_head_cache", "sk_buff"},	/* net/core/skbuff.c */
	{"skbuff_fclone_cache", "sk_buff_fclones"},
	{"skbuff_ext_cache", "skb_ext"},
	{"TCP", "tcp_sock"},			/* net/ipv4/tcp_ipv4.c: struct proto.name */
	{"TCPv6", "tcp6_sock"},
	{"UDP", "udp_sock"},
	{"UDPv6", "udp6_sock"},
	{"UDP-Lite", "udp_sock"},
	{"RAW", "raw_sock"},
	{"RAWv6", "raw6_sock"},
	{"PING", "inet_sock"},
	{"UNIX", "unix_sock"},
	{"UNIX-STREAM", "unix_sock"},
	{"PACKET", "packet_sock"},
	{"request_sock_TCP", "tcp_request_sock"},
	{"tw_sock_TCP", "tcp_timewait_sock"},
	{"net_namespace", "net"},
	{"eventpoll_epi", "epitem"},		/* fs/eventpoll.c */
	{"eventpoll_pwq", "eppoll_entry"},
	{"sigqueue", "sigqueue"},
	{"names_cache", "filename"},
	{"buffer_head", "buffer_head"},
	{"file_lock_cache", "file_lock"},
	{"file_lock_ctx", "file_lock_context"},
	{"blkdev_ioc", "io_context"},
	{"request_queue", "request_queue"},
	{"bio_integrity_payload", "bio_integrity_payload"},
	{"ip_dst_cache", "rtable"},
	{"ip6_dst_cache", "rt6_info"},
	{"fib6_nodes", "fib6_node"},
	{"ip_fib_alias", "fib_alias"},
	{"ip_fib_trie", "key_vector"},
	{"inet_peer_cache", "inet_peer"},
	{"bio_crypt_ctx", "bio_crypt_ctx"},
	{"ep_head", "epitems_head"},		/* fs/eventpoll.c */
	{"mbcache", "mb_cache_entry"},		/* fs/mbcache.c */
	{"ext4_groupinfo_4k", "ext4_group_info"}, /* fs/ext4 */
	{"ext4_extent_status", "extent_status"},
	{"ext4_pending_reservation", "pending_reservation"},
	{"ext4_io_end", "ext4_io_end"},
	{"ext4_system_zone", "ext4_system_zone"},
	{"jbd2_inode", "jbd2_inode"},
	{"shared_policy_node", "sp_node"},	/* mm/mempolicy.c */
	{"numa_policy", "mempolicy"},
	{"iint_cache", "integrity_iint_cache"},
	{"xfrm_dst_cache", "xfrm_dst"},
	{"request_sock_TCPv6", "tcp6_request_sock"},
	{"request_sock_subflow_v4", "mptcp_subflow_request_sock"},
	{"request_sock_subflow_v6", "mptcp_subflow_request_sock"},
	{"tw_sock_TCPv6", "tcp6_timewait_sock"},
	{"MPTCP", "mptcp_sock"},
	{"MPTCPv6", "mptcp6_sock"},
	{"ip4-frags", "ipq"},
	{"ip6-frags", "frag_queue"},
	{"dax_cache", "dax_device"},
	{"userfaultfd_ctx_cache", "userfaultfd_ctx"},
	{"vma_lock", "vma_lock"},
	{"task_delay_info", "task_delay_info"},
	{"taskstats", "taskstats"},
	{"posix_timers_cache", "k_itimer"},
	{"uid_cache", "user_struct"},
	{"user_namespace", "user_namespace"},
	{"mm_struct", "mm_struct"},
	{"jbd2_journal_head", "journal_head"},
	{"jbd2_journal_handle", "jbd2_journal_handle"},
	{"khugepaged_mm_slot", "khugepaged_mm_slot"},
	{"ksm_rmap_item", "ksm_rmap_item"},
	{"pool_workqueue", "pool_workqueue"},
	{"fsnotify_mark_connector", "fsnotify_mark_connector"},
	{"inotify_inode_mark", "inotify_inode_mark"},
	{"trace_event_file", "trace_event_file"},
	{"ftrace_event_field", "ftrace_event_field"},
};

/* Does it end with an array, of which objects have as much as somebody wanted? */
static bool is_open_ended(const struct iq_type *t)
{
	const struct iq_member *m;
	unsigned int nr;

	m = iq_type_members(t, &nr);
	return nr && m[nr - 1].type->kind == IQ_KIND_ARRAY && !m[nr - 1].type->count;
}

/* Caches that were merged have objects as large as the largest. */
static const struct iq_type *sized(struct iq_kernel *k, const char *tag, const struct iq_cache *c)
{
	char name[80];
	const struct iq_type *t;

	snprintf(name, sizeof(name), "struct %s", tag);
	t = iq_kernel_type(k, name, NULL);
	if (!t || t->kind != IQ_KIND_STRUCT)
		return NULL;
	if (c->users > 1)
		return t->size <= c->object_size && t->size > c->object_size / 2 ? t : NULL;
	return t->size == c->object_size || (t->size < c->object_size && is_open_ended(t)) ? t : NULL;
}

const struct iq_type *iq_cache_type(struct iq_kernel *k, const struct iq_cache *cache)
{
	static const char *const ends_otherwise[] = {"task_struct", "mm_struct", "kmem_cache"};
	const struct iq_type *t;
	unsigned int i;
	char name[80];

	for (i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].cache, cache->name))
			continue;
		t = sized(k, known[i].tag, cache);
		if (t)
			return t;
	}
	/*
	 * These end with what this machine needs less, or more, of than the type has room for: the FPU's state, masks
	 * of CPUs, pointers of nodes.
	 */
	for (i = 0; i < IQ_ARRAY_SIZE(ends_otherwise); i++)
		if (!strcmp(cache->name, ends_otherwise[i])) {
			snprintf(name, sizeof(name), "struct %s", cache->name);
			t = iq_kernel_type(k, name, NULL);
			return t && t->kind == IQ_KIND_STRUCT ? t : NULL;
		}
	return strpbrk(cache->name, "-:()\\") ? NULL : sized(k, cache->name, cache);
}

/* ---- Members by offset -------------------------------------------------------------------------- */

#define MAX_DEPTH 12

static void path_step(const struct iq_type *t, uint64_t offset, struct iq_buf *out, unsigned int depth)
{
	const struct iq_member *m, *best = NULL;
	unsigned int i, nr;

	t = iq_type_strip(t);
	if (t->kind == IQ_KIND_ARRAY && depth < MAX_DEPTH) {
		const struct iq_type *e = iq_type_target(t);

		if (e && e->size) {
			iq_buf_printf(out, "[%lu]", (unsigned long)(offset / e->size));
			path_step(e, offset % e->size, out, depth + 1);
			return;
		}
	}
	if ((t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION) && depth < MAX_DEPTH) {
		m = iq_type_members(t, &nr);
		/* Of a union the first member that is long enough. */
		for (i = 0; i < nr; i++) {
			uint64_t start = m[i].bit_offset / 8;
			uint64_t size = m[i].bit_size ? (m[i].bit_size + 7) / 8 : m[i].type->size;

			if (offset >= start && offset < start + size) {
				best = &m[i];
				break;
			}
		}
		if (best) {
			if (best->name[0])
				iq_buf_printf(out, "%s%s", out->len ? "." : "", best->name);
			path_step(best->type, offset - best->bit_offset / 8, out, depth + 1);
			return;
		}
	}
	if (offset)
		iq_buf_printf(out, "+%lu", (unsigned long)offset);
}

void iq_member_path(const struct iq_type *t, uint64_t offset, char *buf, size_t room)
{
	struct iq_buf out = {0};

	path_step(t, offset, &out, 0);
	snprintf(buf, room, "%s", iq_buf_str(&out));
	iq_buf_free(&out);
}
