// SPDX-License-Identifier: GPL-2.0-or-later
/* Payloads: frames and packets of networks, outermost header first; numbers in network order. */
#include "payload.h"

static const char *protocol(unsigned int number)
{
	switch (number) {
	case 1:
		return "ICMP";
	case 2:
		return "IGMP";
	case 6:
		return "TCP";
	case 17:
		return "UDP";
	case 41:
		return "IPv6";
	case 47:
		return "GRE";
	case 50:
		return "ESP";
	case 51:
		return "AH";
	case 58:
		return "ICMPv6";
	case 89:
		return "OSPF";
	case 112:
		return "VRRP";
	case 132:
		return "SCTP";
	default:
		return NULL;
	}
}

/* The ones' complement sum of RFC 1071 over LEN bytes. */
static uint16_t sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += iq_be16(p + i);
	if (len & 1)
		s += (uint32_t)p[len - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static unsigned int ipv4(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int head = (p[0] & 15) * 4u, total, bits;

	if (p[0] >> 4 != 4 || head < 20 || head > 60)
		return 0;
	total = iq_be16(p + 2);
	if (total < head)
		return 0;
	bits = p[0] == 0x45 ? 8 : 5;
	bits += p[1] == 0 ? 6 : p[1] & 3 ? 0 : 2;
	bits += total <= 1500 ? 5 : 0;
	if (n >= 8) {
		unsigned int fragment = iq_be16(p + 6);

		if (fragment != 0x4000 && fragment)
			n = 4;
		else
			bits += fragment ? 15 : 8;
	}
	if (n >= 10 && !protocol(p[9])) {
		n = 8;
	} else if (n >= 10) {
		bits += 4 + (p[8] == 64 || p[8] == 128 || p[8] == 255 || p[8] == 1 ? 5 : 1);
	}
	m->whole = total;
	if (n < 20 || (n >= head && sum(p, head) != 0xffff && (p[0] != 0x45 || p[1])))
		return iq_payload_say(m, bits, IQ_MIN(n, 12u), "IPv4 header (%u bytes in all%s%s)",
				      total, n >= 10 ? ", " : "", n >= 10 ? protocol(p[9]) : "");
	if (n >= head && sum(p, head) == 0xffff)
		bits += 16;
	return iq_payload_say(m, bits, IQ_MIN(n, head),
			      "IPv4 packet %u.%u.%u.%u to %u.%u.%u.%u (%s)", p[12], p[13], p[14],
			      p[15], p[16], p[17], p[18], p[19], protocol(p[9]));
}

static unsigned int ipv6(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits = 4, next;

	if (p[0] >> 4 != 6)
		return 0;
	next = p[6];
	if (!protocol(next) && next != 0 && next != 43 && next != 44 && next != 59 && next != 60)
		return 0;
	if (!p[7] || iq_be16(p + 4) > 9000)
		return 0;
	bits += 4 + (p[7] == 64 || p[7] == 255 || p[7] == 1 || p[7] == 128 ? 6 : 1);
	bits += !p[0] ? 0 : (p[0] == 0x60 && !(p[1] >> 4) ? 8 : 1);
	bits += iq_be16(p + 4) <= 1500 ? 5 : 0;
	if (n >= 24) {
		/* link-local, global, multicast, ULA; loopback and "any" */
		for (unsigned int at = 8; at <= 24 && at + 16 <= n; at += 16)
			if (iq_be16(p + at) == 0xfe80 || p[at] >> 5 == 1 || p[at] == 0xff ||
			    p[at] == 0xfd || !iq_be64(p + at))
				bits += iq_be16(p + at) == 0xfe80 ? 14 : iq_be64(p + at) ? 4 : 3;
			else
				break;
	}
	m->whole = 40u + iq_be16(p + 4);
	return iq_payload_say(m, bits, IQ_MIN(n, 40u),
			      "IPv6 header (next header %s, %u bytes follow)",
			      protocol(next) ? protocol(next) : "extension", iq_be16(p + 4));
}

static unsigned int arp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (iq_be16(p) != 1 || iq_be16(p + 2) != 0x0800)
		return 0;
	m->whole = 28;
	if (n < 6)
		return iq_payload_say(m, 30, 4, "ARP packet (IPv4 over Ethernet)");
	if (p[4] != 6 || p[5] != 4)
		return 0;
	if (n < 8)
		return iq_payload_say(m, 44, 6, "ARP packet (IPv4 over Ethernet)");
	if (!iq_be16(p + 6) || iq_be16(p + 6) > 9)
		return 0;
	return iq_payload_say(m, 56, IQ_MIN(n, 28u), "ARP %s (IPv4 over Ethernet)",
			      iq_be16(p + 6) == 1   ? "request"
			      : iq_be16(p + 6) == 2 ? "reply"
						    : "packet");
}

