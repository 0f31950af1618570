// SPDX-License-Identifier: GPL-2.0-or-later
/* The function at an address, and the functions inlined into it there. */
#include "inlines.h"
#include "dwarf_read.h"
#include <stdlib.h>

/* Inlined functions and blocks that may lie in each other. */
#define DEPTH_MAX 64
/* From an inlined copy to its abstract function, from that to its declaration … */
#define ORIGINS_MAX 8

/* What is of interest in an entry. */
struct scope {
	struct iq_dw_die die;
	struct iq_dw_pc pc;
	uint64_t sibling; /* 0 unknown */
	uint64_t origin; /* abstract_origin or specification; 0 none */
	const char *name;
	uint64_t call_file, call_line;
	uint64_t next; /* offset behind the entry's own attributes */
};

static bool read_scope(const struct iq_dw_unit *u, uint64_t offset, struct scope *s)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;

	*s = (struct scope){0};
	if (!iq_dw_die(u, offset, &s->die))
		return false;
	iq_dw_attrs(u, &s->die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		iq_dw_pc_note(&s->pc, name, &v);
		if (name == DW_AT_name && v.class == IQ_DW_STRING)
			s->name = v.string;
		else if (name == DW_AT_sibling && v.class == IQ_DW_REFERENCE)
			s->sibling = v.number;
		else if ((name == DW_AT_abstract_origin || name == DW_AT_specification) &&
			 v.class == IQ_DW_REFERENCE)
			s->origin = v.number;
		else if (name == DW_AT_call_file && v.class == IQ_DW_CONSTANT)
			s->call_file = v.number;
		else if (name == DW_AT_call_line && v.class == IQ_DW_CONSTANT)
			s->call_line = v.number;
	}
	s->next = iq_dw_attrs_end(&attrs);
	return s->next > offset;
}

/* Offset of the end mark's end, from the first child at OFFSET on; 0: damaged. */
static uint64_t skip_children(const struct iq_dw_unit *u, uint64_t offset)
{
	unsigned int depth = 1;
	struct scope s;

	while (depth && offset < u->end) {
		if (read_scope(u, offset, &s)) {
			if (s.die.children && s.sibling > s.next) {
				offset = s.sibling;
				continue;
			}
			depth += s.die.children;
			offset = s.next;
		} else {
			struct iq_dw_cursor c = iq_dw_cursor(u->dwarf, IQ_DW_INFO, offset, u->end);

			/* The mark at the end of a list of siblings is a single 0. */
			if (iq_dw_uint(&c, 1) || c.bad)
				return 0;
			depth--;
			offset++;
		}
	}
	return depth ? 0 : offset;
}

/* The entry behind S and its children; 0: damaged. */
static uint64_t behind(const struct iq_dw_unit *u, const struct scope *s)
{
	if (!s->die.children)
		return s->next;
	/* Only forwards, or a loop of siblings would never end. */
	if (s->sibling > s->next && s->sibling < u->end)
		return s->sibling;
	return skip_children(u, s->next);
}

static const char *name_of(struct iq_dw_unit *u, const struct scope *scope)
{
	struct scope s = *scope;

	for (unsigned int i = 0; i < ORIGINS_MAX; i++) {
		if (s.name)
			return s.name;
		if (!s.origin)
			return NULL;
		if (s.origin < u->offset || s.origin >= u->end)
			u = iq_dw_unit_around(u->dwarf, s.origin);
		if (!u || !read_scope(u, s.origin, &s))
			return NULL;
	}
	return NULL;
}

/* ---- Functions of a unit --------------------------------------------------------------------- */

struct function {
	uint64_t start, end, die;
};

struct iq_dw_functions {
	struct function *list; /* by start */
	unsigned int nr, room;
};

void iq_dw_functions_free(struct iq_dw_functions *functions)
{
	if (functions)
		free(functions->list);
	free(functions);
}

struct adding {
	struct iq_dw_functions *functions;
	uint64_t die;
};

static bool add_function(void *arg, uint64_t start, uint64_t end)
{
	struct adding *a = arg;
	struct iq_dw_functions *f = a->functions;

	if (!iq_grow(&f->list, &f->room, f->nr + 1, sizeof(*f->list)))
		return false;
	f->list[f->nr++] = (struct function){start, end, a->die};
	return true;
}

static int by_start(const void *pa, const void *pb)
{
	const struct function *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->die < b->die ? -1 : a->die > b->die;
}

/*
 * The children of the unit's entry that have addresses (C has no nested functions or name
 * spaces).
 */
static struct iq_dw_functions *functions_of(struct iq_dw_unit *u)
{
	struct adding adding;
	struct scope s;

	if (u->functions || !read_scope(u, u->root, &s))
		return u->functions;
	u->functions = calloc(1, sizeof(*u->functions));
	if (!u->functions)
		return NULL;
	adding.functions = u->functions;
	for (uint64_t at = s.die.children ? s.next : 0; at && read_scope(u, at, &s);
	     at = behind(u, &s)) {
		adding.die = at;
		if (s.die.tag == DW_TAG_subprogram)
			iq_dw_pc_each(u, &s.pc, add_function, &adding);
	}
	if (u->functions->nr)
		qsort(u->functions->list, u->functions->nr, sizeof(*u->functions->list), by_start);
	return u->functions;
}

static const struct function *function_at(struct iq_dw_unit *u, uint64_t address)
{
	struct iq_dw_functions *f = functions_of(u);
	unsigned int low = 0, high = f ? f->nr : 0;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (f->list[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low && address < f->list[low - 1].end ? &f->list[low - 1] : NULL;
}

/* ---- The chain ------------------------------------------------------------------------------- */

/* The child of S that contains ADDRESS and can contain inlined functions. */
static bool descend(const struct iq_dw_unit *u, struct scope *s, uint64_t address)
{
	struct scope child;

	for (uint64_t at = s->die.children ? s->next : 0; at && read_scope(u, at, &child);
	     at = behind(u, &child)) {
		if (child.die.tag != DW_TAG_inlined_subroutine &&
		    child.die.tag != DW_TAG_lexical_block)
			continue;
		if (iq_dw_pc_contains(u, &child.pc, address)) {
			*s = child;
			return true;
		}
	}
	return false;
}

unsigned int iq_dw_inlines(struct iq_dw_unit *u, uint64_t address, struct iq_inline *out,
			   unsigned int max)
{
	const struct function *function = function_at(u, address);
	struct scope chain[DEPTH_MAX], s;
	unsigned int depth = 0, nr = 0, line = 0;
	const char *file = NULL;

	if (!function || !max || !read_scope(u, function->die, &s))
		return 0;
	do {
		if (s.die.tag != DW_TAG_lexical_block && depth < DEPTH_MAX)
			chain[depth++] = s;
	} while (descend(u, &s, address));
	iq_dw_line(u, address, &file, &line);
	while (depth-- > 0 && nr < max) {
		const char *name = name_of(u, &chain[depth]);

		out[nr++] = (struct iq_inline){.function = name ? name : "",
					       .file = file ? file : "",
					       .line = line,
					       .inlined = depth > 0};
		file = iq_dw_file(u, chain[depth].call_file);
		line = (unsigned int)IQ_MIN(chain[depth].call_line, UINT32_MAX);
	}
	return nr;
}
