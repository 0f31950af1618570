// SPDX-License-Identifier: GPL-2.0-or-later
/* whatis: what a name is declared as (a type, a function, a variable), or what lies at an address. */
#include "place.h"
#include "show.h"
#include "type_find.h"
#include "struct.h"
#include "whatis_search.h"
#include "whatis_user.h"
#include "slab_tracks.h"
#include <inttypes.h>
#include <stdlib.h>

enum what { WHAT_TYPE, WHAT_MEMBER, WHAT_ENUMERATOR, WHAT_SYMBOL, WHAT_UNTYPED, WHAT_PLACE };

struct whatis_result {
	enum what what;
	const struct iq_type *type;
	struct iq_symbol symbol;
	struct iq_module *module; /* whose types know it; NULL: the kernel's */
	char *name, *path; /* path: WHAT_MEMBER */
	struct iq_member member;
	int64_t value; /* WHAT_ENUMERATOR */
	bool offsets, percpu;
	struct iq_describer *d; /* WHAT_PLACE */
	struct iq_whatis place;
	bool physical, user;
	struct user_place in_task; /* user */
};

static void free_result(void *data)
{
	struct whatis_result *x = data;

	iq_describer_close(x->d);
	free(x->name);
	free(x->path);
	free(x);
}

static void put_declaration(const struct whatis_result *x, struct iq_buf *out)
{
	if (x->what == WHAT_UNTYPED)
		iq_buf_printf(out, "<%s, type not in BTF> %s;",
			      strchr("tTwW", x->symbol.type) ? "function" : "variable",
			      x->symbol.name);
	else
		iq_type_declare(x->type, x->symbol.name, out);
	if (x->what == WHAT_SYMBOL)
		iq_buf_putc(out, ';');
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct whatis_result *x = r->data;

	switch (x->what) {
	case WHAT_MEMBER:
		iq_buf_printf(out, "%s %s {\n", tag_of(x->type), x->name);
		iq_error_free(iq_type_define_member(x->type, x->path,
						    &(struct iq_define){.offsets = true}, out));
		iq_buf_puts(out, "}\n");
		break;
	case WHAT_TYPE:
		iq_type_define(x->type, &(struct iq_define){.offsets = x->offsets}, out);
		iq_buf_putc(out, '\n');
		if (iq_type_strip(x->type)->kind != IQ_KIND_ENUM)
			iq_buf_printf(out, "SIZE: %" PRIu64 "\n", iq_type_strip(x->type)->size);
		break;
	case WHAT_ENUMERATOR:
		iq_type_declare(x->type, "", out);
		iq_buf_printf(out, " = %" PRId64 "\n", x->value);
		break;
	case WHAT_PLACE:
		if (x->user)
			text_user_place(s, &x->in_task, out);
		iq_whatis_lines(s->kernel, &x->place, out);
		if (x->place.has_slab) {
			size_t before = out->len;

			text_cache_origin(s, x->place.object.slab.cache, "  cache ", out);
			if (out->len > before)
				iq_buf_putc(out, '\n');
			text_slab_tracks(s, &x->place.object, out);
			text_slab_damage(s, &x->place.object, out);
		}
		break;
	default:
		put_declaration(x, out);
		iq_buf_putc(out, '\n');
		break;
	}
}

static void json_symbol(const struct whatis_result *x, json_t *o)
{
	struct iq_buf text = {0};

	put_declaration(x, &text);
	json_object_set_new(o, "kind",
			    json_string(strchr("tTwW", x->symbol.type) ? "function" : "variable"));
	json_object_set_new(o, "name", json_text(x->symbol.name, strlen(x->symbol.name)));
	json_object_set_new(o, "address",
			    x->percpu ? json_null() : json_address(x->symbol.address));
	json_object_set_new(o, "percpu", json_boolean(x->percpu));
	json_object_set_new(o, "type", json_ctype(x->type));
	json_object_set_new(o, "declaration",
			    x->type ? json_text(iq_buf_str(&text), text.len) : json_null());
	iq_buf_free(&text);
}

