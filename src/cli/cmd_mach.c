// SPDX-License-Identifier: GPL-2.0-or-later
/* mach: the machine and how the kernel laid out its memory. */
#include "internal.h"
#include "show.h"
#include "system.h"
#include <inquest/machine.h>
#include <inquest/timer.h>
#include <inttypes.h>
#include <stdlib.h>

struct mach_result {
	enum { MACH_MACHINE, MACH_MAP, MACH_CPUS } what;
	struct iq_system sys;
	struct iq_e820_entry *map; /* owned */
	unsigned int nr_map;
	const struct iq_type *cpuinfo;
	struct iq_format format;
	char hypervisor[48];
	uint64_t khz, stack_size;
	unsigned int hz;
};

static void free_result(void *data)
{
	struct mach_result *x = data;

	free(x->map);
	free(x);
}

/* ---- The machine --------------------------------------------------------------------------------- */

#define LABEL_WIDTH 22

static void label(const char *name, struct iq_buf *out)
{
	iq_buf_printf(out, "%*s: ", LABEL_WIDTH, name);
}

static void text_address(const char *name, uint64_t address, struct iq_buf *out)
{
	if (!address)
		return;
	label(name, out);
	iq_buf_printf(out, "%" PRIx64 "\n", address);
}

static void text_number(const char *name, uint64_t number, const char *unit, struct iq_buf *out)
{
	label(name, out);
	if (number)
		iq_buf_printf(out, "%" PRIu64 "%s\n", number, unit);
	else
		iq_buf_puts(out, "(unknown)\n");
}

static bool readable(struct session *s, uint64_t address)
{
	uint8_t byte;

	return !iq_vm_read(s->kernel->vm, address, &byte, 1, NULL);
}

/* The stacks of KIND on all CPUs, if this kernel has such stacks. */
static void text_stacks(struct session *s, enum iq_stack_kind kind, struct iq_buf *out)
{
	unsigned int nr, shown = 0;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);
	const char *name = iq_stack_kind_text(kind);
	char text[48];

	for (unsigned int i = 0; i < nr; i++) {
		struct iq_stack stack;

		if (!cpus[i].present || !iq_cpu_stack(s->kernel, cpus[i].cpu, kind, &stack))
			continue;
		if (!shown++) {
			snprintf(text, sizeof(text), "%s STACK SIZE", name);
			label(text, out);
			iq_buf_printf(out, "%" PRIu64 "\n", stack.end - stack.start);
			iq_buf_printf(out, "%*s STACKS:\n", LABEL_WIDTH - 7, name);
		}
		snprintf(text, sizeof(text), "CPU %u", cpus[i].cpu);
		label(text, out);
		iq_buf_printf(out, "%016" PRIx64 "%s\n", stack.start,
			      readable(s, stack.end - 1) ? "" : " [unavailable]");
	}
}

static void text_machine(struct session *s, const struct mach_result *x, struct iq_buf *out)
{
	static const enum iq_stack_kind kinds[] = {IQ_STACK_IRQ, IQ_STACK_DOUBLE_FAULT,
						   IQ_STACK_NMI, IQ_STACK_DEBUG,
						   IQ_STACK_MCE, IQ_STACK_VC};
	const struct iq_layout *l = &s->kernel->layout;

	label("MACHINE TYPE", out);
	iq_buf_add_escaped(out, x->sys.machine, strlen(x->sys.machine), false);
	iq_buf_putc(out, '\n');
	label("MEMORY SIZE", out);
	if (x->sys.memory)
		text_size(x->sys.memory, out);
	else
		iq_buf_puts(out, "(unknown)");
	iq_buf_putc(out, '\n');
	label("CPUS", out);
	iq_buf_printf(out, "%u", x->sys.cpus_present);
	if (x->sys.cpus_present > x->sys.cpus_online)
		iq_buf_printf(out, " [OFFLINE: %u]", x->sys.cpus_present - x->sys.cpus_online);
	iq_buf_putc(out, '\n');
	if (x->hypervisor[0]) {
		label("HYPERVISOR", out);
		iq_buf_add_escaped(out, x->hypervisor, strlen(x->hypervisor), false);
		iq_buf_putc(out, '\n');
	}
	text_number("PROCESSOR SPEED", x->khz / 1000, " Mhz", out);
	text_number("HZ", x->hz, "", out);
	text_number("PAGE SIZE", iq_dump_info(s->dump)->page_size, "", out);
	text_address("KERNEL VIRTUAL BASE", l->page_offset, out);
	text_address("KERNEL VMALLOC BASE", l->vmalloc_start, out);
	text_address("KERNEL VMEMMAP BASE", l->vmemmap_start, out);
	text_address("KERNEL START MAP", l->text_base, out);
	text_address("KERNEL MODULES BASE", l->modules_start, out);
	text_number("KERNEL STACK SIZE", x->stack_size, "", out);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(kinds); i++)
		text_stacks(s, kinds[i], out);
}

