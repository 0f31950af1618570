// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Line tables: the program of a unit is run once, into rows, which are kept with the unit (DWARF 5,
 * chapter 6.2).
 */
#include "dwarf_read.h"
#include <stdlib.h>

/* A unit of a kernel has some ten thousand rows. */
#define ROWS_MAX (8U << 20)

struct row {
	uint64_t address;
	uint32_t file, line;
};

/* Rows by rising address; the last says only where the sequence ends. */
struct sequence {
	uint64_t start, end;
	unsigned int first, nr;
};

struct file {
	const char *name;
	uint64_t dir;
};

struct iq_dw_lines {
	struct row *rows;
	unsigned int nr_rows, room_rows;
	struct sequence *sequences; /* by start */
	unsigned int nr_sequences, room_sequences;
	const char **dirs;
	unsigned int nr_dirs, room_dirs;
	struct file *files; /* numbered as in the program */
	unsigned int nr_files, room_files;
};

struct header {
	unsigned int version, offset_size, address_size;
	unsigned int min_length, opcode_base;
	int line_base;
	unsigned int line_range;
	uint8_t operands[256]; /* of standard opcodes */
};

void iq_dw_lines_free(struct iq_dw_lines *lines)
{
	if (!lines)
		return;
	free(lines->rows);
	free(lines->sequences);
	free(lines->dirs);
	free(lines->files);
	free(lines);
}

/* ---- Directories and files ------------------------------------------------------------------- */

static bool add_dir(struct iq_dw_lines *t, const char *dir)
{
	if (!iq_grow(&t->dirs, &t->room_dirs, t->nr_dirs + 1, sizeof(*t->dirs)))
		return false;
	t->dirs[t->nr_dirs++] = dir;
	return true;
}

static bool add_file(struct iq_dw_lines *t, const char *name, uint64_t dir)
{
	if (!iq_grow(&t->files, &t->room_files, t->nr_files + 1, sizeof(*t->files)))
		return false;
	t->files[t->nr_files++] = (struct file){name, dir};
	return true;
}

/* Versions 2 to 4: numbers begin with 1; directory 0 is the compilation directory. */
static bool read_old_files(struct iq_dw_cursor *c, struct iq_dw_lines *t)
{
	if (!add_dir(t, "") || !add_file(t, NULL, 0))
		return false;
	for (;;) {
		const char *dir = iq_dw_str(c);

		if (c->bad || !*dir)
			break;
		if (!add_dir(t, dir))
			return false;
	}
	for (;;) {
		const char *name = iq_dw_str(c);
		uint64_t dir;

		if (c->bad || !*name)
			return !c->bad;
		dir = iq_dw_uleb(c);
		iq_dw_uleb(c); /* time */
		iq_dw_uleb(c); /* size */
		if (!add_file(t, name, dir))
			return false;
	}
}

static const char *string_at(const struct iq_dw_unit *u, enum iq_dw_section s, uint64_t offset)
{
	return iq_dwarf_string(u->dwarf, s, iq_dw_offset(u, s, offset));
}

/* One column of version 5's tables; what it says goes to *NAME or *DIR. */
static void read_column(const struct iq_dw_unit *u, const struct header *h, struct iq_dw_cursor *c,
			uint64_t content, uint64_t form, const char **name, uint64_t *dir)
{
	const char *string = NULL;
	uint64_t number = 0;

	switch (form) {
	case DW_FORM_string:
		string = iq_dw_str(c);
		break;
	case DW_FORM_line_strp:
		string = string_at(u, IQ_DW_LINE_STR, iq_dw_uint(c, h->offset_size));
		break;
	case DW_FORM_strp:
		string = string_at(u, IQ_DW_STR, iq_dw_uint(c, h->offset_size));
		break;
	case DW_FORM_udata:
		number = iq_dw_uleb(c);
		break;
	case DW_FORM_data1:
		number = iq_dw_uint(c, 1);
		break;
	case DW_FORM_data2:
		number = iq_dw_uint(c, 2);
		break;
	case DW_FORM_data4:
		number = iq_dw_uint(c, 4);
		break;
	case DW_FORM_data8:
		number = iq_dw_uint(c, 8);
		break;
	case DW_FORM_data16:
		iq_dw_skip(c, 16);
		break;
	case DW_FORM_block:
		iq_dw_skip(c, iq_dw_uleb(c));
		break;
	default:
		c->bad = true;
	}
	if (content == DW_LNCT_path)
		*name = string;
	else if (content == DW_LNCT_directory_index)
		*dir = number;
}

/* Version 5's table of directories or of files. */
static bool read_table(const struct iq_dw_unit *u, const struct header *h, struct iq_dw_cursor *c,
		       struct iq_dw_lines *t, bool files)
{
	unsigned int columns = (unsigned int)iq_dw_uint(c, 1);
	uint64_t content[255], form[255], nr;