static void json_definition(const struct whatis_result *x, json_t *o)
{
	const struct iq_type *t = iq_type_strip(x->type);
	struct iq_buf text = {0};

	iq_type_define(x->type, &(struct iq_define){.offsets = x->offsets}, &text);
	json_object_set_new(o, "kind", json_string("type"));
	json_object_set_new(o, "name", json_text(x->name, strlen(x->name)));
	json_object_set_new(o, "type", json_ctype(x->type));
	json_object_set_new(o, "size", json_integer((json_int_t)t->size));
	json_object_set_new(o, "definition", json_text(iq_buf_str(&text), text.len));
	if (t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION)
		json_object_set_new(o, "members", json_members(NULL, x->type, 0));
	if (t->kind == IQ_KIND_ENUM)
		json_object_set_new(o, "enumerators", json_enumerators(t));
	iq_buf_free(&text);
}

static void json_enumerator(const struct whatis_result *x, json_t *o)
{
	json_object_set_new(o, "kind", json_string("enumerator"));
	json_object_set_new(o, "name", json_text(x->name, strlen(x->name)));
	json_object_set_new(o, "type", json_ctype(x->type));
	json_object_set_new(o, "value", json_enumerator_value(x->type, x->value));
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct whatis_result *x = r->data;
	json_t *o;

	if (x->what == WHAT_PLACE) {
		o = json_whatis(s, &x->place);
		if (x->user) {
			json_object_set_new(o, "space", json_string("user"));
			json_user_place(s, &x->in_task, json_object_get(o, "kinds"));
		}
		return o;
	}
	if (x->what == WHAT_MEMBER) {
		o = json_member(NULL, x->path, &x->member, 0);
		json_object_set_new(o, "kind", json_string("member"));
		json_object_set_new(o, "of", json_text(x->name, strlen(x->name)));
		return o;
	}
	o = json_object();
	if (x->what == WHAT_TYPE)
		json_definition(x, o);
	else if (x->what == WHAT_ENUMERATOR)
		json_enumerator(x, o);
	else
		json_symbol(x, o);
	json_object_set_new(o, "module", json_module(x->module));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Looking up -------------------------------------------------------------------------------- */

static bool says_type(const char *name)
{
	static const char *const words[] = {"struct ", "union ",    "enum ",
					    "const ",  "unsigned ", "signed "};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(words); i++) {
		if (!strncmp(name, words[i], strlen(words[i])))
			return true;
	}
	return strchr(name, '*') != NULL;
}

/*
 * As gdb and crash have it, a function or variable comes before a type of the same name; but one whose
 * type is not known only if there is no type.
 */
static bool find_symbol(struct iq_kernel *k, const char *name, struct whatis_result *x)
{
	if (says_type(name) || !iq_symbol_named(k, name, &x->symbol))
		return false;
	x->type = iq_global_type(k, &x->symbol);
	x->percpu = iq_symbol_is_percpu(k, &x->symbol);
	x->module = x->symbol.module ? iq_module_by_name(k, x->symbol.module) : NULL;
	x->what = x->type ? WHAT_SYMBOL : WHAT_UNTYPED;
	return true;
}

/* A static function of many copies, or one that BTF knows but kallsyms calls otherwise. */
static bool find_function(struct iq_kernel *k, const char *name, struct whatis_result *x)
{
	struct iq_types *types = iq_kernel_types(k);
	unsigned int matches = 0;

	x->type = types ? iq_function_by_name(types, name, &matches) : NULL;
	if (!x->type || matches != 1)
		return false;
	x->symbol = (struct iq_symbol){.name = x->name, .type = 't'};
	x->what = WHAT_SYMBOL;
	return true;
}

static const char *behind_tag(const char *name)
{
	static const char *const tags[] = {"struct ", "union ", "enum "};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(tags); i++) {
		if (!strncmp(name, tags[i], strlen(tags[i])))
			return name + strlen(tags[i]);
	}
	return name;
}

static bool type_exists(struct iq_kernel *k, const char *name)
{
	char plain[512];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "#"), name);
	return iq_kernel_type(k, plain, NULL) != NULL;
}

/* The type NAME; as crash has it, "struct" in front of a typedef does not matter. */
static struct iq_error *find_named(struct session *s, const char *name, struct whatis_result *x)
{
	struct found_type found;
	struct iq_types *types;
	struct iq_error *err;

