// SPDX-License-Identifier: GPL-2.0-or-later
/* "Did you mean": edit distance and the nearest candidates. */
#include <inquest/base.h>
#include <stdlib.h>

/* Longer words (after their common beginning and end) count as too far away. */
#define LONGEST 512

/*
 * Insertions, deletions, substitutions and transpositions of neighbours, each edited place once
 * ("optimal string alignment"): the usual slips of a typing hand count one each.
 */
unsigned int iq_distance(const char *a, const char *b, unsigned int max)
{
	uint16_t rows[3][LONGEST + 1], *two = rows[0], *one = rows[1], *row = rows[2], *spare;
	size_t alen, blen;

	while (*a && *a == *b)
		a++, b++;
	alen = strlen(a);
	blen = strlen(b);
	while (alen && blen && a[alen - 1] == b[blen - 1])
		alen--, blen--;
	if ((alen > blen ? alen - blen : blen - alen) > max || alen > LONGEST || blen > LONGEST)
		return max + 1;
	for (size_t j = 0; j <= blen; j++)
		one[j] = (uint16_t)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned int least;

		row[0] = (uint16_t)i;
		least = row[0];
		for (size_t j = 1; j <= blen; j++) {
			unsigned int d = one[j - 1] + (a[i - 1] != b[j - 1]);

			d = IQ_MIN(d, one[j] + 1u);
			d = IQ_MIN(d, row[j - 1] + 1u);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = IQ_MIN(d, two[j - 2] + 1u);
			row[j] = (uint16_t)d;
			least = IQ_MIN(least, d);
		}
		/* A transposition can continue from one row further back, at one more. */
		if (least > max && (i == 1 || least > max + 1))
			return max + 1;
		spare = two;
		two = one;
		one = row;
		row = spare;
	}
	return one[blen] > max ? max + 1 : one[blen];
}

void iq_nearest_offer(struct iq_nearest *n, const char *candidate)
{
	/* A third of the word may be wrong, but not so much that anything is near. */
	size_t len = strlen(n->word);
	unsigned int worst = (unsigned int)IQ_MIN(len / 3 + 1, 4), score, at;
	char *copy;

	if (n->best[IQ_NEAREST - 1])
		worst = IQ_MIN(worst, n->score[IQ_NEAREST - 1] - 1);
	score = iq_distance(n->word, candidate, worst);
	if (score > worst || score >= len)
		return;
	for (at = 0; at < IQ_NEAREST && n->best[at]; at++) {
		if (!strcmp(n->best[at], candidate))
			return;
	}
	copy = strdup(candidate);
	if (!copy)
		return;
	for (at = 0; at < IQ_NEAREST && n->best[at] && n->score[at] <= score; at++)
		;
	free(n->best[IQ_NEAREST - 1]);
	for (unsigned int i = IQ_NEAREST - 1; i > at; i--) {
		n->best[i] = n->best[i - 1];
		n->score[i] = n->score[i - 1];
	}
	n->best[at] = copy;
	n->score[at] = score;
}

struct iq_error *iq_nearest_hint(struct iq_nearest *n, struct iq_error *err)
{
	struct iq_buf text = {0};

	for (unsigned int i = 0; i < IQ_NEAREST && n->best[i]; i++) {
		bool last = i + 1 == IQ_NEAREST || !n->best[i + 1];

		iq_buf_printf(&text, "%s%s", i == 0 ? "" : last ? " or " : ", ", n->best[i]);
	}
	if (text.len && !text.failed)
		err = iq_error_hint(err, "did you mean %s?", iq_buf_str(&text));
	iq_buf_free(&text);
	for (unsigned int i = 0; i < IQ_NEAREST; i++) {
		free(n->best[i]);
		n->best[i] = NULL;
		n->score[i] = 0;
	}
	return err;
}
