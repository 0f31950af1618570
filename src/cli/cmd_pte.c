// SPDX-License-Identifier: GPL-2.0-or-later
/* pte, ptov: page table entries explained; physical addresses and per-CPU offsets to virtual ones. */
#include "show.h"
#include <inquest/swap.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_FLAGS 24

/* ---- pte ---------------------------------------------------------------------------------------- */

struct pte_result {
	uint64_t *entry;
	unsigned int nr;
};

static void pte_free(void *data)
{
	struct pte_result *x = data;

	free(x->entry);
	free(x);
}

/* TEXT in the middle of WIDTH columns, more to the right if it cannot be. */
static void centred(const char *text, unsigned int width, struct iq_buf *out)
{
	unsigned int len = (unsigned int)strlen(text), left = len < width ? (width - len + 1) / 2 : 0;

	iq_buf_printf(out, "%*s%-*s", (int)left, "", (int)(width - left), text);
}

/*
 * Of which level the entry is does not stand in it.  Bit 7 is PSE above the lowest level, PAT there; what points to a
 * multiple of 2 MB is a large page, as hardly any other has the bit.
 */
static unsigned int flags_of(struct session *s, uint64_t entry, const char **names)
{
	unsigned int level = entry & 1 && entry & 0x80 && !(entry & 0x1ff000) ? 2 : 1;

	return s->kernel->arch->vm->entry_flags(entry, level, names, MAX_FLAGS);
}

static uint64_t page_of(struct session *s, uint64_t entry)
{
	/* Bits 12 to 51, without those that say how the page is encrypted. */
	return entry & UINT64_C(0x000ffffffffff000) & ~s->kernel->layout.encryption_mask;
}

/* Of an entry that maps nothing: what else it says. */
static void text_unmapped(struct session *s, uint64_t entry, struct iq_buf *out)
{
	struct iq_entry e;

	iq_entry_of(s->kernel, entry, 1, &e);
	if (e.kind == IQ_ENTRY_EMPTY)
		iq_buf_puts(out, "no mapping");
	else
		iq_entry_text(s->kernel, &e, out);
}

static void pte_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct pte_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const char *names[MAX_FLAGS];
		unsigned int nr = flags_of(s, x->entry[i], names), width, page_width;
		char entry[20], page[20];

		snprintf(entry, sizeof(entry), "%" PRIx64, x->entry[i]);
		snprintf(page, sizeof(page), "%" PRIx64, nr ? page_of(s, x->entry[i]) : 0);
		width = IQ_MAX((unsigned int)strlen(entry), 3);
		page_width = IQ_MAX((unsigned int)strlen(page), 8);
		centred("PTE", width, out);
		iq_buf_printf(out, "  %-*s  FLAGS\n", (int)page_width, "PHYSICAL");
		centred(entry, width, out);
		iq_buf_puts(out, "  ");
		if (nr)
			centred(page, page_width, out);
		else
			centred(x->entry[i] ? "-" : "0", page_width, out);
		iq_buf_puts(out, "  (");
		for (unsigned int f = 0; f < nr; f++)
			iq_buf_printf(out, "%s%s", f ? "|" : "", names[f]);
		if (!nr)
			text_unmapped(s, x->entry[i], out);
		iq_buf_puts(out, ")\n");
	}
}

static json_t *pte_json(struct session *s, const struct result *r)
{
	const struct pte_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const char *names[MAX_FLAGS];
		unsigned int nr = flags_of(s, x->entry[i], names);
		json_t *e = json_object(), *flags = json_array();
		struct iq_buf swap = {0};

		if (!nr && x->entry[i])
			text_unmapped(s, x->entry[i], &swap);
		for (unsigned int f = 0; f < nr; f++)
			json_array_append_new(flags, json_string(names[f]));
		json_object_set_new(e, "entry", json_address(x->entry[i]));
		json_object_set_new(e, "physical", nr ? json_address(page_of(s, x->entry[i])) : json_null());
		json_object_set_new(e, "flags", flags);
		json_object_set_new(e, "swap", swap.len ? json_string(iq_buf_str(&swap)) : json_null());
		iq_buf_free(&swap);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "entries", list);
	return o;
}

static const struct result_ops pte_ops = {pte_text, pte_json, pte_free};

static struct iq_error *run_pte(struct session *s, int argc, char **argv, struct result *r)
{
	struct pte_result *x;
	struct iq_error *err = NULL;
	struct iq_kernel *k;

	if (argc < 2)
		return iq_error_new(IQ_E_USAGE, "pte needs a page table entry");
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x || !(x->entry = calloc((size_t)argc, sizeof(*x->entry)))) {
		free(x);
		return iq_error_nomem();
	}
	for (int i = 1; i < argc && !err; i++) {
		if (!iq_parse_hex(argv[i], &x->entry[x->nr]))
			err = parse_address(s, argv[i], &x->entry[x->nr]);
		x->nr += !err;
	}
	if (err) {
		pte_free(x);
		return err;
	}
	*r = (struct result){&pte_ops, x};
	return NULL;
}

