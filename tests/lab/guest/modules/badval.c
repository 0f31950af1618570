// SPDX-License-Identifier: GPL-2.0
/*
 * badval: a session driver in which one value goes bad in one function, travels
 * in a field of a structure and is used in another.  The word written to
 * /proc/badval says what goes wrong; see faults[].  Most of them end in
 * sn_charge(), called by sn_tick() and sn_poll(), which are innocent.
 */
#include "lab.h"
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/seq_file.h>
#include <linux/sched/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/vmalloc.h>

struct sn_stats {
	u64 packets, bytes;
	u32 hist[24];
};

struct sn_peer {
	char name[16];
	struct sn_stats *stats;
	u32 weight, flags;
	u64 quantum;			/* where stats is, to who is 16 bytes off */
	u64 seen;
};

struct sn_ops {
	const char *name;
	int (*tick)(void *session);
	u32 budget;
};

struct sn_session {
	struct list_head link;
	u32 id, state;
	const struct sn_ops *ops;
	struct sn_peer *peer;
	char reply[24];
	u32 *ring;
	u32 ring_size, heads, sectors;
	int (*hook)(void);
	const void *request;
};

static struct kmem_cache *session_cache, *peer_cache;
static LIST_HEAD(sessions);
static struct sn_session *victim;
static volatile u64 sn_sink;

static int sn_tick_default(void *session)
{
	return ((struct sn_session *)session)->state;
}

static const struct sn_ops sn_default_ops = {
	.name = "default", .tick = sn_tick_default, .budget = 64,
};

/* What went wrong where, before it shows. */
static void sn_truth(const char *blame, const char *culprit, const void *field, u64 old, u64 new)
{
	LAB_TRUTH("blame=%s culprit=%s field=%px old=0x%llx new=0x%llx object=%px cache=lab_session state=allocated",
		  blame, culprit, field, old, new, victim);
	LAB_TRUTH("sessions=%px session_cache=%px peer_cache=%px victim_id=%u", &sessions,
		  session_cache, peer_cache, victim->id);
}

static noinline u64 sn_charge(struct sn_session *s, u32 length)
{
	struct sn_stats *stats = s->peer->stats;

	stats->bytes += length;
	stats->hist[length & 15]++;
	return stats->bytes;
}

static noinline u64 sn_tick(struct sn_session *s, u32 now)
{
	u64 n = 0;

	if (s->state == 2)
		n = sn_charge(s, now * 64 + 17);
	return n + s->ops->budget;
}

static noinline u64 sn_poll(struct list_head *head, u32 now)
{
	struct sn_session *s;
	u64 sum = 0;

	list_for_each_entry(s, head, link)
		sum += sn_tick(s, now);
	return sum;
}

static noinline void sn_run(void)
{
	sn_sink += sn_poll(&sessions, 3);
}

/*
 * BUG: the answer belongs into s->reply, and goes over the pointer in front of it.
 */
static noinline void sn_store_reply(struct sn_session *s, const u8 *data, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		((volatile u8 *)&s->peer)[i] = data[i];
}

static void overwrite(const u8 *data, size_t n, const char *payload)
{
	u64 old = (u64)victim->peer;

	LAB_TRUTH("payload=%s payload_size=%zu peer_true=%px", payload, n, victim->peer);
	sn_store_reply(victim, data, n);
	sn_truth("sn_store_reply", "s->peer", &victim->peer, old, (u64)victim->peer);
	if (virt_addr_valid(victim->peer)) {	/* one address in twelve */
		pr_emerg("LAB-RETRY\n");
		return;
	}
	sn_run();
}

/* The device descriptor of a USB 2.0 hub. */
static void do_part_usb(void)
{
	static const u8 data[] = { 0x12, 0x01, 0x00, 0x02 };

	overwrite(data, sizeof(data), "usb_device_descriptor");
}

static void do_part_ascii(void)
{
	overwrite("HTTP", 4, "ascii");
}

/* IPv4, header of 20 bytes, total length 84: an echo request. */
static void do_part_ip(void)
{
	static const u8 data[] = { 0x45, 0x00, 0x00, 0x54 };

	overwrite(data, sizeof(data), "ipv4");
}

/* All eight bytes, of UTF-16 text. */
static void do_utf16(void)
{
	overwrite("s\0t\0a\0t\0", 8, "utf16");
}

/* A wire record, read one byte too far on. */
static noinline void sn_decode(struct sn_session *s, const u8 *record)
{
	memcpy(&s->peer, record + 1, sizeof(s->peer));	/* BUG: it begins at 0 */
}

