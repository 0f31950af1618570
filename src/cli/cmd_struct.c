// SPDX-License-Identifier: GPL-2.0-or-later
/* struct, union, *: a type's definition, or what lies in memory as that type. */
#include "show.h"
#include <inttypes.h>
#include <stdlib.h>

#define MAX_PATHS 64	  /* members asked for at once */
#define MAX_COUNT 1000000 /* objects in a row */

struct item {
	uint64_t address;
	int cpu; /* -1: not per-CPU */
};

struct struct_result {
	struct iq_kernel *k;
	struct memory memory;
	bool has_memory;
	const struct iq_type *type;
	char *name; /* as typed, without its members */
	char *paths; /* the members' list; path[] points into it */
	const char *path[MAX_PATHS];
	struct iq_member member[MAX_PATHS];
	unsigned int nr_paths;
	struct item *items; /* none: the definition */
	unsigned int nr_items;
	bool offsets;
	struct iq_format format;
};

static void free_result(void *data)
{
	struct struct_result *x = data;

	if (x->has_memory)
		memory_close(&x->memory);
	free(x->name);
	free(x->paths);
	free(x->items);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static const char *tag_of(const struct iq_type *t)
{
	return iq_type_strip(t)->kind == IQ_KIND_UNION ? "union" : "struct";
}

/* Is the member named NAME (LEN characters) the last one where it stands? -1: not found here. */
static int last_in(const struct iq_type *t, const char *name, size_t len, unsigned int depth)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		int inner = -1;

		if (!strncmp(m[i].name, name, len) && !m[i].name[len])
			return i + 1 == nr;
		if (!*m[i].name && depth < 16)
			inner = last_in(m[i].type, name, len, depth + 1);
		if (inner >= 0)
			return inner;
	}
	return -1;
}

/* crash cuts members out of the whole struct: each has its comma but the last. */
static bool has_comma(const struct iq_type *t, const char *path)
{
	const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
	size_t len = strcspn(name, "[");
	struct iq_member parent = {.type = t};
	bool comma = true;

	if (dot) {
		char *up = strndup(path, (size_t)(dot - path));
		struct iq_error *err = up ? iq_member_find(t, up, &parent) : iq_error_nomem();

		free(up);
		if (err) {
			iq_error_free(err);
			return true;
		}
	}
	if (!name[len])
		comma = last_in(parent.type, name, len, 0) != 1;
	return comma;
}

static void text_definition(const struct struct_result *x, uint64_t base, struct iq_buf *out)
{
	if (!x->nr_paths) {
		iq_type_define(x->type, x->offsets, base, out);
		iq_buf_printf(out, "\nSIZE: %" PRIu64 "\n", iq_type_strip(x->type)->size);
		return;
	}
	iq_buf_printf(out, "%s ", tag_of(x->type));
	iq_buf_add_escaped(out, x->name, strlen(x->name), false);
	iq_buf_puts(out, " {\n");
	for (unsigned int i = 0; i < x->nr_paths; i++)
		iq_error_free(iq_type_define_member(x->type, x->path[i], true, base, out));
	iq_buf_puts(out, "}\n");
}

