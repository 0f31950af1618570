/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types by name, whatever the source (BTF in the dump, DWARF of a vmlinux): one model of C types.
 *
 * A struct iq_types is one source with its own name space: the kernel's, or one module's on top of
 * the kernel's.  Types are made when asked for and live as long as their source; pointers to them
 * can be compared only within one source.  Belongs to one thread.
 */
#ifndef INQUEST_TYPES_H
#define INQUEST_TYPES_H

#include <inquest/arch.h>
#if IQ_ROOM < IQ_ROOM_DEBUG
#error "types.h belongs to a room to the right of this one"
#endif

enum iq_kind {
	IQ_KIND_VOID,
	IQ_KIND_INT,	  /* integers, char and bool; see encoding */
	IQ_KIND_FLOAT,
	IQ_KIND_POINTER,
	IQ_KIND_ARRAY,
	IQ_KIND_STRUCT,
	IQ_KIND_UNION,
	IQ_KIND_ENUM,
	IQ_KIND_TYPEDEF,
	IQ_KIND_CONST,
	IQ_KIND_VOLATILE,
	IQ_KIND_RESTRICT,
	IQ_KIND_FUNCTION, /* prototype: target is the return type, members the parameters */
	IQ_KIND_INCOMPLETE_STRUCT, /* forward declaration that no source completes */
	IQ_KIND_INCOMPLETE_UNION,
};

enum iq_encoding { IQ_ENC_UNSIGNED, IQ_ENC_SIGNED, IQ_ENC_CHAR, IQ_ENC_UCHAR, IQ_ENC_BOOL };

struct iq_type {
	enum iq_kind kind;
	enum iq_encoding encoding;  /* INT; ENUM: SIGNED or UNSIGNED */
	const char *name;	    /* without "struct"; "" anonymous; "void"; "?" lost to
				     * damage.  Never NULL.  Arithmetic types in
				     * crash's words: "unsigned long", "short" */
	uint64_t size;		    /* bytes; arrays: the whole; functions, void, incomplete: 0 */
	uint64_t count;		    /* ARRAY: elements; 0: [] or [0] (for BTF the same) */
	bool variadic;		    /* FUNCTION */
	uint32_t id;		    /* the source's own number; 0: void, or made up */
	struct iq_types *types;	    /* its source */
};

/* A member of a struct or union, or a parameter of a function. */
struct iq_member {
	const char *name;	    /* "" anonymous, "?" lost to damage.  Never NULL */
	const struct iq_type *type;
	uint64_t bit_offset;	    /* from the start of its struct */
	unsigned int bit_size;	    /* 0: not a bitfield; its first bit is the least significant */
};

struct iq_enumerator {
	const char *name;
	int64_t value;
};

struct iq_types;

/* ---- Sources --------------------------------------------------------------------------------- */

/*
 * BTF (Documentation/bpf/btf.rst).  DATA (LEN bytes) is copied if COPY, else must outlive the
 * source.  BASE is the kernel's BTF for a module's split BTF, else NULL; it must outlive the
 * module's.  NAME for messages: "vmlinux", "usbcore".
 *
 * Damage is found when types are made, so W (may be NULL) must outlive the source as well.  What
 * refers to ids, strings or sizes out of range comes out as void and is noted in W.  Members lie
 * inside their struct or union, typedefs, qualifiers and arrays end after 64 steps; but a damaged
 * struct can contain itself: whoever descends into members limits the depth.
 *
 * pahole, which writes a kernel's BTF, makes one dimension of several: int a[2][3] is int a[6].
 *
 * IQ_E_FORMAT: not BTF, or so damaged that nothing of it can be used.
 */
struct iq_error *iq_btf_open(const void *data, size_t len, bool copy, struct iq_types *base,
			     const char *name, struct iq_warnings *w,
			     struct iq_types **ret) IQ_CHECK;
/*
 * The same from the dump's memory: LEN bytes at virtual address ADDRESS, read at
 * once by all CPUs, since where a record begins follows only from those before it.
 */
struct iq_error *iq_btf_read(struct iq_vm *vm, uint64_t address, uint64_t len,
			     struct iq_types *base, const char *name, struct iq_warnings *w,
			     struct iq_types **ret) IQ_CHECK;
void iq_types_close(struct iq_types *t);
const char *iq_types_source(const struct iq_types *t); /* "BTF in the dump" */

/* ---- Look-up --------------------------------------------------------------------------------- */

/*
 * The type named NAME: "struct task_struct", "union …", "enum …", "unsigned long", a typedef, or a
 * bare tag, which is looked for as typedef, struct, union, enum in this order.  "*" and "[n]"
 * behind the name are understood, and "const".  A definition is preferred to a forward declaration.
 * For a module's source the module's own types come first, then its base's.  NULL: none.
 */
