// SPDX-License-Identifier: GPL-2.0-or-later
/* timer: what was due, and when. */
#include "system.h"
#include <inquest/timer.h>
#include <inttypes.h>
#include <stdlib.h>

struct timer_result {
	struct iq_timers timers;
	struct cpu_choice cpus;
	bool high; /* -r: hrtimers */
};

static void free_result(void *data)
{
	struct timer_result *x = data;

	iq_timers_free(&x->timers);
	cpu_choice_free(&x->cpus);
	free(x);
}

/* ---- Text ---------------------------------------------------------------------------------------- */

/* Widths of numbers, which is how wide their columns are. */
struct widths {
	int expires, soft, left;
};

static struct widths widths(const struct timer_result *x, const struct iq_timer_base *b,
			    uint64_t now)
{
	struct widths w = {(int)strlen("EXPIRES"), (int)strlen("SOFTEXPIRES"), (int)strlen("TTE")};

	for (unsigned int i = 0; i < b->nr; i++) {
		const struct iq_timer *t = &x->timers.timer[b->first + i];

		w.expires = IQ_MAX(w.expires, snprintf(NULL, 0, "%" PRIu64, t->expires));
		w.soft = IQ_MAX(w.soft, snprintf(NULL, 0, "%" PRIu64, t->soft));
		w.left = IQ_MAX(w.left, snprintf(NULL, 0, "%" PRId64, (int64_t)(t->expires - now)));
	}
	return w;
}

static void text_wheel(struct session *s, const struct timer_result *x,
		       const struct iq_timer_base *b, struct iq_buf *out)
{
	struct widths w = widths(x, b, x->timers.jiffies);

	iq_buf_printf(out, "TIMER_BASES[%u][%s]: %016" PRIx64 "\n", b->cpu, b->name, b->address);
	if (b->nr)
		iq_buf_printf(out, "  %*s  %*s     TIMER_LIST     FUNCTION\n", w.expires, "EXPIRES",
			      w.left, "TTE");
	else
		iq_buf_puts(out, "  (none)\n");
	for (unsigned int i = 0; i < b->nr; i++) {
		const struct iq_timer *t = &x->timers.timer[b->first + i];

		iq_buf_printf(out, "  %*" PRIu64 "  %*" PRId64 "  %016" PRIx64 "  ", w.expires,
			      t->expires, w.left, (int64_t)(t->expires - x->timers.jiffies),
			      t->address);
		text_function(s, t->function, out);
		iq_buf_putc(out, '\n');
	}
}

