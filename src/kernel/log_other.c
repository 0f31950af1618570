// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel had said, but not yet put into its log or handed to a daemon: see log.h. */
#include "private.h"

#include <stdlib.h>

#define SAFE_MAX (1u << 20)
#define AUDIT_RECORDS_MAX (1u << 20)
#define AUDIT_TEXT_MAX 65536
#define NLMSG_HDRLEN 16 /* struct nlmsghdr: u32 len, u16 type, u16 flags, u32 seq, u32 pid */

/* ---- Safe buffers -------------------------------------------------------------------------------- */

struct safe {
	uint64_t len_at, lost_at, buffer_at, room;
	void (*fn)(void *arg, const struct iq_log_safe *b);
	void *arg;
};

static bool read_safe(struct iq_kernel *k, const struct safe *s, struct iq_log_safe *b)
{
	uint64_t len, lost;
	char *text;

	if (!kernel_read_uint(k, b->address + s->len_at, 4, &len) ||
	    !kernel_read_uint(k, b->address + s->lost_at, 4, &lost)) {
		iq_warn(k->warnings, "%s of CPU %u cannot be read", b->name, b->cpu);
		return true;
	}
	/* What does not fit is counted as lost, but may have been added to the length before. */
	b->len = (unsigned int)IQ_MIN(len, s->room);
	b->lost = lost;
	text = calloc(1, (size_t)b->len + 1);
	if (!text)
		return false;
	if (iq_vm_read(k->vm, b->address + s->buffer_at, text, b->len, NULL))
		iq_warn(k->warnings, "the text of %s of CPU %u cannot be read", b->name, b->cpu);
	b->text = text;
	s->fn(s->arg, b);
	free(text);
	return true;
}

struct iq_error *iq_log_safe_buffers(struct iq_kernel *k,
				     void (*fn)(void *arg, const struct iq_log_safe *b), void *arg,
				     bool *has)
{
	static const char *const names[] = {"nmi_print_seq", "safe_print_seq"};
	struct safe s = {.fn = fn, .arg = arg};
	const struct iq_cpu *cpus;
	unsigned int nr;
	bool known = iq_kernel_offset(k, "printk_safe_seq_buf", "len", &s.len_at, NULL) &&
		     iq_kernel_offset(k, "printk_safe_seq_buf", "message_lost", &s.lost_at, NULL) &&
		     iq_kernel_offset(k, "printk_safe_seq_buf", "buffer", &s.buffer_at, &s.room) &&
		     s.room <= SAFE_MAX;

	if (has)
		*has = known;
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; known && i < IQ_ARRAY_SIZE(names); i++) {
		if (!iq_kernel_symbol(k, names[i]))
			continue;
		for (unsigned int c = 0; c < nr; c++) {
			struct iq_log_safe b = {.name = names[i], .cpu = cpus[c].cpu};

			b.address = iq_percpu_symbol(k, names[i], cpus[c].cpu);
			if (cpus[c].present && b.address && !read_safe(k, &s, &b))
				return iq_error_nomem();
		}
	}
	return NULL;
}

/* ---- Audit --------------------------------------------------------------------------------------- */

struct audit {
	void (*fn)(void *arg, unsigned int type, const char *text, size_t len);
	void *arg;
	char *text; /* AUDIT_TEXT_MAX + 1 bytes */
};

/* A struct sk_buff with a netlink message. */
static bool audit_record(struct iq_kernel *k, uint64_t skb, void *arg)
{
	struct audit *a = arg;
	uint8_t header[NLMSG_HDRLEN];
	uint64_t data, len;

	if (!kernel_read_member(k, "sk_buff", "data", skb, &data) ||
	    !kernel_read_member(k, "sk_buff", "len", skb, &len) ||
	    iq_vm_read(k->vm, data, header, sizeof(header), NULL)) {
		iq_warn(k->warnings, "the audit record at 0x%lx cannot be read",
			(unsigned long)skb);
		return true;
	}
	len = len > NLMSG_HDRLEN ? IQ_MIN(len - NLMSG_HDRLEN, AUDIT_TEXT_MAX) : 0;
	if (iq_vm_read(k->vm, data + NLMSG_HDRLEN, a->text, len, NULL)) {
		iq_warn(k->warnings, "the text of the audit record at 0x%lx cannot be read",
			(unsigned long)skb);
		return true;
	}
	a->fn(a->arg, iq_le16(header + 4), a->text, strnlen(a->text, len));
	return true;
}

struct iq_error *
iq_log_audit(struct iq_kernel *k,
	     void (*fn)(void *arg, unsigned int type, const char *text, size_t len), void *arg)
{
	static const char *const queues[] = {"audit_hold_queue", "audit_retry_queue",
					     "audit_queue"};
	struct audit a = {.fn = fn, .arg = arg};
	struct iq_types *types;
	bool any = false;

	IQ_TRY(iq_kernel_need_types(k, &types));
	a.text = malloc(AUDIT_TEXT_MAX + 1);
	if (!a.text)
		return iq_error_nomem();
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(queues); i++) {
		uint64_t queue = iq_kernel_symbol(k, queues[i]);

		any |= queue;
		/* struct sk_buff_head and struct sk_buff begin with next and prev, as a list_head does. */
		if (queue)
			kernel_list_for_each(k, queue, AUDIT_RECORDS_MAX, "audit log", audit_record,
					     &a);
	}
	free(a.text);
	return any ? NULL
		   : iq_error_new(IQ_E_UNAVAILABLE,
				  "this kernel was built without an audit log (CONFIG_AUDIT)");
}
