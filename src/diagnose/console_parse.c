/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lines of one report say: place, task, CPU, address, access, trace. */
#include "console.h"

#include <ctype.h>
#include <stdlib.h>

#define REPORT_MOST 400u
#define FRAMES_MOST 64u

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static bool hex_field(const char **s, uint64_t *ret)
{
	char *end;

	if (strncmp(*s, "0x", 2) || !isxdigit((unsigned char)(*s)[2]))
		return false;
	*ret = strtoull(*s, &end, 16);
	*s = end;
	return true;
}

static bool source_name(const char *s)
{
	const char *colon = strchr(s, ':');

	return colon && colon > s + 2 && colon - s < 200 && isdigit((unsigned char)colon[1]) &&
	       (colon[-2] == '.' || colon[-1] == 's') && !memchr(s, ' ', (size_t)(colon - s));
}

/* "function (fs/file.c:123) module" as scripts/decode_stacktrace.sh rewrites it. */
static bool decoded_symbol(const char *s, struct console_symbol *ret, const char **end)
{
	const char *paren = s;

	while ((paren = strstr(paren, " ("))) {
		const char *start = paren, *c;

		while (start > s && name_char(start[-1]))
			start--;
		if (start < paren && !isdigit((unsigned char)*start) && source_name(paren + 2)) {
			*ret = (struct console_symbol){ .offset = 0 };
			snprintf(ret->function, sizeof(ret->function), "%.*s", (int)(paren - start), start);
			c = strchr(paren, ')');
			if (end)
				*end = c ? c + 1 : paren + strlen(paren);
			return true;
		}
		paren += 2;
	}
	return false;
}

