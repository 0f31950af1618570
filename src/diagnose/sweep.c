// SPDX-License-Identifier: GPL-2.0-or-later
/* The sweep as a whole, and the looks at one place. */
#include "sweep.h"
#include "value.h"

#include <inttypes.h>

static void hand_out(struct iq_case *c, const struct iq_finding **ret, unsigned int *nr)
{
	struct iq_finding *list = c->analysis.findings;

	*nr = c->analysis.nr_findings;
	*ret = list;
	/* The surest first; otherwise as they were found. */
	for (unsigned int i = 1; i < *nr; i++) {
		struct iq_finding f = list[i];
		unsigned int at = i, rank = f.alternative ? 0 : 1 + f.confidence;

		for (;
		     at > 0 && (list[at - 1].alternative ? 0 : 1 + list[at - 1].confidence) < rank;
		     at--)
			list[at] = list[at - 1];
		list[at] = f;
	}
}

struct iq_error *iq_sweep(struct iq_case *c, struct iq_sweep *s, const struct iq_finding **ret,
			  unsigned int *nr)
{
	static const struct {
		unsigned int part;
		struct iq_error *(*look)(struct iq_case *c, struct iq_sweep *s);
	} parts[] = {
		{IQ_SWEEP_SLABS, iq_sweep_slabs},   {IQ_SWEEP_BUDDY, iq_sweep_buddy},
		{IQ_SWEEP_PAGES, iq_sweep_pages},
		{IQ_SWEEP_LISTS, iq_sweep_lists},   {IQ_SWEEP_TREES, iq_sweep_trees},
		{IQ_SWEEP_STACKS, iq_sweep_stacks}, {IQ_SWEEP_TEXT, iq_sweep_text},
	};
	unsigned int wanted = s->parts;
	struct iq_error *err = NULL;

	*s = (struct iq_sweep){.parts = 0};
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(parts) && !err; i++) {
		if (!(wanted & parts[i].part))
			continue;
		if (iq_cancelled(c->cancel)) {
			err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
			break;
		}
		err = parts[i].look(c, s);
		if (!err) {
			s->parts |= parts[i].part;
		} else if (err->code != IQ_E_INTERRUPTED && err->code != IQ_E_NOMEM) {
			/* What this part needs is not there: the others go on. */
			iq_error_free(err);
			err = NULL;
		}
	}
	hand_out(c, ret, nr);
	return err;
}

struct iq_error *iq_explain(struct iq_case *c, uint64_t address, const struct iq_type *type,
			    const struct iq_finding **ret, unsigned int *nr)
{
	struct iq_suspect s = {.has_address = true, .address = address, .type = type, .bad = true};
	uint8_t bytes[8];

	IQ_TRY(iq_vm_read_or(c->k->vm, address, bytes, sizeof(bytes), "the value"));
	s.value = iq_le64(bytes);
	s.name = iq_case_text(c, "*(u64 *)0x%" PRIx64, address);
	IQ_TRY(iq_value_explain(c, &s));
	hand_out(c, ret, nr);
	return NULL;
}

#define LIKENESSES 8u

struct iq_error *iq_explain_bytes(struct iq_case *c, const uint8_t *bytes, size_t len,
				  const struct iq_finding **ret, unsigned int *nr)
{
	struct iq_payload m[LIKENESSES];
	unsigned int found = iq_payload_find(bytes, len, 0, len, m, LIKENESSES);

	for (unsigned int i = 0; i < found; i++) {
		struct iq_finding *f =
			iq_case_finding(c, m[i].format, IQ_CLASS_NONE,
					m[i].bits >= IQ_PAYLOAD_STRONG ? IQ_CONFIDENCE_LIKELY
								       : IQ_CONFIDENCE_POSSIBLE,
					"%s", m[i].text);

		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, 0, iq_case_text(c, "%u", m[i].bits),
				    "bytes %zu to %zu, worth this many bits", m[i].offset,
				    m[i].offset + m[i].len - 1);
	}
	*nr = c->analysis.nr_findings;
	*ret = c->analysis.findings;
	return NULL;
}