/* What an EtherType says comes next, tested; 0: it is not that. */
static unsigned int inside(unsigned int type, const uint8_t *p, size_t n, struct iq_payload *in)
{
	if (type == 0x0800)
		return n >= 4 ? ipv4(p, n, in) : 0;
	if (type == 0x86dd)
		return n >= 8 ? ipv6(p, n, in) : 0;
	return type == 0x0806 && n >= 4 ? arp(p, n, in) : 0;
}

static const char *ethertype(unsigned int type)
{
	switch (type) {
	case 0x0800:
		return "IPv4";
	case 0x0806:
		return "ARP";
	case 0x86dd:
		return "IPv6";
	case 0x8100:
		return "802.1Q VLAN";
	case 0x88a8:
		return "802.1ad VLAN";
	case 0x88cc:
		return "LLDP";
	case 0x8863:
		return "PPPoE discovery";
	case 0x8864:
		return "PPPoE";
	case 0x8847:
		return "MPLS";
	case 0x888e:
		return "802.1X";
	case 0x8906:
		return "FCoE";
	case 0x88a2:
		return "ATA over Ethernet";
	case 0x88f7:
		return "PTP";
	default:
		return NULL;
	}
}

static unsigned int ethernet(const uint8_t *p, size_t n, struct iq_payload *m)
{
	struct iq_payload in = {.text = ""};
	unsigned int type = iq_be16(p + 12), bits = 12, inner = 0;
	const char *name = ethertype(type);

	/* A source is never a group; no address is all zeros or all ones. */
	if (!name || p[6] & 1 || (!iq_be32(p + 6) && !iq_be16(p + 10)))
		return 0;
	if (!memcmp(p, "\xff\xff\xff\xff\xff\xff", 6))
		bits += 46;
	else if (!iq_be32(p) && !iq_be16(p + 4))
		return 0;
	else if (!memcmp(p, "\x33\x33", 2) || !memcmp(p, "\x01\x00\x5e", 3) ||
		 !memcmp(p, "\x01\x80\xc2", 3))
		bits += 14;
	else if (p[0] & 1)
		return 0;
	inner = inside(type, p + 14, n - 14, &in);
	if (!inner && n >= 16 &&
	    ((type == 0x0800 && p[14] == 0x45) || (type == 0x86dd && p[14] == 0x60) ||
	     (type == 0x0806 && !p[14])))
		bits += p[14] ? 9 : 4;
	if (bits + inner < 20 && n > 14)
		return 0;
	m->whole = inner && in.whole ? 14 + in.whole : 0;
	return iq_payload_say(m, bits + inner, inner ? 14 + in.len : 14,
			      "Ethernet frame to %02x:%02x:%02x:%02x:%02x:%02x from "
			      "%02x:%02x:%02x:%02x:%02x:%02x, %s%s%.60s",
			      p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
			      p[11], name, inner ? ": " : "", inner ? in.text : "");
}

/* From the source address on: what is left of a frame whose beginning lies elsewhere. */
static unsigned int vlan(const uint8_t *p, size_t n, struct iq_payload *m)
{
	const char *next = ethertype(iq_be16(p + 4));

	(void)n;
	if ((iq_be16(p) != 0x8100 && iq_be16(p) != 0x88a8) || !next || !(iq_be16(p + 2) & 0xfff))
		return 0;
	return iq_payload_say(m, 15 + 12, 6, "802.1Q tag of VLAN %u, then %s",
			      iq_be16(p + 2) & 0xfff, next);
}

