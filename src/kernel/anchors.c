// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel without any symbol table: the few things from which others are reached are found in its image by what they look
 * like.  BTF has a header that nothing else has; init_task is called swapper, has pid 0 and is on a list that is whole;
 * the head of the modules' list points into the modules' memory and is pointed back to by a module with a name.
 */
#include "locate.h"
#include "probe.h"

#define PAGE 4096
#define BTF_MAGIC 0x0001eb9fu /* version 1, no flags */
#define BTF_HEADER 24
#define BTF_MIN (512u << 10) /* a kernel's has megabytes, a module's kilobytes */
#define BTF_MAX (64u << 20)
#define NAME_ROOM 56

/* Call FN with each page of the image, and BTF_HEADER bytes more, until it returns true. */
static bool each_page(struct iq_kernel *k, bool (*fn)(struct iq_kernel *k, uint64_t va, const uint8_t *page))
{
	uint64_t end = locate_image_end(k);
	uint8_t page[PAGE + BTF_HEADER];

	for (uint64_t va = k->stext & ~(uint64_t)(PAGE - 1); va < end; va += PAGE) {
		if (iq_vm_read(k->vm, va, page, PAGE, NULL))
			continue;
		if (iq_vm_read(k->vm, va + PAGE, page + PAGE, BTF_HEADER, NULL))
			memset(page + PAGE, 0, BTF_HEADER);
		if (fn(k, va, page))
			return true;
	}
	return false;
}

/* struct btf_header (include/uapi/linux/btf.h): magic, hdr_len, type_off, type_len, str_off, str_len. */
static bool btf_in(struct iq_kernel *k, uint64_t va, const uint8_t *page)
{
	for (unsigned int i = 0; i < PAGE; i += 4) {
		uint64_t types = iq_le32(page + i + 12), strings = iq_le32(page + i + 20);

		if (iq_le32(page + i) != BTF_MAGIC || iq_le32(page + i + 4) != BTF_HEADER || iq_le32(page + i + 8) ||
		    iq_le32(page + i + 16) != types || types < BTF_MIN || types + strings > BTF_MAX ||
		    va + i + BTF_HEADER + types + strings > locate_image_end(k))
			continue;
		k->priv->anchors.btf = va + i;
		k->priv->anchors.btf_end = va + i + BTF_HEADER + types + strings;
		return true;
	}
	return false;
}

static bool is_init_task(struct iq_kernel *k, uint64_t base)
{
	const struct kernel_anchors *a = &k->priv->anchors;
	uint64_t pid, tgid, next, back;

	return !(base & 63) && kernel_read_uint(k, base + a->pid, 4, &pid) && !pid &&
	       kernel_read_uint(k, base + a->tgid, 4, &tgid) && !tgid && kernel_read_ptr(k, base + a->tasks, &next) &&
	       probe_is_pointer(k, next) && kernel_read_ptr(k, next + 8, &back) && back == base + a->tasks;
}

static bool is_module_list(struct iq_kernel *k, uint64_t head, uint64_t next, uint64_t prev)
{
	const struct kernel_anchors *a = &k->priv->anchors;
	const struct iq_layout *l = &k->layout;
	uint8_t name[NAME_ROOM];
	uint64_t back;

	return next >= l->modules_start && next < l->modules_end && prev >= l->modules_start &&
	       prev < l->modules_end && !((next | prev) & 7) && kernel_read_ptr(k, next + 8, &back) && back == head &&
	       !iq_vm_read(k->vm, next - a->list + a->name, name, sizeof(name), NULL) &&
	       probe_is_name(name, sizeof(name));
}

static bool objects_in(struct iq_kernel *k, uint64_t va, const uint8_t *page)
{
	struct kernel_anchors *a = &k->priv->anchors;

	for (unsigned int i = 0; i < PAGE; i += 8) {
		if (!a->init_task && (va + i - a->comm) % 8 == 0 && !memcmp(page + i, "swapper", 7) &&
		    is_init_task(k, va + i - a->comm))
			a->init_task = va + i - a->comm;
		if (!a->modules && a->has_modules && page[i + 7] == 0xff && page[i + 15] == 0xff &&
		    is_module_list(k, va + i, iq_le64(page + i), iq_le64(page + i + 8)))
			a->modules = va + i;
	}
	return a->init_task && (a->modules || !a->has_modules);
}

static void find_objects(struct iq_kernel *k)
{
	struct kernel_anchors *a = &k->priv->anchors;
	struct iq_types *t = iq_kernel_types(k);

	if (!t || !iq_offset(t, "task_struct", "comm", &a->comm, NULL) || a->comm & 7 ||
	    !iq_offset(t, "task_struct", "pid", &a->pid, NULL) ||
	    !iq_offset(t, "task_struct", "tgid", &a->tgid, NULL) ||
	    !iq_offset(t, "task_struct", "tasks", &a->tasks, NULL))
		return;
	a->has_modules = iq_offset(t, "module", "list", &a->list, NULL) &&
			 iq_offset(t, "module", "name", &a->name, NULL);
	each_page(k, objects_in);
	if (a->init_task || a->modules)
		iq_warn(k->warnings, "without symbols, %s%s%s found by what %s like in the kernel's image (a guess)",
			a->init_task ? "init_task" : "", a->init_task && a->modules ? " and " : "",
			a->modules ? "the list of modules" : "",
			a->init_task && a->modules ? "they look" : "it looks");
}

uint64_t kernel_anchor(struct iq_kernel *k, const char *name)
{
	struct kernel_anchors *a = &k->priv->anchors;
	bool start = !strcmp(name, "__start_BTF"), task = !strcmp(name, "init_task");

	if (k->symbols || !k->stext)
		return 0;
	if (start || !strcmp(name, "__stop_BTF")) {
		if (!a->btf_state) {
			a->btf_state = LAZY_DONE;
			each_page(k, btf_in);
		}
		return start ? a->btf : a->btf_end;
	}
	if (!task && strcmp(name, "modules"))
		return 0;
	if (!a->objects_state) {
		a->objects_state = LAZY_DONE;
		find_objects(k);
	}
	return task ? a->init_task : a->modules;
}
