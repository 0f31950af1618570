/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sys shows besides the banner. */
#ifndef INQUEST_CLI_SYS_TABLES_H
#define INQUEST_CLI_SYS_TABLES_H

#include "cli.h"

/* sys -c: all system calls; WORD is the number of one or a part of names, NULL: all. */
struct iq_error *sys_calls(struct session *s, const char *word, struct result *r) IQ_CHECK;
/* sys -i: DMI strings. */
struct iq_error *sys_dmi(struct session *s, struct result *r) IQ_CHECK;
/* sys config: the kernel's configuration. */
struct iq_error *sys_config(struct session *s, struct result *r) IQ_CHECK;

#endif