static void text_clock(struct session *s, const struct timer_result *x,
		       const struct iq_timer_base *b, struct iq_buf *out)
{
	struct widths w = widths(x, b, b->now);

	iq_buf_printf(out, "  CLOCK: %u  HRTIMER_CLOCK_BASE: %016" PRIx64 "  [", b->index,
		      b->address);
	iq_buf_add_escaped(out, b->name, strlen(b->name), false);
	iq_buf_puts(out, "]\n");
	if (!b->nr) {
		iq_buf_puts(out, "  (empty)\n");
		return;
	}
	if (b->now)
		iq_buf_printf(out, "  %*s\n  %*" PRIu64 "\n", w.soft, "CURRENT", w.soft, b->now);
	else
		iq_buf_printf(out, "  %*s\n  %*s\n", w.soft, "CURRENT", w.soft, "(unknown)");
	iq_buf_printf(out, "  %*s  %*s  %*s      HRTIMER           FUNCTION\n", w.soft,
		      "SOFTEXPIRES", w.expires, "EXPIRES", w.left, "TTE");
	for (unsigned int i = 0; i < b->nr; i++) {
		const struct iq_timer *t = &x->timers.timer[b->first + i];

		iq_buf_printf(out, "  %*" PRIu64 "  %*" PRIu64 "  ", w.soft, t->soft, w.expires,
			      t->expires);
		if (b->now)
			iq_buf_printf(out, "%*" PRId64, w.left, (int64_t)(t->expires - b->now));
		else
			iq_buf_printf(out, "%*s", w.left, "-");
		iq_buf_printf(out, "  %016" PRIx64 "  ", t->address);
		text_function(s, t->function, out);
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct timer_result *x = r->data;
	bool any = false;
	unsigned int last = 0;

	if (!x->high)
		iq_buf_printf(out, "JIFFIES\n%" PRIu64 "\n\n", x->timers.jiffies);
	for (unsigned int i = 0; i < x->timers.nr_bases; i++) {
		const struct iq_timer_base *b = &x->timers.base[i];
		bool begins = !any || b->cpu != last;

		if (!cpu_chosen(&x->cpus, b->cpu))
			continue;
		if (any && (begins || x->high))
			iq_buf_putc(out, '\n');
		if (x->high && begins)
			iq_buf_printf(out, "CPU: %u  HRTIMER_CPU_BASE: %016" PRIx64 "\n", b->cpu,
				      b->cpu_base);
		if (x->high)
			text_clock(s, x, b, out);
		else
			text_wheel(s, x, b, out);
		any = true;
		last = b->cpu;
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static json_t *json_timer(struct session *s, const struct timer_result *x,
			  const struct iq_timer_base *b, const struct iq_timer *t)
{
	json_t *o = json_object();
	uint64_t now = x->high ? b->now : x->timers.jiffies;

	json_object_set_new(o, "timer", json_address(t->address));
	if (x->high)
		json_object_set_new(o, "soft_expires", json_integer((json_int_t)t->soft));
	json_object_set_new(o, "expires", json_integer((json_int_t)t->expires));
	json_object_set_new(o, "left",
			    now ? json_integer((json_int_t)(t->expires - now)) : json_null());
	json_object_set_new(o, "function", json_address(t->function));
	json_object_set_new(o, "name", json_function(s, t->function));
	if (t->work)
		json_object_set_new(o, "work", json_function(s, t->work));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct timer_result *x = r->data;
	json_t *o = json_object(), *bases = json_array();

	json_object_set_new(o, "jiffies", json_integer((json_int_t)x->timers.jiffies));
	for (unsigned int i = 0; i < x->timers.nr_bases; i++) {
		const struct iq_timer_base *b = &x->timers.base[i];
		json_t *e, *timers;

		if (!cpu_chosen(&x->cpus, b->cpu))
			continue;
		e = json_object();
		timers = json_array();
		json_object_set_new(e, "cpu", json_integer(b->cpu));
		json_object_set_new(e, "base", json_address(b->address));
		json_object_set_new(e, x->high ? "clock" : "name",
				    json_text(b->name, strlen(b->name)));
		if (x->high)
			json_object_set_new(
				e, "now", b->now ? json_integer((json_int_t)b->now) : json_null());
		for (unsigned int j = 0; j < b->nr; j++)
			json_array_append_new(timers,
					      json_timer(s, x, b, &x->timers.timer[b->first + j]));
		json_object_set_new(e, "timers", timers);
		json_array_append_new(bases, e);
	}
	json_object_set_new(o, "bases", bases);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command --------------------------------------------------------------------------------- */

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct timer_result *x = data;
	struct iq_error *err;
	struct iq_kernel *k;
	int option;

	IQ_TRY(need_kernel(s, &k));
	while ((option = next_option(&o, "rC:", &err)) != -1) {
		if (option == '?')
			return err;
		if (option == 'r')
			x->high = true;
		else
			IQ_TRY(choose_cpus(s, o.value, &x->cpus));
	}
	if (o.index < argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "timer -C 1,3-5 shows the timers of some CPUs");
	return x->high ? iq_hrtimers(k, &x->timers) : iq_timer_wheels(k, &x->timers);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct timer_result), fill, &ops, r);
}

const struct command cmd_timer = {
	.name = "timer",
	.summary = "timers, and when they are due",
	.help = "timer [-r] [-C CPUS]\n"
		"\n"
		"Shows the timers that were waiting, CPU by CPU, the soonest first: when each is\n"
		"due in jiffies, how many jiffies that is from the moment of the crash (TTE;\n"
		"negative: overdue), the struct timer_list and what it calls.  With --json, a\n"
		"timer that starts a delayed work says which.\n"
		"\n"
		"  -r        high-resolution timers, in ns of their clock, which is shown first as "
		"it\n"
		"            was at the last tick (CURRENT)\n"
		"  -C CPUS   of these CPUs only: 1,3-5, or all\n"
		"\n"
		"Kernels since 6.9 have three wheels a CPU: BASE_LOCAL, timers that stay there,\n"
		"BASE_GLOBAL, those that any CPU may run, and BASE_DEF, which wake no idle CPU;\n"
		"those before have BASE_STD and BASE_DEF.\n"
		"\n"
		"  inquest> timer | grep blk\n"
		"  inquest> timer -r -C 0\n",
	.run = run,
	.no_context = true,
};
