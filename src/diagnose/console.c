/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inquest/console.h>

#include <stdlib.h>

struct iq_error *iq_console_read(const char *text, size_t len, struct iq_console **ret)
{
	(void)text;
	(void)len;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return iq_error_nomem();
	(*ret)->analysis.verdict = (*ret)->analysis.event.message = "";
	return NULL;
}

void iq_console_free(struct iq_console *c)
{
	if (!c)
		return;
	iq_arena_free(&c->arena);
	free(c);
}
