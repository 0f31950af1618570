// SPDX-License-Identifier: GPL-2.0
/*
 * loops: tables that never end.
 *
 *   "chain"  an entry was added to its hash chain a second time: next of the last
 *            entry is an earlier one.  A lookup under rcu_read_lock() goes round.
 *   "retry"  a sequence counter that a writer left odd: the reader retries for ever,
 *            with preemption off
 */
#include "lab.h"
#include <linux/preempt.h>
#include <linux/rcupdate.h>

struct ht_flow {
	struct ht_flow *next;
	u32 key, generation;
	u64 bytes;
};

struct ht_table {
	struct ht_flow *buckets[16];
	u32 sequence;
	u64 total;
};

static struct ht_table *table;
static volatile u64 ht_sink;

static noinline void ht_insert(struct ht_table *t, struct ht_flow *f)
{
	struct ht_flow **p = &t->buckets[f->key & 15];

	while (*p && *p != f)
		p = &(*p)->next;
	*p = f;
}

/* BUG: it does not look whether the flow is in the chain already. */
static noinline void ht_requeue(struct ht_table *t, struct ht_flow *f)
{
	struct ht_flow *last = t->buckets[f->key & 15];

	while (last->next)
		last = last->next;
	last->next = f;
}

static noinline struct ht_flow *ht_find(struct ht_table *t, u32 key)
{
	struct ht_flow *f;

	for (f = READ_ONCE(t->buckets[key & 15]); f; f = READ_ONCE(f->next))
		if (f->key == key)
			return f;
	return NULL;
}

static noinline u64 ht_account(struct ht_table *t, u32 key, u32 bytes)
{
	struct ht_flow *f;
	u64 n = 0;

	rcu_read_lock();
	preempt_disable();		/* as with bottom halves off */
	f = ht_find(t, key);
	if (f)
		n = f->bytes += bytes;
	preempt_enable();
	rcu_read_unlock();
	return n;
}

static void do_chain(void)
{
	struct ht_flow *f, *first = NULL;
	u32 key;

	for (key = 5; key < 5 + 16 * 6; key += 16) {
		f = kzalloc(sizeof(*f), GFP_KERNEL);
		if (!f)
			return;
		f->key = key;
		ht_insert(table, f);
		if (key == 5 + 16)
			first = f;
	}
	ht_requeue(table, first);
	LAB_TRUTH("blame=ht_requeue culprit=last->next object=%px field=%px new=0x%px table=%px looper_pid=%d looper_cpu=%d",
		  f, &f->next, first, table, task_pid_nr(current), raw_smp_processor_id());
	ht_sink += ht_account(table, 5 + 16 * 9, 64);
}

static noinline void ht_begin_write(struct ht_table *t)
{
	t->sequence++;			/* BUG: the error path forgets the second one */
}

static noinline u32 ht_read_begin(struct ht_table *t)
{
	u32 seq;

	while ((seq = READ_ONCE(t->sequence)) & 1)
		cpu_relax();
	return seq;
}

static noinline u64 ht_read_total(struct ht_table *t)
{
	u32 seq = ht_read_begin(t);

	return t->total + seq;
}

static void do_retry(void)
{
	ht_begin_write(table);
	LAB_TRUTH("blame=ht_begin_write culprit=t->sequence object=%px field=%px old=0 new=1 looper_pid=%d looper_cpu=%d",
		  table, &table->sequence, task_pid_nr(current), raw_smp_processor_id());
	preempt_disable();
	ht_sink += ht_read_total(table);
	preempt_enable();
}

static long lab_trigger(const char *cmd, size_t len)
{
	if (!strcmp(cmd, "chain"))
		do_chain();
	else
		do_retry();
	return 0;
}

static int __init loops_init(void)
{
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	return table ? lab_register() : -ENOMEM;
}
module_init(loops_init);
