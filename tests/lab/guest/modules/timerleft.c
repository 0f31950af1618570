// SPDX-License-Identifier: GPL-2.0
/*
 * timerleft: a module that is unloaded while its timer still runs.
 */
#include "lab.h"
#include <linux/timer.h>

struct tl_poller {
	struct timer_list timer;
	u32 polls;
};

static struct tl_poller *poller;
static bool lasting;
module_param(lasting, bool, 0);

static void tl_poll(struct timer_list *t)
{
	struct tl_poller *p = container_of(t, struct tl_poller, timer);

	p->polls++;
	mod_timer(t, jiffies + HZ);
}

/* Also what leaves its /proc entry behind, if asked. */
static long lab_trigger(const char *cmd, size_t len)
{
	poller->polls = 0;
	return 0;
}

static int __init timerleft_init(void)
{
	poller = kzalloc(sizeof(*poller), GFP_KERNEL);
	if (!poller || (lasting && lab_register()))
		return -ENOMEM;
	timer_setup(&poller->timer, tl_poll, 0);
	if (!lasting)
		mod_timer(&poller->timer, jiffies + HZ);
	LAB_TRUTH("blame=timerleft_exit culprit=timer->function object=%px timer=%px function=%px",
		  poller, &poller->timer, tl_poll);
	return 0;
}
module_init(timerleft_init);

static void __exit timerleft_exit(void)
{
	/* BUG: neither the timer is stopped nor the /proc entry removed. */
}
module_exit(timerleft_exit);