static const char *service(unsigned int port)
{
	switch (port) {
	case 20:
	case 21:
		return "FTP";
	case 22:
		return "SSH";
	case 23:
		return "telnet";
	case 25:
	case 587:
		return "SMTP";
	case 53:
		return "DNS";
	case 67:
	case 68:
		return "DHCP";
	case 69:
		return "TFTP";
	case 80:
	case 8080:
		return "HTTP";
	case 111:
		return "portmap";
	case 123:
		return "NTP";
	case 137:
	case 138:
	case 139:
		return "NetBIOS";
	case 143:
		return "IMAP";
	case 161:
	case 162:
		return "SNMP";
	case 179:
		return "BGP";
	case 389:
		return "LDAP";
	case 443:
	case 8443:
		return "HTTPS";
	case 445:
		return "SMB";
	case 514:
		return "syslog";
	case 546:
	case 547:
		return "DHCPv6";
	case 2049:
		return "NFS";
	case 3260:
		return "iSCSI";
	case 3306:
		return "MySQL";
	case 4420:
		return "NVMe/TCP";
	case 4789:
		return "VXLAN";
	case 5201:
		return "iperf";
	case 5353:
		return "mDNS";
	case 5432:
		return "PostgreSQL";
	case 6379:
		return "Redis";
	case 11211:
		return "memcached";
	case 51820:
		return "WireGuard";
	default:
		return NULL;
	}
}

static unsigned int tcp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int from = iq_be16(p), to = iq_be16(p + 2), head = (p[12] >> 4) * 4u,
		     flags = p[13];
	const char *name = service(from) ? service(from) : service(to);
	unsigned int bits = 4 + 2;

	if (!from || !to || head < 20 || p[12] & 15 || flags & 0xc0)
		return 0;
	if (flags != 0x10 && flags != 0x18 && flags != 0x02 && flags != 0x12 && flags != 0x11 &&
	    flags != 0x04 && flags != 0x14 && flags != 0x19)
		return 0;
	if (flags == 0x02 && iq_be32(p + 8))
		return 0;
	bits += 3 + (head == 20 || head == 32 || head == 40 ? 2 : 0) + (name ? 10 : 0) +
		(flags == 0x02 ? 32 : 0);
	if (n >= 20 && !iq_be16(p + 18))
		bits += 14;
	if (n >= 24 && head > 20)
		bits += !memcmp(p + 20, "\x01\x01\x08\x0a", 4) || !memcmp(p + 20, "\x02\x04", 2)
				? 16
				: 0;
	return iq_payload_say(m, bits, IQ_MIN(n, head), "TCP header, port %u to %u%s%s%s%s", from,
			      to, name ? " (" : "", name ? name : "", name ? ")" : "",
			      flags == 2      ? ", SYN"
			      : flags == 0x12 ? ", SYN ACK"
					      : "");
}

static unsigned int udp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int from = iq_be16(p), to = iq_be16(p + 2), len = iq_be16(p + 4);
	const char *name = service(from) ? service(from) : service(to);
	unsigned int bits;

	if (!from || !to || len < 8 || len > 1480 || !name)
		return 0;
	bits = 10 + 5 + (service(from) && service(to) ? 10 : 0);
	if (n >= 12 && (from == 53 || to == 53 || from == 5353) && len > 20 && n >= 18 &&
	    iq_be16(p + 12) == 1 && !iq_be16(p + 14))
		bits += 30;
	m->whole = len;
	return iq_payload_say(m, bits, 8, "UDP header, port %u to %u (%s), %u bytes", from, to,
			      name, len);
}

static unsigned int icmp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits;

	if ((p[0] != 8 && p[0] != 0) || p[1])
		return 0;
	/* An echo of the usual 64 bytes whose checksum is right. */
	for (size_t len = 64; len >= 8; len = len == 64 ? 40 : len == 40 ? 36 : len == 36 ? 8 : 0)
		if (n >= len && sum(p, len) == 0xffff && iq_be16(p + 2)) {
			/* What ping sends counts up. */
			bits = 15 + 14 + (len >= 36 && p[len - 1] == p[len - 2] + 1 ? 14 : 0);
			m->whole = len;
			return iq_payload_say(m, bits, len, "ICMP echo %s, sequence %u",
					      p[0] ? "request" : "reply", iq_be16(p + 6));
		}
	if (p[0] == 8 && n >= 20 && p[12] && p[16] + 1 == p[17] && p[17] + 1 == p[18])
		return iq_payload_say(m, 32, 20, "ICMP echo request, sequence %u", iq_be16(p + 6));
	if (p[0] == 8 && iq_be16(p + 2) && iq_be16(p + 4) && iq_be16(p + 6) && iq_be16(p + 6) < 256)
		return iq_payload_say(m, 23, 8, "ICMP echo request, sequence %u", iq_be16(p + 6));
	return 0;
}

