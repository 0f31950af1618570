// SPDX-License-Identifier: GPL-2.0-or-later
/* The sockets of a task (net/socket.c: struct socket_alloc around the inode of each). */
#include <inquest/net.h>

#include "private.h"

#include <stdlib.h>

#define AF_INET 2
#define AF_INET6 10
#define IS_SOCKET(mode) (((mode)&0170000) == 0140000)

static uint16_t number(struct iq_kernel *k, const char *path, uint64_t sock)
{
	uint64_t v;

	return kernel_read_member(k, "sock", path, sock, &v) ? (uint16_t)v : 0;
}

static void read_address(struct iq_kernel *k, const char *path, uint64_t sock,
			 struct iq_net_address *ret)
{
	uint64_t at, size;

	ret->v6 = strstr(path, "v6");
	if (iq_kernel_offset(k, "sock", path, &at, &size) && size == (ret->v6 ? 16 : 4) &&
	    iq_vm_read(k->vm, sock + at, ret->bytes, (size_t)size, NULL))
		memset(ret->bytes, 0, sizeof(ret->bytes));
}

static void read_sock(struct iq_kernel *k, struct iq_socket *s)
{
	s->family = number(k, "__sk_common.skc_family", s->sock);
	s->state = (uint8_t)number(k, "__sk_common.skc_state", s->sock);
	s->protocol = number(k, "sk_protocol", s->sock);
	if (s->family != AF_INET && s->family != AF_INET6)
		return;
	s->source_port = number(k, "__sk_common.skc_num", s->sock);
	s->destination_port = __builtin_bswap16(number(k, "__sk_common.skc_dport", s->sock));
	read_address(k,
		     s->family == AF_INET ? "__sk_common.skc_rcv_saddr"
					  : "__sk_common.skc_v6_rcv_saddr",
		     s->sock, &s->source);
	read_address(k, s->family == AF_INET ? "__sk_common.skc_daddr" : "__sk_common.skc_v6_daddr",
		     s->sock, &s->destination);
}

struct iq_error *iq_task_sockets(struct iq_kernel *k, const struct iq_task *t,
				 struct iq_socket **ret, unsigned int *nr)
{
	struct iq_socket *list = NULL;
	unsigned int nr_files, n = 0, room = 0;
	uint64_t inode_at, socket_at, v;
	struct iq_types *types;
	struct iq_fd *fd;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!iq_offset(types, "socket_alloc", "vfs_inode", &inode_at, NULL) ||
	    !iq_offset(types, "socket_alloc", "socket", &socket_at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel keeps its sockets in a way that is not known");
	IQ_TRY(iq_task_files(k, t, &fd, &nr_files));
	for (unsigned int i = 0; i < nr_files; i++) {
		struct iq_socket s = {.fd = fd[i].fd};

		if (!IS_SOCKET(fd[i].file.mode))
			continue;
		s.socket = fd[i].file.inode - inode_at + socket_at;
		if (!kernel_read_member(k, "socket", "sk", s.socket, &s.sock) ||
		    !kernel_read_member(k, "socket", "type", s.socket, &v)) {
			iq_warn(k->warnings, "task %u: the socket of descriptor %u cannot be read",
				t->pid, s.fd);
			continue;
		}
		s.type = (uint16_t)v;
		if (s.sock)
			read_sock(k, &s);
		if (!iq_grow(&list, &room, n + 1, sizeof(*list))) {
			free(list);
			free(fd);
			return iq_error_nomem();
		}
		list[n++] = s;
	}
	free(fd);
	*ret = list;
	*nr = n;
	return NULL;
}