static json_t *json_machine(struct session *s, const struct mach_result *x)
{
	const struct iq_layout *l = &s->kernel->layout;
	json_t *o = json_object(), *stacks = json_array();
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);

	json_object_set_new(o, "machine", json_text(x->sys.machine, strlen(x->sys.machine)));
	json_object_set_new(o, "memory", json_integer((json_int_t)x->sys.memory));
	json_object_set_new(o, "cpus", json_integer(x->sys.cpus_present));
	json_object_set_new(o, "hypervisor",
			    x->hypervisor[0] ? json_string(x->hypervisor) : json_null());
	json_object_set_new(o, "khz", x->khz ? json_integer((json_int_t)x->khz) : json_null());
	json_object_set_new(o, "hz", x->hz ? json_integer(x->hz) : json_null());
	json_object_set_new(o, "page_size",
			    json_integer((json_int_t)iq_dump_info(s->dump)->page_size));
	json_object_set_new(o, "page_offset", json_address(l->page_offset));
	json_object_set_new(o, "vmalloc", json_address(l->vmalloc_start));
	json_object_set_new(o, "vmemmap", json_address(l->vmemmap_start));
	json_object_set_new(o, "text_base", json_address(l->text_base));
	json_object_set_new(o, "modules", json_address(l->modules_start));
	json_object_set_new(o, "stack_size", json_integer((json_int_t)x->stack_size));
	for (unsigned int i = 0; i < nr; i++) {
		for (int kind = IQ_STACK_IRQ; kind <= IQ_STACK_ENTRY; kind++) {
			struct iq_stack stack;
			json_t *e;

			if (!cpus[i].present ||
			    !iq_cpu_stack(s->kernel, cpus[i].cpu, (enum iq_stack_kind)kind, &stack))
				continue;
			e = json_object();
			json_object_set_new(e, "cpu", json_integer(cpus[i].cpu));
			json_object_set_new(
				e, "kind",
				json_string(iq_stack_kind_text((enum iq_stack_kind)kind)));
			json_object_set_new(e, "start", json_address(stack.start));
			json_object_set_new(e, "end", json_address(stack.end));
			json_array_append_new(stacks, e);
		}
	}
	json_object_set_new(o, "stacks", stacks);
	return o;
}

/* ---- The memory map ------------------------------------------------------------------------------ */

static void text_map(const struct mach_result *x, struct iq_buf *out)
{
	iq_buf_puts(out, "      PHYSICAL ADDRESS RANGE         TYPE\n");
	for (unsigned int i = 0; i < x->nr_map; i++) {
		const struct iq_e820_entry *e = &x->map[i];

		iq_buf_printf(out, "%016" PRIx64 " - %016" PRIx64 "  ", e->start, e->end);
		if (e->name)
			iq_buf_printf(out, "E820_%s\n", e->name);
		else
			iq_buf_printf(out, "type %" PRIu32 "\n", e->type);
	}
}

static json_t *json_map(const struct mach_result *x)
{
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr_map; i++) {
		const struct iq_e820_entry *e = &x->map[i];
		json_t *entry = json_object();

		json_object_set_new(entry, "start", json_address(e->start));
		json_object_set_new(entry, "end", json_address(e->end));
		json_object_set_new(entry, "type", json_integer(e->type));
		json_object_set_new(entry, "name", e->name ? json_string(e->name) : json_null());
		json_array_append_new(list, entry);
	}
	json_object_set_new(o, "e820", list);
	return o;
}

/* ---- CPUs ---------------------------------------------------------------------------------------- */

static void text_cpus(struct session *s, const struct mach_result *x, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		uint64_t at = iq_percpu_symbol(s->kernel, "cpu_info", cpus[i].cpu);

		if (!cpus[i].present || !at)
			continue;
		iq_buf_printf(out, "CPU %u:\nstruct cpuinfo_x86 ", cpus[i].cpu);
		iq_value_print(s->kernel, s->kernel->vm, x->cpuinfo, at, 0, 0, &x->format, out);
		iq_buf_puts(out, "\n\n");
	}
}

