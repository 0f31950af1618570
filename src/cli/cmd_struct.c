// SPDX-License-Identifier: GPL-2.0-or-later
/* struct, union, *: a type's definition, or what lies in memory as that type. */
#include "struct.h"
#include <ctype.h>
#include <stdlib.h>

#define MAX_ADDRESSES 1000 /* named in one command */
#define MAX_COUNT 1000000 /* objects in a row */

static void free_result(void *data)
{
	struct struct_result *x = data;

	if (x->has_memory)
		memory_close(&x->memory);
	layouts_free(&x->layouts);
	free(x->found.name);
	free(x->paths);
	free(x->items);
	free(x);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_raw(const struct struct_result *x, uint64_t base)
{
	json_t *list = json_array();
	uint64_t start, len, value;
	unsigned int word;

	struct_raw_range(x, base, &start, &len, &word);
	for (uint64_t at = 0; at < len; at += word) {
		json_t *o = json_object();
		uint8_t bytes[8];
		bool there = !memory_read(&x->memory, start + at, bytes, word, NULL);

		value = there ? iq_le(bytes, word) : 0;
		json_object_set_new(o, "address", json_address(start + at));
		json_object_set_new(o, "value", there ? json_address(value) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

/* -p: what the pointers among the members point to, beside their values. */
static void json_follow(const struct struct_result *x, uint64_t base, json_t *list)
{
	unsigned int nr = x->nr_paths;
	const struct iq_member *m = nr ? x->member : iq_type_members(x->type, &nr);

	for (unsigned int i = 0; i < nr && i < json_array_size(list); i++) {
		if (is_followed(&m[i]))
			json_object_set_new(json_array_get(list, i), "target",
					    json_followed(x, &m[i], base));
	}
}

static json_t *json_item(const struct struct_result *x, const struct iq_type *t,
			 const struct item *item)
{
	struct iq_vm *vm = item && !x->raw ? x->memory.vm : NULL;
	uint64_t base = item ? item->address : 0;
	json_t *o = json_object(), *list;

	json_object_set_new(o, "type", json_sprintf("%s %s", tag_of(t), x->found.name));
	json_object_set_new(o, "address", item ? json_address(base) : json_null());
	json_object_set_new(o, "size", json_integer((json_int_t)iq_type_strip(t)->size));
	if (item && item->cpu >= 0)
		json_object_set_new(o, "cpu", json_integer(item->cpu));
	if (item && x->raw) {
		json_object_set_new(o, "words", json_raw(x, base));
		return o;
	}
	list = x->nr_paths ? json_array() : json_members(vm, t, base);
	for (unsigned int i = 0; i < x->nr_paths; i++)
		json_array_append_new(list, json_member(vm, x->path[i], &x->member[i], base));
	if (item && x->follow)
		json_follow(x, base, list);
	json_object_set_new(o, "members", list);
	return o;
}

static json_t *json_layouts(const struct struct_result *x)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < x->layouts.nr; i++) {
		const struct layout *l = &x->layouts.layout[i];
		json_t *o = json_item(x, l->type, NULL);

		json_object_set_new(o, "number", json_integer(i + 1));
		json_object_set_new(o, "module", json_module(l->module));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct struct_result *x = r->data;
	json_t *o, *list;

	o = json_item(x, x->type, x->nr_items ? &x->items[0] : NULL);
	json_object_set_new(o, "module", json_module(x->found.module));
	if (x->all)
		json_object_set_new(o, "layouts", json_layouts(x));
	if (x->nr_items <= 1)
		return o;
	/* The first one where one object is, all of them beside it. */
	list = json_array();
	for (unsigned int i = 0; i < x->nr_items; i++)
		json_array_append_new(list, json_item(x, x->type, &x->items[i]));
	json_object_set_new(o, "objects", list);
	return o;
}

static const struct result_ops ops = {struct_text, json, free_result};

/* ---- Words ------------------------------------------------------------------------------------- */

struct request {
	const char *name;
	char name_with_tag[300]; /* "struct foo" in two words */
	const char *address[MAX_ADDRESSES];
	unsigned int nr_addresses;
	bool offsets, raw, follow, all, user, hex, decimal;
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
	case 'r':
		q->raw = true;
		break;
	case 'p':
		q->follow = true;
		break;
	case 'a':
		q->all = true;
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

/* Digits alone behind the first address are a count: kernel addresses are longer. */
static bool is_count(const char *word)
{
	const char *digits = word + (*word == '-');
	size_t len = strspn(digits, "0123456789");

	return len && len <= 7 && !digits[len];
}

/* The next word that is no option: the name, addresses, a count. */
static struct iq_error *take_word(struct request *q, const char *word)
{
	static const char *const tags[] = {"struct", "union"};

	if (!q->name) {
		q->name = word;
		return NULL;
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(tags); i++) {
		if (strcmp(q->name, tags[i]) || q->nr_addresses)
			continue;
		snprintf(q->name_with_tag, sizeof(q->name_with_tag), "%s %s", q->name, word);
		q->name = q->name_with_tag;
		return NULL;
	}
	if (q->has_count && !is_count(word))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s: one word too many", word),
				     "a count is the last word, or stands behind -c");
	if (q->nr_addresses && !q->has_count && is_count(word))
		return set_count(q, word);
	if (q->nr_addresses == MAX_ADDRESSES)
		return iq_error_new(IQ_E_USAGE, "more than %d addresses", MAX_ADDRESSES);
	q->address[q->nr_addresses++] = word;
	return NULL;
}

static struct iq_error *check_request(const struct request *q)
{
	if (!q->name)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the name of a type is missing"),
				     "struct list_head, struct task_struct.comm,pid ADDRESS");
	if (q->hex && q->decimal)
		return iq_error_new(IQ_E_USAGE, "-x and -d exclude each other");
	if ((q->raw || q->follow) && !q->nr_addresses && !is_object_address(q->name))
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "-%c shows memory, and the address is missing",
						  q->raw ? 'r' : 'p'),
				     "struct %s -%c ADDRESS", q->name, q->raw ? 'r' : 'p');
	if (q->all && q->nr_addresses)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "-a shows definitions, not memory"),
				     "struct %s#2 ADDRESS takes the second of them", q->name);
	return NULL;
}

