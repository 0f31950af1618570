// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's code in memory against that of its vmlinux.  A running kernel changes its code in places that
 * its own tables name (alternatives, ftrace, static keys and calls, retpolines, locks): these are left out,
 * and so are addresses that KASLR has moved.  What differs apart from that is damage, or somebody's patch.
 */
#include "sweep.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MOST (64u << 20)
#define SECTIONS_MOST 4096u

struct file {
	const uint8_t *map;
	size_t size;
	const Elf64_Shdr *sections;
	unsigned int nr;
	const char *names;
	size_t names_len;
};

struct text {
	struct iq_case *c;
	struct iq_sweep *s;
	struct file file;
	uint64_t start, len; /* link address and size of .text */
	const uint8_t *code;
	uint8_t *mask; /* a bit a byte that may differ */
	int64_t delta;
	unsigned int nr;
};

static bool in_file(const struct file *f, uint64_t offset, uint64_t len)
{
	return offset <= f->size && len <= f->size - offset;
}

static const Elf64_Shdr *section(const struct file *f, const char *name)
{
	size_t len = strlen(name) + 1;

	for (unsigned int i = 0; i < f->nr; i++) {
		const Elf64_Shdr *s = &f->sections[i];

		if (s->sh_name < f->names_len && f->names_len - s->sh_name >= len &&
		    !memcmp(f->names + s->sh_name, name, len) && s->sh_type == SHT_PROGBITS &&
		    in_file(f, s->sh_offset, s->sh_size))
			return s;
	}
	return NULL;
}

static bool open_file(struct file *f, const char *path)
{
	const Elf64_Ehdr *h;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Shdr *names;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(*h)) {
		close(fd);
		return false;
	}
	f->size = (size_t)st.st_size;
	f->map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return false;
	}
	h = (const Elf64_Ehdr *)f->map;
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum > SECTIONS_MOST || h->e_shoff & 7 ||
	    !in_file(f, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)) ||
	    h->e_shstrndx >= h->e_shnum)
		return false;
	f->sections = (const Elf64_Shdr *)(f->map + h->e_shoff);
	f->nr = h->e_shnum;
	names = &f->sections[h->e_shstrndx];
	if (!in_file(f, names->sh_offset, names->sh_size))
		return false;
	f->names = (const char *)f->map + names->sh_offset;
	f->names_len = names->sh_size;
	return true;
}

/* LEN bytes at link address AT may differ. */
static void leave_out(struct text *t, uint64_t at, uint64_t len)
{
	for (uint64_t i = 0; i < len && at + i - t->start < t->len; i++)
		t->mask[(at + i - t->start) / 8] |= (uint8_t)(1u << (at + i - t->start) % 8);
}

static bool inside(const struct text *t, uint64_t at)
{
	return at - t->start < t->len;
}

/* A table whose entries of STRIDE bytes begin with a 32-bit offset from themselves to the site. */
static void sites(struct text *t, const char *name, unsigned int stride, unsigned int len)
{
	const Elf64_Shdr *s = section(&t->file, name);

	for (uint64_t at = 0; s && at + stride <= s->sh_size; at += stride) {
		int32_t offset = (int32_t)iq_le32(t->file.map + s->sh_offset + at);

		leave_out(t, s->sh_addr + at + (uint64_t)(int64_t)offset, len);
	}
}

/* struct alt_instr has had 12 to 14 bytes: the stride with which every entry leads to code. */
static void alternatives(struct text *t)
{
	const Elf64_Shdr *s = section(&t->file, ".altinstructions");
	const uint8_t *p = s ? t->file.map + s->sh_offset : NULL;

	for (unsigned int stride = 12; s && stride <= 14; stride++) {
		unsigned int good = 0, all = 0;

		for (uint64_t at = 0; at + stride <= s->sh_size; at += stride, all++)
			good += inside(t, s->sh_addr + at +
						  (uint64_t)(int64_t)(int32_t)iq_le32(p + at));
		if (good * 4 < all * 3)
			continue;
		for (uint64_t at = 0; at + stride <= s->sh_size; at += stride) {
			/* The lengths are the last but one byte, or before the padding of 13 bytes. */
			unsigned int len = p[at + (stride == 14 ? 12 : 10)];

			leave_out(t, s->sh_addr + at + (uint64_t)(int64_t)(int32_t)iq_le32(p + at),
				  len);
		}
		return;
	}
}

