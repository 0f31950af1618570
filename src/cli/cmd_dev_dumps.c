// SPDX-License-Identifier: GPL-2.0-or-later
/* dev -V and -v: what drivers saved of their devices when the kernel had crashed (VMCOREDD). */
#include "dev.h"
#include "sandbox.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What -v shows at most on a screen or in JSON; more goes to a file. */
#define MOST_SHOWN (16u << 20)
#define CHUNK (1u << 20)

struct dump_list {
	const struct iq_dump_info *info;
};

static void text_list(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct dump_list *x = r->data;

	iq_buf_puts(out, "INDEX  OFFSET             SIZE             NAME\n");
	for (unsigned int i = 0; i < x->info->nr_devices; i++) {
		const struct iq_device_dump *d = &x->info->devices[i];

		iq_buf_printf(out, "%3u    0x%-16" PRIx64 " %-16" PRIu64 " ", i, d->offset,
			      d->size);
		iq_buf_add_escaped(out, d->name, strlen(d->name), false);
		if (d->there < d->size)
			iq_buf_printf(out, "  [TRUNCATED: %" PRIu64 " bytes are there]", d->there);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_device(const struct iq_device_dump *d)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(d->name, strlen(d->name)));
	json_object_set_new(o, "offset", json_integer((json_int_t)d->offset));
	json_object_set_new(o, "size", json_integer((json_int_t)d->size));
	json_object_set_new(o, "there", json_integer((json_int_t)d->there));
	return o;
}

json_t *json_device_dumps(const struct iq_dump_info *info)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < info->nr_devices; i++)
		json_array_append_new(all, json_device(&info->devices[i]));
	return all;
}

static json_t *json_list(struct session *s, const struct result *r)
{
	const struct dump_list *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "devices", json_device_dumps(x->info));
	return o;
}

static const struct result_ops list_ops = {text_list, json_list, free};

struct iq_error *dev_list_dumps(struct session *s, struct result *r)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);
	struct dump_list *x;

	if (!info->nr_devices)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "the dump has no device dumps"),
			"some drivers save their devices' state when the kernel crashes, if it was "
			"built with CONFIG_PROC_VMCORE_DEVICE_DUMP");
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->info = info;
	*r = (struct result){&list_ops, x};
	return NULL;
}

/* ---- One of them ---------------------------------------------------------------------------------- */

struct one_dump {
	const struct iq_device_dump *device;
	char *file; /* that it was copied to; NULL: it is shown */
	uint8_t *bytes;
	size_t len;
};

