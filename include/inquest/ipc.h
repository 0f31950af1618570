/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V IPC (include/linux/ipc_namespace.h, ipc/shm.c, sem.c, msg.c). */
#ifndef INQUEST_IPC_H
#define INQUEST_IPC_H

#include <inquest/task.h>

enum iq_ipc_kind { IQ_IPC_SEM, IQ_IPC_MSG, IQ_IPC_SHM, IQ_IPC_KINDS }; /* IPC_SEM_IDS … */

struct iq_ipc {
	enum iq_ipc_kind kind;
	uint64_t address;	/* struct shmid_kernel, sem_array or msg_queue */
	uint32_t key;
	int id;
	uint32_t uid, mode;	/* mode: permissions, and for shared memory SHM_DEST 01000, SHM_LOCKED 02000 */
	/* semaphores */
	uint64_t semaphores;
	/* message queues */
	uint64_t bytes, messages;
	/* shared memory */
	uint64_t size, attached;
	uint64_t file, inode;	/* of its pages; 0 unknown */
	uint64_t pages, resident, swapped; /* pages of PAGE_SIZE */
};

/* The ipc_namespace of T, or, if it is NULL, the first one; 0: not known. */
uint64_t iq_ipc_namespace(struct iq_kernel *k, const struct iq_task *t);
/*
 * All of KIND in the ipc_namespace at NS, in the order of their ids, malloc()ed (free()).  Damage ends the
 * walk with a warning.  IQ_E_UNAVAILABLE: no types, or a kernel without System V IPC.
 */
struct iq_error *iq_ipcs(struct iq_kernel *k, uint64_t ns, enum iq_ipc_kind kind, struct iq_ipc **ret,
			 unsigned int *nr) IQ_CHECK;

#endif
