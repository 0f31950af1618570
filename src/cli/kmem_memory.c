// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem -i, -V, -z: the machine's memory as a whole, its counters and zones. */
#include "kmem.h"
#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

void text_pages_size(struct session *s, int64_t pages, char *buf, size_t room)
{
	double bytes = (double)pages * iq_dump_info(s->dump)->page_size;
	char *tail;

	if (!pages) {
		snprintf(buf, room, "0");
	} else if (bytes < 1 << 20) {
		snprintf(buf, room, "%.0f KB", bytes / 1024);
	} else {
		bool giga = bytes >= 1 << 30;

		snprintf(buf, room, "%.1f %s", bytes / (giga ? 1 << 30 : 1 << 20), giga ? "GB" : "MB");
		tail = strstr(buf, ".0 ");
		if (tail)
			memmove(tail, tail + 2, strlen(tail + 2) + 1);
	}
}

/* ---- -i ---------------------------------------------------------------------------------------- */

struct info_row {
	const char *label, *key;
	int64_t pages;
	const char *of; /* NULL: no percentage */
	int64_t whole;
	bool gap; /* a blank line before it */
};
#define INFO_ROWS 13

static unsigned int info_rows(const struct iq_memory *m, struct info_row *row)
{
	int64_t used = m->total >= 0 && m->free >= 0 ? m->total - m->free : -1;
	int64_t swap_used = m->swap_total >= 0 && m->swap_free >= 0 ? m->swap_total - m->swap_free : -1;
	const struct info_row rows[] = {
		{"TOTAL MEM", "total", m->total, NULL, 0, false},
		{"FREE", "free", m->free, "TOTAL MEM", m->total, false},
		{"USED", "used", used, "TOTAL MEM", m->total, false},
		{"BUFFERS", "buffers", m->buffers, "TOTAL MEM", m->total, false},
		{"CACHED", "cached", m->cached, "TOTAL MEM", m->total, false},
		{"SLAB", "slab", m->slab, "TOTAL MEM", m->total, false},
		{"TOTAL HUGE", "huge_total", m->huge_total, NULL, 0, true},
		{"HUGE FREE", "huge_free", m->huge_free, "TOTAL HUGE", m->huge_total, false},
		{"TOTAL SWAP", "swap_total", m->swap_total, NULL, 0, true},
		{"SWAP USED", "swap_used", swap_used, "TOTAL SWAP", m->swap_total, false},
		{"SWAP FREE", "swap_free", m->swap_free, "TOTAL SWAP", m->swap_total, false},
		{"COMMIT LIMIT", "commit_limit", m->commit_limit, NULL, 0, true},
		{"COMMITTED", "committed", m->committed, "TOTAL LIMIT", m->commit_limit, false},
	};

	memcpy(row, rows, sizeof(rows));
	return IQ_ARRAY_SIZE(rows);
}

static void info_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct info_row row[INFO_ROWS];
	unsigned int nr = info_rows(r->data, row);

	iq_buf_puts(out, "                 PAGES        TOTAL      PERCENTAGE\n");
	for (unsigned int i = 0; i < nr; i++) {
		char size[32];

		if (row[i].gap)
			iq_buf_putc(out, '\n');
		if (row[i].pages < 0) {
			iq_buf_printf(out, "%13s  (unknown)\n", row[i].label);
			continue;
		}
		text_pages_size(s, row[i].pages, size, sizeof(size));
		iq_buf_printf(out, "%13s  %7" PRId64 "  %11s  ", row[i].label, row[i].pages, size);
		if (row[i].of)
			iq_buf_printf(out, "%3" PRId64 "%% of %s\n",
				      row[i].whole > 0 ? row[i].pages * 100 / row[i].whole : 0,
				      row[i].of);
		else
			iq_buf_puts(out, "       ----\n");
	}
}

