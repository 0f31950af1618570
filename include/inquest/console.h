/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Console: what the kernel said on its console when it died, from a bare log: dmesg, a serial line, netconsole, a
 * journal.  For machines that left no dump, and as a witness beside one that did.
 *
 * The text is anybody's: time stamps, caller ids, levels, syslog prefixes, escape sequences, carriage returns and
 * lines of several CPUs between each other are expected.
 */
#ifndef INQUEST_CONSOLE_H
#define INQUEST_CONSOLE_H

#include <inquest/diagnose.h>
#if IQ_ROOM < IQ_ROOM_DIAGNOSE
#error "console.h belongs to a room to the right of this one"
#endif

/* A line "function+0x12/0x40 [module]" of a trace. */
struct iq_console_frame {
	const char *function;
	const char *module; /* NULL: none */
	uint64_t offset, size;
	bool reliable;	    /* no "? " in front */
};

struct iq_console {
	struct iq_arena arena;
	/*
	 * As of a dump: event (frame is an index of `frames`, or -1), blame, findings, signature, verdict.  The event's
	 * task has no address; its pid and comm are there if the log has them (event.task.comm not empty).
	 */
	struct iq_analysis analysis;
	unsigned int line;	/* of the text, from 1, at which the event is reported; 0: none */
	unsigned int nr_reports;/* found in the text, warnings included */
	struct iq_console_frame *frames; /* innermost first */
	unsigned int nr_frames;
	bool has_pid;
};

/*
 * Find out what TEXT says.  The first report counts, but a warning that the kernel survived does not if
 * something worse follows.  Text without a crash: class none.  Free with iq_console_free().
 */
struct iq_error *iq_console_read(const char *text, size_t len, struct iq_console **ret) IQ_CHECK;
/* The same of a kernel's log buffer in a dump. */
struct iq_error *iq_console_read_log(struct iq_kernel *k, struct iq_console **ret) IQ_CHECK;
/* What that log had reported before its line LINE, counted from 1. */
struct iq_error *iq_console_read_log_before(struct iq_kernel *k, unsigned int line,
					    struct iq_console **ret) IQ_CHECK;
void iq_console_free(struct iq_console *c);

#endif
