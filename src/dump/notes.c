// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF notes: of PT_NOTE segments, and of a kdump sub header, where they look the same (elf(5)). */
#include "internal.h"
#include <elf.h>
#include <stdlib.h>

/* Thousands of CPUs with registers from both the kernel and QEMU are some megabytes. */
#define MOST_NOTE_BYTES (64u * 1024 * 1024)
#define MOST_NOTES 65536u

#define NOTE_HEADER 12

static uint64_t align4(uint64_t x)
{
	return (x + 3) & ~3ull;
}

/* The note at DATA, of which LEFT bytes are there; its length with padding in *TOTAL.  False: none. */
static bool parse_note(struct iq_dump *d, const uint8_t *data, uint64_t left, struct iq_note *note,
		       uint64_t *total)
{
	uint64_t namesz, descsz, desc;

	if (left < NOTE_HEADER)
		return false;
	namesz = iq_le32(data);
	descsz = iq_le32(data + 4);
	desc = NOTE_HEADER + align4(namesz);
	if (desc > left || descsz > left - desc)
		return false;
	note->type = iq_le32(data + 8);
	note->name = iq_arena_strndup(&d->arena, (const char *)data + NOTE_HEADER, namesz);
	note->data = data + desc;
	note->size = (uint32_t)descsz;
	/* The last one may lack its padding. */
	*total = IQ_MIN(desc + align4(descsz), left);
	return true;
}

static bool is_blank(const uint8_t *data, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		if (data[i])
			return false;
	}
	return true;
}

/* SIZE bytes of notes at OFFSET, all of which are kept in memory. */
static struct iq_error *read_notes(struct iq_dump *d, uint64_t offset, uint64_t size,
				   struct iq_warnings *w)
{
	uint64_t at = 0, total;
	uint8_t *data;
	ssize_t got;

	if (!size)
		return NULL;
	if (size > MOST_NOTE_BYTES - IQ_MIN(d->arena.total, MOST_NOTE_BYTES)) {
		iq_warn(w, "the dump claims %llu bytes of notes: ignored",
			(unsigned long long)size);
		return NULL;
	}
	data = iq_arena_alloc(&d->arena, size);
	if (!data)
		return iq_error_nomem();
	got = iq_file_read(d->file, data, size, offset);
	size = got > 0 ? (uint64_t)got : 0;
	while (at < size) {
		struct iq_note note = {0};

		if (!parse_note(d, data + at, size - at, &note, &total)) {
			if (!is_blank(data + at, size - at))
				iq_warn(w, "the notes of the dump are damaged behind the first %u",
					d->nr_notes);
			break;
		}
		/* Space that was reserved for more CPUs than there are. */
		if (!iq_le32(data + at) && !note.size && !note.type) {
			at += NOTE_HEADER;
			continue;
		}
		if (d->nr_notes >= MOST_NOTES) {
			iq_warn(w, "the dump has more than %u notes: the rest is ignored",
				MOST_NOTES);
			break;
		}
		if (!note.name ||
		    !iq_grow(&d->notes, &d->notes_room, d->nr_notes + 1, sizeof(*d->notes)))
			return iq_error_nomem();
		d->notes[d->nr_notes++] = note;
		at += total;
	}
	d->info.notes = d->notes;
	d->info.nr_notes = d->nr_notes;
	return NULL;
}

/* ---- Device dumps --------------------------------------------------------------------------------- */

/* include/uapi/linux/vmcore.h: the note's owner, its type, and the name in front of its data. */
#define VMCOREDD_OWNER "LINUX"
#define VMCOREDD_OWNER_LEN 8
#define VMCOREDD_NAME 44
#ifndef NT_VMCOREDD
#define NT_VMCOREDD 0x700
#endif
#define MOST_DEVICES 4096u