static void text_members(const struct struct_result *x, uint64_t base, struct iq_buf *out)
{
	struct iq_format format = x->format;

	format.indent = 2;
	for (unsigned int i = 0; i < x->nr_paths; i++) {
		const struct iq_member *m = &x->member[i];

		iq_buf_printf(out, "  %s = ", x->path[i]);
		iq_value_print(x->k, x->memory.vm, m->type, base + m->bit_offset / 8,
			       (unsigned int)(m->bit_offset % 8), m->bit_size, &format, out);
		iq_buf_puts(out, has_comma(x->type, x->path[i]) ? ",\n" : "\n");
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct struct_result *x = r->data;

	if (!x->nr_items)
		text_definition(x, 0, out);
	for (unsigned int i = 0; i < x->nr_items; i++) {
		uint64_t address = x->items[i].address;

		if (x->items[i].cpu >= 0)
			iq_buf_printf(out, "[%d]: %" PRIx64 "\n", x->items[i].cpu, address);
		else if (i)
			iq_buf_putc(out, '\n');
		if (x->offsets) {
			text_definition(x, address, out);
		} else if (x->nr_paths) {
			text_members(x, address, out);
		} else {
			iq_buf_printf(out, "%s ", tag_of(x->type));
			iq_buf_add_escaped(out, x->name, strlen(x->name), false);
			iq_buf_putc(out, ' ');
			iq_value_print(x->k, x->memory.vm, x->type, address, 0, 0, &x->format, out);
			iq_buf_putc(out, '\n');
		}
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_item(const struct struct_result *x, const struct item *item)
{
	struct iq_vm *vm = item ? x->memory.vm : NULL;
	uint64_t base = item ? item->address : 0;
	json_t *o = json_object(), *list;

	json_object_set_new(o, "type", json_sprintf("%s %s", tag_of(x->type), x->name));
	json_object_set_new(o, "address", item ? json_address(base) : json_null());
	json_object_set_new(o, "size", json_integer((json_int_t)iq_type_strip(x->type)->size));
	if (item && item->cpu >= 0)
		json_object_set_new(o, "cpu", json_integer(item->cpu));
	list = x->nr_paths ? json_array() : json_members(vm, x->type, base);
	for (unsigned int i = 0; i < x->nr_paths; i++)
		json_array_append_new(list, json_member(vm, x->path[i], &x->member[i], base));
	json_object_set_new(o, "members", list);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct struct_result *x = r->data;
	json_t *o, *list;

	if (x->nr_items <= 1)
		return json_item(x, x->nr_items ? &x->items[0] : NULL);
	/* The first one where one object is, all of them beside it. */
	o = json_item(x, &x->items[0]);
	list = json_array();
	for (unsigned int i = 0; i < x->nr_items; i++)
		json_array_append_new(list, json_item(x, &x->items[i]));
	json_object_set_new(o, "objects", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Words ------------------------------------------------------------------------------------- */

struct request {
	const char *name, *address;
	bool offsets, user, hex, decimal;
	const char *embedded; /* -l */
	int64_t count;
	bool has_count;
};

static struct iq_error *set_count(struct request *q, const char *word)
{
	bool negative = *word == '-';
	uint64_t count;

	IQ_TRY(parse_number(word + negative, "a count", MAX_COUNT, &count));
	q->count = negative ? -(int64_t)count : (int64_t)count;
	q->has_count = true;
	return NULL;
}

static struct iq_error *set_option(struct request *q, int option, const char *value)
{
	switch (option) {
	case 'o':
		q->offsets = true;
		break;
	case 'u':
		q->user = true;
		break;
	case 'x':
		q->hex = true;
		break;
	case 'd':
		q->decimal = true;
		break;
	case 'l':
		q->embedded = value;
		break;
	case 'c':
		return set_count(q, value);
	}
	return NULL;
}

/* Options may stand anywhere among the words. */
static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "oxduc:l:", &err);
		const char *word;

		if (err)
			return err;
		if (option != -1) {
			IQ_TRY(set_option(q, option, o.value));
			continue;
		}
		if (o.index >= argc)
			break;
		word = argv[o.index++];
		if (!q->name)
			q->name = word;
		else if (!q->address)
			q->address = word;
		else if (!q->has_count)
			IQ_TRY(set_count(q, word));
		else
			return iq_error_new(IQ_E_USAGE, "%s: one word too many", word);
	}
	if (q->name && q->address && (!strcmp(q->name, "struct") || !strcmp(q->name, "union")))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s is said twice", q->name),
				     "the name alone will do: struct %s", q->address);
	if (!q->name)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the name of a type is missing"),
				     "struct list_head, struct task_struct.comm,pid ADDRESS");
	return NULL;
}

/* ---- The type ---------------------------------------------------------------------------------- */

static bool is_aggregate(const struct iq_type *t)
{
	enum iq_kind kind = t ? iq_type_strip(t)->kind : IQ_KIND_VOID;

	return kind == IQ_KIND_STRUCT || kind == IQ_KIND_UNION;
}

static struct iq_error *unknown_type(struct iq_kernel *k, const char *name)
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
	err = iq_error_new(IQ_E_NOT_FOUND, "no struct or union %s in the types of this dump", name);
	if (*without)
		err = iq_error_hint(err, "a type of a module without BTF (such as %s) cannot be known", without);
	return iq_nearest_hint(&n, err);
}

/*
 * NAME as struct, union or a typedef of one, the kind that the command is named for first.
 */