	IQ_TRY(iq_kernel_need_types(s->kernel, &types));
	if (!type_exists(s->kernel, name))
		name = behind_tag(name);
	/* Nearest spellings are of no use if it is something else than a type. */
	if (!type_exists(s->kernel, name))
		return iq_error_new(IQ_E_NOT_FOUND, "no type %s", name);
	IQ_TRY(find_type(s, name, WANT_ANY, &found));
	x->type = found.type;
	x->module = found.module;
	err = warn_of_others(s, &found);
	free(found.name);
	return err;
}

static struct iq_error *unknown(struct iq_kernel *k, const char *name)
{
	struct iq_nearest n = {.word = name};
	struct iq_types *types = NULL;
	struct iq_error *err = iq_kernel_need_types(k, &types);

	if (err)
		return iq_error_prefix(err, "no function or variable %s; as a type", name);
	iq_types_nearest(types, &n);
	iq_kernel_nearest_symbol(k, &n);
	return iq_nearest_hint(
		&n, iq_error_new(IQ_E_NOT_FOUND, "no type, function or variable %s", name));
}

static struct iq_error *find_member(struct session *s, const char *name, struct whatis_result *x)
{
	const char *dot = strchr(name, '.');
	char *whole = x->name; /* which NAME may be */
	struct iq_error *err;

	name = behind_tag(name);
	x->path = strdup(dot + 1);
	x->name = strndup(name, (size_t)(dot - name));
	err = x->name && x->path ? find_named(s, x->name, x) : iq_error_nomem();
	free(whole);
	if (err && err->code == IQ_E_NOT_FOUND) {
		iq_error_free(err);
		return unknown(s->kernel, x->name);
	}
	if (err)
		return err;
	x->what = WHAT_MEMBER;
	return iq_member_find(x->type, x->path, &x->member);
}

/* A constant of an enum, of the kernel or of a module. */
static bool find_enumerator(struct iq_kernel *k, const char *name, struct whatis_result *x)
{
	struct iq_types *types = iq_kernel_types(k);
	struct iq_module *const *modules;
	struct iq_error *err;
	unsigned int nr = 0;

	x->type = types ? iq_enumerator_by_name(types, name, &x->value) : NULL;
	err = x->type || !types ? NULL : iq_modules(k, &modules, &nr);
	for (unsigned int i = 0; !err && !x->type && i < nr; i++) {
		types = iq_module_types(k, modules[i]);
		x->type = types ? iq_enumerator_by_name(types, name, &x->value) : NULL;
		x->module = x->type ? modules[i] : NULL;
	}
	iq_error_free(err);
	x->what = x->type ? WHAT_ENUMERATOR : x->what;
	return x->type;
}

static struct iq_error *look_up(struct session *s, const char *name, struct whatis_result *x)
{
	struct iq_kernel *k = s->kernel;
	bool symbol = find_symbol(k, name, x);
	struct whatis_result found = *x;
	struct iq_error *err;

	if (symbol && x->what == WHAT_SYMBOL)
		return NULL;
	if (!symbol && find_function(k, name, x))
		return NULL;
	err = find_named(s, name, x);
	if (!err) {
		x->what = WHAT_TYPE;
		return NULL;
	}
	if (!symbol && err->code == IQ_E_NOT_FOUND && find_enumerator(k, name, x)) {
		iq_error_free(err);
		return NULL;
	}
	iq_error_free(err);
	if (symbol) {
		x->what = found.what;
		x->type = NULL;
		return NULL;
	}
	/* __already_done.10 is a symbol, task_struct.comm a member. */
	return strchr(name, '.') ? find_member(s, name, x) : unknown(k, name);
}

/* Digits, a symbol with an offset, or something in parentheses: no name of anything. */
static bool is_address(const char *word)
{
	return word[0] == '(' || strpbrk(word, "+") ||
	       strspn(word, "0123456789abcdefABCDEFx") == strlen(word);
}

static struct iq_error *look_up_user(struct session *s, uint64_t address, struct whatis_result *x)
{
	IQ_TRY(user_place(s, x->d, address, &x->in_task, &x->place));
	x->user = true;
	return NULL;
}

static struct iq_error *look_up_place(struct session *s, const char *word, struct whatis_result *x)
{
	const struct iq_kernel *k = s->kernel;
	uint64_t address;
	bool physical;

	IQ_TRY(parse_place(s, word, &address, &physical));
	IQ_TRY(open_describer(s, &x->d));
	x->what = WHAT_PLACE;
	session_context(s);
	if (!physical && !x->physical && s->has_task && s->task.mm &&
	    k->arch->vm->canonical(&k->layout, address) &&
	    !k->arch->vm->is_kernel(&k->layout, address))
		return look_up_user(s, address, x);
	iq_whatis(x->d, address, physical || x->physical, &x->place);
	return NULL;
}

