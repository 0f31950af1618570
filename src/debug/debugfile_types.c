// SPDX-License-Identifier: GPL-2.0-or-later
/* Types and global variables from a file's debug information. */
#include "debugfile_dwarf.h"
#include "dwarf_names.h"
#include "dwarf_scope.h"
#include <stdlib.h>

void iq_debugfile_set_cache(struct iq_debugfile *f, const char *dir, struct iq_warnings *w)
{
	free(f->cache_dir);
	f->cache_dir = dir ? strdup(dir) : NULL;
	f->warnings = w;
}

void iq_debugfile_set_base(struct iq_debugfile *f, struct iq_debugfile *kernel)
{
	struct iq_types *t = f == kernel ? NULL : iq_debugfile_types(f);

	if (t)
		t->base = iq_debugfile_types(kernel);
}

struct iq_types *iq_debugfile_types(struct iq_debugfile *f)
{
	struct iq_dwarf *d;
	struct iq_error *err;

	if (f->types_asked)
		return f->types;
	f->types_asked = true;
	d = iq_debugfile_dwarf(f);
	if (!d || !d->section[IQ_DW_INFO].size || !d->section[IQ_DW_ABBREV].size)
		return NULL;
	err = iq_dwarf_types_open(d, f->kind == IQ_FILE_MODULE ? f->module : "vmlinux", f->build_id,
				  f->cache_dir, f->warnings, &f->types);
	iq_error_free(err);
	return f->types;
}

struct search {
	struct iq_debugfile *file;
	uint64_t address; /* 0: any */
	const char *path; /* NULL: any */
	struct iq_variable found;
	unsigned int nr;
};

bool iq_source_is(const char *file, const char *path)
{
	size_t len = strlen(path), all = strlen(file);

	return len && len <= all && !strcmp(file + all - len, path) &&
	       (len == all || file[all - len - 1] == '/');
}

/* Is the entry at OFFSET of a unit compiled from PATH? */
static bool in_source(struct iq_debugfile *f, uint64_t offset, const char *path)
{
	struct iq_dwarf *d = iq_debugfile_dwarf(f);
	struct iq_dw_unit *u = d ? iq_dw_unit_around(d, offset) : NULL;
	const char *file = u ? iq_dw_source_path(d, u->comp_dir, "", u->name) : NULL;

	return file && iq_source_is(file, path);
}

static bool note(void *arg, const struct dwarf_variable *v)
{
	struct search *s = arg;
	struct iq_variable found = {.type = v->type, .id = (uint32_t)v->offset};

	if (v->has_address) {
		found.placed = iq_debugfile_runtime(s->file, v->address, &found.address);
		found.per_cpu = !found.placed && s->file->kind == IQ_FILE_VMLINUX;
		if (found.per_cpu)
			found.address = v->address;
	}
	if (s->address && v->has_address &&
	    ((!found.placed && !found.per_cpu) || found.address != s->address))
		return true;
	if (s->path && (!v->has_address || !in_source(s->file, v->offset, s->path)))
		return true;
	/* What is only declared says of an address as much as of any. */
	if (s->nr && !v->has_address)
		return true;
	if (!s->nr++)
		s->found = found;
	return !s->address;
}

bool iq_debugfile_variable(struct iq_debugfile *f, const char *name, uint64_t address,
			   struct iq_variable *ret, unsigned int *matches)
{
	struct iq_types *t = iq_debugfile_types(f);
	struct search s = {.file = f, .address = address};

	if (t && *name)
		dwarf_variables(dwarf_types(t), name, note, &s);
	if (matches)
		*matches = s.nr;
	if (s.nr)
		*ret = s.found;
	return s.nr;
}

bool iq_debugfile_variable_in(struct iq_debugfile *f, const char *name, const char *path,
			      struct iq_variable *ret)
{
	struct iq_types *t = iq_debugfile_types(f);
	struct search s = {.file = f, .path = path};

	if (t && *name)
		dwarf_variables(dwarf_types(t), name, note, &s);
	if (s.nr)
		*ret = s.found;
	return s.nr;
}

const struct iq_type *iq_debugfile_function(struct iq_debugfile *f, uint64_t address)
{
	struct iq_types *t = iq_debugfile_types(f);
	struct iq_dw_scope function;
	struct iq_dw_unit *u;
	uint64_t link;

	u = t ? iq_debugfile_unit(f, address, false, &link) : NULL;
	if (!u || !iq_dw_scopes(u, link, &function, 1) || function.die.offset > UINT32_MAX)
		return NULL;
	return iq_type_by_id(t, (uint32_t)function.die.offset);
}
