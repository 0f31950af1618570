// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machines that QEMU saved: the stream of `migrate` into a file and of `savevm`, alone or behind the header that
 * libvirt puts in front of it (virsh save, virsh dump without --memory-only), or in the snapshot of a qcow2 image.
 *
 * The stream (QEMU's docs/devel/migration, migration/savevm.c, ram.c; all numbers are big-endian): a header, sections.
 * The section "ram" comes in chunks of records, each a page or a note that it is zero; the last one of a page counts.
 * Where the guest has a block of RAM follows from the board: below and above the hole for PCI.  The clock chip's
 * memory, where the firmware looks for it, confirms it.  With "mapped-ram" (since QEMU 9.0) there are a bitmap and the
 * pages at fixed places instead of records.
 *
 * Behind it the devices, whose fields a JSON text at the end describes; savevm_cpu.c takes the registers from there.
 */
#include "savevm.h"
#include <elf.h>
#include <stdlib.h>

#define QEVM_MAGIC 0x5145564du

enum { SECTION_EOF, SECTION_START, SECTION_PART, SECTION_END, SECTION_FULL, SECTION_SUB,
       SECTION_JSON, SECTION_CONFIG, SECTION_COMMAND, SECTION_FOOTER = 0x7e };

/* RAM_SAVE_FLAG_… */
#define RAM_ZERO 0x002u
#define RAM_SIZES 0x004u
#define RAM_PAGE 0x008u
#define RAM_EOS 0x010u
#define RAM_CONTINUE 0x020u
#define RAM_XBZRLE 0x040u
#define RAM_HOOK 0x080u
#define RAM_COMPRESSED 0x100u
#define RAM_FLUSH 0x200u
#define RAM_FLAGS 0xfffu

#define FOUR_GB (1ull << 32)
#define MOST_BLOCKS 4096u
/* Sections in front of the memory, between its chunks, …: far more than there ever are. */
#define MOST_SECTIONS (1u << 26)

struct block {
	char name[256];
	uint64_t len;
	bool is_memory;	 /* the guest's RAM, not a ROM or the memory of a graphics card */
	uint64_t linear; /* how much of the guest's RAM is in front of it */
	/* mapped-ram */
	uint64_t bitmap, pages;
};

struct save {
	struct iq_dump *d;
	struct iq_image *m;
	struct iq_warnings *w;
	struct iq_stream s;
	char machine[256]; /* "pc-i440fx-7.2"; empty: unknown */
	bool mapped, ignore_shared;
	uint32_t ram; /* the section's number; 0: not seen yet */
	bool have_blocks, ram_done;
	struct block *blocks;
	unsigned int nr_blocks, blocks_room;
	int current;	      /* the block of the last record; -1: none */
	uint64_t total;	      /* RAM of the guest */
	uint64_t low;	      /* how much of it is below 4 GB; 0: what the board does */
	uint64_t high;	      /* and above, if low is known; the rest was plugged in later */
	unsigned int covered; /* extents that stand for what the file should have; see cover() */
};

/* ---- Bytes -------------------------------------------------------------------------------------- */

void iq_stream_seek(struct iq_stream *s, uint64_t pos)
{
	/* Behind a large step the next read is short: most likely another step follows. */
	if (pos < s->pos || pos - s->pos >= 1024)
		s->want = 64;
	s->pos = pos;
}

const uint8_t *iq_stream_get(struct iq_stream *s, size_t len)
{
	if (s->pos < s->start || s->pos - s->start > s->len || s->len - (s->pos - s->start) < len) {
		size_t want = IQ_MAX(s->want, len);
		ssize_t got = iq_file_read(s->file, s->window, IQ_MIN(want, sizeof(s->window)),
					   s->pos);

		s->start = s->pos;
		s->len = got > 0 ? (size_t)got : 0;
		s->want = IQ_MIN(IQ_MAX(s->want, 64u) * 2, sizeof(s->window));
		if (s->len < len) {
			s->ended = true;
			return NULL;
		}
	}
	s->pos += len;
	return s->window + (s->pos - len - s->start);
}

static uint64_t get(struct save *v, unsigned int bytes)
{
	const uint8_t *at = iq_stream_get(&v->s, bytes);
	uint64_t x = 0;

	for (unsigned int i = 0; at && i < bytes; i++)
		x = x << 8 | at[i];
	return x;
}

/* A string with its length in front, in LENGTH_BYTES; what is longer than 255 is cut. */
static void get_name(struct save *v, unsigned int length_bytes, char name[256])
{
	uint64_t len = get(v, length_bytes), most = IQ_MIN(len, 255u);
	const uint8_t *at = iq_stream_get(&v->s, most);

	name[0] = '\0';
	if (!at)
		return;
	memcpy(name, at, most);
	name[most] = '\0';
	v->s.pos += len - most;
}

/* ---- Blocks of RAM ------------------------------------------------------------------------------ */

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

/* Everything that has a path belongs to a device ("0000:00:02.0/vga.vram", "/rom@etc/acpi/tables"). */
static bool is_memory(const char *name)
{
	static const char *const others[] = {".bios", ".rom", ".vram", ".vgamem", ".flash0",
					     ".flash1", ".sram", ".smram", "-bios", ".nvram"};

	if (!strncmp(name, "/objects/", 9))
		return true;
	if (strchr(name, '/') || strchr(name, '@') || strchr(name, ' '))
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(others); i++) {
		if (ends_with(name, others[i]))
			return false;
	}
	return true;
}