const struct iq_type *iq_type_by_name(struct iq_types *t, const char *name);
/* The next one of the same kind and name (BTF can have several of different layout), by id; NULL:
 * no more.  iq_type_by_name() returns the first. */
const struct iq_type *iq_type_next_same_name(const struct iq_type *t);
/* By the source's own number, 0 is void; NULL out of range, and for numbers that are no type of C:
 * functions, variables, sections, tags (which are skipped wherever a type refers to one). */
const struct iq_type *iq_type_by_id(struct iq_types *t, uint32_t id);
/* Ids run from 1 to this - 1 (a module's: from its base's number on). */
uint32_t iq_types_end(const struct iq_types *t);
uint32_t iq_types_first(const struct iq_types *t);
/*
 * To go through all types, whatever the source: the lowest id above ID in T alone (not its base), of
 * those that have names at least; 0: no more.  Begin with 0.  Not all ids are types: iq_type_by_id()
 * may be NULL.  (Ids of DWARF have gaps of many millions: never count them up.)
 */
uint32_t iq_types_next(struct iq_types *t, uint32_t id);
/* Prototype of the function NAME (BTF_KIND_FUNC): an IQ_KIND_FUNCTION, or NULL.  *MATCHES (may be
 * NULL) is how many functions of this name the source knows. */
const struct iq_type *iq_function_by_name(struct iq_types *t, const char *name,
					  unsigned int *matches);
/* Type of a per-CPU or global variable, if the source has it; NULL otherwise. */
const struct iq_type *iq_variable_type(struct iq_types *t, const char *name);
/*
 * The enum, named or not, that has a constant NAME, and the constant's value; the first by id, NULL:
 * none.
 */
const struct iq_type *iq_enumerator_by_name(struct iq_types *t, const char *name, int64_t *value);
/* Offer the names of all named types to N. */
void iq_types_nearest(struct iq_types *t, struct iq_nearest *n);
/* Offer the member names of T. */
void iq_members_nearest(const struct iq_type *t, struct iq_nearest *n);

/* ---- Structure ------------------------------------------------------------------------------- */

/* What a pointer points to, an array consists of, a typedef or qualifier stands for, a function
 * returns; never NULL for these (void is a type), NULL for all others.  A forward declaration is
 * replaced by its definition if the source, or its base, has exactly one. */
const struct iq_type *iq_type_target(const struct iq_type *t);
/* Without typedefs and qualifiers (at most 64 of them; then void). */
const struct iq_type *iq_type_strip(const struct iq_type *t);
/* Without qualifiers only. */
const struct iq_type *iq_type_unqualified(const struct iq_type *t);
/* Members of a struct, union or (stripped) typedef to one; parameters of a function. */
const struct iq_member *iq_type_members(const struct iq_type *t, unsigned int *nr);
const struct iq_enumerator *iq_type_enumerators(const struct iq_type *t, unsigned int *nr);
/* A pointer to T, an array of T, in the same source (made up if the source has none).  Never NULL:
 * void without memory, or if it would be larger than 64 bits can say. */
const struct iq_type *iq_type_pointer_to(const struct iq_type *t);
const struct iq_type *iq_type_array_of(const struct iq_type *t, uint64_t count);
/* A function that returns RETURNS, with NR parameters without names, made up in RETURNS' source. */
const struct iq_type *iq_type_function_of(const struct iq_type *returns, const struct iq_type *const *params,
					  unsigned int nr, bool variadic);

/*
 * Find a member by a path: "comm", "se.vruntime", "f_path.dentry", "a[2].b"; members of anonymous
 * structs and unions are found as C finds them.  Array indexes are checked against the array unless
 * it is flexible.  On success RET has the last member's type and bit offset from the start of T.
 * IQ_E_NOT_FOUND names the missing member with the nearest spellings as hint.
 */
struct iq_error *iq_member_find(const struct iq_type *t, const char *path,
				struct iq_member *ret) IQ_CHECK;
/*
 * The same for code that walks kernel structures: byte offset and size of PATH in struct or union
 * TAG; false if either does not exist in this dump.  TAG may also be a typedef.  SIZE may be NULL.
 * Not for bitfields.
 */
bool iq_offset(struct iq_types *t, const char *tag, const char *path, uint64_t *offset,
	       uint64_t *size);

/*
 * C declaration of NAME with type T: "struct list_head *next", "int (*func)(void *)",
 * "char comm[16]".  NAME "" gives the type alone.
 */
void iq_type_declare(const struct iq_type *t, const char *name, struct iq_buf *out);
/*
 * The same without what stands in front ("*next", "(*func)(void *)", "comm[16]"); returns the type
 * which that is, with its qualifiers.  For printers that write the members of an anonymous struct
 * there.
 */
const struct iq_type *iq_type_declarator(const struct iq_type *t, const char *name,
					 struct iq_buf *out);

#endif
