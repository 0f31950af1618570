// SPDX-License-Identifier: GPL-2.0-or-later
/* log: the kernel's messages. */
#include "internal.h"
#include "log_other.h"
#include "rust.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define NS UINT64_C(1000000000)
#define CALLER_IS_CPU UINT32_C(0x80000000)

struct log_result {
	const struct iq_log_record *record; /* owned by the kernel */
	unsigned int nr;
	bool wall, plain, dict, level, caller, rust;
	bool has_callers; /* records say who printed them: 0 is a thread, the first idle task */
	int64_t boot; /* for `wall`: when the clock of the log began */
};

/* In front of the text; what it is wide is where further lines of the record begin. */
static void text_prefix(const struct log_result *x, const struct iq_log_record *rec,
			struct iq_buf *out)
{
	if (x->wall) {
		iq_buf_putc(out, '[');
		text_date(x->boot + (int64_t)(rec->ns / NS), out);
		iq_buf_puts(out, "] ");
	} else if (!x->plain) {
		iq_buf_printf(out, "[%5" PRIu64 ".%06" PRIu64 "] ", rec->ns / NS,
			      rec->ns % NS / 1000);
	}
	if (x->caller) {
		char caller[16] = "";

		if (rec->caller || x->has_callers)
			snprintf(caller, sizeof(caller), "%c%" PRIu32,
				 rec->caller & CALLER_IS_CPU ? 'C' : 'T',
				 rec->caller & ~CALLER_IS_CPU);
		iq_buf_printf(out, "[%6s] ", caller);
	}
	if (x->level)
		iq_buf_printf(out, "<%x>", rec->level);
}

/* Lines of TEXT, each further one below the first. */
static void text_lines(const char *text, size_t len, size_t indent, struct iq_buf *out)
{
	const char *end, *nl;

	if (!len)
		return;
	end = text + len;

	while ((nl = memchr(text, '\n', (size_t)(end - text)))) {
		iq_buf_add_escaped(out, text, (size_t)(nl - text), true);
		iq_buf_putc(out, '\n');
		iq_buf_pad(out, indent);
		text = nl + 1;
	}
	iq_buf_add_escaped(out, text, (size_t)(end - text), true);
}

static void text_record(const struct log_result *x, const struct iq_log_record *rec, size_t indent, struct iq_buf *out)
{
	struct iq_buf plain = {0};

	if (!x->rust) {
		text_lines(rec->text, rec->len, indent, out);
		return;
	}
	rust_demangle_text(rec->text, rec->len, &plain);
	out->failed |= plain.failed;
	text_lines(iq_buf_str(&plain), plain.len, indent, out);
	iq_buf_free(&plain);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct log_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_log_record *rec = &x->record[i];
		size_t start = out->len, indent;

		text_prefix(x, rec, out);
		indent = out->len - start;
		text_record(x, rec, indent, out);
		if (x->dict && rec->dict && rec->dict_len) {
			size_t len = rec->dict_len;

			/* The last pair ends the record's line itself. */
			while (len && (rec->dict[len - 1] == '\n' || rec->dict[len - 1] == '\0'))
				len--;
			iq_buf_putc(out, '\n');
			iq_buf_pad(out, indent);
			text_lines(rec->dict, len, indent, out);
		}
		iq_buf_putc(out, '\n');
	}
	text_unflushed(s, out);
}

/* "SUBSYSTEM=pci\nDEVICE=+pci:0000:00:01.0" as an object. */
static json_t *json_dict(const char *text, size_t len)
{
	const char *end = text + len;
	json_t *o = json_object();

	while (text < end) {
		const char *stop = text, *equals;

		while (stop < end && *stop != '\n' && *stop != '\0')
			stop++;
		equals = memchr(text, '=', (size_t)(stop - text));
		if (equals) {
			struct iq_buf key = {0};

			iq_buf_add_escaped(&key, text, (size_t)(equals - text), false);
			json_object_set_new(o, iq_buf_str(&key),
					    json_text(equals + 1, (size_t)(stop - equals - 1)));
			iq_buf_free(&key);
		}
		text = stop + 1;
	}
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct log_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_log_record *rec = &x->record[i];
		json_t *one = json_object();

		json_object_set_new(one, "seq", json_integer((json_int_t)rec->seq));
		json_object_set_new(one, "timestamp_ns", json_integer((json_int_t)rec->ns));
		json_object_set_new(one, "level", json_integer(rec->level));
		json_object_set_new(one, "facility", json_integer(rec->facility));
		json_object_set_new(one, "caller",
				    rec->caller || x->has_callers
					    ? json_sprintf("%c%" PRIu32,
							   rec->caller & CALLER_IS_CPU ? 'C' : 'T',
							   rec->caller & ~CALLER_IS_CPU)
					    : json_null());
		json_object_set_new(one, "text", json_text(rec->text, rec->len));
		json_object_set_new(one, "dict",
				    rec->dict && rec->dict_len ? json_dict(rec->dict, rec->dict_len)
							       : json_null());
		json_array_append_new(list, one);
	}
	json_object_set_new(o, "records", list);
	return o;
}

