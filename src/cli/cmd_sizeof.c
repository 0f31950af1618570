// SPDX-License-Identifier: GPL-2.0-or-later
/* sizeof, enum: how large a type or member is; the constants of an enum. */
#include "show.h"
#include "type_find.h"
#include <inttypes.h>
#include <stdlib.h>

struct type_result {
	struct found_type found;
	const struct iq_type *type; /* what was asked for: the type, or a member's */
	unsigned int bits; /* of a bitfield; 0: none */
	bool has_value; /* enum NAME VALUE */
	int64_t value;
};

static void free_result(void *data)
{
	struct type_result *x = data;

	free(x->found.name);
	free(x);
}

/* "struct task_struct", and all other words of a command, as one name. */
static struct iq_error *join_words(int argc, char **argv, const char *spec, bool *hex,
				   struct iq_buf *name)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, spec, &err);

		if (err)
			return err;
		*hex |= option == 'x';
		if (option != -1)
			continue;
		if (o.index >= argc)
			break;
		iq_buf_printf(name, "%s%s", name->len ? " " : "", argv[o.index++]);
	}
	if (!name->len)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the name of a type is missing"),
				     "%s NAME", argv[0]);
	return NULL;
}

/* ---- sizeof ------------------------------------------------------------------------------------ */

static void sizeof_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct type_result *x = r->data;
	uint64_t size = iq_type_strip(x->type)->size;

	if (x->bits)
		iq_buf_printf(out, "%u bit%s\n", x->bits, x->bits == 1 ? "" : "s");
	else
		iq_buf_printf(out, x->has_value || s->hex ? "0x%" PRIx64 "\n" : "%" PRIu64 "\n",
			      size);
}

static json_t *sizeof_json(struct session *s, const struct result *r)
{
	const struct type_result *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "type", json_ctype(x->type));
	json_object_set_new(o, "size",
			    x->bits ? json_null()
				    : json_integer((json_int_t)iq_type_strip(x->type)->size));
	json_object_set_new(o, "bit_size", x->bits ? json_integer(x->bits) : json_null());
	json_object_set_new(o, "module", json_module(x->found.module));
	return o;
}

static const struct result_ops sizeof_ops = {sizeof_text, sizeof_json, free_result};

/* TYPE, or TYPE.MEMBER. */
static struct iq_error *find_sized(struct session *s, char *name, struct type_result *x)
{
	char *dot = strchr(name, '.');
	struct iq_member m;

	if (dot)
		*dot++ = '\0';
	IQ_TRY(find_type(s, name, WANT_ANY, &x->found));
	IQ_TRY(warn_of_others(s, &x->found));
	x->type = x->found.type;
	if (!dot)
		return NULL;
	IQ_TRY(iq_member_find(x->type, dot, &m));
	x->type = m.type;
	x->bits = m.bit_size;
	return NULL;
}

static struct iq_error *run_sizeof(struct session *s, int argc, char **argv, struct result *r)
{
	struct type_result *x = calloc(1, sizeof(*x));
	struct iq_error *err = x ? NULL : iq_error_nomem();
	struct iq_buf name = {0};
	struct iq_kernel *k;

	if (!err)
		err = join_words(argc, argv, "x", &x->has_value, &name);
	if (!err)
		err = need_kernel(s, &k);
	if (!err)
		err = name.failed ? iq_error_nomem() : find_sized(s, name.s, x);
	iq_buf_free(&name);
	if (!err)
		*r = (struct result){&sizeof_ops, x};
	else if (x)
		free_result(x);
	return err;
}

/* ---- enum -------------------------------------------------------------------------------------- */

static void enum_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct type_result *x = r->data;
	const struct iq_enumerator *e;
	unsigned int nr, left = 0;

	if (!x->has_value) {
		iq_type_define(x->type, NULL, out);
		iq_buf_putc(out, '\n');
		return;
	}
	e = iq_type_enumerators(iq_type_strip(x->type), &nr);
	for (unsigned int i = 0; i < nr; i++) {
		if (e[i].value != x->value)
			continue;
		iq_buf_add_escaped(out, e[i].name, strlen(e[i].name), false);
		iq_buf_printf(out, " = %" PRId64 "\n", e[i].value);
		left++;
	}
	if (!left)
		iq_buf_printf(out, "enum %s has no constant %" PRId64 "\n", x->found.name,
			      x->value);
}

static json_t *enum_json(struct session *s, const struct result *r)
{
	const struct type_result *x = r->data;
	const struct iq_type *t = iq_type_strip(x->type);
	json_t *o = json_object(), *all = json_enumerators(t);
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);

	json_object_set_new(o, "type", json_ctype(x->type));
	json_object_set_new(o, "size", json_integer((json_int_t)t->size));
	json_object_set_new(o, "module", json_module(x->found.module));
	for (unsigned int i = nr; x->has_value && i-- > 0;) {
		if (e[i].value != x->value)
			json_array_remove(all, i);
	}
	json_object_set_new(o, "enumerators", all);
	return o;
}

static const struct result_ops enum_ops = {enum_text, enum_json, free_result};

/* The last word may be a value. */
static struct iq_error *take_value(int *argc, char **argv, struct type_result *x)
{
	const char *word = *argc > 2 ? argv[*argc - 1] : "";
	bool negative = *word == '-';
	uint64_t value;

	if (!iq_parse_u64(word + negative, &value))
		return NULL;
	x->has_value = true;
	x->value = negative ? (int64_t)(0 - value) : (int64_t)value;
	--*argc;
	return NULL;
}

static struct iq_error *run_enum(struct session *s, int argc, char **argv, struct result *r)
{
	struct type_result *x = calloc(1, sizeof(*x));
	struct iq_error *err = x ? NULL : iq_error_nomem();
	struct iq_buf name = {0};
	struct iq_kernel *k;
	bool unused = false;

	if (!err)
		err = take_value(&argc, argv, x);
	if (!err)
		err = join_words(argc, argv, "", &unused, &name);
	if (!err)
		err = need_kernel(s, &k);
	if (!err)
		err = find_type(s, iq_buf_str(&name), WANT_ENUM, &x->found);
	iq_buf_free(&name);
	if (!err) {
		x->type = x->found.type;
		*r = (struct result){&enum_ops, x};
	} else if (x) {
		free_result(x);
	}
	return err;
}

const struct command cmd_sizeof = {
	.name = "sizeof",
	.summary = "size of a type or member",
	.help = "sizeof [-x] TYPE[.MEMBER]\n\n"
		"Bytes of a type or of a member, bits of a bitfield.\n\n"
		"  -x  hexadecimal\n\n"
		"  sizeof struct page\n"
		"  sizeof task_struct.thread.fpu\n"
		"  sizeof unsigned long\n",
	.run = run_sizeof,
	.completes = "t",
	.no_context = true,
};

const struct command cmd_enum = {
	.name = "enum",
	.summary = "constants of an enum",
	.help = "enum NAME [VALUE]\n\n"
		"The constants of an enum, or those that have a value.  `whatis CONSTANT` goes the "
		"other\n"
		"way round.\n\n"
		"  enum zone_type\n"
		"  enum pid_type 2\n",
	.run = run_enum,
	.completes = "t",
	.no_context = true,
};
