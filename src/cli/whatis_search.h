/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whatis -r, -m, -t, -n: types sought by size, name or members. */
#ifndef INQUEST_CLI_WHATIS_SEARCH_H
#define INQUEST_CLI_WHATIS_SEARCH_H

#include "cli.h"
#include <inquest/type_search.h>

struct whatis_search {
	struct iq_type_query q;
	bool asked; /* an option of a search was given */
	bool show_members; /* the members that fit, not only the types that have them */
};
/* OPTION (r, m, t, n) with its VALUE, which is kept by reference. */
struct iq_error *whatis_search_option(struct whatis_search *w, int option,
				      const char *value) IQ_CHECK;
/* Search the types of the kernel and of all modules. */
struct iq_error *whatis_search_run(struct session *s, const struct whatis_search *w,
				   struct result *r) IQ_CHECK;

#endif
