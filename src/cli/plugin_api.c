// SPDX-License-Identifier: GPL-2.0-or-later
/* Plug-ins: the table of functions that they call, and running their commands. */
#include "plugin.h"
#include <stdlib.h>

/* No list of a sane kernel is longer. */
#define LIST_MOST (1u << 24)

struct iq_plugin_call {
	struct session *s;
	struct iq_buf text;
	json_t *json; /* NULL: the text is the result */
	struct iq_error *err; /* the last one */
};

static int failed(struct iq_plugin_call *c, struct iq_error *err)
{
	if (!err)
		return 0;
	iq_error_free(c->err);
	c->err = err;
	return -1;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static IQ_PRINTF(2, 3) void api_print(struct iq_plugin_call *c, const char *fmt, ...)
{
	struct iq_buf raw = {0};
	va_list ap;

	va_start(ap, fmt);
	iq_buf_vprintf(&raw, fmt, ap);
	va_end(ap);
	iq_buf_add_escaped(&c->text, iq_buf_str(&raw), raw.len, true);
	c->text.failed |= raw.failed;
	iq_buf_free(&raw);
}

static int api_json(struct iq_plugin_call *c, const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &why);

	if (!json)
		return failed(
			c, iq_error_new(IQ_E_FORMAT, "the plug-in's JSON is none: %s", why.text));
	json_decref(c->json);
	c->json = json;
	return 0;
}

static IQ_PRINTF(2, 3) int api_fail(struct iq_plugin_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	failed(c, iq_error_newv(IQ_E_USAGE, fmt, ap));
	va_end(ap);
	return -1;
}

