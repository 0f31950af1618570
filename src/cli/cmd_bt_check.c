// SPDX-License-Identifier: GPL-2.0-or-later
/* bt -E: exception frames on the CPUs' own stacks; bt -v: stacks with something wrong. */
#include "bt.h"
#include <inttypes.h>
#include <stdlib.h>

/* ---- -E ------------------------------------------------------------------------------------------ */

struct found_regs {
	unsigned int stack; /* index in `stacks` */
	uint64_t address;
	bool user;
	struct iq_regs regs;
};

struct exceptions {
	struct iq_kernel *k;
	struct iq_stack *stacks;
	unsigned int nr_stacks, stacks_room;
	struct found_regs *regs;
	unsigned int nr_regs, regs_room;
};

static void free_exceptions(void *data)
{
	struct exceptions *x = data;

	free(x->stacks);
	free(x->regs);
	free(x);
}

static uint64_t reg(const struct iq_regs *r, unsigned int n)
{
	return iq_reg_known(r, n) ? r->value[n] : UINT64_MAX;
}

/* What an entry could have saved: segments of Linux, flags that exist, code that there is. */
static bool is_exception(struct iq_kernel *k, const struct iq_regs *r, bool *user)
{
	uint64_t cs = reg(r, IQ_X86_CS), ss = reg(r, IQ_X86_SS), flags = reg(r, IQ_X86_RFLAGS);
	uint64_t ip = reg(r, IQ_X86_RIP), sp = reg(r, IQ_X86_RSP);

	/* Bit 1 is always set; above bit 21 there is none. */
	if (!(flags & 2) || flags >> 22)
		return false;
	*user = cs == 0x33 || cs == 0x23;
	if (*user)
		return ss == 0x2b && !k->arch->vm->is_kernel(&k->layout, ip) &&
		       !k->arch->vm->is_kernel(&k->layout, sp);
	return cs == 0x10 && (ss == 0x18 || !ss) && iq_is_text(k, ip) &&
	       k->arch->vm->is_kernel(&k->layout, sp);
}

static struct iq_error *search_stack(struct exceptions *x, unsigned int n)
{
	const struct iq_arch *a = x->k->arch;
	struct iq_stack s = x->stacks[n];
	uint64_t size = s.end - s.start;
	uint8_t *bytes;

	if (size < a->trap_frame_size || size > (1 << 20))
		return NULL;
	bytes = malloc(size);
	if (!bytes)
		return iq_error_nomem();
	if (iq_vm_read(x->k->vm, s.start, bytes, size, NULL))
		memset(bytes, 0, size);
	for (uint64_t at = 0; at + a->trap_frame_size <= size; at += 8) {
		struct found_regs f = {.stack = n, .address = s.start + at};

		a->trap_frame_regs(bytes + at, &f.regs);
		if (!is_exception(x->k, &f.regs, &f.user))
			continue;
		if (!iq_grow(&x->regs, &x->regs_room, x->nr_regs + 1, sizeof(f))) {
			free(bytes);
			return iq_error_nomem();
		}
		x->regs[x->nr_regs++] = f;
	}
	free(bytes);
	return NULL;
}

static struct iq_error *add_stack(struct exceptions *x, const struct iq_cpu *c,
				  enum iq_stack_kind kind)
{
	struct iq_stack s;

	if (!iq_cpu_stack(x->k, c->cpu, kind, &s))
		return NULL;
	if (!iq_grow(&x->stacks, &x->stacks_room, x->nr_stacks + 1, sizeof(s)))
		return iq_error_nomem();
	x->stacks[x->nr_stacks] = s;
	x->stacks[x->nr_stacks].cpu = (int)c->cpu;
	return search_stack(x, x->nr_stacks++);
}

static struct iq_error *add_irq(const struct iq_cpu *c, void *arg)
{
	return add_stack(arg, c, IQ_STACK_IRQ);
}

static struct iq_error *add_exception_stacks(const struct iq_cpu *c, void *arg)
{
	static const enum iq_stack_kind kinds[] = {IQ_STACK_DOUBLE_FAULT, IQ_STACK_NMI,
						   IQ_STACK_DEBUG, IQ_STACK_MCE, IQ_STACK_VC};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(kinds); i++)
		IQ_TRY(add_stack(arg, c, kinds[i]));
	return NULL;
}

static void text_exception(struct exceptions *x, const struct found_regs *f, struct iq_buf *out)
{
	char name[256];

	iq_buf_printf(out, "  %s-MODE EXCEPTION FRAME AT: %016" PRIx64 "\n",
		      f->user ? "USER" : "KERNEL", f->address);
	if (!f->user &&
	    iq_symbol_format(x->k, f->regs.value[IQ_X86_RIP], false, false, name, sizeof(name))) {
		iq_buf_puts(out, "    [exception RIP: ");
		iq_buf_add_escaped(out, name, strlen(name), false);
		iq_buf_puts(out, "]\n");
	}
	bt_text_regs(&f->regs, out);
}

