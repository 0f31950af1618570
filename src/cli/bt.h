/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bt has found out, for its renderers. */
#ifndef INQUEST_CLI_BT_H
#define INQUEST_CLI_BT_H

#include "cli.h"

#define BT_INLINES 16

enum bt_view {
	BT_FRAMES,
	BT_TEXT_SYMBOLS, /* -t: from the innermost frame to the top of the stack */
	BT_ALL_TEXT_SYMBOLS, /* -T: of the whole stack */
	BT_RAW, /* -r: the stack's memory */
	BT_EXCEPTIONS, /* -e: exception frames only */
};

struct bt_options {
	enum bt_view view;
	bool lines; /* -l */
	bool offsets; /* -s */
	bool words; /* -f */
	bool hex; /* -x: offsets */
};

/* What is shown with a frame beside struct iq_frame itself. */
struct bt_frame {
	struct iq_inline *inlines; /* the functions inlined there, innermost first; owned */
	unsigned int nr_inlines;
	const char *file; /* of the function itself; NULL: not known */
	unsigned int line;
	struct iq_slot *slots; /* -f; owned */
	unsigned int nr_slots;
};

/* A word of the stack that points into text: -t, -T. */
struct bt_text {
	uint64_t address, value;
	struct iq_symbol symbol;
};

struct bt_trace {
	struct iq_task task;
	struct iq_backtrace b;
	char *error; /* owned: why there is no trace; NULL: there is one */
	bool no_stack;
	struct bt_frame *frames; /* b.nr of them */
	struct bt_text *texts; /* -t, -T */
	unsigned int nr_texts;
	struct iq_slot *raw; /* -r: the words of the stack */
	unsigned int nr_raw;
};

struct bt_result {
	struct bt_options options;
	struct bt_trace *traces;
	unsigned int nr, room;
};

/* cmd_bt_text.c */
void bt_text(struct session *s, const struct result *r, struct iq_buf *out);
/* cmd_bt_json.c */
json_t *bt_json(struct session *s, const struct result *r);

#endif
