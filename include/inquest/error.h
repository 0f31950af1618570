/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors.  There is one way to report one: a function that can fail returns a struct iq_error *,
 * NULL meaning success, and hands its result out through its last parameters, which it leaves
 * untouched on failure.  Whoever receives an error owns it: pass it up, or iq_error_free() it.
 *
 * A message is one clause without a final full stop that names the thing and the reason ("cannot
 * open core.1: Permission denied"); the hint, where there is one, is the next step for the user.
 * Text from a dump that goes into a message is escaped by iq_error_new() itself: control characters
 * and invalid UTF-8 never reach a terminal through an error.
 *
 * Reads of the dump's memory do not use this type on their hot paths: see enum iq_mem in dump.h.
 */
#ifndef INQUEST_ERROR_H
#define INQUEST_ERROR_H

#include <inquest/room.h>
#include <stdarg.h>

enum iq_code {
	IQ_E_NOMEM,	   /* this process is out of memory */
	IQ_E_IO,	   /* the operating system refused or failed */
	IQ_E_FORMAT,	   /* a file or structure is not what it claims to be, or damaged */
	IQ_E_USAGE,	   /* the user's words: unknown option, bad expression */
	IQ_E_NOT_FOUND,	   /* no such symbol, type, member, task, file */
	IQ_E_MEMORY,	   /* memory of the dump that cannot be read */
	IQ_E_LIMIT,	   /* more of something than a sane dump can have */
	IQ_E_INTERRUPTED,  /* Ctrl-C */
	IQ_E_UNAVAILABLE,  /* needs something that this dump or this build does not have */
};

struct iq_error {
	enum iq_code code;
	char *message;
	char *hint; /* NULL: none */
};

/* A new error.  Never NULL: without memory it is a static IQ_E_NOMEM. */
struct iq_error *iq_error_new(enum iq_code code, const char *fmt, ...) IQ_PRINTF(2, 3);
struct iq_error *iq_error_newv(enum iq_code code, const char *fmt, va_list ap);
/* The static out-of-memory error; freeing it does nothing. */
struct iq_error *iq_error_nomem(void);
/* IQ_E_IO with strerror(err) appended: "<fmt…>: No such file or directory". */
struct iq_error *iq_error_errno(int err, const char *fmt, ...) IQ_PRINTF(2, 3);
/* Set (replace) the hint and return ERR itself. */
struct iq_error *iq_error_hint(struct iq_error *err, const char *fmt, ...) IQ_PRINTF(2, 3);
/* Put "<fmt…>: " in front of the message and return ERR itself. */
struct iq_error *iq_error_prefix(struct iq_error *err, const char *fmt, ...) IQ_PRINTF(2, 3);
/* NULL is allowed. */
void iq_error_free(struct iq_error *err);

/* Return the error of EXPR from this function, if it has one. */
#define IQ_TRY(expr)                                                                              \
	do {                                                                                      \
		struct iq_error *iq_try_err = (expr);                                             \
		if (iq_try_err)                                                                   \
			return iq_try_err;                                                        \
	} while (0)

/*
 * Warnings: things worth telling the user that do not stop the work.  A list is filled by whoever
 * works and shown by whoever talks to the user (the command line, or a program's own code).
 */
struct iq_warnings {
	char **text; /* owned */
	unsigned int nr, room;
	unsigned int dropped; /* beyond IQ_WARNINGS_MAX */
};
#define IQ_WARNINGS_MAX 200

/* Append one; the same text twice is kept once.  W may be NULL. */
void iq_warn(struct iq_warnings *w, const char *fmt, ...) IQ_PRINTF(2, 3);
/* Forget all texts and free them. */
void iq_warnings_clear(struct iq_warnings *w);

#endif
