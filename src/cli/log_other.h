/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What log shows besides the log: printk's safe buffers, and the audit log. */
#ifndef INQUEST_CLI_LOG_OTHER_H
#define INQUEST_CLI_LOG_OTHER_H

#include "cli.h"

/* log -s and log -a. */
struct iq_error *log_safe(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *log_audit(struct session *s, struct result *r) IQ_CHECK;
/* Behind the log itself: what stands in safe buffers, each line behind the buffer's name. */
void text_unflushed(struct session *s, struct iq_buf *out);

#endif
