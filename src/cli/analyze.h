/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What analyze has found out, for its renderers. */
#ifndef INQUEST_CLI_ANALYZE_H
#define INQUEST_CLI_ANALYZE_H

#include "cli.h"
#include <inquest/console.h>

struct analyze_result {
	struct iq_case *c;	     /* of a dump; NULL: of a log */
	struct iq_console *console;  /* of a log */
	const struct iq_analysis *a; /* never NULL */
	bool redact;
};

/* analyze_text.c: the report. */
void analyze_text(struct session *s, const struct result *r, struct iq_buf *out);
/* analyze_json.c */
json_t *analyze_json(struct session *s, const struct result *r);
/* What the dump did not hold, a line each: what the report can therefore not say. */
void analyze_missing(struct session *s, struct iq_buf *out);

/* redact.c: B (from byte FROM on) without names of hosts, addresses of machines and people, and quoted text. */
void redact_text(const char *nodename, struct iq_buf *b, size_t from);
/* The same of all strings below V. */
void redact_json(const char *nodename, json_t *v);
/* The host's name as the dump has it; "" unknown.  65 bytes. */
void redact_nodename(struct session *s, char *name);

/* cmd_analyze.c: `inquest analyze --log PATH` ("-": standard input), which opens no dump. */
struct iq_error *analyze_log_file(struct session *s, const char *path, bool redact,
				  struct iq_buf *out) IQ_CHECK;
/* Two lines for the prompt's greeting, of what costs nothing to find out; nothing if that is nothing. */
void analyze_greeting(struct session *s, struct iq_buf *out);

#endif