/* Options may stand anywhere among the words. */
static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "oprxduac:l:", &err);

		if (err)
			return err;
		if (option != -1)
			IQ_TRY(set_option(q, option, o.value));
		else if (o.index >= argc)
			break;
		else
			IQ_TRY(take_word(q, argv[o.index++]));
	}
	return check_request(q);
}

/* ---- The type ---------------------------------------------------------------------------------- */

/* "name.path,path": cut at the first dot. */
static struct iq_error *split_name(const char *word, struct struct_result *x, char **name)
{
	size_t len = strcspn(word, ".");
	char *save = NULL;

	*name = strndup(word, len);
	x->paths = strdup(word[len] ? word + len + 1 : "");
	if (!*name || !x->paths)
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

struct iq_error *struct_member_offset(struct session *s, const char *word, uint64_t *ret)
{
	const char *dot = strchr(word, '.');
	struct found_type found;
	struct iq_error *err;
	struct iq_member m;
	char *name;

	if (!dot)
		return iq_error_new(IQ_E_USAGE, "%s is not STRUCT.MEMBER", word);
	name = strndup(word, (size_t)(dot - word));
	if (!name)
		return iq_error_nomem();
	err = find_type(s, name, WANT_STRUCT, &found);
	free(name);
	if (err)
		return err;
	free(found.name);
	IQ_TRY(iq_member_find(found.type, dot + 1, &m));
	*ret = m.bit_offset / 8;
	return NULL;
}

struct iq_error *struct_offset(struct session *s, const char *word, uint64_t *ret)
{
	if (isdigit((unsigned char)*word) || !strchr(word, '.'))
		return parse_number(word, "an offset", UINT32_MAX, ret);
	return struct_member_offset(s, word, ret);
}

static struct iq_error *add_item(struct struct_result *x, uint64_t address, int cpu)
{
	if (!iq_grow(&x->items, &x->room_items, x->nr_items + 1, sizeof(*x->items)))
		return iq_error_nomem();
	x->items[x->nr_items++] = (struct item){address, cpu};
	return NULL;
}

/* COUNT objects in a row; negative: as many, the last of them at ADDRESS. */
static struct iq_error *add_row(struct struct_result *x, uint64_t address, int64_t count, int cpu)
{
	uint64_t size = iq_type_strip(x->type)->size;

