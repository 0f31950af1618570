// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machines that VMware saved: a .vmss (suspended) or .vmsn (snapshot), with the memory in it or in the .vmem beside it.
 * Public descriptions: vmss2core's and volatility's, and crash's vmware_vmss.h.
 *
 * A header {u32 magic, version, number of groups}, an array of groups {char name[64]; u64 position, size}, and in each
 * group items one after the other: a tag of 16 bits (length of the name, number of indices, size of the value), the
 * name, the indices (u32 each), the value; a tag of 0 ends the group.  Values whose size is 62 or 63 are blocks: u64
 * bytes in the file, u64 in memory, u16 padding, then the bytes.
 *
 * Of group "memory" the item "Memory" has the memory and the regions say where it belongs; group "cpu" has registers.
 */
#include "image.h"
#include <elf.h>
#include <stdlib.h>

#define MAGIC_32 0xbed0bed0u /* of a format with positions of 32 bits */
#define MAGIC 0xbed2bed2u
#define MAGIC_PARTIAL 0xbed3bed3u
#define MAGIC_RESTORED 0xbad1bad1u
#define MAGIC_NORESTORE 0xbad2bad2u

#define HEADER_LEN 12
#define GROUP_LEN 80
#define GROUP_NAME 64
#define MOST_GROUPS 4096u
#define MOST_ITEMS (1u << 20)
#define MOST_REGIONS 64u
#define MOST_CPUS 1024u
#define BLOCK 63u
#define BLOCK_PACKED 62u

struct item {
	char name[256];
	uint32_t index[3];
	unsigned int nr_indices;
	bool block, packed;
	uint64_t pos, len; /* of the value */
	uint8_t value[64]; /* of one that is no block; of a block as much as fits */
};

struct region {
	uint32_t page, ppn, size; /* where in the memory, where in the machine, how many pages */
};

struct vmware {
	struct iq_dump *d;
	struct iq_image *m;
	uint64_t memory, memory_len;
	bool packed;
	uint32_t nr_regions;
	struct region regions[MOST_REGIONS];
	struct iq_x86_state *cpus;
	uint32_t nr_cpus;
};

bool iq_vmware_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	uint32_t magic = iq_le32(head);

	return magic == MAGIC_32 || magic == MAGIC || magic == MAGIC_PARTIAL ||
	       magic == MAGIC_RESTORED || magic == MAGIC_NORESTORE;
}

/* The item at *POS, which is advanced behind it.  False: the group ends, or the file. */
static bool take_item(struct vmware *v, uint64_t *pos, struct item *it)
{
	struct iq_file *f = v->d->file;
	uint8_t at[2 + 255 + 12 + 18];
	ssize_t got = iq_file_read(f, at, sizeof(at), *pos);
	size_t n = 2, name, size;
	uint16_t tag;

	if (got < 2 || !(tag = iq_le16(at)))
		return false;
	memset(it, 0, sizeof(*it));
	name = tag >> 8;
	it->nr_indices = tag >> 6 & 3;
	size = tag & 63;
	if ((size_t)got < n + name + 4 * it->nr_indices)
		return false;
	memcpy(it->name, at + n, name);
	n += name;
	for (unsigned int i = 0; i < it->nr_indices; i++, n += 4)
		it->index[i] = iq_le32(at + n);
	it->block = size >= BLOCK_PACKED;
	it->packed = size == BLOCK_PACKED;
	it->len = size;
	if (it->block) {
		if ((size_t)got < n + 18)
			return false;
		it->len = iq_le64(at + n);
		n += 18 + iq_le16(at + n + 16);
	}
	it->pos = *pos + n;
	if (it->len > INT64_MAX || iq_add_overflows(it->pos, it->len, pos))
		return false;
	return iq_file_read(f, it->value, IQ_MIN(it->len, sizeof(it->value)), it->pos) >= 0;
}

