/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction texts against GNU objdump's: reads `objdump -d -w` of any x86-64 ELF file from standard
 * input, disassembles the bytes of each line again and compares text and length.  Prints
 * "compared N, different M" and the first differences; exits with 1 if there is any.
 *
 *	objdump -d -w vmlinux | insn_text [-n DIFFERENCES-SHOWN]
 *
 * objdump writes targets as "ffffffff81000000 <symbol+0x10>"; the symbols are left out of the comparison,
 * and what is left must be our "0xffffffff81000000".
 */
#include <elf.h>
#include <getopt.h>
#include <inquest/arch.h>
#include <stdlib.h>

struct line {
	uint64_t address;
	uint8_t bytes[16];
	unsigned int length;
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

static bool same(const struct iq_arch *arch, const struct line *line, struct iq_buf *text)
{
	struct iq_insn insn;

	text->len = 0;
	iq_insn_text(arch, line->bytes, line->length, line->address, NULL, text);
	if (!iq_insn_decode(arch, line->bytes, line->length, line->address, &insn))
		return false;
	return insn.length == line->length && !strcmp(iq_buf_str(text), line->text);
}

int main(int argc, char **argv)
{
	const struct iq_arch *arch = iq_arch_by_machine(EM_X86_64);
	unsigned long compared = 0, different = 0, shown = 20;
	struct iq_buf text = { 0 };
	struct line line;
	char *s = NULL;
	size_t room = 0;
	int opt;

	while ((opt = getopt(argc, argv, "n:")) != -1)
		if (opt == 'n')
			shown = strtoul(optarg, NULL, 10);
	while (getline(&s, &room, stdin) > 0) {
		if (!parse_line(s, &line))
			continue;
		compared++;
		if (same(arch, &line, &text))
			continue;
		if (different++ >= shown)
			continue;
		printf("%llx:", (unsigned long long)line.address);
		for (unsigned int i = 0; i < line.length; i++)
			printf(" %02x", line.bytes[i]);
		printf("\n  objdump: %s\n  inquest: %s\n", line.text, iq_buf_str(&text));
	}
	printf("compared %lu, different %lu\n", compared, different);
	iq_buf_free(&text);
	free(s);
	return different || !compared;
}