	if (count < 0) {
		count = -count;
		address -= size * (uint64_t)(count - 1);
	}
	for (int64_t i = 0; i < count; i++)
		IQ_TRY(add_item(x, address + size * (uint64_t)i, i ? -1 : cpu));
	return NULL;
}

/* Where CPU has the per-CPU variable NAME, or the object at the per-CPU address NAME. */
static struct iq_error *percpu_address(struct session *s, const char *name, unsigned int cpu,
				       uint64_t *ret)
{
	struct iq_symbol symbol;
	uint64_t offset;

	if (iq_symbol_named(s->kernel, name, &symbol)) {
		struct iq_scope scope = {.k = s->kernel};
		struct iq_value v;
		struct iq_buf text = {0};
		struct iq_error *err;

		iq_buf_printf(&text, "%s:%u", name, cpu);
		err = iq_eval(&scope, iq_buf_str(&text), &v);
		iq_buf_free(&text);
		if (!err)
			*ret = v.in_memory ? v.address : v.number;
		return err;
	}
	IQ_TRY(parse_address(s, name, ret));
	if (!iq_percpu_offset(s->kernel, cpu, &offset))
		return iq_error_new(IQ_E_NOT_FOUND, "there is no CPU %u", cpu);
	*ret += offset;
	return NULL;
}

/* symbol:cpus, or a per-CPU address and cpus. */
static struct iq_error *percpu_items(struct session *s, struct struct_result *x, const char *word,
				     const char *spec, uint64_t embedded, int64_t count)
{
	unsigned int *cpus = NULL, nr = 0;
	struct iq_error *err;
	char *name = strndup(word, (size_t)(spec - 1 - word));
	uint64_t address = 0;

	if (!name)
		return iq_error_nomem();
	err = parse_cpus(s, spec, &cpus, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		err = percpu_address(s, name, cpus[i], &address);
		if (!err)
			err = add_row(x, address - embedded, count, (int)cpus[i]);
	}
	free(cpus);
	free(name);
	return err;
}

static struct iq_error *find_items(struct session *s, struct struct_result *x,
				   const struct request *q)
{
	int64_t count = q->has_count && q->count ? q->count : 1;
	uint64_t address, embedded = 0;

	if (q->embedded)
		IQ_TRY(struct_offset(s, q->embedded, &embedded));
	for (unsigned int i = 0; i < q->nr_addresses; i++) {
		const char *spec = cpuspec(q->address[i]);

		if (spec) {
			IQ_TRY(percpu_items(s, x, q->address[i], spec, embedded, count));
			continue;
		}
		IQ_TRY(parse_address(s, q->address[i], &address));
		IQ_TRY(add_row(x, address - embedded, count, -1));
	}
	return NULL;
}

static struct iq_error *open_memory(struct session *s, struct struct_result *x,
				    const struct request *q)
{
	if (!x->nr_items)
		return NULL;
	if (q->user)
		session_context(s);
	IQ_TRY(memory_open(s, q->user ? SPACE_USER : SPACE_KERNEL, x->items[0].address,
			   &x->memory));
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
	uint64_t object = 0, count = 0;
	struct iq_error *err;
	char *name = NULL;

	IQ_TRY(need_kernel(s, &x->k));
	err = split_name(q->name, x, &name);
	if (!err)
		err = find_type(s, name, unions ? WANT_UNION : WANT_STRUCT, &x->found);
	if (err && err->code == IQ_E_NOT_FOUND && !q->nr_addresses && !q->all && is_object_address(name)) {
		iq_error_free(err);
		err = type_of_address(s, name, &x->found, &object, &count);
	}
	free(name);
	if (err)
		return err;
	if (!q->all)
		IQ_TRY(warn_of_others(s, &x->found));
	x->type = x->found.type;
	IQ_TRY(find_members(x));
	if (q->raw && x->nr_paths > 1)
		return iq_error_new(IQ_E_USAGE, "-r shows one member only");
	x->offsets = q->offsets;
	x->raw = q->raw;
	x->follow = q->follow;
	x->all = q->all;
	x->format = session_format(s, q->hex, q->decimal);
	if (q->all)
		IQ_TRY(find_layouts(s, x->type, true, &x->layouts));
	IQ_TRY(object ? add_row(x, object, (int64_t)count, -1) : find_items(s, x, q));
	IQ_TRY(open_memory(s, x, q));
	return check_memory(x);
}

/* ---- For commands that walk -------------------------------------------------------------------- */

static struct iq_error *fill_shown(struct session *s, const char *word, struct struct_result *x)
{
	char *name = NULL;
	struct iq_error *err;

