// SPDX-License-Identifier: GPL-2.0-or-later
/* log -s and log -a. */
#include "log_other.h"
#include <inttypes.h>
#include <stdlib.h>

struct other {
	struct iq_buf text;
	json_t *list;
	const char *last; /* name of the buffer before */
};

static void free_other(void *data)
{
	struct other *x = data;

	iq_buf_free(&x->text);
	json_decref(x->list);
	free(x);
}

static void text_other(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct other *x = r->data;

	iq_buf_puts(out, iq_buf_str(&x->text));
}

/* ---- Safe buffers -------------------------------------------------------------------------------- */

/* Each line of B behind PREFIX, without printk's level in front (\1 and a character). */
static void add_lines(const struct iq_log_safe *b, const char *prefix, struct iq_buf *out)
{
	const char *at = b->text, *end = at + b->len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;

		while (stop - at >= 2 && at[0] == '\1')
			at += 2;
		iq_buf_puts(out, prefix);
		iq_buf_add_escaped(out, at, (size_t)(stop - at), false);
		iq_buf_putc(out, '\n');
		at = stop + 1;
	}
}

static void add_safe(void *arg, const struct iq_log_safe *b)
{
	struct other *x = arg;
	json_t *o = json_object();

	if (!x->last || strcmp(x->last, b->name))
		iq_buf_printf(&x->text, "PRINTK_SAFE_SEQ_BUF: %s\n", b->name);
	x->last = b->name;
	iq_buf_printf(&x->text,
		      "CPU: %u  ADDR: %016" PRIx64 " LEN: %u  MESSAGE_LOST: %" PRIu64 "\n", b->cpu,
		      b->address, b->len, b->lost);
	if (b->len)
		add_lines(b, "  ", &x->text);
	else
		iq_buf_puts(&x->text, "  (empty)\n");
	iq_buf_putc(&x->text, '\n');
	json_object_set_new(o, "buffer", json_string(b->name));
	json_object_set_new(o, "cpu", json_integer(b->cpu));
	json_object_set_new(o, "address", json_address(b->address));
	json_object_set_new(o, "lost", json_integer((json_int_t)b->lost));
	json_object_set_new(o, "text", json_text(b->text, b->len));
	json_array_append_new(x->list, o);
}

static json_t *json_safe(struct session *s, const struct result *r)
{
	const struct other *x = r->data;
	json_t *o = json_object();

	json_object_set(o, "safe_buffers", x->list);
	return o;
}

static const struct result_ops safe_ops = {text_other, json_safe, free_other};

struct iq_error *log_safe(struct session *s, struct result *r)
{
	struct other *x = calloc(1, sizeof(*x));
	struct iq_error *err;
	bool has = false;

	if (!x)
		return iq_error_nomem();
	x->list = json_array();
	err = iq_log_safe_buffers(s->kernel, add_safe, x, &has);
	if (err) {
		free_other(x);
		return err;
	}
	if (!has)
		iq_warn(&s->warnings, "this kernel has no safe buffers: since 5.15 printk needs "
				      "none, and all is in the log");
	*r = (struct result){&safe_ops, x};
	return NULL;
}

static void add_unflushed(void *arg, const struct iq_log_safe *b)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "[%s] ", b->name);
	add_lines(b, prefix, arg);
}

void text_unflushed(struct session *s, struct iq_buf *out)
{
	struct iq_error *err = iq_log_safe_buffers(s->kernel, add_unflushed, out, NULL);

	if (err)
		iq_warn(&s->warnings, "%s", err->message);
	iq_error_free(err);
}

/* ---- Audit --------------------------------------------------------------------------------------- */

static void add_audit(void *arg, unsigned int type, const char *text, size_t len)
{
	struct other *x = arg;
	json_t *o = json_object();

	iq_buf_printf(&x->text, "type=%u ", type);
	iq_buf_add_escaped(&x->text, text, len, false);
	iq_buf_putc(&x->text, '\n');
	json_object_set_new(o, "type", json_integer(type));
	json_object_set_new(o, "text", json_text(text, len));
	json_array_append_new(x->list, o);
}

static json_t *json_audit(struct session *s, const struct result *r)
{
	const struct other *x = r->data;
	json_t *o = json_object();

	json_object_set(o, "audit", x->list);
	return o;
}

static const struct result_ops audit_ops = {text_other, json_audit, free_other};

struct iq_error *log_audit(struct session *s, struct result *r)
{
	struct other *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->list = json_array();
	err = iq_log_audit(s->kernel, add_audit, x);
	if (err) {
		free_other(x);
		return err;
	}
	if (!x->text.len)
		iq_buf_puts(&x->text, "log: kernel audit log is empty\n");
	*r = (struct result){&audit_ops, x};
	return NULL;
}
