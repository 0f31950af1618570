// SPDX-License-Identifier: GPL-2.0-or-later
/* What the commands that show the system share. */
#include "system.h"
#include "show.h"
#include <inttypes.h>
#include <stdlib.h>

struct iq_error *choose_cpus(struct session *s, const char *spec, struct cpu_choice *ret)
{
	unsigned int *cpu, nr;

	IQ_TRY(parse_cpus(s, spec, &cpu, &nr));
	cpu_choice_free(ret);
	*ret = (struct cpu_choice){cpu, nr};
	return NULL;
}

bool cpu_chosen(const struct cpu_choice *c, unsigned int cpu)
{
	if (!c->cpu)
		return true;
	for (unsigned int i = 0; i < c->nr; i++) {
		if (c->cpu[i] == cpu)
			return true;
	}
	return false;
}

void cpu_choice_free(struct cpu_choice *c)
{
	free(c->cpu);
	*c = (struct cpu_choice){0};
}

void text_function(struct session *s, uint64_t address, struct iq_buf *out)
{
	char name[256];

	iq_buf_printf(out, "%016" PRIx64, address);
	if (iq_symbol_format(s->kernel, address, s->hex, true, name, sizeof(name))) {
		iq_buf_puts(out, "  <");
		iq_buf_add_escaped(out, name, strlen(name), false);
		iq_buf_putc(out, '>');
	}
}

json_t *json_function(struct session *s, uint64_t address)
{
	char name[256];

	return address && iq_symbol_format(s->kernel, address, false, true, name, sizeof(name))
		       ? json_text(name, strlen(name))
		       : json_null();
}

void text_task_short(const struct iq_task *t, struct iq_buf *out)
{
	iq_buf_printf(out, "PID: %-6" PRIu32 " TASK: %016" PRIx64 "  COMMAND: \"", t->pid,
		      t->address);
	iq_buf_add_escaped(out, t->comm, strlen(t->comm), false);
	iq_buf_putc(out, '"');
}

json_t *json_task_short(const struct iq_task *t)
{
	json_t *o;

	if (!t)
		return json_null();
	o = json_object();
	json_object_set_new(o, "pid", json_integer(t->pid));
	json_object_set_new(o, "task", json_address(t->address));
	json_object_set_new(o, "command", json_text(t->comm, strlen(t->comm)));
	return o;
}
