// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose a page is: see owner.h. */
#include <inquest/owner.h>

#include "private.h"

#include <stdlib.h>

#define MAPPING_FLAGS UINT64_C(3) /* PAGE_MAPPING_ANON 1, PAGE_MAPPING_MOVABLE 2, both: KSM */
#define MAX_AREAS 65536		  /* that one page is looked for in */

/* ---- Processes ------------------------------------------------------------------------------------ */

/* A task that has this mm_struct, thread group leaders first; NULL: none. */
static const struct iq_task *task_of_mm(struct iq_kernel *k, uint64_t mm)
{
	const struct iq_task *tasks, *found = NULL;
	struct iq_error *err;
	unsigned int nr;

	err = iq_tasks(k, &tasks, &nr);
	if (err) {
		iq_error_free(err);
		return NULL;
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].mm != mm)
			continue;
		if (tasks[i].leader)
			return &tasks[i];
		if (!found)
			found = &tasks[i];
	}
	return found;
}

struct rmap {
	struct iq_page_owner *o;
	uint64_t pfn, index; /* of the page in what it belongs to, in pages */
	uint64_t vma_at;     /* anon: of .vma in struct anon_vma_chain, from its rb_node */
	uint64_t node_at;    /* of the rb_node in anon_vma_chain or vm_area_struct */
	bool anon;
};

static bool leads_to(struct iq_kernel *k, const struct iq_task *t, uint64_t address, uint64_t pfn)
{
	struct iq_vm *vm;
	struct iq_error *err = iq_task_vm(k, t, &vm);
	uint64_t pa;
	bool yes;

	if (err) {
		iq_error_free(err);
		return false;
	}
	yes = !iq_vm_translate(vm, address, &pa, NULL) &&
	      pa / iq_dump_info(k->dump)->page_size == pfn;
	iq_vm_close(vm);
	return yes;
}

/* A node of the interval tree: the area has the page if its range of the file (or of the anonymous
 * memory that it was forked from) includes the index. */
static bool add_area(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct rmap *r = arg;
	uint64_t size = iq_dump_info(k->dump)->page_size, area = node - r->node_at;
	const struct iq_task *t;
	struct iq_page_user u;
	struct iq_vma v;

	if (r->anon && !kernel_read_ptr(k, area + r->vma_at, &area))
		return true;
	if (!iq_vma_read(k, area, &v) || r->index < v.pgoff || v.end <= v.start ||
	    r->index - v.pgoff >= (v.end - v.start) / size)
		return true;
	u = (struct iq_page_user){.mm = v.mm, .vma = area,
				  .address = v.start + (r->index - v.pgoff) * size};
	t = task_of_mm(k, v.mm);
	if (t) {
		u.pid = t->pid;
		memcpy(u.comm, t->comm, sizeof(u.comm));
		u.mapped = leads_to(k, t, u.address, r->pfn);
	}
	/* A child that has its own copy of the page has the area as well; who has the page comes first. */
	if (r->o->nr_users < IQ_MAX_USERS) {
		r->o->user[r->o->nr_users] = u;
	} else if (u.mapped) {
		for (unsigned int i = 0; i < IQ_MAX_USERS; i++) {
			if (!r->o->user[i].mapped) {
				r->o->user[i] = u;
				break;
			}
		}
	}
	r->o->nr_users++;
	return true;
}

static int by_mapped(const void *a, const void *b)
{
	const struct iq_page_user *x = a, *y = b;

	return (int)y->mapped - (int)x->mapped;
}

static void find_users(struct iq_kernel *k, struct rmap *r, uint64_t tree)
{
	kernel_rbtree_for_each(k, tree, MAX_AREAS, "areas that map a page", add_area, r);
	qsort(r->o->user, IQ_MIN(r->o->nr_users, IQ_MAX_USERS), sizeof(*r->o->user), by_mapped);
}

/* ---- Files ---------------------------------------------------------------------------------------- */

