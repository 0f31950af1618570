// SPDX-License-Identifier: GPL-2.0-or-later
/* The sweep through lists that the kernel cannot do without, and the ends of the stacks. */
#include "sweep.h"
#include "value.h"

#include <inquest/task.h>
#include <inttypes.h>

#define NODES_MOST 200000u

/* Symbols that are a struct list_head each; those that a kernel does not have are passed over. */
static const char *const heads[] = {
	"modules",
	"super_blocks",
	"slab_caches",
	"net_namespace_list",
	"vmap_area_list",
	"workqueues",
	"bdi_list",
	"file_systems_list",
	"input_dev_list",
	"input_handler_list",
	"pci_root_buses",
	"clocksource_list",
	"clockevent_devices",
	"all_bdis",
	"cpufreq_policy_list",
	"kobj_ns_list",
	"shrinker_list",
	"ftrace_ops_list_head",
	"bpf_map_idr_list",
	"crypto_alg_list",
	"gendisk_list",
	"console_list_head",
	"cgroup_roots",
	"dpm_list",
	"wakeup_sources",
	"inetsw",
	"ptype_all",
	"pernet_list",
	"notifier_list",
	"tty_drivers",
	"usb_bus_list",
	"hidraw_list",
	"rtnl_link_ops_list",
	"all_mddevs",
	"loop_list",
	"nvme_subsystems",
	"acpi_wakeup_device_list",
	"syscore_ops_list",
};

struct walk {
	struct iq_case *c;
	struct iq_sweep *s;
	unsigned int nr;
};

static void broken(struct walk *w, const char *list, uint64_t node, uint64_t next, uint64_t back,
		   bool readable)
{
	struct iq_finding *f;
	struct iq_place p;
	struct iq_word word;
	bool poison;

	if (w->nr++ >= IQ_SWEEP_MOST)
		return;
	iq_place_of(w->c->k, next, &p);
	poison = iq_word_explain(next, 4096, &word) && !strncmp(word.id, "poison.", 7);
	f = iq_case_finding(w->c, "sweep.list", IQ_CLASS_LIST_CORRUPTION,
			    !readable			     ? IQ_CONFIDENCE_CERTAIN
			    : p.kind == IQ_PLACE_FREE_OBJECT ? IQ_CONFIDENCE_LIKELY
							     : IQ_CONFIDENCE_LIKELY,
			    readable ? "the list %s is broken behind its node 0x%" PRIx64
				       ": the next one does not lead back to it"
				     : "the list %s is broken behind its node 0x%" PRIx64
				       ": the next pointer leads to where nothing is",
			    list, node);
	iq_finding_evidence(w->c, f, IQ_SOURCE_MEMORY, node, iq_case_text(w->c, "0x%" PRIx64, next),
			    "next%s%s", poison ? ": " : "", poison ? word.text : "");
	if (readable)
		iq_finding_evidence(w->c, f, IQ_SOURCE_MEMORY, next,
				    iq_case_text(w->c, "0x%" PRIx64, back), "prev of the next one");
	iq_finding_evidence(w->c, f, IQ_SOURCE_MEMORY, next, NULL, "what it leads to: %s", p.text);
}

/*
 * A CPU that was stopped in the middle of list_add() has set next->prev, and the new node leads to both
 * neighbours already; in list_del() next->prev is set first, to what is before the one that goes.
 */
static bool half_done(struct iq_case *c, uint64_t node, uint64_t next, uint64_t back)
{
	uint64_t words[2];

	if (iq_vm_read(c->k->vm, back, words, sizeof(words), NULL) != IQ_MEM_OK)
		return false;
	return (words[0] == next && words[1] == node) || words[0] == node;
}

static bool nothing(uint64_t next, const struct iq_fault *f)
{
	(void)next;
	return f->why == IQ_MEM_UNMAPPED || f->why == IQ_MEM_ABSENT;
}

