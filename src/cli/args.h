/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters and local variables of frames: bt -V, info args, info locals, and names in expressions. */
#ifndef INQUEST_CLI_ARGS_H
#define INQUEST_CLI_ARGS_H

#include "cli.h"
#include <inquest/args.h>

/* The session's knowledge of functions, made at the first call, with the trace B looked at. */
struct iq_error *session_args(struct session *s, const struct iq_backtrace *b,
			      struct iq_args **ret) IQ_CHECK;

/*
 * The value of V for printers and expressions: in memory, or a number.  False: it has none, or is
 * a struct that is in no memory.
 */
bool frame_variable_value(const struct iq_frame_variable *v, struct iq_value *ret);

/* "name = value" and how certain it is, in one line behind INDENT columns. */
void text_variable(struct session *s, const struct iq_frame_variable *v, unsigned int indent,
		   struct iq_buf *out);
/* The same with members of structs, and where the value was found. */
void text_variable_full(struct session *s, const struct iq_frame_variable *v, struct iq_buf *out);
/* {"name", "type", "value", "address", "status", "from"}. */
json_t *json_variable(struct session *s, const struct iq_frame_variable *v);
/*
 * All parameters (or, without PARAMETERS, other variables) that belong to the inlined function number INLINED
 * of the frame, counted from the innermost.
 */
json_t *json_variables(struct session *s, const struct iq_frame_variables *all,
		       unsigned int inlined, bool parameters);
/* The number of the frame's function itself in this count: 0 if nothing is inlined there. */
unsigned int variables_outermost(const struct iq_frame_variables *all);

#endif