/* A mount of the whole file system SB: one whose root is the file system's; 0: none. */
static uint64_t mount_of(struct iq_kernel *k, uint64_t sb)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t list_at, next_at = 0, mnt_at, root, entry, end = 0, at;
	/* A list through mnt_instance, or in 7.x a chain of struct mount. */
	bool chain = iq_offset(t, "mount", "mnt_next_for_sb", &next_at, NULL);

	if (!iq_offset(t, "super_block", "s_mounts", &list_at, NULL) ||
	    (!chain && !iq_offset(t, "mount", "mnt_instance", &next_at, NULL)) ||
	    !iq_offset(t, "mount", "mnt", &mnt_at, NULL) ||
	    !kernel_read_member(k, "super_block", "s_root", sb, &root) ||
	    !kernel_read_ptr(k, sb + list_at, &entry))
		return 0;
	if (!chain)
		end = sb + list_at;
	for (unsigned int n = 0; n < 64 && entry != end; n++) {
		uint64_t mount = chain ? entry : entry - next_at;

		if (kernel_read_member(k, "mount", "mnt.mnt_root", mount, &at) && at == root)
			return mount + mnt_at;
		if (!kernel_read_ptr(k, mount + next_at, &entry))
			break;
	}
	return 0;
}

static char *file_path(struct iq_kernel *k, uint64_t inode)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t alias, alias_at, sb;
	char path[IQ_PATH_ROOM] = "";
	struct iq_buf b = {0};

	if (kernel_read_member(k, "inode", "i_dentry.first", inode, &alias) && alias &&
	    (iq_offset(t, "dentry", "d_u.d_alias", &alias_at, NULL) ||
	     iq_offset(t, "dentry", "d_alias", &alias_at, NULL)) &&
	    kernel_read_member(k, "inode", "i_sb", inode, &sb))
		iq_path(k, mount_of(k, sb), alias - alias_at, path);
	iq_buf_add_escaped(&b, path, strlen(path), false);
	return iq_buf_steal(&b);
}

/* ---- Pages ---------------------------------------------------------------------------------------- */

/* The page that knows: of a compound page the head, whose index the others count from. */
static bool head_of(struct iq_kernel *k, const struct iq_page *page, struct iq_page *head)
{
	struct iq_error *err;
	uint64_t pfn;

	*head = *page;
	if (!page->is_tail)
		return true;
	if (!iq_page_pfn(k, page->head, &pfn) || pfn > page->pfn)
		return false;
	err = iq_page_of(k, pfn, head);
	iq_error_free(err);
	return !err && !head->is_tail;
}

static bool anon_owner(struct iq_kernel *k, struct rmap *r)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t root_at;

	r->anon = true;
	if (!iq_offset(t, "anon_vma", "rb_root", &root_at, NULL) ||
	    !iq_offset(t, "anon_vma_chain", "rb", &r->node_at, NULL) ||
	    !iq_offset(t, "anon_vma_chain", "vma", &r->vma_at, NULL))
		return false;
	find_users(k, r, r->o->mapping + root_at);
	return true;
}

static bool file_owner(struct iq_kernel *k, struct rmap *r)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t tree_at, back;

	/* Any word looks like a pointer; one to an address_space leads to an inode that has it. */
	if (!kernel_read_member(k, "address_space", "host", r->o->mapping, &r->o->inode) ||
	    !kernel_read_member(k, "inode", "i_mapping", r->o->inode, &back) || !r->o->inode)
		return false;
	r->o->index = r->index;
	r->o->path = file_path(k, r->o->inode);
	if (iq_offset(t, "address_space", "i_mmap", &tree_at, NULL) &&
	    iq_offset(t, "vm_area_struct", "shared.rb", &r->node_at, NULL))
		find_users(k, r, r->o->mapping + tree_at);
	return true;
}

