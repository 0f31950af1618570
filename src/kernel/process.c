// SPDX-License-Identifier: GPL-2.0-or-later
/* Times, limits and arguments of processes: see process.h. */
#include <inquest/process.h>

#include "private.h"

/* Arguments and environment are a quarter of the stack's limit at most; what is more here is damage. */
#define MAX_ARGUMENTS (UINT64_C(2) << 20)

bool iq_kernel_monotonic(struct iq_kernel *k, uint64_t *ns)
{
	uint64_t seconds, tk = kernel_timekeeper(k, &seconds), base, fraction, shift;

	if (!tk || !kernel_read_member(k, "timekeeper", "tkr_mono.base", tk, &base) ||
	    !kernel_read_member(k, "timekeeper", "tkr_mono.xtime_nsec", tk, &fraction) ||
	    !kernel_read_member(k, "timekeeper", "tkr_mono.shift", tk, &shift) || shift > 63)
		return false;
	*ns = base + (fraction >> shift);
	return true;
}

bool iq_task_times(struct iq_kernel *k, const struct iq_task *t, struct iq_times *ret)
{
	struct iq_times times = {0};
	uint64_t now;

	if (!kernel_read_member(k, "task_struct", "start_time", t->address, &times.start) ||
	    !kernel_read_member(k, "task_struct", "utime", t->address, &times.utime) ||
	    !kernel_read_member(k, "task_struct", "stime", t->address, &times.stime))
		return false;
	times.has_run = iq_kernel_monotonic(k, &now);
	if (times.has_run)
		times.run = now > times.start ? now - times.start : 0;
	*ret = times;
	return true;
}

bool iq_task_limits(struct iq_kernel *k, const struct iq_task *t, struct iq_limit ret[IQ_LIMITS])
{
	uint64_t signal, at, size, raw[2 * IQ_LIMITS];
	struct iq_fault fault;

	if (!kernel_read_member(k, "task_struct", "signal", t->address, &signal) || !signal ||
	    !iq_kernel_offset(k, "signal_struct", "rlim", &at, &size) ||
	    (size && size != sizeof(raw)) || iq_vm_read(k->vm, signal + at, raw, sizeof(raw), &fault))
		return false;
	for (unsigned int i = 0; i < IQ_LIMITS; i++)
		ret[i] = (struct iq_limit){iq_le64(&raw[2 * i]), iq_le64(&raw[2 * i + 1])};
	return true;
}

const char *iq_limit_name(unsigned int limit)
{
	static const char *const names[IQ_LIMITS] = {
		"CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS",
		"LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
	};

	return limit < IQ_LIMITS ? names[limit] : "?";
}

bool iq_task_policy(struct iq_kernel *k, const struct iq_task *t, unsigned int *ret)
{
	uint64_t policy;

	if (!kernel_read_member(k, "task_struct", "policy", t->address, &policy))
		return false;
	*ret = (unsigned int)policy;
	return true;
}

/* What can be read between START and END; false: something is missing. */
static bool add_range(struct iq_vm *vm, uint64_t start, uint64_t end, struct iq_buf *out)
{
	bool whole = true;
	char page[4096];

	for (uint64_t at = start, n; at < end; at += n) {
		struct iq_fault fault = {0};

		n = IQ_MIN(sizeof(page) - at % sizeof(page), end - at);
		if (!iq_vm_read(vm, at, page, n, &fault))
			iq_buf_add(out, page, n);
		else
			whole = false;
	}
	return whole;
}

/*
 * An ELF dump does not say whether a page was all zeros or left out, and reads as zeros.  Nobody has nothing
 * but empty strings in both places.
 */
static bool only_zeros(const struct iq_buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->s[i])
			return false;
	}
	return true;
}

struct iq_error *iq_task_arguments(struct iq_kernel *k, const struct iq_task *t, struct iq_buf *args,
				   struct iq_buf *environment, bool *missing)
{
	static const char *const members[4] = {"arg_start", "arg_end", "env_start", "env_end"};
	uint64_t at[4];
	struct iq_vm *vm;
	bool whole;

	if (!t->mm)
		return iq_error_new(IQ_E_UNAVAILABLE, "no user stack");
	for (unsigned int i = 0; i < 4; i++) {
		if (!kernel_read_member(k, "mm_struct", members[i], t->mm, &at[i]))
			return iq_error_new(IQ_E_MEMORY, "the mm_struct of task %u (0x%lx) cannot be read",
					    t->pid, (unsigned long)t->mm);
	}
	for (unsigned int i = 0; i < 4; i += 2) {
		if (at[i + 1] < at[i] || at[i + 1] - at[i] > MAX_ARGUMENTS)
			return iq_error_new(IQ_E_FORMAT, "the mm_struct of task %u says that its %s "
					    "lie between 0x%lx and 0x%lx", t->pid,
					    i ? "environment strings" : "arguments", (unsigned long)at[i],
					    (unsigned long)at[i + 1]);
	}
	IQ_TRY(iq_task_vm(k, t, &vm));
	whole = add_range(vm, at[0], at[1], args);
	whole &= add_range(vm, at[2], at[3], environment);
	iq_vm_close(vm);
	if (missing)
		*missing = !whole;
	if (!whole && !args->len && !environment->len)
		return iq_error_new(IQ_E_MEMORY, "the arguments at 0x%lx are not in the dump",
				    (unsigned long)at[0]);
	if (args->len + environment->len > 8 && only_zeros(args) && only_zeros(environment))
		return iq_error_new(IQ_E_MEMORY, "the arguments at 0x%lx are nothing but zeros: the dump has lost them",
				    (unsigned long)at[0]);
	return args->failed || environment->failed ? iq_error_nomem() : NULL;
}
