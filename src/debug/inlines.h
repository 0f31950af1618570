/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inlined functions of a unit. */
#ifndef INQUEST_DEBUG_INLINES_H
#define INQUEST_DEBUG_INLINES_H

#include <inquest/debugfile.h>

struct iq_dw_unit;

/* As iq_inlines_of(), for a link address in the unit U. */
unsigned int iq_dw_inlines(struct iq_dw_unit *u, uint64_t address, struct iq_inline *out,
			   unsigned int max);

#endif
