// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What walks the kernel's objects, over a real kernel of which some words are wrong: tasks, modules, slab caches and their
 * free lists, lists, trees, the printk ring, page tables, areas, files.  The first byte chooses a command, each
 * 12 after it one word that this command reads, and what becomes of it.
 */
#include "demo_memory.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WRITES 32

static const char *const lines[] = {
	"ps", "ps -t", "log", "mod", "bt -a", "bt 1", "bt -f 1", "mount", "files 1", "vm 1", "vm -p 1", "kmem -s", "kmem -S filp",
	"kmem -v", "kmem -f", "kmem -n", "kmem -z", "kmem -i", "dev -i", "waits", "sys", "struct task_struct init_task",
	"list -H modules", "list task_struct.tasks -h init_task", "vtop init_task", "task 1", "mod -t", "kmem -o",
	"foreach bt", "tree -t rbtree vmap_area_root", "tree -t maple init_mm", "p init_uts_ns", "irq", "timer", "runq",
};
static struct hot hot[IQ_ARRAY_SIZE(lines)];
static uint8_t saved[WRITES][DEMO_PAGE];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("FUZZ_DEMO");

	(void)argc;
	(void)argv;
	demo_load(path ? path : "demo/usb-free.vmcore");
	return 0;
}

static void change(uint8_t *page, const struct hot *h, const uint8_t *how)
{
	uint64_t value = iq_le64(how + 4), old;
	unsigned int at = iq_le16(how + 2) % (DEMO_PAGE - 8);
	const uint8_t *other = demo.image + (uint64_t)h->page[value % h->nr] * DEMO_PAGE;

	/* Words are aligned, as a rule. */
	if (how[1] & 0x80)
		at &= ~7u;
	old = iq_le64(page + at);
	switch (how[1] >> 4 & 7) {
	case 0:
		memcpy(page + at, &value, 8);
		break;
	case 1:
		old ^= UINT64_C(1) << (value & 63);
		memcpy(page + at, &old, 8);
		break;
	case 2:
		old += (uint64_t)(int64_t)(int8_t)value;
		memcpy(page + at, &old, 8);
		break;
	case 3:
		/* A pointer, or a name, from elsewhere. */
		memcpy(page + at, other + (value >> 16) % (DEMO_PAGE / 8 - 1) * 8, 8);
		break;
	case 4:
		memset(page + at, 0, IQ_MIN(value & 255, DEMO_PAGE - at));
		break;
	case 5:
		memset(page + at, 0xff, IQ_MIN(value & 255, DEMO_PAGE - at));
		break;
	case 6:
		memmove(page, other, DEMO_PAGE);
		break;
	default:
		memcpy(page + at, "\x1b[2J\n\x9b\xc3", 7);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int command, nr = 0;
	uint32_t page[WRITES];
	struct session s;
	struct hot *h;

	if (size < 13)
		return 0;
	command = data[0] % IQ_ARRAY_SIZE(lines);
	h = &hot[command];
	if (!h->nr)
		demo_record(lines[command], h);
	for (const uint8_t *how = data + 1; h->nr && how + 12 <= data + size && nr < WRITES; how += 12, nr++) {
		/* The pages read last are those that the command itself reads. */
		unsigned int back = iq_le16(how) & 0xfff;

		page[nr] = h->page[h->nr - 1 - back % h->nr];
		memcpy(saved[nr], demo.image + (uint64_t)page[nr] * DEMO_PAGE, DEMO_PAGE);
		change(demo.image + (uint64_t)page[nr] * DEMO_PAGE, h, how);
	}
	if (demo_open(&s, NULL)) {
		s.json = data[0] & 0x80;
		demo_run(&s, lines[command]);
	}
	session_close(&s);
	while (nr--)
		memcpy(demo.image + (uint64_t)page[nr] * DEMO_PAGE, saved[nr], DEMO_PAGE);
	return 0;
}
