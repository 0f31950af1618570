/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the command bpf share. */
#ifndef INQUEST_CLI_BPF_H
#define INQUEST_CLI_BPF_H

#include "cli.h"
#include <inquest/bpf.h>

/*
 * bpf_code.c: the instructions of P as the kernel's verifier writes them down, below each its bytes if
 * BYTES.
 */
void text_bpf_code(struct session *s, const struct iq_bpf *b, const struct iq_bpf_program *p, bool bytes,
		   struct iq_buf *out);

#endif
