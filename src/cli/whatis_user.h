/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whatis of an address in the user space of the context's task. */
#ifndef INQUEST_CLI_WHATIS_USER_H
#define INQUEST_CLI_WHATIS_USER_H

#include "cli.h"
#include <inquest/swap.h>
#include <inquest/vma.h>
#include <inquest/whatis.h>

struct user_place {
	uint64_t address;
	struct iq_task task;
	bool has_vma;
	struct iq_vma vma;
	struct iq_entry entry; /* of the page table, if it maps nothing: where the page is */
};

/* Looks ADDRESS up in the context's task; *PAGE is what the page there is to the kernel. */
struct iq_error *user_place(struct session *s, struct iq_describer *d, uint64_t address,
			    struct user_place *u, struct iq_whatis *page) IQ_CHECK;
/* A line of the task and its area, and one of where the page is if it is not mapped. */
void text_user_place(struct session *s, const struct user_place *u, struct iq_buf *out);
/* The same as objects in front of those in KINDS. */
void json_user_place(struct session *s, const struct user_place *u, json_t *kinds);

#endif
