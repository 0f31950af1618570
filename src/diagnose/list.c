// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged lists (lib/list_debug.c): the entry and its neighbours as the check saw them, and which of the four
 * common mistakes it was: removed twice, added twice, freed while linked, overwritten.
 */
#include "value.h"

#include <inttypes.h>

struct node {
	const char *name;
	uint64_t address, next, prev;
	bool readable;
	struct iq_place place;
};

static void read_node(struct iq_case *c, struct node *n, const char *name, uint64_t address)
{
	uint64_t words[2];

	*n = (struct node){.name = name, .address = address};
	n->readable =
		address && iq_vm_read(c->k->vm, address, words, sizeof(words), NULL) == IQ_MEM_OK;
	if (n->readable) {
		n->next = words[0];
		n->prev = words[1];
	}
	iq_place_of(c->k, address, &n->place);
}

static void node_evidence(struct iq_case *c, struct iq_finding *f, const struct node *n)
{
	if (n->readable)
		iq_finding_evidence(
			c, f, IQ_SOURCE_MEMORY, n->address,
			iq_case_text(c, "next 0x%" PRIx64 ", prev 0x%" PRIx64, n->next, n->prev),
			"%s: %s", n->name, n->place.text);
	else
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, n->address, NULL,
				    "%s cannot be read: %s", n->name, n->place.text);
}

static bool poisoned(uint64_t v)
{
	struct iq_word w;

	return iq_word_explain(v, 1, &w) && !strncmp(w.id, "poison.", 7);
}

static bool freed(const struct node *n)
{
	return n->place.kind == IQ_PLACE_FREE_OBJECT || n->place.kind == IQ_PLACE_FREE_PAGE;
}

/* The node itself is damaged: explain the word that is wrong. */
static struct iq_error *overwritten(struct iq_case *c, const struct node *n, bool next)
{
	struct iq_suspect s = {
		.name = iq_case_text(c, "%s->%s", n->name, next ? "next" : "prev"),
		.value = next ? n->next : n->prev,
		.has_address = true,
		.address = n->address + (next ? 0 : 8),
		.bad = true,
		.cause = true,
	};

	return iq_value_explain(c, &s);
}

static struct iq_finding *claim(struct iq_case *c, const char *id, enum iq_class class,
				enum iq_confidence sure, const char *text, const struct node *n)
{
	struct iq_finding *f = iq_case_finding(c, id, class, sure, text, n->address);

	f->cause = true;
	return f;
}

/* list_del(): the entry, and whether its neighbours still lead to it. */
static struct iq_error *removed(struct iq_case *c, uint64_t address)
{
	struct node entry, next, prev;
	struct iq_finding *f = NULL;
	bool bad_next, bad_prev;

	read_node(c, &entry, "the entry", address);
	if (!entry.readable)
		return NULL;
	read_node(c, &next, "its next", entry.next);
	read_node(c, &prev, "its prev", entry.prev);
	bad_next = !next.readable || next.prev != address;
	bad_prev = !prev.readable || prev.next != address;
	if (poisoned(entry.next) || poisoned(entry.prev)) {
		bool list =
			entry.next >> 16 == 0xdead00000000 || entry.prev >> 16 == 0xdead00000000;

		f = claim(c, list ? "list.removed_twice" : "list.freed", IQ_CLASS_LIST_CORRUPTION,
			  IQ_CONFIDENCE_CERTAIN,
			  list ? "the list entry 0x%" PRIx64
				 " was removed by list_del() before: its pointers are poison"
			       : "the list entry 0x%" PRIx64
				 " lies in memory that was freed: its pointers are poison",
			  &entry);
		if (!list)
			f->class = IQ_CLASS_USE_AFTER_FREE;
	} else if (freed(&entry)) {
		f = claim(c, "list.freed", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_CERTAIN,
			  "the list entry 0x%" PRIx64 " is in memory that is free", &entry);
	} else if (freed(&next) || freed(&prev)) {
		f = claim(c, "list.neighbour_freed", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_LIKELY,
			  "the neighbour 0x%" PRIx64
			  " on the list was freed without being removed from it",
			  freed(&next) ? &next : &prev);
	} else if (entry.next == address && entry.prev == address) {
		f = NULL; /* an empty head is no damage */
	} else if (bad_next && bad_prev && next.readable && prev.readable &&
		   next.prev == entry.prev && prev.next == entry.next) {
		f = claim(c, "list.removed_twice", IQ_CLASS_LIST_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			  "the list entry 0x%" PRIx64
			  " was removed before, by something that left its pointers: its "
			  "neighbours lead to each other",
			  &entry);
	} else if (bad_next && bad_prev && next.readable && prev.readable) {
		f = claim(c, "list.stale", IQ_CLASS_LIST_CORRUPTION, IQ_CONFIDENCE_POSSIBLE,
			  "neither neighbour of the list entry 0x%" PRIx64
			  " leads to it: it was removed or added "
			  "twice, or its memory was freed and used again",
			  &entry);
	} else if (bad_next || bad_prev) {
		const struct node *n = bad_next ? &next : &prev;

		f = claim(c, "list.overwritten", IQ_CLASS_MEMORY_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			  n->readable ? "one pointer of the list node 0x%" PRIx64
					" is wrong, the rest of the list "
					"around it is whole"
				      : "the list entry leads to 0x%" PRIx64 ", where nothing is",
			  n);
	}
	if (!f)
		return NULL;
	node_evidence(c, f, &entry);
	node_evidence(c, f, &next);
	node_evidence(c, f, &prev);
	f->refuted_by = "pointers of the three nodes that agree when they are read again";
	if (bad_next && !next.readable)
		return overwritten(c, &entry, true);
	if (bad_prev && !prev.readable)
		return overwritten(c, &entry, false);
	if (!iq_place_alive(&entry.place))
		return NULL;
	if (bad_next && !bad_prev && !freed(&next))
		return overwritten(c, &next, false);
	if (bad_prev && !bad_next && !freed(&prev))
		return overwritten(c, &prev, true);
	return NULL;
}

