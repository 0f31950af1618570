// SPDX-License-Identifier: GPL-2.0-or-later
/* p: the value of an expression. */
#include "show.h"

#include "frame_names.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

struct answer {
	char *name;	/* as typed, or per_cpu(…) */
	unsigned int n; /* $N is its value from now on */
	int cpu;	/* -1: not of a CPU */
	struct iq_value value;
};

struct p_result {
	struct iq_kernel *k;
	struct iq_scope scope;
	struct memory memory; /* -u */
	struct iq_format format;
	struct iq_arena arena; /* strings as typed */
	struct answer *answers;
	unsigned int nr;
	char *percpu;	     /* a per-CPU variable by itself: where its copies are */
	bool is_symbol;	     /* the expression is a symbol's name */
	bool untyped_symbol; /* the only answer is a symbol whose type is not known */
};

static void free_result(void *data)
{
	struct p_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->answers[i].name);
	free(x->answers);
	free(x->percpu);
	memory_close(&x->memory);
	iq_arena_free(&x->arena);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* A symbol without a type: its address, and the word there. */
static void text_untyped(const struct p_result *x, const struct answer *a, struct iq_buf *out)
{
	uint64_t word;
	char name[256];

	iq_buf_printf(out, "%s = <type not in BTF> at 0x%" PRIx64, a->name, a->value.number);
	if (!iq_is_text(x->k, a->value.number) &&
	    !iq_vm_read_uint(x->k->vm, a->value.number, x->k->arch->word, &word)) {
		iq_buf_printf(out, ": 0x%" PRIx64, word);
		if (iq_symbol_format(x->k, word, false, false, name, sizeof(name)))
			iq_buf_printf(out, " <%s>", name);
	}
	iq_buf_putc(out, '\n');
}