static void do_shifted(void)
{
	u64 old = (u64)victim->peer;
	u8 record[16] = { 0 };

	memcpy(record, &victim->peer, 8);
	record[8] = 0x2a;
	sn_decode(victim, record);
	sn_truth("sn_decode", "s->peer", &victim->peer, old, (u64)victim->peer);
	sn_run();
}

static noinline void sn_from_wire(struct sn_session *s, __be64 cookie)
{
	s->peer = (struct sn_peer *)be64_to_cpu(cookie);	/* BUG: it was never swapped */
}

static void do_swapped(void)
{
	u64 old = (u64)victim->peer;

	sn_from_wire(victim, (__force __be64)old);
	sn_truth("sn_from_wire", "s->peer", &victim->peer, old, (u64)victim->peer);
	sn_run();
}

/* A bit of the memory itself: nobody's instruction did it. */
static void flip(int bit)
{
	u64 old = (u64)victim->peer;

	*(u64 *)&victim->peer ^= BIT_ULL(bit);
	LAB_TRUTH("bit=%d", bit);
	sn_truth("hardware", "s->peer", &victim->peer, old, (u64)victim->peer);
	sn_run();
}

static void do_flip57(void)
{
	flip(57);
}

static void do_flip44(void)
{
	flip(44);
}

static void do_flip4(void)
{
	flip(4);
}

static noinline struct sn_peer *sn_find_peer(const char *name)
{
	return strcmp(name, "peer-3") ? ERR_PTR(-ENOENT) : victim->peer;
}

static noinline void sn_attach(struct sn_session *s, const char *name)
{
	s->peer = sn_find_peer(name);		/* BUG: IS_ERR() is not looked at */
}

static noinline u64 sn_hash_name(const struct sn_peer *peer)
{
	u64 h = 5381;
	int i;

	for (i = 0; i < 16 && READ_ONCE(peer->name[i]); i++)
		h = h * 33 + peer->name[i];
	return h;
}

static noinline u64 sn_route(struct sn_session *s)
{
	return sn_hash_name(s->peer) ^ s->id;
}

static void do_errptr(void)
{
	u64 old = (u64)victim->peer;

	sn_attach(victim, "peer-4");
	sn_truth("sn_attach", "s->peer", &victim->peer, old, (u64)victim->peer);
	sn_sink += sn_route(victim);
}

static noinline void sn_ring_resize(struct sn_session *s, u32 size)
{
	vfree(s->ring);				/* BUG: s->ring still points there */
	s->ring_size = size;
}

static noinline u32 sn_ring_push(struct sn_session *s, u32 entry)
{
	u32 slot = entry % s->ring_size;

	s->ring[slot] = entry;
	return slot;
}

static noinline u32 sn_submit(struct sn_session *s, u32 tag)
{
	return sn_ring_push(s, tag ^ s->id);
}

static void do_vfree(void)
{
	victim->ring_size = 4096;
	victim->ring = vmalloc(4096 * sizeof(u32));
	if (!victim->ring)
		return;
	victim->ring[0] = 1;
	sn_ring_resize(victim, 8192);
	sn_truth("sn_ring_resize", "s->ring", &victim->ring, (u64)victim->ring, (u64)victim->ring);
	sn_sink += sn_submit(victim, 0x1234);
}

/* A header from a disk: "heads" is zero there. */
static noinline void sn_read_geometry(struct sn_session *s, const u8 *header)
{
	s->sectors = header[0] | header[1] << 8;
	s->heads = header[2];			/* BUG: not checked */
}

static noinline u32 sn_cylinders(struct sn_session *s, u32 blocks)
{
	return blocks / s->sectors / s->heads;
}

static void do_div0(void)
{
	static const u8 header[4] = { 63, 0, 0, 7 };

	sn_read_geometry(victim, header);
	sn_truth("sn_read_geometry", "s->heads", &victim->heads, 255, 0);
	sn_sink += sn_cylinders(victim, 1234567);
}

/* 128 / 64 bits, and the quotient does not fit. */
static noinline u64 sn_scale(u64 hi, u64 lo, u64 by)
{
	u64 quotient, rest;

	asm volatile("divq %4" : "=a"(quotient), "=d"(rest) : "a"(lo), "d"(hi), "r"(by));
	return quotient ^ rest;
}

static noinline u64 sn_rate(struct sn_session *s, u64 bytes)
{
	return sn_scale(bytes >> 32, bytes << 32, s->heads);
}

static void do_divov(void)
{
	victim->heads = 3;
	sn_truth("sn_rate", "s->heads", &victim->heads, 3, 3);
	sn_sink += sn_rate(victim, 0x500000000ULL);
}