static void tables(struct text *t)
{
	static const struct {
		const char *name;
		unsigned int stride, len;
	} list[] = {
		{".smp_locks", 4, 1},	      {".retpoline_sites", 4, 8}, {".return_sites", 4, 8},
		{".call_sites", 4, 8},	      {".ibt_endbr_seal", 4, 4},  {"__jump_table", 16, 5},
		{".static_call_sites", 8, 8}, {".cfi_sites", 4, 16},
	};
	const Elf64_Shdr *s;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(list); i++)
		sites(t, list[i].name, list[i].stride, list[i].len);
	for (unsigned int i = 0; i < t->file.nr; i++) {
		s = &t->file.sections[i];
		if (s->sh_name < t->file.names_len &&
		    !strncmp(t->file.names + s->sh_name, "runtime_", 8))
			sites(t, t->file.names + s->sh_name, 4, 8);
	}
	alternatives(t);
	s = section(&t->file, ".parainstructions");
	for (uint64_t at = 0; s && at + 10 <= s->sh_size; at += 16) /* the last is not padded */
		leave_out(t, iq_le64(t->file.map + s->sh_offset + at),
			  t->file.map[s->sh_offset + at + 9]);
}

/* Sites of ftrace are sorted at boot, and kept in the data of the kernel: the symbols name their bounds. */
static void ftrace(struct text *t)
{
	uint64_t from = iq_kernel_symbol(t->c->k, "__start_mcount_loc");
	uint64_t to = iq_kernel_symbol(t->c->k, "__stop_mcount_loc");
	const uint8_t *p;

	/* The table itself may be gone with the init memory: that of the file is as good. */
	for (unsigned int i = 0; from && to > from && i < t->file.nr; i++) {
		const Elf64_Shdr *s = &t->file.sections[i];
		uint64_t link = from - (uint64_t)t->delta;

		if (s->sh_type != SHT_PROGBITS || link < s->sh_addr ||
		    link - s->sh_addr >= s->sh_size ||
		    to - from > s->sh_size - (link - s->sh_addr) ||
		    !in_file(&t->file, s->sh_offset, s->sh_size))
			continue;
		p = t->file.map + s->sh_offset + (link - s->sh_addr);
		for (uint64_t at = 0; at + 8 <= to - from; at += 8)
			leave_out(t, iq_le64(p + at), 5);
		return;
	}
}

/*
 * Tables that stay in memory, between two symbols: their sites are sorted at boot, by which the offsets change, so
 * that those of the dump count.
 */
static void live_sites(struct text *t, const char *start, const char *stop, unsigned int stride,
		       unsigned int len)
{
	uint64_t from = iq_kernel_symbol(t->c->k, start), to = iq_kernel_symbol(t->c->k, stop),
		 offset;

	if (!from || to <= from || to - from > 16u << 20)
		return;
	for (uint64_t at = from; at + stride <= to; at += stride)
		if (iq_vm_read_uint(t->c->k->vm, at, 4, &offset) == IQ_MEM_OK)
			leave_out(t, at + (uint64_t)(int64_t)(int32_t)offset - (uint64_t)t->delta,
				  len);
}

/* Trampolines of static calls and of BPF, and probes: code that is rewritten as a whole. */
static void trampolines(struct text *t)
{
	for (unsigned int i = 0, n = iq_symtab_count(t->c->k->symbols); i < n; i++) {
		struct iq_symbol s;

		if (!iq_symtab_at(t->c->k->symbols, i, &s) ||
		    !inside(t, s.address - (uint64_t)t->delta))
			continue;
		if (!strcmp(s.name, "ftrace_call") || !strcmp(s.name, "ftrace_regs_call") ||
		    !strcmp(s.name, "ftrace_graph_call") || !strncmp(s.name, "__SCT__", 7) ||
		    !strncmp(s.name, "bpf_dispatcher", 14) || strstr(s.name, "_thunk") ||
		    !strncmp(s.name, "int3_", 5) || !strncmp(s.name, "srso_", 5) ||
		    !strncmp(s.name, "retbleed_", 9) || !strncmp(s.name, "clear_bhb", 9))
			leave_out(t, s.address - (uint64_t)t->delta, IQ_MIN(s.size, (uint64_t)256));
	}
}

static bool masked(const struct text *t, uint64_t i)
{
	return t->mask[i / 8] >> i % 8 & 1;
}

