// SPDX-License-Identifier: GPL-2.0-or-later
/* net: network devices with their addresses, the ARP table, the sockets of tasks. */
#include "internal.h"
#include "show.h"
#include <inquest/net.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

struct task_sockets {
	struct iq_task task;
	struct iq_socket *list;
	unsigned int nr;
};

struct net_result {
	int mode; /* 'd' devices, 'a', 's', 'S', 'N' */
	bool header; /* of the task, above its devices */
	struct iq_task task;
	struct iq_net_devices devices;
	struct iq_neighbour *neighbour;
	unsigned int nr_neighbours;
	struct task_sockets *task_list;
	unsigned int nr_tasks;
	const char *reference; /* -R; NULL: none */
	struct iq_format format;
	uint32_t number; /* -N */
};

static void free_result(void *data)
{
	struct net_result *x = data;

	iq_net_devices_free(&x->devices);
	free(x->neighbour);
	for (unsigned int i = 0; i < x->nr_tasks; i++)
		free(x->task_list[i].list);
	free(x->task_list);
	free(x);
}

/* ---- Words ------------------------------------------------------------------------------------- */

static const char *family_text(uint16_t family)
{
	static const char *const names[] = {
		"UNSPEC",   "UNIX",	  "INET",    "AX25",	  "IPX",     "APPLETALK", "NETROM",
		"BRIDGE",   "ATMPVC",	  "X25",     "INET6",	  "ROSE",    "DECnet",	  "NETBEUI",
		"SECURITY", "KEY",	  "NETLINK", "PACKET",	  "ASH",     "ECONET",	  "ATMSVC",
		"RDS",	    "SNA",	  "IRDA",    "PPPOX",	  "WANPIPE", "LLC",	  "IB",
		"MPLS",	    "CAN",	  "TIPC",    "BLUETOOTH", "IUCV",    "RXRPC",	  "ISDN",
		"PHONET",   "IEEE802154", "CAIF",    "ALG",	  "NFC",     "VSOCK",	  "KCM",
		"QIPCRTR",  "SMC",	  "XDP",     "MCTP",
	};

	return family < IQ_ARRAY_SIZE(names) ? names[family] : NULL;
}

static const char *type_text(uint16_t type)
{
	static const char *const names[] = {
		[1] = "STREAM",	   [2] = "DGRAM", [3] = "RAW",	  [4] = "RDM",
		[5] = "SEQPACKET", [6] = "DCCP",  [10] = "PACKET"};

	return type < IQ_ARRAY_SIZE(names) ? names[type] : NULL;
}

/* "INET:STREAM". */
static void family_and_type(const struct iq_socket *s, char *text, size_t room)
{
	char number[2][12];
	const char *family = family_text(s->family), *type = type_text(s->type);

	snprintf(number[0], sizeof(number[0]), "%u", s->family);
	snprintf(number[1], sizeof(number[1]), "%u", s->type);
	snprintf(text, room, "%s:%s", family ? family : number[0], type ? type : number[1]);
}

static void address_text(const struct iq_net_address *a, char text[INET6_ADDRSTRLEN])
{
	inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->bytes, text, INET6_ADDRSTRLEN);
}

static bool has_addresses(const struct iq_socket *s)
{
	return s->sock && (s->family == AF_INET || s->family == AF_INET6);
}

/* What ARPHRD_* says of the hardware (include/uapi/linux/if_arp.h), in crash's words. */
static const char *hardware_text(uint16_t type)
{
	static const char *const names[] = {
		[0] = "NETROM",	  [1] = "ETHER", [2] = "EETHER",   [3] = "AX25",
		[4] = "PRONET",	  [5] = "CHAOS", [6] = "IEEE802",  [7] = "ARCNET",
		[8] = "APPLETLK", [15] = "DLCI", [23] = "METRICOM"};

	return type < IQ_ARRAY_SIZE(names) && names[type] ? names[type] : "UNKNOWN";
}

static void hardware_address(const struct iq_neighbour *n, char *text, size_t room)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < n->nr_hardware && len + 4 < room; i++)
		len += (size_t)snprintf(text + len, room - len, "%s%02x",
					!i	       ? ""
					: n->type == 1 ? ":"
						       : " ",
					n->hardware[i]);
}

