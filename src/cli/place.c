// SPDX-License-Identifier: GPL-2.0-or-later
/* Places as text and JSON: see place.h. */
#include "place.h"

#include "internal.h"
#include "show.h"
#include "slab_findings.h"
#include "slab_tracks.h"
#include <inttypes.h>
#include <stdlib.h>

struct iq_error *parse_place(struct session *s, const char *word, uint64_t *address, bool *physical)
{
	uint64_t a, max = iq_dump_info(s->dump)->max_pfn * iq_dump_info(s->dump)->page_size;

	IQ_TRY(parse_address(s, word, &a));
	*address = a;
	*physical = !s->kernel->arch->vm->is_kernel(&s->kernel->layout, a) &&
		    (a < max || iq_resource_at(s->kernel, IQ_RESOURCES_MEMORY, a, NULL, 0, NULL));
	return NULL;
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static json_t *kind(const char *name)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(name));
	return o;
}

static const char *object_state(enum iq_object_state state)
{
	switch (state) {
	case IQ_OBJECT_ALLOCATED:
		return "allocated";
	case IQ_OBJECT_FREE:
	case IQ_OBJECT_CPU_FREE:
	case IQ_OBJECT_SHEAF:
		return "free";
	case IQ_OBJECT_RCU_PENDING:
		return "rcu_pending";
	case IQ_OBJECT_UNKNOWN:
		break;
	}
	return NULL;
}

static json_t *maybe_string(const char *text)
{
	return text && *text ? json_text(text, strlen(text)) : json_null();
}

struct iq_error *open_describer(struct session *s, struct iq_describer **ret)
{
	IQ_TRY(iq_describer_open(s->kernel, ret));
	iq_describer_make_graph(*ret, &s->cancel);
	return NULL;
}

static json_t *kind_slab(const struct iq_whatis *w)
{
	const struct iq_object *x = &w->object;
	const char *state = object_state(x->state);
	json_t *o = kind("slab");
	struct iq_buf type = {0};

	iq_whatis_type(w, &type);
	json_object_set_new(o, "cache", maybe_string(x->slab.cache->name));
	json_object_set_new(o, "object", x->object ? json_address(x->object) : json_null());
	json_object_set_new(o, "offset",
			    x->object ? json_integer((json_int_t)x->offset) : json_null());
	json_object_set_new(o, "size", json_integer((json_int_t)x->slab.cache->object_size));
	json_object_set_new(o, "state", state && x->object ? json_string(state) : json_null());
	json_object_set_new(o, "cpu", x->cpu >= 0 ? json_integer(x->cpu) : json_null());
	json_object_set_new(o, "kfence", json_boolean(x->slab.kfence));
	json_object_set_new(o, "slab", json_address(x->slab.address));
	json_object_set_new(o, "node",
			    x->slab.node >= 0 ? json_integer(x->slab.node) : json_null());
	json_object_set_new(o, "type", maybe_string(iq_buf_str(&type)));
	iq_buf_free(&type);
	json_object_set_new(o, "type_confidence",
			    json_string(iq_confidence_text(w->type_confidence)));
	json_object_set_new(o, "type_from", maybe_string(w->type_from));
	json_object_set_new(o, "member", maybe_string(w->member));
	return o;
}

static json_t *kind_stack(const struct iq_whatis *w)
{
	json_t *o = kind("stack");
	bool has = w->task.address != 0;

	json_object_set_new(o, "stack", json_string(iq_stack_kind_text(w->stack.kind)));
	json_object_set_new(o, "cpu", w->stack.cpu >= 0 ? json_integer(w->stack.cpu) : json_null());
	json_object_set_new(o, "pid", has ? json_integer(w->task.pid) : json_null());
	json_object_set_new(o, "comm",
			    has ? json_text(w->task.comm, strnlen(w->task.comm, 16)) : json_null());
	json_object_set_new(o, "task", has ? json_address(w->task.address) : json_null());
	json_object_set_new(o, "frame", w->frame >= 0 ? json_integer(w->frame) : json_null());
	json_object_set_new(o, "function", w->frame >= 0 ? maybe_string(w->function) : json_null());
	json_object_set_new(o, "offset",
			    w->frame >= 0 ? json_integer((json_int_t)w->function_offset)
					  : json_null());
	json_object_set_new(o, "module", maybe_string(w->function_module));
	json_object_set_new(o, "slot", maybe_string(w->slot));
	json_object_set_new(o, "live", json_boolean(!w->below));
	return o;
}

