/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that were compressed as a whole: modules and kernels as distributions ship them. */
#ifndef INQUEST_DEBUG_UNPACK_H
#define INQUEST_DEBUG_UNPACK_H

#include <inquest/base.h>

/*
 * If what FD holds is compressed by gzip, xz or zstd, its contents in a file that only exists in memory:
 * *RET, a descriptor of the caller's; else *RET is -1.  FD stays open.  PATH is for messages.
 */
struct iq_error *iq_unpack(int fd, const char *path, int *ret) IQ_CHECK;

#endif
