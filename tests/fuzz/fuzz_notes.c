// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Notes and VMCOREINFO: the input is the notes of an ELF core with one page of memory; then it is VMCOREINFO's text itself;
 * what registers and values are made of it.
 */
#include <elf.h>
#include <inquest/arch.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGE 4096u

static void use_notes(const struct iq_dump *d)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	const struct iq_arch *a = iq_arch_by_machine(EM_X86_64);

	for (unsigned int i = 0; i < info->nr_notes; i++) {
		struct iq_regs regs = {0};
		uint32_t pid;
		uint64_t idt;

		a->prstatus_regs(&info->notes[i], &regs, &pid);
		a->qemu_regs(&info->notes[i], &regs, &idt);
		if (regs.valid >> a->nr_regs)
			__builtin_trap();
	}
}

static void use_text(const char *text, size_t len)
{
	static const char *const keys[] = {"OSRELEASE", "PAGESIZE", "SYMBOL(_stext)", "SIZE(page)", "OFFSET(page.flags)",
					   "NUMBER(phys_base)", "KERNELOFFSET", "LENGTH(zone.free_area)", "BUILD-ID", ""};
	uint64_t hex;
	int64_t dec;
	char value[24];

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(keys); i++) {
		if (iq_vmcoreinfo_get(text, len, keys[i], value, sizeof(value)) && strlen(value) >= sizeof(value))
			__builtin_trap();
		iq_vmcoreinfo_hex(text, len, keys[i], &hex);
		iq_vmcoreinfo_dec(text, len, keys[i], &dec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Elf64_Phdr p[2] = {{.p_type = PT_NOTE, .p_offset = PAGE, .p_filesz = size},
			   {.p_type = PT_LOAD, .p_offset = 0, .p_filesz = PAGE, .p_memsz = PAGE}};
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(e), .e_ehsize = sizeof(e), .e_phentsize = sizeof(*p), .e_phnum = 2,
	};
	struct iq_warnings w = {0};
	uint8_t *file = calloc(1, PAGE + size);
	struct iq_error *err;
	struct iq_dump *d;

	if (!file)
		return 0;
	memcpy(file, &e, sizeof(e));
	memcpy(file + sizeof(e), p, sizeof(p));
	if (size)
		memcpy(file + PAGE, data, size);
	err = iq_dump_open_memory(file, PAGE + size, &w, &d);
	if (!err) {
		const struct iq_dump_info *info = iq_dump_info(d);

		use_notes(d);
		if (info->vmcoreinfo)
			use_text(info->vmcoreinfo, info->vmcoreinfo_len);
		iq_dump_close(d);
	}
	iq_error_free(err);
	iq_warnings_clear(&w);
	free(file);
	use_text((const char *)data, size);
	return 0;
}