/*
 * Nodes of NUMA machines ("ram-node0", …) follow each other by their number, and behind them what was plugged in; the
 * stream has the largest block first.
 */
static uint64_t block_order(const char *name)
{
	const char *at = name + strlen(name);

	while (at > name && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return (uint64_t)!strstr(name, "ram") << 32 | (uint32_t)strtoul(at, NULL, 10);
}

static void place_blocks(struct save *v)
{
	unsigned int left = 0;

	v->total = 0;
	for (unsigned int i = 0; i < v->nr_blocks; i++) {
		v->blocks[i].is_memory = is_memory(v->blocks[i].name);
		v->blocks[i].linear = UINT64_MAX;
		left += v->blocks[i].is_memory;
	}
	for (; left; left--) {
		struct block *next = NULL;

		for (unsigned int i = 0; i < v->nr_blocks; i++) {
			struct block *b = &v->blocks[i];

			if (b->is_memory && b->linear == UINT64_MAX &&
			    (!next || block_order(b->name) < block_order(next->name)))
				next = b;
		}
		next->linear = v->total;
		v->total += next->len;
	}
}

/* How much of the RAM the board puts below 4 GB (pc_init1(), pc_q35_init(), microvm_memory_init()). */
static uint64_t low_memory(const struct save *v)
{
	if (v->low)
		return v->low;
	if (strstr(v->machine, "q35"))
		return v->total >= 0xb0000000u ? 0x80000000u : v->total;
	if (!strncmp(v->machine, "microvm", 7))
		return IQ_MIN(v->total, 0xc0000000u);
	return v->total >= 0xe0000000u ? 0xc0000000u : v->total;
}

static bool is_arm(const struct save *v)
{
	return !strncmp(v->machine, "virt", 4);
}

/* A PC has the window of the graphics card there; the RAM behind it is seen by nobody but the firmware's SMM. */
static bool is_hidden(const struct save *v, uint64_t address)
{
	return address >= 0xa0000 && address < 0xc0000 && !is_arm(v) &&
	       strncmp(v->machine, "microvm", 7);
}

/* The piece of guest memory at OFFSET of block B: its address, and in *LEN how much of it is in one piece. */
static uint64_t guest_address(const struct save *v, const struct block *b, uint64_t offset,
			      uint64_t *len)
{
	uint64_t linear = b->linear + offset, low = low_memory(v);

	if (is_arm(v))
		return (1ull << 30) + linear;
	/* pc_memory_init(): what can be plugged in begins at the next gigabyte. */
	if (v->low && linear >= low + v->high)
		return ((FOUR_GB + v->high + (1ull << 30) - 1) & ~((1ull << 30) - 1)) +
		       (linear - low - v->high);
	if (v->low && linear >= low)
		*len = IQ_MIN(*len, low + v->high - linear);
	if (linear >= low)
		return FOUR_GB + (linear - low);
	*len = IQ_MIN(*len, low - linear);
	if (linear < 0xa0000)
		*len = IQ_MIN(*len, 0xa0000 - linear);
	else if (linear < 0xc0000)
		*len = IQ_MIN(*len, 0xc0000 - linear);
	return linear;
}

/*
 * All RAM, at a place behind the end of the file: what of it no record replaces is lost, if the file ends early.
 * Otherwise it was not sent on purpose.
 */
static struct iq_error *cover(struct save *v)
{
	for (unsigned int i = 0; i < v->nr_blocks; i++) {
		const struct block *b = &v->blocks[i];

		for (uint64_t at = 0; b->is_memory && at < b->len;) {
			uint64_t len = b->len - at, address = guest_address(v, b, at, &len);

			at += len;
			if (!is_hidden(v, address))
				IQ_TRY(iq_image_add(v->m, address, len, v->s.file->size));
		}
	}
	v->covered = v->m->map.nr;
	return NULL;
}

static void uncover(struct save *v)
{
	struct iq_extents *x = &v->m->map;

	if (!v->covered)
		return;
	memmove(x->e, x->e + v->covered, (x->nr - v->covered) * sizeof(*x->e));
	x->nr -= v->covered;
}

/* Pages [FIRST, LAST) of a block of mapped-ram, all of them there or all zero. */
static struct iq_error *add_mapped(struct save *v, const struct block *b, uint64_t first,
				   uint64_t last, bool there)
{
	for (uint64_t at = first * IQ_PAGE_MIN; at < last * IQ_PAGE_MIN;) {
		uint64_t len = last * IQ_PAGE_MIN - at, address = guest_address(v, b, at, &len);

		if (there && !is_hidden(v, address))
			IQ_TRY(iq_image_add(v->m, address, len, b->pages + at));
		else if (!there && !is_hidden(v, address))
			IQ_TRY(iq_image_add_fill(v->m, address, len, 0));
		at += len;
	}
	return NULL;
}

static struct iq_error *take_bitmap(struct save *v, const struct block *b)
{
	uint64_t pages = b->len / IQ_PAGE_MIN, first = 0;
	uint8_t bits[512];
	bool there = false;

	for (uint64_t pfn = 0; pfn < pages; pfn++) {
		uint64_t in = pfn % (8 * sizeof(bits));
		bool now;

		if (!in && iq_file_read_all(v->s.file, bits,
					    IQ_MIN(sizeof(bits), (pages - pfn + 7) / 8),
					    b->bitmap + pfn / 8)) {
			v->s.ended = true;
			pages = pfn;
			break;
		}
		now = bits[in / 8] >> in % 8 & 1;
		if (now != there)
			IQ_TRY(add_mapped(v, b, first, pfn, there));
		first = now != there ? pfn : first;
		there = now;
	}
	return add_mapped(v, b, first, pages, there);
}

/* The header of a block in mapped-ram (struct MappedRamHeader), behind which its pages lie. */
static bool take_mapped(struct save *v, struct block *b)
{
	uint64_t version = get(v, 4), page_size = get(v, 8), end;

	b->bitmap = get(v, 8);
	b->pages = get(v, 8);
	if (version != 1 || page_size != IQ_PAGE_MIN || b->bitmap > INT64_MAX ||
	    iq_add_overflows(b->pages, b->len, &end) || end > INT64_MAX || b->pages < v->s.pos)
		return false;
	iq_stream_seek(&v->s, end);
	return true;
}

static struct iq_error *senseless(const struct save *v, const char *what)
{
	return iq_error_new(IQ_E_FORMAT, "%s makes no sense at byte %llu of the saved machine", what,
			    (unsigned long long)v->s.pos);
}

/* The list of blocks; it comes once. */
static struct iq_error *take_blocks(struct save *v, uint64_t total)
{
	if (v->have_blocks)
		return senseless(v, "a second list of memory blocks");
	while (total && !v->s.ended) {
		struct block b = {0};

		get_name(v, 1, b.name);
		b.len = get(v, 8);
		if (v->ignore_shared)
			get(v, 8);
		if (v->s.ended)
			break;
		if (!b.len || b.len > total || b.len % IQ_PAGE_MIN || v->nr_blocks >= MOST_BLOCKS ||
		    (v->mapped && !take_mapped(v, &b)))
			return senseless(v, "the list of memory blocks");
		if (!iq_grow(&v->blocks, &v->blocks_room, v->nr_blocks + 1, sizeof(b)))
			return iq_error_nomem();
		v->blocks[v->nr_blocks++] = b;
		total -= b.len;
	}
	v->have_blocks = true;
	place_blocks(v);
	IQ_TRY(cover(v));
	for (unsigned int i = 0; v->mapped && i < v->nr_blocks; i++) {
		if (v->blocks[i].is_memory)
			IQ_TRY(take_bitmap(v, &v->blocks[i]));
	}
	return NULL;
}

/* ---- Records ------------------------------------------------------------------------------------ */

static struct iq_error *find_block(struct save *v, uint64_t flags)
{
	char name[256];

	if (flags & RAM_CONTINUE)
		return v->current < 0 ? senseless(v, "a page of no memory block") : NULL;
	get_name(v, 1, name);
	if (v->s.ended)
		return NULL;
	for (unsigned int i = 0; i < v->nr_blocks; i++) {
		if (!strcmp(v->blocks[i].name, name)) {
			v->current = (int)i;
			return NULL;
		}
	}
	return senseless(v, "a page of an unknown memory block");
}

static struct iq_error *take_page(struct save *v, uint64_t flags, uint64_t offset)
{
	const struct block *b;
	uint64_t one = IQ_PAGE_MIN, address, pos, len;

	IQ_TRY(find_block(v, flags));
	if (v->s.ended)
		return NULL;
	b = &v->blocks[v->current];
	if (offset >= b->len)
		return senseless(v, "a page behind the end of its block");
	address = guest_address(v, b, offset, &one);
	if (flags & RAM_ZERO) {
		uint8_t byte = (uint8_t)get(v, 1);

		return !b->is_memory || v->s.ended || is_hidden(v, address)
			       ? NULL
			       : iq_image_add_fill(v->m, address, one, byte);
	}
	len = flags & RAM_COMPRESSED ? get(v, 4) : IQ_PAGE_MIN;
	pos = v->s.pos;
	if (!len || len > 2 * IQ_PAGE_MIN)
		return v->s.ended ? NULL : senseless(v, "a compressed page");
	iq_stream_seek(&v->s, pos + len);
	if (pos + len > v->s.file->size) {
		v->s.ended = true;
		return NULL;
	}
	if (!b->is_memory || is_hidden(v, address))
		return NULL;
	if (flags & RAM_COMPRESSED)
		return iq_image_add_block(v->m, IQ_PIECE_ZLIB, address, IQ_PAGE_MIN, pos,
					  (uint32_t)len);
	return iq_image_add_page(v->m, address, pos);
}

/* Records up to the end of a chunk. */
static struct iq_error *take_records(struct save *v)
{
	while (!v->s.ended) {
		uint64_t word = get(v, 8), flags = word & RAM_FLAGS, offset = word & ~(uint64_t)RAM_FLAGS;

		if (v->s.ended)
			break;
		if (flags & (RAM_XBZRLE | RAM_HOOK))
			return iq_error_hint(
				iq_error_new(IQ_E_FORMAT,
					     "its memory was sent as differences (xbzrle) or past the "
					     "stream (RDMA), which a file cannot be read from"),
				"save it again with migrate_set_capability xbzrle off");
		if (flags & RAM_SIZES)
			IQ_TRY(take_blocks(v, offset));
		else if (flags & (RAM_ZERO | RAM_PAGE | RAM_COMPRESSED))
			IQ_TRY(take_page(v, flags, offset));
		else if (flags & ~(uint64_t)(RAM_EOS | RAM_FLUSH))
			return senseless(v, "a record of memory");
		if (flags & RAM_EOS)
			return NULL;
	}
	return NULL;
}

/* ---- Sections ----------------------------------------------------------------------------------- */

/* What the stream says of itself in front of everything. */
static struct iq_error *take_config(struct save *v)
{
	char name[256];

	get_name(v, 4, v->machine);
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t pos = v->s.pos;

		if (get(v, 1) != SECTION_SUB) {
			iq_stream_seek(&v->s, pos);
			break;
		}
		get_name(v, 1, name);
		get(v, 4);
		if (!strcmp(name, "configuration/capabilities")) {
			uint64_t nr = get(v, 4);

			for (uint64_t k = 0; k < nr && k < 256; k++) {
				get_name(v, 1, name);
				v->mapped |= !strcmp(name, "mapped-ram");
				v->ignore_shared |= !strcmp(name, "x-ignore-shared");
			}
		} else if (!strcmp(name, "configuration/target-page-bits")) {
			get(v, 4);
		} else if (!strcmp(name, "configuration/uuid")) {
			v->s.pos += 16;
		} else {
			return senseless(v, "its configuration");
		}
	}
	return NULL;
}

