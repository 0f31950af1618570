// SPDX-License-Identifier: GPL-2.0-or-later
/* crash's variables: see set_variables.h. */
#include "set_variables.h"
#include <inquest/debugfile.h>
#include <inttypes.h>
#include <stdlib.h>

enum variable {
	SCROLL, RADIX, REFRESH, PRINT_MAX, PRINT_ARRAY, CONSOLE, DEBUG, CORE, HASH, SILENT, EDIT, NAMELIST,
	DUMPFILE, UNWIND, ZERO_EXCLUDED, NULL_STOP, GDB, SCOPE, OFFLINE, REDZONE, ERROR,
};

/* In the order of crash's list. */
static const struct {
	const char *name;
	/* What it can be, separated by blanks; "#" a number, "*" anything, NULL: nothing, it cannot be set. */
	const char *values;
	const char *initial;
} variables[] = {
	[SCROLL] = {"scroll", "on off less more CRASHPAGER", "on"},
	[RADIX] = {"radix", "10 16 dec hex", NULL},
	[REFRESH] = {"refresh", "on off", "on"},
	[PRINT_MAX] = {"print_max", "#", NULL},
	[PRINT_ARRAY] = {"print_array", "on off", "off"},
	[CONSOLE] = {"console", "*", "not set"},
	[DEBUG] = {"debug", "#", "0"},
	[CORE] = {"core", "on off", "off"},
	[HASH] = {"hash", "on off", "on"},
	[SILENT] = {"silent", "on off", NULL},
	[EDIT] = {"edit", "vi emacs", "emacs"},
	[NAMELIST] = {"namelist", NULL, NULL},
	[DUMPFILE] = {"dumpfile", NULL, NULL},
	[UNWIND] = {"unwind", "on off", "off"},
	[ZERO_EXCLUDED] = {"zero_excluded", "on off", "off"},
	[NULL_STOP] = {"null-stop", "on off", NULL},
	[GDB] = {"gdb", "on off", "off"},
	[SCOPE] = {"scope", "*", "0"},
	[OFFLINE] = {"offline", "show hide", "show"},
	[REDZONE] = {"redzone", "on off", "on"},
	[ERROR] = {"error", "*", "default"},
};
_Static_assert(IQ_ARRAY_SIZE(variables) == NR_CRASH_VARIABLES, "NR_CRASH_VARIABLES");

unsigned int crash_variable(const char *name)
{
	unsigned int i = 0;

	while (i < NR_CRASH_VARIABLES && strcmp(variables[i].name, name))
		i++;
	return i;
}

static bool is_one_of(const char *values, const char *word)
{
	size_t len = strlen(word);

	for (const char *v = values; len; v += strcspn(v, " "), v += strspn(v, " ")) {
		if (!*v)
			return false;
		if (!strncmp(v, word, len) && (!v[len] || v[len] == ' '))
			return true;
	}
	return false;
}

static struct iq_error *check(const char *name, const char *values, const char *value, uint64_t *n)
{
	if (!strcmp(values, "*"))
		return NULL;
	if (!strcmp(values, "#"))
		return iq_parse_u64(value, n) && *n < IQ_UNLIMITED ?
			       NULL : iq_error_new(IQ_E_USAGE, "%s is a number, not %s", name, value);
	if (is_one_of(values, value))
		return NULL;
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s cannot be %s", name, value), "it can be one of %s", values);
}

static struct iq_error *keep(struct session *s, unsigned int variable, const char *value)
{
	char *copy = strdup(value);

	if (copy && !s->crash_variables)
		s->crash_variables = calloc(NR_CRASH_VARIABLES, sizeof(*s->crash_variables));
	if (!copy || !s->crash_variables) {
		free(copy);
		return iq_error_nomem();
	}
	free(s->crash_variables[variable]);
	s->crash_variables[variable] = copy;
	return NULL;
}

struct iq_error *crash_variable_set(struct session *s, unsigned int variable, const char *value)
{
	const char *name = variables[variable].name;
	uint64_t n = 0;

