// SPDX-License-Identifier: GPL-2.0-or-later
/* The debug information of a file: opening it, with its dwz file; lines and call frames from it. */
#include "debugfile_dwarf.h"

#include "cfi.h"
#include "inlines.h"
#include <stdlib.h>
#include <unistd.h>

/* Units whose tables are kept: strings that were handed out are kept elsewhere. */
#define UNITS_KEPT 256

/* ---- The dwz file ---------------------------------------------------------------------------- */

/* Is this the file whose build-id, or name in .debug_sup, is ID? */
static bool is_file(const struct iq_elffile *e, const char *id)
{
	char own[IQ_BUILD_ID_TEXT];

	return iq_dwarf_sup_id(e, own) ? !strcmp(own, id)
				       : iq_elffile_build_id(e, own) && !strcmp(own, id);
}

static bool try_alt(struct iq_debugfile *f, const char *path, const char *id)
{
	struct iq_error *err;

	if (access(path, R_OK))
		return false;
	err = iq_elffile_open(&f->alt, path);
	if (err) {
		iq_error_free(err);
		return false;
	}
	if (is_file(&f->alt, id))
		return true;
	iq_elffile_close(&f->alt);
	return false;
}

/* Where dwz and distributions put it: as it is named, relative to the file, in .dwz beside it. */
static bool find_alt(struct iq_debugfile *f, const char *name, const char *id)
{
	static const char *const shapes[] = {"%.*s/%s", "%.*s/.dwz/%s", "%.*s/../.dwz/%s"};
	const char *slash = strrchr(f->elf.path, '/'), *base = strrchr(name, '/');
	const char *dir = slash ? f->elf.path : ".";
	int len = slash ? (int)(slash - f->elf.path) : 1;
	char path[4096], *found;
	bool good;

	if (*name == '/'
		    ? try_alt(f, name, id)
		    : snprintf(path, sizeof(path), shapes[0], len, dir, name) < (int)sizeof(path) &&
			      try_alt(f, path, id))
		return true;
	base = base ? base + 1 : name;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(shapes); i++) {
		if (snprintf(path, sizeof(path), shapes[i], len, dir, base) < (int)sizeof(path) &&
		    try_alt(f, path, id))
			return true;
	}
	found = f->finder.find ? f->finder.find(f->finder.arg, id, base) : NULL;
	good = found && try_alt(f, found, id);
	free(found);
	return good;
}

static void note_trouble(struct iq_debugfile *f, const char *text)
{
	free(f->trouble);
	f->trouble = strdup(text);
}

static void add_alt(struct iq_debugfile *f)
{
	char id[IQ_BUILD_ID_TEXT], text[1024];
	struct iq_error *err;
	const char *name;

	if (!iq_dwarf_alt_link(&f->elf, &name, id))
		return;
	f->has_alt = find_alt(f, name, id);
	if (!f->has_alt) {
		snprintf(text, sizeof(text),
			 "%s shares debug information with a dwz file that is not found: %s, "
			 "build-id %s",
			 f->elf.path, name, id);
		note_trouble(f, text);
		return;
	}
	err = iq_dwarf_add_alt(&f->dwarf, &f->alt);
	if (err)
		note_trouble(f, err->message);
	iq_error_free(err);
}

void iq_debugfile_set_finder(struct iq_debugfile *f, const struct iq_finder *finder)
{
	f->finder = *finder;
}

/* ---- Opening --------------------------------------------------------------------------------- */

struct iq_dwarf *iq_debugfile_dwarf(struct iq_debugfile *f)
{
	struct iq_error *err;

	if (f->dwarf_opened)
		return f->dwarf_usable ? &f->dwarf : NULL;
	f->dwarf_opened = true;
	err = iq_dwarf_open(&f->dwarf, &f->elf);
	f->dwarf_usable = !err;
	if (err)
		note_trouble(f, err->message);
	else
		add_alt(f);
	iq_error_free(err);
	return f->dwarf_usable ? &f->dwarf : NULL;
}

void iq_debugfile_close_dwarf(struct iq_debugfile *f)
{
	iq_types_close(f->types);
	free(f->cache_dir);
	iq_dw_cfi_close(f->cfi);
	if (f->dwarf_usable)
		iq_dwarf_close(&f->dwarf);
	if (f->has_alt)
		iq_elffile_close(&f->alt);
	free(f->trouble);
}

const char *iq_debugfile_trouble(const struct iq_debugfile *f)
{
	return f->trouble;
}

const char *iq_debugfile_dwz(const struct iq_debugfile *f)
{
	return f->has_alt ? f->alt.path : NULL;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

struct iq_dw_unit *iq_debugfile_unit(struct iq_debugfile *f, uint64_t address, bool trim,
				     uint64_t *link)
{
	struct iq_dwarf *d = iq_debugfile_has_dwarf(f) ? iq_debugfile_dwarf(f) : NULL;

	if (!d || !iq_debugfile_link(f, address, link))
		return NULL;
	if (trim)
		iq_dw_units_trim(d, UNITS_KEPT);
	return iq_dw_unit_at(d, *link);
}

bool iq_line_of(struct iq_debugfile *f, uint64_t address, const char **file, unsigned int *line)
{
	uint64_t link;
	struct iq_dw_unit *u = iq_debugfile_unit(f, address, true, &link);

	return u && iq_dw_line(u, link, file, line);
}

unsigned int iq_inlines_of(struct iq_debugfile *f, uint64_t address, struct iq_inline *out,
			   unsigned int max)
{
	uint64_t link;
	struct iq_dw_unit *u = iq_debugfile_unit(f, address, true, &link);

	return u ? iq_dw_inlines(u, link, out, max) : 0;
}

/* ---- Call frames ----------------------------------------------------------------------------- */

static struct iq_dw_cfi *cfi_of(struct iq_debugfile *f)
{
	struct iq_dwarf *d = f->cfi ? NULL : iq_debugfile_dwarf(f);

	if (d)
		f->cfi = iq_dw_cfi_open(d);
	return f->cfi;
}

bool iq_debugfile_cfi(struct iq_debugfile *f, uint64_t address, struct iq_cfi_row *row)
{
	struct iq_dw_cfi *cfi = cfi_of(f);
	struct iq_dw_frame_entry entry;
	const struct iq_dw_fde *fde;
	uint64_t link;

	if (!cfi || !iq_debugfile_link(f, address, &link))
		return false;
	fde = iq_dw_fde_at(cfi, link);
	if (!fde || !iq_dw_frame_entry(&f->dwarf, fde->section, fde->offset, &entry) ||
	    !iq_dw_frame_row(&f->dwarf, fde->section, &entry, link, row))
		return false;
	row->start += address - link;
	row->end += address - link;
	row->function += address - link;
	row->function_end += address - link;
	return true;
}

void iq_debugfile_each_cfi(struct iq_debugfile *f,
			   bool (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
	struct iq_dw_cfi *cfi = cfi_of(f);

	if (cfi)
		iq_dw_cfi_sort(cfi);
	for (unsigned int i = 0; cfi && i < cfi->nr; i++) {
		if (!fn(arg, cfi->fdes[i].start, cfi->fdes[i].end))
			return;
	}
}
