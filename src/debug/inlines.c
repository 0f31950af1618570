// SPDX-License-Identifier: GPL-2.0-or-later
/* The function at an address, and the functions inlined into it there. */
#include "inlines.h"
#include "dwarf_scope.h"
#include <stdlib.h>

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
	struct iq_dw_scope s;

	if (u->functions || !iq_dw_scope(u, u->root, &s))
		return u->functions;
	u->functions = calloc(1, sizeof(*u->functions));
	if (!u->functions)
		return NULL;
	adding.functions = u->functions;
	for (uint64_t at = s.die.children ? s.next : 0; at && iq_dw_scope(u, at, &s);
	     at = iq_dw_scope_behind(u, &s)) {
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
static bool descend(const struct iq_dw_unit *u, struct iq_dw_scope *s, uint64_t address)
{
	struct iq_dw_scope child;

	for (uint64_t at = s->die.children ? s->next : 0; at && iq_dw_scope(u, at, &child);
	     at = iq_dw_scope_behind(u, &child)) {
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

unsigned int iq_dw_scopes(struct iq_dw_unit *u, uint64_t address, struct iq_dw_scope *chain,
			  unsigned int max)
{
	const struct function *function = function_at(u, address);
	struct iq_dw_scope s;
	unsigned int nr = 0;

	if (!function || !iq_dw_scope(u, function->die, &s))
		return 0;
	do {
		if (nr < max)
			chain[nr++] = s;
	} while (descend(u, &s, address));
	return nr;
}

unsigned int iq_dw_inlines(struct iq_dw_unit *u, uint64_t address, struct iq_inline *out,
			   unsigned int max)
{
	struct iq_dw_scope chain[IQ_DW_SCOPES_MAX];
	unsigned int depth = iq_dw_scopes(u, address, chain, IQ_DW_SCOPES_MAX), nr = 0, line = 0;
	const char *file = NULL;

	if (!depth || !max)
		return 0;
	iq_dw_line(u, address, &file, &line);
	while (depth-- > 0 && nr < max) {
		const char *name;

		if (chain[depth].die.tag == DW_TAG_lexical_block)
			continue;
		name = iq_dw_scope_name(u, &chain[depth]);
		out[nr++] = (struct iq_inline){.function = name ? name : "",
					       .file = file ? file : "",
					       .line = line,
					       .inlined = depth > 0};
		file = iq_dw_file(u, chain[depth].call_file);
		line = (unsigned int)IQ_MIN(chain[depth].call_line, UINT32_MAX);
	}
	return nr;
}
