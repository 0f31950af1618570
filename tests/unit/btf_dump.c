// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit-btf-dump [-b BASE] FILE: everything a BTF file or the .BTF section of an ELF file says, as
 * one line an item, for comparison with what pahole and bpftool make of the same file
 * (btf_against_others.py).
 */
#include "type_lines.h"
#include <fcntl.h>
#include <gelf.h>
#include <inquest/types.h>
#include <libelf.h>
#include <stdlib.h>
#include <unistd.h>

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

/* The whole file, or of an ELF file its .BTF section. */
static void *load(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	size_t shstrndx;
	Elf_Scn *scn = NULL;
	void *data;
	Elf *elf;

	if (!f || fseek(f, 0, SEEK_END))
		fail(path, "cannot be opened");
	elf_version(EV_CURRENT);
	elf = elf_begin(fileno(f), ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && !elf_getshdrstrndx(elf, &shstrndx)) {
		while ((scn = elf_nextscn(elf, scn))) {
			GElf_Shdr shdr;
			const char *name;
			Elf_Data *d;

			if (!gelf_getshdr(scn, &shdr))
				continue;
			name = elf_strptr(elf, shstrndx, shdr.sh_name);
			if (!name || strcmp(name, ".BTF") || !(d = elf_rawdata(scn, NULL)))
				continue;
			*len = d->d_size;
			data = malloc(*len + 1);
			memcpy(data, d->d_buf, *len);
			elf_end(elf);
			fclose(f);
			return data;
		}
		fail(path, "has no .BTF section");
	}
	elf_end(elf);
	*len = (size_t)ftell(f);
	rewind(f);
	data = malloc(*len + 1);
	if (!data || fread(data, 1, *len, f) != *len)
		fail(path, "cannot be read");
	fclose(f);
	return data;
}

static void check(const char *path, struct iq_error *err)
{
	if (err)
		fail(path, err->message);
}

int main(int argc, char **argv)
{
	struct iq_types *base = NULL, *t;
	struct iq_warnings w = {0};
	struct iq_buf out = {0};
	size_t base_len, len;
	void *base_data = NULL, *data;

	if (argc == 4 && !strcmp(argv[1], "-b")) {
		base_data = load(argv[2], &base_len);
		check(argv[2], iq_btf_open(base_data, base_len, false, NULL, argv[2], &w, &base));
	} else if (argc != 2) {
		fprintf(stderr, "usage: %s [-b BASE] FILE\n", argv[0]);
		return 2;
	}
	data = load(argv[argc - 1], &len);
	check(argv[argc - 1], iq_btf_open(data, len, false, base, argv[argc - 1], &w, &t));
	for (uint32_t id = iq_types_first(t); id < iq_types_end(t); id++) {
		const struct iq_type *type = iq_type_by_id(t, id);

		if (!type || type->id != id)
			continue;
		print_type(type, &out);
		if (out.len > 65536) {
			fwrite(out.s, 1, out.len, stdout);
			out.len = 0;
		}
	}
	fwrite(iq_buf_str(&out), 1, out.len, stdout);
	iq_buf_free(&out);
	for (unsigned int i = 0; i < w.nr; i++)
		fprintf(stderr, "%s\n", w.text[i]);
	iq_warnings_clear(&w);
	iq_types_close(t);
	iq_types_close(base);
	free(data);
	free(base_data);
	return 0;
}
