// SPDX-License-Identifier: GPL-2.0-or-later
/* Types by what the user typed, and all that share a name. */
#include "type_find.h"
#include <ctype.h>
#include <stdlib.h>

#define MAX_SAME_NAME 20000 /* types of one name that are looked at */
#define MAX_LAYOUTS 1000 /* that are kept */

bool is_aggregate(const struct iq_type *t)
{
	enum iq_kind kind = t ? iq_type_strip(t)->kind : IQ_KIND_VOID;

	return kind == IQ_KIND_STRUCT || kind == IQ_KIND_UNION;
}

const char *tag_of(const struct iq_type *t)
{
	enum iq_kind kind = iq_type_strip(t)->kind;

	return kind == IQ_KIND_UNION || kind == IQ_KIND_INCOMPLETE_UNION ? "union"
	       : kind == IQ_KIND_ENUM					 ? "enum"
									 : "struct";
}

json_t *json_module(const struct iq_module *m)
{
	return m ? json_text(m->name, strlen(m->name)) : json_null();
}

json_t *json_enumerator_value(const struct iq_type *t, int64_t value)
{
	bool is_signed = iq_type_strip(t)->encoding == IQ_ENC_SIGNED;

	return value < 0 && !is_signed ? json_address((uint64_t)value) : json_integer(value);
}

json_t *json_enumerators(const struct iq_type *t)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:o}", "name",
						json_text(e[i].name, strlen(e[i].name)), "value",
						json_enumerator_value(t, e[i].value)));
	return list;
}

/* ---- All of one name --------------------------------------------------------------------------- */

void layouts_free(struct layouts *l)
{
	for (unsigned int i = 0; i < l->nr; i++)
		free(l->layout[i].text);
	free(l->layout);
	*l = (struct layouts){0};
}

/* T, unless one like it is there already; SEEN has their hashes. */
static struct iq_error *add_layout(struct layouts *l, struct iq_map *seen, const struct iq_type *t,
				   struct iq_module *module)
{
	struct iq_buf text = {0};
	uint64_t hash;

	iq_type_define(t, &(struct iq_define){.offsets = true}, &text);
	iq_buf_printf(&text, "\n%llu", (unsigned long long)iq_type_strip(t)->size);
	hash = iq_hash_mem(iq_buf_str(&text), text.len);
	if (iq_map_get(seen, hash)) {
		iq_buf_free(&text);
		return NULL;
	}
	if (text.failed || !iq_map_put(seen, hash, (void *)(uintptr_t)t) ||
	    !iq_grow(&l->layout, &l->room, l->nr + 1, sizeof(*l->layout))) {
		iq_buf_free(&text);
		return iq_error_nomem();
	}
	l->layout[l->nr++] =
		(struct layout){.type = t, .text = iq_buf_steal(&text), .module = module};
	return NULL;
}

/* T and those of its name behind it in the same source. */
static struct iq_error *add_same_name(struct layouts *l, struct iq_map *seen,
				      const struct iq_type *t, struct iq_module *module)
{
	for (unsigned int i = 0; t && i < MAX_SAME_NAME && l->nr < MAX_LAYOUTS; i++) {
		IQ_TRY(add_layout(l, seen, t, module));
		t = iq_type_next_same_name(t);
	}
	return NULL;
}

