/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The selected frame of the context's task: frame, up, down, info. */
#ifndef INQUEST_CLI_FRAME_H
#define INQUEST_CLI_FRAME_H

#include "cli.h"

/* A trace and the frame of it that is meant. */
struct selected {
	struct iq_task task;
	struct iq_backtrace b;
	unsigned int i; /* index of the frame */
};

/*
 * The trace of the context's task and its selected frame: the one chosen by frame, up or down, else the
 * innermost.  Free RET with selected_free(), unless there was an error.
 */
struct iq_error *selected_frame(struct session *s, struct selected *ret) IQ_CHECK;
void selected_free(struct selected *x);

/*
 * The number that bt shows frame I of B with; -1 for a function that was interrupted on the stack of what
 * interrupted it, which bt shows with the entry's registers (crash's layout) and without a number.
 */
int frame_number(const struct iq_backtrace *b, unsigned int i);
/* Does the stack change between two frames, away from one that is not the task's? */
bool changes_stack(const struct iq_frame *from, const struct iq_frame *to);

/* "#3 __handle_sysrq.cold+68 [module] at …", "exception RIP: …": without a newline. */
void text_selected(struct session *s, const struct iq_backtrace *b, unsigned int i,
		   struct iq_buf *out);
/* The same as an object: task, number, function, offset, ip, sp, module. */
json_t *json_selected(const struct selected *x);

#endif
