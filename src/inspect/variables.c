// SPDX-License-Identifier: GPL-2.0-or-later
/* What begins with $: registers, variables of the user's, and the history of values. */
#include "expr.h"
#include <ctype.h>
#include <stdlib.h>

#define MAX_VARIABLES 10000
#define MAX_HISTORY 100000
#define MAX_TEXT 4096 /* of a string that is kept */

struct variable {
	char *name; /* NULL: one of the history */
	struct iq_value value;
};

struct iq_variables {
	struct variable *named, *history;
	unsigned int nr_named, room_named, nr_history, room_history;
};

struct iq_error *iq_variables_new(struct iq_variables **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? NULL : iq_error_nomem();
}

static void clear(struct variable *v)
{
	free((char *)(uintptr_t)v->value.text);
	free(v->name);
}

void iq_variables_free(struct iq_variables *v)
{
	if (!v)
		return;
	for (unsigned int i = 0; i < v->nr_named; i++)
		clear(&v->named[i]);
	for (unsigned int i = 0; i < v->nr_history; i++)
		clear(&v->history[i]);
	free(v->named);
	free(v->history);
	free(v);
}

/* VALUE with a text of its own. */
static struct iq_error *copy(const struct iq_value *value, struct iq_value *ret)
{
	char *text = NULL;

	if (value->text) {
		if (value->text_len > MAX_TEXT)
			return iq_error_new(IQ_E_LIMIT,
					    "strings of more than %d characters are not kept",
					    MAX_TEXT);
		text = malloc(value->text_len + 1);
		if (!text)
			return iq_error_nomem();
		memcpy(text, value->text, value->text_len);
		text[value->text_len] = 0;
	}
	*ret = *value;
	ret->text = text;
	return NULL;
}

/* ---- Variables --------------------------------------------------------------------------------- */

static struct variable *find(struct iq_variables *v, const char *name)
{
	for (unsigned int i = 0; v && i < v->nr_named; i++) {
		if (!strcmp(v->named[i].name, name))
			return &v->named[i];
	}
	return NULL;
}

struct iq_error *iq_variable_set(struct iq_variables *v, const char *name,
				 const struct iq_value *value)
{
	struct variable *known = find(v, name), fresh = {0};

	if (!v)
		return iq_error_new(IQ_E_USAGE, "$%s: variables cannot be set here", name);
	if (!*name || isdigit((unsigned char)*name) || *name == '$')
		return iq_error_new(IQ_E_USAGE, "$%s is of the history: it cannot be set", name);
	if (!known && v->nr_named >= MAX_VARIABLES)
		return iq_error_new(IQ_E_LIMIT, "there are %d variables already", MAX_VARIABLES);
	IQ_TRY(copy(value, &fresh.value));
	if (known) {
		fresh.name = known->name;
		known->name = NULL;
		clear(known);
		*known = fresh;
		return NULL;
	}
	fresh.name = strdup(name);
	if (!fresh.name ||
	    !iq_grow(&v->named, &v->room_named, v->nr_named + 1, sizeof(*v->named))) {
		clear(&fresh);
		return iq_error_nomem();
	}
	v->named[v->nr_named++] = fresh;
	return NULL;
}

struct iq_error *iq_history_add(struct iq_variables *v, const struct iq_value *value,
				unsigned int *n)
{
	struct variable fresh = {0};

	if (v->nr_history >= MAX_HISTORY)
		return iq_error_new(IQ_E_LIMIT, "the history has %d values already", MAX_HISTORY);
	IQ_TRY(copy(value, &fresh.value));
	if (!iq_grow(&v->history, &v->room_history, v->nr_history + 1, sizeof(*v->history))) {
		clear(&fresh);
		return iq_error_nomem();
	}
	v->history[v->nr_history++] = fresh;
	if (n)
		*n = v->nr_history;
	return NULL;
}

/* "": the last value, "$": the one before it, "3": the third, "$3": three before the last. */
static struct iq_error *history_value(const struct iq_variables *v, const char *name,
				      struct iq_value *ret)
{
	uint64_t nr = v ? v->nr_history : 0, n = 0;

	if (!strcmp(name, "$"))
		n = 1;
	else if (*name == '$' && !iq_parse_u64(name + 1, &n))
		return iq_error_new(IQ_E_USAGE, "$%s is no value of the history", name);
	if (*name == '$' || !*name)
		n = n < nr ? nr - n : 0;
	else if (!iq_parse_u64(name, &n))
		return iq_error_new(IQ_E_USAGE, "$%s is no value of the history", name);
	if (!n || n > nr)
		return iq_error_new(IQ_E_NOT_FOUND, "$%s: the history has %llu value%s", name,
				    (unsigned long long)nr, nr == 1 ? "" : "s");
	*ret = v->history[n - 1].value;
	return NULL;
}

/* ---- Registers --------------------------------------------------------------------------------- */

static struct iq_error *known_register(const struct iq_scope *s, const char *name, unsigned int reg)
{
	if (!s->regs)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "$%s: there are no registers", name),
			"they are those of the context's task: set it with set PID");
	if (!iq_reg_known(s->regs, reg))
		return iq_error_new(IQ_E_NOT_FOUND, "the value of $%s is not known", name);
	return NULL;
}

/* A part of a register is an int of its size, as in gdb. */
static struct iq_error *part_value(const struct iq_scope *s, const char *name,
				   const struct iq_reg_part *part, struct iq_value *ret)
{
	IQ_TRY(known_register(s, name, part->reg));
	*ret = (struct iq_value){
		.type = expr_arithmetic_type(part->size == 4   ? "int"
					     : part->size == 2 ? "short"
							       : "signed char"),
		.number = extend(s->regs->value[part->reg] >> part->shift, part->size, true),
	};
	return NULL;
}

struct iq_error *variable_value(const struct iq_scope *s, const char *name, struct iq_value *ret)
{
	const struct iq_arch *arch = s->k ? s->k->arch : NULL;
	const struct variable *v;
	struct iq_reg_part part;
	int reg;

	if (!*name || *name == '$' || isdigit((unsigned char)*name))
		return history_value(s->variables, name, ret);
	reg = arch ? iq_reg_by_name(arch, name) : -1;
	if (reg >= 0) {
		IQ_TRY(known_register(s, name, (unsigned int)reg));
		*ret = (struct iq_value){.number = s->regs->value[reg]};
		return NULL;
	}
	if (arch && arch->reg_part && arch->reg_part(name, &part))
		return part_value(s, name, &part, ret);
	v = find(s->variables, name);
	if (!v)
		return iq_error_new(IQ_E_NOT_FOUND, "no register and no variable is called $%s",
				    name);
	*ret = v->value;
	return NULL;
}
