/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the command dev share. */
#ifndef INQUEST_CLI_DEV_H
#define INQUEST_CLI_DEV_H

#include "cli.h"

/* cmd_dev_dumps.c: dev -V, and dev -v INDEX [PATH] (PATH may be NULL). */
struct iq_error *dev_list_dumps(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *dev_show_dump(struct session *s, const char *index, const char *path,
			       struct result *r) IQ_CHECK;
/* cmd_dev_lists.c: dev alone; -d, and -D (BUSY: disks with requests in flight alone); -p.  There is a kernel. */
struct iq_error *dev_list_majors(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *dev_list_disks(struct session *s, bool busy, struct result *r) IQ_CHECK;
struct iq_error *dev_list_pci(struct session *s, struct result *r) IQ_CHECK;
/* The list of -V as JSON. */
json_t *json_device_dumps(const struct iq_dump_info *info);

#endif
