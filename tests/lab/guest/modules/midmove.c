// SPDX-License-Identifier: GPL-2.0
/*
 * midmove: the machine stops while a page is being moved, when the page tables
 * hold a migration entry.  What is written to /proc/midmove is an address of the
 * writer; the next page of that mapping which is moved is the last.
 */
#include "lab.h"
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)
typedef struct folio mv_page;
#define mv_pfn(p) folio_pfn(p)
#else
typedef struct page mv_page;
#define mv_pfn(p) page_to_pfn(p)
#endif

static void *mv_anon;
static unsigned long mv_start, mv_pgoff;
static pid_t mv_pid;

/* (new, old, mode): the old one's page table entries are gone by now. */
static int mv_moving(struct kprobe *kp, struct pt_regs *regs)
{
	mv_page *to = (mv_page *)regs->di, *from = (mv_page *)regs->si;

	if (!mv_anon || (unsigned long)from->mapping != (unsigned long)mv_anon + 1)
		return 0;
	LAB_TRUTH("moved=0x%lx moved_from=0x%lx moved_to=0x%lx moved_pid=%d moved_page=0x%px",
		  mv_start + ((from->index - mv_pgoff) << PAGE_SHIFT), mv_pfn(from), mv_pfn(to),
		  mv_pid, from);
	panic("a page is on its way");
	return 0;
}

static struct kprobe mv_probe = { .pre_handler = mv_moving };

static long lab_trigger(const char *cmd, size_t len)
{
	struct vm_area_struct *vma;
	unsigned long at;

	if (kstrtoul(cmd, 0, &at))
		return -EINVAL;
	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, at);
	if (vma) {
		mv_start = vma->vm_start;
		mv_pgoff = vma->vm_pgoff;
		mv_pid = task_pid_nr(current);
		mv_anon = vma->anon_vma;
	}
	mmap_read_unlock(current->mm);
	return 0;
}

static int __init midmove_init(void)
{
	static const char *const names[] = { "move_to_new_folio", "move_to_new_page" };
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		mv_probe.symbol_name = names[i];
		mv_probe.addr = NULL;
		mv_probe.flags = 0;
		if (!register_kprobe(&mv_probe))
			return lab_register();
	}
	pr_emerg("LAB-FAIL: no place for a probe\n");
	return -ENOENT;
}
module_init(midmove_init);
