/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log as a witness of the event: the kernel's own words, and whether they agree with memory. */
#include "event.h"

void iq_event_log(struct iq_case *c, struct iq_event *e)
{
	(void)c;
	(void)e;
}