static json_t *variable_member(struct session *s, const struct iq_symbol *symbol, uint64_t offset)
{
	char member[256];

	iq_variable_member(s->kernel, symbol, offset, member, sizeof(member));
	return maybe_string(member);
}

static json_t *kind_symbol(struct session *s, const struct iq_whatis *w)
{
	json_t *o = kind("symbol");
	const char *file = NULL;
	unsigned int line = 0;
	bool has = iq_is_text(s->kernel, w->virtual) &&
		   iq_kernel_line(s->kernel, w->virtual, &file, &line);

	json_object_set_new(o, "name", maybe_string(w->symbol.name));
	json_object_set_new(o, "offset",
			    json_integer((json_int_t)(w->virtual - w->symbol.address)));
	json_object_set_new(o, "module", maybe_string(w->symbol.module));
	json_object_set_new(o, "file", has ? maybe_string(file) : json_null());
	json_object_set_new(o, "line", has ? json_integer(line) : json_null());
	json_object_set_new(o, "member",
			    variable_member(s, &w->symbol, w->virtual - w->symbol.address));
	return o;
}

static json_t *kind_vmalloc(struct session *s, const struct iq_whatis *w)
{
	json_t *o = kind("vmalloc");
	char caller[200] = "";

	if (w->vmap->caller)
		iq_symbol_format(s->kernel, w->vmap->caller, false, true, caller, sizeof(caller));
	json_object_set_new(o, "start", json_address(w->vmap->start));
	json_object_set_new(o, "end", json_address(w->vmap->end));
	json_object_set_new(o, "size", json_integer((json_int_t)(w->vmap->end - w->vmap->start)));
	json_object_set_new(o, "caller", maybe_string(caller));
	return o;
}

static json_t *kind_resource(struct session *s, const struct iq_whatis *w)
{
	json_t *o = kind("resource");
	struct iq_buf path = {0};

	iq_resource_text(s->kernel, IQ_RESOURCES_MEMORY, w->physical, &path);
	json_object_set_new(o, "resource", json_address(w->resource->address));
	json_object_set_new(o, "start", json_address(w->resource->start));
	json_object_set_new(o, "end", json_address(w->resource->end));
	json_object_set_new(o, "name", json_string(w->resource->name));
	json_object_set_new(o, "path", json_string(iq_buf_str(&path)));
	iq_buf_free(&path);
	return o;
}

static json_t *kind_struct_page(struct session *s, const struct iq_whatis *w)
{
	json_t *o = kind("struct_page");

	json_object_set_new(o, "pfn", json_integer((json_int_t)w->struct_page_pfn));
	json_object_set_new(o, "physical", json_address(w->struct_page_pfn *
							iq_dump_info(s->dump)->page_size));
	json_object_set_new(o, "state", json_string(iq_page_use_text(w->struct_page_use)));
	return o;
}

static json_t *kind_percpu(struct session *s, const struct iq_whatis *w)
{
	json_t *o = kind("percpu");

	json_object_set_new(o, "symbol", maybe_string(w->percpu.name));
	json_object_set_new(o, "cpu", json_integer(w->percpu_cpu));
	json_object_set_new(o, "offset", json_integer((json_int_t)w->percpu_offset));
	json_object_set_new(o, "member", variable_member(s, &w->percpu, w->percpu_offset));
	return o;
}

static json_t *kind_module(const struct iq_whatis *w)
{
	json_t *o = kind("module");

	json_object_set_new(o, "name", json_string(w->module->name));
	json_object_set_new(o, "part", maybe_string(w->module_part));
	return o;
}