static const struct result_ops ops = {text, json, free};

static struct iq_error *boot_time(struct iq_kernel *k, int64_t *ret)
{
	struct iq_system sys;

	IQ_TRY(iq_kernel_system(k, &sys));
	if (!sys.time || !sys.has_uptime)
		return iq_error_hint(
			iq_error_new(IQ_E_UNAVAILABLE, "the dump does not tell the time of day"),
			"without -T the time since boot is shown");
	*ret = sys.time - (int64_t)sys.uptime;
	return NULL;
}

/* OTHER: 'a' or 's', if that is asked for instead of the log. */
static struct iq_error *parse(int argc, char **argv, struct log_result *x, int *other)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "TtmdcasR", &err)) != -1) {
		switch (option) {
		case 'T':
			x->wall = true;
			break;
		case 't':
			x->plain = true;
			break;
		case 'm':
			x->level = true;
			break;
		case 'd':
			x->dict = true;
			break;
		case 'c':
			x->caller = true;
			break;
		case 'R':
			x->rust = true;
			break;
		case 'a':
		case 's':
			if (*other && *other != option)
				return iq_error_new(IQ_E_USAGE, "-a and -s exclude each other");
			*other = option;
			break;
		default:
			return err;
		}
	}
	if (o.index < argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "to search it: log | grep WORD");
	if (x->wall && x->plain)
		return iq_error_new(IQ_E_USAGE,
				    "-T shows the time of day and -t no time: choose one");
	return NULL;
}

static struct iq_error *read_log(struct session *s, struct log_result *x)
{
	struct iq_kernel *k = s->kernel;
	uint64_t unused;

	IQ_TRY(iq_log(k, &x->record, &x->nr));
	x->has_callers = iq_kernel_offset(k, "printk_info", "caller_id", &unused, NULL) ||
			 iq_kernel_offset(k, "printk_log", "caller_id", &unused, NULL);
	return x->wall ? boot_time(k, &x->boot) : NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct log_result plan = {0}, *x;
	struct iq_error *err;
	struct iq_kernel *k;
	int other = 0;

	IQ_TRY(parse(argc, argv, &plan, &other));
	IQ_TRY(need_kernel(s, &k));
	if (other)
		return other == 'a' ? log_audit(s, r) : log_safe(s, r);
	x = malloc(sizeof(*x));
	if (!x)
		return iq_error_nomem();
	*x = plan;
	err = read_log(s, x);
	if (err) {
		free(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_log = {
	.name = "log",
	.summary = "the kernel's messages",
	.help = "log [-TtmdcR]\n"
		"log -a | -s\n"
		"\n"
		"Shows the kernel's message buffer, oldest first, as dmesg does; dmesg is the\n"
		"same command.\n"
		"\n"
		"  -T   the time of day instead of seconds since boot (as far as the log's clock\n"
		"       is right)\n"
		"  -t   no time\n"
		"  -m   the level in front of each message: <0> emergency … <7> debug\n"
		"  -d   the keys and values (SUBSYSTEM=, DEVICE=) that drivers add\n"
		"  -c   who printed it: [T1234], a thread, or [C2], a CPU (needs\n"
		"       CONFIG_PRINTK_CALLER)\n"
		"  -R   names of Rust functions as they are written in Rust:\n"
		"       <rust_panic::HelloPanic>::step_two\n"
		"  -a   records of the audit log that no daemon has taken yet\n"
		"  -s   the buffers of each CPU into which printk wrote where it could not take the\n"
		"       log's lock (up to 5.14); what is left in them also stands behind the log,\n"
		"       as [nmi_print_seq] or [safe_print_seq]\n"
		"\n"
		"  inquest> log | tail -50\n"
		"  inquest> log -T > /tmp/dmesg.txt\n",
	.run = run,
	.no_context = true,
};
