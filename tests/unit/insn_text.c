// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instruction texts against GNU objdump's: reads `objdump -d -w` of any x86-64 ELF file from
 * standard input, disassembles the bytes of each line again and compares text and length.  Prints
 * "compared N, different M" and the first differences; exits with 1 if there is any.
 *
 *	objdump -d -w vmlinux | insn_text [-n DIFFERENCES-SHOWN]
 *
 * objdump writes targets as "ffffffff81000000 <symbol+0x10>"; the symbols are left out of the
 * comparison, and what is left must be our "0xffffffff81000000".
 */
#include <elf.h>
#include <getopt.h>
#include <inquest/arch.h>
#include <stdlib.h>

/* Lines read ahead: an instruction is shown more than its own bytes, as it would be in memory. */
#define WINDOW 16

struct line {
	uint64_t address;
	uint8_t bytes[16];
	unsigned int length;
	bool first; /* of a symbol: objdump never shows it more than the bytes before */
	char text[512];
};

static bool parse_bytes(const char *s, const char *end, struct line *line)
{
	line->length = 0;
	while (s < end) {
		unsigned int byte;

		if (*s == ' ') {
			s++;
			continue;
		}
		if (line->length == sizeof(line->bytes) || sscanf(s, "%2x", &byte) != 1)
			return false;
		line->bytes[line->length++] = (uint8_t)byte;
		s += 2;
	}
	return line->length;
}

/* Is this a number that objdump writes without 0x: an address in front of a symbol? */
static size_t bare_address(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n && (s[n] == '\0' || s[n] == '\n' || !strncmp(s + n, " <", 2)) ? n : 0;
}

/* objdump's text in our notation: no symbols, 0x before addresses, no blanks at the end. */
static void normalise(const char *s, char *out, size_t room)
{
	size_t n = 0;
	bool word_start = false;

	while (*s && *s != '\n' && n + 4 < room) {
		if (*s == '<') {
			/* Names of C++ functions nest. */
			const char *end = strrchr(s, '>');

			if (!end)
				break;
			s = end + 1;
			continue;
		}
		if (word_start && bare_address(s)) {
			out[n++] = '0';
			out[n++] = 'x';
		}
		word_start = *s == ' ';
		out[n++] = *s++;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static bool parse_line(char *s, struct line *line)
{
	char *colon = strchr(s, ':'), *tab;

	if (*s != ' ' && !strchr("0123456789abcdef", *s))
		return false;
	if (!colon || colon[1] != '\t')
		return false;
	line->address = strtoull(s, NULL, 16);
	tab = strchr(colon + 2, '\t');
	if (!tab || !parse_bytes(colon + 2, tab, line))
		return false;
	normalise(tab + 1, line->text, sizeof(line->text));
	return true;
}

/* The bytes from the first of NR lines on, as far as the lines are contiguous. */
static size_t gather(const struct line *const *lines, unsigned int nr, uint8_t *code)
{
	uint64_t next = lines[0]->address;
	size_t n = 0;

	for (unsigned int i = 0; i < nr && lines[i]->address == next; i++) {
		if (i && lines[i]->first)
			break;
		memcpy(code + n, lines[i]->bytes, lines[i]->length);
		n += lines[i]->length;
		next += lines[i]->length;
	}
	return n;
}

static bool same(const struct iq_arch *arch, const struct line *const *lines, unsigned int nr,
		 struct iq_buf *text)
{
	uint8_t code[WINDOW * sizeof(lines[0]->bytes)];
	size_t len = gather(lines, nr, code);
	struct iq_insn insn;

	text->len = 0;
	iq_insn_text(arch, code, len, lines[0]->address, NULL, text);
	if (!iq_insn_decode(arch, code, len, lines[0]->address, &insn))
		return false;
	return insn.length == lines[0]->length && !strcmp(iq_buf_str(text), lines[0]->text);
}

struct counts {
	unsigned long compared, different, shown;
};

static void compare(const struct iq_arch *arch, const struct line *const *lines, unsigned int nr,
		    struct iq_buf *text, struct counts *counts)
{
	const struct line *line = lines[0];

	counts->compared++;
	if (same(arch, lines, nr, text) || counts->different++ >= counts->shown)
		return;
	printf("%llx:", (unsigned long long)line->address);
	for (unsigned int i = 0; i < line->length; i++)
		printf(" %02x", line->bytes[i]);
	printf("\n  objdump: %s\n  inquest: %s\n", line->text, iq_buf_str(text));
}

int main(int argc, char **argv)
{
	const struct iq_arch *arch = iq_arch_by_machine(EM_X86_64);
	struct counts counts = {.shown = 20};
	static struct line lines[WINDOW];
	const struct line *window[WINDOW];
	unsigned int nr = 0, first = 0;
	struct iq_buf text = {0};
	char *s = NULL;
	size_t room = 0;
	bool more = true, symbol = false;
	int opt;

	while ((opt = getopt(argc, argv, "n:")) != -1)
		if (opt == 'n')
			counts.shown = strtoul(optarg, NULL, 10);
	while (more || nr) {
		while (nr < WINDOW && (more = getline(&s, &room, stdin) > 0))
			if (parse_line(s, &lines[(first + nr) % WINDOW])) {
				lines[(first + nr) % WINDOW].first = symbol;
				symbol = false;
				nr++;
			} else {
				symbol = true;
			}
		if (!nr)
			break;
		for (unsigned int i = 0; i < nr; i++)
			window[i] = &lines[(first + i) % WINDOW];
		compare(arch, window, nr, &text, &counts);
		first = (first + 1) % WINDOW;
		nr--;
	}
	printf("compared %lu, different %lu\n", counts.compared, counts.different);
	iq_buf_free(&text);
	free(s);
	return counts.different || !counts.compared;
}
