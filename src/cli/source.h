/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source: the lines of addresses, and the text of files below the directory of `set src`. */
#ifndef INQUEST_CLI_SOURCE_H
#define INQUEST_CLI_SOURCE_H

#include "cli.h"

/* ---- Lines of an address (lines.c) ----------------------------------------------------------- */

#define CHAIN_MAX 32

/*
 * Where an address is in the source, innermost first: functions that are inlined there, then the one
 * that is in the symbol table.
 */
struct chain {
	bool call; /* the address is one that a call returns to: these are the lines of the call */
	unsigned int nr; /* 0: not known */
	struct iq_inline at[CHAIN_MAX];
};

/* In a function, or right behind one: text that was only needed at the start counts as well. */
bool is_code_address(struct iq_kernel *k, uint64_t address);
/* Does a call end right before ADDRESS?  By the code of its function, from its start on. */
bool is_return_address(struct iq_kernel *k, uint64_t address);
/*
 * Of a return address the call is meant, whose line is often another one, unless EXACT: then it is the
 * instruction at ADDRESS.  Strings are the debug file's.
 */
void find_chain(struct iq_kernel *k, uint64_t address, bool exact, struct chain *ret);
/* The same in as little memory as it takes, malloc()ed; NULL: not known. */
struct chain *chain_of(struct iq_kernel *k, uint64_t address, bool exact);
/* The functions of a chain that has more than one, a line each, indented. */
void text_chain(const struct chain *c, struct iq_buf *out);
/* [{"function", "file", "line", "inlined"}] */
json_t *json_chain(const struct chain *c);

/* ---- Text of files (source.c) ---------------------------------------------------------------- */

/* Lines of a file, numbered from FIRST on. */
struct source_text {
	char *path; /* of the file that was read */
	char **line; /* without newlines; owned */
	unsigned int first, nr;
};
/*
 * Lines FROM to TO of FILE, as debug information names it ("kernel/panic.c"), from below the session's
 * source directory: the longest end of its path that is a file there, whatever directory it was compiled in.
 * Nothing outside of the directory is opened, wherever links point.  IQ_E_UNAVAILABLE without a source
 * directory, IQ_E_NOT_FOUND if the file is not in it.
 */
struct iq_error *source_read(struct session *s, const char *file, unsigned int from,
			     unsigned int to, struct source_text *ret) IQ_CHECK;
void source_free(struct source_text *t);

/* Lines of text with marks: what src and dis -s show. */
struct listing {
	char *file, *function; /* function NULL: unknown */
	unsigned int line; /* the one that is meant */
	struct source_text text;
	char *missing; /* why there is no text; NULL: there is */
	unsigned int *here; /* lines where the context's frames are; owned */
	unsigned int nr_here;
};
/*
 * The source of the code at ADDRESS: some lines in front of its line, and COUNT lines from it on (0: the
 * rest of its function).  What is not there is said in `missing`.
 */
struct iq_error *listing_at(struct session *s, uint64_t address, unsigned int count,
			    struct listing *ret) IQ_CHECK;
/* The same of a place in a file. */
struct iq_error *listing_of(struct session *s, const char *file, unsigned int line,
			    unsigned int count, struct listing *ret) IQ_CHECK;
void listing_free(struct listing *l);
void text_listing(const struct listing *l, struct iq_buf *out);
/* Members "file", "line", "function", "source" of O. */
void json_listing(const struct listing *l, json_t *o);

#endif
