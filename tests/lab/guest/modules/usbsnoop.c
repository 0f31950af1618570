// SPDX-License-Identifier: GPL-2.0
/*
 * usb-free: plays a buggy USB driver.  When a control transfer submitted
 * through usbfs completes, the first four bytes the device answered (usually
 * 04 03 09 04: string descriptor zero, LANGID 0x0409) are written over the low
 * 32 bits of urb->transfer_buffer instead of into the buffer.  usbfs later
 * hands urb->transfer_buffer == 0xffffXXXX04090304 to kfree().
 *
 * The kprobe is only the means; the effect is that of
 *     memcpy(&urb->transfer_buffer, data, count);
 * for    memcpy(urb->transfer_buffer,  data, count);
 *
 *   index=N   the string descriptor that is spoilt (0)
 *   count=N   how many bytes of the pointer are overwritten (4)
 *
 * The bogus address must lie in the direct map, in ordinary free memory, or the
 * machine would die elsewhere or look as if the page had something to do with
 * it; where the random page_offset does not allow that, "LAB-RETRY" asks
 * make-core to boot again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/usb.h>
#include "truth.h"

static uint index, count = 4;
module_param(index, uint, 0);
module_param(count, uint, 0);

/* In the buddy allocator's hands: the first page of the free block says so. */
static bool in_buddy(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned int order;

	for (order = 0; order <= 10; order++) {
		struct page *head = pfn_to_page(pfn & ~((1UL << order) - 1));

		if (PageBuddy(head))
			return page_private(head) >= order;
	}
	return false;
}

static bool usable(unsigned long addr)
{
	struct page *page;

	if (!virt_addr_valid((void *)addr))
		return false;
	page = virt_to_page((void *)addr);
	return !PageSlab(page) && !PageCompound(page) && !PageReserved(page) &&
	       !page_count(page) && in_buddy(page);
}

static noinline void snoop_complete(struct urb *urb)
{
	void *data = urb->transfer_buffer;
	u8 *setup = urb->setup_packet;
	unsigned long bogus = (unsigned long)data;

	if (!setup || setup[1] != 6 || setup[3] != 3 || setup[2] != index ||
	    urb->actual_length < count)
		return;

	memcpy(&bogus, data, count);
	if (!usable(bogus)) {
		pr_emerg("LAB-RETRY bogus=%lx buffer=%px page_offset=%lx\n",
			 bogus, data, PAGE_OFFSET);
		return;
	}
	LAB_TRUTH("urb=%px async=%px setup_packet=%px true_transfer_buffer=%px bogus_transfer_buffer=0x%lx bogus_phys=0x%lx transfer_buffer_length=%u actual_length=%u page_offset=0x%lx usb_device=%px string_index=%u overwritten=%u payload=%*phN",
		  urb, urb->context, setup, data, bogus, __pa(bogus),
		  urb->transfer_buffer_length, urb->actual_length, PAGE_OFFSET,
		  urb->dev, index, count, min_t(int, urb->actual_length, 64), data);
	/*
	 * BUG: into the pointer's own storage.  The buffer itself stays as
	 * kmalloc() gave it (zeroed, init_on_alloc), as if never filled.
	 */
	memcpy(&urb->transfer_buffer, data, count);
	memset(data, 0, urb->actual_length);
}

static int __kprobes snoop_pre(struct kprobe *p, struct pt_regs *regs)
{
	snoop_complete((struct urb *)regs->di);
	return 0;
}

static struct kprobe snoop_kp = {
	.symbol_name = "async_completed",	/* usbfs completion handler */
	.pre_handler = snoop_pre,
};

static int __init usbsnoop_init(void)
{
	int err;

	if (count > sizeof(void *))
		return -EINVAL;
	err = register_kprobe(&snoop_kp);
	if (err)
		pr_err("register_kprobe: %d\n", err);
	return err;
}

static void __exit usbsnoop_exit(void)
{
	unregister_kprobe(&snoop_kp);
}
module_init(usbsnoop_init);
module_exit(usbsnoop_exit);
MODULE_LICENSE("GPL");
