// SPDX-License-Identifier: GPL-2.0-or-later
/* The worker: reads the dump, in the sandbox, and does what the front says. */
#include "front.h"
#include "sandbox.h"
#include <errno.h>
#include <stdlib.h>

/* The words that complete one, in as few messages as they fit in. */
static void complete(struct session *s, const struct message *request, const struct iq_buf *text,
		     int channel)
{
	enum { MOST = 20000 };
	const char *line = iq_buf_str(text), *word = line + strlen(line) + 1;
	char **match = word < line + text->len ? calloc(MOST, sizeof(*match)) : NULL;
	struct message m = {.kind = MSG_MATCH};
	unsigned int nr;

	if (!match || request->flags > strlen(line)) {
		free(match);
		return;
	}
	nr = complete_word(s, line, request->flags, word, match, MOST);
	for (unsigned int i = 0; i < nr; i++) {
		if (!message_add(&m, match[i])) {
			channel_send(channel, &m, -1);
			m.len = 0;
			if (!message_add(&m, match[i]))
				m.len = 0;
		}
		free(match[i]);
	}
	channel_send(channel, &m, -1);
	free(match);
}

static bool run(struct session *s, const struct message *m, struct iq_buf *text)
{
	struct line_part part = {.text = text->s, .to = (enum line_to)m->flags};

	if (!text->s || text->failed) {
		show_error(NULL, iq_error_nomem());
		return false;
	}
	if (part.to != LINE_STDOUT)
		part.target = text->s + strlen(text->s) + 1;
	return run_part(s, &part);
}

int worker_serve(struct session *s, const struct worker_work *work, int channel)
{
	struct message m = {.kind = MSG_DONE};
	int e;

	m.result = work->open(s, work->arg);
	fflush(stdout);
	e = m.result ? EPIPE : 0;
	channel_send(channel, &m, -1);
	while (!e) {
		struct iq_buf text = {0};
		bool ok = true;

		e = channel_receive_text(channel, &m, &text);
		if (e || m.kind == MSG_END) {
			iq_buf_free(&text);
			break;
		}
		/* Ctrl-C at the prompt was for the line that was typed. */
		if (s->interactive)
			s->cancel.stop = 0;
		if (m.kind == MSG_BANNER)
			work->greet(s);
		else if (m.kind == MSG_RUN)
			ok = run(s, &m, &text);
		else if (m.kind == MSG_COMPLETE)
			complete(s, &m, &text, channel);
		iq_buf_free(&text);
		fflush(stdout);
		m = (struct message){.kind = MSG_DONE, .result = !ok, .flags = s->quit ? DONE_QUIT : 0};
		if (iq_cancelled(&s->cancel))
			m.flags |= DONE_CANCELLED;
		e = channel_send(channel, &m, -1);
	}
	/* Those of the opening, if no command came that would have shown them. */
	if (!s->json)
		show_warnings(s);
	session_close(s);
	return 0;
}