/* list_add(new, prev, next): prev and next must lead to each other, and neither be the new one. */
static struct iq_error *added(struct iq_case *c, uint64_t new_address, uint64_t prev_address,
			      uint64_t next_address)
{
	struct node entry, next, prev;
	struct iq_finding *f = NULL;

	read_node(c, &entry, "the new entry", new_address);
	read_node(c, &next, "the next", next_address);
	read_node(c, &prev, "the previous", prev_address);
	if (new_address == prev_address || new_address == next_address) {
		f = claim(c, "list.added_twice", IQ_CLASS_LIST_CORRUPTION, IQ_CONFIDENCE_CERTAIN,
			  "the list entry 0x%" PRIx64 " was added to a list that it is on already",
			  &entry);
	} else if (freed(&next) || freed(&prev)) {
		f = claim(c, "list.neighbour_freed", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_LIKELY,
			  "the list node 0x%" PRIx64
			  " is in memory that is free: it was freed without being removed",
			  freed(&next) ? &next : &prev);
	} else if (next.readable && prev.readable && next.prev != prev_address &&
		   prev.next == next_address) {
		f = claim(c, "list.overwritten", IQ_CLASS_MEMORY_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			  "the prev pointer of the list node 0x%" PRIx64
			  " is wrong, or the node is on another list as "
			  "well",
			  &next);
	} else if (next.readable && prev.readable && prev.next != next_address &&
		   next.prev == prev_address) {
		f = claim(c, "list.overwritten", IQ_CLASS_MEMORY_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			  "the next pointer of the list node 0x%" PRIx64
			  " is wrong, or the node is on another list as "
			  "well",
			  &prev);
	} else if (!next.readable || !prev.readable) {
		f = claim(c, "list.overwritten", IQ_CLASS_MEMORY_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			  "the list leads to 0x%" PRIx64 ", where nothing is",
			  next.readable ? &prev : &next);
	}
	if (!f)
		return NULL;
	node_evidence(c, f, &entry);
	node_evidence(c, f, &prev);
	node_evidence(c, f, &next);
	f->refuted_by = "pointers of the three nodes that agree when they are read again";
	if (strcmp(f->id, "list.overwritten"))
		return NULL;
	if (next.readable && next.prev != prev_address)
		return overwritten(c, &next, false);
	return prev.readable && prev.next != next_address ? overwritten(c, &prev, true) : NULL;
}

/* Parameters of the check, by their position; known ones only. */
static unsigned int arguments(struct iq_case *c, unsigned int frame, uint64_t *out,
			      unsigned int most)
{
	struct iq_frame_variables v;
	struct iq_error *err = iq_args_frame(c->args, frame, &v);
	unsigned int nr = 0;

	if (err) {
		iq_error_free(err);
		return 0;
	}
	for (unsigned int i = 0; i < v.nr && nr < most; i++) {
		const struct iq_frame_variable *x = &v.list[i];
		const uint8_t *bytes = x->passed ? x->passed : x->bytes;

		if (!x->parameter)
			continue;
		if (x->certainty == IQ_VALUE_UNAVAILABLE || !bytes || x->size < 8)
			break;
		out[nr++] = iq_le64(bytes);
	}
	iq_frame_variables_free(&v);
	return nr;
}

struct iq_error *iq_list_explain(struct iq_case *c)
{
	uint64_t args[3];

	if (!c->has_trace)
		return NULL;
	for (unsigned int i = 0; i < c->trace.nr && i < 40; i++) {
		const char *name = c->trace.frames[i].symbol.name;
		unsigned int nr;

		if (!name || strncmp(name, "__list_", 7))
			continue;
		nr = arguments(c, i, args, 3);
		if (!strncmp(name, "__list_del_entry_valid", 22))
			return nr >= 1 ? removed(c, args[0]) : NULL;
		if (!strncmp(name, "__list_add_valid", 16))
			return nr >= 3 ? added(c, args[0], args[1], args[2]) : NULL;
	}
	return NULL;
}
