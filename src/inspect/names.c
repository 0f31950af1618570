// SPDX-License-Identifier: GPL-2.0-or-later
/* What a name in an expression stands for: a symbol, a per-CPU variable, a number without 0x. */
#include "expr.h"
#include <ctype.h>
#include <inquest/module.h>

/* ---- Per-CPU variables ------------------------------------------------------------------------- */

bool iq_symbol_is_percpu(struct iq_kernel *k, const struct iq_symbol *symbol)
{
	uint64_t start = 0, end = 0;
	struct iq_types *types;

	if (symbol->module) {
		/* A module's per-CPU section is not part of its memory: its symbols lie nowhere. */
		struct iq_symbol there;

		return !iq_symbol_at(k, symbol->address, &there) &&
		       k->arch->vm->is_kernel(&k->layout, symbol->address) &&
		       strchr("dDbBrR", symbol->type);
	}
	start = iq_kernel_symbol(k, "__per_cpu_start");
	end = iq_kernel_symbol(k, "__per_cpu_end");
	if (end > start)
		return symbol->address >= start && symbol->address < end;
	types = iq_kernel_types(k);
	return types && iq_variable_type(types, symbol->name);
}

static struct iq_error *percpu_value(const struct iq_scope *s, const struct node *n, uint64_t cpu,
				     const struct iq_symbol *symbol, struct iq_value *ret)
{
	uint64_t offset, address;

	if (!iq_symbol_is_percpu(s->k, symbol))
		return iq_error_new(IQ_E_USAGE,
				    "%s is not a per-CPU variable: it has no copy for CPU %llu",
				    n->name, (unsigned long long)cpu);
	if (cpu > UINT32_MAX || !iq_percpu_offset(s->k, (unsigned int)cpu, &offset))
		return iq_error_new(IQ_E_NOT_FOUND, "no CPU %llu", (unsigned long long)cpu);
	address = symbol->module ? symbol->address + offset
				 : iq_percpu_symbol(s->k, symbol->name, (unsigned int)cpu);
	if (!address)
		return iq_error_new(IQ_E_NOT_FOUND, "%s has no copy for CPU %llu", n->name,
				    (unsigned long long)cpu);
	*ret = (struct iq_value){.type = iq_global_type(s->k, symbol)};
	if (ret->type) {
		ret->in_memory = true;
		ret->address = address;
	} else {
		ret->number = address;
	}
	return NULL;
}

/* ---- Numbers without 0x ------------------------------------------------------------------------ */

static bool hex_word(const struct iq_scope *s, const char *word, uint64_t *ret)
{
	size_t len = strlen(word);
	bool letter = false;

	if (len > 16 || strspn(word, "0123456789abcdefABCDEF") != len)
		return false;
	for (size_t i = 0; i < len; i++)
		letter |= isalpha((unsigned char)word[i]);
	return (s->bare_hex || (letter && len >= 8)) && iq_parse_hex(word, ret);
}

/* ---- Names ------------------------------------------------------------------------------------- */

static struct iq_error *no_symbol(const struct iq_scope *s, const struct node *n)
{
	struct iq_nearest nearest = {.word = n->name};
	struct iq_error *err;

	if (isdigit((unsigned char)n->name[0])) {
		err = iq_error_new(IQ_E_USAGE, "%s at column %zu is not a number", n->name,
				   n->at + 1);
		return iq_error_hint(err, "hexadecimal numbers begin with 0x");
	}
	if (!s->k)
		return iq_error_new(IQ_E_NOT_FOUND, "no symbol %s: there is no kernel", n->name);
	if (n->module)
		err = iq_error_new(IQ_E_NOT_FOUND, "no symbol %s in module %s", n->name, n->module);
	else
		err = iq_error_new(IQ_E_NOT_FOUND, "no symbol %s", n->name);
	iq_kernel_nearest_symbol(s->k, &nearest);
	return iq_nearest_hint(&nearest, err);
}

static bool find_symbol(const struct iq_scope *s, const struct node *n, struct iq_symbol *ret)
{
	char name[512];
	int len = snprintf(name, sizeof(name), "%s%s%s", n->module ? n->module : "",
			   n->module ? ":" : "", n->name);

	return s->k && len > 0 && (size_t)len < sizeof(name) && iq_symbol_named(s->k, name, ret);
}

struct iq_error *name_percpu_value(const struct iq_scope *s, const struct node *n, uint64_t cpu,
				   struct iq_value *ret)
{
	struct iq_symbol symbol;

	if (!find_symbol(s, n, &symbol))
		return no_symbol(s, n);
	return percpu_value(s, n, cpu, &symbol, ret);
}