static json_t *json_cpus(struct session *s, const struct mach_result *x)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		uint64_t at = iq_percpu_symbol(s->kernel, "cpu_info", cpus[i].cpu);
		json_t *e;

		if (!cpus[i].present || !at)
			continue;
		e = json_object();
		json_object_set_new(e, "cpu", json_integer(cpus[i].cpu));
		json_object_set_new(e, "address", json_address(at));
		json_object_set_new(e, "cpuinfo", json_members(s->kernel->vm, x->cpuinfo, at));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "cpus", list);
	return o;
}

/* ---- The command --------------------------------------------------------------------------------- */

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct mach_result *x = r->data;

	if (x->what == MACH_MAP)
		text_map(x, out);
	else if (x->what == MACH_CPUS)
		text_cpus(s, x, out);
	else
		text_machine(s, x, out);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct mach_result *x = r->data;

	return x->what == MACH_MAP    ? json_map(x)
	       : x->what == MACH_CPUS ? json_cpus(s, x)
				      : json_machine(s, x);
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *fill_machine(struct session *s, struct mach_result *x)
{
	const struct iq_task *tasks;
	struct iq_error *err;
	unsigned int nr = 0;

	IQ_TRY(iq_kernel_system(s->kernel, &x->sys));
	if (!x->sys.machine[0])
		snprintf(x->sys.machine, sizeof(x->sys.machine), "%s", s->kernel->arch->name);
	if (!iq_kernel_variable(s->kernel, "cpu_khz", 4, &x->khz))
		x->khz = 0;
	x->hz = iq_kernel_hz(s->kernel);
	iq_hypervisor(s->kernel, x->hypervisor, sizeof(x->hypervisor));
	err = iq_tasks(s->kernel, &tasks, &nr);
	iq_error_free(err);
	x->stack_size = err || !nr ? 0 : tasks[0].stack_size;
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct mach_result *x = data;
	bool hex = false, decimal = false;
	struct iq_types *types;
	struct iq_error *err;
	struct iq_kernel *k;
	int option;

	IQ_TRY(need_kernel(s, &k));
	while ((option = next_option(&o, "mcxd", &err)) != -1) {
		switch (option) {
		case '?':
			return err;
		case 'x':
			hex = true;
			break;
		case 'd':
			decimal = true;
			break;
		default:
			if (x->what)
				return iq_error_new(IQ_E_USAGE, "-m and -c exclude each other");
			x->what = option == 'm' ? MACH_MAP : MACH_CPUS;
		}
	}
	if (o.index < argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]);
	if (hex && decimal)
		return iq_error_new(IQ_E_USAGE, "-x and -d exclude each other");
	x->format = session_format(s, hex, decimal);
	if (x->what == MACH_MAP)
		return iq_e820(k, &x->map, &x->nr_map);
	if (x->what == MACH_MACHINE)
		return fill_machine(s, x);
	IQ_TRY(iq_kernel_need_types(k, &types));
	x->cpuinfo = iq_type_by_name(types, "struct cpuinfo_x86");
	if (!x->cpuinfo || !iq_kernel_symbol(k, "cpu_info"))
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"this kernel has no struct cpuinfo_x86: only x86 machines have it");
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct mach_result), fill, &ops, r);
}

const struct command cmd_mach = {
	.name = "mach",
	.summary = "the machine: memory map, processors, stacks",
	.help = "mach [-m | -c [-x | -d]]\n"
		"\n"
		"Shows the machine and how the kernel laid out its memory: processors and their\n"
		"speed, ticks a second (HZ), where the areas of kernel memory begin, and the\n"
		"stacks for interrupts and exceptions of each CPU.\n"
		"\n"
		"  -m   the physical memory map that the firmware gave (x86)\n"
		"  -c   struct cpuinfo_x86 of each CPU\n"
		"  -x   numbers of -c in hexadecimal; -d: in decimal\n"
		"\n"
		"crash's -o shows the console log of ppc64's OPAL firmware; machines that can be "
		"read\n"
		"here have none.\n"
		"\n"
		"  inquest> mach -m\n"
		"  inquest> mach -c | grep microcode\n",
	.run = run,
	.no_context = true,
};
