/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networking: the devices of a name space and their addresses (include/linux/netdevice.h), the
 * table of IPv4 neighbours (include/net/neighbour.h), and sockets (include/net/sock.h).
 *
 * Lists are malloc()ed.  Names are printable.  Damage ends a list with a warning.
 * IQ_E_UNAVAILABLE: no types, or this kernel keeps them in a way that is not known.
 */
#ifndef INQUEST_NET_H
#define INQUEST_NET_H

#include <inquest/fs.h>

struct iq_net_address {
	bool v6;
	uint8_t bytes[16]; /* 4 of them, in network order, or all 16 */
};
struct iq_net_device {
	uint64_t address;	/* struct net_device */
	char name[17];
	unsigned int first, nr; /* its addresses */
};
struct iq_net_devices {
	struct iq_net_device *device;
	struct iq_net_address *address;
	unsigned int nr, room, nr_addresses, room_addresses;
};
/* The devices in T's network name space (NULL: init_net), in the kernel's order. */
struct iq_error *iq_net_devices(struct iq_kernel *k, const struct iq_task *t,
				struct iq_net_devices *ret) IQ_CHECK;
void iq_net_devices_free(struct iq_net_devices *x);

struct iq_neighbour {
	uint64_t address;	/* struct neighbour */
	uint64_t device;	/* struct net_device */
	char name[17];		/* of the device */
	uint8_t ip[4];		/* network order */
	uint16_t type;		/* of the device: ARPHRD_* */
	uint8_t hardware[32];
	unsigned int nr_hardware; /* bytes of it that this kind of device has */
	uint8_t state;		/* NUD_* */
};
/* arp_tbl, of all name spaces. */
struct iq_error *iq_neighbours(struct iq_kernel *k, struct iq_neighbour **ret, unsigned int *nr) IQ_CHECK;

struct iq_socket {
	unsigned int fd;
	uint64_t socket, sock;	/* struct socket, struct sock (0: it has none any more) */
	uint16_t family, type, protocol; /* AF_*, SOCK_*; the protocol as socket() was told */
	uint8_t state;		/* TCP_* */
	/* Of AF_INET and AF_INET6 alone. */
	struct iq_net_address source, destination;
	uint16_t source_port, destination_port;
};
/* The sockets among T's open files. */
struct iq_error *iq_task_sockets(struct iq_kernel *k, const struct iq_task *t,
				 struct iq_socket **ret, unsigned int *nr) IQ_CHECK;

#endif
