// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a member lies: from the types, else VMCOREINFO, else as memory proves it. */
#include "probe.h"

#include <stdlib.h>

bool probe_read(struct iq_kernel *k, uint64_t address, void *buf, size_t len)
{
	bool any = false;

	for (size_t done = 0, n; done < len; done += n) {
		uint64_t at = address + done;

		n = IQ_MIN(len - done, 4096 - (at & 4095));
		if (iq_vm_read(k->vm, at, (uint8_t *)buf + done, n, NULL))
			memset((uint8_t *)buf + done, 0, n);
		else
			any = true;
	}
	return any;
}

bool probe_is_name(const uint8_t *s, size_t room)
{
	size_t i;

	for (i = 0; i < room && s[i]; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return i && i < room;
}

void probe_proved(struct iq_kernel *k, const char *tag, const char *path, uint64_t offset,
		  uint64_t size)
{
	struct kernel_probes *p = k->priv->probes;

	if (p->nr < IQ_ARRAY_SIZE(p->proven))
		p->proven[p->nr++] = (struct proven){tag, path, offset, size};
}

static const struct proven *find(const struct kernel_probes *p, const char *tag, const char *path)
{
	for (unsigned int i = 0; i < p->nr; i++)
		if (!strcmp(p->proven[i].tag, tag) && !strcmp(p->proven[i].path, path))
			return &p->proven[i];
	return NULL;
}

uint64_t probe_offset(struct iq_kernel *k, const char *tag, const char *path)
{
	const struct proven *p = find(k->priv->probes, tag, path);

	return p ? p->offset : UINT64_MAX;
}

static bool vmcoreinfo_offset(struct iq_kernel *k, const char *tag, const char *path,
			      uint64_t *offset)
{
	char key[128];
	int64_t v;

	snprintf(key, sizeof(key), "OFFSET(%s.%s)", tag, path);
	if (!k->vmcoreinfo || !iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, key, &v) ||
	    v < 0)
		return false;
	*offset = (uint64_t)v;
	return true;
}

/* node_start_pfn, node_present_pages, node_spanned_pages: VMCOREINFO has the outer two. */
static void probe_nodes(struct iq_kernel *k)
{
	uint64_t start, spanned;

	if (vmcoreinfo_offset(k, "pglist_data", "node_start_pfn", &start) &&
	    vmcoreinfo_offset(k, "pglist_data", "node_spanned_pages", &spanned) &&
	    spanned == start + 16)
		probe_proved(k, "pglist_data", "node_present_pages", start + 8, 8);
}

/* mapping, index, private: of them as well. */
static void probe_page(struct iq_kernel *k)
{
	uint64_t mapping, private;

	if (vmcoreinfo_offset(k, "page", "mapping", &mapping) &&
	    vmcoreinfo_offset(k, "page", "private", &private) && private == mapping + 16)
		probe_proved(k, "page", "index", mapping + 8, 8);
}

/*
 * struct new_utsname in init_uts_ns: sysname "Linux", and 130 bytes behind it the release, which is known
 * from VMCOREINFO or linux_banner.
 */
static void probe_utsname(struct iq_kernel *k)
{
	uint64_t at = iq_kernel_symbol(k, "init_uts_ns");
	uint8_t bytes[512];

	if (!at || !k->release[0] || !probe_read(k, at, bytes, sizeof(bytes)))
		return;
	for (size_t o = 0; o + 130 + sizeof(k->release) <= sizeof(bytes); o++) {
		if (memcmp(bytes + o, "Linux", 6) ||
		    strncmp((const char *)bytes + o + 130, k->release, sizeof(k->release)))
			continue;
		probe_proved(k, "uts_namespace", "name", o, 0);
		return;
	}
}

/* Which prober proves members of which struct. */
static const struct {
	const char *tag;
	size_t state;
	void (*probe)(struct iq_kernel *k);
} probers[] = {
	{"task_struct", offsetof(struct kernel_probes, tasks), probe_tasks},
	{"signal_struct", offsetof(struct kernel_probes, tasks), probe_tasks},
	{"mm_struct", offsetof(struct kernel_probes, tasks), probe_tasks},
	{"thread_union", offsetof(struct kernel_probes, tasks), probe_tasks},
	{"inactive_task_frame", offsetof(struct kernel_probes, tasks), probe_tasks},
	{"module", offsetof(struct kernel_probes, modules), probe_modules},
	{"module_memory", offsetof(struct kernel_probes, modules), probe_modules},
	{"mod_kallsyms", offsetof(struct kernel_probes, modules), probe_modules},
	{"pglist_data", offsetof(struct kernel_probes, nodes), probe_nodes},
	{"page", offsetof(struct kernel_probes, page), probe_page},
	{"uts_namespace", offsetof(struct kernel_probes, utsname), probe_utsname},
	{"timekeeper", offsetof(struct kernel_probes, time), probe_time},
};

static bool proven_offset(struct iq_kernel *k, const char *tag, const char *path, uint64_t *offset,
			  uint64_t *size)
{
	struct kernel_probes *p = k->priv->probes;
	const struct proven *known;

	if (!p)
		p = k->priv->probes = calloc(1, sizeof(*p));
	if (!p)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(probers); i++) {
		enum lazy *state = (enum lazy *)((char *)p + probers[i].state);

		if (strcmp(probers[i].tag, tag) || *state)
			continue;
		*state = LAZY_DONE;
		probers[i].probe(k);
	}
	known = find(p, tag, path);
	if (!known)
		return false;
	*offset = known->offset;
	if (size)
		*size = known->size;
	return true;
}

bool iq_kernel_offset(struct iq_kernel *k, const char *tag, const char *path, uint64_t *offset,
		      uint64_t *size)
{
	struct iq_types *t = iq_kernel_types(k);

	if (t)
		return iq_offset(t, tag, path, offset, size);
	if (proven_offset(k, tag, path, offset, size))
		return true;
	if (!vmcoreinfo_offset(k, tag, path, offset))
		return false;
	if (size)
		*size = 0;
	return true;
}

uint64_t iq_kernel_sizeof(struct iq_kernel *k, const char *tag)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type;
	char name[128];
	uint64_t size;
	int64_t v;

	if (t) {
		snprintf(name, sizeof(name), "struct %s", tag);
		type = iq_type_by_name(t, name);
		if (!type) {
			snprintf(name, sizeof(name), "union %s", tag);
			type = iq_type_by_name(t, name);
		}
		return type ? type->size : 0;
	}
	if (proven_offset(k, tag, "", &size, NULL))
		return size;
	snprintf(name, sizeof(name), "SIZE(%s)", tag);
	return k->vmcoreinfo && iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, name, &v) &&
			       v > 0
		       ? (uint64_t)v
		       : 0;
}
