// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF files with DWARF of any content, compressed or not: recognised, opened, lines, inlined functions
 * and call frames of every section looked up, the symbol table read.
 */
#include <fcntl.h>
#include <inquest/callers.h>
#include <inquest/cfi.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(struct iq_debugfile *f, uint64_t base)
{
	for (unsigned int i = 0; i < 64; i++) {
		struct iq_inline chain[8];
		const char *file = "";
		unsigned int line = 0, nr;
		uint64_t address = base + i * i;

		if (iq_line_of(f, address, &file, &line) && (!*file || !line))
			__builtin_trap();
		nr = iq_inlines_of(f, address, chain, IQ_ARRAY_SIZE(chain));
		for (unsigned int j = 0; j < nr; j++) {
			if (strlen(chain[j].function) > 1 << 20 || strlen(chain[j].file) > 1 << 20)
				__builtin_trap();
		}
	}
}

struct frames {
	struct iq_debugfile *f;
	unsigned int left;
};

static bool each_function(void *arg, uint64_t start, uint64_t end)
{
	struct frames *frames = arg;
	struct iq_cfi_row row;

	/* Rows follow each other without gaps and come to an end. */
	for (uint64_t at = start; at < end && frames->left; at = row.end) {
		frames->left--;
		if (!iq_debugfile_cfi(frames->f, at, &row))
			return true;
		if (row.end <= at || row.start > at)
			__builtin_trap();
	}
	return frames->left;
}

static bool each_call(void *arg, const struct iq_string_call *call)
{
	struct frames *frames = arg;
	const char *file = "";
	unsigned int line = 0;

	if (call->callee > 1 || (call->text && !*call->text) || !call->function)
		__builtin_trap();
	iq_debugfile_call_line(frames->f, call->link, &file, &line);
	return --frames->left;
}

static void use(struct iq_debugfile *f)
{
	struct frames frames = {f, 2000};
	static const struct iq_callee callees[] = {{.function = "kmem_cache_create_usercopy"},
						   {.function = "proto_register", .pointer = true}};
	static const char *const sections[] = {".text", ".init.text", ".text.unlikely"};
	uint64_t address;

	iq_debugfile_symbol(f, "init_module", &address);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(sections); i++)
		iq_error_free(iq_debugfile_set_section(f, sections[i],
						       0xffffffffc0000000 + i * 0x100000));
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(sections); i++)
		look_up(f, 0xffffffffc0000000 + i * 0x100000);
	look_up(f, 0xffffffff81000000);
	look_up(f, 0);
	iq_debugfile_symbol(f, "_stext", &address);
	iq_debugfile_each_cfi(f, each_function, &frames);
	frames.left = 100;
	iq_debugfile_string_calls(f, callees, IQ_ARRAY_SIZE(callees), each_call, &frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_symtab *t;
	struct iq_debugfile *f;
	struct iq_error *err;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = iq_debugfile_open(path, &f);
	if (!err) {
		use(f);
		iq_debugfile_close(f);
	}
	iq_error_free(err);
	err = iq_symtab_from_elf(fd, path, 0x1000000, &t);
	if (!err) {
		struct iq_symbol s;
		unsigned int from = 0;

		for (unsigned int i = 0; i < iq_symtab_count(t) && i < 1000; i++)
			iq_symtab_at(t, i, &s);
		iq_symtab_by_name(t, "_stext", &from, &s);
		iq_symtab_by_address(t, 0xffffffff81000000, &s);
		iq_symtab_close(t);
	}
	iq_error_free(err);
	close(fd);
	return 0;
}
