// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel log.  Two formats, both described by VMCOREINFO, so that they can be read without types:
 * the lockless ring buffer since 5.10 (kernel/printk/printk_ringbuffer.[ch]) and the buffer of struct
 * printk_log records before it (kernel/printk/printk.c).
 */
#include "private.h"

#include <stdlib.h>

#define LOG_MAX (64u << 20)  /* bytes of text; CONFIG_LOG_BUF_SHIFT allows 32 MB */
#define DESC_MAX (1u << 22)

/* Offset or size: from VMCOREINFO, else from the types. */
static bool log_offset(struct iq_kernel *k, const char *tag, const char *member, uint64_t *ret)
{
	char key[128];
	int64_t v;
	struct iq_types *t;

	snprintf(key, sizeof(key), "OFFSET(%s.%s)", tag, member);
	if (k->vmcoreinfo && iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, key, &v) && v >= 0) {
		*ret = (uint64_t)v;
		return true;
	}
	t = iq_kernel_types(k);
	return t && iq_offset(t, tag, member, ret, NULL);
}

static bool log_size(struct iq_kernel *k, const char *tag, uint64_t *ret)
{
	char key[128];
	int64_t v;
	struct iq_types *t;
	const struct iq_type *type;

	snprintf(key, sizeof(key), "SIZE(%s)", tag);
	if (k->vmcoreinfo && iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, key, &v) && v > 0) {
		*ret = (uint64_t)v;
		return true;
	}
	snprintf(key, sizeof(key), "struct %s", tag);
	t = iq_kernel_types(k);
	type = t ? iq_type_by_name(t, key) : NULL;
	*ret = type ? type->size : 0;
	return type && type->size;
}

static struct iq_log_record *new_record(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;

	if (!iq_grow(&p->log, &p->room_log, p->nr_log + 1, sizeof(*p->log)))
		return NULL;
	memset(&p->log[p->nr_log], 0, sizeof(*p->log));
	return &p->log[p->nr_log++];
}

/* ---- 5.10 and later ---------------------------------------------------------------------------- */

struct prb {
	uint64_t descs, infos, data, head_id, tail_id;
	uint64_t desc_size, info_size, data_size;
	uint64_t count;	      /* of descriptors, a power of two */
	uint64_t state_at, begin_at, next_at;
	uint64_t seq_at, ts_at, len_at, caller_at, dev_at, dev_subsystem_len, dev_size;
	bool has_caller;
};

static bool prb_layout(struct iq_kernel *k, uint64_t rb, struct prb *p)
{
	uint64_t desc_ring, data_ring, o, bits, counter = 0, blk, v;

	if (!log_offset(k, "printk_ringbuffer", "desc_ring", &desc_ring) ||
	    !log_offset(k, "printk_ringbuffer", "text_data_ring", &data_ring) ||
	    !log_offset(k, "prb_desc_ring", "count_bits", &o) ||
	    !kernel_read_uint(k, rb + desc_ring + o, 4, &bits) || bits > 22)
		return false;
	p->count = UINT64_C(1) << bits;
	log_offset(k, "atomic_long_t", "counter", &counter);
	if (!log_offset(k, "prb_desc_ring", "descs", &o) ||
	    !kernel_read_ptr(k, rb + desc_ring + o, &p->descs) ||
	    !log_offset(k, "prb_desc_ring", "infos", &o) ||
	    !kernel_read_ptr(k, rb + desc_ring + o, &p->infos) ||
	    !log_offset(k, "prb_desc_ring", "head_id", &o) ||
	    !kernel_read_ptr(k, rb + desc_ring + o + counter, &p->head_id) ||
	    !log_offset(k, "prb_desc_ring", "tail_id", &o) ||
	    !kernel_read_ptr(k, rb + desc_ring + o + counter, &p->tail_id) ||
	    !log_offset(k, "prb_data_ring", "size_bits", &o) ||
	    !kernel_read_uint(k, rb + data_ring + o, 4, &bits) || bits > 26 ||
	    !log_offset(k, "prb_data_ring", "data", &o) ||
	    !kernel_read_ptr(k, rb + data_ring + o, &p->data))
		return false;
	p->data_size = UINT64_C(1) << bits;
	if (!log_size(k, "prb_desc", &p->desc_size) || !log_size(k, "printk_info", &p->info_size) ||
	    p->desc_size > 4096 || p->info_size > 4096 ||
	    !log_offset(k, "prb_desc", "state_var", &p->state_at) ||
	    !log_offset(k, "prb_desc", "text_blk_lpos", &blk) ||
	    !log_offset(k, "prb_data_blk_lpos", "begin", &v))
		return false;
	p->state_at += counter;
	p->begin_at = blk + v;
	if (!log_offset(k, "prb_data_blk_lpos", "next", &v))
		return false;
	p->next_at = blk + v;
	p->has_caller = log_offset(k, "printk_info", "caller_id", &p->caller_at);
	/* struct dev_printk_info { char subsystem[16]; char device[48]; } */
	if (!log_offset(k, "printk_info", "dev_info", &p->dev_at))
		p->dev_at = UINT64_MAX;
	p->dev_subsystem_len = 16;
	p->dev_size = 64;
	return log_offset(k, "printk_info", "seq", &p->seq_at) &&
	       log_offset(k, "printk_info", "ts_nsec", &p->ts_at) &&
	       log_offset(k, "printk_info", "text_len", &p->len_at) &&
	       p->state_at + 8 <= p->desc_size && p->next_at + 8 <= p->desc_size &&
	       p->begin_at + 8 <= p->desc_size && p->seq_at + 8 <= p->info_size &&
	       p->ts_at + 8 <= p->info_size && p->len_at + 4 <= p->info_size &&
	       (!p->has_caller || p->caller_at + 4 <= p->info_size);
}