bool iq_page_owner(struct iq_kernel *k, const struct iq_page *page, struct iq_page_owner *ret)
{
	struct iq_page_owner o = {.kind = IQ_OWNER_NONE};
	struct rmap r = {.o = &o, .pfn = page->pfn};
	struct iq_page head;
	bool found = false;

	memset(ret, 0, sizeof(*ret));
	if (!iq_kernel_types(k) || !head_of(k, page, &head) || head.refcount <= 0 ||
	    !(head.mapping >> 63))
		return false;
	o.mapping = head.mapping & ~MAPPING_FLAGS;
	r.index = head.index + (page->pfn - head.pfn);
	switch (head.mapping & MAPPING_FLAGS) {
	case 1:
		o.kind = IQ_OWNER_ANON;
		found = anon_owner(k, &r);
		break;
	case 2:
		o.kind = IQ_OWNER_MOVABLE;
		found = true;
		break;
	case 3:
		o.kind = IQ_OWNER_KSM;
		found = true;
		break;
	default:
		o.kind = IQ_OWNER_FILE;
		found = file_owner(k, &r);
	}
	if (!found) {
		iq_page_owner_free(&o);
		return false;
	}
	*ret = o;
	return true;
}

void iq_page_owner_free(struct iq_page_owner *o)
{
	free(o->path);
	memset(o, 0, sizeof(*o));
}

/* ---- Page tables ---------------------------------------------------------------------------------- */

struct table_entry {
	uint64_t pfn, va;
	const struct iq_task *task; /* NULL: the kernel */
	uint8_t level;
};

struct table_map {
	struct table_entry *entry; /* by pfn */
	unsigned int nr, room;
	const struct iq_task *now;
};

void table_map_free(struct iq_kernel *k)
{
	if (k->priv->table_map)
		free(k->priv->table_map->entry);
	free(k->priv->table_map);
}

struct table_adder {
	struct iq_kernel *k;
	struct table_map *m;
};

static bool add_table(void *arg, uint64_t table, unsigned int level, uint64_t va)
{
	struct table_adder *a = arg;
	struct table_map *m = a->m;

	if (iq_cancelled(a->k->priv->options.cancel) ||
	    !iq_grow(&m->entry, &m->room, m->nr + 1, sizeof(*m->entry)))
		return false;
	m->entry[m->nr++] = (struct table_entry){
		table / iq_dump_info(a->k->dump)->page_size, va, m->now, (uint8_t)level};
	return true;
}

static int by_pfn(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static struct table_map *load_tables(struct iq_kernel *k)
{
	struct table_map *m = calloc(1, sizeof(*m));
	struct table_adder a = {k, m};
	const struct iq_task *tasks;
	struct iq_map seen = {0};
	struct iq_error *err;
	unsigned int nr;

	k->priv->table_map = m;
	if (!m || !k->arch->vm->tables)
		return m;
	k->arch->vm->tables(k->vm, true, add_table, &a);
	err = iq_tasks(k, &tasks, &nr);
	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		struct iq_error *no_vm;
		struct iq_vm *vm;

		if (!tasks[i].mm || iq_map_get(&seen, tasks[i].mm) ||
		    !iq_map_put(&seen, tasks[i].mm, m))
			continue;
		no_vm = iq_task_vm(k, &tasks[i], &vm);
		if (no_vm) {
			iq_error_free(no_vm);
			continue;
		}
		m->now = task_of_mm(k, tasks[i].mm);
		k->arch->vm->tables(vm, false, add_table, &a);
		iq_vm_close(vm);
	}
	iq_map_free(&seen);
	if (m->nr)
		qsort(m->entry, m->nr, sizeof(*m->entry), by_pfn);
	return m;
}

bool iq_table_owner(struct iq_kernel *k, uint64_t pfn, struct iq_table_owner *ret)
{
	struct table_map *m = k->priv->table_map ? k->priv->table_map : load_tables(k);
	struct table_entry key = {.pfn = pfn}, *e;

	e = m && m->nr ? bsearch(&key, m->entry, m->nr, sizeof(*m->entry), by_pfn) : NULL;
	if (!e)
		return false;
	*ret = (struct iq_table_owner){.level = e->level, .address = e->va};
	if (e->task) {
		ret->mm = e->task->mm;
		ret->pid = e->task->pid;
		memcpy(ret->comm, e->task->comm, sizeof(ret->comm));
	}
	return true;
}
