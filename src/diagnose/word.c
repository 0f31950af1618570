// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words that mean something by themselves: the poisons of include/linux/poison.h, error pointers, numbers
 * that were taken for pointers.
 */
#include "value.h"

#include <inttypes.h>

static const struct poison {
	uint64_t value;
	const char *id;
	enum iq_class class;
	const char *text;
} poisons[] = {
	/* include/linux/poison.h; POISON_POINTER_DELTA is 0xdead000000000000 on 64-bit machines */
	{0xdead000000000100, "poison.list", IQ_CLASS_USE_AFTER_FREE,
	 "LIST_POISON1: the next pointer of an entry that list_del() has removed"},
	{0xdead000000000122, "poison.list", IQ_CLASS_USE_AFTER_FREE,
	 "LIST_POISON2: the prev pointer of an entry that list_del() or hlist_del() has removed"},
	{0xdead000000000200, "poison.list", IQ_CLASS_USE_AFTER_FREE,
	 "LIST_POISON2 of older kernels: an entry that list_del() has removed"},
	{0xdead000000000300, "poison.timer", IQ_CLASS_USE_AFTER_FREE,
	 "TIMER_ENTRY_STATIC: a timer that is not queued"},
	{0xdead000000000400, "poison.mapping", IQ_CLASS_MEMORY_CORRUPTION,
	 "TAIL_MAPPING: the mapping of a compound page's tail"},
	{0xdead000000000040, "poison.page_pool", IQ_CLASS_MEMORY_CORRUPTION,
	 "PP_SIGNATURE: of a page that belongs to a network driver's page pool"},
	{0xdead000000000000, "poison.pointer", IQ_CLASS_USE_AFTER_FREE,
	 "POISON_POINTER_DELTA: a pointer that the kernel has invalidated on purpose"},
	{0x6b6b6b6b6b6b6b6b, "poison.slab_free", IQ_CLASS_USE_AFTER_FREE,
	 "slab poison 0x6b: the memory was freed (slub_debug=P)"},
	{0xa56b6b6b6b6b6b6b, "poison.slab_free", IQ_CLASS_USE_AFTER_FREE,
	 "the end of slab poison 0x6b … 0xa5: the memory was freed (slub_debug=P)"},
	{0x5a5a5a5a5a5a5a5a, "poison.slab_new", IQ_CLASS_MEMORY_CORRUPTION,
	 "slab poison 0x5a: memory that was allocated and never initialised"},
	{0xbbbbbbbbbbbbbbbb, "poison.red_zone", IQ_CLASS_MEMORY_CORRUPTION,
	 "the slab red zone 0xbb of a free object: read beyond an object's end"},
	{0xcccccccccccccccc, "poison.red_zone", IQ_CLASS_MEMORY_CORRUPTION,
	 "0xcc: the slab red zone of an object in use, or freed init memory"},
	{0xaaaaaaaaaaaaaaaa, "poison.page", IQ_CLASS_USE_AFTER_FREE,
	 "page poison 0xaa: the page was freed (page_poison=1)"},
	{0x5b5b5b5b5b5b5b5b, "poison.jbd2", IQ_CLASS_USE_AFTER_FREE,
	 "jbd2 poison 0x5b: a journal head that was freed"},
	{0x5c5c5c5c5c5c5c5c, "poison.jbd2", IQ_CLASS_USE_AFTER_FREE,
	 "jbd2 poison 0x5c: memory of the journal that was freed"},
	{0xa7a7a7a7a7a7a7a7, "poison.dma_pool", IQ_CLASS_USE_AFTER_FREE,
	 "DMA pool poison 0xa7: a block that was freed"},
	{0xa9a9a9a9a9a9a9a9, "poison.dma_pool", IQ_CLASS_MEMORY_CORRUPTION,
	 "DMA pool poison 0xa9: a block that was never initialised"},
	{0xbdbdbdbdbdbdbdbd, "poison.key", IQ_CLASS_USE_AFTER_FREE,
	 "key poison 0xbd: a key that was destroyed"},
	{0x1111111111111111, "poison.mutex", IQ_CLASS_USE_AFTER_FREE,
	 "MUTEX_DEBUG_INIT 0x11: a mutex' debug field"},
	{0x2222222222222222, "poison.mutex", IQ_CLASS_USE_AFTER_FREE,
	 "MUTEX_DEBUG_FREE 0x22: a mutex whose waiter is gone"},
	{0xe4e4e4e4e4e4e4e4, "poison.stackdepot", IQ_CLASS_MEMORY_CORRUPTION,
	 "stack initialisation pattern 0xe4"},
	{0xdeadbeefdeadbeef, "poison.deadbeef", IQ_CLASS_MEMORY_CORRUPTION, "0xdeadbeef twice"},
	{0x00000000deadbeef, "poison.deadbeef", IQ_CLASS_MEMORY_CORRUPTION, "0xdeadbeef"},
	{0xffffffffdeadbeef, "poison.deadbeef", IQ_CLASS_MEMORY_CORRUPTION,
	 "0xdeadbeef, sign extended"},
	{0x00000000dead4ead, "poison.spinlock", IQ_CLASS_MEMORY_CORRUPTION,
	 "SPINLOCK_MAGIC: a lock where a pointer was expected"},
	{0x0000000057ac6e9d, "poison.stack_end", IQ_CLASS_MEMORY_CORRUPTION,
	 "STACK_END_MAGIC: the end of a kernel stack"},
};

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static bool poison(uint64_t v, uint64_t reach, struct iq_word *w)
{
	const struct poison *best = NULL;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(poisons); i++) {
		uint64_t d = distance(v, poisons[i].value);

		/* Of list poisons the nearest below: a member behind the entry, or the entry's container before it. */
		if (d >= reach || (d && poisons[i].value < 1ULL << 32))
			continue;
		if (!best || d < distance(v, best->value) || (d == 0 && best->value != v))
			best = &poisons[i];
	}
	if (!best)
		return false;
	w->id = best->id;
	w->class = best->class;
	w->weight = best->value >> 32 ? (v == best->value ? 60 : 48) : 30;
	if (v == best->value)
		snprintf(w->text, sizeof(w->text), "%s", best->text);
	else
		snprintf(w->text, sizeof(w->text), "%s; 0x%" PRIx64 " %s it", best->text,
			 distance(v, best->value), v > best->value ? "above" : "below");
	return true;
}