const struct command cmd_pte = {
	.name = "pte",
	.summary = "page table entries explained",
	.help = "pte ENTRY…\n"
		"\n"
		"The physical address and the flags in each page table entry (hexadecimal) of the last\n"
		"level; of one that maps nothing, where the page is: in a swap area, in migration, broken.\n"
		"\n"
		"  inquest> pte 8000000001234063\n",
	.run = run_pte,
	.no_context = true,
};

/* ---- ptov --------------------------------------------------------------------------------------- */

struct ptov_row {
	bool percpu;
	uint64_t physical; /* or the offset */
	uint64_t virtual; /* physical: 0, it is mapped nowhere that is known */
	unsigned int *cpu;
	unsigned int nr;
};

struct ptov_result {
	struct ptov_row *row;
	unsigned int nr;
};

static void ptov_free(void *data)
{
	struct ptov_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->row[i].cpu);
	free(x->row);
	free(x);
}

static void ptov_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct ptov_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct ptov_row *row = &x->row[i];

		if (i)
			iq_buf_putc(out, '\n');
		if (!row->percpu) {
			iq_buf_printf(out, "%-16s  %-16s\n", "VIRTUAL", "PHYSICAL");
			iq_buf_printf(out, "%016" PRIx64 "  %-16" PRIx64 "\n", row->virtual, row->physical);
			continue;
		}
		iq_buf_printf(out, "PER-CPU OFFSET: %" PRIx64 "\n  CPU    VIRTUAL         \n", row->physical);
		for (unsigned int c = 0; c < row->nr; c++) {
			uint64_t offset = 0;

			iq_percpu_offset(s->kernel, row->cpu[c], &offset);
			iq_buf_printf(out, "  [%u]  %016" PRIx64 "\n", row->cpu[c], offset + row->physical);
		}
	}
}

static json_t *ptov_json(struct session *s, const struct result *r)
{
	const struct ptov_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct ptov_row *row = &x->row[i];

		for (unsigned int c = 0; c < (row->percpu ? row->nr : 1); c++) {
			json_t *e = json_object();
			uint64_t offset = 0;

			if (row->percpu) {
				iq_percpu_offset(s->kernel, row->cpu[c], &offset);
				json_object_set_new(e, "offset", json_address(row->physical));
				json_object_set_new(e, "cpu", json_integer(row->cpu[c]));
				json_object_set_new(e, "virtual", json_address(offset + row->physical));
			} else {
				json_object_set_new(e, "physical", json_address(row->physical));
				json_object_set_new(e, "virtual", json_address(row->virtual));
			}
			json_array_append_new(list, e);
		}
	}
	json_object_set_new(o, "addresses", list);
	return o;
}

static const struct result_ops ptov_ops = {ptov_text, ptov_json, ptov_free};

static struct iq_error *one_row(struct session *s, const char *word, struct ptov_row *row)
{
	const struct iq_layout *l = &s->kernel->layout;
	const char *spec = cpuspec(word);

	if (spec) {
		char offset[32];

		row->percpu = true;
		snprintf(offset, sizeof(offset), "%.*s", (int)IQ_MIN((size_t)(spec - 1 - word), sizeof(offset) - 1),
			 word);
		if (!iq_parse_hex(offset, &row->physical))
			return iq_error_new(IQ_E_USAGE, "%s is not a hexadecimal offset", offset);
		return parse_cpus(s, spec, &row->cpu, &row->nr);
	}
	if (!iq_parse_hex(word, &row->physical))
		IQ_TRY(parse_address(s, word, &row->physical));
	if (!l->page_offset)
		return iq_error_new(IQ_E_UNAVAILABLE, "where this kernel maps physical memory is not known");
	if (iq_add_overflows(l->page_offset, row->physical, &row->virtual) ||
	    (l->page_offset_end && row->virtual > l->page_offset_end))
		return iq_error_new(IQ_E_USAGE, "0x%" PRIx64 " is beyond any physical memory", row->physical);
	return NULL;
}

static struct iq_error *run_ptov(struct session *s, int argc, char **argv, struct result *r)
{
	struct ptov_result *x;
	struct iq_error *err = NULL;
	struct iq_kernel *k;

	if (argc < 2)
		return iq_error_new(IQ_E_USAGE, "ptov needs a physical address, or OFFSET:CPUS");
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x || !(x->row = calloc((size_t)argc, sizeof(*x->row)))) {
		free(x);
		return iq_error_nomem();
	}
	for (int i = 1; i < argc && !err; i++) {
		err = one_row(s, argv[i], &x->row[x->nr]);
		x->nr++;
	}
	if (err) {
		ptov_free(x);
		return err;
	}
	*r = (struct result){&ptov_ops, x};
	return NULL;
}

const struct command cmd_ptov = {
	.name = "ptov",
	.summary = "physical to virtual addresses",
	.help = "ptov ADDRESS… | OFFSET:CPUS…\n"
		"\n"
		"The address in the kernel's direct map of each physical address; or, with CPUs behind\n"
		"a colon (0,2-3 or a for all), where a per-CPU offset is on each of them.\n"
		"\n"
		"  inquest> ptov 1234000\n"
		"  inquest> ptov 23fff0:a\n",
	.run = run_ptov,
	.no_context = true,
};
