// SPDX-License-Identifier: GPL-2.0-or-later
/* An address of a process: see whatis_user.h. */
#include "whatis_user.h"

#include <inquest/fs.h>
#include <inttypes.h>

struct iq_error *user_place(struct session *s, struct iq_describer *d, uint64_t address,
			    struct user_place *u, struct iq_whatis *page)
{
	const struct iq_task *t;
	struct iq_walk walk;
	struct iq_vm *vm;

	IQ_TRY(need_task(s, &t));
	IQ_TRY(iq_task_vm(s->kernel, t, &vm));
	*u = (struct user_place){.address = address, .task = *t};
	u->has_vma = t->mm && iq_vma_at(s->kernel, t->mm, address, &u->vma);
	iq_vm_walk(vm, address, &walk);
	if (walk.status) {
		*page = (struct iq_whatis){.frame = -1, .frame_number = -1, .content = walk.status};
		page->level = walk.nr ? walk.level[walk.nr - 1].level : 0;
		if (walk.status == IQ_MEM_UNMAPPED && walk.nr)
			iq_entry_of(s->kernel, walk.level[walk.nr - 1].entry, page->level,
				    &u->entry);
	} else {
		iq_whatis(d, walk.physical, true, page);
	}
	iq_vm_close(vm);
	page->address = address;
	return NULL;
}

/* What the area is a part of: a file, "[heap]", or nothing. */
static bool area_name(struct session *s, const struct iq_vma *v, char *path)
{
	struct iq_file f;

	if (v->file && iq_file_at(s->kernel, v->file, &f) && iq_file_path(s->kernel, &f, path))
		return true;
	snprintf(path, IQ_PATH_ROOM, "%s", iq_vma_name(s->kernel, v));
	return *path;
}

static void permissions(const struct iq_vma *v, char *text)
{
	/* VM_READ, VM_WRITE, VM_EXEC, VM_SHARED */
	snprintf(text, 5, "%c%c%c%c", v->flags & 1 ? 'r' : '-', v->flags & 2 ? 'w' : '-',
		 v->flags & 4 ? 'x' : '-', v->flags & 8 ? 's' : 'p');
}

/* Where in its file the page of the address is, in bytes. */
static uint64_t file_offset(struct session *s, const struct user_place *u)
{
	uint64_t page = iq_dump_info(s->dump)->page_size;

	return u->address - u->vma.start + u->vma.pgoff * page;
}

void text_user_place(struct session *s, const struct user_place *u, struct iq_buf *out)
{
	char path[IQ_PATH_ROOM], mode[5];

	iq_buf_puts(out, "user address of ");
	iq_buf_add_escaped(out, u->task.comm, strnlen(u->task.comm, 16), false);
	iq_buf_printf(out, " (pid %u), ", u->task.pid);
	if (u->has_vma) {
		permissions(&u->vma, mode);
		iq_buf_printf(out, "area %" PRIx64 "-%" PRIx64 " %s of ", u->vma.start, u->vma.end,
			      mode);
		if (area_name(s, &u->vma, path))
			iq_buf_add_escaped(out, path, strlen(path), false);
		else
			iq_buf_puts(out, "its own memory");
		if (u->vma.file)
			iq_buf_printf(out, ", offset 0x%" PRIx64, file_offset(s, u));
	} else {
		iq_buf_puts(out, "in none of its areas");
	}
	iq_buf_putc(out, '\n');
	if (u->entry.kind > IQ_ENTRY_PRESENT) {
		iq_entry_text(s->kernel, &u->entry, out);
		iq_buf_putc(out, '\n');
	}
}

void json_user_place(struct session *s, const struct user_place *u, json_t *kinds)
{
	char path[IQ_PATH_ROOM], mode[5];
	json_t *o;

	if (u->entry.kind > IQ_ENTRY_PRESENT) {
		struct iq_buf text = {0};

		iq_entry_text(s->kernel, &u->entry, &text);
		o = json_object();
		json_object_set_new(o, "kind", json_string("entry"));
		json_object_set_new(o, "state", json_string(iq_entry_kind_text(u->entry.kind)));
		json_object_set_new(o, "text", json_string(iq_buf_str(&text)));
		json_array_insert_new(kinds, 0, o);
		iq_buf_free(&text);
	}
	o = json_object();
	json_object_set_new(o, "kind", json_string("user"));
	json_object_set_new(o, "pid", json_integer(u->task.pid));
	json_object_set_new(o, "comm", json_text(u->task.comm, strnlen(u->task.comm, 16)));
	json_object_set_new(o, "vma", u->has_vma ? json_address(u->vma.address) : json_null());
	if (u->has_vma) {
		bool named = area_name(s, &u->vma, path);

		permissions(&u->vma, mode);
		json_object_set_new(o, "start", json_address(u->vma.start));
		json_object_set_new(o, "end", json_address(u->vma.end));
		json_object_set_new(o, "mode", json_string(mode));
		json_object_set_new(o, "name", named ? json_text(path, strlen(path)) : json_null());
		json_object_set_new(o, "file_offset",
				    u->vma.file ? json_integer((json_int_t)file_offset(s, u))
						: json_null());
	}
	json_array_insert_new(kinds, 0, o);
}
