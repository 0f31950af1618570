// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All rows of call frame information of a debug file:
 *
 *	cfi_rows FILE [SECTION=ADDRESS…]
 *
 * prints "start end cfa register=rule…" for each, as readelf abbreviates rules: c-16 saved at
 * CFA - 16, v+8 is CFA + 8, u undefined, s the same, rN in a register, exp, vexp.  Those without a
 * rule are left out.  A module's rows have the addresses given for its sections.
 */
#include <inquest/cfi.h>
#include <stdlib.h>

struct context {
	struct iq_debugfile *f;
	unsigned long rows, failed;
};

static void show_rule(const struct iq_cfi_rule *r)
{
	switch (r->how) {
	case IQ_CFI_UNDEFINED:
		printf("u");
		break;
	case IQ_CFI_SAME:
		printf("s");
		break;
	case IQ_CFI_OFFSET:
		printf("c%+lld", (long long)r->offset);
		break;
	case IQ_CFI_VAL_OFFSET:
		printf("v%+lld", (long long)r->offset);
		break;
	case IQ_CFI_REGISTER:
		printf("r%u", r->reg);
		break;
	case IQ_CFI_EXPRESSION:
		printf("exp");
		break;
	case IQ_CFI_VAL_EXPRESSION:
		printf("vexp");
		break;
	case IQ_CFI_UNSPECIFIED:
		break;
	}
}

static void show(const struct iq_cfi_row *row)
{
	printf("%llx %llx ", (unsigned long long)row->start, (unsigned long long)row->end);
	show_rule(&row->cfa);
	if (row->cfa.how == IQ_CFI_REGISTER)
		printf("%+lld", (long long)row->cfa.offset);
	for (unsigned int i = 0; i < IQ_CFI_REGISTERS; i++) {
		if (row->reg[i].how == IQ_CFI_UNSPECIFIED)
			continue;
		printf(i == row->return_register ? " ra=" : " %u=", i);
		show_rule(&row->reg[i]);
	}
	printf("%s%s\n", row->signal_frame ? " signal" : "", row->ra_signed ? " signed" : "");
}

static bool each(void *arg, uint64_t start, uint64_t end)
{
	struct context *c = arg;
	struct iq_cfi_row row;

	/* Here a module's sections all lie where the file has them: SECTION << 32. */
	for (uint64_t a = start; a < end; a = row.end) {
		if (!iq_debugfile_cfi(c->f, a, &row) || row.end <= a || row.start > a) {
			c->failed++;
			printf("%llx failed\n", (unsigned long long)a);
			break;
		}
		show(&row);
		c->rows++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct context c = {0};
	struct iq_error *err = argc < 2 ? iq_error_new(IQ_E_USAGE, "usage: cfi_rows FILE")
					: iq_debugfile_open(argv[1], &c.f);

	for (int i = 2; !err && i < argc; i++) {
		char *value = strrchr(argv[i], '=');
		uint64_t address;

		if (!value || !iq_parse_hex(value + 1, &address))
			return 2;
		*value = '\0';
		err = iq_debugfile_set_section(c.f, argv[i], address);
	}
	if (err) {
		fprintf(stderr, "cfi_rows: %s\n", err->message);
		iq_error_free(err);
		iq_debugfile_close(c.f);
		return 2;
	}
	iq_debugfile_each_cfi(c.f, each, &c);
	fprintf(stderr, "%lu rows, %lu failed\n", c.rows, c.failed);
	iq_debugfile_close(c.f);
	return c.failed != 0;
}
