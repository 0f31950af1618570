/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kmem, search and whatis share: places (whatis.h) as text and JSON. */
#ifndef INQUEST_CLI_PLACE_H
#define INQUEST_CLI_PLACE_H

#include "cli.h"
#include <inquest/whatis.h>

/* All kinds of W, outermost first: the array "kinds" of docs/json.md. */
json_t *json_kinds(struct session *s, const struct iq_whatis *w);
/* The innermost one alone; null if nothing is known. */
json_t *json_kind(struct session *s, const struct iq_whatis *w);
/* {"address", "space", "physical", "kinds"} */
json_t *json_whatis(struct session *s, const struct iq_whatis *w);

/* A describer that concludes types of objects with all that there is (iq_describer_make_graph()). */
struct iq_error *open_describer(struct session *s, struct iq_describer **ret) IQ_CHECK;

/* The tables of crash's kmem for what W is. */
void text_place(struct session *s, const struct iq_whatis *w, struct iq_buf *out);

/*
 * A word as an address of a place: hexadecimal, symbol or (expression); *PHYSICAL is set for a number that is no
 * kernel virtual address but a physical one within the machine's memory.
 */
struct iq_error *parse_place(struct session *s, const char *word, uint64_t *address, bool *physical) IQ_CHECK;

#endif
