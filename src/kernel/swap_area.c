// SPDX-License-Identifier: GPL-2.0-or-later
/* Swap areas (mm/swapfile.c): the array swap_info of pointers to struct swap_info_struct. */
#include <inquest/fs.h>
#include <inquest/swap.h>

#include "private.h"

#include <stdlib.h>

#define SWP_USED 1
/* Not counted: says that the area is off the list of those with room (since 6.13). */
#define USAGE_OFF_LIST (UINT64_C(1) << 62)

static bool read_area(struct iq_kernel *k, struct iq_swap_areas *x, struct iq_swap_area *a)
{
	uint64_t priority, file;
	char path[IQ_PATH_ROOM] = "";
	struct iq_file f;

	if (!kernel_read_member(k, "swap_info_struct", "pages", a->address, &a->pages) ||
	    !kernel_read_member(k, "swap_info_struct", "inuse_pages", a->address, &a->used) ||
	    !kernel_read_member(k, "swap_info_struct", "prio", a->address, &priority))
		return false;
	a->used &= ~USAGE_OFF_LIST;
	a->priority = (int16_t)priority;
	if (kernel_read_member(k, "swap_info_struct", "swap_file", a->address, &file) && file &&
	    iq_file_at(k, file, &f))
		a->file = (f.mode & 0170000) == 0100000;
	iq_swap_path(k, a->type, path);
	a->path = iq_arena_strdup(&x->text, path);
	return a->path;
}

struct iq_error *iq_swap_areas(struct iq_kernel *k, struct iq_swap_areas *ret)
{
	uint64_t table = iq_kernel_symbol(k, "swap_info"), nr, flags;
	struct iq_types *types;

	*ret = (struct iq_swap_areas){0};
	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!table || !iq_kernel_variable(k, "nr_swapfiles", 4, &nr))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel was built without swap (CONFIG_SWAP)");
	if (nr > iq_swap_types(k)) {
		iq_warn(k->warnings, "nr_swapfiles is %lu: damaged, there cannot be so many",
			(unsigned long)nr);
		nr = iq_swap_types(k);
	}
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_swap_area a = {.type = i};

		if (!kernel_read_ptr(k, table + 8 * i, &a.address) || !a.address ||
		    !kernel_read_member(k, "swap_info_struct", "flags", a.address, &flags)) {
			iq_warn(k->warnings, "swap area %u cannot be read", i);
			continue;
		}
		if (!(flags & SWP_USED))
			continue;
		if (!read_area(k, ret, &a)) {
			iq_warn(k->warnings, "swap area %u at 0x%lx cannot be read", i,
				(unsigned long)a.address);
			continue;
		}
		if (!iq_grow(&ret->area, &ret->room, ret->nr + 1, sizeof(*ret->area)))
			return iq_error_nomem();
		ret->area[ret->nr++] = a;
	}
	return NULL;
}

void iq_swap_areas_free(struct iq_swap_areas *x)
{
	free(x->area);
	iq_arena_free(&x->text);
	*x = (struct iq_swap_areas){0};
}
