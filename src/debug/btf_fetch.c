// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel's BTF out of the dump: about a thousand pages that have to be decompressed, which is the
 * longest single step of opening a dump.  So all CPUs do it: the address range is translated here,
 * and threads with readers of their own fetch pieces of it.
 */
#include "btf.h"
#include <stdlib.h>

#define PIECE (64 * 1024)
#define WORTH_THREADS (512 * 1024) /* a module's BTF is read faster than a thread starts */
#define MIN_USABLE 24 /* a header */

struct piece {
	uint64_t physical;
	uint32_t len;
	uint8_t *to;
};

struct fetch {
	struct iq_vm *vm;
	struct piece *pieces;
	unsigned int nr, room;
	unsigned int next; /* to be claimed */
	bool failed;
};

static bool add_piece(struct fetch *f, uint64_t physical, uint64_t len, uint8_t *to)
{
	while (len) {
		uint32_t part = (uint32_t)IQ_MIN(len, PIECE);

		if (!iq_grow(&f->pieces, &f->room, f->nr + 1, sizeof(*f->pieces)))
			return false;
		f->pieces[f->nr++] = (struct piece){physical, part, to};
		physical += part;
		to += part;
		len -= part;
	}
	return true;
}

/* Cut the range into pieces of physical memory; ranges that lie side by side become one. */
static bool plan(struct fetch *f, uint64_t address, uint64_t len, uint8_t *to)
{
	uint64_t start = 0, have = 0, done = 0;

	while (done < len) {
		uint64_t physical, left;

		if (iq_vm_translate(f->vm, address + done, &physical, &left) != IQ_MEM_OK || !left)
			return false;
		left = IQ_MIN(left, len - done);
		if (have && physical == start + have) {
			have += left;
		} else {
			if (!add_piece(f, start, have, to + done - have))
				return false;
			start = physical;
			have = left;
		}
		done += left;
	}
	return add_piece(f, start, have, to + done - have);
}

static void fetch_pieces(void *arg, unsigned int worker)
{
	struct fetch *f = arg;
	struct iq_reader *reader, *own = NULL;
	unsigned int i;

	/* The first worker is the caller's thread and may use its reader. */
	reader = iq_vm_reader(f->vm);
	if (worker) {
		struct iq_error *err = iq_reader_open(iq_reader_dump(reader), 4, &own);

		/* The others do it then. */
		if (err) {
			iq_error_free(err);
			return;
		}
		reader = own;
	}
	while ((i = __atomic_fetch_add(&f->next, 1, __ATOMIC_RELAXED)) < f->nr) {
		const struct piece *p = &f->pieces[i];

		if (iq_read_phys(reader, p->physical, p->to, p->len, NULL) != IQ_MEM_OK)
			__atomic_store_n(&f->failed, true, __ATOMIC_RELAXED);
	}
	iq_reader_close(own);
}

/* False: something could not be read this way. */
static bool fetch_parallel(struct iq_vm *vm, uint64_t address, uint64_t len, uint8_t *to)
{
	struct fetch f = {.vm = vm};
	bool ok = plan(&f, address, len, to);

	if (ok)
		iq_parallel(IQ_MIN(iq_nr_threads(), f.nr), fetch_pieces, &f);
	free(f.pieces);
	return ok && !f.failed;
}

/* One page after the other, around the holes. */
static struct iq_error *fetch_slowly(struct btf_types *t, struct iq_vm *vm, uint64_t address,
				     uint64_t len)
{
	uint64_t done = 0, lost = 0;
	struct iq_fault fault = {0}, first = {0};

	while (done < len) {
		uint64_t hole;

		if (iq_vm_read(vm, address + done, t->owned + done, len - done, &fault) ==
		    IQ_MEM_OK)
			break;
		if (fault.address < address + done || fault.address >= address + len)
			return iq_fault_error(&fault);
		done = fault.address - address;
		if (done < MIN_USABLE)
			return iq_fault_error(&fault);
		if (!lost)
			first = fault;
		hole = IQ_MIN(4096 - (fault.address & 4095), len - done);
		memset(t->owned + done, 0xff, hole);
		done += hole;
		lost += hole;
	}
	if (lost)
		types_damage(&t->types,
			     "%llu of its bytes cannot be read, the first at 0x%llx (%s)",
			     (unsigned long long)lost, (unsigned long long)first.address,
			     iq_mem_text(first.why));
	return NULL;
}

struct iq_error *btf_fetch(struct btf_types *t, struct iq_vm *vm, uint64_t address, uint64_t len)
{
	if (len >= WORTH_THREADS && fetch_parallel(vm, address, len, t->owned))
		return NULL;
	return fetch_slowly(t, vm, address, len);
}
