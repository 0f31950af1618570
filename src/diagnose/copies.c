// SPDX-License-Identifier: GPL-2.0-or-later
/* Copies: where else in memory the same bytes are; who holds the original has had them in hand. */
#include "value.h"

#include <inquest/owner.h>
#include <inquest/search.h>
#include <inttypes.h>
#include <time.h>

#define COPIES_MOST 6u
#define LEN_MOST 48u
/* Seconds for one search; what was found by then is told. */
#define SECONDS 0.25

struct copies {
	uint64_t here, found[COPIES_MOST];
	unsigned int nr;
	struct iq_cancel cancel;
	struct timespec start;
};

static bool hit(void *arg, uint64_t physical, uint64_t word)
{
	struct copies *x = arg;

	(void)word;
	if (physical == x->here)
		return true;
	x->found[x->nr++] = physical;
	return x->nr < COPIES_MOST;
}

static void progress(void *arg, uint64_t pfn, uint64_t end_pfn)
{
	struct copies *x = arg;
	struct timespec now;

	(void)pfn;
	(void)end_pfn;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((double)(now.tv_sec - x->start.tv_sec) +
		    (double)(now.tv_nsec - x->start.tv_nsec) / 1e9 >
	    SECONDS)
		x->cancel.stop = 1;
}

static void tell(struct iq_case *c, struct iq_finding *f, uint64_t physical)
{
	struct iq_buf line = {0};
	struct iq_page_owner owner;
	struct iq_whatis w;

	iq_whatis(c->describer, physical, true, &w);
	iq_whatis_line(c->k, &w, &line);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w.virtual ? w.virtual : physical,
			    iq_buf_str(&line), "the same bytes");
	if (w.has_page && iq_page_owner(c->k, &w.page, &owner)) {
		if (owner.kind == IQ_OWNER_FILE && owner.path && *owner.path)
			iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, owner.inode, owner.path,
					    "that page is of this file");
		iq_page_owner_free(&owner);
	}
	iq_buf_free(&line);
}

struct iq_error *iq_copies_explain(struct iq_case *c, struct iq_finding *f, const uint8_t *bytes,
				   size_t len, uint64_t here)
{
	struct copies x = {.nr = 0};
	struct iq_search search = {
		.pattern = (const char *)bytes,
		.pattern_len = IQ_MIN(len, LEN_MOST),
		.cancel = &x.cancel,
		.arg = &x,
		.hit = hit,
		.progress = progress,
	};
	struct iq_error *err;
	bool same = true;

	for (size_t i = 1; i < search.pattern_len; i++)
		same &= bytes[i] == bytes[0];
	if (same || search.pattern_len < 8 ||
	    iq_vm_translate(c->k->vm, here, &x.here, NULL) != IQ_MEM_OK)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &x.start);
	err = iq_search(c->k->dump, &search);
	/* Out of time is no error. */
	if (err && err->code == IQ_E_NOMEM)
		return err;
	iq_error_free(err);
	for (unsigned int i = 0; i < x.nr; i++)
		tell(c, f, x.found[i]);
	return NULL;
}