	IQ_TRY(need_kernel(s, &x->k));
	err = split_name(word, x, &name);
	if (!err)
		err = find_type(s, name, WANT_STRUCT, &x->found);
	free(name);
	if (err)
		return err;
	IQ_TRY(warn_of_others(s, &x->found));
	x->type = x->found.type;
	IQ_TRY(find_members(x));
	IQ_TRY(memory_open(s, SPACE_KERNEL, 0, &x->memory));
	x->has_memory = true;
	return NULL;
}

struct iq_error *struct_shown(struct session *s, const char *word, bool hex, bool decimal,
			      struct struct_result **ret)
{
	struct struct_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->format = session_format(s, hex, decimal);
	err = fill_shown(s, word, x);
	if (err)
		free_result(x);
	else
		*ret = x;
	return err;
}

void struct_shown_free(struct struct_result *x)
{
	if (x)
		free_result(x);
}

json_t *struct_shown_json(const struct struct_result *x, uint64_t address)
{
	return json_item(x, x->type, &(struct item){ address, -1 });
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct request *q = calloc(1, sizeof(*q));
	struct struct_result *x = calloc(1, sizeof(*x));
	struct iq_error *err = q && x ? NULL : iq_error_nomem();

	if (!err)
		err = parse(argc, argv, q);
	if (!err)
		err = fill(s, q, !strcmp(argv[0], "union"), x);
	free(q);
	if (!err)
		*r = (struct result){&ops, x};
	else if (x)
		free_result(x);
	return err;
}

#define USAGE                                                                                      \
	"NAME[.MEMBER[,MEMBER]] [-o] [-p] [-r] [-x|-d] [-u] [-l OFFSET] [ADDRESS[:CPUS] …] "     \
	"[COUNT]\n"

#define HELP                                                                                       \
	"Without an address the definition is shown.  An address is hexadecimal, a symbol or an\n" \
	"expression; SYMBOL:CPUS names the copies of a per-CPU variable (:a all of them, "         \
	":0,2-3).\n"                                                                               \
	"Members may be paths: se.load.weight, pid_links[1].next.  The word struct itself can be " \
	"left\n"                                                                                   \
	"out.\n\n"                                                                                 \
	"  -o        offsets of the members, or with an address their addresses\n"                 \
	"  -p        for members that are pointers also what they point to\n"                      \
	"  -r        the bytes, as rd shows them\n"                                                \
	"  -x, -d    integers in hexadecimal or decimal\n"                                         \
	"  -l OFFSET ADDRESS is that of a member at OFFSET, also given as STRUCT.MEMBER\n"         \
	"  -c N      N objects in a row, like a number behind the address; negative: up to "       \
	"ADDRESS\n"                                                                                \
	"  -u        ADDRESS is a user address of the context's task\n"                            \
	"  -a        all types of this name: source files may define different ones.  NAME#2 is "  \
	"the\n"                                                                                    \
	"            second of them, with an address as well\n\n"

const struct command cmd_struct = {
	.name = "struct",
	.summary = "definition of a struct, or memory shown as one",
	.help = "struct " USAGE "struct ADDRESS[.MEMBER[,MEMBER]]\nstruct -a NAME\n* NAME …\n\n" HELP
		"  struct list_head\n"
		"  struct ffff89740352de40      whatever it is, if that can be told\n"
		"  struct urb ffff89740352de40\n"
		"  struct task_struct.comm,pid init_task\n"
		"  struct file.f_inode -p ((struct file *)$rdi)\n"
		"  struct rq.nr_running runqueues:a\n",
	.run = run,
	.completes = "ts",
	.no_context = true,
};

const struct command cmd_union = {
	.name = "union",
	.summary = "definition of a union, or memory shown as one",
	.help = "union " USAGE "union -a NAME\n\n" HELP "  union rcu_special ffffffff9ad292a0\n",
	.run = run,
	.completes = "ts",
	.no_context = true,
};