static void memory_item(struct vmware *v, const struct item *it)
{
	struct region *r = it->nr_indices && it->index[0] < MOST_REGIONS ? &v->regions[it->index[0]]
									  : NULL;
	uint32_t value = iq_le32(it->value);

	if (it->block && !strcmp(it->name, "Memory")) {
		v->memory = it->pos;
		v->memory_len = it->len;
		v->packed = it->packed;
	} else if (!strcmp(it->name, "regionsCount")) {
		v->nr_regions = value;
	} else if (r && !strcmp(it->name, "regionPageNum")) {
		r->page = value;
	} else if (r && !strcmp(it->name, "regionPPN")) {
		r->ppn = value;
	} else if (r && !strcmp(it->name, "regionSize")) {
		r->size = value;
	}
}

static bool cpu_vector(struct iq_x86_state *s, const struct item *it)
{
	static const char *const gpr[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	uint64_t value = iq_le64(it->value);

	/* The general registers are one block or an item each. */
	if (it->block && !strcmp(it->name, "gpregs") && it->len == 16 * 8) {
		for (unsigned int i = 0; i < 8; i++)
			s->gpr[i] = iq_le64(it->value + 8 * i);
		return true;
	}
	for (unsigned int i = 0; i < 16; i++) {
		if (!strcmp(gpr[i], it->name)) {
			s->gpr[i] = value;
			return true;
		}
	}
	return false;
}

static void cpu_item(struct vmware *v, const struct item *it)
{
	uint64_t value = iq_le64(it->value);
	uint32_t second = it->nr_indices > 1 ? it->index[1] : UINT32_MAX;
	struct iq_x86_state *s;

	if (!strcmp(it->name, "cpu:numVCPUs") && !v->cpus) {
		v->nr_cpus = IQ_MIN(iq_le32(it->value), MOST_CPUS);
		v->cpus = calloc(v->nr_cpus + 1, sizeof(*v->cpus));
		return;
	}
	if (!v->cpus || !it->nr_indices || it->index[0] >= v->nr_cpus)
		return;
	s = &v->cpus[it->index[0]];
	if (cpu_vector(s, it)) {
		uint8_t rest[64];

		if (it->block && !iq_file_read_all(v->d->file, rest, sizeof(rest), it->pos + 64))
			for (unsigned int i = 0; i < 8; i++)
				s->gpr[8 + i] = iq_le64(rest + 8 * i);
	} else if (!strcmp(it->name, "rip")) {
		s->rip = value;
	} else if (!strcasecmp(it->name, "eflags")) {
		s->rflags |= iq_le32(it->value);
	} else if (!strcmp(it->name, "CR64") && it->block) {
		for (unsigned int i = 0; i < 5; i++)
			s->cr[i] = iq_le64(it->value + 8 * i);
	} else if (!strcmp(it->name, "CR64") && second < 5) {
		s->cr[second] = value;
	} else if (!strcmp(it->name, "IDTR") && it->block) {
		s->idt = iq_le64(it->value + 2);
	} else if (!strcmp(it->name, "IDTR") && (second == 1 || second == 2)) {
		s->idt |= (uint64_t)iq_le32(it->value) << 32 * (second - 1);
	} else if (!strcmp(it->name, "S.base64") && second < 8) {
		s->base[second] = value;
	} else if (!strcmp(it->name, "S") && second < 8) {
		s->selector[second] = iq_le32(it->value);
	}
}

static void take_group(struct vmware *v, const uint8_t *group)
{
	bool memory = !strncmp((const char *)group, "memory", GROUP_NAME);
	bool cpu = !strncmp((const char *)group, "cpu", GROUP_NAME);
	uint64_t pos = iq_le64(group + GROUP_NAME);
	struct item it;

	if (!memory && !cpu)
		return;
	for (unsigned int i = 0; i < MOST_ITEMS && pos < v->d->file->size && take_item(v, &pos, &it);
	     i++) {
		if (memory)
			memory_item(v, &it);
		else
			cpu_item(v, &it);
	}
}

static struct iq_error *take_groups(struct vmware *v)
{
	uint8_t h[HEADER_LEN], group[GROUP_LEN];
	uint32_t nr;

	if (iq_file_read_all(v->d->file, h, sizeof(h), 0))
		return iq_error_new(IQ_E_FORMAT, "the file ends inside its header");
	if (iq_le32(h) == MAGIC_32)
		return iq_error_new(IQ_E_FORMAT, "a machine saved by a VMware of 32 bits");
	nr = iq_le32(h + 8);
	if (!nr || nr > MOST_GROUPS)
		return iq_error_new(IQ_E_FORMAT, "a machine saved by VMware whose header makes no sense");
	for (uint32_t i = 0; i < nr; i++) {
		if (iq_file_read_all(v->d->file, group, sizeof(group), HEADER_LEN + i * GROUP_LEN)) {
			v->d->info.truncated = true;
			break;
		}
		take_group(v, group);
	}
	return NULL;
}

/* The .vmem beside the file, which a machine has that keeps its memory there. */
static struct iq_error *open_vmem(struct vmware *v, struct iq_warnings *w)
{
	const char *path = v->d->info.path, *dot = strrchr(path, '.');
	char *other = NULL;
	struct iq_error *err;

	if (!dot || (strcasecmp(dot, ".vmss") && strcasecmp(dot, ".vmsn")))
		return iq_error_hint(iq_error_new(IQ_E_FORMAT, "a machine saved by VMware, without its memory"),
				     "its memory is in a .vmem: keep both beside each other, with names that "
				     "differ in .vmss or .vmsn and .vmem only");
	if (asprintf(&other, "%.*s.vmem", (int)(dot - path), path) < 0)
		return iq_error_nomem();
	err = iq_file_open(other, NULL, w, &v->m->bytes);
	if (err) {
		v->m->bytes = v->d->file;
		err = iq_error_prefix(err, "the memory of this machine saved by VMware is in another file");
	} else {
		v->m->owns_bytes = true;
		v->memory = 0;
		v->memory_len = v->m->bytes->size;
	}
	free(other);
	return err;
}

static struct iq_error *place_memory(struct vmware *v)
{
	if (!v->nr_regions)
		return iq_image_add(v->m, 0, v->memory_len, v->memory);
	if (v->nr_regions > MOST_REGIONS)
		return iq_error_new(IQ_E_FORMAT, "a machine of %u regions of memory", v->nr_regions);
	for (uint32_t i = 0; i < v->nr_regions; i++) {
		const struct region *r = &v->regions[i];

		IQ_TRY(iq_image_add(v->m, (uint64_t)r->ppn * IQ_PAGE_MIN,
				    (uint64_t)r->size * IQ_PAGE_MIN,
				    v->memory + (uint64_t)r->page * IQ_PAGE_MIN));
	}
	return NULL;
}

static struct iq_error *open_machine(struct vmware *v, struct iq_warnings *w)
{
	IQ_TRY(take_groups(v));
	if (v->packed)
		return iq_error_hint(iq_error_new(IQ_E_FORMAT, "a machine saved by VMware with its memory compressed"),
				     "vmss2core of VMware makes a dump of it");
	if (!v->memory_len)
		IQ_TRY(open_vmem(v, w));
	snprintf(v->d->info.format_text, sizeof(v->d->info.format_text), "machine saved by VMware%s",
		 v->m->owns_bytes ? ", .vmem" : "");
	v->d->info.machine = EM_X86_64;
	v->d->info.nr_cpus = v->nr_cpus;
	IQ_TRY(place_memory(v));
	for (uint32_t i = 0; i < v->nr_cpus; i++)
		IQ_TRY(iq_note_cpu(v->d, i, &v->cpus[i]));
	return iq_image_finish(v->d);
}

struct iq_error *iq_vmware_open(struct iq_dump *d, struct iq_warnings *w)
{
	struct vmware v = {.d = d};
	struct iq_error *err;

	IQ_TRY(iq_image_start(d, IQ_DUMP_VMWARE, &v.m));
	err = open_machine(&v, w);
	free(v.cpus);
	return err;
}
