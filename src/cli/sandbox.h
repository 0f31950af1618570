/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox that the worker reads the dump in: docs/sandbox.md.  Linux only, as all of inquest;
 * on x86-64 and arm64.
 */
#ifndef INQUEST_CLI_SANDBOX_H
#define INQUEST_CLI_SANDBOX_H

#include "channel.h"

/* Can this build and this kernel close one? */
bool sandbox_possible(void);
/*
 * Close it around this process, which has one thread, for good: what names a file is asked of the
 * process at the other end of CHANNEL, any other way to the outside ends with EPERM.
 */
struct iq_error *sandbox_close(int channel) IQ_CHECK;
/* What this kernel has of it: "seccomp and Landlock 4", "seccomp", "none". */
void sandbox_describe(char *text, size_t room);

/* In a sandbox: the channel; -1: there is none. */
int sandbox_channel(void);
/*
 * Ask the broker: REQUEST is sent, with FD if it is not -1, and answered in place.  0 or errno,
 * the broker's or the channel's.  Any thread may ask, at any time.
 */
int sandbox_ask(struct message *request, int fd, int *got);

/* sandbox_filter.c: load the filter of system calls, for a process whose channel is CHANNEL. */
int sandbox_filter(int channel);
/* sandbox_trap.c: have the system calls that name files asked for. */
int sandbox_trap(void);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
