// SPDX-License-Identifier: GPL-2.0-or-later
/* Errors and warnings. */
#include <inquest/base.h>
#include <inquest/error.h>
#include <stdlib.h>

/* Never written to: every function below leaves it alone. */
static const struct iq_error nomem_error = {
	.code = IQ_E_NOMEM,
	.message = (char *)"out of memory",
};

struct iq_error *iq_error_nomem(void)
{
	return (struct iq_error *)&nomem_error;
}

/* The formatted text, escaped; NULL without memory. */
static char *format_escaped(const char *fmt, va_list ap)
{
	struct iq_buf raw = {0}, out = {0};

	iq_buf_vprintf(&raw, fmt, ap);
	iq_buf_add_escaped(&out, iq_buf_str(&raw), raw.len, false);
	out.failed |= raw.failed;
	iq_buf_free(&raw);
	return iq_buf_steal(&out);
}

struct iq_error *iq_error_newv(enum iq_code code, const char *fmt, va_list ap)
{
	struct iq_error *err = calloc(1, sizeof(*err));

	if (!err)
		return iq_error_nomem();
	err->code = code;
	err->message = format_escaped(fmt, ap);
	if (!err->message) {
		free(err);
		return iq_error_nomem();
	}
	return err;
}

struct iq_error *iq_error_new(enum iq_code code, const char *fmt, ...)
{
	struct iq_error *err;
	va_list ap;

	va_start(ap, fmt);
	err = iq_error_newv(code, fmt, ap);
	va_end(ap);
	return err;
}

struct iq_error *iq_error_errno(int errnum, const char *fmt, ...)
{
	struct iq_error *err;
	struct iq_buf text = {0};
	va_list ap;
	char reason[128];

	va_start(ap, fmt);
	iq_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	err = iq_error_new(IQ_E_IO, "%s: %s", iq_buf_str(&text),
			   strerror_r(errnum, reason, sizeof(reason)));
	iq_buf_free(&text);
	return err;
}

struct iq_error *iq_error_hint(struct iq_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err == iq_error_nomem())
		return err;
	free(err->hint);
	va_start(ap, fmt);
	err->hint = format_escaped(fmt, ap);
	va_end(ap);
	return err;
}

struct iq_error *iq_error_prefix(struct iq_error *err, const char *fmt, ...)
{
	struct iq_buf both = {0};
	char *prefix, *message;
	va_list ap;

	if (!err || err == iq_error_nomem())
		return err;
	va_start(ap, fmt);
	prefix = format_escaped(fmt, ap);
	va_end(ap);
	if (!prefix)
		return err;
	iq_buf_puts(&both, prefix);
	iq_buf_puts(&both, ": ");
	iq_buf_puts(&both, err->message);
	free(prefix);
	message = iq_buf_steal(&both);
	if (!message)
		return err;
	free(err->message);
	err->message = message;
	return err;
}

void iq_error_free(struct iq_error *err)
{
	if (!err || err == iq_error_nomem())
		return;
	free(err->message);
	free(err->hint);
	free(err);
}

void iq_warn(struct iq_warnings *w, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (!w)
		return;
	va_start(ap, fmt);
	text = format_escaped(fmt, ap);
	va_end(ap);
	if (!text) {
		w->dropped++;
		return;
	}
	for (unsigned int i = 0; i < w->nr; i++) {
		if (!strcmp(w->text[i], text)) {
			free(text);
			return;
		}
	}
	if (w->nr >= IQ_WARNINGS_MAX || !iq_grow(&w->text, &w->room, w->nr + 1, sizeof(*w->text))) {
		w->dropped++;
		free(text);
		return;
	}
	w->text[w->nr++] = text;
}

void iq_warnings_clear(struct iq_warnings *w)
{
	for (unsigned int i = 0; i < w->nr; i++)
		free(w->text[i]);
	free(w->text);
	*w = (struct iq_warnings){0};
}
