// SPDX-License-Identifier: GPL-2.0-or-later
/* search -t, -T, -u: a value in the kernel stacks of tasks, or in the user memory of one. */
#include "place.h"
#include "search.h"
#include <inquest/vma.h>
#include <inttypes.h>
#include <stdlib.h>

struct hit {
	uint64_t address, word;
};

struct task_hits {
	struct iq_task task;
	struct hit *hit;
	unsigned int nr, room;
};

struct tasks_result {
	struct search_tasks q;
	struct task_hits *list;
	unsigned int nr, room;
	uint64_t unread; /* pages that could not be read */
};

static void free_result(void *data)
{
	struct tasks_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->list[i].hit);
	free(x->list);
	iq_describer_close(x->q.d);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct tasks_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct task_hits *t = &x->list[i];

		if (x->q.where != SEARCH_USER) {
			if (i)
				iq_buf_putc(out, '\n');
			text_task_header(&t->task, out);
		}
		for (unsigned int h = 0; h < t->nr; h++) {
			struct iq_whatis w;

			iq_buf_printf(out, "%" PRIx64 ": %0*" PRIx64, t->hit[h].address,
				      x->q.width ? 2 * (int)x->q.width : 16, t->hit[h].word);
			if (x->q.d && x->q.where != SEARCH_USER) {
				iq_whatis(x->q.d, t->hit[h].address, false, &w);
				iq_buf_puts(out, "  ");
				iq_whatis_line(s->kernel, &w, out);
			}
			iq_buf_putc(out, '\n');
		}
		if (!stream_out(s, out))
			return;
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct tasks_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct task_hits *t = &x->list[i];

		for (unsigned int h = 0; h < t->nr; h++) {
			json_t *e = json_object();
			struct iq_whatis w;

			json_object_set_new(e, "address", json_address(t->hit[h].address));
			json_object_set_new(e, "value", json_address(t->hit[h].word));
			json_object_set_new(e, "pid", json_integer(t->task.pid));
			if (x->q.d && x->q.where != SEARCH_USER)
				iq_whatis(x->q.d, t->hit[h].address, false, &w);
			json_object_set_new(e, "whatis", x->q.d && x->q.where != SEARCH_USER
								 ? json_kind(s, &w)
								 : json_null());
			json_array_append_new(list, e);
		}
	}
	json_object_set_new(o, "hits", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Finding them ------------------------------------------------------------------------------ */

static bool is_hit(const struct search_tasks *q, uint64_t word)
{
	uint64_t mask = q->mask ? q->mask : UINT64_MAX;

	if (q->width)
		mask &= (UINT64_C(1) << 8 * q->width) - 1;
	return (word & mask) == (q->value & mask);
}

/* Search [START, END) of VM, page by page; what cannot be read is counted. */
static struct iq_error *search_range(struct session *s, struct tasks_result *x, struct task_hits *t,
				     struct iq_vm *vm, uint64_t start, uint64_t end)
{
	uint64_t page = iq_dump_info(s->dump)->page_size;
	unsigned int width = x->q.width ? x->q.width : 8;
	struct iq_fault fault;
	uint8_t bytes[4096];

	start = IQ_MAX(start, x->q.start);
	end = x->q.end ? IQ_MIN(end, x->q.end) : end;
	for (uint64_t at = start & ~(page - 1); at < end; at += page) {
		if (iq_cancelled(&s->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		if (iq_vm_read(vm, at, bytes, sizeof(bytes), &fault)) {
			x->unread++;
			continue;
		}
		for (unsigned int i = 0; i < sizeof(bytes); i += width) {
			uint64_t word = iq_le(bytes + i, width);

			if (at + i < start || at + i >= end || !is_hit(&x->q, word))
				continue;
			if (!iq_grow(&t->hit, &t->room, t->nr + 1, sizeof(*t->hit)))
				return iq_error_nomem();
			t->hit[t->nr++] = (struct hit){at + i, word};
		}
	}
	return NULL;
}

static struct iq_error *search_user(struct session *s, struct tasks_result *x, struct task_hits *t)
{
	struct iq_error *err;
	struct iq_vma *vma;
	struct iq_vm *vm;
	unsigned int nr;

	IQ_TRY(iq_task_vm(s->kernel, &t->task, &vm));
	err = iq_vmas(s->kernel, t->task.mm, &vma, &nr);
	if (err) {
		iq_vm_close(vm);
		return err;
	}
	for (unsigned int i = 0; !err && i < nr; i++)
		err = search_range(s, x, t, vm, vma[i].start, vma[i].end);
	free(vma);
	iq_vm_close(vm);
	if (!err && x->unread)
		iq_warn(&s->warnings, "%" PRIu64 " pages of the task are not mapped or not in the dump",
			x->unread);
	return err;
}

static struct iq_error *one_task(struct session *s, struct tasks_result *x, const struct iq_task *task)
{
	struct task_hits *t;
	struct iq_error *err;

	if (!iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list)))
		return iq_error_nomem();
	t = &x->list[x->nr];
	*t = (struct task_hits){.task = *task};
	err = x->q.where == SEARCH_USER ? search_user(s, x, t)
	      : task->stack		? search_range(s, x, t, s->kernel->vm, task->stack,
						       task->stack + task->stack_size)
					: NULL;
	if (t->nr)
		x->nr++;
	else
		free(t->hit);
	return err;
}

static struct iq_error *fill(struct session *s, struct tasks_result *x)
{
	const struct iq_task *tasks, *task;
	unsigned int nr;

	if (x->q.where == SEARCH_USER) {
		IQ_TRY(need_task(s, &task));
		return one_task(s, x, task);
	}
	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++)
		if (x->q.where == SEARCH_STACKS || tasks[i].running)
			IQ_TRY(one_task(s, x, &tasks[i]));
	return NULL;
}

struct iq_error *search_tasks(struct session *s, const struct search_tasks *t, struct result *r)
{
	struct tasks_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x) {
		iq_describer_close(t->d);
		return iq_error_nomem();
	}
	x->q = *t;
	session_context(s);
	err = fill(s, x);
	if (err && !x->nr) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return err;
}
