// SPDX-License-Identifier: GPL-2.0
/*
 * waits: tasks that wait for ever, and for whom.  The word written to /proc/waits
 * says how; see faults[].  The addresses of the locks, their owners and waiters
 * are in the log.
 */
#include "lab.h"
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct wt_volume {
	struct mutex super_lock;
	struct rw_semaphore tree_sem;
	struct rw_semaphore data_sem;
	struct semaphore slots;
	struct completion flushed;
	wait_queue_head_t drained;
	spinlock_t queue_lock;
	spinlock_t stats_lock;
	struct work_struct commit_work;
	struct work_struct trim_work;
	struct page *page;
	u32 in_flight;
	u64 generation;
};

static struct wt_volume *volume;
static struct workqueue_struct *commit_queue;
static struct task_struct *threads[4];

static struct task_struct *start(int (*fn)(void *), const char *name, int i)
{
	struct task_struct *task = kthread_create(fn, volume, "%s", name);

	if (IS_ERR(task))
		return NULL;
	threads[i] = task;
	LAB_TRUTH("task_%s=%px pid_%s=%d", name, task, name, task_pid_nr(task));
	wake_up_process(task);
	return task;
}

static void wt_truth(const char *blame, const char *culprit)
{
	LAB_TRUTH("blame=%s culprit=%s volume=%px super_lock=%px tree_sem=%px data_sem=%px slots=%px flushed=%px drained=%px queue_lock=%px stats_lock=%px page=%px",
		  blame, culprit, volume, &volume->super_lock, &volume->tree_sem,
		  &volume->data_sem, &volume->slots, &volume->flushed, &volume->drained,
		  &volume->queue_lock, &volume->stats_lock, volume->page);
}

/* A mutex, taken again by who holds it. */
static noinline void wt_sync_super(struct wt_volume *v)
{
	mutex_lock(&v->super_lock);		/* BUG: wt_remount() holds it */
	v->generation++;
	mutex_unlock(&v->super_lock);
}

static noinline void wt_remount(struct wt_volume *v)
{
	mutex_lock(&v->super_lock);
	wt_sync_super(v);
	mutex_unlock(&v->super_lock);
}

static int wt_remounter(void *data)
{
	wt_remount(data);
	return 0;
}

static void do_mutex_self(void)
{
	wt_truth("wt_sync_super", "v->super_lock");
	start(wt_remounter, "wt_remounter", 0);
}

/* Two rwsems in opposite order, one of them for reading. */
static noinline void wt_lookup(struct wt_volume *v)
{
	down_read(&v->tree_sem);
	msleep(400);
	down_write(&v->data_sem);
	v->generation++;
	up_write(&v->data_sem);
	up_read(&v->tree_sem);
}

static noinline void wt_grow(struct wt_volume *v)
{
	down_write(&v->data_sem);
	msleep(400);
	down_write(&v->tree_sem);
	v->generation++;
	up_write(&v->tree_sem);
	up_write(&v->data_sem);
}

static int wt_reader(void *data)
{
	wt_lookup(data);
	return 0;
}

static int wt_grower(void *data)
{
	wt_grow(data);
	return 0;
}

static void do_rwsem_abba(void)
{
	wt_truth("wt_grow", "v->tree_sem");
	start(wt_reader, "wt_reader", 0);
	start(wt_grower, "wt_grower", 1);
}

/* Nobody ever says that it is done, and a mutex is held meanwhile. */
static noinline void wt_wait_flushed(struct wt_volume *v)
{
	wait_for_completion(&v->flushed);
	v->generation++;
}

static noinline void wt_flush(struct wt_volume *v)
{
	mutex_lock(&v->super_lock);
	wt_wait_flushed(v);
	mutex_unlock(&v->super_lock);
}

static int wt_flusher(void *data)
{
	wt_flush(data);
	return 0;
}

static int wt_syncer(void *data)
{
	msleep(300);
	wt_sync_super(data);
	return 0;
}

static void do_completion(void)
{
	wt_truth("wt_flush", "v->flushed");
	start(wt_flusher, "wt_flusher", 0);
	start(wt_syncer, "wt_syncer", 1);
}

/* A wait queue: the last one to leave forgot to wake. */
static noinline void wt_drain(struct wt_volume *v)
{
	wait_event(v->drained, READ_ONCE(v->in_flight) == 0);
	v->generation++;
}

static int wt_drainer(void *data)
{
	wt_drain(data);
	return 0;
}

static void do_lost_wakeup(void)
{
	volume->in_flight = 1;
	wt_truth("wt_end_io", "v->drained");
	start(wt_drainer, "wt_drainer", 0);
	msleep(500);
	volume->in_flight = 0;			/* BUG: no wake_up(&v->drained) */
}

/* A semaphore of one slot, and its owner has ended. */
static noinline void wt_take_slot(struct wt_volume *v)
{
	down(&v->slots);
	v->generation++;
}

static int wt_taker(void *data)
{
	wt_take_slot(data);			/* BUG: no up() */
	return 0;
}

static int wt_second(void *data)
{
	msleep(500);
	wt_take_slot(data);
	return 0;
}

static void do_semaphore(void)
{
	wt_truth("wt_taker", "v->slots");
	start(wt_taker, "wt_taker", 0);
	start(wt_second, "wt_second", 1);
}