	for (unsigned int i = 0; i < columns; i++) {
		content[i] = iq_dw_uleb(c);
		form[i] = iq_dw_uleb(c);
	}
	nr = iq_dw_uleb(c);
	/* Every column takes at least a byte. */
	if (c->bad || (nr && !columns) || nr > (uint64_t)(c->end - c->p))
		return false;
	for (uint64_t i = 0; i < nr; i++) {
		const char *name = NULL;
		uint64_t dir = 0;

		for (unsigned int j = 0; j < columns; j++)
			read_column(u, h, c, content[j], form[j], &name, &dir);
		if (c->bad || !(files ? add_file(t, name, dir) : add_dir(t, name ? name : "")))
			return false;
	}
	return true;
}

/* ---- The program ----------------------------------------------------------------------------- */

struct machine {
	const struct header *h;
	struct iq_dw_lines *t;
	uint64_t address, file, line;
	unsigned int first; /* row of the current sequence */
};

static bool emit(struct machine *m)
{
	struct iq_dw_lines *t = m->t;

	if (t->nr_rows >= ROWS_MAX ||
	    !iq_grow(&t->rows, &t->room_rows, t->nr_rows + 1, sizeof(*t->rows)))
		return false;
	t->rows[t->nr_rows++] = (struct row){
		.address = m->address,
		.file = m->file > UINT32_MAX ? UINT32_MAX : (uint32_t)m->file,
		.line = m->line > UINT32_MAX ? 0 : (uint32_t)m->line,
	};
	return true;
}

static void reset(struct machine *m)
{
	m->address = 0;
	m->file = 1;
	m->line = 1;
	m->first = m->t->nr_rows;
}

static bool end_sequence(struct machine *m)
{
	struct iq_dw_lines *t = m->t;
	unsigned int nr = t->nr_rows - m->first;

	if (nr && t->rows[m->first].address < m->address) {
		if (!iq_grow(&t->sequences, &t->room_sequences, t->nr_sequences + 1,
			     sizeof(*t->sequences)))
			return false;
		t->sequences[t->nr_sequences++] =
			(struct sequence){.start = t->rows[m->first].address,
					  .end = m->address,
					  .first = m->first,
					  .nr = nr};
	}
	reset(m);
	return true;
}

static bool extended(struct machine *m, struct iq_dw_cursor *c)
{
	uint64_t len = iq_dw_uleb(c);
	struct iq_dw_cursor body = *c;

	iq_dw_skip(c, len);
	if (c->bad || !len)
		return !c->bad;
	body.end = c->p;
	switch (iq_dw_uint(&body, 1)) {
	case DW_LNE_end_sequence:
		return end_sequence(m);
	case DW_LNE_set_address:
		m->address = iq_dw_uint(&body, (unsigned int)(len - 1));
		return !body.bad;
	default:
		return true;
	}
}

static bool standard(struct machine *m, struct iq_dw_cursor *c, unsigned int opcode)
{
	const struct header *h = m->h;

	switch (opcode) {
	case DW_LNS_copy:
		return emit(m);
	case DW_LNS_advance_pc:
		m->address += iq_dw_uleb(c) * h->min_length;
		return true;
	case DW_LNS_advance_line:
		m->line += (uint64_t)iq_dw_sleb(c);
		return true;
	case DW_LNS_set_file:
		m->file = iq_dw_uleb(c);
		return true;
	case DW_LNS_const_add_pc:
		m->address += (uint64_t)((255 - h->opcode_base) / h->line_range) * h->min_length;
		return true;
	case DW_LNS_fixed_advance_pc:
		m->address += iq_dw_uint(c, 2);
		return true;
	default:
		for (unsigned int i = 0; i < h->operands[opcode]; i++)
			iq_dw_uleb(c);
		return true;
	}
}

static bool run(const struct header *h, struct iq_dw_cursor *c, struct iq_dw_lines *t)
{
	struct machine m = {.h = h, .t = t};

	reset(&m);
	while (c->p < c->end) {
		unsigned int opcode = (unsigned int)iq_dw_uint(c, 1);
		bool good;

		if (opcode >= h->opcode_base) {
			unsigned int special = opcode - h->opcode_base;

			m.address += (uint64_t)(special / h->line_range) * h->min_length;
			m.line +=
				(uint64_t)(int64_t)(h->line_base + (int)(special % h->line_range));
			good = emit(&m);
		} else {
			good = opcode ? standard(&m, c, opcode) : extended(&m, c);
		}
		if (!good || c->bad)
			return false;
	}
	return true;
}

/* ---- The table of a unit --------------------------------------------------------------------- */

