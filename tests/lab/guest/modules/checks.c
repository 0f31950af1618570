// SPDX-License-Identifier: GPL-2.0
/*
 * checks: what the kernel's own checks catch, each through a few functions of a
 * plausible driver.  The word written to /proc/checks says which; see faults[].
 */
#include "lab.h"
#include <linux/kref.h>
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

struct dv_port {
	struct list_head link;
	refcount_t users;
	u32 id;
	char label[32];
	struct {
		u8 head[16];
		u8 tail[16];
	} frame;
	spinlock_t lock;
	struct timer_list timer;
};

static struct kmem_cache *port_cache;
static LIST_HEAD(ports);
static struct dv_port *port[6];
static volatile u64 dv_sink;
static volatile size_t dv_forty = 40;
static char dv_table[64];

static void dv_truth(const char *blame, const char *culprit, const void *object)
{
	LAB_TRUTH("blame=%s culprit=%s object=%px cache=lab_port state=allocated ports=%px",
		  blame, culprit, object, &ports);
}

/* lists */

static noinline void dv_enqueue(struct dv_port *p)
{
	list_add_tail(&p->link, &ports);	/* BUG: it may be there already */
}

static void do_list_add_twice(void)
{
	dv_truth("dv_enqueue", "p->link", port[5]);
	dv_enqueue(port[5]);
}

static noinline void dv_reset(struct dv_port *p)
{
	memset(p->label, 0, sizeof(p->label));
	p->link.next = (void *)p->label;	/* BUG */
}

/* The last one's next is not the head any more. */
static void do_list_add_broken(void)
{
	struct dv_port *p = kmem_cache_zalloc(port_cache, GFP_KERNEL);

	dv_reset(port[5]);
	dv_truth("dv_reset", "prev->next", port[5]);
	LAB_TRUTH("field=0x%px old=0x%px new=0x%px", &port[5]->link.next, &ports,
		  port[5]->link.next);
	if (p)
		dv_enqueue(p);
}

static noinline void dv_remove(struct dv_port *p)
{
	list_del(&p->link);
}

static noinline void dv_hangup(struct dv_port *p)
{
	p->id |= 0x8000;
	dv_remove(p);
}

static void do_list_del_twice(void)
{
	dv_remove(port[2]);
	dv_truth("dv_hangup", "p->link", port[2]);
	dv_hangup(port[2]);
}

static noinline void dv_copy_label(struct dv_port *p, const char *text, size_t n)
{
	volatile char *to = (char *)&p->link.prev;	/* BUG: not the label */
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = text[i];
}

static void do_list_del_text(void)
{
	u64 old = (u64)port[3]->link.prev;

	dv_copy_label(port[3], "uplink-7", 8);
	dv_truth("dv_copy_label", "p->link.prev", port[3]);
	LAB_TRUTH("field=0x%px old=0x%llx new=0x%px", &port[3]->link.prev, old,
		  port[3]->link.prev);
	dv_hangup(port[3]);
}

/* usercopy, fortify */

static noinline long dv_report(struct dv_port *p, void __user *to, size_t n)
{
	return copy_to_user(to, p->label, n);	/* BUG: n is the user's */
}

static void do_usercopy_slab(void)
{
	dv_truth("dv_report", "n", port[1]);
	LAB_TRUTH("copied_from=0x%px copied_size=%zu", port[1]->label, dv_forty * 4);
	dv_sink += dv_report(port[1], (void __user *)current->mm->arg_start, dv_forty * 4);
}

static noinline long dv_send(void __user *to, const char *from, size_t n)
{
	OPTIMIZER_HIDE_VAR(from);
	return copy_to_user(to, from, n);
}

static noinline long dv_version(void __user *to, size_t n)
{
	char version[24] = "1.0.7-lab";

	version[20] = (char)dv_sink;
	LAB_TRUTH("copied_from=0x%px copied_size=%zu", version, n);
	return dv_send(to, version, n);		/* BUG: n is more than there is */
}

static void do_usercopy_stack(void)
{
	dv_truth("dv_version", "n", NULL);
	dv_sink += dv_version((void __user *)current->mm->arg_start, dv_forty * 400);
}

static noinline void dv_load_table(const char *from, size_t n)
{
	memcpy(dv_table, from, n);		/* BUG: n may be more than there is room */
	dv_sink += dv_table[7];
}