static void exceptions_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct exceptions *x = r->data;

	for (unsigned int i = 0; i < x->nr_stacks; i++) {
		bool any = false;

		iq_buf_printf(out, "%sCPU %d %s%s STACK:\n", i ? "\n" : "", x->stacks[i].cpu,
			      iq_stack_kind_text(x->stacks[i].kind),
			      x->stacks[i].kind == IQ_STACK_IRQ ? "" : " EXCEPTION");
		for (unsigned int n = 0; n < x->nr_regs; n++) {
			if (x->regs[n].stack != i)
				continue;
			iq_buf_putc(out, '\n');
			text_exception(x, &x->regs[n], out);
			any = true;
		}
		iq_buf_puts(out, any ? "" : "(none found)\n");
	}
}

static json_t *exceptions_json(struct session *s, const struct result *r)
{
	struct exceptions *x = r->data;
	json_t *stacks = json_array(), *result = json_object();

	for (unsigned int i = 0; i < x->nr_stacks; i++) {
		json_t *o = json_object(), *list = json_array();

		json_object_set_new(o, "cpu", json_integer(x->stacks[i].cpu));
		json_object_set_new(o, "stack", json_string(iq_stack_kind_text(x->stacks[i].kind)));
		for (unsigned int n = 0; n < x->nr_regs; n++) {
			json_t *f;

			if (x->regs[n].stack != i)
				continue;
			f = json_object();
			json_object_set_new(f, "address", json_address(x->regs[n].address));
			json_object_set_new(f, "user", json_boolean(x->regs[n].user));
			json_object_set_new(f, "registers",
					    json_regs(s->kernel->arch, &x->regs[n].regs));
			json_array_append_new(list, f);
		}
		json_object_set_new(o, "exceptions", list);
		json_array_append_new(stacks, o);
	}
	json_object_set_new(result, "stacks", stacks);
	return result;
}

static const struct result_ops exceptions_ops = {exceptions_text, exceptions_json, free_exceptions};

struct iq_error *bt_exceptions(struct session *s, const char *cpus, struct result *r)
{
	struct exceptions *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->k = s->kernel;
	err = bt_each_cpu(s, cpus, add_irq, x);
	if (!err)
		err = bt_each_cpu(s, cpus, add_exception_stacks, x);
	if (err) {
		free_exceptions(x);
		return err;
	}
	*r = (struct result){&exceptions_ops, x};
	return NULL;
}

/* ---- -v ------------------------------------------------------------------------------------------ */

struct damaged {
	struct iq_task task;
	struct iq_damage damage[BT_DAMAGE];
	unsigned int nr;
};

struct overflows {
	struct damaged *list;
	unsigned int nr, room, checked;
};

static void free_overflows(void *data)
{
	struct overflows *x = data;

	free(x->list);
	free(x);
}

static void overflows_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct overflows *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		iq_buf_puts(out, i ? "\n" : "");
		text_task_header(&x->list[i].task, out);
		for (unsigned int n = 0; n < x->list[i].nr; n++) {
			const char *text = x->list[i].damage[n].text;

			iq_buf_add_escaped(out, text, strlen(text), false);
			iq_buf_putc(out, '\n');
		}
	}
	if (!x->nr)
		iq_buf_puts(out, "No stack overflows detected\n");
}

static json_t *overflows_json(struct session *s, const struct result *r)
{
	const struct overflows *x = r->data;
	json_t *tasks = json_array(), *result = json_object();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct damaged *d = &x->list[i];
		json_t *o = json_object();

		json_object_set_new(o, "pid", json_integer(d->task.pid));
		json_object_set_new(o, "task", json_address(d->task.address));
		json_object_set_new(o, "damage", bt_json_damage(d->damage, d->nr));
		json_array_append_new(tasks, o);
	}
	json_object_set_new(result, "checked", json_integer(x->checked));
	json_object_set_new(result, "tasks", tasks);
	return result;
}

static const struct result_ops overflows_ops = {overflows_text, overflows_json, free_overflows};

static struct iq_error *check_task(struct session *s, const struct iq_task *t, struct overflows *x)
{
	struct damaged d = {.task = *t};
	struct iq_backtrace b = {0};

	iq_error_free(iq_backtrace(s->kernel, t, &b));
	d.nr = iq_stack_damage(s->kernel, &b, d.damage, BT_DAMAGE);
	iq_backtrace_free(&b);
	x->checked++;
	if (!d.nr)
		return NULL;
	if (!iq_grow(&x->list, &x->room, x->nr + 1, sizeof(d)))
		return iq_error_nomem();
	x->list[x->nr++] = d;
	return NULL;
}

struct iq_error *bt_overflows(struct session *s, struct result *r)
{
	struct overflows *x = calloc(1, sizeof(*x));
	const struct iq_task *tasks;
	struct iq_error *err;
	unsigned int nr = 0;

	if (!x)
		return iq_error_nomem();
	err = iq_tasks(s->kernel, &tasks, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		if (iq_cancelled(&s->cancel))
			err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		else if (tasks[i].stack)
			err = check_task(s, &tasks[i], x);
	}
	if (err) {
		free_overflows(x);
		return err;
	}
	*r = (struct result){&overflows_ops, x};
	return NULL;
}