bool iq_console_symbol(const char *s, struct console_symbol *ret, const char **end)
{
	const char *plus = s, *p;
	const char *start;
	size_t n;

	/* "+0x" with a name before and "/0x" behind */
	while ((plus = strstr(plus, "+0x"))) {
		start = plus;
		while (start > s && name_char(start[-1]))
			start--;
		p = plus + 1;
		*ret = (struct console_symbol){ .offset = 0 };
		if (start < plus && !isdigit((unsigned char)*start) && hex_field(&p, &ret->offset) &&
		    *p == '/' && (p++, hex_field(&p, &ret->size)))
			break;
		plus += 3;
	}
	if (!plus)
		return decoded_symbol(s, ret, end);
	n = IQ_MIN((size_t)(plus - start), sizeof(ret->function) - 1);
	memcpy(ret->function, start, n);
	ret->function[n] = '\0';
	if (!strncmp(p, " [", 2)) {
		n = strspn(p + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
		if (n && n < sizeof(ret->module) && (p[2 + n] == ']' || p[2 + n] == ' ' || p[2 + n] == '(')) {
			memcpy(ret->module, p + 2, n);
			ret->module[n] = '\0';
		}
	}
	if (end)
		*end = p;
	return n > 0 || ret->function[0];
}

static const char *keep(struct iq_console *c, const char *s)
{
	const char *kept = *s ? iq_arena_strdup(&c->arena, s) : NULL;

	return kept;
}

static void set_place(struct iq_console *c, const struct console_symbol *s)
{
	struct iq_event *e = &c->analysis.event;

	e->symbol.name = keep(c, s->function);
	e->symbol.module = keep(c, s->module);
	e->symbol.size = s->size;
	e->module = e->symbol.module;
	e->offset = s->offset;
}

/* ---- Task and CPU -------------------------------------------------------------------------------- */

static void set_comm(struct iq_event *e, const char *s, size_t n)
{
	n = IQ_MIN(n, sizeof(e->task.comm) - 1);
	memcpy(e->task.comm, s, n);
	e->task.comm[n] = '\0';
}

static void set_pid(struct iq_console *c, const char *digits)
{
	if (!isdigit((unsigned char)*digits))
		return;
	c->analysis.event.task.pid = (uint32_t)strtoul(digits, NULL, 10);
	c->has_pid = true;
}

static void set_cpu(struct iq_event *e, const char *digits)
{
	if (isdigit((unsigned char)*digits) && e->cpu < 0)
		e->cpu = (int)(strtoul(digits, NULL, 10) & 0xffff);
}

/* "CPU: 1 PID: 122 Comm: name Tainted: …", "CPU: 1 UID: 0 PID: …", "Pid: 12, comm: name Not tainted" */
static bool task_line(struct iq_console *c, const char *s)
{
	struct iq_event *e = &c->analysis.event;
	const char *pid = strstr(s, "PID: "), *comm = strstr(s, "Comm: "), *end;

	if (!strncmp(s, "Pid: ", 5)) {
		pid = s;
		comm = strstr(s, "comm: ");
	}
	if (!pid || !comm || comm < pid)
		return false;
	if (!strncmp(s, "CPU: ", 5))
		set_cpu(e, s + 5);
	if (c->has_pid && e->task.comm[0])
		return true;
	if (!c->has_pid)
		set_pid(c, pid + 5);
	if (e->task.comm[0])
		return true;
	comm += 6;
	end = strstr(comm, " Tainted: ");
	if (!end)
		end = strstr(comm, " Not tainted");
	if (!end)
		end = strstr(comm, " tainted");
	if (strstr(comm, " Kdump: ") && (!end || strstr(comm, " Kdump: ") < end))
		end = strstr(comm, " Kdump: ");
	if (!end)
		end = comm + strcspn(comm, " ");
	set_comm(e, comm, (size_t)(end - comm));
	return true;
}

/* "name:123" in [START, END): the last colon counts, kworkers have more. */
static void comm_and_pid(struct iq_console *c, const char *start, const char *end, char between)
{
	const char *p = end;

	while (p > start && *--p != between)
		;
	if (p == start || c->has_pid)
		return;
	set_comm(&c->analysis.event, start, (size_t)(p - start));
	set_pid(c, p + 1);
}

/* The first line of a report often says who: each kind in its own way. */
static void task_of_head(struct iq_console *c, const char *s)
{
	struct iq_event *e = &c->analysis.event;
	const char *p = strstr(s, "CPU#"), *q;

	if (p)
		set_cpu(e, p + 4);
	if (!strncmp(s, "WARNING: CPU: ", 14)) {
		set_cpu(e, s + 14);
		p = strstr(s, "PID: ");
		if (p)
			set_pid(c, p + 5);
		return;
	}
	/* "WARNING: file:1 at func+0x1/0x2, CPU#0: comm/128" */
	if (!strncmp(s, "WARNING: ", 9) && p && (q = strstr(p, ": "))) {
		comm_and_pid(c, q + 2, q + strlen(q), '/');
		return;
	}
	p = strstr(s, "stuck for ");
	if (p && (q = strchr(p, '[')) && strchr(q, ']')) {
		comm_and_pid(c, q + 1, strchr(q, ']'), ':');
		return;
	}
	p = strstr(s, " blocked ");
	if (!p)
		p = strstr(s, " can't die");
	if (!strncmp(s, "INFO: task ", 11) && p) {
		comm_and_pid(c, s + 11, p, ':');
		return;
	}
	p = strstr(s, "scheduling while atomic: ");
	if (p) {
		p += 25;
		q = strrchr(p, '/');
		if (q)
			comm_and_pid(c, p, q, '/');
		return;
	}
	p = strstr(s, " invoked oom-killer");
	if (p) {
		set_comm(e, s, (size_t)(p - s));
		return;
	}
	p = strstr(s, "LOCKUP on cpu ");
	if (!p)
		p = strstr(s, "LOCKUP on CPU ");
	if (p)
		set_cpu(e, p + 14);
	p = strstr(s, "CPU ");
	if (p && strstr(s, "Machine Check Exception"))
		set_cpu(e, p + 4);
	p = strstr(s, "in process ");
	if (p)
		set_comm(e, p + 11, strcspn(p + 11, " "));
}

static void task_elsewhere(struct iq_console *c, const char *s)
{
	const char *p = strstr(s, "by task ");

	if (p && !c->has_pid && (!strncmp(s, "Read of", 7) || !strncmp(s, "Write of", 8) ||
				 !strncmp(s, "Read at", 7) || !strncmp(s, "Write at", 8) || /* by tags */
				 !strncmp(s, "Access ", 7) || !strncmp(s, "Free of", 7)))
		comm_and_pid(c, p + 8, p + 8 + strcspn(p + 8, " "), '/');
	p = strstr(s, "pid: ");
	if (p && !strncmp(s, "in_atomic()", 11) && !c->has_pid && strstr(p, "name: ")) {
		set_pid(c, p + 5);
		p = strstr(p, "name: ") + 6;
		set_comm(&c->analysis.event, p, strcspn(p, " "));
	}
	/* "Process name (pid: 12, …" */
	p = strstr(s, "(pid: ");
	if (p && !strncmp(s, "Process ", 8) && !c->has_pid) {
		size_t n = (size_t)(p - s) - 8;

		set_pid(c, p + 6);
		set_comm(&c->analysis.event, s + 8, n && s[7 + n] == ' ' ? n - 1 : n);
	}
}

/* ---- Address and access -------------------------------------------------------------------------- */

static void address_of(struct iq_event *e, const char *s)
{
	static const char *const before[] = {
		"address: ", "virtual address ", "non-canonical address ", "paging request at ", "dereference at ",
		"addr ", "read at ", "write at ", "paging request for data at address ", "execution of user memory at ",
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(before) && !e->has_address; i++) {
		const char *p = strstr(s, before[i]);
		char *end;

		if (!p)
			continue;
		p += strlen(before[i]);
		e->address = strtoull(p, &end, 16);
		e->has_address = end > p && !isalpha((unsigned char)*end);
	}
	if (!e->has_address && strstr(s, "at (null)")) {
		e->has_address = true;
		e->address = 0;
	}
}

static void access_of(struct iq_event *e, const char *s)
{
	const char *p;

	if (!strncmp(s, "#PF: ", 5)) {
		if (strstr(s, "instruction fetch"))
			e->access = IQ_ACCESS_EXEC;
		else if (strstr(s, "write access"))
			e->access = IQ_ACCESS_WRITE;
		else if (strstr(s, "read access"))
			e->access = IQ_ACCESS_READ;
	}
	p = strstr(s, "error_code(0x");
	if (p && !e->has_error_code) {
		e->error_code = strtoull(p + 11, NULL, 16);
		e->has_error_code = true;
	}
	/* "Oops: 0002 [#1]" */
	if (!strncmp(s, "Oops: 0", 7) && strstr(s, "[#") && !e->has_error_code) {
		e->error_code = strtoull(s + 6, NULL, 16);
		e->has_error_code = true;
	}
	if (!strncmp(s, "Write of size", 13))
		e->access = IQ_ACCESS_WRITE;
	else if (!strncmp(s, "Read of size", 12))
		e->access = IQ_ACCESS_READ;
	if (e->has_error_code && e->access == IQ_ACCESS_NONE && strncmp(s, "ESR", 3))
		e->access = e->error_code & 16 ? IQ_ACCESS_EXEC
			    : e->error_code & 2 ? IQ_ACCESS_WRITE : IQ_ACCESS_READ;
}

/* ---- Place --------------------------------------------------------------------------------------- */

/* "file.c:123" behind WORDS */
static void file_of(struct iq_console *c, const char *s, const char *words)
{
	struct iq_event *e = &c->analysis.event;
	const char *p = strstr(s, words), *colon;
	char file[256];

	if (!p || e->file)
		return;
	p += strlen(words);
	colon = p + strcspn(p, " \t!");
	while (colon > p && *--colon != ':')
		;
	if (colon == p || !isdigit((unsigned char)colon[1]) || (size_t)(colon - p) >= sizeof(file))
		return;
	snprintf(file, sizeof(file), "%.*s", (int)(colon - p), p);
	e->file = keep(c, file);
	e->line = (unsigned int)strtoul(colon + 1, NULL, 10);
}

/* Lines that say where the CPU was; user mode is none of them. */
static const char *instruction_pointer(const char *s)
{
	static const char *const names[] = {
		"RIP: ", "RIP  ", "EIP: ", "EIP is at ", "IP: ", "pc : ", "PC is at ", "epc : ", "NIP ", "NIP: ",
		"Krnl PSW : ", "epc   : ", "IP is at ", "pc is at ", "badaddr", "era ",
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (strncmp(s, names[i], strlen(names[i])))
			continue;
		s += strlen(names[i]);
		return !strncmp(s, "0033:", 5) || !strncmp(s, "0023:", 5) || !strncmp(s, "0073:", 5) ? NULL : s;
	}
	return NULL;
}

static bool bare_address(const char *s, uint64_t *ret)
{
	const char *p = s;
	char *end;

	if (strlen(p) > 5 && p[4] == ':' && isxdigit((unsigned char)p[0]))
		p += 5;
	if (strstr(p, "(null)")) {
		*ret = 0;
		return true;
	}
	if (!strncmp(p, "[<", 2))
		p += 2;
	*ret = strtoull(p, &end, 16);
	return end > p;
}

/* Returns whether S says where it happened. */
static bool place_line(struct iq_console *c, const char *s)
{
	struct iq_event *e = &c->analysis.event;
	const char *p = instruction_pointer(s);
	struct console_symbol symbol;
	uint64_t ip;

	if (!p)
		return false;
	if (e->symbol.name || e->has_ip)
		return true;
	if (iq_console_symbol(p, &symbol, NULL)) {
		set_place(c, &symbol);
	} else if (bare_address(p, &ip)) {
		e->has_ip = true;
		e->ip = ip;
	}
	return true;
}

/* ---- The trace ----------------------------------------------------------------------------------- */

static bool add_frame(struct iq_console *c, const struct console_symbol *s, bool reliable)
{
	struct iq_console_frame *f;

	if (c->nr_frames >= FRAMES_MOST)
		return false;
	if (!c->frames)
		c->frames = iq_arena_alloc(&c->arena, FRAMES_MOST * sizeof(*c->frames));
	if (!c->frames)
		return false;
	f = &c->frames[c->nr_frames++];
	*f = (struct iq_console_frame){ .function = keep(c, s->function), .module = keep(c, s->module),
					.offset = s->offset, .size = s->size, .reliable = reliable };
	if (!f->function)
		c->nr_frames--;
	return true;
}

/* "[<ffffffff81234567>] ? func+0x1/0x2 [mod]", "func+0x1/0x2" and nothing in front. */
static bool trace_line(struct iq_console *c, const char *s)
{
	struct console_symbol symbol;
	const char *p = s, *end;
	bool reliable = true;

	for (;;) {
		size_t bracket = *p == '[' ? strcspn(p, "]") : 0;

		p += strspn(p, " \t");
		if (!strncmp(p, "? ", 2)) {
			reliable = false;
			p += 2;
		} else if (!strncmp(p, "[<", 2) || (*p == '[' && bracket > 8)) {
			if (p[strcspn(p, "]")] != ']')
				return false;
			p += strcspn(p, "]") + 1;
		} else if (!strncmp(p, "<IRQ>", 5) || !strncmp(p, "<EOI>", 5) || !strncmp(p, "<NMI>", 5) ||
			   !strncmp(p, "<TASK>", 6) || !strncmp(p, "(", 1)) {
			if (*p == '(')
				break;
			p += strcspn(p, ">") + 1;
		} else {
			break;
		}
	}
	/* arm: "(func) from [<…>] (caller+0x1/0x2)", "func from caller+0x1/0x2" */
	end = strstr(p, " from ");
	if (end && !strchr(p, '+'))
		return false;
	if (end && strchr(p, '+') > end) {
		p = end + 6;
		if (!strncmp(p, "[<", 2) && strchr(p, '('))
			p = strchr(p, '(');
	}
	p += *p == '(';
	if (!iq_console_symbol(p, &symbol, &end) || strncmp(p, symbol.function, strlen(symbol.function)))
		return false;
	return add_frame(c, &symbol, reliable);
}

/* ---- All of it ----------------------------------------------------------------------------------- */

static bool is_stall(enum iq_class class)
{
	return class == IQ_CLASS_SOFT_LOCKUP || class == IQ_CLASS_HARD_LOCKUP || class == IQ_CLASS_RCU_STALL;
}

/* "BUG: KCSAN: data-race in A / B": two functions, without where in them. */
static void race_of(struct iq_console *c, const char *s)
{
	const char *p = strstr(s, "data-race in ");
	struct console_symbol symbol = { 0 };
	size_t n;

	if (!p || !strstr(p, " / "))
		return;
	p += 13;
	n = strcspn(p, " +");
	if (!n || n >= sizeof(symbol.function))
		return;
	memcpy(symbol.function, p, n);
	set_place(c, &symbol);
}

static void head_line(struct iq_console *c, const struct head *head)
{
	struct iq_event *e = &c->analysis.event;
	struct console_symbol symbol;
	const char *s = head->at;

	task_of_head(c, s);
	address_of(e, s);
	access_of(e, s);
	file_of(c, s, "BUG at ");
	if (!strncmp(s, "WARNING: ", 9)) {
		const char *pid = strstr(s, "PID: ");

		if (strstr(s, "WARNING: at "))
			file_of(c, s, "WARNING: at ");
		else if (pid)
			file_of(c, pid, " at ");
		else
			file_of(c, s, "WARNING: ");
	}
	if (!strncmp(s, "UBSAN: ", 7))
		file_of(c, s, " in ");
	if (!strncmp(s, "BUG: KCSAN: ", 12))
		race_of(c, s);
	if (!e->symbol.name && iq_console_symbol(s, &symbol, NULL) && head->class != IQ_CLASS_STACK_OVERFLOW)
		set_place(c, &symbol);
}

void iq_console_details(struct iq_console *c, const struct console_text *t, unsigned int first,
			const struct head *head)
{
	struct iq_event *e = &c->analysis.event;
	const char *caller = t->lines[first].caller;
	bool tracing = false;

	head_line(c, head);
	for (unsigned int i = first + 1; i < t->nr && i - first < REPORT_MOST; i++) {
		const char *s = t->lines[i].s;
		struct head other;

		if (*caller && t->lines[i].caller[0] && strcmp(caller, t->lines[i].caller))
			continue;
		if (!strncmp(s, "---[ end ", 9))
			break;
		if (iq_console_head(s, &other)) {
			/* Until the place is known it is the same report's: a list check, its BUG(), its exception. */
			if (c->nr_frames || (other.panic && e->symbol.name))
				break;
			head_line(c, &other);
			file_of(c, s, "BUG at ");
			continue;
		}
		access_of(e, s);
		if (strstr(s, "address between user and kernel address ranges") &&
		    e->class == IQ_CLASS_BAD_ACCESS)
			e->class = IQ_CLASS_NON_CANONICAL;
		if (task_line(c, s) || place_line(c, s))
			continue;
		task_elsewhere(c, s);
		if (is_stall(e->class) && (strstr(s, "</IRQ>") || strstr(s, "<EOI>") || strstr(s, "</NMI>")))
			c->nr_frames = 0;
		if (!strncasecmp(s, "Call Trace", 10) || !strncmp(s, "Backtrace", 9) || !strncmp(s, "Trace:", 6)) {
			/* a second trace (allocated by, freed by, another task's) is not the event's */
			if (c->nr_frames)
				break;
			tracing = true;
		} else if (tracing || *s == '[' || *s == '<') {
			trace_line(c, s);
		}
	}
}