static void do_fortify(void)
{
	static const char source[256] = "a table";

	dv_truth("dv_load_table", "n", dv_table);
	LAB_TRUTH("copied_size=%zu room_size=64", dv_forty * 2);
	dv_load_table(source, dv_forty * 2);
}

static noinline void dv_set_head(struct dv_port *p, const u8 *from, size_t n)
{
	memcpy(p->frame.head, from, n);		/* BUG: over frame.tail */
}

static void do_field_span(void)
{
	static const u8 source[64] = "head and more";

	dv_truth("dv_set_head", "n", port[1]);
	dv_set_head(port[1], source, dv_forty / 2);
}

static noinline size_t dv_label_length(struct dv_port *p)
{
	return strlen(p->label);		/* BUG: it may have no end */
}

static void do_fortify_strlen(void)
{
	memset(port[1]->label, 'x', sizeof(port[1]->label));
	dv_truth("dv_label_length", "p->label", port[1]);
	dv_sink += dv_label_length(port[1]);
}

/* references */

static noinline void dv_get(struct dv_port *p)
{
	refcount_inc(&p->users);
}

static noinline void dv_put(struct dv_port *p)
{
	if (refcount_dec_and_test(&p->users))
		p->id |= 0x4000;
}

static void do_ref_zero(void)
{
	dv_put(port[4]);
	dv_truth("dv_get", "p->users", port[4]);
	LAB_TRUTH("field=0x%px", &port[4]->users);
	dv_get(port[4]);
}

static void do_ref_under(void)
{
	dv_put(port[4]);
	dv_truth("dv_put", "p->users", port[4]);
	LAB_TRUTH("field=0x%px", &port[4]->users);
	dv_put(port[4]);
}

/* warnings, BUG(), panic() */

static noinline int dv_set_speed(struct dv_port *p, u32 speed)
{
	if (WARN_ON(speed > 10000))
		return -EINVAL;
	p->id = speed;
	return 0;
}

static void do_warn(void)
{
	dv_truth("dv_set_speed", "speed", port[1]);
	LAB_TRUTH("speed=250000");
	dv_sink += dv_set_speed(port[1], dv_forty * 6250);
}

static noinline void dv_unpublish(const char *name)
{
	remove_proc_entry(name, NULL);		/* BUG: it was never made */
}

static void do_warn_proc(void)
{
	dv_truth("dv_unpublish", "name", NULL);
	dv_unpublish("lab_ports");
}

static noinline u8 *dv_add_header(struct sk_buff *skb, unsigned int n)
{
	return skb_push(skb, n);
}

static void do_skb_under(void)
{
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);

	if (!skb)
		return;
	skb_reserve(skb, 16);
	dv_truth("dv_add_header", "n", skb);
	LAB_TRUTH("skb=0x%px skb_head=0x%px push_size=40", skb, skb->head);
	dv_sink += (u64)dv_add_header(skb, dv_forty);
}

static noinline void dv_fatal(struct dv_port *p, int code)
{
	panic("lab_port %u: firmware asserted, code 0x%x", p->id, code);
}

static noinline void dv_check_firmware(struct dv_port *p)
{
	dv_fatal(p, 0x2f);
	p->id++;
}

static void do_panic(void)
{
	dv_truth("dv_fatal", "code", port[1]);
	dv_check_firmware(port[1]);
}

/* stacks */

static noinline void dv_fill(volatile u8 *to, size_t n, u8 with)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = with + i;		/* BUG: n is not the caller's size */
}

static noinline u64 dv_digest(struct dv_port *p)
{
	u8 digest[24];

	LAB_TRUTH("buffer=0x%px buffer_size=24 copied_size=%zu", digest, dv_forty);
	dv_fill(digest, dv_forty, 0xc0);
	return digest[3] + p->id;
}

static void do_smash(void)
{
	dv_truth("dv_fill", "n", port[1]);
	dv_sink += dv_digest(port[1]) + 1;
}

/* Three functions that call each other, as a tree that has a cycle makes them. */
static noinline u64 dv_visit_group(struct dv_port *p, u64 depth);

static noinline u64 dv_visit_port(struct dv_port *p, u64 depth)
{
	volatile u64 pad[12];

	pad[depth % 12] = depth;
	return dv_visit_group(p, depth + 1) + pad[3];
}

