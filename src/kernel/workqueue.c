// SPDX-License-Identifier: GPL-2.0-or-later
/* Workqueues: see workqueue.h. */
#include <inquest/workqueue.h>

#include "private.h"

#include <stdlib.h>

#define POOLS_MAX 65536
#define WORKERS_MAX (1u << 20)
#define WORKS_MAX (1u << 20)
#define WORKER_IDLE 4

struct reading {
	struct iq_kernel *k;
	struct iq_worker_pools *x;
	struct iq_worker_pool *pool;
	uint64_t node_at; /* of worker.node */
	uint64_t work_at; /* of work_struct.entry */
	uint64_t wq_at, pwq_at,
		inactive_at; /* of workqueue_struct.list, pool_workqueue.pwqs_node, .inactive_works */
	uint64_t pwq_mask; /* of the pool_workqueue in work_struct.data */
	uint64_t pwq_bit;
	enum iq_work_state state;
	uint64_t worker;
	uint64_t owner; /* pool_workqueue of INACTIVE items */
	bool no_memory;
	char what[48];
};

/* The workqueue that the pool_workqueue at PWQ belongs to, and its name. */
static uint64_t name_of(struct reading *r, uint64_t pwq, char *name)
{
	struct iq_buf escaped = {0};
	uint64_t wq, at, size;
	char raw[IQ_WQ_NAME] = "";

	name[0] = '\0';
	if (!pwq || !kernel_read_member(r->k, "pool_workqueue", "wq", pwq, &wq) || !wq ||
	    !iq_kernel_offset(r->k, "workqueue_struct", "name", &at, &size))
		return 0;
	if (iq_vm_read_string(r->k->vm, wq + at, raw,
			      IQ_MIN(sizeof(raw), size ? size : sizeof(raw))))
		return 0;
	iq_buf_add_escaped(&escaped, raw, strlen(raw), false);
	snprintf(name, IQ_WQ_NAME, "%s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
	return wq;
}

static bool add_work(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct reading *r = arg;
	struct iq_worker_pools *x = r->x;
	struct iq_work w = {.state = r->state, .address = entry - r->work_at, .worker = r->worker};
	uint64_t data, pwq = r->owner;

	if (!kernel_read_member(k, "work_struct", "func", w.address, &w.function) ||
	    !kernel_read_member(k, "work_struct", "data", w.address, &data)) {
		iq_warn(k->warnings, "%s: the work at 0x%lx cannot be read", r->what,
			(unsigned long)w.address);
		return true;
	}
	if (!pwq && data >> r->pwq_bit & 1)
		pwq = data & r->pwq_mask;
	w.wq = name_of(r, pwq, w.name);
	if (!iq_grow(&x->work, &x->room_works, x->nr_works + 1, sizeof(*x->work))) {
		r->no_memory = true;
		return false;
	}
	x->work[x->nr_works++] = w;
	return true;
}

static void add_works(struct reading *r, uint64_t list, enum iq_work_state state, uint64_t worker)
{
	r->state = state;
	r->worker = worker;
	kernel_list_for_each(r->k, list, WORKS_MAX, r->what, add_work, r);
}

static bool add_worker(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct reading *r = arg;
	struct iq_worker_pools *x = r->x;
	struct iq_worker w = {.address = node - r->node_at};
	uint64_t flags, pwq, scheduled;

	if (!kernel_read_member(k, "worker", "task", w.address, &w.task) ||
	    !kernel_read_member(k, "worker", "flags", w.address, &flags)) {
		iq_warn(k->warnings, "%s: the worker at 0x%lx cannot be read", r->what,
			(unsigned long)w.address);
		return true;
	}
	w.idle = flags & WORKER_IDLE;
	kernel_read_member(k, "worker", "current_work", w.address, &w.work);
	if (w.work) {
		kernel_read_member(k, "worker", "current_func", w.address, &w.function);
		kernel_read_member(k, "worker", "current_start", w.address, &w.started);
		if (kernel_read_member(k, "worker", "current_pwq", w.address, &pwq))
			name_of(r, pwq, w.name);
	}
	if (!iq_grow(&x->worker, &x->room_workers, x->nr_workers + 1, sizeof(*x->worker))) {
		r->no_memory = true;
		return false;
	}
	x->worker[x->nr_workers++] = w;
	if (!w.idle && iq_kernel_offset(k, "worker", "scheduled", &scheduled, NULL))
		add_works(r, w.address + scheduled, IQ_WORK_SCHEDULED, w.address);
	return !r->no_memory;
}

static void read_pool(struct reading *r, struct iq_worker_pool *p)
{
	struct iq_kernel *k = r->k;
	uint64_t v, attrs, list;

	if (kernel_read_member(k, "worker_pool", "cpu", p->address, &v))
		p->cpu = (int)(int32_t)v;
	if (kernel_read_member(k, "worker_pool", "flags", p->address, &v))
		p->flags = (unsigned int)v;
	if (kernel_read_member(k, "worker_pool", "nr_workers", p->address, &v))
		p->nr_workers = (unsigned int)v;
	if (kernel_read_member(k, "worker_pool", "nr_idle", p->address, &v))
		p->nr_idle = (unsigned int)v;
	/* Called watchdog_ts before 6.19. */
	if (!kernel_read_member(k, "worker_pool", "last_progress_ts", p->address, &p->progress))
		kernel_read_member(k, "worker_pool", "watchdog_ts", p->address, &p->progress);
	if (kernel_read_member(k, "worker_pool", "attrs", p->address, &attrs) && attrs &&
	    kernel_read_member(k, "workqueue_attrs", "nice", attrs, &v))
		p->nice = (int)(int32_t)v;
	p->first_worker = r->x->nr_workers;
	p->first_work = r->x->nr_works;
	snprintf(r->what, sizeof(r->what), "worker pool %d", p->id);
	if (iq_kernel_offset(k, "worker_pool", "workers", &list, NULL))
		kernel_list_for_each(k, p->address + list, WORKERS_MAX, r->what, add_worker, r);
	p->workers = r->x->nr_workers - p->first_worker;
	if (iq_kernel_offset(k, "worker_pool", "worklist", &list, NULL))
		add_works(r, p->address + list, IQ_WORK_PENDING, 0);
	p->works = r->x->nr_works - p->first_work;
}

static bool add_pool(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg)
{
	struct reading *r = arg;
	struct iq_worker_pools *x = r->x;
	uint64_t id;

	if (!kernel_read_member(k, "worker_pool", "id", entry, &id) || id != index) {
		iq_warn(k->warnings, "worker pool %lu at 0x%lx is damaged", (unsigned long)index,
			(unsigned long)entry);
		return true;
	}
	if (x->nr >= POOLS_MAX || !iq_grow(&x->pool, &x->room, x->nr + 1, sizeof(*x->pool))) {
		r->no_memory = x->nr < POOLS_MAX;
		return false;
	}
	x->pool[x->nr] = (struct iq_worker_pool){.address = entry, .id = (int)id, .cpu = -1};
	read_pool(r, &x->pool[x->nr++]);
	return !r->no_memory;
}

/* ---- Items that a workqueue holds back ----------------------------------------------------------- */

static bool inactive_of(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct reading *r = arg;
	uint64_t pwq = node - r->pwq_at;

	r->owner = pwq;
	add_works(r, pwq + r->inactive_at, IQ_WORK_INACTIVE, 0);
	r->owner = 0;
	return !r->no_memory;
}

static bool add_inactive(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct reading *r = arg;
	uint64_t pwqs;

	if (iq_kernel_offset(k, "workqueue_struct", "pwqs", &pwqs, NULL))
		kernel_list_for_each(k, node - r->wq_at + pwqs, WORKERS_MAX, r->what, inactive_of,
				     r);
	return !r->no_memory;
}

static void read_inactive(struct reading *r)
{
	uint64_t list = iq_kernel_symbol(r->k, "workqueues");

	/* Called delayed_works before 5.15. */
	if (!list || !iq_kernel_offset(r->k, "workqueue_struct", "list", &r->wq_at, NULL) ||
	    !iq_kernel_offset(r->k, "pool_workqueue", "pwqs_node", &r->pwq_at, NULL) ||
	    (!iq_kernel_offset(r->k, "pool_workqueue", "inactive_works", &r->inactive_at, NULL) &&
	     !iq_kernel_offset(r->k, "pool_workqueue", "delayed_works", &r->inactive_at, NULL)))
		return;
	snprintf(r->what, sizeof(r->what), "list of workqueues");
	kernel_list_for_each(r->k, list, POOLS_MAX, r->what, add_inactive, r);
}

/* Where in work_struct.data the pool_workqueue stands, and the bit that says that it is one. */
static void find_bits(struct reading *r, struct iq_types *types)
{
	int64_t shift = 8, bit = 2;

	if (!iq_enumerator_by_name(types, "WORK_STRUCT_PWQ_SHIFT", &shift))
		iq_enumerator_by_name(types, "WORK_STRUCT_FLAG_BITS", &shift);
	iq_enumerator_by_name(types, "WORK_STRUCT_PWQ_BIT", &bit);
	r->pwq_mask = shift > 0 && shift < 20 ? ~((UINT64_C(1) << shift) - 1) : ~UINT64_C(255);
	r->pwq_bit = (uint64_t)bit & 63;
}

struct iq_error *iq_worker_pools(struct iq_kernel *k, struct iq_worker_pools *ret)
{
	struct iq_worker_pools x = {0};
	struct reading r = {.k = k, .x = &x};
	uint64_t idr = iq_kernel_symbol(k, "worker_pool_idr"), root;
	struct iq_types *types;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!idr || !iq_offset(types, "idr", "idr_rt", &root, NULL) ||
	    !iq_offset(types, "worker", "node", &r.node_at, NULL) ||
	    !iq_offset(types, "work_struct", "entry", &r.work_at, NULL))
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"this kernel's worker pools are not kept in a way that is known here");
	find_bits(&r, types);
	iq_kernel_variable(k, "jiffies", 8, &x.jiffies);
	kernel_xarray_for_each(k, idr + root, "worker pools", add_pool, &r);
	if (!r.no_memory)
		read_inactive(&r);
	if (r.no_memory) {
		iq_worker_pools_free(&x);
		return iq_error_nomem();
	}
	*ret = x;
	return NULL;
}

void iq_worker_pools_free(struct iq_worker_pools *x)
{
	free(x->pool);
	free(x->worker);
	free(x->work);
	*x = (struct iq_worker_pools){0};
}