static void text_percpu(const struct p_result *x, struct iq_buf *out)
{
	const struct iq_type *t = x->nr ? x->answers[0].value.type : NULL;

	iq_buf_puts(out, "PER-CPU DATA TYPE:\n  ");
	if (t)
		iq_type_declare(t, x->percpu, out);
	else
		iq_buf_printf(out, "<type not in BTF> %s", x->percpu);
	iq_buf_puts(out, ";\nPER-CPU ADDRESSES:\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_value *v = &x->answers[i].value;

		iq_buf_printf(out, "  [%d]: %" PRIx64 "\n", x->answers[i].cpu,
			      v->in_memory ? v->address : v->number);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct p_result *x = r->data;

	if (x->percpu) {
		text_percpu(x, out);
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		/* Of a per-CPU variable without a type, too, only the address is known. */
		if (x->untyped_symbol || (x->answers[i].cpu >= 0 && !x->answers[i].value.type)) {
			text_untyped(x, &x->answers[i], out);
			continue;
		}
		/* gdb's way, and crash's: only a symbol's value is shown with its name. */
		if (x->is_symbol || x->answers[i].cpu >= 0)
			iq_buf_printf(out, "%s = ", x->answers[i].name);
		if (x->answers[i].n)
			iq_buf_printf(out, "$%u = ", x->answers[i].n);
		iq_value_show(&x->scope, &x->answers[i].value, &x->format, out);
		iq_buf_putc(out, '\n');
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_number(const struct iq_value *v)
{
	const struct iq_type *t = v->type ? iq_type_strip(v->type) : NULL;
	const struct iq_enumerator *e;
	unsigned int nr = 0;

	if (v->text)
		return json_text(v->text, v->text_len);
	if (!t || t->kind == IQ_KIND_POINTER)
		return json_address(v->number);
	if (t->kind == IQ_KIND_VOID)
		return json_null();
	if (t->kind == IQ_KIND_INT && t->encoding == IQ_ENC_BOOL)
		return json_boolean(v->number);
	e = t->kind == IQ_KIND_ENUM ? iq_type_enumerators(t, &nr) : NULL;
	for (unsigned int i = 0; i < nr; i++) {
		if ((uint64_t)e[i].value == v->number)
			return json_text(e[i].name, strlen(e[i].name));
	}
	if (t->encoding == IQ_ENC_SIGNED || t->encoding == IQ_ENC_CHAR || v->number <= INT64_MAX)
		return json_integer((json_int_t)v->number);
	return json_address(v->number);
}

static json_t *json_answer(const struct p_result *x, const struct answer *a)
{
	const struct iq_value *v = &a->value;
	struct iq_vm *vm = x->scope.vm ? x->scope.vm : x->k->vm;
	struct iq_buf shown = {0};
	json_t *o = json_object();

	json_object_set_new(o, "expression", json_text(a->name, strlen(a->name)));
	if (a->cpu >= 0)
		json_object_set_new(o, "cpu", json_integer(a->cpu));
	json_object_set_new(o, "type", json_ctype(v->type));
	json_object_set_new(o, "address", v->in_memory ? json_address(v->address)
					  : x->untyped_symbol ? json_address(v->number)
							      : json_null());
	if (v->in_memory)
		json_object_set_new(o, "value",
				    json_value(vm, v->type, v->address, v->bit_offset, v->bit_size));
	else
		json_object_set_new(o, "value", x->untyped_symbol ? json_null() : json_number(v));
	iq_value_show(&x->scope, v, &x->format, &shown);
	json_object_set_new(o, "text", json_text(iq_buf_str(&shown), shown.len));
	iq_buf_free(&shown);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct p_result *x = r->data;
	json_t *o, *list;

	if (x->nr == 1 && !x->percpu)
		return json_answer(x, &x->answers[0]);
	o = json_object();
	list = json_array();
	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(list, json_answer(x, &x->answers[i]));
	json_object_set_new(o, "cpus", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Answers ----------------------------------------------------------------------------------- */

static struct iq_error *add(struct p_result *x, const char *name, int cpu, const struct iq_value *v)
{
	struct answer *answers = realloc(x->answers, (x->nr + 1) * sizeof(*answers));
	struct answer a = {.name = strdup(name), .cpu = cpu, .value = *v};
	struct iq_error *err = NULL;

	if (answers)
		x->answers = answers;
	if (!answers || !a.name) {
		free(a.name);
		return iq_error_nomem();
	}
	if (x->scope.variables)
		err = iq_history_add(x->scope.variables, v, &a.n);
	x->answers[x->nr++] = a;
	return err;
}

/* Does TEXT (up to END) consist of what names are made of? */
static bool is_plain_name(const char *text, const char *end)
{
	for (; text < end; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("_.:", *text))
			return false;
	}
	return true;
}

/* SYMBOL on each of the CPUs of SPEC. */
static struct iq_error *eval_percpu(struct session *s, struct p_result *x, const char *symbol,
				    const char *spec)
{
	unsigned int *cpus = NULL, nr = 0;
	struct iq_error *err = parse_cpus(s, spec, &cpus, &nr);

	for (unsigned int i = 0; !err && i < nr; i++) {
		struct iq_buf text = {0}, label = {0};
		struct iq_value v;

		iq_buf_printf(&text, "%s:%u", symbol, cpus[i]);
		iq_buf_printf(&label, "per_cpu(%s, %u)", symbol, cpus[i]);
		err = iq_eval(&x->scope, iq_buf_str(&text), &v);
		if (!err)
			err = add(x, iq_buf_str(&label), (int)cpus[i], &v);
		iq_buf_free(&text);
		iq_buf_free(&label);
	}
	free(cpus);
	return err;
}

/* A value that cannot be read at all is an error; part of one is shown in its place. */
static struct iq_error *check_memory(const struct p_result *x, const struct iq_value *v)
{
	struct memory m = {.vm = x->scope.vm ? x->scope.vm : x->k->vm};
	const struct iq_type *t = v->in_memory ? iq_type_strip(v->type) : NULL;

	if (!t || t->kind == IQ_KIND_FUNCTION)
		return NULL;
	return memory_check(&m, v->address + v->bit_offset / 8, v->bit_size ? 1 : t->size);
}

/* Several static variables can have one name: say that SYMBOL is not the only one. */
static void warn_several(struct session *s, const struct p_result *x, const struct iq_symbol *symbol)
{
	struct iq_symbol other;
	unsigned int from = 0, nr = 0;

	if (symbol->module || iq_is_text(x->k, symbol->address))
		return;
	while (nr < 1000 && iq_symtab_by_name(x->k->symbols, symbol->name, &from, &other))
		nr += !iq_is_text(x->k, other.address);
	if (nr > 1)
		iq_warn(&s->warnings,
			"%u variables are called %s: this is the one at 0x%" PRIx64
			"; 'FILE'::%s is the one in FILE, sym shows all",
			nr, symbol->name, symbol->address, symbol->name);
}

static struct iq_error *eval_text(struct session *s, struct p_result *x, const char *text)
{
	const char *spec = cpuspec(text);
	struct iq_symbol symbol;
	struct iq_value v;
	bool plain = is_plain_name(text, spec ? spec : text + strlen(text)), hidden = false;

	/* A local of the selected frame hides a symbol. */
	if (plain && x->scope.local)
		IQ_TRY(x->scope.local(x->scope.local_arg, text, &hidden, &v));
	plain &= !hidden;
	if (plain && iq_symbol_named(x->k, text, &symbol)) {
		if (iq_symbol_is_percpu(x->k, &symbol)) {
			x->percpu = strdup(text);
			return x->percpu ? eval_percpu(s, x, text, "a") : iq_error_nomem();
		}
		x->is_symbol = true;
		x->untyped_symbol = !iq_global_type(x->k, &symbol);
		warn_several(s, x, &symbol);
	} else if (plain && spec) {
		char *name = strndup(text, (size_t)(spec - 1 - text));
		struct iq_error *err = name ? eval_percpu(s, x, name, spec) : iq_error_nomem();

		free(name);
		return err;
	}
	IQ_TRY(iq_eval(&x->scope, text, &v));
	IQ_TRY(check_memory(x, &v));
	return add(x, text, -1, &v);
}

/* ---- Words ------------------------------------------------------------------------------------- */

static struct iq_error *parse_letter(const char *name, struct iq_format *f)
{
	const char *slash = strchr(name, '/');

	if (!slash || !slash[1])
		return NULL;
	if (slash[2] || !strchr("xduotcazs", slash[1]))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s: unknown format", name),
				     "formats are x d u o t c a z s: p/x EXPRESSION");
	f->letter = slash[1];
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct p_result *x = data;
	/* The last word is the expression, which may begin with a minus. */
	struct options o = {.argc = argc - 1, .argv = argv};
	bool hex = false, decimal = false, user = false;
	struct iq_error *err;
	int option;

	while (argc > 1 && (option = next_option(&o, "xdu", &err)) != -1) {
		if (err)
			return err;
		hex |= option == 'x';
		decimal |= option == 'd';
		user |= option == 'u';
	}
	x->format = session_format(s, hex, decimal);
	IQ_TRY(parse_letter(argv[0], &x->format));
	if (argc < 2)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the expression is missing"),
				     "p jiffies, p/x (struct task_struct *)0x…, p init_task.comm");
	IQ_TRY(need_kernel(s, &x->k));
	session_scope_of(s, argv[argc - 1], &x->scope);
	frame_names(s, &x->scope);
	x->scope.bare_hex = false;
	x->scope.arena = &x->arena;
	if (user) {
		IQ_TRY(memory_open(s, SPACE_USER, 0, &x->memory));
		x->scope.vm = x->memory.vm;
	}
	return eval_text(s, x, argv[argc - 1]);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct p_result), fill, &ops, r);
}

