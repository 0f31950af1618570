// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The devices of a saved QEMU machine: of the CPUs the registers, of the clock chip what it says of memory.
 *
 * Devices' states follow each other without a length.  The end of the stream describes them in JSON: for each device
 * its fields in their order with name, size and number (QEMU's scripts/analyze-migration.py reads the same).  The
 * section of a CPU is found by its head {4, section, 3 "cpu", instance, version}; where in it a field is follows from
 * the description.
 */
#include "savevm.h"
#include <stdlib.h>

#define MOST_BYTES (64u << 20)
#define MOST_CPUS 4096u
/* A CPU has some hundred fields. */
#define MOST_FIELDS 65536u

struct iq_error *iq_devices_read(const struct iq_file *f, uint64_t pos, struct iq_devices *ret)
{
	uint64_t len = pos < f->size ? IQ_MIN(f->size - pos, MOST_BYTES) : 0;
	uint8_t *bytes = malloc(len + 1);
	ssize_t got = bytes ? iq_file_read(f, bytes, len, pos) : 0;

	if (!bytes)
		return iq_error_nomem();
	*ret = (struct iq_devices){.bytes = bytes, .len = got > 0 ? (size_t)got : 0};
	/* The mark of the end, then 6, the length and the text, which is an object. */
	for (size_t at = 0; at + 7 <= ret->len; at++) {
		const uint8_t *hit = memmem(bytes + at, ret->len - at, "\0\6", 2);
		size_t json;

		if (!hit || (json = (size_t)(hit - bytes) + 6) >= ret->len)
			break;
		at = (size_t)(hit - bytes);
		if (bytes[json] == '{' && iq_be32(hit + 2) <= ret->len - json) {
			ret->json = (const char *)bytes + json;
			ret->json_len = iq_be32(hit + 2);
			ret->len = at;
			break;
		}
	}
	return NULL;
}

void iq_devices_free(struct iq_devices *dev)
{
	free(dev->bytes);
	*dev = (struct iq_devices){0};
}

/* The data of section NAME of this instance from *AT on, which is advanced behind its head; NULL: there is none. */
static const uint8_t *find_section(const struct iq_devices *dev, const char *name,
				   uint32_t *instance, size_t *at, size_t *left)
{
	size_t n = strlen(name);
	char mark[64];

	mark[0] = (char)n;
	memcpy(mark + 1, name, n);
	while (*at < dev->len) {
		const uint8_t *hit = memmem(dev->bytes + *at, dev->len - *at, mark, n + 1);
		size_t begin;

		if (!hit)
			break;
		begin = (size_t)(hit - dev->bytes);
		*at = begin + 1;
		/* 4 or 1: a section as a whole, or its begin; versions are small. */
		if (begin < 5 || hit[-5] != 4 || dev->len - begin < n + 9 ||
		    iq_be32(hit + n + 5) > 255)
			continue;
		*instance = iq_be32(hit + n + 1);
		*at = begin + n + 9;
		*left = dev->len - *at;
		return dev->bytes + *at;
	}
	return NULL;
}

/*
 * The firmware asks the clock chip how much memory there is: at 0x34 between 16 MB and 4 GB, at 0x5b above 4 GB, in
 * units of 64 KB (QEMU's x86_cpu… pc_cmos_init(); the same in Bochs).  Its state begins with these 128 bytes.
 */
bool iq_devices_memory(const struct iq_devices *dev, uint64_t *below, uint64_t *above)
{
	uint32_t instance;
	size_t at = 0, left;
	const uint8_t *cmos = find_section(dev, "mc146818rtc", &instance, &at, &left);

	/* A machine of at most 16 MB has no hole either. */
	if (!cmos || left < 128 || !iq_le16(cmos + 0x34))
		return false;
	*below = ((uint64_t)iq_le16(cmos + 0x34) << 16) + (16u << 20);
	*above = (uint64_t)(cmos[0x5b] | cmos[0x5c] << 8 | cmos[0x5d] << 16) << 16;
	return true;
}

/* ---- The description ---------------------------------------------------------------------------- */

struct json {
	const char *at, *end;
};

static void skip_blanks(struct json *j)
{
	while (j->at < j->end && strchr(" \t\r\n,:", *j->at))
		j->at++;
}

/* The string here into BUF, cut to fit; false: there is none. */
static bool take_string(struct json *j, char *buf, size_t room)
{
	size_t n = 0;

	skip_blanks(j);
	if (j->at >= j->end || *j->at != '"')
		return false;
	for (j->at++; j->at < j->end && *j->at != '"'; j->at++) {
		if (*j->at == '\\' && ++j->at >= j->end)
			return false;
		if (n + 1 < room)
			buf[n++] = *j->at;
	}
	buf[n] = '\0';
	return j->at++ < j->end;
}

static uint64_t take_number(struct json *j)
{
	uint64_t v = 0;

	skip_blanks(j);
	for (; j->at < j->end && *j->at >= '0' && *j->at <= '9'; j->at++)
		v = v < UINT32_MAX ? 10 * v + (uint64_t)(*j->at - '0') : v;
	return v;
}

/* Over any value, however deep. */
static void skip_value(struct json *j)
{
	unsigned int depth = 0;
	char text[4];

	do {
		skip_blanks(j);
		if (j->at >= j->end)
			return;
		if (*j->at == '"') {
			if (!take_string(j, text, sizeof(text)))
				return;
			continue;
		}
		if (*j->at == '{' || *j->at == '[')
			depth++;
		else if ((*j->at == '}' || *j->at == ']') && depth)
			depth--;
		else if (*j->at == '}' || *j->at == ']')
			return;
		j->at++;
		while (!depth && j->at < j->end && !strchr(",}] \n", *j->at))
			j->at++;
	} while (depth);
}

enum field { REGS, EIP, EFLAGS, SEGS, LDT, TR, GDT, IDT, CR0, CR2, CR3, CR4, KERNEL_GS, NR_FIELDS };

static const struct {
	const char *name;
	uint32_t size;
} fields[NR_FIELDS] = {
	[REGS] = {"env.regs", 16 * 8},	 [EIP] = {"env.eip", 8},
	[EFLAGS] = {"env.eflags", 8},	 [SEGS] = {"env.segs", 6 * 20},
	[LDT] = {"env.ldt", 20},	 [TR] = {"env.tr", 20},
	[GDT] = {"env.gdt", 20},	 [IDT] = {"env.idt", 20},
	[CR0] = {"env.cr[0]", 8},	 [CR2] = {"env.cr[2]", 8},
	[CR3] = {"env.cr[3]", 8},	 [CR4] = {"env.cr[4]", 8},
	[KERNEL_GS] = {"env.kernelgsbase", 8},
};

struct layout {
	uint64_t at[NR_FIELDS], size[NR_FIELDS]; /* size 0: not seen */
};

/* One field's description, an object: its place is *OFFSET, which is advanced behind it.  False: no more. */
static bool take_field(struct json *j, struct layout *l, uint64_t *offset)
{
	char name[64] = "", key[32];
	uint64_t size = 0, nr = 1;

	skip_blanks(j);
	if (j->at >= j->end || *j->at != '{')
		return false;
	j->at++;
	while (take_string(j, key, sizeof(key))) {
		if (!strcmp(key, "size"))
			size = take_number(j);
		else if (!strcmp(key, "array_len"))
			nr = take_number(j);
		else if (strcmp(key, "name") || !take_string(j, name, sizeof(name)))
			skip_value(j);
	}
	skip_blanks(j);
	if (j->at >= j->end || *j->at++ != '}')
		return false;
	for (unsigned int i = 0; i < NR_FIELDS; i++) {
		if (strcmp(fields[i].name, name))
			continue;
		/* Elements that are not alike come one by one. */
		if (!l->size[i])
			l->at[i] = *offset;
		l->size[i] += size * nr;
	}
	*offset += size * nr;
	return *offset < MOST_BYTES;
}

/* The fields of the first CPU; all have the same. */
static bool read_layout(const struct iq_devices *dev, struct layout *l)
{
	static const char mark[] = "\"name\": \"cpu\", \"instance_id\"";
	struct json j;
	uint64_t offset = 0;

	if (!dev->json)
		return false;
	j.end = dev->json + dev->json_len;
	j.at = memmem(dev->json, dev->json_len, mark, sizeof(mark) - 1);
	if (!j.at)
		return false;
	j.at = memmem(j.at, (size_t)(j.end - j.at), "\"fields\"", 8);
	if (!j.at)
		return false;
	j.at += 8;
	skip_blanks(&j);
	if (j.at >= j.end || *j.at++ != '[')
		return false;
	for (unsigned int i = 0; i < MOST_FIELDS && take_field(&j, l, &offset); i++)
		;
	for (unsigned int i = 0; i < NR_FIELDS; i++) {
		if (l->size[i] != fields[i].size)
			return false;
	}
	return true;
}

/* ---- Registers ---------------------------------------------------------------------------------- */

/* A segment: u32 selector, u64 base, u32 limit, u32 flags. */
#define SEGMENT_SIZE 20

static void read_segment(const uint8_t *at, uint32_t *selector, uint64_t *base)
{
	*selector = iq_be32(at);
	*base = iq_be64(at + 4);
}

static bool read_cpu(const uint8_t *data, size_t left, const struct layout *l, struct iq_x86_state *s)
{
	static const uint8_t cr[] = {CR0, CR0, CR2, CR3, CR4};
	uint32_t none;

	for (unsigned int i = 0; i < NR_FIELDS; i++) {
		if (l->at[i] + l->size[i] > left)
			return false;
	}
	for (unsigned int i = 0; i < 16; i++)
		s->gpr[i] = iq_be64(data + l->at[REGS] + 8 * i);
	s->rip = iq_be64(data + l->at[EIP]);
	s->rflags = iq_be64(data + l->at[EFLAGS]);
	for (unsigned int i = 0; i < 6; i++)
		read_segment(data + l->at[SEGS] + SEGMENT_SIZE * i, &s->selector[i], &s->base[i]);
	read_segment(data + l->at[LDT], &s->selector[6], &s->base[6]);
	read_segment(data + l->at[TR], &s->selector[7], &s->base[7]);
	read_segment(data + l->at[GDT], &none, &s->gdt);
	read_segment(data + l->at[IDT], &none, &s->idt);
	for (unsigned int i = 0; i < 5; i++)
		s->cr[i] = i == 1 ? 0 : iq_be64(data + l->at[cr[i]]);
	s->kernel_gs_base = iq_be64(data + l->at[KERNEL_GS]);
	return true;
}

struct iq_error *iq_devices_cpus(const struct iq_devices *dev, struct iq_dump *d,
				 struct iq_warnings *w)
{
	struct layout l = {0};
	unsigned int nr = 0;
	uint32_t instance, last = 0;
	size_t at = 0, left;
	const uint8_t *data;

	if (!read_layout(dev, &l)) {
		iq_warn(w, "the stream does not describe its CPUs: their registers are not known");
		return NULL;
	}
	while (nr < MOST_CPUS && (data = find_section(dev, "cpu", &instance, &at, &left))) {
		struct iq_x86_state s = {0};

		if ((nr && instance <= last) || !read_cpu(data, left, &l, &s))
			continue;
		IQ_TRY(iq_note_cpu(d, nr++, &s));
		last = instance;
		at += l.at[KERNEL_GS];
	}
	d->info.nr_cpus = nr;
	return NULL;
}
