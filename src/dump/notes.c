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

struct iq_error *iq_notes_read(struct iq_dump *d, uint64_t offset, uint64_t size,
			       struct iq_warnings *w)
{
	uint64_t at = 0, total;
	uint8_t *data;
	ssize_t got;

	if (offset >= d->file->size) {
		iq_warn(w, "the notes lie beyond the end of the file");
		return NULL;
	}
	if (size > d->file->size - offset)
		iq_warn(w, "the file ends inside its notes");
	size = IQ_MIN(size, d->file->size - offset);
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