/* SUBSYSTEM= and DEVICE= lines, as devkmsg shows them. */
static void prb_dict(struct iq_kernel *k, const struct prb *p, const uint8_t *info, struct iq_log_record *r)
{
	const char *dev = (const char *)info + p->dev_at;
	char text[160];
	size_t sub, device;
	int n = 0;

	if (p->dev_at == UINT64_MAX || p->dev_at + p->dev_size > p->info_size)
		return;
	sub = strnlen(dev, p->dev_subsystem_len);
	device = strnlen(dev + p->dev_subsystem_len, p->dev_size - p->dev_subsystem_len);
	if (sub)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "SUBSYSTEM=%.*s\n", (int)sub, dev);
	if (device)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "DEVICE=%.*s\n", (int)device,
			      dev + p->dev_subsystem_len);
	if (!n)
		return;
	r->dict = iq_arena_strndup(&k->priv->log_text, text, (size_t)n - 1);
	r->dict_len = r->dict ? (unsigned int)n - 1 : 0;
}

static void prb_record(struct iq_kernel *k, const struct prb *p, const char *data, uint64_t id,
		       const uint8_t *desc, const uint8_t *info)
{
	uint64_t state = iq_le64(desc + p->state_at);
	uint64_t begin = iq_le64(desc + p->begin_at), next = iq_le64(desc + p->next_at);
	uint64_t mask = p->data_size - 1, start, room;
	unsigned int len = iq_le16(info + p->len_at);
	struct iq_log_record *r;

	/* Top two bits: 0 reserved (or never used), 1 committed, 2 finalized, 3 reusable; the rest is the
	 * id of the descriptor's present user. */
	if (state >> 62 != 1 && state >> 62 != 2)
		return;
	if ((state & (UINT64_MAX >> 2)) != (id & (UINT64_MAX >> 2)))
		return;
	r = new_record(k);
	if (!r)
		return;
	r->seq = iq_le64(info + p->seq_at);
	r->ns = iq_le64(info + p->ts_at);
	r->facility = info[p->len_at + 2];
	r->level = info[p->len_at + 3] >> 5; /* u8 flags:5, level:3 */
	if (p->has_caller)
		r->caller = iq_le32(info + p->caller_at);
	prb_dict(k, p, info, r);
	r->text = "";
	/* Both odd: a record without text (or whose text could not be kept). */
	if (begin & next & 1)
		return;
	/* A block that did not fit before the end of the ring starts over at its beginning.  Every block
	 * begins with the descriptor's id. */
	if (begin / p->data_size == next / p->data_size && (begin & mask) < (next & mask)) {
		start = begin & mask;
		room = next - begin;
	} else if (begin / p->data_size == next / p->data_size || !(next & mask)) {
		start = begin & mask; /* ends exactly at the ring's end */
		room = p->data_size - start;
	} else {
		start = 0;
		room = next & mask;
	}
	if (room < 8 || start + room > p->data_size)
		return;
	len = (unsigned int)IQ_MIN(len, room - 8);
	r->text = data + start + 8;
	r->len = len;
}

/* Read a table that may be partly missing: what cannot be read stays zero, page by page. */
static uint64_t read_table(struct iq_kernel *k, uint64_t at, uint8_t *buf, uint64_t len)
{
	uint64_t done = 0, missing = 0;

	while (done < len) {
		uint64_t n = IQ_MIN(len - done, 4096 - ((at + done) & 4095));

		if (iq_vm_read(k->vm, at + done, buf + done, n, NULL)) {
			memset(buf + done, 0, n);
			missing += n;
		}
		done += n;
	}
	return missing;
}

static struct iq_error *read_prb(struct iq_kernel *k, uint64_t rb)
{
	struct prb p = {0};
	uint8_t *descs, *infos;
	char *data;
	uint64_t id, n, missing;

