// SPDX-License-Identifier: GPL-2.0-or-later
/* sys -c, -i and config. */
#include "sys_tables.h"
#include "system.h"
#include <inquest/machine.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- System calls -------------------------------------------------------------------------------- */

struct calls {
	uint64_t *address; /* by number; owned */
	unsigned int nr;
	const char *part; /* of the names that are wanted; owned; NULL: of all */
	uint64_t number; /* UINT64_MAX: all */
};

static void free_calls(void *data)
{
	struct calls *x = data;

	free(x->address);
	free((char *)x->part);
	free(x);
}

static bool call_wanted(const struct calls *x, unsigned int i, const char *name)
{
	if (x->number != UINT64_MAX)
		return x->number == i;
	return !x->part || strstr(name, x->part);
}

/* The name of call I; its address, where there is none. */
static void call_name(struct session *s, const struct calls *x, unsigned int i, char *name,
		      size_t room)
{
	if (!iq_symbol_format(s->kernel, x->address[i], s->hex, true, name, room))
		snprintf(name, room, "%016" PRIx64, x->address[i]);
}

static void text_calls(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct calls *x = r->data;

	iq_buf_puts(out, "NUM  SYSTEM CALL                FILE AND LINE NUMBER\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const char *file;
		unsigned int line;
		char name[256];

		call_name(s, x, i, name, sizeof(name));
		if (!call_wanted(x, i, name))
			continue;
		iq_buf_printf(out, s->hex ? "%3x  " : "%3u  ", i);
		iq_buf_add_escaped(out, name, strlen(name), false);
		iq_buf_pad(out, 31);
		if (iq_kernel_line(s->kernel, x->address[i], &file, &line)) {
			iq_buf_putc(out, ' ');
			iq_buf_add_escaped(out, file, strlen(file), false);
			iq_buf_printf(out, ": %u", line);
		}
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_calls(struct session *s, const struct result *r)
{
	const struct calls *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const char *file;
		unsigned int line;
		char name[256];
		json_t *e;

		call_name(s, x, i, name, sizeof(name));
		if (!call_wanted(x, i, name))
			continue;
		e = json_object();
		json_object_set_new(e, "number", json_integer(i));
		json_object_set_new(e, "address", json_address(x->address[i]));
		json_object_set_new(e, "name", json_text(name, strlen(name)));
		if (iq_kernel_line(s->kernel, x->address[i], &file, &line)) {
			json_object_set_new(e, "file", json_text(file, strlen(file)));
			json_object_set_new(e, "line", json_integer(line));
		}
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "system_calls", list);
	return o;
}

static const struct result_ops calls_ops = {text_calls, json_calls, free_calls};

struct iq_error *sys_calls(struct session *s, const char *word, struct result *r)
{
	struct calls *x = calloc(1, sizeof(*x));
	struct iq_error *err;
	bool any = false;

	if (!x)
		return iq_error_nomem();
	x->number = UINT64_MAX;
	err = iq_syscalls(s->kernel, &x->address, &x->nr);
	if (!err && word && !iq_parse_u64(word, &x->number)) {
		x->number = UINT64_MAX;
		x->part = strdup(word);
		err = x->part ? NULL : iq_error_nomem();
	}
	for (unsigned int i = 0; !err && !any && i < x->nr; i++) {
		char name[256];

		call_name(s, x, i, name, sizeof(name));
		any = call_wanted(x, i, name);
	}
	if (!err && !any)
		err = iq_error_new(IQ_E_NOT_FOUND, "%s: no such system call; there are %u", word,
				   x->nr);
	if (err) {
		free_calls(x);
		return err;
	}
	*r = (struct result){&calls_ops, x};
	return NULL;
}

/* ---- DMI ----------------------------------------------------------------------------------------- */

struct dmi {
	struct iq_buf text;
	json_t *list;
};

static void free_dmi(void *data)
{
	struct dmi *x = data;

	iq_buf_free(&x->text);
	json_decref(x->list);
	free(x);
}

static void add_dmi(void *arg, const char *name, const char *value)
{
	struct dmi *x = arg;

	iq_buf_printf(&x->text, "%25s: ", name);
	iq_buf_add_escaped(&x->text, value, strlen(value), false);
	iq_buf_putc(&x->text, '\n');
	json_object_set_new(x->list, name, json_text(value, strlen(value)));
}

static void text_dmi(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct dmi *x = r->data;

	iq_buf_puts(out, iq_buf_str(&x->text));
}

static json_t *json_dmi(struct session *s, const struct result *r)
{
	const struct dmi *x = r->data;

	return json_incref(x->list);
}

static const struct result_ops dmi_ops = {text_dmi, json_dmi, free_dmi};

struct iq_error *sys_dmi(struct session *s, struct result *r)
{
	struct dmi *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->list = json_object();
	err = iq_dmi(s->kernel, add_dmi, x);
	if (!err && !x->text.len)
		err = iq_error_new(IQ_E_NOT_FOUND, "the firmware gave the kernel no DMI strings");
	if (err) {
		free_dmi(x);
		return err;
	}
	*r = (struct result){&dmi_ops, x};
	return NULL;
}

/* ---- Configuration ------------------------------------------------------------------------------- */

static void free_config(void *data)
{
	iq_buf_free(data);
	free(data);
}

static void text_config(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct iq_buf *x = r->data;

	iq_buf_add_escaped(out, iq_buf_str(x), x->len, true);
}

static json_t *json_config(struct session *s, const struct result *r)
{
	const struct iq_buf *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "config", json_text(iq_buf_str(x), x->len));
	return o;
}

static const struct result_ops config_ops = {text_config, json_config, free_config};

struct iq_error *sys_config(struct session *s, struct result *r)
{
	struct iq_buf *x = calloc(1, sizeof(*x));
	struct iq_error *err = x ? iq_kernel_config(s->kernel, x) : iq_error_nomem();

	if (err) {
		if (x)
			free_config(x);
		return err;
	}
	*r = (struct result){&config_ops, x};
	return NULL;
}
