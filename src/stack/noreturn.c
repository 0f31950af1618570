// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Behind which instructions the code does not go on: calls of functions that do not return, and the ud2
 * of BUG().  That of WARN() is stepped over: the kernel's own table of them (struct bug_entry,
 * include/asm-generic/bug.h) tells one from the other.
 */
#include "function.h"

/* Entries of the table that are believed. */
#define BUGS_MAX (1 << 18)
#define BUGFLAG_WARNING 1

/* In iq_map values may not be NULL. */
static char returns, does_not_return, is_warning, is_bug;

/* As __noreturn in the kernel's headers; objtool keeps the same list (tools/objtool/noreturns.h). */
static bool is_noreturn_name(const char *name)
{
	static const char *const names[] = {
		"__fortify_panic",
		"__fortify_report_panic",
		"__invalid_creds",
		"__module_put_and_kthread_exit",
		"__module_put_and_exit",
		"__stack_chk_fail",
		"__ubsan_handle_builtin_unreachable",
		"acpi_processor_ffh_play_dead",
		"arch_call_rest_init",
		"arch_cpu_idle_dead",
		"bust_spinlocks_panic",
		"complete_and_exit",
		"cpu_bringup_and_idle",
		"cpu_startup_entry",
		"do_exit",
		"do_group_exit",
		"do_task_dead",
		"ex_handler_msr_mce",
		"fortify_panic",
		"handle_stack_overflow",
		"hlt_play_dead",
		"hv_ghcb_terminate",
		"kthread_complete_and_exit",
		"kthread_exit",
		"lbug_with_loc",
		"machine_real_restart",
		"make_task_dead",
		"mce_panic",
		"mpt_halt_firmware",
		"nmi_panic_self_stop",
		"panic",
		"panic_smp_self_stop",
		"play_dead_common",
		"prepare_reboot_hlt",
		"rest_init",
		"rewind_stack_and_make_dead",
		"rewind_stack_do_exit",
		"sev_es_terminate",
		"smp_stop_nmi_noreturn",
		"snp_abort",
		"start_kernel",
		"stop_this_cpu",
		"usercopy_abort",
		"vpanic",
		"x86_64_start_kernel",
		"x86_64_start_reservations",
		"xen_cpu_bringup_again",
		"xen_start_kernel",
		"df_panic",
		"mwait_play_dead",
		"native_play_dead_forever",
		"kunit_try_catch_throw",
		"j1939_nop_noreturn",
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool call_never_returns(struct unwinder *u, uint64_t target)
{
	struct functions *all = u->functions;
	void *known = iq_map_get(&all->noreturn, target);
	struct iq_symbol s;
	bool dead;

	if (known)
		return known == &does_not_return;
	dead = iq_symbol_at(u->k, target, &s) && s.address == target && is_noreturn_name(s.name);
	if (!iq_map_put(&all->noreturn, target, dead ? &does_not_return : &returns))
		return dead;
	return dead;
}

/* ---- BUG() or WARN() ----------------------------------------------------------------------------- */

struct bug_layout {
	uint64_t size, address, flags, address_size, flags_size;
	bool relative;
};

static bool bug_layout(struct iq_kernel *k, struct bug_layout *l)
{
	struct iq_types *types = iq_kernel_types(k);
	const struct iq_type *t = types ? iq_type_by_name(types, "struct bug_entry") : NULL;

	/* x86 with CONFIG_DEBUG_BUGVERBOSE. */
	*l = (struct bug_layout){12, 0, 10, 4, 2, true};
	if (!t)
		return types == NULL;
	l->size = t->size;
	l->relative = iq_offset(types, "bug_entry", "bug_addr_disp", &l->address, &l->address_size);
	if (!l->relative &&
	    !iq_offset(types, "bug_entry", "bug_addr", &l->address, &l->address_size))
		return false;
	return iq_offset(types, "bug_entry", "flags", &l->flags, &l->flags_size) && l->size &&
	       l->size <= 64 && l->address + l->address_size <= l->size &&
	       l->flags + l->flags_size <= l->size &&
	       (l->address_size == 4 || l->address_size == 8) &&
	       (l->flags_size == 2 || l->flags_size == 4);
}

static void add_bug(struct functions *all, const struct bug_layout *l, const uint8_t *entry,
		    uint64_t at)
{
	uint64_t address = iq_le(entry + l->address, l->address_size);
	uint64_t flags = iq_le(entry + l->flags, l->flags_size);

	if (l->relative)
		address = at + l->address + (uint64_t)(int64_t)(int32_t)address;
	if (!iq_map_put(&all->bugs, address, flags & BUGFLAG_WARNING ? &is_warning : &is_bug))
		return;
}

static void read_bugs(struct unwinder *u, const struct bug_layout *l, uint64_t start, uint64_t nr)
{
	uint8_t chunk[4096];
	uint64_t at_once = sizeof(chunk) / l->size;

	for (uint64_t i = 0; i < nr && i < BUGS_MAX; i += at_once) {
		uint64_t n = IQ_MIN(at_once, nr - i), at = start + i * l->size;

		if (iq_vm_read(u->k->vm, at, chunk, n * l->size, NULL))
			return;
		for (uint64_t k = 0; k < n; k++)
			add_bug(u->functions, l, chunk + k * l->size, at + k * l->size);
	}
}

/* The tables of kernel and modules, once. */
static void read_all_bugs(struct unwinder *u)
{
	uint64_t start = iq_kernel_symbol(u->k, "__start___bug_table");
	uint64_t stop = iq_kernel_symbol(u->k, "__stop___bug_table");
	struct iq_types *types = iq_kernel_types(u->k);
	struct iq_module *const *modules;
	uint64_t table, number, number_size, address, nr = 0;
	struct iq_error *err;
	struct bug_layout l;
	unsigned int nr_modules;

	u->functions->bugs_read = true;
	if (!bug_layout(u->k, &l))
		return;
	if (start && stop > start)
		read_bugs(u, &l, start, (stop - start) / l.size);
	if (!types || !iq_offset(types, "module", "bug_table", &table, NULL) ||
	    !iq_offset(types, "module", "num_bugs", &number, &number_size) || number_size > 8)
		return;
	err = iq_modules(u->k, &modules, &nr_modules);
	for (unsigned int i = 0; !err && i < nr_modules; i++)
		if (!iq_vm_read_uint(u->k->vm, modules[i]->address + table, 8, &address) &&
		    !iq_vm_read_uint(u->k->vm, modules[i]->address + number,
				     (unsigned int)number_size, &nr) &&
		    address)
			read_bugs(u, &l, address, IQ_MIN(nr, BUGS_MAX));
	iq_error_free(err);
}

bool never_returns(struct unwinder *u, const struct iq_insn *insn)
{
	if (insn->flow != IQ_FLOW_TRAP)
		return insn->has_target && call_never_returns(u, insn->target);
	/* int3 is padding, or a probe over unknown code. */
	if (strncmp(insn->mnemonic, "ud", 2))
		return strcmp(insn->mnemonic, "hlt") != 0;
	if (!u->functions->bugs_read)
		read_all_bugs(u);
	/* Not in the table: that of an unreachable place. */
	return !u->functions->bugs.nr
		       ? false
		       : iq_map_get(&u->functions->bugs, insn->address) != &is_warning;
}
