/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The variables that crash's `set` has: what people type, and scripts and start files contain. */
#ifndef INQUEST_CLI_SET_VARIABLES_H
#define INQUEST_CLI_SET_VARIABLES_H

#include "internal.h"

#define NR_CRASH_VARIABLES 21u

/* The variable called NAME; NR_CRASH_VARIABLES: none. */
unsigned int crash_variable(const char *name);
/* Give it VALUE.  IQ_E_USAGE names the values that it can have. */
struct iq_error *crash_variable_set(struct session *s, unsigned int variable, const char *value) IQ_CHECK;
/* "scroll: on\n"; as a row of the list of them all if LISTED. */
void crash_variable_text(struct session *s, unsigned int variable, bool listed, struct iq_buf *out);
/* Add it to O under its name. */
void crash_variable_json(struct session *s, unsigned int variable, json_t *o);
void crash_variables_free(struct session *s);

#endif
