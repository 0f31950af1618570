// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One search of all memory for what betrays a kernel: the text of VMCOREINFO, top page tables, and the
 * kernel's banner.  Which of them are what they seem is for others to check.
 */
#include "locate.h"

#include <pthread.h>
#include <stdlib.h>

/* An ELF note's header (12 bytes) and the padded name "VMCOREINFO" (12) stand before its text. */
#define NOTE_HEADER 24
#define PAGE 4096

struct search {
	struct locate_memory *found;
	const struct iq_arch *arch;
	uint64_t memory_end;
	pthread_mutex_t lock;
};

/* Keep the lowest ROOM addresses, whichever thread finds them first. */
static void keep(struct search *s, uint64_t *list, unsigned int *nr, unsigned int room, uint64_t at)
{
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	i = *nr < room ? *nr : room - 1;
	if (*nr < room)
		++*nr;
	else if (list[i] < at)
		i = room;
	for (; i < room && i && list[i - 1] > at; i--)
		list[i] = list[i - 1];
	if (i < room)
		list[i] = at;
	pthread_mutex_unlock(&s->lock);
}

static void search_page(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	/* vmcoreinfo_data fills its page from the start, as vmcoreinfo_note does. */
	static const unsigned int offsets[] = {0, NOTE_HEADER};
	struct search *s = arg;
	struct locate_memory *m = s->found;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(offsets); i++)
		if (!memcmp(page + offsets[i], "OSRELEASE=", 10))
			keep(s, m->text, &m->nr_text, LOCATE_TEXTS, pfn * PAGE + offsets[i]);
	/* An array as large as linux_banner is aligned to 16 at least. */
	for (unsigned int i = 0; i < PAGE; i += 16)
		if (page[i] == 'L' && !memcmp(page + i, "Linux version ", 14))
			keep(s, m->banner, &m->nr_banner, LOCATE_BANNERS, pfn * PAGE + i);
	if (s->arch->vm->may_be_root(page, s->memory_end))
		keep(s, m->root, &m->nr_root, LOCATE_ROOTS, pfn * PAGE);
}

void locate_search(struct iq_kernel *k, struct locate_memory *m)
{
	const struct iq_dump_info *info = iq_dump_info(k->dump);
	struct search s = {.found = m, .arch = k->arch, .memory_end = info->max_pfn * info->page_size};
	struct iq_scan scan = {.skip_zero = true, .page = search_page, .arg = &s,
			       .cancel = k->priv->options.cancel};

	memset(m, 0, sizeof(*m));
	if (info->page_size != PAGE || pthread_mutex_init(&s.lock, NULL))
		return;
	iq_error_free(iq_dump_scan(k->dump, &scan));
	pthread_mutex_destroy(&s.lock);
}
