/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of one MiB for the room stack: a few functions of machine code, their ORC rows (layout of 6.4,
 * arch/x86/include/asm/orc_types.h) and two kernel stacks in a dump in memory.  Its kernel is put
 * together by hand: no BTF, no kallsyms, no CPUs.
 */
#ifndef STACK_MACHINE_H
#define STACK_MACHINE_H

#include "../../src/kernel/private.h"
#include <elf.h>
#include <inquest/stack.h>
#include <stdlib.h>

#define PAGE 4096u
#define PAGES 256u
#define TEXT_BASE UINT64_C(0xffffffff80000000)
#define DIRECT UINT64_C(0xffff888000000000)
#define TEXT_AT 0x10000u /* physical */
#define TEXT_SIZE 0x4000u
#define IPS_AT 0x20000u
#define ROWS_AT 0x24000u
#define STACK_A 0x40000u
#define STACK_B 0x50000u
#define STACK_SIZE 0x4000u

/* Register numbers in ORC rows. */
enum {
	ORC_NONE,
	ORC_PREV_SP,
	ORC_DX,
	ORC_DI,
	ORC_BP,
	ORC_SP,
	ORC_R10,
	ORC_R13,
	ORC_BP_IND,
	ORC_SP_IND
};

struct machine {
	uint8_t *image; /* an ELF core: headers in the first page, then the memory */
	uint64_t at; /* where code is put next: physical */
	unsigned int nr_rows;
	struct iq_kernel k;
	struct iq_kernel_private priv;
	struct iq_task tasks[2];
	struct task_stack stacks[2];
	struct iq_warnings warnings;
};

static inline uint8_t *memory(struct machine *m, uint64_t pa)
{
	return m->image + PAGE + pa;
}

static inline void put(struct machine *m, uint64_t pa, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		memory(m, pa)[i] = (uint8_t)(value >> 8 * i);
}

/* A word on a stack, by virtual address. */
static inline void poke(struct machine *m, uint64_t va, uint64_t value)
{
	put(m, va - DIRECT, value, 8);
}

static inline uint64_t here(const struct machine *m)
{
	return TEXT_BASE + m->at;
}

static inline void code(struct machine *m, const char *bytes, size_t len)
{
	memcpy(memory(m, m->at), bytes, len);
	m->at += len;
}
#define CODE(m, bytes) code(m, bytes, sizeof(bytes) - 1)

/* call TARGET; returns the return address. */
static inline uint64_t call(struct machine *m, uint64_t target)
{
	uint64_t next = here(m) + 5;

	CODE(m, "\xe8");
	put(m, m->at, target - next, 4);
	m->at += 4;
	return next;
}

static inline void orc_row(struct machine *m, int sp, int sp_offset, int bp, int bp_offset,
			   int type, int sig)
{
	uint64_t ip = IPS_AT + 4 * m->nr_rows, row = ROWS_AT + 6 * m->nr_rows;

	m->nr_rows++;
	put(m, ip, here(m) - (TEXT_BASE + ip), 4);
	put(m, row, (uint64_t)(int64_t)sp_offset, 2);
	put(m, row + 2, (uint64_t)(int64_t)bp_offset, 2);
	put(m, row + 4, (uint64_t)(sp | bp << 4 | type << 8 | sig << 11), 2);
}
#define UNDEFINED(m) orc_row(m, 0, 0, 0, 0, 0, 0)
#define ORC_END(m) orc_row(m, 0, 0, 0, 0, 1, 0)
#define BY_SP(m, offset) orc_row(m, ORC_SP, offset, ORC_NONE, 0, 2, 0)
#define BY_SP_BP(m, offset, bp) orc_row(m, ORC_SP, offset, ORC_PREV_SP, bp, 2, 0)
#define BY_BP(m, offset, bp) orc_row(m, ORC_BP, offset, ORC_PREV_SP, bp, 2, 0)
#define BY_LINK(m, offset) orc_row(m, ORC_SP_IND, offset, ORC_NONE, 0, 2, 0)
#define REGS(m) orc_row(m, ORC_SP, 0, ORC_NONE, 0, 3, 1)
#define IRET_REGS(m) orc_row(m, ORC_SP, 0, ORC_NONE, 0, 4, 1)