/* The file, its users, and whose page table: null or empty if it is none of these. */
static void json_owner(struct session *s, const struct iq_whatis *w, json_t *o)
{
	bool has = (w->use == IQ_PAGE_ANON || w->use == IQ_PAGE_FILE);
	json_t *users = json_array(), *table = json_null();
	struct iq_page_owner owner = {0};
	struct iq_table_owner t;

	has = has && iq_page_owner(s->kernel, &w->page, &owner);
	json_object_set_new(o, "file", has ? maybe_string(owner.path) : json_null());
	json_object_set_new(o, "file_offset",
			    has && owner.kind == IQ_OWNER_FILE
				    ? json_integer((json_int_t)(owner.index *
								iq_dump_info(s->dump)->page_size))
				    : json_null());
	for (unsigned int i = 0; has && i < IQ_MIN(owner.nr_users, IQ_MAX_USERS); i++) {
		const struct iq_page_user *u = &owner.user[i];
		json_t *e = json_object();

		json_object_set_new(e, "pid", u->pid ? json_integer(u->pid) : json_null());
		json_object_set_new(e, "comm", json_text(u->comm, strnlen(u->comm, 16)));
		json_object_set_new(e, "mm", json_address(u->mm));
		json_object_set_new(e, "address", json_address(u->address));
		json_object_set_new(e, "mapped", json_boolean(u->mapped));
		json_array_append_new(users, e);
	}
	json_object_set_new(o, "users", users);
	iq_page_owner_free(&owner);
	if (iq_whatis_table(s->kernel, w, &t)) {
		json_object_set_new(o, "state", json_string(iq_page_use_text(IQ_PAGE_TABLE)));
		table = json_object();
		json_object_set_new(table, "level", json_integer(t.level));
		json_object_set_new(table, "address", json_address(t.address));
		json_object_set_new(table, "mm", t.mm ? json_address(t.mm) : json_null());
		json_object_set_new(table, "pid", t.pid ? json_integer(t.pid) : json_null());
	}
	json_object_set_new(o, "table", table);
}

static json_t *kind_page(struct session *s, const struct iq_whatis *w)
{
	json_t *o = json_page(s, &w->page);

	json_object_set_new(o, "kind", json_string("page"));
	json_object_set_new(o, "state", json_string(iq_page_use_text(w->use)));
	json_owner(s, w, o);
	json_object_set_new(o, "order",
			    w->use == IQ_PAGE_FREE ? json_integer(w->order) : json_null());
	return o;
}

static json_t *kind_missing(const struct iq_whatis *w)
{
	bool unmapped = w->content == IQ_MEM_UNMAPPED || w->content == IQ_MEM_NO_TABLE;
	json_t *o = kind(unmapped			 ? "unmapped"
			 : w->content == IQ_MEM_EXCLUDED ? "excluded"
							 : "unreadable");

	if (unmapped)
		json_object_set_new(o, "level", w->level ? json_integer(w->level) : json_null());
	else
		json_object_set_new(o, "why", json_string(iq_mem_text(w->content)));
	return o;
}

json_t *json_kinds(struct session *s, const struct iq_whatis *w)
{
	json_t *list = json_array();

	if (w->resource)
		json_array_append_new(list, kind_resource(s, w));
	if (w->has_page)
		json_array_append_new(list, kind_page(s, w));
	if (w->is_struct_page)
		json_array_append_new(list, kind_struct_page(s, w));
	if (w->vmap)
		json_array_append_new(list, kind_vmalloc(s, w));
	if (w->module)
		json_array_append_new(list, kind_module(w));
	if (w->has_percpu)
		json_array_append_new(list, kind_percpu(s, w));
	if (w->has_symbol)
		json_array_append_new(list, kind_symbol(s, w));
	if (w->has_slab) {
		json_t *slab = kind_slab(w);

		json_slab_tracks(s, &w->object, slab);
		json_array_append_new(list, slab);
	}
	if (w->has_stack)
		json_array_append_new(list, kind_stack(w));
	if (w->content)
		json_array_append_new(list, kind_missing(w));
	return list;
}