static struct iq_error *name_or_place(struct session *s, struct whatis_result *x)
{
	char *name = strdup(x->name); /* look_up() may cut the other one */
	struct iq_error *err, *no_place;

	if (!name)
		return iq_error_nomem();
	if (is_object_address(name)) { /* no symbol has such a name: do not look for similar ones */
		free(name);
		return look_up_place(s, x->name, x);
	}
	err = x->physical ? NULL : look_up(s, x->name, x);
	if (x->physical || (err && err->code == IQ_E_NOT_FOUND && is_address(name))) {
		no_place = look_up_place(s, name, x);
		/* What is wrong with an address that is none says more than that it is no name. */
		iq_error_free(err);
		err = no_place;
	}
	free(name);
	return err;
}

/* The words put together: "struct list_head" is one name. */
static struct iq_error *parse(int argc, char **argv, struct whatis_result *x,
			      struct whatis_search *search)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_buf name = {0};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "opr:m:t:n:", &err);

		if (!err && option != -1 && strchr("rmtn", option))
			err = whatis_search_option(search, option, o.value);
		if (err)
			break;
		x->offsets |= option == 'o';
		x->physical |= option == 'p';
		if (option != -1)
			continue;
		if (o.index >= argc)
			break;
		iq_buf_printf(&name, "%s%s", name.len ? " " : "", argv[o.index++]);
	}
	if (!err && !name.len && !search->asked)
		err = iq_error_hint(iq_error_new(IQ_E_USAGE, "the name is missing"), "whatis NAME");
	if (!err && name.len && search->asked)
		err = iq_error_hint(
			iq_error_new(IQ_E_USAGE, "%s: a search takes no name", iq_buf_str(&name)),
			"whatis -t REGEX searches names of types");
	if (!err && name.len) {
		x->name = iq_buf_steal(&name);
		err = x->name ? NULL : iq_error_nomem();
	}
	search->show_members |= x->offsets && search->q.member_type;
	iq_buf_free(&name);
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct whatis_result *x = calloc(1, sizeof(*x));
	struct whatis_search search = {0};
	struct iq_kernel *k;
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	err = parse(argc, argv, x, &search);
	if (!err)
		err = need_kernel(s, &k);
	if (!err && search.asked) {
		free_result(x);
		return whatis_search_run(s, &search, r);
	}
	if (!err)
		err = name_or_place(s, x);
	if (err)
		free_result(x);
	else
		*r = (struct result){&ops, x};
	return err;
}

const struct command cmd_whatis = {
	.name = "whatis",
	.summary = "declaration of a name, what lies at an address, or types of a size or with a "
		   "member",
	.help = "whatis [-o] NAME\n"
		"whatis [-r SIZE|LOW-HIGH] [-m TYPE] [-t REGEX] [-n REGEX]\n"
		"whatis [-p] ADDRESS\n\n"
		"NAME is a type (struct list_head, gfp_t, enum zone_type), a member "
		"(task_struct.comm), a\n"
		"constant of an enum, a function or a variable.  What lies at ADDRESS is told from "
		"the\n"
		"outermost to the innermost, one line each: page, vmalloc area, module, per-CPU "
		"variable,\n"
		"symbol, slab object, stack.\n\n"
		"  -o        offsets of the members\n"
		"  -p        ADDRESS is physical\n\n"
		"Types of the kernel and of its modules can be searched.  What is given must all "
		"hold:\n\n"
		"  -r SIZE   of this size, or of LOW to HIGH bytes\n"
		"  -m TYPE   with a member whose type, or what it points to, has TYPE in its name; "
		"also members\n"
		"            of what lies inside.  With -o they are shown\n"
		"  -t REGEX  whose name fits an extended regular expression\n"
		"  -n REGEX  with members whose names fit; they are shown with their offsets\n\n"
		"  whatis vfs_write\n"
		"  whatis -o spinlock_t\n"
		"  whatis ffff8a92627a6668\n"
		"  whatis -r 96 -m list_head\n"
		"  whatis -n '^i_size$'\n",
	.run = run,
	.completes = "ts",
	.no_context = true,
};