	if (!prb_layout(k, rb, &p))
		return iq_error_new(IQ_E_FORMAT, "the printk ring buffer at 0x%lx is damaged or of an unknown "
				    "layout", (unsigned long)rb);
	/* All allocations are bounded: 2^22 descriptors, 2^26 bytes of text. */
	if (p.count > DESC_MAX || p.data_size > LOG_MAX)
		return iq_error_new(IQ_E_LIMIT, "the printk ring buffer claims an absurd size");
	data = iq_arena_alloc(&k->priv->log_text, p.data_size + 1);
	descs = calloc(p.count, p.desc_size);
	infos = calloc(p.count, p.info_size);
	if (!data || !descs || !infos) {
		free(descs);
		free(infos);
		return iq_error_nomem();
	}
	missing = read_table(k, p.descs, descs, p.count * p.desc_size) +
		  read_table(k, p.infos, infos, p.count * p.info_size) +
		  read_table(k, p.data, (uint8_t *)data, p.data_size);
	if (missing)
		iq_warn(k->warnings, "%lu bytes of the log are not in the dump", (unsigned long)missing);
	id = p.tail_id;
	for (n = 0; n < p.count; n++, id = (id + 1) & (UINT64_MAX >> 2)) {
		uint64_t i = id & (p.count - 1);

		prb_record(k, &p, data, id, descs + i * p.desc_size, infos + i * p.info_size);
		if ((id & (UINT64_MAX >> 2)) == (p.head_id & (UINT64_MAX >> 2)))
			break;
	}
	free(descs);
	free(infos);
	return NULL;
}

/* ---- Up to 5.9 --------------------------------------------------------------------------------- */

static struct iq_error *read_log_buf(struct iq_kernel *k)
{
	uint64_t buf, len, first, next, size, ts_at, len_at, text_at, dict_at, caller_at = 0, i, seq = 0;
	bool has_caller;
	uint8_t *bytes;

	if (!iq_kernel_variable(k, "log_buf", 8, &buf) || !iq_kernel_variable(k, "log_buf_len", 4, &len) ||
	    !iq_kernel_variable(k, "log_first_idx", 4, &first) ||
	    !iq_kernel_variable(k, "log_next_idx", 4, &next) || !log_size(k, "printk_log", &size) ||
	    !log_offset(k, "printk_log", "ts_nsec", &ts_at) || !log_offset(k, "printk_log", "len", &len_at) ||
	    !log_offset(k, "printk_log", "text_len", &text_at) ||
	    !log_offset(k, "printk_log", "dict_len", &dict_at))
		return iq_error_new(IQ_E_NOT_FOUND, "this dump does not say where its log is");
	if (!len || len > LOG_MAX || first >= len || next > len || size > 256 || size < 16 ||
	    ts_at + 8 > size || len_at + 2 > size || text_at + 2 > size || dict_at + 4 > size)
		return iq_error_new(IQ_E_FORMAT, "the log buffer's description makes no sense");
	iq_kernel_variable(k, "log_first_seq", 8, &seq);
	has_caller = log_offset(k, "printk_log", "caller_id", &caller_at) && caller_at + 4 <= size;
	bytes = iq_arena_alloc(&k->priv->log_text, len + 1);
	if (!bytes)
		return iq_error_nomem();
	if (read_table(k, buf, bytes, len))
		iq_warn(k->warnings, "parts of the log are not in the dump");
	/* At most len / size records; wraps once, where a record of length 0 stands or no header fits. */
	for (i = 0; i <= len / size && first != next; i++) {
		const uint8_t *h = bytes + first;
		unsigned int rec = first + size <= len ? iq_le16(h + len_at) : 0;
		struct iq_log_record *r;

		if (!rec) {
			if (!first)
				break;
			first = 0;
			continue;
		}
		if (rec < size || first + rec > len) {
			iq_warn(k->warnings, "the log is damaged behind record %lu", (unsigned long)seq);
			break;
		}
		r = new_record(k);
		if (!r)
			return iq_error_nomem();
		r->seq = seq++;
		r->ns = iq_le64(h + ts_at);
		r->len = IQ_MIN(iq_le16(h + text_at), rec - (unsigned int)size);
		r->text = (const char *)h + size;
		r->dict_len = IQ_MIN(iq_le16(h + dict_at), rec - (unsigned int)size - r->len);
		r->dict = r->dict_len ? r->text + r->len : NULL;
		r->facility = h[dict_at + 2];
		r->level = h[dict_at + 3] >> 5;
		if (has_caller)
			r->caller = iq_le32(h + caller_at);
		first += rec;
	}
	return NULL;
}

static struct iq_error *read_log(struct iq_kernel *k)
{
	uint64_t at = iq_kernel_symbol(k, "prb"), rb;

	/* `prb` points to the ring in use: the static one or a larger one made at boot. */
	if (!at)
		return read_log_buf(k);
	IQ_TRY(iq_vm_read_or(k->vm, at, &rb, sizeof(rb), "the pointer to the log"));
	return read_prb(k, rb);
}

struct iq_error *iq_log(struct iq_kernel *k, const struct iq_log_record **ret, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;

	if (!p->log_state) {
		struct iq_error *err = read_log(k);

		p->log_state = err ? LAZY_FAILED : LAZY_DONE;
		if (err)
			p->log_error = strdup(err->message);
		iq_error_free(err);
	}
	if (p->log_state == LAZY_FAILED)
		return iq_error_new(IQ_E_UNAVAILABLE, "%s", p->log_error ? p->log_error : "no log");
	*ret = p->log;
	*nr = p->nr_log;
	return NULL;
}

void log_free(struct iq_kernel *k)
{
	free(k->priv->log);
	free(k->priv->log_error);
	iq_arena_free(&k->priv->log_text);
}