/* Read-only data, through a cast. */
static noinline void sn_tune(struct sn_session *s, u32 budget)
{
	struct sn_ops *ops = (struct sn_ops *)s->ops;

	WRITE_ONCE(ops->budget, budget);	/* BUG: these are const */
}

static void do_rodata(void)
{
	sn_truth("sn_tune", "ops->budget", &victim->ops->budget, 64, 128);
	sn_tune(victim, 128);
}

static noinline void sn_set_trap(u8 *where)
{
	WRITE_ONCE(*where, 0xcc);
}

static noinline void sn_install(struct sn_session *s)
{
	sn_set_trap((u8 *)s->hook);		/* BUG: text_poke() is the way */
}

static void do_text(void)
{
	victim->hook = (void *)seq_printf;
	sn_truth("sn_install", "s->hook", &victim->hook, 0, (u64)victim->hook);
	sn_install(victim);
}

/* A request that a user handed in; its pointer is the user's too. */
static noinline u64 sn_parse_request(const void *request)
{
	return READ_ONCE(*(const u64 *)request) & 0xff;	/* BUG: no copy_from_user() */
}

static noinline u64 sn_accept(struct sn_session *s)
{
	return sn_parse_request(s->request) + s->id;
}

static void do_userread(void)
{
	victim->request = (void *)current->mm->arg_start;
	sn_truth("sn_parse_request", "s->request", &victim->request, 0, (u64)victim->request);
	sn_sink += sn_accept(victim);
}

static noinline int sn_call_hook(struct sn_session *s)
{
	return s->hook() + 1;
}

/* A program's own code, called from the kernel. */
static void do_userexec(void)
{
	victim->hook = (void *)task_pt_regs(current)->ip;
	sn_truth("sn_call_hook", "s->hook", &victim->hook, 0, (u64)victim->hook);
	sn_sink += sn_call_hook(victim);
}

static noinline void sn_close(struct sn_session *s)
{
	list_del(&s->link);
	s->state = 9;
}

/* BUG: the caller has taken it off its list before. */
static noinline struct sn_session *sn_next(struct sn_session *s)
{
	struct sn_session *next = list_entry(READ_ONCE(s->link.next), struct sn_session, link);

	sn_sink += READ_ONCE(next->id);
	return next;
}

static void do_listpoison(void)
{
	u64 old = (u64)victim->link.next;

	sn_close(victim);
	sn_truth("sn_close", "s->link.next", &victim->link.next, old, (u64)victim->link.next);
	sn_sink += sn_next(victim)->id;
}

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
	{ "part-usb", do_part_usb }, { "part-ascii", do_part_ascii }, { "part-ip", do_part_ip },
	{ "utf16", do_utf16 }, { "shifted", do_shifted }, { "swapped", do_swapped },
	{ "flip57", do_flip57 }, { "flip44", do_flip44 }, { "flip4", do_flip4 },
	{ "errptr", do_errptr }, { "vfree", do_vfree }, { "div0", do_div0 },
	{ "divov", do_divov }, { "rodata", do_rodata }, { "text", do_text },
	{ "userread", do_userread }, { "userexec", do_userexec }, { "listpoison", do_listpoison },
};

static long lab_trigger(const char *cmd, size_t len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(cmd, faults[i].name))
			faults[i].fn();
	return 0;
}

static int __init badval_init(void)
{
	struct sn_session *s;
	int i;

	/* Usercopy windows keep the caches from being merged with others. */
	session_cache = kmem_cache_create_usercopy("lab_session", sizeof(*s), 0, 0,
			offsetof(struct sn_session, reply), sizeof(s->reply), NULL);
	peer_cache = kmem_cache_create_usercopy("lab_peer", sizeof(struct sn_peer), 64, 0,
			0, 16, NULL);
	if (!session_cache || !peer_cache)
		return -ENOMEM;
	for (i = 0; i < 20; i++) {
		s = kmem_cache_zalloc(session_cache, GFP_KERNEL);
		if (!s)
			return -ENOMEM;
		s->peer = kmem_cache_zalloc(peer_cache, GFP_KERNEL);
		if (!s->peer)
			return -ENOMEM;
		s->peer->stats = kzalloc(sizeof(*s->peer->stats), GFP_KERNEL);
		if (!s->peer->stats)
			return -ENOMEM;
		snprintf(s->peer->name, sizeof(s->peer->name), "peer-%d", i);
		s->peer->quantum = 0x40;
		s->id = 100 + i;
		s->state = 2;
		s->ops = &sn_default_ops;
		list_add_tail(&s->link, &sessions);
		if (i == 7)
			victim = s;
	}
	return lab_register();
}
module_init(badval_init);
