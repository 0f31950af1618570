/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel virtual memory made in memory, for tests and fuzz targets of tables that are read
 * through an iq_vm: an ELF core without page tables, so that only the kernel image's linear
 * mapping translates.
 */
#ifndef VM_MEMORY_H
#define VM_MEMORY_H

#include <elf.h>
#include <inquest/arch.h>
#include <stdlib.h>

#define VM_PAGE 4096u
#define VM_BASE UINT64_C(0xffffffff80000000)

struct vm_memory {
	uint8_t *image, *bytes; /* bytes: what lies at VM_BASE */
	size_t size;
	struct iq_layout layout;
	struct iq_dump *dump;
	struct iq_reader *reader;
	struct iq_vm *vm;
};

/* SIZE bytes of zeros at VM_BASE, to be filled in before vm_memory_start(). */
static inline bool vm_memory_init(struct vm_memory *m, size_t size)
{
	*m = (struct vm_memory){.size = (size + VM_PAGE - 1) / VM_PAGE * VM_PAGE};
	m->image = calloc(1, VM_PAGE + m->size);
	if (!m->image)
		return false;
	m->bytes = m->image + VM_PAGE;
	return true;
}

static inline bool vm_memory_start(struct vm_memory *m)
{
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(e), .e_ehsize = sizeof(e), .e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr p = {
		.p_type = PT_LOAD, .p_offset = VM_PAGE, .p_filesz = m->size, .p_memsz = m->size,
	};
	struct iq_error *err;

	memcpy(m->image, &e, sizeof(e));
	memcpy(m->image + sizeof(e), &p, sizeof(p));
	m->layout = (struct iq_layout){
		.levels = 4, .text_base = VM_BASE, .text_end = VM_BASE + (UINT64_C(1) << 30),
	};
	err = iq_dump_open_memory(m->image, VM_PAGE + m->size, NULL, &m->dump);
	if (!err)
		err = iq_reader_open(m->dump, 0, &m->reader);
	if (!err)
		err = iq_vm_open(iq_arch_by_machine(EM_X86_64), &m->layout, m->reader, 0, &m->vm);
	if (err)
		fprintf(stderr, "%s\n", err->message);
	iq_error_free(err);
	return m->vm;
}

static inline void vm_memory_end(struct vm_memory *m)
{
	if (m->vm)
		iq_vm_close(m->vm);
	if (m->reader)
		iq_reader_close(m->reader);
	if (m->dump)
		iq_dump_close(m->dump);
	free(m->image);
	*m = (struct vm_memory){0};
}

#endif