/* The kernel's first, then by size and text. */
static int compare_layouts(const void *a, const void *b)
{
	const struct layout *x = a, *y = b;
	uint64_t xs = iq_type_strip(x->type)->size, ys = iq_type_strip(y->type)->size;

	if (x->module != y->module && (!x->module || !y->module))
		return x->module ? 1 : -1;
	if (xs != ys)
		return xs < ys ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* The name of T as iq_type_by_name() takes it. */
static void full_name(const struct iq_type *t, struct iq_buf *out)
{
	static const char *const tags[] = {
		[IQ_KIND_STRUCT] = "struct ", [IQ_KIND_UNION] = "union ", [IQ_KIND_ENUM] = "enum "};

	if (t->kind < IQ_ARRAY_SIZE(tags) && tags[t->kind])
		iq_buf_puts(out, tags[t->kind]);
	iq_buf_puts(out, t->name);
}

static struct iq_error *add_of_modules(struct iq_kernel *k, struct layouts *l, struct iq_map *seen,
				       const struct iq_type *t, const char *name)
{
	struct iq_module *const *mods;
	unsigned int nr = 0;

	IQ_TRY(iq_modules(k, &mods, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_types *own = iq_module_types(k, mods[i]);
		const struct iq_type *first = own ? iq_type_by_name(own, name) : NULL;

		/* A module's source answers for the kernel's types as well. */
		if (first && first->kind == t->kind && first->types == own)
			IQ_TRY(add_same_name(l, seen, first, mods[i]));
	}
	return NULL;
}

struct iq_error *find_layouts(struct session *s, const struct iq_type *t, bool modules,
			      struct layouts *ret)
{
	const struct iq_type *named = iq_type_unqualified(t), *first;
	struct iq_types *types = iq_kernel_types(s->kernel);
	struct layouts l = {0};
	struct iq_map seen = {0};
	struct iq_buf name = {0};
	struct iq_error *err = NULL;

	full_name(named, &name);
	first = types ? iq_type_by_name(types, iq_buf_str(&name)) : NULL;
	if (first && first->kind == named->kind)
		err = add_same_name(&l, &seen, first, NULL);
	/* One that only a module has is found there. */
	if (!err && (modules || !l.nr))
		err = add_of_modules(s->kernel, &l, &seen, named, iq_buf_str(&name));
	iq_buf_free(&name);
	iq_map_free(&seen);
	if (err) {
		layouts_free(&l);
		return err;
	}
	if (l.nr > 1)
		qsort(l.layout, l.nr, sizeof(*l.layout), compare_layouts);
	*ret = l;
	return NULL;
}

/* ---- One of them ------------------------------------------------------------------------------- */

struct iq_error *unknown_type(struct iq_kernel *k, const char *what, const char *name)
{
	struct iq_nearest n = {.word = name};
	struct iq_module *const *mods;
	struct iq_types *types;
	struct iq_error *err;
	unsigned int nr = 0;
	char without[256] = "";

	IQ_TRY(iq_kernel_need_types(k, &types));
	iq_types_nearest(types, &n);
	err = iq_modules(k, &mods, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		struct iq_types *own = iq_module_types(k, mods[i]);

		if (own)
			iq_types_nearest(own, &n);
		else if (!*without)
			snprintf(without, sizeof(without), "%s", mods[i]->name);
	}
	iq_error_free(err);
	err = iq_error_new(IQ_E_NOT_FOUND, "no %s %s in the types of this dump", what, name);
	if (*without)
		err = iq_error_hint(err,
				    "a type of a module without BTF (such as %s) cannot be known",
				    without);
	return iq_nearest_hint(&n, err);
}

static bool is_wanted(const struct iq_type *t, enum type_want want)
{
	if (want == WANT_ENUM)
		return iq_type_strip(t)->kind == IQ_KIND_ENUM;
	return want == WANT_ANY || is_aggregate(t);
}

/* NAME with the tags that it may have, in the order in which the command wants them. */
static const struct iq_type *by_tags(struct iq_kernel *k, const char *name, enum type_want want,
				     struct iq_module **module, bool *other)
{
	static const char *const tags[][3] = {
		[WANT_STRUCT] = {"struct ", "union ", ""},
		[WANT_UNION] = {"union ", "struct ", ""},
		[WANT_ENUM] = {"enum ", "", NULL},
		[WANT_ANY] = {"", NULL, NULL},
	};

	for (unsigned int i = 0; i < 3 && tags[want][i]; i++) {
		struct iq_buf full = {0};
		const struct iq_type *t;

		iq_buf_printf(&full, "%s%s", tags[want][i], name);
		t = iq_kernel_type(k, iq_buf_str(&full), module);
		iq_buf_free(&full);
		if (t && is_wanted(t, want))
			return t;
		*other |= t != NULL;
	}
	return NULL;
}

/* "struct foo" typed behind a command that says so already. */
static const char *without_tag(const char *name, enum type_want *want)
{
	static const char *const tags[] = {
		[WANT_STRUCT] = "struct ", [WANT_UNION] = "union ", [WANT_ENUM] = "enum "};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(tags); i++) {
		size_t len = strlen(tags[i]);

		if (strncmp(name, tags[i], len))
			continue;
		if (*want != WANT_ANY)
			*want = (enum type_want)i;
		while (*want != WANT_ANY && name[len] == ' ')
			len++;
		return *want != WANT_ANY ? name + len : name;
	}
	return name;
}

/* "foo#2": cut the number off NAME; false: it is none. */
static bool take_number(char *name, uint64_t *number)
{
	char *hash = strrchr(name, '#');

	*number = 1;
	if (!hash)
		return true;
	if (!isdigit((unsigned char)hash[1]) || !iq_parse_u64(hash + 1, number) || !*number)
		return false;
	*hash = '\0';
	return true;
}

static struct iq_error *choose(struct session *s, uint64_t number, struct found_type *f)
{
	struct layouts l;

	IQ_TRY(find_layouts(s, f->type, true, &l));
	if (number > l.nr) {
		struct iq_error *err = iq_error_new(IQ_E_NOT_FOUND,
						    "there is no %s#%llu, but only %u of that name",
						    f->name, (unsigned long long)number, l.nr);

		layouts_free(&l);
		return err;
	}
	f->type = l.layout[number - 1].type;
	f->module = l.layout[number - 1].module;
	layouts_free(&l);
	return NULL;
}

struct iq_error *warn_of_others(struct session *s, const struct found_type *f)
{
	const struct iq_type *t = iq_type_unqualified(f->type);
	struct layouts l, one = {0};
	struct iq_map seen = {0};
	struct iq_error *err;
	unsigned int number = 0;

	if (f->chosen || !iq_type_next_same_name(t))
		return NULL;
	IQ_TRY(find_layouts(s, t, false, &l));
	err = add_layout(&one, &seen, t, NULL);
	for (unsigned int i = 0; !err && i < l.nr && one.nr; i++) {
		if (!strcmp(l.layout[i].text, one.layout[0].text))
			number = i + 1;
	}
	if (!err && l.nr > 1)
		iq_warn(&s->warnings,
			"there are %u different types %s: this is %s#%u, struct -a %s shows all",
			l.nr, f->name, f->name, number, f->name);
	iq_map_free(&seen);
	layouts_free(&one);
	layouts_free(&l);
	return err;
}

static struct iq_error *not_found(struct iq_kernel *k, const char *name, enum type_want want,
				  bool other)
{
	static const char *const what[] = {[WANT_STRUCT] = "struct or union",
					   [WANT_UNION] = "struct or union",
					   [WANT_ENUM] = "enum",
					   [WANT_ANY] = "type"};

	if (other)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "%s is not %s %s", name,
						  want == WANT_ENUM ? "an" : "a", what[want]),
				     "whatis %s says what it is", name);
	return unknown_type(k, what[want], name);
}

struct iq_error *find_type(struct session *s, const char *word, enum type_want want,
			   struct found_type *ret)
{
	struct found_type f = {0};
	struct iq_error *err = NULL;
	struct iq_types *types;
	bool other = false;
	uint64_t number;

	IQ_TRY(iq_kernel_need_types(s->kernel, &types));
	f.name = strdup(without_tag(word, &want));
	if (!f.name)
		return iq_error_nomem();
	if (!take_number(f.name, &number))
		err = iq_error_hint(iq_error_new(IQ_E_USAGE, "%s does not end in a number", word),
				    "the second type of a name is meant by NAME#2");
	if (!err) {
		f.type = by_tags(s->kernel, f.name, want, &f.module, &other);
		if (!f.type)
			err = not_found(s->kernel, f.name, want, other);
	}
	if (!err && strchr(word, '#')) {
		f.chosen = true;
		err = choose(s, number, &f);
	}
	if (err)
		free(f.name);
	else
		*ret = f;
	return err;
}
