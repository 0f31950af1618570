/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bundled demo dump, unpacked once into an ELF core in memory, of which a fuzz target overwrites words.
 * Which pages a command reads is found out by taking them all away: so that each word of an input
 * damages something that is looked at.
 */
#ifndef DEMO_MEMORY_H
#define DEMO_MEMORY_H

#include "../../src/cli/internal.h"
#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#define DEMO_PAGE 4096u
#define DEMO_RUNS 4096u
#define HOT_MAX 4096u

struct demo {
	uint8_t *image; /* the file, page aligned */
	size_t size, data_at; /* data_at: of the first page of memory */
};

/* First pages that a command touched, in this order, as numbers of pages of the image. */
struct hot {
	uint32_t page[HOT_MAX];
	unsigned int nr;
};

static struct demo demo;
static struct hot *recording;

static inline void demo_die(const char *why)
{
	fprintf(stderr, "the demo dump cannot be used: %s\n", why);
	exit(1);
}

/* The notes as an ELF file has them; the bytes needed. */
static inline size_t demo_notes(const struct iq_dump_info *info, uint8_t *to)
{
	size_t at = 0;

	for (unsigned int i = 0; i < info->nr_notes; i++) {
		const struct iq_note *n = &info->notes[i];
		Elf64_Nhdr h = {(uint32_t)strlen(n->name) + 1, n->size, n->type};
		size_t name = (h.n_namesz + 3u) & ~3u;

		if (to) {
			memcpy(to + at, &h, sizeof(h));
			memcpy(to + at + sizeof(h), n->name, h.n_namesz);
			memcpy(to + at + sizeof(h) + name, n->data, n->size);
		}
		at += sizeof(h) + name + ((n->size + 3u) & ~3u);
	}
	return at;
}

/* Unpack the dump in PATH. */
static inline void demo_load(const char *path)
{
	static Elf64_Phdr p[DEMO_RUNS];
	struct iq_dump *d;
	struct iq_reader *r;
	const struct iq_dump_info *info;
	uint64_t pages = 0, last = UINT64_MAX - 1;
	unsigned int runs = 1;
	const uint8_t *page;
	size_t notes, at;

	/* The same input is to do the same, and pages are given back to one thread at a time. */
	setenv("INQUEST_THREADS", "1", 1);
	if (iq_dump_open(path, NULL, &d) || iq_reader_open(d, 0, &r))
		demo_die(path);
	info = iq_dump_info(d);
	notes = demo_notes(info, NULL);
	for (uint64_t pfn = 0; pfn < info->max_pfn; pfn++) {
		if (iq_page_state(r, pfn))
			continue;
		if (pfn != last + 1 && runs == DEMO_RUNS)
			break;
		if (pfn != last + 1)
			p[runs++] = (Elf64_Phdr){.p_type = PT_LOAD,
						 .p_paddr = pfn * DEMO_PAGE,
						 .p_offset = pages * DEMO_PAGE};
		p[runs - 1].p_filesz = p[runs - 1].p_memsz += DEMO_PAGE;
		last = pfn;
		pages++;
	}
	at = sizeof(Elf64_Ehdr) + runs * sizeof(*p);
	p[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = at, .p_filesz = notes};
	demo.data_at = (at + notes + DEMO_PAGE - 1) / DEMO_PAGE * DEMO_PAGE;
	demo.size = demo.data_at + pages * DEMO_PAGE;
	demo.image = mmap(NULL, demo.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (demo.image == MAP_FAILED)
		demo_die("out of memory");
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(e), .e_ehsize = sizeof(e), .e_phentsize = sizeof(*p),
		.e_phnum = (uint16_t)runs,
	};
	memcpy(demo.image, &e, sizeof(e));
	demo_notes(info, demo.image + at);
	for (unsigned int i = 1; i < runs; i++) {
		p[i].p_offset += demo.data_at;
		for (uint64_t o = 0; o < p[i].p_filesz; o += DEMO_PAGE)
			if (!iq_read_page(r, (p[i].p_paddr + o) / DEMO_PAGE, &page))
				memcpy(demo.image + p[i].p_offset + o, page, DEMO_PAGE);
	}
	memcpy(demo.image + sizeof(e), p, runs * sizeof(*p));
	iq_reader_close(r);
	iq_dump_close(d);
}

/* A session with the memory as it is now; false: there is no kernel in it any more. */
static inline bool demo_open(struct session *s, struct iq_kernel_options *o)
{
	struct iq_error *err;

	memset(s, 0, sizeof(*s));
	s->silent = true;
	s->print_elements = 200;
	s->print_repeats = 10;
	err = iq_dump_open_memory(demo.image, demo.size, &s->warnings, &s->dump);
	if (!err)
		err = iq_kernel_open(s->dump, o, &s->warnings, &s->kernel);
	if (err)
		s->kernel_error = err;
	return !err;
}

/* Run one command line; what it shows must be fit for a terminal. */
static inline void demo_run(struct session *s, const char *text)
{
	struct words w = {0};
	struct iq_buf out = {0};
	struct iq_error *err = words_split(text, false, false, &w);

	if (!err && w.nr) {
		err = run_command(s, (int)w.nr, w.word, text, &out);
		words_free(&w);
	}
	for (size_t i = 0; i < out.len; i++) {
		uint8_t c = (uint8_t)out.s[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			__builtin_trap();
	}
	iq_buf_free(&out);
	iq_error_free(err);
	iq_warnings_clear(&s->warnings);
}

static inline void demo_touched(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr - (uintptr_t)demo.image;

	(void)context;
	if (at >= demo.size) {
		signal(sig, SIG_DFL);
		return;
	}
	at -= at % DEMO_PAGE;
	mprotect(demo.image + at, DEMO_PAGE, PROT_READ | PROT_WRITE);
	if (at >= demo.data_at && recording->nr < HOT_MAX)
		recording->page[recording->nr++] = (uint32_t)(at / DEMO_PAGE);
}

/* The pages that opening the kernel and the command TEXT read. */
static inline void demo_record(const char *text, struct hot *h)
{
	struct sigaction now = {.sa_sigaction = demo_touched, .sa_flags = SA_SIGINFO}, before;
	struct session s;

	recording = h;
	if (sigaction(SIGSEGV, &now, &before) || mprotect(demo.image, demo.size, PROT_NONE))
		demo_die("pages cannot be watched");
	if (!demo_open(&s, NULL))
		demo_die(s.kernel_error->message);
	demo_run(&s, text);
	session_close(&s);
	mprotect(demo.image, demo.size, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &before, NULL);
}

#endif