static unsigned int dhcp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	bool cookie = n >= 240 && !memcmp(p + 236, "\x63\x82\x53\x63", 4);

	if ((p[0] != 1 && p[0] != 2) || p[1] != 1 || p[2] != 6 || p[3] > 16)
		return 0;
	if (!cookie && (p[3] || (n >= 12 && (iq_be16(p + 8) > 600 || iq_be16(p + 10) & 0x7fff))))
		return 0;
	return iq_payload_say(m, 27 + (cookie ? 32 : 0) + (n >= 12 ? 12 : 0),
			      cookie ? 240 : IQ_MIN(n, 12u), "DHCP %s",
			      p[0] == 1 ? "request" : "reply");
}

static unsigned int dhcp_cookie(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "\x63\x82\x53\x63", 4))
		return 0;
	if (n >= 7 && p[4] == 53 && p[5] == 1 && p[6] >= 1 && p[6] <= 8)
		return iq_payload_say(m, 53, 7, "DHCP options (message type %u)", p[6]);
	return iq_payload_say(m, 32, 4, "DHCP magic cookie");
}

/* Length of a DNS name at P that is labels of letters; 0: it is none. */
static size_t dns_name(const uint8_t *p, size_t n, char *text, size_t room)
{
	size_t at = 0, out = 0;

	while (at < n && p[at]) {
		size_t len = p[at++];

		if (len > 63 || at + len > n)
			return 0;
		for (size_t i = 0; i < len; i++) {
			uint8_t c = p[at + i];

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9') || c == '-' || c == '_'))
				return 0;
			if (out + 2 < room)
				text[out++] = (char)c;
		}
		at += len;
		if (out + 2 < room && at < n && p[at])
			text[out++] = '.';
	}
	text[out] = 0;
	return at < n && at > 1 ? at + 1 : 0;
}

static unsigned int dns(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int flags = iq_be16(p + 2), questions = iq_be16(p + 4);
	char name[80];
	size_t len = 0;
	unsigned int bits = 16;

	if (flags & 0x7840 || questions > 4 || iq_be16(p + 6) > 32 || iq_be16(p + 8) > 32 ||
	    iq_be16(p + 10) > 32 || !(questions + iq_be16(p + 6)))
		return 0;
	if (flags != 0x0100 && flags != 0x8180 && flags != 0x8400 && flags != 0x0120 &&
	    flags != 0x8580 && flags != 0x8183 && flags != 0)
		return 0;
	if (!questions && flags != 0x8400)
		return 0;
	if (n > 14 && questions)
		len = dns_name(p + 12, n - 12, name, sizeof(name));
	bits = (flags ? 14 : 0) + 6;
	if (len > 4)
		return iq_payload_say(m, bits + 24, 12 + len, "DNS %s for %s",
				      flags & 0x8000 ? "answer" : "query", name);
	if (!flags)
		return 0;
	return iq_payload_say(m, bits, 12, "DNS %s", flags & 0x8000 ? "answer" : "query");
}

static unsigned int tls(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const kinds[] = {"change cipher spec", "alert", "handshake",
					    "application data", "heartbeat"};
	unsigned int len, bits = 5 + 8 + 6;

	if (p[0] < 20 || p[0] > 24 || p[1] != 3 || p[2] > 4)
		return 0;
	if (n < 5)
		return iq_payload_say(m, bits, n, "TLS record (%s)", kinds[p[0] - 20]);
	len = iq_be16(p + 3);
	if (!len || len > 16384 + 2048 || (p[0] == 20 && len != 1) || (p[0] == 21 && len > 64))
		return 0;
	bits += p[0] == 20 ? 16 : p[0] == 21 ? 10 : 2;
	m->whole = 5 + len;
	if (p[0] == 22 && n >= 9 && (p[5] == 1 || p[5] == 2 || p[5] == 11 || p[5] == 16) && !p[6]) {
		bits += 6 + 8 + (iq_be16(p + 7) + 4u == len ? 16 : 0);
		return iq_payload_say(m, bits, IQ_MIN(n, 11u), "TLS record (%s)",
				      p[5] == 1	   ? "ClientHello"
				      : p[5] == 2  ? "ServerHello"
				      : p[5] == 11 ? "certificate"
						   : "key exchange");
	}
	return iq_payload_say(m, bits, 5, "TLS record (%s, %u bytes)", kinds[p[0] - 20], len);
}

