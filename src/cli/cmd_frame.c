// SPDX-License-Identifier: GPL-2.0-or-later
/* frame, up, down: which frame of the context's task is meant. */
#include "frame.h"
#include <ctype.h>
#include <stdlib.h>

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct selected *x = r->data;
	const char *file;
	unsigned int line;
	const struct iq_frame *f = &x->b.frames[x->i];

	text_selected(s, &x->b, x->i, out);
	iq_buf_putc(out, '\n');
	if (iq_kernel_line(s->kernel, f->exact_ip ? f->ip : f->ip - 1, &file, &line)) {
		iq_buf_puts(out, "    ");
		iq_buf_add_escaped(out, file, strlen(file), false);
		iq_buf_printf(out, ": %u\n", line);
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	return json_selected(r->data);
}

static void free_result(void *data)
{
	selected_free(data);
	free(data);
}

static const struct result_ops ops = {text, json, free_result};

/* Keep X, whose frame is now the selected one, as the result. */
static struct iq_error *select_and_show(struct session *s, struct selected *x, struct result *r)
{
	struct selected *kept = malloc(sizeof(*kept));

	if (!kept) {
		selected_free(x);
		return iq_error_nomem();
	}
	session_select_frame(s, x->i);
	*kept = *x;
	*r = (struct result){&ops, kept};
	return NULL;
}

/* The frame of a number as bt shows it. */
static bool by_number(struct selected *x, unsigned long n)
{
	for (unsigned int i = 0; i < x->b.nr; i++) {
		int number = frame_number(&x->b, i);

		if (number >= 0 && (unsigned long)number == n) {
			x->i = i;
			return true;
		}
	}
	return false;
}

/* The function that the Nth exception interrupted, the innermost first. */
static bool by_exception(struct selected *x, unsigned long n)
{
	for (unsigned int i = 0; i < x->b.nr; i++) {
		if (x->b.frames[i].has_trap && !--n) {
			x->i = i;
			return true;
		}
	}
	return false;
}

static struct iq_error *find(struct selected *x, const char *word)
{
	bool exception = word[0] == 'e';
	const char *digits = word + exception;
	char *end = (char *)digits;
	unsigned long n = exception && !*digits ? 1 : strtoul(digits, &end, 10);

	if (*end || (!exception && end == digits) || (*digits && !isdigit((unsigned char)*digits)))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "\"%s\" is no frame", word),
				     "a number as bt shows it, or e: the function that an "
				     "exception interrupted");
	if (exception && (!n || !by_exception(x, n)))
		return iq_error_new(IQ_E_NOT_FOUND, "task %u has no exception frame %lu",
				    x->task.pid, n);
	if (!exception && !by_number(x, n))
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "task %u has no frame %lu", x->task.pid, n),
			"bt shows its frames");
	return NULL;
}

static struct iq_error *run_frame(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	struct selected x;

	if (next_option(&o, "", &err) != -1)
		return err;
	if (argc > 2)
		return iq_error_new(IQ_E_USAGE, "frame takes one number");
	IQ_TRY(selected_frame(s, &x));
	err = argc > 1 ? find(&x, argv[1]) : NULL;
	if (err) {
		selected_free(&x);
		return err;
	}
	return select_and_show(s, &x, r);
}

/* BY frames outwards (up) or inwards. */
static struct iq_error *move(struct session *s, int argc, char **argv, bool up, struct result *r)
{
	struct selected x;
	uint64_t by = 1, room;

	if (argc > 2 || (argc == 2 && (!iq_parse_u64(argv[1], &by) || !by)))
		return iq_error_new(IQ_E_USAGE, "%s takes a number of frames", argv[0]);
	IQ_TRY(selected_frame(s, &x));
	room = up ? x.b.nr - 1 - x.i : x.i;
	if (!room) {
		selected_free(&x);
		return iq_error_new(IQ_E_NOT_FOUND, up ? "this is the outermost frame"
						       : "this is the innermost frame");
	}
	by = IQ_MIN(by, room);
	x.i = up ? x.i + (unsigned int)by : x.i - (unsigned int)by;
	return select_and_show(s, &x, r);
}

static struct iq_error *run_up(struct session *s, int argc, char **argv, struct result *r)
{
	return move(s, argc, argv, true, r);
}

static struct iq_error *run_down(struct session *s, int argc, char **argv, struct result *r)
{
	return move(s, argc, argv, false, r);
}

const struct command cmd_frame = {
	.name = "frame",
	.summary = "select a frame of the context's stack",
	.help = "frame [N | e[N]]\n"
		"\n"
		"Selects frame N of the context's task, numbered as bt shows it, and says where it "
		"is.  From then\n"
		"on the registers in expressions ($rbx), info and list mean this frame; bt marks "
		"it.  Another\n"
		"context (set) begins with its innermost frame again.\n"
		"\n"
		"  e     the function that an exception or interrupt struck, which has no number "
		"of "
		"its own;\n"
		"        e2 the second from inside\n"
		"\n"
		"Examples:\n"
		"  frame 4          then: p $rbx, info registers, info args, info locals\n"
		"  frame e          the function that faulted\n"
		"  up, down         its caller, its callee\n",
	.run = run_frame,
};

const struct command cmd_up = {
	.name = "up",
	.summary = "select the caller of the selected frame",
	.help = "up [N]\n"
		"\n"
		"Selects the frame N (1) further out: the caller, or of an interrupt's entry the "
		"function that\n"
		"it interrupted.  See frame.\n"
		"\n"
		"Examples:\n"
		"  up        then: info registers, p $rbx\n"
		"  up 3\n",
	.run = run_up,
};

const struct command cmd_down = {
	.name = "down",
	.summary = "select what the selected frame called",
	.help = "down [N]\n"
		"\n"
		"Selects the frame N (1) further in: what the selected one called.  See frame.\n"
		"\n"
		"Examples:\n"
		"  down 2    back after up 2\n",
	.run = run_down,
};
