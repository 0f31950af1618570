/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of reading a console log. */
#ifndef INQUEST_DIAGNOSE_CONSOLE_H
#define INQUEST_DIAGNOSE_CONSOLE_H

#include "case.h"

#include <inquest/console.h>

/* A line without what consoles and loggers put in front of it. */
struct console_line {
	const char *s;	    /* in the reader's own text; NUL-terminated */
	unsigned int number;/* in the file, from 1 */
	char caller[12];    /* printk's caller id, "T123", "C0"; "" none */
};

struct console_text {
	char *text; /* cleaned copy; owned */
	struct console_line *lines;
	unsigned int nr, room;
};
struct iq_error *iq_console_lines(const char *text, size_t len, struct console_text *ret) IQ_CHECK;
void iq_console_lines_free(struct console_text *t);

/* How much a report means. */
enum head_weight {
	HEAD_NONE,
	HEAD_WARN,  /* the kernel goes on as if nothing had been */
	HEAD_STATE, /* it goes on, but something hangs, or may */
	HEAD_DAMAGE,/* memory is damaged, or would have been */
	HEAD_FATAL, /* oops, BUG, panic */
};
struct head {
	enum head_weight weight;
	enum iq_class class;
	bool panic;	   /* "Kernel panic": something may have been reported before */
	const char *at;	   /* where in the line it begins */
};
/* Is the line S the first of a report? */
bool iq_console_head(const char *s, struct head *ret);
/* What a panic's words refer to. */
enum iq_class iq_console_panic(const char *words);

/* "function+0x12/0x40 [module]" at the start of S, or behind what stands in front of it; the rest in *END. */
struct console_symbol {
	char function[128], module[57]; /* "" none */
	uint64_t offset, size;
};
bool iq_console_symbol(const char *s, struct console_symbol *ret, const char **end);

/* What the lines of a report say: into C, from line FIRST on. */
void iq_console_details(struct iq_console *c, const struct console_text *t, unsigned int first,
			const struct head *head);

/* console_mce.c: findings about the machine checks in the text; those that explain the event of C are its cause. */
void iq_console_machine_checks(struct iq_case *c, const struct console_text *t);

#endif
