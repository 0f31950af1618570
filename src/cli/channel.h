/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between the front, which the user talks to, and the worker, which reads the dump:
 * docs/sandbox.md.  A socket of kind SOCK_SEQPACKET: a message comes whole or not at all, with at
 * most one file descriptor.  Whoever receives one trusts nothing in it but its length.
 */
#ifndef INQUEST_CLI_CHANNEL_H
#define INQUEST_CLI_CHANNEL_H

#include <inquest/base.h>

enum message_kind {
	/* From the front: what is to be done.  The worker answers each with MSG_DONE. */
	MSG_BANNER,	/* show what a session begins with */
	MSG_RUN,	/* run a command: `flags` is an enum line_to, the text "COMMAND\0TARGET" */
	MSG_COMPLETE,	/* `flags` is where the word starts, the text "LINE\0WORD" */
	MSG_END,	/* leave */
	/* From the worker. */
	MSG_DONE,	/* `result`: exit status so far or success, `flags`: DONE_… */
	MSG_MATCH,	/* words that complete one: NUL-terminated, one behind the other */
	MSG_OPEN,	/* `data` is a path, `flags` and `mode` as in open(2); answered with a file */
	MSG_STAT,	/* `flags`: AT_SYMLINK_NOFOLLOW or 0; the answer is a struct stat */
	MSG_ACCESS,	/* `mode` as in access(2) */
	MSG_READLINK,
	MSG_MKDIR,
	MSG_RENAME,	/* "FROM\0TO" in the cache */
	MSG_UNLINK,
	MSG_OUTPUT,	/* where the output of the running command goes; answered with a file.  `flags` is
			 * OUTPUT_COPY for the file that it was told to write (dev -v INDEX FILE) */
	MSG_OUTPUT_END,	/* it is written: the answer's `flags` is the status of the shell */
	MSG_DEBUGINFOD,	/* "BUILD-ID\0NAME": the answer is a path, or a warning */
	/* Both ways. */
	MSG_REPLY,	/* `result`: 0 or errno */
	MSG_TEXT,	/* a piece of the text of the message behind it */
};

#define DONE_QUIT 1U		/* the user wants to leave, or nobody reads */
#define DONE_CANCELLED 2U	/* Ctrl-C */

#define OUTPUT_COPY 1U

#define MESSAGE_MOST 8192
#define MESSAGE_TEXT_MOST (16U << 20)

struct message {
	uint32_t kind;
	int32_t result;
	uint32_t flags, mode;
	uint32_t len, zero;
	char data[MESSAGE_MOST];
};

/*
 * Both are safe in a signal handler.  FD is passed along unless it is -1, and stays open.  0 or
 * errno; EPIPE: nobody is at the other end.  *GOT is -1 or a file that belongs to the caller.
 */
int channel_send(int channel, const struct message *m, int fd);
int channel_receive(int channel, struct message *m, int *got);

/* The same with any amount of text, which goes in pieces if it is long: flags and kind are M's. */
int channel_send_text(int channel, struct message *m, const char *text, size_t len);
/* The text that came in pieces and with M at last.  Not safe in a signal handler. */
int channel_receive_text(int channel, struct message *m, struct iq_buf *text);

/* The N-th (from 0) NUL-terminated string of M's data; NULL: there are not as many. */
const char *message_string(const struct message *m, unsigned int n);
/* Append TEXT with its NUL; false: no room. */
bool message_add(struct message *m, const char *text);

#endif