/* The note at OFFSET, of which LEFT bytes are there by its segment, if it is a device dump. */
static bool is_device_dump(const struct iq_dump *d, const uint8_t *header, uint64_t offset, uint64_t left)
{
	uint64_t namesz = iq_le32(header);
	char owner[VMCOREDD_OWNER_LEN] = {0};

	/* The kernel counts the padding of the name; others may not. */
	if (iq_le32(header + 8) != NT_VMCOREDD || namesz < sizeof(VMCOREDD_OWNER) ||
	    namesz > VMCOREDD_OWNER_LEN || iq_le32(header + 4) < VMCOREDD_NAME ||
	    left < NOTE_HEADER + VMCOREDD_OWNER_LEN + VMCOREDD_NAME ||
	    iq_file_read_all(d->file, owner, namesz, offset + NOTE_HEADER))
		return false;
	return !strncmp(owner, VMCOREDD_OWNER, sizeof(owner));
}

static struct iq_error *add_device_dump(struct iq_dump *d, uint64_t desc, uint64_t size)
{
	char name[VMCOREDD_NAME] = {0};
	struct iq_device_dump *x;

	if (iq_file_read(d->file, name, sizeof(name), desc) <= 0)
		return NULL;
	if (!iq_grow(&d->devices, &d->devices_room, d->info.nr_devices + 1, sizeof(*d->devices)))
		return iq_error_nomem();
	x = &d->devices[d->info.nr_devices++];
	x->name = iq_arena_strndup(&d->arena, name, sizeof(name));
	x->offset = desc + VMCOREDD_NAME;
	x->size = size - VMCOREDD_NAME;
	x->there = x->offset < d->file->size ? IQ_MIN(x->size, d->file->size - x->offset) : 0;
	d->info.devices = d->devices;
	return x->name ? NULL : iq_error_nomem();
}

int64_t iq_device_dump_read(const struct iq_dump *d, const struct iq_device_dump *device, void *buf,
			    size_t len, uint64_t offset)
{
	if (offset >= device->there)
		return 0;
	return iq_file_read(d->file, buf, (size_t)IQ_MIN(len, device->there - offset),
			    device->offset + offset);
}

/*
 * All notes but device dumps, which can be larger than anything else in the file, are read into memory:
 * those between two of them at a time.
 */
struct iq_error *iq_notes_read(struct iq_dump *d, uint64_t offset, uint64_t size,
			       struct iq_warnings *w)
{
	uint64_t end, at = offset, from = offset;
	unsigned int nr = 0;

	if (offset >= d->file->size) {
		iq_warn(w, "the notes lie beyond the end of the file");
		return NULL;
	}
	if (size > d->file->size - offset)
		iq_warn(w, "the file ends inside its notes");
	end = iq_add_overflows(offset, size, &end) ? UINT64_MAX : end;
	while (at < end && end - at >= NOTE_HEADER && nr++ < MOST_NOTES) {
		uint8_t header[NOTE_HEADER];
		uint64_t desc, total;

		if (iq_file_read_all(d->file, header, sizeof(header), at))
			break;
		desc = NOTE_HEADER + align4(iq_le32(header));
		total = desc + align4(iq_le32(header + 4));
		if (is_device_dump(d, header, at, end - at) && d->info.nr_devices < MOST_DEVICES) {
			IQ_TRY(read_notes(d, from, at - from, w));
			IQ_TRY(add_device_dump(d, at + desc, iq_le32(header + 4)));
			from = total < end - at ? at + total : end;
		}
		at = total < end - at ? at + total : end;
	}
	end = IQ_MIN(end, d->file->size);
	return read_notes(d, from, from < end ? end - from : 0, w);
}

const struct iq_note *iq_dump_note(const struct iq_dump *d, const char *name, uint32_t type,
				   unsigned int *from)
{
	for (; *from < d->nr_notes; ++*from) {
		const struct iq_note *n = &d->notes[*from];

		if (n->type == type && (!name || !strcmp(n->name, name))) {
			++*from;
			return n;
		}
	}
	return NULL;
}

/* sizeof(struct elf_prstatus) of the two machines: the general registers differ in number. */
#define PRSTATUS_X86_64 336
#define PRSTATUS_AARCH64 392

uint16_t iq_notes_machine(const struct iq_dump *d)
{
	unsigned int from = 0;
	const struct iq_note *n = iq_dump_note(d, "CORE", NT_PRSTATUS, &from);

	if (n && n->size == PRSTATUS_X86_64)
		return EM_X86_64;
	if (n && n->size == PRSTATUS_AARCH64)
		return EM_AARCH64;
	return EM_NONE;
}