json_t *json_kind(struct session *s, const struct iq_whatis *w)
{
	if (w->has_stack)
		return kind_stack(w);
	if (w->has_slab)
		return kind_slab(w);
	if (w->has_symbol)
		return kind_symbol(s, w);
	if (w->has_percpu)
		return kind_percpu(s, w);
	if (w->module)
		return kind_module(w);
	if (w->is_struct_page)
		return kind_struct_page(s, w);
	if (w->vmap)
		return kind_vmalloc(s, w);
	if (w->resource)
		return kind_resource(s, w);
	if (w->has_page)
		return kind_page(s, w);
	return json_null();
}

json_t *json_whatis(struct session *s, const struct iq_whatis *w)
{
	json_t *o = json_object();

	json_object_set_new(o, "address", json_address(w->address));
	json_object_set_new(o, "space", json_string(w->is_virtual ? "virtual" : "physical"));
	json_object_set_new(o, "physical",
			    w->has_physical ? json_address(w->physical) : json_null());
	json_object_set_new(o, "kinds", json_kinds(s, w));
	return o;
}

/* ---- Text --------------------------------------------------------------------------------------- */

static void text_symbol(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	uint64_t offset = w->virtual - w->symbol.address;
	const char *file;
	unsigned int line;

	iq_buf_printf(out, "%016" PRIx64 " (%c) %s", w->virtual, w->symbol.type, w->symbol.name);
	if (offset)
		iq_buf_printf(out, "+%" PRIu64, offset);
	if (w->symbol.module)
		iq_buf_printf(out, " [%s]", w->symbol.module);
	if (iq_is_text(s->kernel, w->virtual) &&
	    iq_kernel_line(s->kernel, w->virtual, &file, &line))
		iq_buf_printf(out, " %s: %u", file, line);
	iq_buf_puts(out, "\n\n");
}

static void text_slab(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	const struct iq_slab *slab = &w->object.slab;
	const struct iq_object *x = &w->object;
	struct iq_cache_usage u;

	iq_buf_puts(out, "CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME\n");
	iq_buf_printf(out, "%016" PRIx64 " %8" PRIu64 " ", slab->cache->address,
		      slab->cache->object_size);
	if (iq_cache_usage(s->kernel, slab->cache, &u))
		iq_buf_printf(out, "%10" PRIu64 "%10" PRIu64 "%7" PRIu64, u.allocated, u.objects,
			      u.slabs);
	else
		iq_buf_printf(out, "%10s%10s%7s", "?", "?", "?");
	text_slab_size(s, slab->cache, out);
	iq_buf_putc(out, '\n');
	iq_buf_puts(out, "  SLAB              MEMORY            NODE  TOTAL  ALLOCATED  FREE\n");
	iq_buf_printf(out, "  %016" PRIx64 "  %016" PRIx64 " ", slab->address, slab->memory);
	if (slab->node >= 0)
		iq_buf_printf(out, "%5d", slab->node);
	else
		iq_buf_printf(out, "%5s", "?");
	if (slab->lists_ok)
		iq_buf_printf(out, " %6u %10u %5u\n", slab->objects, slab->allocated,
			      slab->objects - slab->allocated);
	else
		iq_buf_printf(out, " %6u %10s %5s\n", slab->objects, "?", "?");
	if (!x->object) {
		iq_buf_puts(out, "  (behind the slab's last object)\n");
		text_slab_damage(s, x, out);
		iq_buf_putc(out, '\n');
		return;
	}
	iq_buf_puts(out, "  FREE / [ALLOCATED]\n");
	switch (x->state) {
	case IQ_OBJECT_ALLOCATED:
		iq_buf_printf(out, "  [%016" PRIx64 "]", x->object);
		break;
	case IQ_OBJECT_CPU_FREE:
		iq_buf_printf(out, "   %016" PRIx64 "  (cpu %d cache)", x->object, x->cpu);
		break;
	case IQ_OBJECT_FREE:
		iq_buf_printf(out, "   %016" PRIx64, x->object);
		break;
	case IQ_OBJECT_SHEAF:
		iq_buf_printf(out, "   %016" PRIx64 "  (in a sheaf of its node)", x->object);
		break;
	case IQ_OBJECT_RCU_PENDING:
		iq_buf_printf(out, "   %016" PRIx64 "  (freed by kfree_rcu, waiting for RCU)", x->object);
		break;
	case IQ_OBJECT_UNKNOWN:
		iq_buf_printf(out,
			      "  ?%016" PRIx64 "  (its free lists do not tell whether it is free)",
			      x->object);
		break;
	}
	if (x->offset)
		iq_buf_printf(out, " +%" PRIu64, x->offset);
	if (w->type) {
		iq_buf_printf(out, "  %s ", iq_confidence_text(w->type_confidence));
		iq_whatis_type(w, out);
		iq_buf_printf(out, "%s%s", w->member[0] && w->member[0] != '[' ? "." : "", w->member);
	}
	if (w->type_from)
		iq_buf_printf(out, " (from %s)", w->type_from);
	iq_buf_puts(out, x->slab.kfence ? "  (in KFENCE's pool)\n" : "\n");
	text_slab_tracks(s, x, out);
	text_slab_damage(s, x, out);
	iq_buf_putc(out, '\n');
}