/* A section that begins here.  *STOP: it is not of the memory. */
static struct iq_error *take_start(struct save *v, bool full, bool *stop)
{
	uint32_t id = (uint32_t)get(v, 4);
	char name[256];

	get_name(v, 1, name);
	get(v, 8);
	if (v->s.ended)
		return NULL;
	if (!full && !strcmp(name, "ram")) {
		v->ram = id;
		return take_records(v);
	}
	*stop = true;
	return NULL;
}

static struct iq_error *take_section(struct save *v, bool *stop)
{
	uint64_t begin = v->s.pos, type = get(v, 1);

	switch (type) {
	case SECTION_CONFIG:
		return take_config(v);
	case SECTION_START:
	case SECTION_FULL:
		IQ_TRY(take_start(v, type == SECTION_FULL, stop));
		break;
	case SECTION_PART:
	case SECTION_END:
		if (get(v, 4) != v->ram || !v->have_blocks) {
			*stop = true;
			break;
		}
		IQ_TRY(take_records(v));
		v->ram_done |= type == SECTION_END && !v->s.ended;
		break;
	case SECTION_FOOTER:
		get(v, 4);
		break;
	case SECTION_COMMAND:
		get(v, 2);
		v->s.pos += get(v, 2);
		break;
	default:
		*stop = true;
	}
	if (*stop)
		iq_stream_seek(&v->s, begin);
	return NULL;
}