static struct iq_error *find_type(struct iq_kernel *k, const char *name, bool unions,
				  const struct iq_type **ret)
{
	static const char *const tags[][3] = {{"struct ", "union ", ""}, {"union ", "struct ", ""}};

	for (unsigned int i = 0; i < 3; i++) {
		struct iq_buf full = {0};
		const struct iq_type *t;

		iq_buf_printf(&full, "%s%s", tags[unions][i], name);
		t = iq_kernel_type(k, iq_buf_str(&full), NULL);
		iq_buf_free(&full);
		if (is_aggregate(t)) {
			*ret = t;
			return NULL;
		}
		if (t && !*tags[unions][i])
			return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "%s is not a struct or union", name),
					     "whatis %s says what it is", name);
	}
	return unknown_type(k, name);
}

/* "name.path,path": cut at the first dot. */
static struct iq_error *split_name(const char *word, struct struct_result *x)
{
	size_t len = strcspn(word, ".");
	char *save = NULL;

	x->name = strndup(word, len);
	x->paths = strdup(word[len] ? word + len + 1 : "");
	if (!x->name || !x->paths)
		return iq_error_nomem();
	for (char *p = strtok_r(x->paths, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (x->nr_paths == MAX_PATHS)
			return iq_error_new(IQ_E_USAGE, "more than %d members", MAX_PATHS);
		x->path[x->nr_paths++] = p;
	}
	return NULL;
}

static struct iq_error *find_members(struct struct_result *x)
{
	for (unsigned int i = 0; i < x->nr_paths; i++)
		IQ_TRY(iq_member_find(x->type, x->path[i], &x->member[i]));
	return NULL;
}

/* ---- The addresses ----------------------------------------------------------------------------- */

/* -l: ADDRESS is that of a member, given as a number or as struct.member. */
static struct iq_error *embedded_offset(struct iq_kernel *k, const char *word, uint64_t *ret)
{
	const char *dot = strchr(word, '.');
	const struct iq_type *t;
	struct iq_member m;
	char *name;
	struct iq_error *err;

	if (!dot)
		return parse_number(word, "an offset", UINT32_MAX, ret);
	name = strndup(word, (size_t)(dot - word));
	if (!name)
		return iq_error_nomem();
	err = find_type(k, name, false, &t);
	free(name);
	if (err)
		return err;
	IQ_TRY(iq_member_find(t, dot + 1, &m));
	*ret = m.bit_offset / 8;
	return NULL;
}

static struct iq_error *add_item(struct struct_result *x, uint64_t address, int cpu)
{
	struct item *items = realloc(x->items, (x->nr_items + 1) * sizeof(*items));

	if (!items)
		return iq_error_nomem();
	x->items = items;
	x->items[x->nr_items++] = (struct item){address, cpu};
	return NULL;
}

/* symbol:cpus, or a per-CPU offset and cpus. */
static struct iq_error *percpu_items(struct session *s, struct struct_result *x, const char *word,
				     const char *spec)
{
	unsigned int *cpus = NULL, nr = 0;
	struct iq_error *err;
	char *name = strndup(word, (size_t)(spec - 1 - word));
	struct iq_symbol symbol;
	uint64_t value, offset;

	if (!name)
		return iq_error_nomem();
	err = parse_cpus(s, spec, &cpus, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		if (iq_symbol_named(x->k, name, &symbol)) {
			struct iq_scope scope = {.k = x->k};
			struct iq_value v;
			struct iq_buf text = {0};

			iq_buf_printf(&text, "%s:%u", name, cpus[i]);
			err = iq_eval(&scope, iq_buf_str(&text), &v);
			iq_buf_free(&text);
			value = err ? 0 : v.in_memory ? v.address : v.number;
		} else if (iq_parse_hex(name, &value) && iq_percpu_offset(x->k, cpus[i], &offset)) {
			value += offset;
		} else {
			err = iq_error_new(IQ_E_NOT_FOUND, "%s is no per-CPU variable", name);
		}
		if (!err)
			err = add_item(x, value, (int)cpus[i]);
	}
	free(cpus);
	free(name);
	return err;
}

static struct iq_error *find_items(struct session *s, struct struct_result *x, const struct request *q)
{
	uint64_t size = iq_type_strip(x->type)->size, address, embedded = 0;
	const char *spec = cpuspec(q->address);
	int64_t count = q->has_count && q->count ? q->count : 1;

