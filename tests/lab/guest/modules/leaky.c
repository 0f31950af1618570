// SPDX-License-Identifier: GPL-2.0
/*
 * leaky: a driver that forgets what it allocates.
 *
 *   "generic"  20000 sessions out of kmalloc-192 and as many buffers that only
 *              they name; 60 of them are alive
 *   "slab"     records of a cache of its own, until no memory is left
 *   "pages"    pages, until none is left
 */
#include "lab.h"
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>

struct lk_session {
	struct list_head link;
	u64 magic, number;
	void *buffer;
	char name[120];
};

static struct kmem_cache *record_cache;
static LIST_HEAD(alive);
static u64 lk_number;

static noinline struct lk_session *lk_open(bool keep)
{
	struct lk_session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->magic = keep ? 0x11fe11fe11feULL : 0x1057105710570000ULL;
	s->number = lk_number++;
	INIT_LIST_HEAD(&s->link);
	s->buffer = kzalloc(400, GFP_KERNEL);
	snprintf(s->name, sizeof(s->name), "session %llu", s->number);
	return s;
}

static noinline void lk_authenticate(struct lk_session *s, bool ok)
{
	if (ok)
		list_add_tail(&s->link, &alive);
	/* BUG: who is turned away is not freed. */
}

static void lk_generic(void)
{
	struct lk_session *s, *sample = NULL;
	int i;

	for (i = 0; i < 20060; i++) {
		s = lk_open(i >= 20000);
		if (!s)
			return;
		lk_authenticate(s, i >= 20000);
		if (i == 12345)
			sample = s;
	}
	LAB_TRUTH("blame=lk_authenticate culprit=s object=%px buffer=%px leaked_count=20000 alive_count=60 alive=%px object_size=%zu buffer_size=400",
		  sample, sample->buffer, &alive, sizeof(*s));
}

static noinline void *lk_log_record(u64 number)
{
	u64 *record = kmem_cache_alloc(record_cache, GFP_KERNEL);

	if (record)
		record[0] = 0x1057105710570000ULL + number;
	return record;				/* BUG: nobody keeps it */
}

static void lk_slab(void)
{
	LAB_TRUTH("blame=lk_log_record culprit=record cache=lab_record record_cache=%px record_size=1024",
		  record_cache);
	while (lk_log_record(lk_number++))
		;
}

static noinline struct page *lk_grab_page(u64 number)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page)
		*(u64 *)page_address(page) = 0x1057105710570000ULL + number;
	return page;
}

static void lk_pages(void)
{
	LAB_TRUTH("blame=lk_grab_page culprit=page");
	while (lk_grab_page(lk_number++))
		;
}

static long lab_trigger(const char *cmd, size_t len)
{
	if (!strcmp(cmd, "generic"))
		lk_generic();
	else if (!strcmp(cmd, "slab"))
		lk_slab();
	else
		lk_pages();
	return 0;
}

static int __init leaky_init(void)
{
	record_cache = kmem_cache_create("lab_record", 1024, 0, SLAB_RECLAIM_ACCOUNT, NULL);
	return record_cache ? lab_register() : -ENOMEM;
}
module_init(leaky_init);
