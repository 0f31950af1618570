// SPDX-License-Identifier: GPL-2.0-or-later
/* Reports that leave the site: without host names, addresses of machines and people, and other people's text. */
#include "analyze.h"
#include <ctype.h>

void redact_nodename(struct session *s, char *name)
{
	struct iq_system system = {0};
	struct iq_error *err = s->kernel ? iq_kernel_system(s->kernel, &system) : NULL;

	snprintf(name, 65, "%s", system.nodename);
	/* "(none)" and the like are no names. */
	if (err || !isalnum((unsigned char)name[0]))
		name[0] = '\0';
	iq_error_free(err);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t decimal(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n >= 1 && n <= 3 ? n : 0;
}

/* Length of an IPv4 address at S; 0: none. */
static size_t ipv4(const char *s)
{
	size_t at = 0, n;

	for (unsigned int i = 0; i < 4; i++) {
		n = decimal(s + at);
		if (!n || (i < 3 && s[at + n] != '.'))
			return 0;
		at += n + (i < 3);
	}
	return is_word(s[at]) || (s[at] == '.' && isdigit((unsigned char)s[at + 1])) ? 0 : at;
}

/* Groups of hexadecimal digits between colons: six of two are a MAC, else an IPv6 address needs three or more. */
static size_t colons(const char *s, const char **what)
{
	size_t at = 0, groups = 0, pairs = 0, empty = 0;

	for (;;) {
		size_t n = strspn(s + at, "0123456789abcdefABCDEF");

		if (n > 4)
			return 0;
		groups += n > 0;
		pairs += n == 2;
		empty += n == 0;
		at += n;
		if (s[at] != ':')
			break;
		at++;
	}
	if (is_word(s[at]))
		return 0;
	*what = "<mac>";
	if (groups == 6 && pairs == 6)
		return at;
	*what = "<ipv6>";
	return groups >= 3 && (groups == 8 || empty == 1) && at > 6 ? at : 0;
}

static size_t mail(const char *s)
{
	size_t user = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");
	size_t host;

	if (!user || s[user] != '@')
		return 0;
	host = strspn(s + user + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	return host > 2 && memchr(s + user + 1, '.', host) ? user + 1 + host : 0;
}

/* A piece of S that is to be hidden: its length, and what stands there instead. */
static size_t hidden(const char *s, const char *nodename, char *instead, size_t room)
{
	const char *what = "";
	size_t n = strlen(nodename);

	if (n && !strncasecmp(s, nodename, n) && !is_word(s[n])) {
		snprintf(instead, room, "<host>");
		return n;
	}
	if (!strncmp(s, "/home/", 6)) {
		n = strcspn(s + 6, "/ \"'\n");
		snprintf(instead, room, "/home/<user>");
		return n ? n + 6 : 0;
	}
	n = ipv4(s);
	if (n) {
		snprintf(instead, room, "<ip>");
		return n;
	}
	n = colons(s, &what);
	if (n) {
		snprintf(instead, room, "%s", what);
		return n;
	}
	n = mail(s);
	snprintf(instead, room, "<mail>");
	return n;
}

/* Quoted text is what somebody wrote into memory. */
static size_t quoted(const char *s, char *instead, size_t room)
{
	const char *end = *s == '"' ? strchr(s + 1, '"') : NULL;

	if (!end || memchr(s, '\n', (size_t)(end - s)))
		return 0;
	snprintf(instead, room, "\"<%zu bytes>\"", (size_t)(end - s - 1));
	return (size_t)(end - s + 1);
}

static void redact(const char *nodename, const char *s, struct iq_buf *out)
{
	char instead[64], before = ' ';

	while (*s) {
		size_t n = quoted(s, instead, sizeof(instead));

		if (!n && !is_word(before) && before != '.')
			n = hidden(s, nodename, instead, sizeof(instead));
		if (n) {
			iq_buf_puts(out, instead);
			before = s[n - 1];
			s += n;
			continue;
		}
		before = *s;
		iq_buf_putc(out, *s++);
	}
}

void redact_text(const char *nodename, struct iq_buf *b, size_t from)
{
	struct iq_buf out = {0};

	redact(nodename, iq_buf_str(b) + from, &out);
	b->len = from;
	iq_buf_add(b, iq_buf_str(&out), out.len);
	b->failed |= out.failed;
	iq_buf_free(&out);
}

void redact_json(const char *nodename, json_t *v)
{
	struct iq_buf out = {0};
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_string(v)) {
		redact(nodename, json_string_value(v), &out);
		json_string_set(v, iq_buf_str(&out));
		iq_buf_free(&out);
	} else if (json_is_array(v)) {
		json_array_foreach(v, i, child)
			redact_json(nodename, child);
	} else if (json_is_object(v)) {
		json_object_foreach(v, key, child)
			redact_json(nodename, child);
	}
}