/*
 * Devices that want to be in front of the memory say nothing of their length: on to the section "ram".  False: there
 * is none nearby.
 */
static bool find_ram(struct save *v)
{
	static const uint8_t mark[] = {3, 'r', 'a', 'm', 0, 0, 0, 0, 0, 0, 0, 4};
	size_t room = 4u << 20;
	uint8_t *bytes = malloc(room), *hit = NULL;
	ssize_t got = bytes ? iq_file_read(v->s.file, bytes, room, v->s.pos) : -1;

	if (got > 0)
		hit = memmem(bytes, (size_t)got, mark, sizeof(mark));
	if (hit && hit - bytes >= 5 && hit[-5] == SECTION_START)
		iq_stream_seek(&v->s, v->s.pos + (uint64_t)(hit - bytes) - 5);
	else
		hit = NULL;
	free(bytes);
	return hit;
}

static struct iq_error *take_sections(struct save *v)
{
	bool searched = false;

	for (unsigned int i = 0; i < MOST_SECTIONS && !v->s.ended && !v->ram_done; i++) {
		bool stop = false;

		IQ_TRY(take_section(v, &stop));
		if (stop && !v->have_blocks && !searched && find_ram(v)) {
			searched = true;
			continue;
		}
		if (stop)
			break;
	}
	if (!v->have_blocks)
		return v->s.ended ? iq_error_new(IQ_E_FORMAT, "the file ends in front of the memory")
				  : senseless(v, "a section in front of the memory");
	return NULL;
}

