/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug files: a vmlinux or a module's .ko/.ko.debug given by the user or found by its build-id.
 * Here: recognising and matching them, their symbol tables and their source lines.
 */
#ifndef INQUEST_DEBUGFILE_H
#define INQUEST_DEBUGFILE_H

#include <inquest/symbols.h>
#include <inquest/types.h>

enum iq_file_kind {
	IQ_FILE_OTHER,	 /* none of these; e.g. a dump: ask iq_dump_recognise() */
	IQ_FILE_VMLINUX, /* ELF executable with kernel sections */
	IQ_FILE_MODULE,	 /* ELF relocatable with .modinfo or .gnu.linkonce.this_module (or .debug) */
	IQ_FILE_DAMAGED, /* begins like one of the two, but is cut off or broken */
};

struct iq_debugfile;

/*
 * What kind of file PATH is, by content; IQ_FILE_OTHER also if it cannot be read.  Files compressed as a
 * whole by gzip, xz or zstd are looked into.
 */
enum iq_file_kind iq_file_recognise(const char *path);

/*
 * Open a vmlinux or module file.  Reads headers and the build-id only.  The file stays open.
 */
struct iq_error *iq_debugfile_open(const char *path, struct iq_debugfile **ret) IQ_CHECK;
void iq_debugfile_close(struct iq_debugfile *f);
const char *iq_debugfile_path(const struct iq_debugfile *f);
enum iq_file_kind iq_debugfile_kind(const struct iq_debugfile *f);
/* Build-id as lower-case hexadecimal text; "" if the file has none. */
const char *iq_debugfile_build_id(const struct iq_debugfile *f);
/* Module name as lsmod shows it ("usbcore", '-' turned into '_'); "" for a vmlinux. */
const char *iq_debugfile_module(const struct iq_debugfile *f);
bool iq_debugfile_has_dwarf(const struct iq_debugfile *f);
/*
 * Address of SYMBOL in its symbol table: of a vmlinux the link-time address (no delta); of a
 * module where its section was loaded, false before iq_debugfile_set_section().  Takes
 * milliseconds.
 */
bool iq_debugfile_symbol(struct iq_debugfile *f, const char *symbol, uint64_t *address);

/*
 * Debug information that lies in another file.  dwz(1) moves what several files have in common into one
 * of its own (.gnu_debugaltlink, .debug_sup); it is looked for when debug information is first
 * needed: where the link names it, in .dwz beside the file and beside the file's directory, then
 * by FIND (which may be NULL), which returns the path, malloc()ed, of a file with this build-id, or NULL;
 * NAME is what the link calls it, without directories.
 */
struct iq_finder {
	char *(*find)(void *arg, const char *build_id, const char *name);
	void *arg;
};
/* FINDER is copied.  Before the first question. */
void iq_debugfile_set_finder(struct iq_debugfile *f, const struct iq_finder *finder);
/* Path of the dwz file in use; NULL: none (yet). */
const char *iq_debugfile_dwz(const struct iq_debugfile *f);
/*
 * What is wrong with the debug information, as far as it was looked at: a clause that names the file;
 * NULL: nothing.
 */
const char *iq_debugfile_trouble(const struct iq_debugfile *f);
/*
 * Name of the file that the debug information was split off to (.gnu_debuglink: objcopy
 * --add-gnu-debuglink, eu-strip -f); NULL: none is named.  It has the same build-id.
 */
const char *iq_debugfile_debuglink(const struct iq_debugfile *f);

/* vmlinux: runtime address = file address + delta (KASLR). */
void iq_debugfile_set_delta(struct iq_debugfile *f, int64_t delta);
/* Module: section NAME was loaded at ADDRESS.  Call once for each section known. */
struct iq_error *iq_debugfile_set_section(struct iq_debugfile *f, const char *name,
					  uint64_t address) IQ_CHECK;

/*
 * Module: place the sections that are not placed yet by the symbols that file and TABLE, the module's
 * symbols in the dump, have in common; where they contradict each other the majority decides.
 * Returns how many were placed.
 */
