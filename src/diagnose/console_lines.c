/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a log without time stamps, levels, caller ids, the names of hosts and programs, colours. */
#include "console.h"

#include <ctype.h>
#include <stdlib.h>

#define LINES_MOST 4000000u

static size_t digits(const char *s)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]))
		n++;
	return n;
}

/* ESC [ … letter; other control characters are dropped one by one. */
static size_t escape_length(const char *s, size_t len)
{
	size_t i = 1;

	if (s[0] != '\033')
		return 0;
	if (len > 1 && s[1] == '[') {
		for (i = 2; i < len && (isdigit((unsigned char)s[i]) || strchr(";?=", s[i])); i++)
			;
		return i < len ? i + 1 : i;
	}
	return len > 1 ? 2 : 1;
}

/* "<4>", "<14>" */
static const char *after_level(const char *s)
{
	size_t n = s[0] == '<' ? digits(s + 1) : 0;

	return n && n <= 3 && s[n + 1] == '>' ? s + n + 2 : s;
}

/* "kern  :emerg : " of dmesg -x */
static const char *after_decoded(const char *s)
{
	const char *p = s;
	size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");

	if (!n || n > 8 || strncmp(s, "kern", 4))
		return s;
	p += n;
	p += strspn(p, " ");
	if (*p++ != ':')
		return s;
	n = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (!n || n > 7)
		return s;
	p += n;
	p += strspn(p, " ");
	if (*p++ != ':')
		return s;
	return p + strspn(p, " ");
}

/* "4,1234,5678910,-;" and "6,339,5140900,-,caller=T1;" of extended netconsole and /dev/kmsg */
static const char *after_kmsg(const char *s, char *caller, size_t room)
{
	const char *p = s, *semicolon, *id;

	for (int i = 0; i < 3; i++) {
		size_t n = digits(p);

		if (!n || n > 20 || p[n] != ',')
			return s;
		p += n + 1;
	}
	semicolon = strchr(p, ';');
	if (!semicolon || semicolon - p > 60 || (*p != '-' && *p != 'c' && *p != 'h' && *p != '+'))
		return s;
	id = strstr(p, "caller=");
	if (id && id < semicolon)
		snprintf(caller, room, "%.*s", (int)IQ_MIN((size_t)(semicolon - id - 7), room - 1), id + 7);
	return semicolon + 1;
}

/* "[   12.345678]", "[   12.345678][ T1234]", "[   12.345678] [ T1234]", "[Tue Nov 22 09:01:59 2026]", "[T1]" */
static const char *after_bracket(const char *s, char *caller, size_t room)
{
	const char *p = s + 1, *end = s[0] == '[' ? strchr(s, ']') : NULL;
	size_t len;

	if (!end || end - s > 40)
		return s;
	p += strspn(p, " ");
	len = (size_t)(end - p);
	if ((*p == 'T' || *p == 'C') && len > 1 && digits(p + 1) == len - 1) {
		snprintf(caller, room, "%.*s", (int)IQ_MIN(len, room - 1), p);
		return end + 1;
	}
	if (digits(p) && p[digits(p)] == '.') {
		const char *after = p + digits(p) + 1;

		after += digits(after);
		/* "[  12.345678@0]", "[  12.345678,1]", "[  12.345678 0]" of vendors' kernels */
		return after == end || strchr("@,/ |", *after) ? end + 1 : s;
	}
	/* a date: it has two colons between digits */
	if (isalpha((unsigned char)*p) && len >= 19 && memchr(p, ':', len) && isdigit((unsigned char)end[-1]))
		return end + 1;
	if (len >= 19 && digits(p) == 4 && p[4] == '-')
		return end + 1;
	return s;
}

/* "60836.026949] ", of which somebody has cut the bracket off */
static const char *after_cut_bracket(const char *s)
{
	size_t n = digits(s), m = n && s[n] == '.' ? digits(s + n + 1) : 0;

	return m == 6 && s[n + 7] == ']' ? s + n + 8 : s;
}

