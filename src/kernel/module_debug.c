// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The debug file of a module: the one of this build, told where the kernel put each section.
 *
 * Both follow from what the kernel keeps for /sys/module/NAME/sections and notes
 * (kernel/module/sysfs.c): struct module_sect_attrs, a list of names and addresses, and struct
 * module_notes_attrs, the same for ELF notes, one of which is the build-id.  Up to 6.13 they count
 * their entries; since then only their attribute group's NULL-terminated list does.
 */
#include "private.h"

#define MAX_ENTRIES 1024
#define BUILD_ID_MAX 20
#define NOTE_HEADER 16 /* sizes, type and the name "GNU" */
#define NOTE_BUILD_ID 3

/* One entry of either list. */
struct entry {
	char name[64];
	uint64_t address;
};

/* A struct bin_attribute, whose private word is an address. */
static bool read_bin_attribute(struct iq_kernel *k, uint64_t at, struct entry *e)
{
	uint64_t name;

	return kernel_read_member(k, "bin_attribute", "attr.name", at, &name) &&
	       kernel_read_member(k, "bin_attribute", "private", at, &e->address) &&
	       !iq_vm_read_string(k->vm, name, e->name, sizeof(e->name));
}

/* A struct module_sect_attr: its name was a member of its own before 5.8. */
static bool read_section_attribute(struct iq_kernel *k, uint64_t at, struct entry *e)
{
	uint64_t name;

	return (kernel_read_member(k, "module_sect_attr", "battr.attr.name", at, &name) ||
		kernel_read_member(k, "module_sect_attr", "name", at, &name)) &&
	       kernel_read_member(k, "module_sect_attr", "address", at, &e->address) &&
	       !iq_vm_read_string(k->vm, name, e->name, sizeof(e->name));
}

/* Where the entries lie: in an array, or behind the pointers of a list that ends with NULL. */
struct entries {
	bool (*read)(struct iq_kernel *k, uint64_t at, struct entry *e);
	uint64_t array, size, nr; /* size 0: no array */
	uint64_t list;
};

/* MEMBER of struct module points at a struct TAG with COUNT entries of struct ENTRY. */
static bool find_entries(struct iq_kernel *k, const struct iq_module *m, const char *member,
			 const char *tag, const char *count, const char *entry, struct entries *ret)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type = t ? iq_type_by_name(t, entry) : NULL;
	uint64_t at, offset;

	if (!t || !kernel_read_member(k, "module", member, m->address, &at) || !at)
		return false;
	if (type && type->size && kernel_read_member(k, tag, count, at, &ret->nr) &&
	    iq_offset(t, tag, "attrs", &offset, NULL)) {
		ret->array = at + offset;
		ret->size = type->size;
		ret->nr = IQ_MIN(ret->nr, MAX_ENTRIES);
		return true;
	}
	ret->read = read_bin_attribute;
	ret->nr = MAX_ENTRIES;
	return kernel_read_member(k, tag, "grp.bin_attrs", at, &ret->list) && ret->list;
}

static bool read_entry(struct iq_kernel *k, const struct entries *all, uint64_t i, struct entry *e)
{
	uint64_t at = all->array + i * all->size;

	if (!all->size && (!kernel_read_ptr(k, all->list + 8 * i, &at) || !at))
		return false;
	return all->read(k, at, e);
}

void iq_module_build_id(struct iq_kernel *k, const struct iq_module *m, char *text, size_t room)
{
	struct entries all = {.read = read_bin_attribute};
	uint8_t note[NOTE_HEADER + BUILD_ID_MAX];
	struct entry e;
	uint32_t size;

	text[0] = '\0';
	if (!find_entries(k, m, "notes_attrs", "module_notes_attrs", "notes",
			  "struct bin_attribute", &all))
		return;
	for (uint64_t i = 0; i < all.nr && read_entry(k, &all, i, &e); i++) {
		if (strcmp(e.name, ".note.gnu.build-id"))
			continue;
		if (iq_vm_read(k->vm, e.address, note, sizeof(note), NULL) || iq_le32(note) != 4 ||
		    iq_le32(note + 8) != NOTE_BUILD_ID || memcmp(note + 12, "GNU", 4))
			return;
		size = iq_le32(note + 4);
		for (uint32_t j = 0; size <= BUILD_ID_MAX && j < size && 2 * j + 3 <= room; j++)
			snprintf(text + 2 * j, 3, "%02x", note[NOTE_HEADER + j]);
		return;
	}
}