	if (!variables[variable].values)
		return iq_error_new(IQ_E_USAGE, "%s is what was opened: it cannot be set", name);
	IQ_TRY(check(name, variables[variable].values, value, &n));
	switch ((enum variable)variable) {
	case RADIX: s->hex = !strcmp(value, "16") || !strcmp(value, "hex"); return NULL;
	case PRINT_MAX: s->print_elements = n ? (unsigned int)n : IQ_UNLIMITED; return NULL;
	case SILENT: s->silent = !strcmp(value, "on"); return NULL;
	case NULL_STOP: s->print_null_stop = !strcmp(value, "on"); return NULL;
	case SCOPE:
		IQ_TRY(parse_address(s, value, &n));
		break;
	default:
		break;
	}
	return keep(s, variable, value);
}

void crash_variables_free(struct session *s)
{
	for (unsigned int i = 0; s->crash_variables && i < NR_CRASH_VARIABLES; i++)
		free(s->crash_variables[i]);
	free(s->crash_variables);
	s->crash_variables = NULL;
}

/* What it is, as set would take it. */
static void value_text(struct session *s, unsigned int variable, struct iq_buf *out)
{
	const char *kept = s->crash_variables ? s->crash_variables[variable] : NULL;
	unsigned int elements = s->print_elements ? s->print_elements : IQ_DEFAULT_ELEMENTS;
	const char *path;

	switch ((enum variable)variable) {
	case RADIX: iq_buf_puts(out, s->hex ? "16" : "10"); break;
	case PRINT_MAX:
		if (elements == IQ_UNLIMITED)
			iq_buf_puts(out, "unlimited");
		else
			iq_buf_dec(out, elements);
		break;
	case SILENT: iq_buf_puts(out, s->silent ? "on" : "off"); break;
	case NULL_STOP: iq_buf_puts(out, s->print_null_stop ? "on" : "off"); break;
	case NAMELIST:
	case DUMPFILE:
		path = variable == DUMPFILE ? iq_dump_info(s->dump)->path
		       : s->vmlinux	    ? iq_debugfile_path(s->vmlinux)
					    : "(none)";
		iq_buf_add_escaped(out, path, strlen(path), false);
		break;
	default:
		path = kept ? kept : variables[variable].initial;
		iq_buf_add_escaped(out, path, strlen(path), false);
	}
}

/* "0 (not set)", "ffffffff81000000 (schedule)" */
static void scope_text(struct session *s, const char *word, struct iq_buf *out)
{
	struct iq_error *err;
	uint64_t address = 0;
	char name[256];

	err = parse_address(s, word, &address);
	iq_error_free(err);
	iq_buf_printf(out, "%" PRIx64, address);
	if (!address || !s->kernel)
		iq_buf_puts(out, " (not set)");
	else if (iq_symbol_format(s->kernel, address, s->hex, false, name, sizeof(name)))
		iq_buf_printf(out, " (%s)", name);
}

void crash_variable_text(struct session *s, unsigned int variable, bool listed, struct iq_buf *out)
{
	const char *kept = s->crash_variables ? s->crash_variables[variable] : NULL;

	if (!listed && variable == RADIX)
		iq_buf_puts(out, "output ");
	iq_buf_printf(out, "%*s: ", listed ? 14 : 0, variables[variable].name);
	if (variable == SCOPE)
		scope_text(s, kept ? kept : "0", out);
	else
		value_text(s, variable, out);
	if (variable == RADIX)
		iq_buf_puts(out, s->hex ? " (hex)" : " (decimal)");
	iq_buf_putc(out, '\n');
}

void crash_variable_json(struct session *s, unsigned int variable, json_t *o)
{
	struct iq_buf b = {0};

	value_text(s, variable, &b);
	json_object_set_new(o, variables[variable].name, json_text(iq_buf_str(&b), b.len));
	iq_buf_free(&b);
}