static json_t *info_json(struct session *s, const struct result *r)
{
	const struct iq_memory *m = r->data;
	struct info_row row[INFO_ROWS];
	unsigned int nr = info_rows(m, row);
	json_t *o = json_object();

	json_object_set_new(o, "page_size", json_integer(iq_dump_info(s->dump)->page_size));
	for (unsigned int i = 0; i < nr; i++)
		json_object_set_new(o, row[i].key,
				    row[i].pages < 0 ? json_null() : json_integer(row[i].pages));
	json_object_set_new(o, "shared", m->shared < 0 ? json_null() : json_integer(m->shared));
	return o;
}

static const struct result_ops info_ops = {info_text, info_json, free};

struct iq_error *kmem_info(struct session *s, struct result *r)
{
	struct iq_memory *m;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(s->kernel, &t));
	m = calloc(1, sizeof(*m));
	if (!m)
		return iq_error_nomem();
	iq_memory(s->kernel, m);
	*r = (struct result){&info_ops, m};
	return NULL;
}

/* ---- -V ---------------------------------------------------------------------------------------- */

struct counter_list {
	struct iq_counter *counter;
	unsigned int nr;
};

static unsigned int widest(const struct counter_list *l)
{
	unsigned int width = 0;

	for (unsigned int i = 0; i < l->nr; i++)
		width = IQ_MAX(width, (unsigned int)strlen(l->counter[i].name));
	return width;
}

static void text_counters(const struct counter_list *l, unsigned int width, struct iq_buf *out)
{
	for (unsigned int i = 0; i < l->nr; i++)
		iq_buf_printf(out, "%*s: %" PRId64 "\n", (int)width, l->counter[i].name,
			      l->counter[i].value);
}

static json_t *json_counters(const struct counter_list *l)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < l->nr; i++)
		json_object_set_new(o, l->counter[i].name, json_integer(l->counter[i].value));
	return o;
}

struct counters_result {
	struct counter_list list[IQ_COUNTERS_EVENT + 1];
};

static void counters_free(void *data)
{
	struct counters_result *x = data;

	for (unsigned int i = 0; i <= IQ_COUNTERS_EVENT; i++)
		free(x->list[i].counter);
	free(x);
}

static void counters_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct counters_result *x = r->data;
	unsigned int width = IQ_MAX(widest(&x->list[IQ_COUNTERS_ZONE]), widest(&x->list[IQ_COUNTERS_NODE]));

	iq_buf_puts(out, "  VM_ZONE_STAT:\n");
	text_counters(&x->list[IQ_COUNTERS_ZONE], width, out);
	iq_buf_puts(out, "\n  VM_NODE_STAT:\n");
	text_counters(&x->list[IQ_COUNTERS_NODE], width, out);
	if (x->list[IQ_COUNTERS_NUMA].nr) {
		iq_buf_puts(out, "\n  VM_NUMA_STAT:\n");
		text_counters(&x->list[IQ_COUNTERS_NUMA], width, out);
	}
	iq_buf_puts(out, "\n  VM_EVENT_STATES:\n");
	text_counters(&x->list[IQ_COUNTERS_EVENT], widest(&x->list[IQ_COUNTERS_EVENT]), out);
}

static json_t *counters_json(struct session *s, const struct result *r)
{
	const struct counters_result *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "zone", json_counters(&x->list[IQ_COUNTERS_ZONE]));
	json_object_set_new(o, "node", json_counters(&x->list[IQ_COUNTERS_NODE]));
	json_object_set_new(o, "numa", json_counters(&x->list[IQ_COUNTERS_NUMA]));
	json_object_set_new(o, "event", json_counters(&x->list[IQ_COUNTERS_EVENT]));
	return o;
}

static const struct result_ops counters_ops = {counters_text, counters_json, counters_free};

struct iq_error *kmem_counters(struct session *s, struct result *r)
{
	struct counters_result *x = calloc(1, sizeof(*x));
	struct iq_error *err = NULL;