static void text_line(uint64_t address, const uint8_t *p, size_t len, struct iq_buf *out)
{
	iq_buf_printf(out, "%16" PRIx64 ":  ", address);
	for (size_t i = 0; i < 16; i += 8) {
		if (i + 8 <= len)
			iq_buf_printf(out, "%016" PRIx64 " ", iq_le64(p + i));
		else
			for (size_t k = i; k < i + 8; k++)
				iq_buf_printf(out, k < len ? "%02x" : "  ", k < len ? p[k] : 0);
	}
	iq_buf_puts(out, "  ");
	for (size_t i = 0; i < len; i++)
		iq_buf_putc(out, p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.');
	iq_buf_putc(out, '\n');
}

static void text_one(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct one_dump *x = r->data;

	iq_buf_puts(out, "DEVICE: ");
	iq_buf_add_escaped(out, x->device->name, strlen(x->device->name), false);
	iq_buf_putc(out, '\n');
	if (x->file) {
		iq_buf_printf(out, "%" PRIu64 " bytes copied from 0x%" PRIx64 " to ",
			      x->device->there, x->device->offset);
		iq_buf_add_escaped(out, x->file, strlen(x->file), false);
		iq_buf_putc(out, '\n');
		return;
	}
	for (size_t at = 0; at < x->len; at += 16) {
		text_line(x->device->offset + at, x->bytes + at, IQ_MIN(x->len - at, 16), out);
		if (out->len > CHUNK && !stream_out(s, out))
			return;
	}
}

static json_t *json_one(struct session *s, const struct result *r)
{
	const struct one_dump *x = r->data;
	json_t *o = json_device(x->device);
	struct iq_buf hex = {0};

	json_object_set_new(o, "file", x->file ? json_text(x->file, strlen(x->file)) : json_null());
	if (!x->file) {
		for (size_t i = 0; i < x->len; i++)
			iq_buf_hex(&hex, x->bytes[i], 2);
		json_object_set_new(o, "bytes", json_string(iq_buf_str(&hex)));
		iq_buf_free(&hex);
	}
	return o;
}

static void free_one(void *data)
{
	struct one_dump *x = data;

	free(x->file);
	free(x->bytes);
	free(x);
}

static const struct result_ops one_ops = {text_one, json_one, free_one};

static struct iq_error *cannot_read(const struct iq_device_dump *d, int64_t n)
{
	if (n < 0)
		return iq_error_errno(errno, "cannot read the dump of %s", d->name);
	return iq_error_new(IQ_E_FORMAT, "the file ends inside the dump of %s", d->name);
}

/* In the sandbox the front opens what the user typed. */
static FILE *open_copy(const char *path)
{
	struct message m = {.kind = MSG_OUTPUT, .flags = OUTPUT_COPY};
	int fd = -1;

	if (sandbox_channel() < 0)
		return fopen(path, "we");
	errno = sandbox_ask(&m, -1, &fd);
	return errno || fd < 0 ? NULL : fdopen(fd, "w");
}

static struct iq_error *copy(struct session *s, const struct iq_device_dump *d, const char *path)
{
	uint8_t *buf = malloc(CHUNK);
	FILE *f = buf ? open_copy(path) : NULL;
	struct iq_error *err = NULL;

	if (!f) {
		err = buf ? iq_error_errno(errno, "cannot write %s", path) : iq_error_nomem();
		free(buf);
		return err;
	}
	for (uint64_t at = 0; !err && at < d->there;) {
		int64_t n = iq_device_dump_read(s->dump, d, buf, CHUNK, at);

		if (iq_cancelled(&s->cancel))
			err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		else if (n <= 0)
			err = cannot_read(d, n);
		else if (fwrite(buf, 1, (size_t)n, f) != (size_t)n)
			err = iq_error_errno(errno, "cannot write %s", path);
		at += n > 0 ? (uint64_t)n : 0;
	}
	if (fclose(f) && !err)
		err = iq_error_errno(errno, "cannot write %s", path);
	free(buf);
	return err;
}

static struct iq_error *fill_one(struct session *s, struct one_dump *x, const char *path)
{
	const struct iq_device_dump *d = x->device;
	int64_t n;

	if (d->there < d->size)
		iq_warn(&s->warnings,
			"the file ends inside the dump of %s: %" PRIu64 " of %" PRIu64
			" bytes are there",
			d->name, d->there, d->size);
	if (path) {
		x->file = strdup(path);
		return x->file ? copy(s, d, path) : iq_error_nomem();
	}
	if (d->there > MOST_SHOWN)
		iq_warn(&s->warnings,
			"only the first %u MB are shown: dev -v INDEX FILE copies all",
			MOST_SHOWN >> 20);
	x->len = (size_t)IQ_MIN(d->there, MOST_SHOWN);
	x->bytes = malloc(x->len + 1);
	if (!x->bytes)
		return iq_error_nomem();
	n = iq_device_dump_read(s->dump, d, x->bytes, x->len, 0);
	return n == (int64_t)x->len ? NULL : cannot_read(d, n);
}

struct iq_error *dev_show_dump(struct session *s, const char *index, const char *path,
			       struct result *r)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);
	struct iq_error *err;
	struct one_dump *x;
	uint64_t i;

	if (!iq_parse_u64(index, &i))
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE, "dev -v wants the index of a device dump"),
			"dev -V lists them");
	if (i >= info->nr_devices)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "there is no device dump %s", index),
			info->nr_devices ? "dev -V lists them" : "the dump has none");
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->device = &info->devices[i];
	err = fill_one(s, x, path);
	if (err) {
		free_one(x);
		return err;
	}
	*r = (struct result){&one_ops, x};
	return NULL;
}
