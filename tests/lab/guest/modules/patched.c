// SPDX-License-Identifier: GPL-2.0
/*
 * patched: a livepatch whose new function is worse than the old one.  Reading
 * /proc/cmdline runs it.
 */
#include "lab.h"
#include <linux/livepatch.h>
#include <linux/seq_file.h>

struct lp_boot {
	u64 words;
	const char *text;
};

static struct lp_boot *lp_boot;

static noinline __attribute__((noipa)) const char *lp_text(const struct lp_boot *boot, int flags)
{
	return boot->text + flags;		/* nobody ever set it */
}

static int lp_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", lp_text(lp_boot, 0));
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = lp_cmdline_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static long lab_trigger(const char *cmd, size_t len)
{
	LAB_TRUTH("boot=0x%px", &lp_boot);
	return klp_enable_patch(&patch);
}

static int __init patched_init(void)
{
	LAB_TRUTH("patch=0x%px", &patch);
	return lab_trigger("", 0);
}

static void __exit patched_exit(void) { }

module_init(patched_init);
module_exit(patched_exit);
MODULE_INFO(livepatch, "Y");
