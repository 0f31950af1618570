/* SPDX-License-Identifier: GPL-2.0 */
/*
 * LAB_TRUTH() prints the true addresses as "LAB: key=value key=value ...".
 * make-truth collects those pairs from the serial log, so that a core's
 * .truth.json knows what the analyser has to find.
 *
 * With the module parameter secret=1 the line goes to the serial port behind
 * the kernel's back: then the log in the dump does not give the answer away.
 */
#ifndef LAB_TRUTH_H
#define LAB_TRUTH_H

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

static bool secret;
module_param(secret, bool, 0);

static void lab_com1(const char *s)
{
	int patience;

	for (; *s; s++) {
		for (patience = 100000; patience && !(inb(0x3fd) & 0x20); patience--)
			cpu_relax();
		outb(*s, 0x3f8);
	}
}

static __printf(1, 2) void lab_truth(const char *fmt, ...)
{
	static char line[800];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (secret)
		lab_com1(line);
	else
		printk(KERN_WARNING "%s", line);
	memzero_explicit(line, sizeof(line));
}

#define LAB_TRUTH(fmt, ...) lab_truth("LAB: " fmt "\n", ##__VA_ARGS__)

#endif
