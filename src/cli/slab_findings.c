// SPDX-License-Identifier: GPL-2.0-or-later
/* Damage in slab caches as text and JSON. */
#include "slab_findings.h"

#include <inttypes.h>
#include <stdlib.h>

bool slab_findings_add(void *arg, const struct iq_slab_finding *f)
{
	struct slab_findings *x = arg;

	if (x->nr >= MAX_SLAB_FINDINGS || !iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list)))
		x->more++;
	else
		x->list[x->nr++] = *f;
	return x->more < 1000 * MAX_SLAB_FINDINGS;
}

void slab_findings_free(struct slab_findings *x)
{
	free(x->list);
	*x = (struct slab_findings){0};
}

void text_slab_findings(const struct slab_findings *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		iq_buf_puts(out, "  DAMAGE: ");
		iq_buf_add_escaped(out, x->list[i].text, strlen(x->list[i].text), false);
		iq_buf_putc(out, '\n');
	}
	if (x->more)
		iq_buf_printf(out, "  DAMAGE: … and %" PRIu64 " more\n", x->more);
}

void text_slab_size(struct session *s, const struct iq_cache *c, struct iq_buf *out)
{
	if (c->order < IQ_CACHE_ORDERS)
		iq_buf_printf(out, "  %4" PRIu64 "k  %s",
			      (uint64_t)(iq_dump_info(s->dump)->page_size / 1024) << c->order, c->name);
	else
		iq_buf_printf(out, "  %4s   %s", "?", c->name);
}

static json_t *address_or_null(uint64_t address)
{
	return address ? json_address(address) : json_null();
}

json_t *json_slab_findings(const struct slab_findings *x)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_slab_finding *f = &x->list[i];
		json_t *o = json_object();

		json_object_set_new(o, "kind", json_string(iq_slab_damage_text(f->kind)));
		json_object_set_new(o, "cache",
				    f->cache ? json_string(f->cache->name) : json_null());
		json_object_set_new(o, "slab", address_or_null(f->slab));
		json_object_set_new(o, "object", address_or_null(f->object));
		json_object_set_new(o, "address", address_or_null(f->address));
		json_object_set_new(o, "found", json_address(f->found));
		json_object_set_new(o, "expected", json_address(f->expected));
		json_object_set_new(o, "length", json_integer((json_int_t)f->len));
		json_object_set_new(o, "text", json_text(f->text, strlen(f->text)));
		json_array_append_new(list, o);
	}
	return list;
}
