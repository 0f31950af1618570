// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stack-functions DUMP [-v]: follows the code of every function of the kernel and its modules and compares, at
 * each instruction that has an ORC row for a call, the CFA that follows from the code alone with the one that
 * objtool wrote into the row.  ORC is not asked otherwise.  Prints "WHERE rows stated equal patched functions
 * unread": WHERE is "kernel" or a module, unread functions are those that could not be followed at all; with
 * -v also what differs ("differs ADDRESS NAME+OFFSET code ORC") and what is not stated ("unknown …").
 *
 * With a vmlinux (stack-functions DUMP VMLINUX [-v]) the callee-saved registers are compared as well, with .debug_frame:
 * at each call, where the caller's rbx, rbp, r12 - r15 are.  A line "saved" then has the number of registers
 * asked about, known by the code, and equal ("moved ADDRESS …" with -v where they are not).
 *
 * Patched are rows that the live code proves wrong: kernels up to 5.11 patch calls of pv_ops into
 * "pushf; pop %rax", and the row of the call goes on behind the push, where the stack is 8 bytes deeper.
 */
#include "../../src/stack/unwind.h"
#include <inquest/cfi.h>
#include <inttypes.h>

struct counts {
	uint64_t rows, stated, equal, patched, functions, unknown_functions;
};

struct walk {
	struct iq_kernel *k;
	struct unwinder u;
	struct functions functions;
	bool verbose;
	struct counts c;
	struct iq_debugfile *file; /* NULL: none */
	uint64_t asked, known, agree; /* registers at calls */
};

/* Any address will do: nothing is read. */
#define SOME_STACK UINT64_C(0xffff800000100000)

/* The callee-saved registers at the call INSN, by the code and by .debug_frame. */
static void compare_saved(struct walk *w, const struct function *fn, const struct iq_symbol *s,
			  uint64_t address)
{
	struct iq_frame f = {.sp = SOME_STACK};
	struct iq_cfi_row row;
	struct depth d;
	uint64_t cfa, at;

	if (!w->file || !fn || !function_depth(fn, address, &d) || d.sp == DEPTH_UNKNOWN ||
	    !iq_debugfile_cfi(w->file, address, &row) || row.cfa.how != IQ_CFI_REGISTER)
		return;
	cfa = f.sp + (uint64_t)d.sp;
	for (unsigned int r = 0; r <= w->u.arch->reg_pc; r++) {
		const struct iq_cfi_rule *rule = &row.reg[r];
		enum saved code;
		bool same;

		if (!(w->u.arch->callee_saved >> r & 1))
			continue;
		w->asked++;
		code = find_saved(w->u.arch, &d, &f, cfa, r, &at);
		if (code == SAVED_UNKNOWN)
			continue;
		w->known++;
		/* Given back already, and still in its word: both are right. */
		if (code == SAVED_ON_STACK && rule->how != IQ_CFI_OFFSET &&
		    d.intact >> kept_index(w->u.arch, (int)r) & 1)
			code = SAVED_NOT;
		same = code == SAVED_NOT
			       ? rule->how == IQ_CFI_SAME || rule->how == IQ_CFI_UNSPECIFIED
			       : rule->how == IQ_CFI_OFFSET && at == cfa + (uint64_t)rule->offset;
		w->agree += same;
		if (!same && w->verbose)
			printf("moved %" PRIx64 " %s+%" PRIu64 " %s code %d at %" PRId64
			       " cfi %d at %" PRId64 "\n",
			       address, s->name, address - s->address, w->u.arch->reg_names[r],
			       (int)code, code == SAVED_ON_STACK ? (int64_t)(at - cfa) : 0,
			       (int)rule->how, rule->offset);
	}
}

/* The offset that the code states for what ROW's CFA hangs on; false: none. */
static bool states(const struct walk *w, const struct depth *d, const struct iq_orc_row *row,
		   int *code)
{
	int sp = (int)w->u.arch->reg_sp, fp = (int)w->u.arch->reg_fp;

	if (row->sp_deref) {
		*code = row->sp_reg == sp ? d->link : d->at;
		return row->sp_reg == sp ? d->link != DEPTH_UNKNOWN && d->linker < 0 : d->at != 0;
	}
	if (row->sp_reg != sp && row->sp_reg != fp) {
		*code = 0;
		return d->holder == row->sp_reg;
	}
	*code = row->sp_reg == sp ? d->sp : d->fp;
	return *code != DEPTH_UNKNOWN;
}

static void show(const struct walk *w, const char *what, const struct iq_symbol *s,
		 uint64_t address, const struct iq_orc_row *row, int code)
{
	if (w->verbose)
		printf("%s %" PRIx64 " %s+%" PRIu64 " %d %s%s%+d\n", what, address, s->name,
		       address - s->address, code, row->sp_deref ? "*" : "",
		       row->sp_reg < 0 ? "-" : w->u.arch->reg_names[row->sp_reg], row->sp_offset);
}

