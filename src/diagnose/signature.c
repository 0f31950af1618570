/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signatures: what two crashes of one bug have in common, whatever the addresses, the build and small
 * offsets.  s1: class and blamed function; s2: class and the chain of the bad value; s3: the innermost functions.
 */
#include "skip.h"
#include "stages.h"

#include <string.h>

#define TOP 8

static void add(char *to, size_t room, const char *text)
{
	size_t len = strlen(to);

	if (len < room)
		snprintf(to + len, room - len, "%s", text);
}

static void by_blame(struct iq_analysis *a, char *s, size_t room)
{
	const struct iq_blame *b = &a->blame;
	const char *name = b->present ? b->function : a->event.symbol.name;
	const char *module = b->present ? b->module : a->event.module;
	char plain[100];

	add(s, room, iq_class_text(a->event.class));
	if (!name)
		return;
	iq_plain_function(name, plain, sizeof(plain));
	add(s, room, ":");
	add(s, room, plain);
	if (module) {
		add(s, room, ":");
		add(s, room, module);
	}
}

/* Numbers in an expression are indices and pids of one case. */
static void add_expression(char *s, size_t room, const char *text)
{
	size_t len = strlen(s);

	for (const char *p = text; *p && len + 1 < room; p++) {
		bool digit = *p >= '0' && *p <= '9' && p > text && p[-1] == '[';

		if (digit) {
			p += strspn(p, "0123456789");
			s[len++] = 'N';
			if (!*p || len + 1 >= room)
				break;
		}
		s[len++] = *p;
	}
	s[len] = '\0';
}

static void by_chain(struct iq_analysis *a, char *s, size_t room)
{
	add(s, room, iq_class_text(a->event.class));
	if (a->culprit.present && a->culprit.expression) {
		add(s, room, ":");
		add_expression(s, room, a->culprit.expression);
	} else if (a->insn.present && a->insn.in_c) {
		add(s, room, ":");
		add_expression(s, room, a->insn.in_c);
	}
	/* The class alone says nothing of which bug it is. */
	if (!strchr(s, ':')) {
		s[0] = '\0';
		by_blame(a, s, room);
	}
}

static void by_frames(const struct iq_case *c, char *s, size_t room)
{
	const struct iq_analysis *a = &c->analysis;
	unsigned int taken = 0, from = a->event.frame >= 0 ? (unsigned int)a->event.frame : 0;

	for (unsigned int i = from; c->has_trace && i < c->trace.nr && taken < TOP; i++) {
		const char *name = c->trace.frames[i].symbol.name;
		char plain[100];

		if (!name || !c->trace.frames[i].reliable || iq_skip_entry(name))
			continue;
		iq_plain_function(name, plain, sizeof(plain));
		if (strlen(s) + strlen(plain) + 2 >= room)
			break;
		add(s, room, taken++ ? "|" : "");
		add(s, room, plain);
	}
	if (!taken)
		add(s, room, iq_class_text(a->event.class));
}

struct iq_error *iq_stage_signature(struct iq_case *c)
{
	struct iq_analysis *a = &c->analysis;

	for (unsigned int i = 0; i < 3; i++)
		a->signature[i][0] = '\0';
	by_blame(a, a->signature[0], sizeof(a->signature[0]));
	by_chain(a, a->signature[1], sizeof(a->signature[1]));
	by_frames(c, a->signature[2], sizeof(a->signature[2]));
	return NULL;
}
