// SPDX-License-Identifier: GPL-2.0-or-later
/* System V IPC: see ipc.h. */
#include <inquest/ipc.h>

#include "private.h"

#include <stdlib.h>

#define MAX_IPCS (1u << 24) /* IPCMNI_EXTEND */

uint64_t iq_ipc_namespace(struct iq_kernel *k, const struct iq_task *t)
{
	uint64_t proxy, ns;

	if (!t)
		return iq_kernel_symbol(k, "init_ipc_ns");
	/* A zombie has none any more. */
	if (!kernel_read_member(k, "task_struct", "nsproxy", t->address, &proxy) || !proxy ||
	    !kernel_read_member(k, "nsproxy", "ipc_ns", proxy, &ns))
		return 0;
	return ns;
}

struct ipcs {
	struct iq_ipc *list;
	unsigned int nr, room;
	enum iq_ipc_kind kind;
	uint64_t perm; /* of its kern_ipc_perm */
	bool failed;
};

static const struct {
	const char *tag, *perm;
} kinds[IQ_IPC_KINDS] = {
	[IQ_IPC_SEM] = {"sem_array", "sem_perm"},
	[IQ_IPC_MSG] = {"msg_queue", "q_perm"},
	[IQ_IPC_SHM] = {"shmid_kernel", "shm_perm"},
};

static uint64_t get(struct iq_kernel *k, const char *tag, const char *member, uint64_t at)
{
	uint64_t v = 0;

	return kernel_read_member(k, tag, member, at, &v) ? v : 0;
}

/* mm/shmem.c: pages that were swapped out are counted beside the inode, which is a member. */
static uint64_t swapped_pages(struct iq_kernel *k, uint64_t inode)
{
	uint64_t at;

	if (!iq_kernel_offset(k, "shmem_inode_info", "vfs_inode", &at, NULL))
		return 0;
	return get(k, "shmem_inode_info", "swapped", inode - at);
}

static void read_shm(struct iq_kernel *k, struct iq_ipc *i)
{
	uint64_t page = iq_dump_info(k->dump)->page_size, mapping;

	i->size = get(k, "shmid_kernel", "shm_segsz", i->address);
	i->attached = get(k, "shmid_kernel", "shm_nattch", i->address);
	i->file = get(k, "shmid_kernel", "shm_file", i->address);
	i->pages = i->size / page + (i->size % page != 0);
	i->inode = i->file ? get(k, "file", "f_inode", i->file) : 0;
	mapping = i->inode ? get(k, "inode", "i_mapping", i->inode) : 0;
	if (!mapping)
		return;
	i->resident = get(k, "address_space", "nrpages", mapping);
	i->swapped = swapped_pages(k, i->inode);
}

static bool add(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg)
{
	struct ipcs *x = arg;
	struct iq_ipc i = {.kind = x->kind, .address = entry - x->perm};
	uint64_t id;

	(void)index;
	if (!kernel_read_member(k, "kern_ipc_perm", "id", entry, &id)) {
		iq_warn(k->warnings, "%s 0x%lx cannot be read", kinds[x->kind].tag, (unsigned long)i.address);
		return true;
	}
	i.id = (int)id;
	i.key = (uint32_t)get(k, "kern_ipc_perm", "key", entry);
	i.mode = (uint32_t)get(k, "kern_ipc_perm", "mode", entry);
	i.uid = (uint32_t)get(k, "kern_ipc_perm", "uid.val", entry);
	if (x->kind == IQ_IPC_SEM) {
		i.semaphores = get(k, "sem_array", "sem_nsems", i.address);
	} else if (x->kind == IQ_IPC_MSG) {
		i.bytes = get(k, "msg_queue", "q_cbytes", i.address);
		i.messages = get(k, "msg_queue", "q_qnum", i.address);
	} else {
		read_shm(k, &i);
	}
	if (x->nr >= MAX_IPCS || !iq_grow(&x->list, &x->room, x->nr + 1, sizeof(i))) {
		x->failed = true;
		return false;
	}
	x->list[x->nr++] = i;
	return true;
}

struct iq_error *iq_ipcs(struct iq_kernel *k, uint64_t ns, enum iq_ipc_kind kind, struct iq_ipc **ret,
			 unsigned int *nr)
{
	struct ipcs x = {.kind = kind};
	struct iq_types *t;
	uint64_t tree;
	char path[32];

	IQ_TRY(iq_kernel_need_types(k, &t));
	snprintf(path, sizeof(path), "ids[%u].ipcs_idr.idr_rt", (unsigned int)kind);
	if (!iq_offset(t, "ipc_namespace", path, &tree, NULL) ||
	    !iq_offset(t, kinds[kind].tag, kinds[kind].perm, &x.perm, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel has no System V IPC of a known layout");
	kernel_xarray_for_each(k, ns + tree, "System V IPC", add, &x);
	if (x.failed) {
		free(x.list);
		return iq_error_nomem();
	}
	*ret = x.list;
	*nr = x.nr;
	return NULL;
}
