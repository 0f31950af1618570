/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are seldom at fault for what happens in them, and names made comparable. */
#ifndef INQUEST_DIAGNOSE_SKIP_H
#define INQUEST_DIAGNOSE_SKIP_H

#include <inquest/base.h>

/* Does NAME only do what its callers want: an allocator, a list or lock helper, a copy, a report? */
bool iq_skip_function(const char *name);
/* Outermost frames that every task has: entry code, threads' first function, dispatchers. */
bool iq_skip_entry(const char *name);
/* NAME without what compilers and architectures add: ".isra.0", ".cold", "__x64_sys_" is "sys_". */
void iq_plain_function(const char *name, char *buf, size_t room);

#endif