/* Begin a function at the next multiple of 16, behind int3s; its symbol is added. */
static inline uint64_t function(struct machine *m, const char *name)
{
	while (m->at % 16)
		CODE(m, "\xcc");
	if (iq_symtab_add(m->k.symbols, name, here(m), 0, 'T'))
		abort();
	return here(m);
}

static inline void machine_init(struct machine *m)
{
	memset(m, 0, sizeof(*m));
	m->image = calloc(PAGES + 1, PAGE);
	m->at = TEXT_AT;
	if (!m->image || iq_symtab_new(NULL, &m->k.symbols))
		abort();
}

/* Code, rows and stacks are there: make a kernel of them. */
static inline void machine_start(struct machine *m)
{
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(e),
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr p = {
		.p_type = PT_LOAD,
		.p_offset = PAGE,
		.p_filesz = PAGES * PAGE,
		.p_memsz = PAGES * PAGE,
	};
	struct iq_kernel *k = &m->k;

	memcpy(m->image, &e, sizeof(e));
	memcpy(m->image + sizeof(e), &p, sizeof(p));
	k->arch = iq_arch_by_machine(EM_X86_64);
	k->layout = (struct iq_layout){
		.levels = 4,
		.text_base = TEXT_BASE,
		.text_end = TEXT_BASE + 0x40000000,
		.page_offset = DIRECT,
		.page_offset_end = DIRECT + PAGES * PAGE,
	};
	k->stext = TEXT_BASE + TEXT_AT;
	k->etext = k->stext + TEXT_SIZE;
	k->warnings = &m->warnings;
	k->priv = &m->priv;
	if (iq_symtab_seal(k->symbols, k->etext) ||
	    iq_dump_open_memory(m->image, (PAGES + 1) * PAGE, NULL, &k->dump) ||
	    iq_reader_open(k->dump, 0, &k->reader) ||
	    iq_vm_open(k->arch, &k->layout, k->reader, 0, &k->vm) ||
	    iq_orc_open(k->vm, IQ_ORC_V3, false, TEXT_BASE + IPS_AT, TEXT_BASE + ROWS_AT,
			m->nr_rows, &m->priv.orc))
		abort();
	for (unsigned int i = 0; i < 2; i++) {
		m->tasks[i] = (struct iq_task){.address = DIRECT + 0x8000 + 0x1000 * i,
					       .pid = i + 1,
					       .stack = DIRECT + (i ? STACK_B : STACK_A),
					       .stack_size = STACK_SIZE,
					       .mm = 1};
		m->stacks[i] = (struct task_stack){m->tasks[i].stack, &m->tasks[i]};
	}
	m->priv.types_state = LAZY_FAILED;
	m->priv.modules_state = LAZY_DONE; /* none */
	m->priv.cpus_state = m->priv.tasks_state = m->priv.orc_state = LAZY_DONE;
	m->priv.tasks = m->tasks;
	m->priv.nr_tasks = 2;
	m->priv.task_stacks = m->stacks;
	m->priv.nr_task_stacks = 2;
	m->priv.thread_size = STACK_SIZE;
}

static inline void machine_free(struct machine *m)
{
	if (m->k.stack_memory)
		m->k.stack_memory_free(m->k.stack_memory);
	free(m->priv.probes);
	iq_types_close(m->priv.types);
	iq_orc_close(m->priv.orc);
	iq_vm_close(m->k.vm);
	iq_reader_close(m->k.reader);
	iq_dump_close(m->k.dump);
	iq_symtab_close(m->k.symbols);
	iq_warnings_clear(&m->warnings);
	free(m->image);
}

#endif
