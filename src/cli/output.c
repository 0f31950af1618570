// SPDX-License-Identifier: GPL-2.0-or-later
/* Where results, errors and warnings go. */
#include "internal.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool colour_stderr(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

void show_error(const char *command, const struct iq_error *err)
{
	struct iq_buf out = {0};
	bool colour = colour_stderr();

	iq_buf_printf(&out, "%sinquest:%s ", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "");
	if (command) {
		iq_buf_add_escaped(&out, command, strlen(command), false);
		iq_buf_puts(&out, ": ");
	}
	iq_buf_printf(&out, "%s\n", err->message);
	if (err->hint)
		iq_buf_printf(&out, "  hint: %s\n", err->hint);
	/* Without memory, which may be what the error is about, as much as needs none. */
	if (out.failed) {
		write_all(STDERR_FILENO, "inquest: ", 9);
		write_all(STDERR_FILENO, err->message, strlen(err->message));
		write_all(STDERR_FILENO, "\n", 1);
	} else {
		/* If even this cannot be written there is nobody to tell. */
		write_all(STDERR_FILENO, iq_buf_str(&out), out.len);
	}
	iq_buf_free(&out);
}

void refuse_line(struct session *s, const char *as_typed, struct iq_error *err)
{
	struct iq_buf out = {0};

	if (s->json) {
		json_command(s, as_typed, NULL, false, err, &out);
		write_stdout(s, &out);
		iq_buf_free(&out);
	} else {
		show_error(NULL, err);
	}
	iq_error_free(err);
}

void show_warnings(struct session *s)
{
	struct iq_buf out = {0};

	for (unsigned int i = 0; i < s->warnings.nr; i++)
		iq_buf_printf(&out, "inquest: warning: %s\n", s->warnings.text[i]);
	if (s->warnings.dropped)
		iq_buf_printf(&out, "inquest: warning: %u more warnings\n", s->warnings.dropped);
	write_all(STDERR_FILENO, iq_buf_str(&out), out.len);
	iq_buf_free(&out);
	iq_warnings_clear(&s->warnings);
}

int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

bool write_stdout(struct session *s, const struct iq_buf *out)
{
	int e = write_all(STDOUT_FILENO, iq_buf_str(out), out->len);

	if (!e)
		return true;
	if (e != EPIPE) {
		struct iq_error *err = iq_error_errno(e, "cannot write to standard output");

		show_error(NULL, err);
		iq_error_free(err);
	}
	s->quit = true;
	return false;
}

bool stream_out(struct session *s, struct iq_buf *out)
{
	bool ok;

	if (!s->streaming)
		return true;
	ok = write_stdout(s, out);
	out->len = 0;
	return ok;
}