static void walk_list(struct walk *w, const char *name, uint64_t head)
{
	uint64_t node = head, words[2];
	struct iq_fault fault = {.why = IQ_MEM_OK};

	if (iq_vm_read(w->c->k->vm, head, words, sizeof(words), NULL) != IQ_MEM_OK || !words[0] ||
	    (words[0] & 7))
		return;
	for (unsigned int i = 0; i < NODES_MOST && !iq_cancelled(w->c->cancel); i++) {
		uint64_t next = words[0];

		if (iq_vm_read(w->c->k->vm, next, words, sizeof(words), &fault) != IQ_MEM_OK) {
			if (nothing(next, &fault))
				broken(w, name, node, next, 0, false);
			return;
		}
		w->s->nodes++;
		if (words[1] != node) {
			if (!half_done(w->c, node, next, words[1]))
				broken(w, name, node, next, words[1], true);
			return;
		}
		if (next == head)
			return;
		node = next;
	}
}

/* Is the symbol a list_head?  Its own two words lead to nodes that lead back to it. */
static bool looks_like_head(struct iq_case *c, uint64_t at)
{
	uint64_t words[2], first[2], last[2];
	struct iq_vm *vm = c->k->vm;

	if (iq_vm_read(vm, at, words, sizeof(words), NULL) != IQ_MEM_OK || !words[0] || !words[1])
		return false;
	return (iq_vm_read(vm, words[0], first, sizeof(first), NULL) == IQ_MEM_OK &&
		first[1] == at) ||
	       (iq_vm_read(vm, words[1], last, sizeof(last), NULL) == IQ_MEM_OK && last[0] == at);
}

static void task_lists(struct walk *w)
{
	const struct iq_task *tasks;
	uint64_t children, tasks_at;
	struct iq_error *err;
	unsigned int nr;

	err = iq_tasks(w->c->k, &tasks, &nr);
	if (err) {
		iq_error_free(err);
		return;
	}
	if (iq_kernel_offset(w->c->k, "task_struct", "tasks", &tasks_at, NULL) &&
	    iq_kernel_symbol(w->c->k, "init_task"))
		walk_list(w, "init_task.tasks", iq_kernel_symbol(w->c->k, "init_task") + tasks_at);
	if (!iq_kernel_offset(w->c->k, "task_struct", "children", &children, NULL))
		return;
	for (unsigned int i = 0; i < nr && !iq_cancelled(w->c->cancel); i++)
		if (tasks[i].leader)
			walk_list(w, iq_case_text(w->c, "children of pid %u", tasks[i].pid),
				  tasks[i].address + children);
}

struct iq_error *iq_sweep_lists(struct iq_case *c, struct iq_sweep *s)
{
	struct walk w = {.c = c, .s = s};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(heads); i++) {
		uint64_t at = iq_kernel_symbol(c->k, heads[i]);

		if (at && looks_like_head(c, at))
			walk_list(&w, heads[i], at);
	}
	task_lists(&w);
	return NULL;
}

/* ---- Stacks ------------------------------------------------------------------------------------------- */

#define STACK_END_MAGIC 0x57ac6e9du

struct iq_error *iq_sweep_stacks(struct iq_case *c, struct iq_sweep *s)
{
	uint64_t init = iq_kernel_symbol(c->k, "init_task"), magic, wrong = 0;
	const struct iq_task *tasks;
	struct iq_finding *f;
	unsigned int nr;

	IQ_TRY(iq_tasks(c->k, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		/* Zombies have given their stacks back; init_task's is laid out by the linker. */
		if (!tasks[i].stack || tasks[i].address == init || tasks[i].state >> 32 ||
		    iq_vm_read_uint(c->k->vm, tasks[i].stack, 8, &magic) != IQ_MEM_OK)
			continue;
		s->stacks++;
		if (magic == STACK_END_MAGIC || wrong++ >= IQ_SWEEP_MOST)
			continue;
		f = iq_case_finding(c, "sweep.stack", IQ_CLASS_STACK_OVERFLOW,
				    IQ_CONFIDENCE_CERTAIN,
				    "the end of the kernel stack of %s (pid %u) was overwritten",
				    tasks[i].comm, tasks[i].pid);
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, tasks[i].stack,
				    iq_case_text(c, "0x%" PRIx64, magic),
				    "the lowest word of the stack, which must be 0x57ac6e9d");
		f->refuted_by = "a kernel without STACK_END_MAGIC";
	}
	/* If none has it, this kernel has none. */
	if (wrong && wrong == s->stacks)
		for (unsigned int i = 0; i < c->analysis.nr_findings; i++)
			if (!strcmp(c->analysis.findings[i].id, "sweep.stack"))
				c->analysis.findings[i].confidence = IQ_CONFIDENCE_UNKNOWN;
	return NULL;
}
