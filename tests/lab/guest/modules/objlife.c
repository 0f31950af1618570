// SPDX-License-Identifier: GPL-2.0
/*
 * objlife: a driver that mistakes the lifetime and the size of its slab objects.
 * The word written to /proc/objlife says how; see faults[].
 */
#include "lab.h"
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/stacktrace.h>
#if IS_ENABLED(CONFIG_KFENCE)
#include <linux/kfence.h>
#endif

struct br_request {
	struct list_head link;
	u32 id, state;
	u64 sector;
	int (*done)(struct br_request *req);
	struct br_request *parent;
	char tag[32];
};

struct br_note {			/* another part of the driver, same cache */
	u64 stamp[4];
	char *text;
	u64 length;
};

static struct kmem_cache *request_cache, *other_cache;
static LIST_HEAD(pending);
static struct br_request *victim;
static struct br_request *batch[40];
static u32 br_static_request[24];
static volatile u64 br_sink;

static void br_truth(const char *blame, const char *culprit, const void *object,
		     const char *state)
{
	LAB_TRUTH("blame=%s culprit=%s object=%px cache=lab_request state=%s", blame, culprit,
		  object, state);
	LAB_TRUTH("request_cache=%px other_cache=%px pending=%px victim=%px victim_id=%u",
		  request_cache, other_cache, &pending, victim, victim->id);
}

static int br_done(struct br_request *req)
{
	return req->state;
}

static struct br_request *br_alloc(u32 id)
{
	struct br_request *req = kmem_cache_zalloc(request_cache, GFP_KERNEL);

	if (req) {
		req->id = id;
		req->done = br_done;
		req->sector = id * 8;
		snprintf(req->tag, sizeof(req->tag), "request-%u", id);
	}
	return req;
}

static noinline int br_complete(struct br_request *req, int error)
{
	req->state = error;
	return req->done(req) + 1;
}

static noinline int br_interrupt(struct br_request *req)
{
	return br_complete(req, 5) + 1;
}

static noinline u64 br_account(struct br_request *req, u64 sum)
{
	return sum + req->sector + req->state;
}

static noinline u64 br_walk(struct list_head *head)
{
	struct list_head *p;
	u64 sum = 0;

	for (p = head->next; p != head; p = p->next)
		sum = br_account(list_entry(p, struct br_request, link), sum);
	return sum;
}

static noinline void br_release(struct br_request *req)
{
	kmem_cache_free(request_cache, req);
}

/* BUG: the time-out frees what the device still owns. */
static noinline void br_timeout(struct br_request *req)
{
	req->state = 4;
	br_release(req);
}

/* Objects of the cache until the slot comes round. */
static noinline void *take_slot(void *slot)
{
	static void *others[600];
	void *got = NULL;
	int i, n = 0;

	while (n < 600) {
		got = kmem_cache_zalloc(request_cache, GFP_KERNEL);
		if (got == slot)
			break;
		others[n++] = got;
	}
	for (i = 0; i < n; i++)
		kmem_cache_free(request_cache, others[i]);
	if (got != slot)
		pr_emerg("LAB-RETRY\n");
	return got == slot ? got : NULL;
}

/* The slot is a note now, with a pointer to text where done was. */
static void do_uaf_exec(void)
{
	struct br_note *note;
	char *text = kstrdup("a note, not code", GFP_KERNEL);

	BUILD_BUG_ON(offsetof(struct br_note, text) != offsetof(struct br_request, done));
	br_timeout(victim);
	note = take_slot(victim);
	if (!note)
		return;
	note->text = text;
	note->length = 16;
	br_truth("br_timeout", "req->done", victim, "allocated");
	LAB_TRUTH("field=%px old=0x%px new=0x%px", &victim->done, br_done, text);
	br_sink += br_interrupt(victim);
}

/* The slot is a new request of zeros. */
static void do_uaf_null(void)
{
	br_timeout(victim);
	if (!take_slot(victim))
		return;
	br_truth("br_timeout", "req->done", victim, "allocated");
	br_sink += br_interrupt(victim);
}

/* Nobody has it now: the allocator's own link is in the middle of the object. */
static void do_uaf_free(void)
{
	struct br_request *child = batch[9];

	child->parent = victim;
	br_timeout(victim);
	/* 7.x keeps pointers to free objects aside, and writes none into them. */
	kmem_cache_shrink(request_cache);
	br_truth("br_timeout", "child->parent->parent", victim, "free");
	LAB_TRUTH("child=%px words=0x%llx,0x%llx,0x%llx,0x%llx,0x%llx,0x%llx", child,
		  ((u64 *)victim)[0], ((u64 *)victim)[2], ((u64 *)victim)[4], ((u64 *)victim)[5],
		  ((u64 *)victim)[6], ((u64 *)victim)[7]);
	br_sink += br_account(child->parent->parent, 0);
}