static void compare(struct walk *w, const struct function *fn, const struct iq_symbol *s,
		    uint64_t address, bool after_push)
{
	struct iq_orc_row row;
	struct depth d;
	int code = DEPTH_UNKNOWN;

	if (!iq_kernel_orc(w->k, address, &row) || row.type != IQ_ORC_CALL)
		return;
	w->c.rows++;
	if (!fn || !function_depth(fn, address, &d) || !states(w, &d, &row, &code)) {
		show(w, fn && fn->known ? "unknown" : "unread", s, address, &row, -1);
		return;
	}
	w->c.stated++;
	if (code == row.sp_offset)
		w->c.equal++;
	else if (after_push && code == row.sp_offset + 8 && row.start < address)
		w->c.patched++;
	else
		show(w, "differs", s, address, &row, code);
}

static void walk_function(struct walk *w, const struct iq_symbol *s)
{
	const struct function *fn;
	struct iq_insn insn;
	uint8_t code[16];
	bool padding = false, ends_flow = false, after_push = false;

	functions_forget(&w->functions);
	w->functions.alone = true;
	fn = function_of(&w->u, s);
	w->c.functions++;
	w->c.unknown_functions += !fn || !fn->known;
	for (uint64_t at = s->address; at < s->address + s->size;) {
		size_t len = IQ_MIN(sizeof(code), s->address + s->size - at);

		if (iq_vm_read(w->k->vm, at, code, len, NULL) ||
		    !iq_insn_decode(w->u.arch, code, len, at, &insn))
			return;
		/* Behind a return that was patched in place of a longer jump int3 follows: not code. */
		padding = (padding || ends_flow) && !strcmp(insn.mnemonic, "int3");
		ends_flow = insn.flow == IQ_FLOW_RETURN || insn.flow == IQ_FLOW_JUMP;
		if (!padding)
			compare(w, fn, s, at, after_push);
		if (insn.flow == IQ_FLOW_CALL)
			compare_saved(w, fn, s, at);
		after_push = !strncmp(insn.mnemonic, "push", 4);
		at += insn.length;
	}
}

static void walk_symbols(struct walk *w, struct iq_symtab *t, const char *where)
{
	uint64_t done = 0;

	memset(&w->c, 0, sizeof(w->c));
	for (unsigned int i = 0; t && i < iq_symtab_count(t); i++) {
		struct iq_symbol s, real;

		/* Of several names of one address the kernel's choice. */
		if (!iq_symtab_at(t, i, &s) || !iq_is_text(w->k, s.address) || s.address == done ||
		    !iq_symbol_at(w->k, s.address, &real))
			continue;
		done = s.address;
		walk_function(w, &real);
	}
	if (w->c.rows)
		printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		       "\n",
		       where, w->c.rows, w->c.stated, w->c.equal, w->c.patched, w->c.functions,
		       w->c.unknown_functions);
}

static struct iq_error *walk_all(struct iq_kernel *k, struct iq_debugfile *file, bool verbose)
{
	struct walk w = {.k = k, .verbose = verbose, .file = file};
	struct iq_task none = {0};
	struct iq_module *const *modules;
	unsigned int nr;

	unwinder_init(&w.u, k, &none, &w.functions);
	walk_symbols(&w, k->symbols, "kernel");
	IQ_TRY(iq_modules(k, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++)
		walk_symbols(&w, iq_module_symbols(k, modules[i]), modules[i]->name);
	functions_free(&w.functions);
	if (file)
		printf("saved %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", w.asked, w.known, w.agree);
	return NULL;
}

int main(int argc, char **argv)
{
	struct iq_debugfile *file = NULL;
	struct iq_kernel_options options = {0};
	struct iq_dump *d = NULL;
	struct iq_kernel *k = NULL;
	struct iq_error *err;
	bool verbose = argc > 2 && !strcmp(argv[argc - 1], "-v");

	if (argc - verbose < 2 || argc - verbose > 3)
		return 2;
	err = iq_dump_open(argv[1], NULL, &d);
	if (!err && argc - verbose == 3) {
		err = iq_debugfile_open(argv[2], &file);
		options.vmlinux = file;
	}
	if (!err)
		err = iq_kernel_open(d, &options, NULL, &k);
	if (!err)
		err = walk_all(k, file, verbose);
	if (err)
		fprintf(stderr, "%s\n", err->message);
	iq_error_free(err);
	iq_kernel_close(k);
	iq_debugfile_close(file);
	iq_dump_close(d);
	return err != NULL;
}