static bool api_interrupted(struct iq_plugin_call *c)
{
	return iq_cancelled(&c->s->cancel);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static int api_read(struct iq_plugin_call *c, uint64_t address, void *buf, size_t len)
{
	struct iq_error *err;
	struct iq_kernel *k;
	uint8_t *copy;

	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	copy = malloc(len ? len : 1);
	if (!copy)
		return failed(c, iq_error_nomem());
	err = iq_vm_read_or(k->vm, address, copy, len, "memory");
	if (!err)
		memcpy(buf, copy, len);
	free(copy);
	return failed(c, err);
}

static int api_read_number(struct iq_plugin_call *c, uint64_t address, unsigned int size,
			   uint64_t *ret)
{
	struct iq_kernel *k;
	uint8_t byte[8];

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return api_fail(c, "a number has 1, 2, 4 or 8 bytes, not %u", size);
	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	if (iq_vm_read_uint(k->vm, address, size, ret) == IQ_MEM_OK)
		return 0;
	/* Again, for the reason. */
	if (!failed(c, iq_vm_read_or(k->vm, address, byte, size, "a number")))
		api_fail(c, "the number at 0x%llx cannot be read", (unsigned long long)address);
	return -1;
}

static int api_read_string(struct iq_plugin_call *c, uint64_t address, char *buf, size_t room)
{
	struct iq_kernel *k;

	if (!room)
		return api_fail(c, "there is no room for a string");
	buf[0] = '\0';
	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	if (iq_vm_read_string(k->vm, address, buf, room) != IQ_MEM_OK)
		return api_fail(c, "the string at 0x%llx cannot be read",
				(unsigned long long)address);
	return 0;
}

/* ---- Names and types ------------------------------------------------------------------------- */

static int api_symbol(struct iq_plugin_call *c, const char *name, uint64_t *ret)
{
	struct iq_symbol symbol;
	struct iq_kernel *k;

	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	if (!iq_symbol_named(k, name, &symbol))
		return failed(c, iq_error_new(IQ_E_NOT_FOUND, "no such symbol: %s", name));
	*ret = symbol.address;
	return 0;
}

static int api_symbol_name(struct iq_plugin_call *c, uint64_t address, char *buf, size_t room)
{
	struct iq_kernel *k;

	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	if (!room || !iq_symbol_format(k, address, false, false, buf, room))
		return failed(c, iq_error_new(IQ_E_NOT_FOUND, "no symbol contains 0x%llx",
					      (unsigned long long)address));
	return 0;
}

static int api_eval(struct iq_plugin_call *c, const char *text, uint64_t *ret)
{
	struct iq_scope scope;

	session_scope_of(c->s, text, &scope);
	scope.bare_hex = false;
	return failed(c, iq_eval_u64(&scope, text, ret));
}

static int api_offset(struct iq_plugin_call *c, const char *tag, const char *path, uint64_t *offset,
		      uint64_t *size)
{
	struct iq_kernel *k;

	if (failed(c, need_kernel(c->s, &k)))
		return -1;
	if (!iq_kernel_offset(k, tag, path, offset, size))
		return failed(c,
			      iq_error_new(IQ_E_NOT_FOUND, "this kernel has no %s.%s", tag, path));
	return 0;
}

static uint64_t api_size_of(struct iq_plugin_call *c, const char *tag)
{
	return c->s->kernel ? iq_kernel_sizeof(c->s->kernel, tag) : 0;
}

static int api_member(struct iq_plugin_call *c, const char *tag, const char *path, uint64_t address,
		      uint64_t *ret)
{
	uint64_t offset, size = 0;

	if (api_offset(c, tag, path, &offset, &size))
		return -1;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return api_fail(c, "%s.%s is no number", tag, path);
	return api_read_number(c, address + offset, (unsigned int)size, ret);
}

/* ---- Walks ----------------------------------------------------------------------------------- */

static int api_tasks(struct iq_plugin_call *c,
		     int (*fn)(struct iq_plugin_call *c, const struct iq_plugin_task *t, void *arg),
		     void *arg)
{
	const struct iq_task *tasks;
	struct iq_kernel *k;
	unsigned int nr;
	int stop = 0;

	if (failed(c, need_kernel(c->s, &k)) || failed(c, iq_tasks(k, &tasks, &nr)))
		return -1;
	for (unsigned int i = 0; i < nr && !stop; i++) {
		const struct iq_task *t = &tasks[i];
		struct iq_plugin_task x = {
			.address = t->address,
			.pid = t->pid,
			.tgid = t->tgid,
			.ppid = t->ppid,
			.cpu = t->cpu,
			.mm = t->mm,
			.stack = t->stack,
			.flags = t->flags,
			.comm = t->comm,
			.state = t->state_text,
			.running = t->running,
		};

		if (api_interrupted(c))
			return -1;
		stop = fn(c, &x, arg);
	}
	return stop;
}

static int api_list(struct iq_plugin_call *c, uint64_t head, const char *tag, const char *member,
		    int (*fn)(struct iq_plugin_call *c, uint64_t address, void *arg), void *arg)
{
	uint64_t at = 0, offset, mark = 0, next_mark = 1;
	int stop = 0;

	if (api_offset(c, tag, member, &offset, NULL) || api_read_number(c, head, 8, &at))
		return -1;
	for (uint64_t n = 0; at != head && !stop; n++) {
		if (api_interrupted(c))
			return -1;
		/* A mark that is moved ever further on is met again if there is a circle. */
		if (at == mark || n >= LIST_MOST)
			return failed(
				c,
				iq_error_new(
					IQ_E_FORMAT,
					"the list of %s at 0x%llx does not come back to its head",
					tag, (unsigned long long)head));
		if (n == next_mark) {
			mark = at;
			next_mark *= 2;
		}
		stop = fn(c, at - offset, arg);
		if (!stop && api_read_number(c, at, 8, &at))
			return -1;
	}
	return stop;
}

static const struct iq_plugin_api api = {
	.version = IQ_PLUGIN_API,
	.size = sizeof(api),
	.print = api_print,
	.json = api_json,
	.fail = api_fail,
	.interrupted = api_interrupted,
	.read = api_read,
	.read_number = api_read_number,
	.read_string = api_read_string,
	.symbol = api_symbol,
	.symbol_name = api_symbol_name,
	.eval = api_eval,
	.offset = api_offset,
	.size_of = api_size_of,
	.member = api_member,
	.tasks = api_tasks,
	.list = api_list,
};

/* ---- Running --------------------------------------------------------------------------------- */

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct iq_plugin_call *c = r->data;

	iq_buf_add(out, iq_buf_str(&c->text), c->text.len);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct iq_plugin_call *c = r->data;
	json_t *o;

	if (c->json)
		return json_incref(c->json);
	o = json_object();
	json_object_set_new(o, "text", json_text(iq_buf_str(&c->text), c->text.len));
	return o;
}

static void free_call(void *data)
{
	struct iq_plugin_call *c = data;

	iq_buf_free(&c->text);
	json_decref(c->json);
	iq_error_free(c->err);
	free(c);
}

static const struct result_ops ops = {text, json, free_call};

static const struct iq_plugin_command *command_named(const struct session *s, const char *name)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		const struct iq_plugin *d = s->plugins->plugin[i].description;

		for (unsigned int n = 0; d && n < d->nr_commands; n++) {
			if (!strcmp(d->commands[n].name, name))
				return &d->commands[n];
		}
	}
	return NULL;
}

struct iq_error *plugin_run(struct session *s, int argc, char **argv, struct result *r)
{
	const struct iq_plugin_command *command = command_named(s, argv[0]);
	struct iq_plugin_call *c;
	struct iq_error *err;

	if (!command)
		return iq_error_new(IQ_E_NOT_FOUND, "no plug-in has a command %s", argv[0]);
	c = calloc(1, sizeof(*c));
	if (!c)
		return iq_error_nomem();
	c->s = s;
	if (!command->run(c, &api, argc, argv)) {
		*r = (struct result){&ops, c};
		return c->text.failed ? iq_error_nomem() : NULL;
	}
	err = c->err ? c->err
		     : iq_error_new(IQ_E_UNAVAILABLE, "the plug-in does not say what went wrong");
	c->err = NULL;
	if (c->text.len || c->json)
		*r = (struct result){&ops, c};
	else
		free_call(c);
	return err;
}