/*
 * "Nov 22 09:01:59 host kernel: ", "2026-11-22T09:01:59.123456+00:00 host kernel: ", "host kernel: ": whatever a logger
 * writes, the kernel's own text is behind "kernel: ".
 */
static const char *after_syslog(const char *s)
{
	static const char *const months[] = { "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ",
					      "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec " };
	const char *kernel = strstr(s, "kernel: ");
	bool dated = digits(s) == 4 && s[4] == '-';

	for (size_t i = 0; i < IQ_ARRAY_SIZE(months); i++)
		dated |= !strncmp(s, months[i], 4);
	if (kernel && kernel - s < 100 && (dated || kernel == s))
		return kernel + strlen("kernel: ");
	/* what syslogd writes to all terminals */
	if (!strncmp(s, "kernel:[", 8))
		return s + strlen("kernel:");
	/* "Nov 22 09:01:59 " and nothing more */
	if (dated && strlen(s) > 16 && s[6] == ' ' && digits(s + 7) == 2 && s[9] == ':' && digits(s + 10) == 2 && s[12] == ':' &&
	    digits(s + 13) >= 2 && strchr(s + 13, ' '))
		return strchr(s + 13, ' ') + 1;
	return s;
}

/* "12:34:56 ", "2026-11-22 12:34:56.789 ", "2026-11-22T12:34:56Z ": of those who watch a serial line */
static const char *after_watch(const char *s)
{
	const char *p = s;
	size_t n;

	if (digits(p) == 4 && p[4] == '-' && digits(p + 5) == 2 && p[7] == '-' && digits(p + 8) == 2 &&
	    p[10])
		p += 11;
	if (p > s && !isdigit((unsigned char)*p))
		return s;
	if (digits(p) != 2 || p[2] != ':' || digits(p + 3) != 2 || p[5] != ':' || digits(p + 6) != 2)
		return s;
	n = strspn(p, "0123456789:.,+-Z");
	return p[n] == ' ' || p[n] == '\t' ? p + n + 1 : s;
}

static const char *strip(const char *s, char *caller, size_t room)
{
	caller[0] = '\0';
	for (unsigned int i = 0; i < 8; i++) {
		const char *before = s;

		s += strspn(s, " \t");
		s = after_level(s);
		s = after_kmsg(s, caller, room);
		s = after_syslog(s);
		s = after_watch(s);
		s = after_decoded(s);
		s = after_bracket(s, caller, room);
		s = after_cut_bracket(s);
		if (s == before || (s > before && strspn(before, " \t") == (size_t)(s - before)))
			break;
	}
	return s + strspn(s, " \t");
}

struct iq_error *iq_console_lines(const char *text, size_t len, struct console_text *ret)
{
	struct console_text t = { 0 };
	unsigned int number = 0;
	char *to;

	t.text = malloc(len + 1);
	if (!t.text)
		return iq_error_nomem();
	to = t.text;
	for (size_t i = 0; i < len && t.nr < LINES_MOST;) {
		char *start = to;
		struct console_line *l;

		while (i < len && text[i] != '\n') {
			size_t n = escape_length(text + i, len - i);
			unsigned char c = (unsigned char)text[i];

			if (!n && (c >= 0x20 || c == '\t') && c != 0x7f)
				*to++ = (char)c;
			i += n ? n : 1;
		}
		i++;
		number++;
		*to++ = '\0';
		if (!iq_grow(&t.lines, &t.room, t.nr + 1, sizeof(*t.lines))) {
			iq_console_lines_free(&t);
			return iq_error_nomem();
		}
		l = &t.lines[t.nr];
		l->number = number;
		l->s = strip(start, l->caller, sizeof(l->caller));
		if (*l->s)
			t.nr++;
		else
			to = start;
	}
	*ret = t;
	return NULL;
}

void iq_console_lines_free(struct console_text *t)
{
	free(t->text);
	free(t->lines);
}