/* Freed, freed, freed again: two owners of one slot, and nobody notices at first. */
static noinline void br_abort(struct br_request *req)
{
	br_release(req);
}

static void do_double_alias(void)
{
	struct br_request *mine, *theirs[64];
	int i;

	br_release(victim);
	br_release(batch[12]);
	br_abort(victim);		/* BUG: for the second time */
	mine = br_alloc(500);
	if (!mine)
		return;
	INIT_LIST_HEAD(&pending);
	list_add_tail(&mine->link, &pending);
	/* The same slot again, soon. */
	for (i = 0; i < 64; i++) {
		theirs[i] = kmem_cache_alloc(request_cache, GFP_KERNEL);
		if (theirs[i])
			strscpy((char *)theirs[i], "POST /login HTTP/1.1 Host: a", 32);
		if (theirs[i] == mine)
			break;
	}
	br_truth("br_abort", "req->link.next", mine, "allocated");
	LAB_TRUTH("alias=%s alias_object=%px", i < 64 ? "yes" : "no", mine);
	if (i == 64)
		pr_emerg("LAB-FAIL: no alias\n");
	br_sink += br_walk(&pending);
}

/* kfree() of what is no object. */
static noinline void br_drop(void *p)
{
	kfree(p);
}

static noinline void br_drop_buffer(struct br_request *req, void *buffer)
{
	req->state = 6;
	br_drop(buffer);
}

static void do_free_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	br_truth("br_drop_buffer", "buffer", page_address(page), "page");
	LAB_TRUTH("freed=0x%px page=0x%px", page_address(page), page);
	br_drop_buffer(victim, page_address(page));
}

static void do_free_static(void)
{
	br_truth("br_drop_buffer", "buffer", br_static_request, "static");
	LAB_TRUTH("freed=0x%px", br_static_request);
	br_drop_buffer(victim, br_static_request);
}

static void do_free_stack(void)
{
	char buffer[64] = "on the stack";

	br_truth("br_drop_buffer", "buffer", buffer, "stack");
	LAB_TRUTH("freed=0x%px stack=0x%px", buffer, current->stack);
	br_drop_buffer(victim, buffer);
	br_sink += buffer[3];
}

/* An object of another cache. */
static noinline void br_put_other(void *object)
{
	kmem_cache_free(other_cache, object);
}

static void do_free_wrong(void)
{
	br_truth("br_put_other", "object", victim, "allocated");
	LAB_TRUTH("freed=0x%px", victim);
	br_put_other(victim);
}

/* The objects of the batch that lie one behind the other in a slab. */
static struct br_request *neighbour_of(struct br_request **of)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(batch); i++)
		for (j = 0; j < ARRAY_SIZE(batch); j++)
			if ((char *)batch[j] - (char *)batch[i] ==
			    kmem_cache_size(request_cache) &&
			    ((u64)batch[i] ^ (u64)batch[j]) < PAGE_SIZE) {
				*of = batch[i];
				return batch[j];
			}
	*of = NULL;
	return NULL;
}

/* The middle of an object is handed out again, and reaches over the next one. */
static void do_free_middle(void)
{
	struct br_request *first, *second = neighbour_of(&first), *got;
	char *middle;
	int i;

	if (!second)
		return;
	INIT_LIST_HEAD(&pending);
	list_add_tail(&second->link, &pending);
	middle = (char *)first + 0x20;
	br_truth("br_release", "req", middle, "middle");
	LAB_TRUTH("freed=0x%px inside=0x%px neighbour=0x%px", middle, first, second);
	br_release((struct br_request *)middle);	/* BUG */
	for (i = 0; i < 300; i++) {
		got = kmem_cache_alloc(request_cache, GFP_KERNEL);
		if (!got)
			return;
		memset(got, 'M', kmem_cache_size(request_cache));
		if ((char *)got == middle)
			break;
	}
	br_sink += br_walk(&pending);
}

/* Longer than the tag that it is copied into. */
static noinline void br_set_tag(struct br_request *req, const char *tag)
{
	volatile char *to = req->tag;

	while ((*to++ = *tag++))		/* BUG: no end */
		;
}

static const char long_tag[] = "user-supplied-tag/which-is-much-longer-than-the-field";

static void do_overflow(void)
{
	struct br_request *first, *second = neighbour_of(&first);

	if (!second)
		return;
	INIT_LIST_HEAD(&pending);
	list_add_tail(&second->link, &pending);
	br_set_tag(first, long_tag);
	br_truth("br_set_tag", "second->link.next", second, "allocated");
	LAB_TRUTH("overflowing=0x%px neighbour=0x%px new=0x%llx", first, second,
		  (u64)second->link.next);
	br_sink += br_walk(&pending);
}

