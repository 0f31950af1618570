// SPDX-License-Identifier: GPL-2.0
/*
 * args: a chain of calls whose arguments are known.  Each caller prints what it
 * is about to pass, "LAB: arg FUNCTION pid=N name=value ...", so that the called
 * functions are as the compiler makes them without being watched.  A parameter
 * that its function overwrites before the next call is "now" as well:
 * "LAB: now FUNCTION pid=N name=value".
 *
 * AG_FN functions keep their names and all of their parameters (noipa); AG_IPA
 * ones are what most code is like: clones, constants and unused ones gone.
 *
 * "go" dies in ag_die(); a kernel thread, ag_sleeper, sleeps in a chain of its own.
 */
#include "lab.h"
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#define AG_FN noinline __attribute__((noipa))
#define AG_IPA noinline

#define SAY(what, fn, fmt, ...) \
	LAB_TRUTH(what " " fn " pid=%d " fmt, task_pid_nr(current), ##__VA_ARGS__)

enum ag_op { AG_READ = 3, AG_WRITE = 5, AG_SYNC = 9 };

struct ag_key {			/* passed in two registers */
	u64 hi, lo;
};

struct ag_big {			/* passed in memory */
	u64 words[5];
};

struct ag_req {
	u32 id;
	enum ag_op op;
	const char *name;
	struct ag_key key;
	struct ag_req *parent;
	struct list_head link;
};

static struct ag_req ag_root, ag_current;
static volatile u64 ag_sink;

static AG_FN void ag_touch(u64 value)
{
	ag_sink += value;
}

static AG_FN int ag_die(struct ag_req *req, u64 cookie)
{
	req->parent->id += cookie;		/* the root has no parent */
	return req->id;
}

/* x and n are not what they were when ag_die() is called. */
static AG_FN u64 ag_change(struct ag_req *req, u64 x, u64 n)
{
	u64 sum = 0;

	while (n) {
		ag_touch(x);
		x = x * 3 + 1;
		sum += x;
		n--;
	}
	SAY("now", "ag_change", "x=0x%llx n=0x%llx", x, n);
	SAY("local", "ag_change", "sum=0x%llx", sum);
	SAY("arg", "ag_die", "req=0x%px cookie=0x%llx", req->parent, x);
	return ag_die(req->parent, x) + sum + x + n;
}

static AG_FN int ag_narrow(s8 level, u16 port, bool last, enum ag_op op, struct ag_req *req)
{
	int n;

	ag_touch(port);
	SAY("arg", "ag_change", "req=0x%px x=0x%x n=0x3", req, 0x1100 + port);
	n = ag_change(req, 0x1100 + port, 3);
	return last ? n + level : n + op;
}

static AG_FN u64 ag_recurse(int depth, u64 acc, struct ag_req *req)
{
	u64 r;

	if (!depth) {
		SAY("arg", "ag_narrow", "level=-7 port=0x1f90 last=1 op=%d req=0x%px", AG_SYNC, req);
		return ag_narrow(-7, 0x1f90, true, AG_SYNC, req);
	}
	SAY("arg", "ag_recurse", "depth=%d acc=0x%llx req=0x%px", depth - 1, acc * 2 + 1, req);
	r = ag_recurse(depth - 1, acc * 2 + 1, req);
	return r + acc + depth;
}

static AG_FN u64 ag_by_value(struct ag_big big, u32 n, struct ag_req *req)
{
	u64 r;

	SAY("arg", "ag_recurse", "depth=2 acc=0x%llx req=0x%px", big.words[n], req);
	r = ag_recurse(2, big.words[n], req);
	return r + big.words[4];
}

/* Two of eight on the stack, and more values alive than there are registers. */
static AG_FN u64 ag_spill(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, struct ag_req *req)
{
	struct ag_big big = { { 0xb16b00b1, 0xb16b00b2, 0xb16b00b3, 0xb16b00b4, 0xb16b00b5 } };
	u64 p = a * b, q = c ^ d, s = e + f, r;

	ag_touch(p);
	ag_touch(q + s);
	SAY("local", "ag_spill", "p=0x%llx q=0x%llx s=0x%llx", p, q, s);
	SAY("arg", "ag_by_value", "n=1 req=0x%px", req);
	r = ag_by_value(big, 1, req);
	return r + a + b + c + d + e + f + g + p + q + s;
}

static AG_FN int ag_lookup(struct ag_req *req, struct ag_key key, u8 depth, bool exact)
{
	int n;

	SAY("arg", "ag_spill", "a=0xa1 b=0xb2 c=0x%llx d=0x%llx e=0xe5 f=0xf6 g=0x%x req=0x%px",
	    key.hi, key.lo, depth + 0x700, req);
	n = ag_spill(0xa1, 0xb2, key.hi, key.lo, 0xe5, 0xf6, depth + 0x700, req);
	return exact ? n : n + depth;
}

/* One caller, a constant and an unused parameter: gcc clones it. */
static AG_IPA int ag_clone(struct ag_req *req, int unused, int flags, u32 generation)
{
	int n;

	req->key.hi = 0x1122334455667788;
	req->key.lo = 0x99aabbccddeeff00 ^ generation;
	SAY("arg", "ag_lookup", "req=0x%px depth=200 exact=1", req);
	n = ag_lookup(req, req->key, 200, true);
	return n + flags + generation;
}

static AG_FN int ag_open(const char *name, size_t len, int flags, umode_t mode)
{
	int n;

	ag_current.name = name;
	ag_current.parent = &ag_root;
	ag_current.id = 77;
	SAY("arg", "ag_clone", "req=0x%px flags=0x40 generation=%zu", &ag_current, len);
	n = ag_clone(&ag_current, flags, 0x40, len);
	return n + mode;
}

/* A task that sleeps: nothing here has run since. */
static DECLARE_COMPLETION(ag_never);

static AG_FN int ag_wait_inner(struct completion *done, unsigned long ticks, const char *why)
{
	int r = wait_for_completion_timeout(done, ticks);

	ag_touch(r + why[0]);
	return r;
}

static AG_FN int ag_wait_outer(struct ag_req *req, u64 ticket)
{
	static const char why[] = "no more work";
	int r;

	SAY("arg", "ag_wait_inner", "done=0x%px ticks=0x%lx why=0x%px", &ag_never, 9000UL * HZ, why);
	r = ag_wait_inner(&ag_never, 9000UL * HZ, why);
	ag_touch(ticket);
	return r + req->id;
}

static int ag_sleeper(void *data)
{
	SAY("arg", "ag_sleeper", "data=0x%px", data);
	SAY("arg", "ag_wait_outer", "req=0x%px ticket=0x%llx", data, 0x71c4e7ULL);
	return ag_wait_outer(data, 0x71c4e7);
}

static long lab_trigger(const char *cmd, size_t len)
{
	static const char name[] = "/srv/data/ledger";
	struct task_struct *task = kthread_run(ag_sleeper, &ag_root, "ag_sleeper");

	if (IS_ERR(task))
		return PTR_ERR(task);
	LAB_TRUTH("sleeper=0x%px sleeper_pid=%d", task, task_pid_nr(task));
	msleep(300);
	SAY("arg", "ag_open", "name=0x%px len=0x10 flags=0x8042 mode=0x1a4", name);
	return ag_open(name, sizeof(name) - 1, 0x8042, 0644);
}

static int __init args_init(void)
{
	return lab_register();
}
module_init(args_init);
