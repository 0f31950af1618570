// SPDX-License-Identifier: GPL-2.0-or-later
/* ipcs: shared memory, semaphores and message queues of System V. */
#include "internal.h"
#include <inquest/ipc.h>
#include <inttypes.h>
#include <stdlib.h>

struct ipcs_result {
	bool shown[IQ_IPC_KINDS];
	bool details; /* -M */
	struct iq_ipc *list[IQ_IPC_KINDS];
	unsigned int nr[IQ_IPC_KINDS];
	bool chosen; /* by id or address: only what was found is shown */
};

/* In the order of crash and ipcs(1). */
static const enum iq_ipc_kind order[] = {IQ_IPC_SHM, IQ_IPC_SEM, IQ_IPC_MSG};

static void free_result(void *data)
{
	struct ipcs_result *x = data;

	for (unsigned int i = 0; i < IQ_IPC_KINDS; i++)
		free(x->list[i]);
	free(x);
}

#define SHM_DEST 01000
#define SHM_LOCKED 02000

static void text_one(const struct ipcs_result *x, const struct iq_ipc *i, struct iq_buf *out)
{
	iq_buf_printf(out, "%016" PRIx64 " %08" PRIx32 " %-10d %-5" PRIu32 " %-5o ", i->address, i->key, i->id,
		      i->uid, i->mode & 0777);
	if (i->kind == IQ_IPC_SEM) {
		iq_buf_printf(out, "%-10" PRIu64 "\n", i->semaphores);
	} else if (i->kind == IQ_IPC_MSG) {
		iq_buf_printf(out, "%-12" PRIu64 " %-12" PRIu64 "\n", i->bytes, i->messages);
	} else {
		iq_buf_printf(out, "%-10" PRIu64 " %-6" PRIu64 " %s%s%s\n", i->size, i->attached,
			      i->mode & SHM_DEST ? "dest" : "", i->mode & SHM_DEST && i->mode & SHM_LOCKED ? " " : "",
			      i->mode & SHM_LOCKED ? "locked" : "");
		if (x->details)
			iq_buf_printf(out, "PAGES ALLOCATED/RESIDENT/SWAPPED: %" PRIu64 "/%" PRIu64 "/%" PRIu64
				      "\nINODE: %" PRIx64 "\n", i->pages, i->resident, i->swapped, i->inode);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	static const char *const heads[IQ_IPC_KINDS] = {
		[IQ_IPC_SHM] = "SHMID_KERNEL     KEY      SHMID      UID   PERMS BYTES      NATTCH STATUS\n",
		[IQ_IPC_SEM] = "SEM_ARRAY        KEY      SEMID      UID   PERMS NSEMS\n",
		[IQ_IPC_MSG] = "MSG_QUEUE        KEY      MSQID      UID   PERMS USED-BYTES   MESSAGES\n",
	};
	const struct ipcs_result *x = r->data;

	for (unsigned int n = 0; n < IQ_ARRAY_SIZE(order); n++) {
		enum iq_ipc_kind kind = order[n];
		bool each = kind == IQ_IPC_SHM && x->details;

		if (!x->shown[kind] || (x->chosen && !x->nr[kind]))
			continue;
		if (!each || !x->nr[kind])
			iq_buf_puts(out, heads[kind]);
		if (!x->nr[kind])
			iq_buf_puts(out, "(none allocated)\n");
		for (unsigned int i = 0; i < x->nr[kind]; i++) {
			/* With details each has the header, as crash has it. */
			if (each) {
				iq_buf_puts(out, i ? "\n" : "");
				iq_buf_puts(out, heads[kind]);
			}
			text_one(x, &x->list[kind][i], out);
		}
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_one(const struct iq_ipc *i)
{
	json_t *o = json_object();

	json_object_set_new(o, "address", json_address(i->address));
	json_object_set_new(o, "key", json_integer(i->key));
	json_object_set_new(o, "id", json_integer(i->id));
	json_object_set_new(o, "uid", json_integer(i->uid));
	json_object_set_new(o, "mode", json_integer(i->mode));
	if (i->kind == IQ_IPC_SEM) {
		json_object_set_new(o, "semaphores", json_integer((json_int_t)i->semaphores));
	} else if (i->kind == IQ_IPC_MSG) {
		json_object_set_new(o, "bytes", json_integer((json_int_t)i->bytes));
		json_object_set_new(o, "messages", json_integer((json_int_t)i->messages));
	} else {
		json_object_set_new(o, "bytes", json_integer((json_int_t)i->size));
		json_object_set_new(o, "attached", json_integer((json_int_t)i->attached));
		json_object_set_new(o, "inode", i->inode ? json_address(i->inode) : json_null());
		json_object_set_new(o, "pages", json_integer((json_int_t)i->pages));
		json_object_set_new(o, "resident", json_integer((json_int_t)i->resident));
		json_object_set_new(o, "swapped", json_integer((json_int_t)i->swapped));
	}
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	static const char *const keys[IQ_IPC_KINDS] = {
		[IQ_IPC_SHM] = "shared_memory", [IQ_IPC_SEM] = "semaphores", [IQ_IPC_MSG] = "message_queues",
	};
	const struct ipcs_result *x = r->data;
	json_t *o = json_object();

	for (unsigned int n = 0; n < IQ_ARRAY_SIZE(order); n++) {
		enum iq_ipc_kind kind = order[n];
		json_t *list;

		if (!x->shown[kind])
			continue;
		list = json_array();
		for (unsigned int i = 0; i < x->nr[kind]; i++)
			json_array_append_new(list, json_one(&x->list[kind][i]));
		json_object_set_new(o, keys[kind], list);
	}
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Finding them ------------------------------------------------------------------------------ */

/* Of what was found only that whose id or address one of the WORDS is. */
static struct iq_error *keep(struct session *s, struct ipcs_result *x, char **words, int nr)
{
	unsigned int total = 0;
	uint64_t v, address;

	for (unsigned int kind = 0; kind < IQ_IPC_KINDS; kind++) {
		unsigned int kept = 0;

		for (unsigned int i = 0; i < x->nr[kind]; i++) {
			struct iq_ipc *one = &x->list[kind][i];
			bool named = false;

			for (int w = 0; w < nr && !named; w++)
				named = (iq_parse_u64(words[w], &v) && v == (uint64_t)one->id) ||
					(word_address(s, words[w], &address) && address == one->address);
			if (named)
				x->list[kind][kept++] = *one;
		}
		x->nr[kind] = kept;
		total += kept;
	}
	x->chosen = true;
	if (!total)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "nothing has the id or address %s", words[0]),
				     "ipcs lists all there is");
	return NULL;
}

static struct iq_error *find_namespace(struct session *s, const char *word, uint64_t *ns)
{
	struct iq_task t;

	if (word)
		IQ_TRY(parse_task(s, word, &t));
	*ns = iq_ipc_namespace(s->kernel, word ? &t : NULL);
	if (*ns)
		return NULL;
	if (word)
		return iq_error_new(IQ_E_NOT_FOUND, "task %u has no IPC name space any more", t.pid);
	return iq_error_new(IQ_E_UNAVAILABLE, "the kernel has no System V IPC, or the symbol init_ipc_ns is not known");
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct ipcs_result *x = data;
	const char *task = NULL;
	struct iq_error *err;
	uint64_t ns;
	int option;

	while ((option = next_option(&o, "smMqn:", &err)) != -1) {
		switch (option) {
		case 's': x->shown[IQ_IPC_SEM] = true; break;
		case 'M':
		case 'm':
			x->details |= option == 'M';
			x->shown[IQ_IPC_SHM] = true;
			break;
		case 'q': x->shown[IQ_IPC_MSG] = true; break;
		case 'n': task = o.value; break;
		default: return err;
		}
	}
	for (unsigned int i = 0, any = x->shown[0] | x->shown[1] | x->shown[2]; i < IQ_IPC_KINDS && !any; i++)
		x->shown[i] = true;
	IQ_TRY(find_namespace(s, task, &ns));
	for (unsigned int i = 0; i < IQ_IPC_KINDS; i++) {
		if (x->shown[i])
			IQ_TRY(iq_ipcs(s->kernel, ns, (enum iq_ipc_kind)i, &x->list[i], &x->nr[i]));
	}
	return o.index < argc ? keep(s, x, argv + o.index, argc - o.index) : NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct ipcs_result), fill, &ops, r);
}

const struct command cmd_ipcs = {
	.name = "ipcs",
	.summary = "System V shared memory, semaphores and message queues",
	.help = "ipcs [-s] [-m | -M] [-q] [-n PID | TASK] [ID | ADDRESS]...\n"
		"\n"
		"The System V IPC objects: shared memory segments, semaphore arrays and message\n"
		"queues, all of them or those of an ID or at an ADDRESS (of their struct\n"
		"shmid_kernel, sem_array or msg_queue).\n"
		"\n"
		"  -m   shared memory only; dest: removed when the last process detaches; locked:\n"
		"       not swapped out\n"
		"  -M   the same with its inode and how many of its pages are allocated, in memory\n"
		"       and swapped out\n"
		"  -s   semaphore arrays only\n"
		"  -q   message queues only\n"
		"  -n   those of the name space that this task lives in\n"
		"\n"
		"  inquest> ipcs\n"
		"  inquest> ipcs -M 0\n"
		"  inquest> ipcs -n 1\n",
	.run = run,
	.completes = "p",
	.no_context = true,
};