	if (!x)
		return iq_error_nomem();
	for (unsigned int i = 0; !err && i <= IQ_COUNTERS_EVENT; i++) {
		err = iq_counters(s->kernel, (enum iq_counters)i, 0, &x->list[i].counter,
				  &x->list[i].nr);
		if (err && i == IQ_COUNTERS_NUMA) { /* most kernels have none */
			iq_error_free(err);
			err = NULL;
		}
	}
	if (err) {
		counters_free(x);
		return err;
	}
	*r = (struct result){&counters_ops, x};
	return NULL;
}

/* ---- -z ---------------------------------------------------------------------------------------- */

struct zones_result {
	struct iq_zone *zone;
	unsigned int nr;
	struct counter_list *list; /* by zone */
};

static void zones_free(void *data)
{
	struct zones_result *x = data;

	for (unsigned int i = 0; x->list && i < x->nr; i++)
		free(x->list[i].counter);
	free(x->list);
	free(x->zone);
	free(x);
}

static void zones_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct zones_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_zone *z = &x->zone[i];

		iq_buf_printf(out, "NODE: %u  ZONE: %u  ADDR: %" PRIx64 "  NAME: \"%s\"\n", z->node,
			      z->index, z->address, z->name);
		if (!z->spanned) {
			iq_buf_puts(out, "  [unpopulated]\n\n");
			continue;
		}
		iq_buf_printf(out, "  SIZE: %" PRIu64, z->spanned);
		if (z->present != z->spanned)
			iq_buf_printf(out, "  PRESENT: %" PRIu64, z->present);
		iq_buf_printf(out, "  MIN/LOW/HIGH: %" PRIu64 "/%" PRIu64 "/%" PRIu64 "\n  VM_STAT:\n",
			      z->watermark[0], z->watermark[1], z->watermark[2]);
		text_counters(&x->list[i], widest(&x->list[i]), out);
		iq_buf_puts(out, "\n\n");
	}
}

json_t *json_zone(const struct iq_zone *z)
{
	json_t *o = json_object();

	json_object_set_new(o, "node", json_integer(z->node));
	json_object_set_new(o, "zone", json_integer(z->index));
	json_object_set_new(o, "address", json_address(z->address));
	json_object_set_new(o, "name", json_string(z->name));
	json_object_set_new(o, "start_pfn", json_integer((json_int_t)z->start_pfn));
	json_object_set_new(o, "spanned", json_integer((json_int_t)z->spanned));
	json_object_set_new(o, "present", json_integer((json_int_t)z->present));
	json_object_set_new(o, "managed", json_integer((json_int_t)z->managed));
	json_object_set_new(o, "free", json_integer((json_int_t)z->free));
	json_object_set_new(o, "min", json_integer((json_int_t)z->watermark[0]));
	json_object_set_new(o, "low", json_integer((json_int_t)z->watermark[1]));
	json_object_set_new(o, "high", json_integer((json_int_t)z->watermark[2]));
	return o;
}

static json_t *zones_json(struct session *s, const struct result *r)
{
	const struct zones_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		json_t *z = json_zone(&x->zone[i]);

		if (x->list)
			json_object_set_new(z, "counters", json_counters(&x->list[i]));
		json_array_append_new(list, z);
	}
	json_object_set_new(o, "zones", list);
	return o;
}

static const struct result_ops zones_ops = {zones_text, zones_json, zones_free};

struct iq_error *kmem_zones(struct session *s, struct result *r)
{
	struct zones_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	err = iq_zones(s->kernel, &x->zone, &x->nr);
	x->list = calloc(x->nr ? x->nr : 1, sizeof(*x->list));
	if (!err && !x->list)
		err = iq_error_nomem();
	for (unsigned int i = 0; !err && i < x->nr; i++)
		if (x->zone[i].spanned)
			err = iq_counters(s->kernel, IQ_COUNTERS_ZONE, x->zone[i].address,
					  &x->list[i].counter, &x->list[i].nr);
	if (err) {
		zones_free(x);
		return err;
	}
	*r = (struct result){&zones_ops, x};
	return NULL;
}
