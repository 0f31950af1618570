/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log as a witness of the event: the kernel's own words, and whether they agree with what memory says.  Only if
 * memory says nothing is it believed alone, and then not with certainty.
 */
#include "event.h"

#include <inquest/console.h>
#include <string.h>

static void from_log_alone(struct iq_case *c, struct iq_event *e, const struct iq_event *said)
{
	e->class = said->class;
	e->confidence = IQ_CONFIDENCE_LIKELY;
	e->message = iq_case_text(c, "%s", said->message);
	e->message_from_log = true;
	e->cpu = said->cpu;
	e->has_address = said->has_address;
	e->address = said->address;
	e->access = said->access;
	if (said->symbol.name && iq_symbol_named(c->k, said->symbol.name, &e->symbol)) {
		e->module = e->symbol.module;
		e->offset = said->offset;
		e->has_ip = true;
		e->ip = e->symbol.address + said->offset;
	}
	iq_event_evidence(c, e, IQ_SOURCE_LOG, 0, said->message, "the log says so; nothing else was found");
}

static bool was_survived(enum iq_class class)
{
	return class != IQ_CLASS_SOFT_LOCKUP && class != IQ_CLASS_HARD_LOCKUP && class != IQ_CLASS_RCU_STALL &&
	       class != IQ_CLASS_HUNG_TASK && class != IQ_CLASS_DEADLOCK;
}

static bool is_memory_error(enum iq_class class)
{
	return class == IQ_CLASS_USE_AFTER_FREE || class == IQ_CLASS_HEAP_OVERFLOW ||
	       class == IQ_CLASS_DOUBLE_FREE || class == IQ_CLASS_INVALID_FREE;
}

void iq_event_log(struct iq_case *c, struct iq_event *e)
{
	struct iq_console *log;
	const struct iq_event *said;
	struct iq_error *err = iq_console_read_log(c->k, &log);

	if (err) {
		iq_error_free(err);
		return;
	}
	said = &log->analysis.event;
	/* A checker's report of which memory keeps no more than that there was one. */
	if (e->class == IQ_CLASS_MEMORY_CORRUPTION && is_memory_error(said->class)) {
		e->class = said->class;
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	}
	if (said->class == e->class && said->class != IQ_CLASS_NONE) {
		e->message = iq_case_text(c, "%s", said->message);
		e->message_from_log = true;
		iq_event_evidence(c, e, IQ_SOURCE_LOG, 0, NULL, "the log says the same");
	} else if (said->class != IQ_CLASS_NONE && e->class == IQ_CLASS_NONE) {
		/* What a machine survived that was well when it was dumped is not what it died of. */
		if (e->confidence == IQ_CONFIDENCE_UNKNOWN || !was_survived(said->class))
			from_log_alone(c, e, said);
	} else if (said->class != IQ_CLASS_NONE) {
		iq_event_evidence(c, e, IQ_SOURCE_LOG, 0, said->message, "the log has another report (%s)",
				  iq_class_text(said->class));
	}
	iq_console_free(log);
}
