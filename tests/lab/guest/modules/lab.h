/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the crash modules: each module offers /proc/<module>; writing a
 * word to it triggers the bug in the context of the writing process.
 */
#ifndef LAB_H
#define LAB_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "truth.h"

static long lab_trigger(const char *cmd, size_t len);

static ssize_t lab_proc_write(struct file *file, const char __user *ubuf,
			      size_t len, loff_t *pos)
{
	char cmd[32];
	size_t n = min(len, sizeof(cmd) - 1);
	long ret;

	if (copy_from_user(cmd, ubuf, n))
		return -EFAULT;
	cmd[n] = '\0';
	ret = lab_trigger(strim(cmd), n);
	return ret < 0 ? ret : len;
}

static const struct proc_ops lab_proc_ops = {
	.proc_write = lab_proc_write,
};

static inline int lab_register(void)
{
	return proc_create(KBUILD_MODNAME, 0600, NULL, &lab_proc_ops) ?
	       0 : -ENOMEM;
}

MODULE_LICENSE("GPL");
#endif