static unsigned int netlink(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t len = iq_le32(p);
	unsigned int type = iq_le16(p + 4), flags = iq_le16(p + 6);

	(void)n;
	if (len < 16 || len > 8192 || !((type >= 16 && type <= 124) || type == 2 || type == 3) ||
	    !flags || flags & 0xe0d0)
		return 0;
	if (iq_le32(p + 12) > 4194304)
		return 0;
	return iq_payload_say(m, 15 + 9 + 7 - 12 + (iq_le32(p + 12) < 65536 ? 8 : 0), 16,
			      "netlink message of type %u, %u bytes", type, len);
}

static unsigned int rpc(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t program;

	(void)n;
	if (iq_be32(p + 4) > 1)
		return 0;
	program = iq_be32(p + 12);
	if (iq_be32(p + 4) || iq_be32(p + 8) != 2 || program < 100000 || program > 100300)
		return 0;
	return iq_payload_say(m, 32 + 31 + 20, 16, "Sun RPC call of program %u%s", program,
			      program == 100003	  ? " (NFS)"
			      : program == 100005 ? " (mount)"
						  : "");
}

static unsigned int ntp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int version = p[0] >> 3 & 7, mode = p[0] & 7;

	(void)n;
	if (version < 3 || version > 4 || (mode != 3 && mode != 4) || p[1] > 16 || p[2] < 4 ||
	    p[2] > 17)
		return 0;
	/* The transmit time stamp counts from 1900: 0xd0… to 0xf0… are 2010 to 2027. */
	if (p[40] < 0xd0 || p[40] > 0xf4)
		return 0;
	return iq_payload_say(
		m, 12 + 4 + (iq_be16(p + 4) < 16 ? 12 : 0) + (iq_be16(p + 8) < 16 ? 12 : 0), 48,
		"NTP %s, version %u", mode == 3 ? "request" : "answer", version);
}

static unsigned int vxlan(const uint8_t *p, size_t n, struct iq_payload *m)
{
	struct iq_payload in = {.text = ""};
	unsigned int inner;

	if (iq_be32(p) != 0x08000000 || p[7] || n < 22)
		return 0;
	inner = ethernet(p + 8, n - 8, &in);
	if (!inner)
		return 0;
	return iq_payload_say(m, inner + 38, 8 + in.len, "VXLAN header of network %u, then %.100s",
			      iq_be32(p + 4) >> 8, in.text);
}

static unsigned int stp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (memcmp(p, "\x42\x42\x03\x00\x00", 5) || (p[5] != 0 && p[5] != 2 && p[5] != 3))
		return 0;
	return iq_payload_say(m, 45, 6, "spanning tree BPDU");
}

static unsigned int bgp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	for (unsigned int i = 0; i < 16; i++)
		if (p[i] != 0xff)
			return 0;
	if (iq_be16(p + 16) < 19 || iq_be16(p + 16) > 4096 || p[18] < 1 || p[18] > 5)
		return 0;
	return iq_payload_say(m, 140, 19, "BGP message of type %u", p[18]);
}

static unsigned int iscsi(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int code = p[0] & 0x3f;

	(void)n;
	if (p[0] & 0x80 || p[4] || iq_be16(p + 2) || p[5] > 4 || iq_be32(p + 16) == 0)
		return 0;
	if (code != 1 && code != 0x21 && code != 5 && code != 0x25 && code != 3 && code != 0x23)
		return 0;
	if (code == 1 ? (!(p[1] & 0x80) || p[1] & 0x18) : !(p[1] & 0x80))
		return 0;
	if (iq_be32(p + 8) || iq_be16(p + 12))
		return 0;
	return iq_payload_say(m, 4 + 8 + 16 + 2, 48, "iSCSI PDU (opcode 0x%02x)", code);
}

const struct iq_payload_format iq_payload_net[] = {
	{"ethernet", 14, ethernet},
	{"vlan", 6, vlan},
	{"arp", 4, arp},
	{"ipv4", 4, ipv4},
	{"ipv6", 8, ipv6},
	{"tcp", 14, tcp},
	{"udp", 8, udp},
	{"icmp", 8, icmp},
	{"dhcp", 4, dhcp},
	{"dhcp.options", 4, dhcp_cookie},
	{"dns", 12, dns},
	{"tls", 4, tls},
	{"netlink", 16, netlink},
	{"rpc", 16, rpc},
	{"ntp", 48, ntp},
	{"vxlan", 22, vxlan},
	{"stp", 6, stp},
	{"bgp", 19, bgp},
	{"iscsi", 48, iscsi},
	{NULL, 0, NULL},
};