const struct command cmd_p = {
	.name = "p",
	.summary = "value of an expression",
	.help = "p[/FORMAT] [-x|-d] [-u] EXPRESSION\n"
		"p SYMBOL[:CPUS]\n\n"
		"Everything of C but calls and changes of the dump: all operators with C's precedence and\n"
		"integer rules, casts to any type, sizeof, typeof, offsetof, container_of, constants of enums,\n"
		"characters and strings (== and != compare text); per_cpu(symbol, cpu), symbol:cpu,\n"
		"per_cpu_ptr(pointer, cpu); gdb's first@count and {TYPE}ADDRESS; $registers, parameters and\n"
		"locals of the selected frame, also $eax and $al; variables, $name = value; the Nth value shown is $N, the last $, the\n"
		"one before it $$, and $$N is N before the last.  Of several variables of one name\n"
		"'kernel/fork.c'::name is the one in that file.\n\n"
		"Types come from BTF, which knows functions, per-CPU variables and all types; of other variables\n"
		"the well-known ones have a type here, and all of them with a vmlinux; for the rest cast their\n"
		"address: *(struct list_head *)slab_caches.\n\n"
		"  -x, -d    integers in hexadecimal or decimal\n"
		"  -u        memory is that of the context's task in user space\n"
		"  /FORMAT   x d u o t c a z: every number that way; s: characters as strings\n\n"
		"How much of arrays is shown: set print.  A per-CPU variable alone shows where its copies are; :a\n"
		"shows all of them, :0,2-3 some, and : that of the context's CPU.  An expression with | or > is\n"
		"put in parentheses, or the line would be a pipe; ||, >= and -> need none.\n\n"
		"  p jiffies\n"
		"  p init_task.comm\n"
		"  p/x ((struct task_struct *)0xffff897403400000)->mm->pgd[3]\n"
		"  p container_of(init_task.tasks.next, struct task_struct, tasks)->comm\n"
		"  p runqueues:a\n",
	.run = run,
	.raw = true,
	.completes = "st",
};