/* One pass over the stream, from BEGIN on. */
static struct iq_error *pass(struct save *v, uint64_t begin)
{
	struct iq_error *err;
	uint64_t version;

	iq_stream_seek(&v->s, begin);
	if (get(v, 4) != QEVM_MAGIC)
		return v->s.ended ? iq_error_new(IQ_E_FORMAT, "the file ends inside its header")
				  : senseless(v, "the header");
	version = get(v, 4);
	if (version != 3)
		return iq_error_new(IQ_E_FORMAT, "a saved QEMU machine of version %llu",
				    (unsigned long long)version);
	v->current = -1;
	err = take_sections(v);
	/* Damage behind some pages: they can still be read. */
	if (err && err->code == IQ_E_FORMAT && v->have_blocks && v->m->map.nr > v->covered &&
	    !strstr(err->message, "xbzrle")) {
		iq_warn(v->w, "%s; what follows is lost", err->message);
		iq_error_free(err);
		return NULL;
	}
	return err;
}

static void forget(struct save *v)
{
	struct iq_file *f = v->s.file;

	free(v->blocks);
	iq_extents_free(&v->m->map);
	*v = (struct save){.d = v->d, .m = v->m, .w = v->w, .low = v->low, .high = v->high};
	v->s.file = f;
}

#define UNIT (1u << 16)

