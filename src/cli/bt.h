/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bt has found out, for its renderers. */
#ifndef INQUEST_CLI_BT_H
#define INQUEST_CLI_BT_H

#include "args.h"
#include "cli.h"

#define BT_INLINES 16

enum bt_view {
	BT_FRAMES,
	BT_TEXT_SYMBOLS, /* -t: from the innermost frame to the top of the stack */
	BT_ALL_TEXT_SYMBOLS, /* -T: of the whole stack */
	BT_RAW, /* -r: the stack's memory */
	BT_EXCEPTIONS, /* -e: exception frames only */
	BT_OLD, /* -o: all return addresses on the stack; those of no frame are marked */
};

/* Findings about one stack that are shown. */
#define BT_DAMAGE 8

struct bt_options {
	enum bt_view view;
	bool lines; /* -l */
	bool offsets; /* -s */
	bool words; /* -f */
	bool symbolic; /* -F: words as symbol or [cache] */
	bool cache_addresses; /* -FF: [address:cache] */
	bool variables; /* -V */
	bool hex; /* -x: offsets */
};

/* What is shown with a frame beside struct iq_frame itself. */
struct bt_frame {
	struct iq_inline *inlines; /* the functions inlined there, innermost first; owned */
	unsigned int nr_inlines;
	const char *file; /* of the function itself; NULL: not known */
	unsigned int line;
	struct iq_frame_variables variables; /* -V; owned */
	struct iq_slot *slots; /* -f; owned */
	unsigned int nr_slots;
};

/* A word of the stack that points into text: -t, -T. */
struct bt_text {
	uint64_t address, value;
	struct iq_symbol symbol;
	uint64_t stack; /* where the stack begins that it lies on */
	bool live; /* it is the return address of a frame */
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
	struct iq_damage *damage; /* what is wrong with the stack; owned */
	unsigned int nr_damage;
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

/* A block of registers, as crash lays them out. */
void bt_text_regs(const struct iq_regs *regs, struct iq_buf *out);
json_t *bt_json_damage(const struct iq_damage *d, unsigned int nr);

/* cmd_bt_check.c: -E, exception frames on the stacks of CPUs (CPUS: a list as -c takes it, or NULL); -v. */
struct iq_error *bt_exceptions(struct session *s, const char *cpus, struct result *r) IQ_CHECK;
struct iq_error *bt_overflows(struct session *s, struct result *r) IQ_CHECK;

/* cmd_bt.c: call FN for each CPU of a list like "1,4-7" or "a" (NULL: all). */
struct iq_error *bt_each_cpu(struct session *s, const char *list,
			     struct iq_error *(*fn)(const struct iq_cpu *c, void *arg),
			     void *arg) IQ_CHECK;

#endif
