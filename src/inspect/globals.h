/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of well-known globals. */
#ifndef INQUEST_INSPECT_GLOBALS_H
#define INQUEST_INSPECT_GLOBALS_H

#include <inquest/inspect.h>

/* Call FN for each well-known global with its type. */
void globals_each(struct iq_kernel *k,
		  void (*fn)(void *arg, const struct iq_symbol *symbol, const struct iq_type *type),
		  void *arg);

#endif