/* With slub_debug=FZ the allocator sees it when the object is freed. */
static void do_redzone(void)
{
	br_truth("br_set_tag", "req->tag", victim, "allocated");
	br_set_tag(victim, long_tag);
	br_release(victim);
}

static void do_double_free(void)
{
	br_truth("br_abort", "req", victim, "free");
	br_release(victim);
	br_abort(victim);
}

/* Freed, then written to: seen when the slot is handed out again (slub_debug=FP). */
static noinline void br_late_write(struct br_request *req)
{
	req->sector = 0x1122334455667788;
}

static void do_poison(void)
{
	br_truth("br_late_write", "req->sector", victim, "free");
	br_release(victim);
	br_late_write(victim);
	take_slot(victim);
}

/* Who allocated and who freed an object, as the kernel itself walks the stack. */
static noinline void say_stack(const char *what, const void *object)
{
	unsigned long pc[16];
	unsigned int i, n = stack_trace_save(pc, ARRAY_SIZE(pc), 1);

	for (i = 0; i < n; i++)
		LAB_TRUTH("%s_object=0x%px %s_pid=%d %s%u=%pS", what, object, what,
			  task_pid_nr(current), what, i, (void *)pc[i]);
}

static noinline struct br_request *br_open(u32 id)
{
	struct br_request *req = br_alloc(id);

	say_stack("alloc", req);
	return req;
}

static noinline struct br_request *br_shut(struct br_request *req)
{
	say_stack("freed", req);
	br_release(req);
	return req;
}

static void do_tracks(void)
{
	struct br_request *kept = br_open(700), *gone = br_alloc(701);

	br_sink += (u64)br_shut(gone);
	br_truth("br_open", "kept", kept, "allocated");
	LAB_TRUTH("kept=0x%px gone=0x%px", kept, gone);
}

#if IS_ENABLED(CONFIG_KFENCE)
/* An object of KFENCE's pool: one allocation in a while. */
static struct br_request *kfence_object(void)
{
	struct br_request *req;
	int i;

	for (i = 0; i < 400; i++) {
		req = br_alloc(800 + i);
		if (is_kfence_address(req))
			return req;
		br_release(req);
		msleep(20);
	}
	pr_emerg("LAB-FAIL: no KFENCE object\n");
	return victim;
}

static void do_kfence_read(void)
{
	victim = kfence_object();
	br_truth("br_timeout", "req->done", victim, "free");
	br_timeout(victim);
	br_sink += br_interrupt(victim);
}

static noinline u64 br_last_word(struct br_request *req, long words)
{
	return READ_ONCE(((u64 *)req)[words]);	/* BUG: one too far */
}

static void do_kfence_over(void)
{
	victim = kfence_object();
	br_truth("br_last_word", "req", victim, "allocated");
	/* Objects lie at either end of a page; beyond is a guard page. */
	if (((u64)victim & ~PAGE_MASK) + kmem_cache_size(request_cache) >= PAGE_SIZE)
		br_sink += br_last_word(victim, kmem_cache_size(request_cache) / 8);
	else
		br_sink += br_last_word(victim, -1);
}

static void do_kfence_twice(void)
{
	victim = kfence_object();
	br_truth("br_abort", "req", victim, "free");
	br_release(victim);
	br_abort(victim);
}
#endif

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
	{ "uaf-exec", do_uaf_exec }, { "uaf-null", do_uaf_null }, { "uaf-free", do_uaf_free },
	{ "double-alias", do_double_alias }, { "double-free", do_double_free },
	{ "free-page", do_free_page }, { "free-static", do_free_static },
	{ "free-stack", do_free_stack }, { "free-wrong", do_free_wrong },
	{ "free-middle", do_free_middle }, { "overflow", do_overflow },
	{ "redzone", do_redzone }, { "poison", do_poison }, { "tracks", do_tracks },
#if IS_ENABLED(CONFIG_KFENCE)
	{ "kfence-read", do_kfence_read }, { "kfence-over", do_kfence_over },
	{ "kfence-twice", do_kfence_twice },
#endif
};

static int br_fill(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(batch); i++) {
		batch[i] = br_alloc(i);
		if (!batch[i])
			return -ENOMEM;
		list_add_tail(&batch[i]->link, &pending);
	}
	victim = batch[11];
	return 0;
}

static long lab_trigger(const char *cmd, size_t len)
{
	int i;

	/* The allocator has a slab for each CPU. */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	if (br_fill())
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(cmd, faults[i].name))
			faults[i].fn();
	return 0;
}

static int __init objlife_init(void)
{
	request_cache = kmem_cache_create_usercopy("lab_request", sizeof(struct br_request), 0,
			0, offsetof(struct br_request, tag), 32, NULL);
	other_cache = kmem_cache_create_usercopy("lab_other", 256, 0, 0, 0, 8, NULL);
	if (!request_cache || !other_cache)
		return -ENOMEM;
	return lab_register();
}
module_init(objlife_init);