/* A work item that waits for another one of its ordered queue, which is behind it. */
static void wt_trim(struct work_struct *work)
{
	container_of(work, struct wt_volume, trim_work)->generation++;
}

static noinline void wt_commit_all(struct wt_volume *v)
{
	flush_work(&v->trim_work);		/* BUG: the queue runs one at a time */
	v->generation++;
}

static void wt_commit(struct work_struct *work)
{
	struct wt_volume *v = container_of(work, struct wt_volume, commit_work);

	msleep(300);
	wt_commit_all(v);
}

static void do_workqueue(void)
{
	wt_truth("wt_commit_all", "v->trim_work");
	LAB_TRUTH("commit_queue=%px commit_work=%px trim_work=%px", commit_queue,
		  &volume->commit_work, &volume->trim_work);
	queue_work(commit_queue, &volume->commit_work);
	queue_work(commit_queue, &volume->trim_work);
}

/* A page that stays locked, as one whose read never comes back. */
static noinline void wt_read_page(struct wt_volume *v)
{
	lock_page(v->page);
	v->generation++;
	unlock_page(v->page);
}

static int wt_page_reader(void *data)
{
	wt_read_page(data);
	return 0;
}

static void do_page_lock(void)
{
	lock_page(volume->page);
	wt_truth("do_page_lock", "v->page");
	start(wt_page_reader, "wt_page_reader", 0);
}

/* Two spinlocks in opposite order on two CPUs. */
static noinline void wt_count_then_queue(struct wt_volume *v)
{
	spin_lock(&v->stats_lock);
	mdelay(200);
	spin_lock(&v->queue_lock);
	v->generation++;
	spin_unlock(&v->queue_lock);
	spin_unlock(&v->stats_lock);
}

static noinline void wt_queue_then_count(struct wt_volume *v)
{
	spin_lock(&v->queue_lock);
	mdelay(200);
	spin_lock(&v->stats_lock);
	v->generation++;
	spin_unlock(&v->stats_lock);
	spin_unlock(&v->queue_lock);
}

static int wt_counter(void *data)
{
	wt_count_then_queue(data);
	return 0;
}

static int wt_queuer(void *data)
{
	wt_queue_then_count(data);
	return 0;
}

static void do_spin_abba(void)
{
	struct task_struct *one = kthread_create(wt_counter, volume, "wt_counter");
	struct task_struct *two = kthread_create(wt_queuer, volume, "wt_queuer");

	if (IS_ERR(one) || IS_ERR(two))
		return;
	wt_truth("wt_queue_then_count", "v->stats_lock");
	LAB_TRUTH("task_wt_counter=%px task_wt_queuer=%px", one, two);
	kthread_bind(one, 0);
	kthread_bind(two, 1);
	wake_up_process(one);
	wake_up_process(two);
}

/* Three mutexes' worth of tasks in a chain behind one that waits for a timer of hours. */
static noinline void wt_slow_disk(struct wt_volume *v)
{
	schedule_timeout_uninterruptible(3600 * HZ);
	v->generation++;
}

static int wt_holder(void *data)
{
	struct wt_volume *v = data;

	mutex_lock(&v->super_lock);
	wt_slow_disk(v);			/* BUG: with the lock held */
	mutex_unlock(&v->super_lock);
	return 0;
}

static int wt_middle(void *data)
{
	struct wt_volume *v = data;

	msleep(200);
	down_write(&v->tree_sem);
	wt_sync_super(v);
	up_write(&v->tree_sem);
	return 0;
}

static int wt_outer(void *data)
{
	msleep(400);
	wt_lookup(data);
	return 0;
}

static void do_chain(void)
{
	wt_truth("wt_slow_disk", "v->super_lock");
	start(wt_holder, "wt_holder", 0);
	start(wt_middle, "wt_middle", 1);
	start(wt_outer, "wt_outer", 2);
}

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
	{ "mutex-self", do_mutex_self }, { "rwsem-abba", do_rwsem_abba },
	{ "completion", do_completion }, { "lost-wakeup", do_lost_wakeup },
	{ "semaphore", do_semaphore }, { "workqueue", do_workqueue },
	{ "page-lock", do_page_lock }, { "spin-abba", do_spin_abba }, { "chain", do_chain },
};

static long lab_trigger(const char *cmd, size_t len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(cmd, faults[i].name))
			faults[i].fn();
	return 0;
}

static int __init waits_init(void)
{
	volume = kzalloc(sizeof(*volume), GFP_KERNEL);
	commit_queue = alloc_ordered_workqueue("lab_commit", 0);
	if (!volume || !commit_queue)
		return -ENOMEM;
	mutex_init(&volume->super_lock);
	init_rwsem(&volume->tree_sem);
	init_rwsem(&volume->data_sem);
	sema_init(&volume->slots, 1);
	init_completion(&volume->flushed);
	init_waitqueue_head(&volume->drained);
	spin_lock_init(&volume->queue_lock);
	spin_lock_init(&volume->stats_lock);
	INIT_WORK(&volume->commit_work, wt_commit);
	INIT_WORK(&volume->trim_work, wt_trim);
	volume->page = alloc_page(GFP_KERNEL);
	return volume->page ? lab_register() : -ENOMEM;
}
module_init(waits_init);
