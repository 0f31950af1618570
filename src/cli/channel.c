// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between the front and the worker. */
#include "channel.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD offsetof(struct message, data)

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int channel_send(int channel, const struct message *m, int fd)
{
	struct iovec part = {(void *)(uintptr_t)m, HEAD + m->len};
	union control control = {.room = {0}};
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t n;

	if (m->len > MESSAGE_MOST)
		return EMSGSIZE;
	if (fd >= 0) {
		h.msg_control = control.room;
		h.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(channel, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? errno : 0;
}

/* The one file that came along; what else a sender may have put in does not stay open. */
static int file_of(struct msghdr *h)
{
	int fd = -1, one;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t nr = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < nr; i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (fd < 0)
				fd = one;
			else
				close(one);
		}
	}
	return fd;
}

int channel_receive(int channel, struct message *m, int *got)
{
	struct iovec part = {m, sizeof(*m)};
	union control control;
	struct msghdr h = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	ssize_t n;

	*got = -1;
	do
		n = recvmsg(channel, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? EPIPE : errno;
	*got = file_of(&h);
	if (!n)
		return EPIPE;
	if ((size_t)n < HEAD || m->len != (size_t)n - HEAD || (h.msg_flags & MSG_TRUNC)) {
		if (*got >= 0)
			close(*got);
		*got = -1;
		return EBADMSG;
	}
	return 0;
}

int channel_send_text(int channel, struct message *m, const char *text, size_t len)
{
	uint32_t kind = m->kind;
	int e = 0;

	if (len > MESSAGE_TEXT_MOST)
		return EMSGSIZE;
	for (m->kind = MSG_TEXT; !e && len > MESSAGE_MOST; len -= MESSAGE_MOST) {
		memcpy(m->data, text, MESSAGE_MOST);
		m->len = MESSAGE_MOST;
		e = channel_send(channel, m, -1);
		text += MESSAGE_MOST;
	}
	if (len)
		memcpy(m->data, text, len);
	m->len = (uint32_t)len;
	m->kind = kind;
	return e ? e : channel_send(channel, m, -1);
}

int channel_receive_text(int channel, struct message *m, struct iq_buf *text)
{
	int e, fd;

	do {
		e = channel_receive(channel, m, &fd);
		if (fd >= 0)
			close(fd);
		if (e)
			return e;
		if (text->len + m->len > MESSAGE_TEXT_MOST)
			return EMSGSIZE;
		iq_buf_add(text, m->data, m->len);
	} while (m->kind == MSG_TEXT);
	return 0;
}

const char *message_string(const struct message *m, unsigned int n)
{
	const char *at = m->data, *end = m->data + m->len, *stop;

	for (;; n--) {
		stop = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
		if (!stop || !n)
			return stop ? at : NULL;
		at = stop + 1;
	}
}

bool message_add(struct message *m, const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > MESSAGE_MOST - m->len)
		return false;
	memcpy(m->data + m->len, text, len);
	m->len += (uint32_t)len;
	return true;
}
