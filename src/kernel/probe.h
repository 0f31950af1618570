/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels without types: offsets of members that memory itself proves.
 *
 * A prober looks at many objects of one kind at once (all modules, all tasks) for a place where each of
 * them has what only that member can have: a pointer back to itself, the list that kthreadd is on, a
 * name that is known.  What one place alone fits is proven; where none or several do, the member stays
 * unknown.  Nothing here follows from a version.
 */
#ifndef INQUEST_KERNEL_PROBE_H
#define INQUEST_KERNEL_PROBE_H

#include "private.h"

struct proven {
	const char *tag, *path;
	uint64_t offset, size;
};

struct kernel_probes {
	enum lazy tasks, modules, nodes, page, time, utsname;
	struct proven proven[48];
	unsigned int nr;
};

/* Note that member PATH of struct TAG is at OFFSET.  TAG and PATH are literals. */
void probe_proved(struct iq_kernel *k, const char *tag, const char *path, uint64_t offset,
		  uint64_t size);
/* What has been proven of it so far; UINT64_MAX: nothing. */
uint64_t probe_offset(struct iq_kernel *k, const char *tag, const char *path);

/*
 * LEN bytes at ADDRESS.  What cannot be read is zero, page by page; true if something could be.
 */
bool probe_read(struct iq_kernel *k, uint64_t address, void *buf, size_t len);

/* Is it an address of kernel memory that a pointer to an object can have (8-aligned)? */
static inline bool probe_is_pointer(struct iq_kernel *k, uint64_t v)
{
	return !(v & 7) && k->arch->vm->is_kernel(&k->layout, v);
}

/* NUL-terminated printable ASCII, at least one character, within ROOM bytes. */
bool probe_is_name(const uint8_t *s, size_t room);

/* probe_task.c, probe_module.c, probe_time.c: each is called once. */
void probe_tasks(struct iq_kernel *k);
void probe_modules(struct iq_kernel *k);
void probe_time(struct iq_kernel *k);

#endif