/* Does the stream itself place the memory otherwise than the board does by default?  Then remember how. */
static bool learn_places(struct save *v, const struct iq_devices *dev)
{
	uint64_t below, above;

	if (is_arm(v) || !iq_devices_memory(dev, &below, &above) || below > v->total ||
	    above > v->total - below)
		return false;
	if (below == low_memory(v) && v->total - below - above < UNIT)
		return false;
	/* A size that is no multiple of the chip's unit. */
	if (!above && v->total - below < UNIT)
		return false;
	v->low = below;
	v->high = above;
	if (v->total - below - above >= UNIT)
		iq_warn(v->w, "%llu MB of memory were plugged in: it is taken to begin at the next gigabyte "
			      "above 4 GB where there was none",
			(unsigned long long)(v->total - below - above) >> 20);
	return true;
}

/* The memory and, if the stream is whole, what is behind it. */
static struct iq_error *take_stream(struct save *v, uint64_t begin)
{
	struct iq_devices dev = {0};
	struct iq_error *err = pass(v, begin);

	if (err)
		return err;
	if (!v->ram_done)
		return NULL;
	uncover(v);
	IQ_TRY(iq_devices_read(v->s.file, v->s.pos, &dev));
	if (learn_places(v, &dev)) {
		forget(v);
		err = pass(v, begin);
		if (!err)
			uncover(v);
	}
	if (!err && !is_arm(v))
		err = iq_devices_cpus(&dev, v->d, v->w);
	iq_devices_free(&dev);
	return err;
}

bool iq_savevm_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return iq_be32(head) == QEVM_MAGIC || iq_libvirt_recognise(head) || iq_qcow_recognise(head);
}

static struct iq_error *open_stream(struct save *v, const char *in, uint64_t begin)
{
	struct iq_error *err = take_stream(v, begin);

	if (err)
		return err;
	if (!v->ram_done)
		v->d->info.truncated = true;
	v->d->info.machine = is_arm(v) ? EM_AARCH64 : EM_X86_64;
	snprintf(v->d->info.format_text, sizeof(v->d->info.format_text), "saved QEMU machine%s%s%.40s%s",
		 in, v->machine[0] ? ", " : "", v->machine, v->mapped ? ", mapped-ram" : "");
	return iq_image_finish(v->d);
}

struct iq_error *iq_savevm_open(struct iq_dump *d, struct iq_warnings *w)
{
	uint8_t head[IQ_HEAD_LEN] = {0};
	struct save v = {.d = d, .w = w};
	struct iq_error *err;
	const char *in = "";
	uint64_t begin = 0;

	if (iq_file_read(d->file, head, sizeof(head), 0) < 0)
		return iq_error_new(IQ_E_IO, "cannot read");
	if (iq_libvirt_recognise(head)) {
		IQ_TRY(iq_libvirt_begin(d->file, &begin));
		in = " by libvirt";
	}
	IQ_TRY(iq_image_start(d, IQ_DUMP_SAVEVM, &v.m));
	if (iq_qcow_recognise(head)) {
		IQ_TRY(iq_qcow_snapshot(d, w));
		in = " in a qcow2 snapshot";
	}
	v.s.file = v.m->bytes;
	err = open_stream(&v, in, begin);
	free(v.blocks);
	return err;
}