/* A constant of any enum of the kernel or a module. */
static bool enumerator(const struct iq_scope *s, const char *name, struct iq_value *ret)
{
	struct iq_types *types = s->k ? iq_kernel_types(s->k) : NULL;
	const struct iq_type *t = NULL;
	struct iq_module *const *mods;
	struct iq_error *err;
	unsigned int nr = 0;
	int64_t value = 0;

	if (!types || isdigit((unsigned char)*name))
		return false;
	t = iq_enumerator_by_name(types, name, &value);
	err = t ? NULL : iq_modules(s->k, &mods, &nr);
	for (unsigned int i = 0; !t && !err && i < nr; i++) {
		struct iq_types *m = iq_module_types(s->k, mods[i]);

		/* Its base, the kernel's types, has been looked through. */
		if (m && m != types)
			t = iq_enumerator_by_name(m, name, &value);
	}
	iq_error_free(err);
	if (!t)
		return false;
	*ret = (struct iq_value){.type = t, .number = (uint64_t)value, .enumerator = true};
	return true;
}

bool name_exists(const struct iq_scope *s, const char *name)
{
	struct iq_types *types = s->k ? iq_kernel_types(s->k) : NULL;
	struct iq_symbol symbol;
	struct iq_value v;
	bool found = false;
	int64_t value;

	if (s->local)
		iq_error_free(s->local(s->local_arg, name, &found, &v));
	return found || (s->k && iq_symbol_named(s->k, name, &symbol)) ||
	       (types && iq_enumerator_by_name(types, name, &value));
}

/* ---- 'FILE'::name ------------------------------------------------------------------------------ */

static bool function_in(const struct iq_scope *s, const struct node *n, struct iq_value *ret)
{
	struct iq_symbol symbol;
	unsigned int from = 0, line;
	const char *file;

	while (iq_symtab_by_name(s->k->symbols, n->name, &from, &symbol)) {
		if (!iq_is_text(s->k, symbol.address) ||
		    !iq_kernel_line(s->k, symbol.address, &file, &line) ||
		    !iq_source_is(file, n->file))
			continue;
		*ret = (struct iq_value){.type = iq_global_type(s->k, &symbol),
					 .number = symbol.address};
		if (ret->type) {
			ret->in_memory = true;
			ret->address = symbol.address;
		}
		return true;
	}
	return false;
}

static struct iq_error *value_in_file(const struct iq_scope *s, const struct node *n,
				      struct iq_value *ret)
{
	struct iq_debugfile *f = s->k ? s->k->vmlinux : NULL;
	struct iq_module *const *mods;
	struct iq_error *err = NULL;
	struct iq_variable v = {0};
	unsigned int nr = 0;
	bool found;

	if (!s->k)
		return no_symbol(s, n);
	found = f && iq_debugfile_variable_in(f, n->name, n->file, &v);
	if (!found && function_in(s, n, ret))
		return NULL;
	if (!found)
		err = iq_modules(s->k, &mods, &nr);
	for (unsigned int i = 0; !found && !err && i < nr; i++)
		found = mods[i]->debug &&
			iq_debugfile_variable_in(mods[i]->debug, n->name, n->file, &v);
	iq_error_free(err);
	if (found && v.per_cpu)
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "%s is a per-CPU variable: each CPU has its own",
						  n->name),
				     "name the CPU: per_cpu(%s, 0)", n->name);
	if (found && v.placed) {
		*ret = (struct iq_value){.type = v.type, .in_memory = true, .address = v.address};
		return NULL;
	}
	err = iq_error_new(IQ_E_NOT_FOUND, "no variable or function %s in %s", n->name, n->file);
	return f ? err
		 : iq_error_hint(err, "only debug information knows files: no vmlinux was found");
}

static struct iq_error *local_value(const struct iq_scope *s, const struct node *n, bool *found,
				    struct iq_value *ret)
{
	*found = false;
	if (!s->local || n->module || n->file || n->has_cpu)
		return NULL;
	return s->local(s->local_arg, n->name, found, ret);
}

struct iq_error *name_value(const struct iq_scope *s, const struct node *n, struct iq_value *ret)
{
	struct iq_symbol symbol;
	uint64_t number;
	bool found;

	IQ_TRY(local_value(s, n, &found, ret));
	if (found)
		return NULL;
	if (n->file)
		return value_in_file(s, n, ret);
	if (!find_symbol(s, n, &symbol)) {
		if (!n->module && !n->has_cpu && hex_word(s, n->name, &number)) {
			*ret = (struct iq_value){.number = number};
			return NULL;
		}
		if (!n->module && !n->has_cpu && enumerator(s, n->name, ret))
			return NULL;
		return no_symbol(s, n);
	}
	if (n->has_cpu)
		return percpu_value(s, n, n->cpu, &symbol, ret);
	if (iq_symbol_is_percpu(s->k, &symbol))
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "%s is a per-CPU variable: each CPU has its own",
						  n->name),
				     "name the CPU: %s:0", n->name);
	*ret = (struct iq_value){.type = iq_global_type(s->k, &symbol)};
	if (ret->type) {
		ret->in_memory = true;
		ret->address = symbol.address;
	} else {
		ret->number = symbol.address;
	}
	return NULL;
}
