// SPDX-License-Identifier: GPL-2.0
/*
 * badcall: control goes where there is no code.
 * "null":  a call through a pointer that is NULL.
 * "wild":  a call through a pointer into data (no-execute).
 * "ret":   a buffer on the stack runs over, return addresses included; no stack
 *          protector looks (see the Makefile), and the return goes to 'AAAAAAAA'.
 */
#include "lab.h"

#define BC_FN noinline __attribute__((noipa))

struct bc_ops {
	int (*start)(struct bc_ops *ops, int unit);
	int (*stop)(struct bc_ops *ops, int unit);
	u64 magic;
};

static struct bc_ops bc_empty = { .magic = 0xbadca11 };
static u64 bc_data[8] = { 0x9090909090909090 };

static BC_FN int bc_start_unit(struct bc_ops *ops, int unit)
{
	int r = ops->start(ops, unit);

	return r + unit;
}

static BC_FN int bc_start(struct bc_ops *ops, int units)
{
	int i, r = 0;

	for (i = 0; i < units; i++)
		r += bc_start_unit(ops, i);
	return r;
}

static BC_FN int bc_copy(const u64 *from, int n)
{
	volatile u64 buf[4];
	int i;

	/* BUG: n is not checked. */
	for (i = 0; i < n; i++)
		buf[i] = from[i];
	return buf[0] + buf[3];
}

static BC_FN int bc_parse(const u64 *from, int n, int flags)
{
	int r = bc_copy(from, n);

	return r + flags;
}

static long lab_trigger(const char *cmd, size_t len)
{
	static u64 text[12];

	if (!strcmp(cmd, "ret")) {
		memset(text, 'A', sizeof(text));
		LAB_TRUTH("buffer_size=32 copied=96 source=0x%px", text);
		return bc_parse(text, 12, 2);
	}
	if (!strcmp(cmd, "wild"))
		bc_empty.start = (void *)bc_data;
	LAB_TRUTH("ops=0x%px called=0x%px", &bc_empty, bc_empty.start);
	return bc_start(&bc_empty, 3);
}

static int __init badcall_init(void)
{
	return lab_register();
}
module_init(badcall_init);
