// SPDX-License-Identifier: GPL-2.0-or-later
/* irq: interrupts, who handles them, where and how often. */
#include "system.h"
#include <inquest/irq.h>
#include <inttypes.h>
#include <stdlib.h>

struct irq_result {
	struct iq_irqs irqs;
	struct cpu_choice cpus;
	enum { IRQ_LIST, IRQ_IDT, IRQ_SOFT, IRQ_AFFINITY, IRQ_COUNTS } what;
	bool used; /* -u */
	unsigned int *number; /* those asked for; owned */
	unsigned int nr;
	uint64_t idt[IQ_IDT_VECTORS];
	uint64_t soft[64];
	unsigned int nr_soft;
};

static void free_result(void *data)
{
	struct irq_result *x = data;

	iq_irqs_free(&x->irqs);
	cpu_choice_free(&x->cpus);
	free(x->number);
	free(x);
}

static const struct iq_irq *irq_numbered(const struct irq_result *x, unsigned int number)
{
	for (unsigned int i = 0; i < x->irqs.nr; i++) {
		if (x->irqs.irq[i].irq == number)
			return &x->irqs.irq[i];
	}
	return NULL;
}

/* ---- Text ---------------------------------------------------------------------------------------- */

static void text_irq(const struct irq_result *x, unsigned int number, const struct iq_irq *irq,
		     struct iq_buf *out)
{
	iq_buf_printf(out, "%3u   ", number);
	if (irq)
		iq_buf_printf(out, "%016" PRIx64 "  ", irq->desc);
	else
		iq_buf_puts(out, "    (unused)      ");
	if (!irq || !irq->nr) {
		iq_buf_puts(out, "    (unused)\n");
		return;
	}
	for (unsigned int i = 0; i < irq->nr; i++) {
		const struct iq_irq_action *a = &x->irqs.action[irq->first + i];

		iq_buf_printf(out, "%*s%016" PRIx64 "  \"%s\"\n", i ? 24 : 0, "", a->address,
			      a->name);
	}
}

static void text_list(const struct irq_result *x, struct iq_buf *out)
{
	unsigned int limit = x->irqs.limit;

	if (x->irqs.nr)
		limit = IQ_MAX(limit, x->irqs.irq[x->irqs.nr - 1].irq + 1);
	iq_buf_puts(out, "IRQ   IRQ_DESC/_DATA      IRQACTION      NAME\n");
	for (unsigned int i = 0; x->number && i < x->nr; i++)
		text_irq(x, x->number[i], irq_numbered(x, x->number[i]), out);
	for (unsigned int i = 0, at = 0; !x->number && i < limit; i++) {
		const struct iq_irq *irq =
			at < x->irqs.nr && x->irqs.irq[at].irq == i ? &x->irqs.irq[at++] : NULL;

		if (irq || !x->used)
			text_irq(x, i, irq, out);
	}
}

static void text_names(const struct irq_result *x, const struct iq_irq *irq, struct iq_buf *out)
{
	for (unsigned int i = 0; i < irq->nr; i++)
		iq_buf_printf(out, "%s%s", i ? "," : "", x->irqs.action[irq->first + i].name);
}

static void text_affinity(struct session *s, const struct irq_result *x, struct iq_buf *out)
{
	iq_buf_puts(out, "IRQ NAME                 AFFINITY\n");
	for (unsigned int i = 0; i < x->irqs.nr; i++) {
		const struct iq_irq *irq = &x->irqs.irq[i];
		struct iq_buf names = {0};

		if (!irq->nr)
			continue;
		text_names(x, irq, &names);
		iq_buf_printf(out, "%3u %-20s ", irq->irq, iq_buf_str(&names));
		iq_buf_free(&names);
		if (!irq->affinity || !iq_cpumask_text(s->kernel, irq->affinity, out))
			iq_buf_puts(out, "(unknown)");
		iq_buf_putc(out, '\n');
	}
}