static const char *error_name(uint64_t number)
{
	static const char *const names[] = {
		[1] = "EPERM",	       [2] = "ENOENT",
		[3] = "ESRCH",	       [4] = "EINTR",
		[5] = "EIO",	       [6] = "ENXIO",
		[7] = "E2BIG",	       [8] = "ENOEXEC",
		[9] = "EBADF",	       [10] = "ECHILD",
		[11] = "EAGAIN",       [12] = "ENOMEM",
		[13] = "EACCES",       [14] = "EFAULT",
		[16] = "EBUSY",	       [17] = "EEXIST",
		[18] = "EXDEV",	       [19] = "ENODEV",
		[20] = "ENOTDIR",      [21] = "EISDIR",
		[22] = "EINVAL",       [23] = "ENFILE",
		[24] = "EMFILE",       [25] = "ENOTTY",
		[26] = "ETXTBSY",      [27] = "EFBIG",
		[28] = "ENOSPC",       [29] = "ESPIPE",
		[30] = "EROFS",	       [32] = "EPIPE",
		[33] = "EDOM",	       [34] = "ERANGE",
		[36] = "ENAMETOOLONG", [38] = "ENOSYS",
		[40] = "ELOOP",	       [61] = "ENODATA",
		[62] = "ETIME",	       [71] = "EPROTO",
		[75] = "EOVERFLOW",    [84] = "EILSEQ",
		[95] = "EOPNOTSUPP",   [104] = "ECONNRESET",
		[108] = "ESHUTDOWN",   [110] = "ETIMEDOUT",
		[112] = "EHOSTDOWN",   [115] = "EINPROGRESS",
		[116] = "ESTALE",      [121] = "EREMOTEIO",
		[512] = "ERESTARTSYS", [517] = "EPROBE_DEFER",
		[524] = "ENOTSUPP",
	};

	return number < IQ_ARRAY_SIZE(names) ? names[number] : NULL;
}

/* KASAN: shadow of an address is (address >> 3) + 0xdffffc0000000000 on x86-64. */
static bool kasan(uint64_t v, struct iq_word *w)
{
	uint64_t offset = v - 0xdffffc0000000000;

	if (v < 0xdffffc0000000000 || v >= 0xe000000000000000 || v >> 47 == 0x1ffff)
		return false;
	w->id = "kasan.shadow";
	w->class = offset << 3 < 4096 ? IQ_CLASS_NULL_DEREF : IQ_CLASS_NON_CANONICAL;
	w->weight = 30;
	w->meant = offset << 3;
	snprintf(w->text, sizeof(w->text),
		 "the KASAN shadow of address 0x%" PRIx64 ": the bad pointer is that address",
		 w->meant);
	return true;
}

static bool number(uint64_t v, struct iq_word *w)
{
	if (v < 4096) {
		w->id = v ? "value.null_offset" : "value.null";
		w->class = IQ_CLASS_NULL_DEREF;
		w->weight = 40;
		snprintf(w->text, sizeof(w->text), v ? "NULL plus 0x%" PRIx64 : "NULL", v);
		return true;
	}
	if (v >= -UINT64_C(4095)) {
		const char *name = error_name(0 - v);

		w->id = "value.err_ptr";
		w->class = IQ_CLASS_BAD_ACCESS;
		w->weight = name ? 40 : 30;
		snprintf(w->text, sizeof(w->text),
			 "an error pointer, ERR_PTR(-%s), that nobody checked with IS_ERR()",
			 name ? name : "errno");
		if (!name)
			snprintf(w->text, sizeof(w->text),
				 "ERR_PTR(-%" PRIu64 "), that nobody checked with IS_ERR()", 0 - v);
		return true;
	}
	return false;
}

bool iq_word_explain(uint64_t v, uint64_t reach, struct iq_word *w)
{
	*w = (struct iq_word){.id = NULL};
	return poison(v, reach, w) || number(v, w) || kasan(v, w);
}