/* Is the byte part of a 32-bit address that was moved by KASLR? */
static bool relocated(const struct text *t, const uint8_t *page, uint64_t at, uint64_t i, size_t n)
{
	for (uint64_t back = 0; back < 8; back++) {
		const uint8_t *file = t->code + at + i - back, *memory = page + i - back;

		if (back > i || i - back + 4 > n || at + i - back + 4 > t->len)
			continue;
		/* What leads from the code to per-CPU variables, which are not moved, shrinks by as much. */
		if (back < 4 && (iq_le32(file) + (uint32_t)t->delta == iq_le32(memory) ||
				 iq_le32(file) - (uint32_t)t->delta == iq_le32(memory)))
			return true;
		if (i - back + 8 <= n && at + i - back + 8 <= t->len &&
		    iq_le64(file) + (uint64_t)t->delta == iq_le64(memory))
			return true;
	}
	return false;
}

static void differs(struct text *t, uint64_t at, const uint8_t *memory, const uint8_t *file,
		    size_t len)
{
	uint64_t address = t->start + at + (uint64_t)t->delta;
	bool bit = len == 1 && __builtin_popcount(memory[0] ^ file[0]) == 1;
	struct iq_finding *f;
	char name[128] = "";

	if (t->nr++ >= IQ_SWEEP_MOST)
		return;
	if (!iq_symbol_format(t->c->k, address, true, false, name, sizeof(name)))
		snprintf(name, sizeof(name), "0x%" PRIx64, address);
	f = iq_case_finding(t->c, bit ? "sweep.text_flip" : "sweep.text",
			    bit ? IQ_CLASS_BIT_FLIP : IQ_CLASS_MEMORY_CORRUPTION,
			    bit ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    bit ? "one bit of the kernel's code is flipped at %s%.0zu"
				: "the kernel's code at %s differs from its vmlinux in %zu bytes",
			    name, len);
	iq_finding_evidence(t->c, f, IQ_SOURCE_CODE, address,
			    iq_case_text(t->c, "0x%02x", memory[0]),
			    "in memory; in the vmlinux 0x%02x", file[0]);
	f->refuted_by = "a patch of the running kernel (livepatch, kprobes, tracing) at this place";
}

#define EXTRA 8u /* bytes before and behind a page, for addresses that lie across its ends */

static void compare_page(struct text *t, uint64_t from, uint64_t to)
{
	uint64_t at = from >= EXTRA ? from - EXTRA : 0;
	size_t n = IQ_MIN(to + EXTRA, t->len) - at;
	uint8_t bytes[4096 + 2 * EXTRA];

	if (iq_vm_read(t->c->k->vm, t->start + at + (uint64_t)t->delta, bytes, n, NULL) !=
	    IQ_MEM_OK)
		return;
	t->s->text += to - from;
	for (uint64_t i = from - at; i < to - at; i++) {
		size_t len = 0;

		if (bytes[i] == t->code[at + i] || masked(t, at + i) ||
		    relocated(t, bytes, at, i, n))
			continue;
		while (i + len < n && len < 64 && bytes[i + len] != t->code[at + i + len])
			len++;
		differs(t, at + i, bytes + i, t->code + at + i, len);
		i += len;
	}
}

static void compare(struct text *t)
{
	for (uint64_t at = 0; at < t->len && !iq_cancelled(t->c->cancel); at += 4096)
		compare_page(t, at, IQ_MIN(at + 4096, t->len));
}

struct iq_error *iq_sweep_text(struct iq_case *c, struct iq_sweep *s)
{
	struct text t = {.c = c, .s = s, .delta = c->k->layout.kaslr_offset};
	const Elf64_Shdr *code = NULL;

	if (!c->k->vmlinux || !c->k->layout.kaslr_known)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "there is no vmlinux to compare the code with");
	if (open_file(&t.file, iq_debugfile_path(c->k->vmlinux)))
		code = section(&t.file, ".text");
	if (code && code->sh_size <= TEXT_MOST) {
		t.start = code->sh_addr;
		t.len = code->sh_size;
		t.code = t.file.map + code->sh_offset;
		t.mask = calloc(1, t.len / 8 + 1);
	}
	if (t.mask) {
		tables(&t);
		ftrace(&t);
		live_sites(&t, "__start___jump_table", "__stop___jump_table", 16, 5);
		live_sites(&t, "__start_static_call_sites", "__stop_static_call_sites", 8, 8);
		trampolines(&t);
		compare(&t);
	}
	free(t.mask);
	if (t.file.map)
		munmap((void *)(uintptr_t)t.file.map, t.file.size);
	return t.s->text ? NULL
			 : iq_error_new(IQ_E_UNAVAILABLE, "the vmlinux has no code to compare");
}