/* False: the dump does not say where they lie. */
static bool place_sections(struct iq_kernel *k, const struct iq_module *m, struct iq_debugfile *f)
{
	struct entries all = {.read = read_section_attribute};
	bool placed = false;
	struct iq_error *err;
	struct entry e;

	if (!find_entries(k, m, "sect_attrs", "module_sect_attrs", "nsections",
			  "struct module_sect_attr", &all))
		return false;
	/* A file of debug information lacks sections that have none: no error. */
	for (uint64_t i = 0; i < all.nr && read_entry(k, &all, i, &e); i++) {
		err = iq_debugfile_set_section(f, e.name, e.address);
		placed |= !err;
		iq_error_free(err);
	}
	return placed;
}

/* A file that is named after its build-id says it all. */
static bool same_build(const char *loaded, const char *id)
{
	return loaded[0] && !strcmp(loaded, id);
}

struct iq_error *iq_module_set_debug(struct iq_kernel *k, struct iq_module *m,
				     struct iq_debugfile *f)
{
	char loaded[2 * BUILD_ID_MAX + 1];
	struct iq_symtab *symbols;
	const char *id;

	m->priv->debug_sought = true;
	m->debug = NULL;
	if (!f)
		return NULL;
	id = iq_debugfile_build_id(f);
	iq_module_build_id(k, m, loaded, sizeof(loaded));
	if (iq_debugfile_kind(f) != IQ_FILE_MODULE ||
	    (strcmp(iq_debugfile_module(f), m->name) && !same_build(loaded, id)))
		return iq_error_new(IQ_E_NOT_FOUND, "%s is not a file of module %s",
				    iq_debugfile_path(f), m->name);
	if (loaded[0] && id[0] && !same_build(loaded, id))
		return iq_error_new(IQ_E_NOT_FOUND,
				    "%s is not used: its build-id is %s, the module in the dump has %s",
				    iq_debugfile_path(f), id, loaded);
	if (!place_sections(k, m, f)) {
		symbols = iq_module_symbols(k, m);
		if (!symbols || !iq_debugfile_place_by_symbols(f, symbols))
			return iq_error_new(IQ_E_UNAVAILABLE,
					    "module %s: the dump does not say where its sections lie, "
					    "so that %s gives no lines",
					    m->name, iq_debugfile_path(f));
	}
	m->debug = f;
	return NULL;
}

void module_use_given(struct iq_kernel *k, struct iq_module *m)
{
	const struct iq_kernel_options *o = &k->priv->options;
	char loaded[2 * BUILD_ID_MAX + 1] = "";

	if (o->nr_modules)
		iq_module_build_id(k, m, loaded, sizeof(loaded));
	for (unsigned int i = 0; i < o->nr_modules; i++) {
		struct iq_debugfile *f = o->modules[i];
		struct iq_error *err;

		if (strcmp(iq_debugfile_module(f), m->name) &&
		    !same_build(loaded, iq_debugfile_build_id(f)))
			continue;
		/* Of a stripped file and what was stripped from it the latter is better. */
		if (m->debug && !iq_debugfile_has_dwarf(f))
			continue;
		err = iq_module_set_debug(k, m, f);
		if (err)
			iq_warn(k->warnings, "%s", err->message);
		iq_error_free(err);
		if (m->debug && iq_debugfile_has_dwarf(f))
			return;
	}
	/* Something else may be found, unless what was given says it all. */
	m->priv->debug_sought = m->debug;
}

struct iq_debugfile *iq_module_debug(struct iq_kernel *k, struct iq_module *m)
{
	const struct iq_kernel_options *o = &k->priv->options;
	struct iq_debugfile *f;
	struct iq_error *err;

	if (m->priv->debug_sought)
		return m->debug;
	m->priv->debug_sought = true;
	f = o->find_module ? o->find_module(o->find_module_arg, k, m) : NULL;
	err = f ? iq_module_set_debug(k, m, f) : NULL;
	if (err)
		iq_warn(k->warnings, "%s", err->message);
	iq_error_free(err);
	return m->debug;
}