static int by_start(const void *pa, const void *pb)
{
	const struct sequence *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* The header up to the tables; C ends with the unit, *PROGRAM is where the program begins. */
static bool read_header(struct iq_dw_cursor *c, struct header *h, const uint8_t **program)
{
	uint64_t length;

	if (!iq_dw_unit_length(c, &h->offset_size))
		return false;
	h->version = (unsigned int)iq_dw_uint(c, 2);
	if (h->version < 2 || h->version > 5)
		return false;
	if (h->version >= 5) {
		h->address_size = (unsigned int)iq_dw_uint(c, 1);
		iq_dw_uint(c, 1); /* segment selectors */
	}
	length = iq_dw_uint(c, h->offset_size);
	if (c->bad || length > (uint64_t)(c->end - c->p))
		return false;
	*program = c->p + length;
	h->min_length = (unsigned int)iq_dw_uint(c, 1);
	if (h->version >= 4)
		iq_dw_uint(c, 1); /* operations of one instruction word */
	iq_dw_uint(c, 1); /* default_is_stmt */
	h->line_base = (int8_t)iq_dw_uint(c, 1);
	h->line_range = (unsigned int)iq_dw_uint(c, 1);
	h->opcode_base = (unsigned int)iq_dw_uint(c, 1);
	for (unsigned int i = 1; i < h->opcode_base; i++)
		h->operands[i] = (uint8_t)iq_dw_uint(c, 1);
	return !c->bad && h->line_range && h->opcode_base;
}

static bool read_lines(struct iq_dw_unit *u, struct iq_dw_lines *t)
{
	struct iq_dwarf *d = u->dwarf;
	struct iq_dw_cursor c = iq_dw_cursor(d, IQ_DW_LINE, u->lines, UINT64_MAX), program;
	const uint8_t *start;
	struct header h = {0};
	bool good;

	if (c.bad || !read_header(&c, &h, &start))
		return false;
	iq_dwarf_relocate(d, IQ_DW_LINE, u->lines,
			  (uint64_t)(c.end - d->section[IQ_DW_LINE].data) - u->lines);
	program = (struct iq_dw_cursor){.p = start, .end = c.end};
	c.end = start;
	if (h.version >= 5)
		good = read_table(u, &h, &c, t, false) && read_table(u, &h, &c, t, true);
	else
		good = read_old_files(&c, t);
	/* What was understood before a damaged byte is still true. */
	if (good)
		run(&h, &program, t);
	if (t->nr_sequences)
		qsort(t->sequences, t->nr_sequences, sizeof(*t->sequences), by_start);
	return good;
}

static const struct iq_dw_lines *lines_of(struct iq_dw_unit *u)
{
	if (!u->line_table) {
		u->line_table = calloc(1, sizeof(*u->line_table));
		if (u->line_table && u->has_lines && !read_lines(u, u->line_table)) {
			u->line_table->nr_files = 0;
			u->line_table->nr_sequences = 0;
		}
	}
	return u->line_table;
}

const char *iq_dw_file(struct iq_dw_unit *u, uint64_t number)
{
	const struct iq_dw_lines *t = lines_of(u);
	const struct file *file;

	if (!t || number >= t->nr_files)
		return NULL;
	file = &t->files[number];
	if (!file->name || !*file->name)
		return NULL;
	/*
	 * Version 5's directory 0 is the compilation directory, as it was when the unit was
	 * assembled.
	 */
	if (!file->dir || file->dir >= t->nr_dirs)
		return iq_dw_source_path(u->dwarf, u->comp_dir, "", file->name);
	return iq_dw_source_path(u->dwarf, u->comp_dir, t->dirs[file->dir], file->name);
}

/* The row of ADDRESS in a sequence: the last one at or below it. */
static const struct row *row_in(const struct iq_dw_lines *t, const struct sequence *s,
				uint64_t address)
{
	unsigned int low = s->first, high = s->first + s->nr;

	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (t->rows[mid].address <= address)
			low = mid;
		else
			high = mid;
	}
	return &t->rows[low];
}

static const struct row *row_of(const struct iq_dw_lines *t, uint64_t address)
{
	unsigned int low = 0, high = t->nr_sequences;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (t->sequences[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0) {
		if (address < t->sequences[low].end)
			return row_in(t, &t->sequences[low], address);
	}
	return NULL;
}

bool iq_dw_line(struct iq_dw_unit *u, uint64_t address, const char **file, unsigned int *line)
{
	const struct iq_dw_lines *t = lines_of(u);
	const struct row *row = t ? row_of(t, address) : NULL;
	const char *path;

	if (!row || !row->line)
		return false;
	path = iq_dw_file(u, row->file);
	if (!path)
		return false;
	*file = path;
	*line = row->line;
	return true;
}