/* The bits of nud_state (include/uapi/linux/neighbour.h). */
static void state_text(uint8_t state, char *text, size_t room)
{
	static const char *const names[] = {"INCOMPLETE", "REACHABLE", "STALE", "DELAY",
					    "PROBE",	  "FAILED",    "NOARP", "PERMANENT"};
	size_t len = (size_t)snprintf(text, room, "%s", state ? "" : "NONE");

	for (unsigned int i = 0; i < 8; i++)
		if (state & 1u << i && len < room)
			len += (size_t)snprintf(text + len, room - len, "%s%s", len ? "|" : "",
						names[i]);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void text_devices(const struct net_result *x, struct iq_buf *out)
{
	char address[INET6_ADDRSTRLEN];

	if (x->header)
		text_task_header(&x->task, out);
	iq_buf_puts(out, "   NET_DEVICE     NAME       IP ADDRESS(ES)\n");
	for (unsigned int i = 0; i < x->devices.nr; i++) {
		const struct iq_net_device *d = &x->devices.device[i];

		iq_buf_printf(out, "%016" PRIx64 "  %-10s ", d->address, d->name);
		for (unsigned int a = 0; a < d->nr; a++) {
			address_text(&x->devices.address[d->first + a], address);
			iq_buf_printf(out, "%s%s", a ? ", " : "", address);
		}
		iq_buf_putc(out, '\n');
	}
}

static void text_neighbours(const struct net_result *x, struct iq_buf *out)
{
	char address[INET_ADDRSTRLEN], hardware[128], state[128];

	iq_buf_puts(
		out,
		"NEIGHBOUR        IP ADDRESS      HW TYPE    HW ADDRESS         DEVICE  STATE\n");
	for (unsigned int i = 0; i < x->nr_neighbours; i++) {
		const struct iq_neighbour *n = &x->neighbour[i];

		inet_ntop(AF_INET, n->ip, address, sizeof(address));
		hardware_address(n, hardware, sizeof(hardware));
		state_text(n->state, state, sizeof(state));
		iq_buf_printf(out, "%016" PRIx64 " %-15s %-10s %-18s %-7s %s\n", n->address,
			      address, hardware_text(n->type), hardware, n->name, state);
	}
}

/* The struct that a sock of this family begins. */
static const char *sock_struct(const struct iq_socket *s)
{
	return has_addresses(s) ? "struct inet_sock" : "struct sock";
}

static void text_struct(struct session *s, const struct net_result *x, const char *name,
			uint64_t address, struct iq_buf *out)
{
	const struct iq_type *t = iq_type_by_name(iq_kernel_types(s->kernel), name);

	if (!t)
		return;
	iq_buf_printf(out, "%s ", name);
	iq_value_print(s->kernel, s->kernel->vm, t, address, 0, 0, &x->format, out);
	iq_buf_putc(out, '\n');
}

static void text_socket(const struct iq_socket *k, struct iq_buf *out)
{
	char name[64], source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];

	iq_buf_printf(out, "%2u %016" PRIx64 " %016" PRIx64 " ", k->fd, k->socket, k->sock);
	if (k->sock) {
		family_and_type(k, name, sizeof(name));
		iq_buf_printf(out, "%-12s ", name);
	}
	if (has_addresses(k)) {
		address_text(&k->source, source);
		address_text(&k->destination, destination);
		iq_buf_printf(out, "%s-%u %s-%u", source, k->source_port, destination,
			      k->destination_port);
	}
	iq_buf_putc(out, '\n');
}