static void text_stack(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	if (w->task.address)
		text_context(s, &w->task, 7, out);
	iq_buf_puts(out, "  STACK: ");
	iq_whatis_line(s->kernel, w, out);
	iq_buf_puts(out, "\n\n");
}

static void text_vmap(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_puts(out, "   VMAP_AREA         VM_STRUCT                 ADDRESS RANGE             "
			 "   SIZE\n");
	iq_buf_printf(out,
		      "%016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 " - %016" PRIx64 "  %7" PRIu64
		      "\n\n",
		      w->vmap->area, w->vmap->vm, w->vmap->start, w->vmap->end,
		      w->vmap->end - w->vmap->start);
}

/* An address in the memory map is the page that the struct page there describes, as in crash. */
static bool text_described(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	struct iq_error *err;
	struct iq_page page;

	if (!w->is_struct_page)
		return false;
	err = iq_page_of(s->kernel, w->struct_page_pfn, &page);
	if (!err)
		text_page(s, &page, out);
	iq_error_free(err);
	return !err;
}

void text_place(struct session *s, const struct iq_whatis *w, struct iq_buf *out)
{
	if (w->has_symbol)
		text_symbol(s, w, out);
	if (w->has_percpu)
		iq_buf_printf(out, "per-CPU variable %s+%" PRIu64 " of CPU %u\n\n", w->percpu.name,
			      w->percpu_offset, w->percpu_cpu);
	if (w->has_slab)
		text_slab(s, w, out);
	if (w->has_stack)
		text_stack(s, w, out);
	else if (w->has_object && w->object.slab.cache && !w->object.offset &&
		 !strcmp(w->object.slab.cache->name, "task_struct")) {
		const struct iq_task *t = iq_task_by_address(s->kernel, w->object.object);

		if (t) {
			text_context(s, t, 7, out);
			iq_buf_putc(out, '\n');
		}
	}
	if (w->vmap)
		text_vmap(s, w, out);
	if (text_described(s, w, out))
		return;
	if (w->has_page) {
		text_page(s, &w->page, out);
		if (w->use == IQ_PAGE_FREE)
			iq_buf_printf(out, "free: in a block of order %u of the buddy allocator\n",
				      w->order);
	}
	if (w->resource) {
		iq_buf_puts(out, "    RESOURCE            RANGE        NAME\n");
		iq_buf_printf(out, "%016" PRIx64 "  %08" PRIx64 "-%08" PRIx64 "  ", w->resource->address,
			      w->resource->start, w->resource->end);
		iq_resource_text(s->kernel, IQ_RESOURCES_MEMORY, w->physical, out);
		iq_buf_puts(out, "\n\n");
	}
	if (w->content)
		iq_buf_printf(out, "content: %s\n", iq_mem_text(w->content));
}