	if (spec)
		return percpu_items(s, x, q->address, spec);
	IQ_TRY(parse_address(s, q->address, &address));
	if (q->embedded)
		IQ_TRY(embedded_offset(x->k, q->embedded, &embedded));
	address -= embedded;
	/* A negative count: as many, the last of them at the address. */
	if (count < 0) {
		count = -count;
		address -= size * (uint64_t)(count - 1);
	}
	for (int64_t i = 0; i < count; i++)
		IQ_TRY(add_item(x, address + size * (uint64_t)i, -1));
	return NULL;
}

static struct iq_error *open_memory(struct session *s, struct struct_result *x, const struct request *q)
{
	if (!x->nr_items)
		return NULL;
	IQ_TRY(memory_open(s, q->user ? SPACE_USER : SPACE_KERNEL, x->items[0].address, &x->memory));
	x->has_memory = true;
	return NULL;
}

/* Nothing of the first object can be read: say why instead of showing braces full of it. */
static struct iq_error *check_memory(const struct struct_result *x)
{
	if (!x->nr_items || x->offsets)
		return NULL;
	return memory_check(&x->memory, x->items[0].address, iq_type_strip(x->type)->size);
}

static struct iq_error *fill(struct session *s, const struct request *q, bool unions,
			     struct struct_result *x)
{
	struct iq_types *types;

	IQ_TRY(need_kernel(s, &x->k));
	IQ_TRY(iq_kernel_need_types(x->k, &types));
	IQ_TRY(split_name(q->name, x));
	IQ_TRY(find_type(x->k, x->name, unions, &x->type));
	warn_ambiguous(s, x->type);
	IQ_TRY(find_members(x));
	x->offsets = q->offsets;
	x->format = session_format(s, q->hex, q->decimal);
	if (!q->address)
		return NULL;
	IQ_TRY(find_items(s, x, q));
	IQ_TRY(open_memory(s, x, q));
	return check_memory(x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct request q = {0};
	struct struct_result *x;
	struct iq_error *err;
	struct iq_arena arena = {0};

	err = join_parentheses(&arena, &argc, argv);
	if (!err)
		err = parse(argc, argv, &q);
	x = err ? NULL : calloc(1, sizeof(*x));
	if (!err)
		err = x ? fill(s, &q, !strcmp(argv[0], "union"), x) : iq_error_nomem();
	iq_arena_free(&arena);
	if (err) {
		if (x)
			free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

#define HELP                                                                                      \
	"  -o        show offsets, or with an address the members' addresses\n"                    \
	"  -x, -d    integers in hexadecimal or decimal\n"                                         \
	"  -l OFFSET ADDRESS is that of a member at OFFSET, also as STRUCT.MEMBER\n"               \
	"  -c N      N objects in a row, as a number behind the address; negative: up to ADDRESS\n" \
	"  -u        ADDRESS is a user address of the context's task\n\n"                          \
	"Without an address the definition is shown.  An address is hexadecimal, a symbol or an\n" \
	"expression in parentheses; SYMBOL:CPUS names the copies of a per-CPU variable (:a all of\n" \
	"them, :0,2-3).  Members may be paths: se.load.weight, pid_links[1].next.  Types come from\n" \
	"the BTF of the kernel and of its modules.\n\n"

const struct command cmd_struct = {
	.name = "struct",
	.summary = "definition of a struct, or memory shown as one",
	.help = "struct NAME[.MEMBER[,MEMBER]] [-o] [-x|-d] [-u] [-l OFFSET] [ADDRESS[:CPUS]] [COUNT]\n"
		"* NAME …\n\n" HELP
		"  struct list_head\n"
		"  struct urb ffff89740352de40\n"
		"  struct task_struct.comm,pid init_task\n"
		"  struct rq.nr_running runqueues:a\n",
	.run = run,
	.completes = "ts",
	.no_context = true,
};

const struct command cmd_union = {
	.name = "union",
	.summary = "definition of a union, or memory shown as one",
	.help = "union NAME[.MEMBER[,MEMBER]] [-o] [-x|-d] [-u] [-l OFFSET] [ADDRESS[:CPUS]] [COUNT]\n\n" HELP
		"  union rcu_special ffffffff9ad292a0\n",
	.run = run,
	.completes = "ts",
	.no_context = true,
};