unsigned int iq_debugfile_place_by_symbols(struct iq_debugfile *f, struct iq_symtab *table);

/* ---- Types and variables ---------------------------------------------------------------------- */

/*
 * Where indexes of debug information are kept from one run to the next, and who is told of damage
 * in it (may be NULL); before the first question.  DIR is made when there is something to be kept;
 * NULL, or one that cannot be written to: nothing is kept.
 */
void iq_debugfile_set_cache(struct iq_debugfile *f, const char *dir, struct iq_warnings *w);
/*
 * The types in its DWARF, owned by the file; NULL without DWARF.  Opening reads nothing.  The id of
 * a type is the offset of its entry in .debug_info: iq_type_by_id() takes that of any entry of a type
 * or function.  The first name that is looked up costs a pass over all of .debug_info, unless the
 * cache has its index.  Equal types of different units are one, once the index is there; those of
 * one name that differ are told apart (iq_type_next_same_name()).  Pointers, arrays and qualified
 * types have the id 0.
 */
struct iq_types *iq_debugfile_types(struct iq_debugfile *f);

/*
 * What a module F only declares is looked for in KERNEL, a vmlinux, which must not be closed as long
 * as types of F are used.  Before the first question.
 */
void iq_debugfile_set_base(struct iq_debugfile *f, struct iq_debugfile *kernel);

struct iq_variable {
	const struct iq_type *type; /* never NULL */
	uint64_t address;	    /* runtime address, if it is `placed`; of a per-CPU variable: its offset */
	bool placed, per_cpu;	    /* neither: only declared here, or in a section that is not placed */
	uint32_t id;		    /* offset of its entry in .debug_info */
};
/*
 * The global or static variable NAME (statics of functions too: "foo" for the symbol "foo.12").
 * ADDRESS, if not 0, is where it is known to lie, which tells those of one name apart.  *MATCHES (may
 * be NULL) is how many there are: with more than one, *RET is the first.  False: there is none.
 */
bool iq_debugfile_variable(struct iq_debugfile *f, const char *name, uint64_t address,
			   struct iq_variable *ret, unsigned int *matches);
/*
 * The one that is defined in the source file PATH: its path as iq_line_of() has it, or as many of its last parts
 * as one likes ("slub.c").
 */
bool iq_debugfile_variable_in(struct iq_debugfile *f, const char *name, const char *path,
			      struct iq_variable *ret);
/* Is PATH the source file FILE, or the end of it, from the start of a name on? */
bool iq_source_is(const char *file, const char *path);
/* Prototype of the function whose code ADDRESS is in; NULL: unknown, as of assembly. */
const struct iq_type *iq_debugfile_function(struct iq_debugfile *f, uint64_t address);

/* ---- Lines ------------------------------------------------------------------------------------- */

/*
 * Source line of a runtime address (for a return address pass address - 1).  *FILE is the path
 * relative to the root of the kernel's source ("kernel/panic.c"): the name in the debug
 * information joined with its directories, "." and ".." taken out, without the compilation
 * directory that it lies below (for Debian's kernels, compiled in debian/build/build_…: without
 * the directory above "debian"); a path elsewhere, of a module built outside of the kernel's
 * tree, stays absolute.  Owned by the debug file. False: no line known.
 */
bool iq_line_of(struct iq_debugfile *f, uint64_t address, const char **file, unsigned int *line);

/*
 * The chain of functions inlined at a runtime address, innermost first.  `function` is the
 * inlined function's name, `file`/`line` the position in it (for the outer ones: of the call).
 * The last entry is the real function (the symbol).  Strings are owned by the debug file.
 * Returns the number filled in (0: unknown), at most MAX.
 */
struct iq_inline {
	const char *function, *file;
	unsigned int line;
	bool inlined;
};
unsigned int iq_inlines_of(struct iq_debugfile *f, uint64_t address, struct iq_inline *out,
			   unsigned int max);

#endif