static void text_counts(struct session *s, const struct irq_result *x, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);

	iq_buf_puts(out, "     ");
	for (unsigned int c = 0; c < nr; c++) {
		char name[16];

		if (!cpus[c].present || !cpu_chosen(&x->cpus, cpus[c].cpu))
			continue;
		snprintf(name, sizeof(name), "CPU%u", cpus[c].cpu);
		iq_buf_printf(out, "%10s ", name);
	}
	iq_buf_putc(out, '\n');
	for (unsigned int i = 0; i < x->irqs.nr; i++) {
		const struct iq_irq *irq = &x->irqs.irq[i];

		if (!irq->nr)
			continue;
		iq_buf_printf(out, "%3u: ", irq->irq);
		for (unsigned int c = 0; c < nr; c++) {
			uint32_t count;

			if (!cpus[c].present || !cpu_chosen(&x->cpus, cpus[c].cpu))
				continue;
			if (iq_irq_count(s->kernel, irq, cpus[c].cpu, &count))
				iq_buf_printf(out, "%10" PRIu32 " ", count);
			else
				iq_buf_printf(out, "%10s ", "?");
		}
		iq_buf_printf(out, " %s%s%-*s", irq->chip, *irq->flow ? "-" : "",
			      (int)(14 - IQ_MIN(strlen(irq->chip), 14)), irq->flow);
		iq_buf_puts(out, "  ");
		text_names(x, irq, out);
		iq_buf_putc(out, '\n');
	}
}