static bool text_sockets(struct session *s, const struct net_result *x,
			 const struct task_sockets *t, struct iq_buf *out)
{
	text_task_header(&t->task, out);
	if (!t->nr)
		iq_buf_puts(out, "No open sockets.\n");
	else if (x->mode == 's')
		iq_buf_puts(out, "FD      SOCKET            SOCK       FAMILY:TYPE SOURCE-PORT "
				 "DESTINATION-PORT\n");
	for (unsigned int i = 0; i < t->nr; i++) {
		const struct iq_socket *k = &t->list[i];

		if (x->mode == 's') {
			text_socket(k, out);
			continue;
		}
		iq_buf_printf(out,
			      "%sFD       SOCKET             SOCK\n%2u  %016" PRIx64 "  %016" PRIx64
			      "\n\n",
			      i ? "\n" : "", k->fd, k->socket, k->sock);
		text_struct(s, x, "struct socket", k->socket, out);
		if (k->sock)
			text_struct(s, x, sock_struct(k), k->sock, out);
		if (!stream_out(s, out))
			return false;
	}
	return stream_out(s, out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct net_result *x = r->data;

	switch (x->mode) {
	case 'd':
		text_devices(x, out);
		break;
	case 'a':
		text_neighbours(x, out);
		break;
	case 'N':
		iq_buf_printf(out, "%u.%u.%u.%u\n", x->number & 255, x->number >> 8 & 255,
			      x->number >> 16 & 255, x->number >> 24);
		break;
	default:
		for (unsigned int i = 0; i < x->nr_tasks; i++) {
			if (i)
				iq_buf_putc(out, '\n');
			if (!text_sockets(s, x, &x->task_list[i], out))
				return;
		}
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_ip(const struct iq_net_address *a)
{
	char address[INET6_ADDRSTRLEN];

	address_text(a, address);
	return json_string(address);
}

static json_t *json_devices(const struct net_result *x)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < x->devices.nr; i++) {
		const struct iq_net_device *d = &x->devices.device[i];
		json_t *o = json_object(), *list = json_array();

		for (unsigned int a = 0; a < d->nr; a++)
			json_array_append_new(list, json_ip(&x->devices.address[d->first + a]));
		json_object_set_new(o, "net_device", json_address(d->address));
		json_object_set_new(o, "name", json_string(d->name));
		json_object_set_new(o, "addresses", list);
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *json_neighbours(const struct net_result *x)
{
	char address[INET_ADDRSTRLEN], hardware[128], state[128];
	json_t *all = json_array();

	for (unsigned int i = 0; i < x->nr_neighbours; i++) {
		const struct iq_neighbour *n = &x->neighbour[i];
		json_t *o = json_object();

		inet_ntop(AF_INET, n->ip, address, sizeof(address));
		hardware_address(n, hardware, sizeof(hardware));
		state_text(n->state, state, sizeof(state));
		json_object_set_new(o, "neighbour", json_address(n->address));
		json_object_set_new(o, "ip", json_string(address));
		json_object_set_new(o, "hardware_type", json_string(hardware_text(n->type)));
		json_object_set_new(o, "hardware_address", json_string(hardware));
		json_object_set_new(o, "device", json_string(n->name));
		json_object_set_new(o, "state", json_string(state));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *json_socket(struct session *s, const struct net_result *x, const struct iq_socket *k)
{
	json_t *o = json_object();
	struct iq_types *types = iq_kernel_types(s->kernel);
	char name[64];

	family_and_type(k, name, sizeof(name));
	json_object_set_new(o, "fd", json_integer(k->fd));
	json_object_set_new(o, "socket", json_address(k->socket));
	json_object_set_new(o, "sock", k->sock ? json_address(k->sock) : json_null());
	json_object_set_new(o, "type", k->sock ? json_string(name) : json_null());
	json_object_set_new(o, "protocol", json_integer(k->protocol));
	json_object_set_new(o, "state", json_integer(k->state));
	if (has_addresses(k)) {
		json_object_set_new(o, "source", json_ip(&k->source));
		json_object_set_new(o, "source_port", json_integer(k->source_port));
		json_object_set_new(o, "destination", json_ip(&k->destination));
		json_object_set_new(o, "destination_port", json_integer(k->destination_port));
	}
	if (x->mode != 'S')
		return o;
	json_object_set_new(
		o, "socket_members",
		json_members(s->kernel->vm, iq_type_by_name(types, "struct socket"), k->socket));
	if (k->sock && iq_type_by_name(types, sock_struct(k)))
		json_object_set_new(o, "sock_members",
				    json_members(s->kernel->vm,
						 iq_type_by_name(types, sock_struct(k)), k->sock));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct net_result *x = r->data;
	json_t *o = json_object(), *tasks;
	char number[16];

	if (x->mode == 'd') {
		json_object_set_new(o, "devices", json_devices(x));
		return o;
	}
	if (x->mode == 'a') {
		json_object_set_new(o, "neighbours", json_neighbours(x));
		return o;
	}
	if (x->mode == 'N') {
		snprintf(number, sizeof(number), "%u.%u.%u.%u", x->number & 255,
			 x->number >> 8 & 255, x->number >> 16 & 255, x->number >> 24);
		json_object_set_new(o, "address", json_string(number));
		return o;
	}
	tasks = json_array();
	for (unsigned int i = 0; i < x->nr_tasks; i++) {
		const struct task_sockets *t = &x->task_list[i];
		json_t *task = json_task(&t->task), *list = json_array();

		for (unsigned int n = 0; n < t->nr; n++)
			json_array_append_new(list, json_socket(s, x, &t->list[n]));
		json_object_set_new(task, "sockets", list);
		json_array_append_new(tasks, task);
	}
	json_object_set_new(o, "tasks", tasks);
	return o;
}

/* Of -R: is there anything to show? */
static bool some(const void *data)
{
	const struct net_result *x = data;

	return x->nr_tasks || x->mode == 'd';
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding them ------------------------------------------------------------------------------ */

static bool refers(struct session *s, const char *reference, const struct iq_socket *k)
{
	uint64_t v;

	if (iq_parse_u64(reference, &v) && v == k->fd)
		return true;
	return word_address(s, reference, &v) && v && (v == k->socket || v == k->sock);
}

static bool room(void *arg, unsigned int most)
{
	struct net_result *x = arg;

	x->task_list = calloc(most, sizeof(*x->task_list));
	return x->task_list;
}

static struct iq_error *add_task(struct session *s, void *arg, const struct iq_task *t)
{
	struct net_result *x = arg;
	struct task_sockets *ts = &x->task_list[x->nr_tasks];
	unsigned int kept = 0;

	ts->task = *t;
	IQ_TRY(iq_task_sockets(s->kernel, t, &ts->list, &ts->nr));
	x->nr_tasks++;
	if (!x->reference)
		return NULL;
	for (unsigned int i = 0; i < ts->nr; i++)
		if (refers(s, x->reference, &ts->list[i]))
			ts->list[kept++] = ts->list[i];
	ts->nr = kept;
	if (!kept) { /* nothing of this task is asked for */
		free(ts->list);
		x->nr_tasks--;
	}
	return NULL;
}

/* The devices in init_net, or (NAMED) in the name space of a task. */
static struct iq_error *fill_devices(struct session *s, struct net_result *x, bool named, int nr,
				     char **words)
{
	const struct iq_task *t;

	if (nr > named)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", words[named]);
	if (!named)
		return iq_net_devices(s->kernel, NULL, &x->devices);
	if (nr) {
		IQ_TRY(parse_task(s, words[0], &x->task));
	} else {
		session_context(s);
		IQ_TRY(need_task(s, &t));
		x->task = *t;
	}
	x->header = s->in_foreach;
	return iq_net_devices(s->kernel, &x->task, &x->devices);
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct net_result *x = data;
	bool hex = false, decimal = false;
	struct iq_error *err = NULL;
	const char *number = NULL;
	uint64_t v;
	int c, nr;

	x->mode = 'd';
	nr = 0;
	while ((c = next_option(&o, "sSxdR:anN:", &err)) != -1) {
		if (err)
			return err;
		hex |= c == 'x';
		decimal |= c == 'd';
		if (c == 'R')
			x->reference = o.value;
		if (c == 'N')
			number = o.value;
		if (c == 'x' || c == 'd' || c == 'R')
			continue;
		if (nr && x->mode != c)
			return iq_error_new(IQ_E_USAGE, "-%c and -%c are different things", nr, c);
		x->mode = nr = c;
	}
	x->format = session_format(s, hex, decimal);
	argc -= o.index;
	argv += o.index;
	if (x->reference && x->mode != 's' && x->mode != 'S')
		return iq_error_new(IQ_E_USAGE, "-R goes with -s or -S");
	if (x->mode == 'n' || x->mode == 'd') {
		x->mode = 'd';
		return fill_devices(s, x, nr, argc, argv);
	}
	if (x->mode == 's' || x->mode == 'S') {
		session_context(s);
		return with_tasks(s, argc, argv, room, add_task, x);
	}
	if (argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[0]);
	if (x->mode == 'a')
		return iq_neighbours(s->kernel, &x->neighbour, &x->nr_neighbours);
	if ((!iq_parse_u64(number, &v) && !iq_parse_hex(number, &v)) || v > UINT32_MAX)
		return iq_error_new(IQ_E_USAGE, "%s is not a number of 32 bits", number);
	x->number = (uint32_t)v;
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct net_result), fill, &ops, r);
}

const struct command cmd_net = {
	.name = "net",
	.summary = "network devices, sockets of tasks, the ARP table",
	.help = "net [-n [PID | TASK]]\n"
		"net -s | -S [-x | -d] [-R REFERENCE] [PID | TASK | NAME | 'REGEX']...\n"
		"net -a\n"
		"net -N NUMBER\n"
		"\n"
		"The network devices of the first name space: struct net_device, name and "
		"addresses.\n"
		"\n"
		"  -n   those of the name space of a task (the current one)\n"
		"  -s   the sockets among a task's open files: descriptor, struct socket, struct "
		"sock,\n"
		"       family and type; of IPv4 and IPv6 addresses and ports of both ends as "
		"well\n"
		"  -S   the same with both structs in full; -x and -d choose the radix of numbers\n"
		"  -R   only the sockets with this descriptor, or with this address of one of "
		"them\n"
		"  -a   the ARP table: IPv4 neighbours with their hardware address and state\n"
		"  -N   the IPv4 address that a number in memory (__be32) is\n"
		"\n"
		"  inquest> net\n"
		"     NET_DEVICE     NAME       IP ADDRESS(ES)\n"
		"  ffff8bdfc1972000  lo         127.0.0.1, ::1\n"
		"  inquest> foreach net -s\n"
		"  inquest> net -N 16777343\n"
		"  127.0.0.1\n",
	.run = run,
	.completes = "p",
	.no_context = true,
};
