// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals of tasks: see signals.h. */
#include <inquest/signals.h>

#include "private.h"

#include <stdlib.h>

#define MAX_QUEUED 65536
#define SIGRTMIN 32 /* the kernel's */

struct layout {
	uint64_t action_at, action_size, handler, mask, flags; /* k_sigaction, in sighand_struct.action[] */
	uint64_t list, info, signo;			       /* struct sigqueue */
};

static struct iq_error *find_layout(struct iq_types *t, struct layout *l)
{
	uint64_t one;

	if (!iq_offset(t, "sighand_struct", "action[0]", &l->action_at, NULL) ||
	    !iq_offset(t, "sighand_struct", "action[1]", &one, NULL) ||
	    !iq_offset(t, "sighand_struct", "action[0].sa.sa_handler", &l->handler, NULL) ||
	    !iq_offset(t, "sighand_struct", "action[0].sa.sa_mask", &l->mask, NULL) ||
	    !iq_offset(t, "sighand_struct", "action[0].sa.sa_flags", &l->flags, NULL) ||
	    !iq_offset(t, "sigqueue", "list", &l->list, NULL) ||
	    !iq_offset(t, "sigqueue", "info", &l->info, NULL) ||
	    !iq_offset(t, "sigqueue", "info.si_signo", &l->signo, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps signals in a way that is not known");
	l->action_size = one - l->action_at;
	l->handler -= l->action_at;
	l->mask -= l->action_at;
	l->flags -= l->action_at;
	return l->action_size && l->action_size <= 256 ?
		       NULL : iq_error_new(IQ_E_FORMAT, "struct k_sigaction of %lu bytes",
					   (unsigned long)l->action_size);
}

static void read_actions(struct iq_kernel *k, const struct iq_task *t, const struct layout *l,
			 struct iq_signals *s)
{
	uint64_t sighand;

	if (!kernel_read_member(k, "task_struct", "sighand", t->address, &sighand) || !sighand)
		return;
	for (unsigned int i = 0; i < IQ_SIGNALS; i++) {
		struct iq_sigaction *a = &s->action[i];
		uint64_t at = sighand + l->action_at + i * l->action_size;

		a->address = at;
		if (!kernel_read_uint(k, at + l->handler, 8, &a->handler) ||
		    !kernel_read_uint(k, at + l->mask, 8, &a->mask) ||
		    !kernel_read_uint(k, at + l->flags, 8, &a->flags)) {
			iq_warn(k->warnings, "the handlers of task %u (sighand_struct 0x%lx) cannot be read",
				t->pid, (unsigned long)sighand);
			return;
		}
	}
	s->nr_actions = IQ_SIGNALS;
}

struct queue {
	const struct layout *l;
	struct iq_signals *s;
	unsigned int room;
	bool shared, failed;
};

static bool add_queued(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct queue *q = arg;
	uint64_t at = entry - q->l->list, signo;

	if (!kernel_read_uint(k, at + q->l->signo, 4, &signo))
		return false;
	if (!iq_grow(&q->s->queue, &q->room, q->s->nr_queue + 1, sizeof(*q->s->queue))) {
		q->failed = true;
		return false;
	}
	q->s->queue[q->s->nr_queue++] = (struct iq_sigqueue){
		.address = at, .info = at + q->l->info, .signal = (int)signo, .shared = q->shared};
	return true;
}

static bool read_pending(struct iq_kernel *k, uint64_t pending, struct queue *q, uint64_t *set)
{
	uint64_t list, bits;
	struct iq_types *t = iq_kernel_types(k);

	if (!iq_offset(t, "sigpending", "list", &list, NULL) ||
	    !iq_offset(t, "sigpending", "signal", &bits, NULL) ||
	    !kernel_read_uint(k, pending + bits, 8, set))
		return false;
	kernel_list_for_each(k, pending + list, MAX_QUEUED, "queue of signals", add_queued, q);
	return !q->failed;
}

struct iq_error *iq_task_signals(struct iq_kernel *k, const struct iq_task *t, struct iq_signals *ret)
{
	struct iq_signals s = {0};
	uint64_t pending, shared, threads;
	struct iq_types *types;
	struct layout l;
	struct queue q = {.l = &l, .s = &s};

	IQ_TRY(iq_kernel_need_types(k, &types));
	IQ_TRY(find_layout(types, &l));
	if (!iq_offset(types, "task_struct", "pending", &pending, NULL) ||
	    !iq_offset(types, "signal_struct", "shared_pending", &shared, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps signals in a way that is not known");
	if (!kernel_read_member(k, "task_struct", "signal", t->address, &s.signal) ||
	    !kernel_read_member(k, "task_struct", "blocked", t->address, &s.blocked))
		return iq_error_new(IQ_E_MEMORY, "the signals of task %u cannot be read", t->pid);
	read_actions(k, t, &l, &s);
	if (s.signal && kernel_read_member(k, "signal_struct", "nr_threads", s.signal, &threads))
		s.threads = (unsigned int)threads;
	if (!read_pending(k, t->address + pending, &q, &s.private_pending) && !q.failed)
		iq_warn(k->warnings, "pending signals of task %u cannot be read", t->pid);
	q.shared = true;
	if (s.signal && !read_pending(k, s.signal + shared, &q, &s.shared_pending) && !q.failed)
		iq_warn(k->warnings, "pending signals of the process of task %u (signal_struct 0x%lx) cannot "
			"be read", t->pid, (unsigned long)s.signal);
	if (q.failed) {
		iq_signals_free(&s);
		return iq_error_nomem();
	}
	*ret = s;
	return NULL;
}

void iq_signals_free(struct iq_signals *s)
{
	free(s->queue);
	memset(s, 0, sizeof(*s));
}

/* ---- Names -------------------------------------------------------------------------------------- */

void iq_signal_name(unsigned int signal, bool all, struct iq_buf *out)
{
	static const char *const names[SIGRTMIN] = {
		"?", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT/SIGIOT", "SIGBUS",
		"SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
		"SIGSTKFLT", "SIGCHLD/SIGCLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
		"SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO/SIGPOLL",
		"SIGPWR", "SIGSYS/SIGUNUSED",
	};
	const char *name;

	if (signal == SIGRTMIN) {
		iq_buf_puts(out, "SIGRTMIN");
	} else if (signal == IQ_SIGNALS) {
		iq_buf_puts(out, "SIGRTMAX");
	} else if (signal > SIGRTMIN && signal < IQ_SIGNALS) {
		/* As libc's kill -l counts: from the nearer end. */
		if (signal <= (SIGRTMIN + IQ_SIGNALS) / 2)
			iq_buf_printf(out, "SIGRTMIN+%u", signal - SIGRTMIN);
		else
			iq_buf_printf(out, "SIGRTMAX-%u", IQ_SIGNALS - signal);
	} else {
		name = signal < SIGRTMIN ? names[signal] : "?";
		iq_buf_add(out, name, all ? strlen(name) : strcspn(name, "/"));
	}
}

void iq_sigset_text(uint64_t set, struct iq_buf *out)
{
	if (!set)
		iq_buf_puts(out, "(none)");
	for (unsigned int i = 1, n = 0; i <= IQ_SIGNALS; i++) {
		if (!(set >> (i - 1) & 1))
			continue;
		iq_buf_puts(out, n++ ? " " : "");
		iq_signal_name(i, true, out);
	}
}

void iq_sigaction_flags_text(uint64_t flags, struct iq_buf *out)
{
	/* include/uapi/asm-generic/signal-defs.h; SA_RESTORER: arch/x86/include/uapi/asm/signal.h */
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{0x1, "SA_NOCLDSTOP"}, {0x04000000, "SA_RESTORER"}, {0x2, "SA_NOCLDWAIT"},
		{0x4, "SA_SIGINFO"}, {0x08000000, "SA_ONSTACK"}, {0x10000000, "SA_RESTART"},
		{0x40000000, "SA_NODEFER"}, {0x80000000, "SA_RESETHAND"}, {0x400, "SA_UNSUPPORTED"},
		{0x800, "SA_EXPOSE_TAGBITS"},
	};
	bool first = true;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].bit))
			continue;
		iq_buf_printf(out, "%s%s", first ? "" : "|", names[i].name);
		first = false;
		flags &= ~names[i].bit;
	}
	if (flags)
		iq_buf_printf(out, "%s0x%lx", first ? "" : "|", (unsigned long)flags);
}
