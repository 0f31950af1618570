/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of a function with a constant argument, found in machine code: who calls
 * kmem_cache_create("dentry", …)?
 */
#ifndef INQUEST_CALLERS_H
#define INQUEST_CALLERS_H

#include <inquest/debugfile.h>

/* Whose calls are wanted, and which of their integer arguments (0: the first) is looked at. */
struct iq_callee {
	const char *function; /* its clones (".constprop.0") are meant as well */
	unsigned int arg;
	bool pointer;	  /* the argument points to data, not to a string */
	uint64_t address; /* for iq_calls_in_code(): where it is; 0: nowhere */
};

/* A call in a debug file whose argument is the address of a string, or of data, in it. */
struct iq_string_call {
	unsigned int callee;  /* index */
	const char *text;     /* owned by the file; NULL: callee.pointer */
	uint64_t data;	      /* callee.pointer: runtime address */
	const char *function; /* that calls; NULL: unknown.  Owned by the file */
	uint64_t offset;      /* of the call in it */
	uint64_t link;	      /* of the call, for iq_debugfile_call_line() */
	const char *section;  /* owned by the file */
};
/*
 * Call FN with each call of one of the NR functions in F's code, init code as well, whose argument is a constant
 * string (or address), until it returns false.  Arguments that are computed are not found.  A file without code (of debug
 * information only) has none: false.
 */
bool iq_debugfile_string_calls(struct iq_debugfile *f, const struct iq_callee *callees, unsigned int nr,
			       bool (*fn)(void *arg, const struct iq_string_call *call), void *arg);
/*
 * Source line of such a call, of the outermost function if it was inlined into others from a header.
 * False: not known.  *FILE is owned by F.
 */
bool iq_debugfile_call_line(struct iq_debugfile *f, uint64_t link, const char **file, unsigned int *line);

/*
 * Call FN with the offset and the callee's index of each direct call (or tail
 * call) of the callees' addresses in CODE (LEN bytes, which lie
 * at ADDRESS).  Bytes that only look like one are not told from others: see iq_constant_argument().
 */
void iq_calls_in_code(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		      const struct iq_callee *callees, unsigned int nr,
		      void (*fn)(void *arg, size_t offset, unsigned int callee), void *arg);
/*
 * The constant in argument register number ARG at the call at offset CALL of a function's CODE, which lies at
 * ADDRESS: as the last instruction before that set it.  RELOCATED (may be NULL) is asked for the value that
 * the linker will put into the instruction at this offset.  False: it is no constant, or there is no call.
 */
bool iq_constant_argument(const struct iq_arch *a, const uint8_t *code, size_t call, size_t len,
			  uint64_t address, unsigned int arg,
			  bool (*relocated)(void *arg, size_t offset, size_t len, uint64_t *value),
			  void *relocated_arg, uint64_t *value);

#endif