static noinline u64 dv_visit_link(struct dv_port *p, u64 depth)
{
	volatile u64 pad[20];

	pad[depth % 20] = depth;
	return dv_visit_port(p, depth + 1) + pad[5];
}

static noinline u64 dv_visit_group(struct dv_port *p, u64 depth)
{
	volatile u64 pad[6];

	pad[depth % 6] = depth;
	return dv_visit_link(p, depth + 1) + pad[1];
}

static void do_recurse(void)
{
	dv_truth("dv_visit_link", "p", port[1]);
	LAB_TRUTH("stack=0x%px", current->stack);
	dv_sink += dv_visit_group(port[1], 1) + 1;
}

/* A stack pointer that is none.  objtool does not look at cmov, and would complain. */
static noinline void dv_switch_stack(u64 to)
{
	asm volatile("testq %0, %0\n\tcmovnzq %0, %%rsp\n\tpushq $7" : : "r"(to) : "memory");
}

static void bad_stack(u64 to)
{
	dv_truth("dv_switch_stack", "to", NULL);
	LAB_TRUTH("bad_rsp=0x%llx stack=0x%px", to, current->stack);
	dv_switch_stack(to);
	dv_sink++;
}

static void do_stack_noncanonical(void)
{
	bad_stack(0x6c6f672f7261762fULL);		/* "/var/log" */
}

static void do_stack_unmapped(void)
{
	bad_stack((u64)current->stack ^ 1ULL << 42);
}

/* sleeping where one must not */

static noinline void dv_wait_ready(struct dv_port *p)
{
	msleep(50);
	p->id++;
}

static noinline void dv_flush(struct dv_port *p)
{
	spin_lock_bh(&p->lock);
	dv_wait_ready(p);			/* BUG: with p->lock held */
	spin_unlock_bh(&p->lock);
}

static void do_atomic(void)
{
	dv_truth("dv_flush", "p->lock", port[1]);
	LAB_TRUTH("lock=0x%px", &port[1]->lock);
	dv_flush(port[1]);
}

static void dv_expired(struct timer_list *t)
{
	dv_wait_ready(container_of(t, struct dv_port, timer));	/* BUG: in softirq */
}

static void do_atomic_timer(void)
{
	dv_truth("dv_expired", "t", port[1]);
	timer_setup(&port[1]->timer, dv_expired, TIMER_PINNED);
	mod_timer(&port[1]->timer, jiffies + HZ / 2);
	msleep(3000);
}

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
	{ "list-add-twice", do_list_add_twice }, { "list-add-broken", do_list_add_broken },
	{ "list-del-twice", do_list_del_twice }, { "list-del-text", do_list_del_text },
	{ "usercopy-slab", do_usercopy_slab }, { "usercopy-stack", do_usercopy_stack },
	{ "fortify", do_fortify }, { "field-span", do_field_span },
	{ "fortify-strlen", do_fortify_strlen }, { "ref-zero", do_ref_zero },
	{ "ref-under", do_ref_under }, { "warn", do_warn }, { "warn-proc", do_warn_proc },
	{ "skb-under", do_skb_under }, { "panic", do_panic }, { "smash", do_smash },
	{ "recurse", do_recurse }, { "stack-noncanonical", do_stack_noncanonical },
	{ "stack-unmapped", do_stack_unmapped }, { "atomic", do_atomic },
	{ "atomic-timer", do_atomic_timer },
};

static long lab_trigger(const char *cmd, size_t len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(cmd, faults[i].name))
			faults[i].fn();
	return 0;
}

static int __init checks_init(void)
{
	int i;

	port_cache = kmem_cache_create("lab_port", sizeof(struct dv_port), 0,
				       SLAB_HWCACHE_ALIGN | SLAB_RECLAIM_ACCOUNT, NULL);
	if (!port_cache)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(port); i++) {
		port[i] = kmem_cache_zalloc(port_cache, GFP_KERNEL);
		if (!port[i])
			return -ENOMEM;
		port[i]->id = i;
		refcount_set(&port[i]->users, 1);
		spin_lock_init(&port[i]->lock);
		snprintf(port[i]->label, sizeof(port[i]->label), "port-%d", i);
		list_add_tail(&port[i]->link, &ports);
	}
	return lab_register();
}
module_init(checks_init);