static void text_idt(struct session *s, const struct irq_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < IQ_IDT_VECTORS; i++) {
		char number[8], name[256];

		if (!x->idt[i])
			continue;
		snprintf(number, sizeof(number), "[%u]", i);
		iq_buf_printf(out, "%5s ", number);
		if (iq_symbol_format(s->kernel, x->idt[i], s->hex, true, name, sizeof(name)))
			iq_buf_add_escaped(out, name, strlen(name), false);
		else
			iq_buf_printf(out, "%016" PRIx64, x->idt[i]);
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct irq_result *x = r->data;

	switch (x->what) {
	case IRQ_LIST:
		text_list(x, out);
		break;
	case IRQ_IDT:
		text_idt(s, x, out);
		break;
	case IRQ_AFFINITY:
		text_affinity(s, x, out);
		break;
	case IRQ_COUNTS:
		text_counts(s, x, out);
		break;
	case IRQ_SOFT:
		iq_buf_puts(out, "SOFTIRQ_VEC      ACTION\n");
		for (unsigned int i = 0; i < x->nr_soft; i++) {
			if (!x->soft[i])
				continue;
			iq_buf_printf(out, "    [%u]%*s", i, i < 10 ? 5 : 4, "");
			text_function(s, x->soft[i], out);
			iq_buf_putc(out, '\n');
		}
		break;
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static json_t *json_irq(struct session *s, const struct irq_result *x, const struct iq_irq *irq)
{
	json_t *o = json_object(), *actions = json_array(), *counts = json_object();
	struct iq_buf mask = {0};
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);

	json_object_set_new(o, "irq", json_integer(irq->irq));
	json_object_set_new(o, "desc", json_address(irq->desc));
	for (unsigned int i = 0; i < irq->nr; i++) {
		const struct iq_irq_action *a = &x->irqs.action[irq->first + i];
		json_t *e = json_object();

		json_object_set_new(e, "action", json_address(a->address));
		json_object_set_new(e, "name", json_string(a->name));
		json_object_set_new(e, "handler", json_function(s, a->handler));
		json_object_set_new(e, "thread", json_function(s, a->thread_fn));
		json_array_append_new(actions, e);
	}
	json_object_set_new(o, "actions", actions);
	json_object_set_new(o, "chip", json_string(irq->chip));
	json_object_set_new(o, "flow", json_string(irq->flow));
	if (irq->affinity && iq_cpumask_text(s->kernel, irq->affinity, &mask))
		json_object_set_new(o, "affinity", json_string(iq_buf_str(&mask)));
	iq_buf_free(&mask);
	for (unsigned int c = 0; c < nr; c++) {
		uint32_t count;
		char cpu[16];

		if (!cpus[c].present || !cpu_chosen(&x->cpus, cpus[c].cpu))
			continue;
		snprintf(cpu, sizeof(cpu), "%u", cpus[c].cpu);
		json_object_set_new(counts, cpu,
				    iq_irq_count(s->kernel, irq, cpus[c].cpu, &count)
					    ? json_integer(count)
					    : json_null());
	}
	json_object_set_new(o, "counts", counts);
	return o;
}

static json_t *json_handlers(struct session *s, const uint64_t *handler, unsigned int nr)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		json_t *o;

		if (!handler[i])
			continue;
		o = json_object();
		json_object_set_new(o, "vector", json_integer(i));
		json_object_set_new(o, "address", json_address(handler[i]));
		json_object_set_new(o, "name", json_function(s, handler[i]));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct irq_result *x = r->data;
	json_t *o = json_object(), *list;

	if (x->what == IRQ_IDT || x->what == IRQ_SOFT) {
		json_object_set_new(o, x->what == IRQ_IDT ? "idt" : "softirqs",
				    x->what == IRQ_IDT ? json_handlers(s, x->idt, IQ_IDT_VECTORS)
						       : json_handlers(s, x->soft, x->nr_soft));
		return o;
	}
	list = json_array();
	for (unsigned int i = 0; i < x->irqs.nr; i++) {
		const struct iq_irq *irq = &x->irqs.irq[i];
		bool wanted = !x->number;

		for (unsigned int j = 0; j < x->nr; j++)
			wanted |= x->number[j] == irq->irq;
		if (wanted && (irq->nr || x->what == IRQ_LIST))
			json_array_append_new(list, json_irq(s, x, irq));
	}
	json_object_set_new(o, "limit", json_integer(x->irqs.limit));
	json_object_set_new(o, "irqs", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command --------------------------------------------------------------------------------- */

/* Which of -d -b -a -s the letter means; they exclude each other. */
static struct iq_error *set_what(struct irq_result *x, int option)
{
	if (x->what)
		return iq_error_new(IQ_E_USAGE, "-d, -b, -a and -s exclude each other");
	x->what = option == 'd'	  ? IRQ_IDT
		  : option == 'b' ? IRQ_SOFT
		  : option == 'a' ? IRQ_AFFINITY
				  : IRQ_COUNTS;
	return NULL;
}

static struct iq_error *parse(struct session *s, int argc, char **argv, struct irq_result *x)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "dbasuc:", &err)) != -1) {
		switch (option) {
		case '?':
			return err;
		case 'u':
			x->used = true;
			break;
		case 'c':
			IQ_TRY(choose_cpus(s, o.value, &x->cpus));
			break;
		default:
			IQ_TRY(set_what(x, option));
		}
	}
	if (o.index == argc)
		return NULL;
	if (x->what || x->used)
		return iq_error_new(IQ_E_USAGE, "an interrupt's number goes with no option");
	x->number = calloc((size_t)(argc - o.index), sizeof(*x->number));
	if (!x->number)
		return iq_error_nomem();
	for (; o.index < argc; o.index++) {
		uint64_t v;

		if (!iq_parse_u64(argv[o.index], &v) || v > UINT32_MAX)
			return iq_error_new(IQ_E_USAGE, "%s is no number of an interrupt",
					    argv[o.index]);
		x->number[x->nr++] = (unsigned int)v;
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct irq_result *x = data;
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(parse(s, argc, argv, x));
	if (x->what == IRQ_IDT)
		return iq_idt(k, x->idt);
	if (x->what == IRQ_SOFT) {
		x->nr_soft = iq_softirqs(k, x->soft, IQ_ARRAY_SIZE(x->soft));
		return x->nr_soft ? NULL
				  : iq_error_new(IQ_E_UNAVAILABLE,
						 "softirq_vec is not known in this kernel");
	}
	IQ_TRY(iq_irqs(k, &x->irqs));
	for (unsigned int i = 0; i < x->nr; i++) {
		if (!irq_numbered(x, x->number[i]) &&
		    (!x->irqs.limit || x->number[i] >= x->irqs.limit))
			return iq_error_new(IQ_E_NOT_FOUND,
					    "there is no interrupt %u: the last is %u",
					    x->number[i], x->irqs.limit ? x->irqs.limit - 1 : 0);
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct irq_result), fill, &ops, r);
}

const struct command cmd_irq = {
	.name = "irq",
	.summary = "interrupts, who handles them and how often they came",
	.help = "irq [NUMBER ... | -u]\n"
		"irq -d | -b | -a | -s [-c CPUS]\n"
		"\n"
		"Lists all interrupts: the struct irq_desc, and the struct irqaction and name of\n"
		"each handler.\n"
		"\n"
		"  -u         only those that have a descriptor\n"
		"  -d         the interrupt descriptor table (x86): vector and what it leads to\n"
		"  -b         soft interrupts (bottom halves): number and function\n"
		"  -a         the CPUs that each interrupt with a handler may go to\n"
		"  -s         how often each came, as /proc/interrupts counts them\n"
		"  -c CPUS    of -s: on these CPUs only: 1,3-5, or all\n"
		"\n"
		"With --json the handlers' functions are named as well.\n"
		"\n"
		"  inquest> irq 24 25\n"
		"  inquest> irq -s -c 0\n"
		"  inquest> irq -d | grep exc\n",
	.run = run,
	.no_context = true,
};
