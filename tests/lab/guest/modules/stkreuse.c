// SPDX-License-Identifier: GPL-2.0
/*
 * stkreuse: req_submit() puts a request that lies on its own stack on a list, gives
 * up waiting and ends without taking it off.  The stack is freed, and another
 * thread's; rq_complete_all() then follows what the new owner keeps there.
 */
#include "lab.h"
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#define RQ_FN noinline __attribute__((noipa))

struct rq_ops {
	int (*complete)(void *data);
};

struct rq_request {
	struct list_head link;
	const struct rq_ops *ops;
	void *data;
	u64 magic;
};

static LIST_HEAD(rq_list);
static DECLARE_COMPLETION(rq_never);
static volatile u64 rq_sink;

static int rq_done(void *data)
{
	return 0;
}

static const struct rq_ops rq_ops = { rq_done };

static RQ_FN int rq_submit(u64 number)
{
	struct rq_request request = { .ops = &rq_ops, .data = &rq_list, .magic = 0x5e9ece5700 + number };
	int r;

	list_add(&request.link, &rq_list);
	LAB_TRUTH("request=0x%px owner_stack=0x%px owner_pid=%d", &request, current->stack,
		  task_pid_nr(current));
	/* BUG: after a timeout the request stays on the list. */
	r = wait_for_completion_timeout(&rq_never, 2);
	rq_sink += request.magic;
	return r;
}

static int rq_submitter(void *data)
{
	return rq_submit(1);
}

static RQ_FN int rq_other_work(u64 fill)
{
	volatile u64 pad[96];
	int i;

	for (i = 0; i < 96; i++)
		pad[i] = fill;
	wait_for_completion_timeout(&rq_never, 9000UL * HZ);
	return pad[7];
}

static int rq_other(void *data)
{
	return rq_other_work(0x5a5a5a5a5a5a5a5aULL);
}

static RQ_FN int rq_complete_one(struct rq_request *request)
{
	return request->ops->complete(request->data);
}

static RQ_FN int rq_complete_all(struct list_head *list)
{
	struct rq_request *request = list_first_entry(list, struct rq_request, link);
	int r = rq_complete_one(request);

	return r + 1;
}

static long lab_trigger(const char *cmd, size_t len)
{
	struct task_struct *t;
	int i;

	t = kthread_run(rq_submitter, NULL, "rq_submitter");
	if (IS_ERR(t))
		return PTR_ERR(t);
	msleep(1500);
	for (i = 0; i < 12; i++) {
		t = kthread_run(rq_other, NULL, "rq_other/%d", i);
		if (IS_ERR(t))
			return PTR_ERR(t);
		msleep(50);
		if ((unsigned long)rq_list.next - (unsigned long)t->stack < THREAD_SIZE) {
			LAB_TRUTH("new_owner=0x%px new_owner_pid=%d", t, task_pid_nr(t));
			break;
		}
	}
	return rq_complete_all(&rq_list);
}

static int __init stkreuse_init(void)
{
	return lab_register();
}
module_init(stkreuse_init);
