// SPDX-License-Identifier: GPL-2.0-or-later
/* Who allocated and freed a slab object, and what is damaged there, as text and JSON. */
#include "slab_tracks.h"

#include "slab_findings.h"
#include <inquest/slab_origin.h>
#include <inttypes.h>

/* ---- Text --------------------------------------------------------------------------------------- */

static void text_frame(struct session *s, uint64_t address, struct iq_buf *out)
{
	char name[256];
	const char *file;
	unsigned int line;

	iq_buf_printf(out, "      %016" PRIx64, address);
	if (iq_symbol_format(s->kernel, address, false, true, name, sizeof(name))) {
		iq_buf_putc(out, ' ');
		iq_buf_add_escaped(out, name, strlen(name), false);
	}
	/* A return address: the call is in front of it. */
	if (iq_kernel_line(s->kernel, address - 1, &file, &line)) {
		iq_buf_putc(out, ' ');
		iq_buf_add_escaped(out, file, strlen(file), false);
		iq_buf_printf(out, ": %u", line);
	}
	iq_buf_putc(out, '\n');
}

static void text_track(struct session *s, const char *what, const struct iq_track *t,
		       struct iq_buf *out)
{
	if (!t->known)
		return;
	iq_buf_printf(out, "  %s", what);
	if (t->pid >= 0)
		iq_buf_printf(out, " by pid %d", t->pid);
	if (t->cpu >= 0)
		iq_buf_printf(out, " on CPU %d", t->cpu);
	if (t->has_age)
		iq_buf_printf(out, ", %" PRIu64 " jiffies before the dump", t->age);
	if (t->has_time)
		iq_buf_printf(out, " at %" PRIu64 ".%06" PRIu64, t->time / 1000000000,
			      t->time / 1000 % 1000000);
	iq_buf_puts(out, ":\n");
	/* slub_debug leaves out the innermost frames, at times one too many. */
	if (t->caller && (!t->nr || t->stack[0] != t->caller))
		text_frame(s, t->caller, out);
	for (unsigned int i = 0; i < t->nr; i++)
		text_frame(s, t->stack[i], out);
}

void text_slab_tracks(struct session *s, const struct iq_object *o, struct iq_buf *out)
{
	struct iq_object_tracks t;

	if (!iq_object_tracks(s->kernel, o, &t))
		return;
	if (t.has_asked)
		iq_buf_printf(out, "  %" PRIu64 " bytes were asked for\n", t.asked);
	text_track(s, o->state == IQ_OBJECT_ALLOCATED ? "allocated" : "was allocated", &t.allocated,
		   out);
	text_track(s, o->state == IQ_OBJECT_ALLOCATED ? "before that freed" : "freed", &t.freed,
		   out);
}

/* Of other objects of the slab only what concerns all of it. */
static bool add_if_ours(void *arg, const struct iq_slab_finding *f)
{
	struct slab_findings **x = arg;
	const struct iq_object *o = (const struct iq_object *)(void *)x[1];

	if (f->object && o->object && f->object != o->object)
		return true;
	return slab_findings_add(x[0], f);
}

static void check(struct session *s, const struct iq_object *o, struct slab_findings *found)
{
	void *arg[2] = {found, (void *)o};

	if (o->slab.cache)
		iq_slab_check(s->kernel, &o->slab, add_if_ours, arg);
}

void text_slab_damage(struct session *s, const struct iq_object *o, struct iq_buf *out)
{
	struct slab_findings found = {0};

	check(s, o, &found);
	text_slab_findings(&found, out);
	slab_findings_free(&found);
}

void text_cache_origin(struct session *s, const struct iq_cache *c, const char *before,
		       struct iq_buf *out)
{
	struct iq_cache_origin o;

	iq_cache_origin(s->kernel, c, &o);
	if (o.how == IQ_ORIGIN_UNKNOWN)
		return;
	iq_buf_printf(out, "%screated %s", before, o.how == IQ_ORIGIN_CALL ? "by " : "");
	iq_cache_origin_text(&o, out);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static json_t *json_track(struct session *s, const struct iq_track *t)
{
	json_t *o, *stack;
	char name[256];
	bool named;

	if (!t->known)
		return json_null();
	o = json_object();
	stack = json_array();
	json_object_set_new(o, "pid", t->pid >= 0 ? json_integer(t->pid) : json_null());
	json_object_set_new(o, "cpu", t->cpu >= 0 ? json_integer(t->cpu) : json_null());
	json_object_set_new(o, "age_jiffies",
			    t->has_age ? json_integer((json_int_t)t->age) : json_null());
	json_object_set_new(o, "time_ns",
			    t->has_time ? json_integer((json_int_t)t->time) : json_null());
	named = t->caller &&
		iq_symbol_format(s->kernel, t->caller, false, true, name, sizeof(name));
	json_object_set_new(o, "caller", t->caller ? json_address(t->caller) : json_null());
	json_object_set_new(o, "caller_symbol",
			    named ? json_text(name, strlen(name)) : json_null());
	for (unsigned int i = 0; i < t->nr; i++) {
		json_t *f = json_object();

		named = iq_symbol_format(s->kernel, t->stack[i], false, true, name, sizeof(name));
		json_object_set_new(f, "address", json_address(t->stack[i]));
		json_object_set_new(f, "symbol",
				    named ? json_text(name, strlen(name)) : json_null());
		json_array_append_new(stack, f);
	}
	json_object_set_new(o, "stack", stack);
	return o;
}

void json_slab_tracks(struct session *s, const struct iq_object *o, json_t *dest)
{
	struct slab_findings found = {0};
	struct iq_object_tracks t;
	json_t *tracks = json_null();

	if (iq_object_tracks(s->kernel, o, &t)) {
		tracks = json_object();
		json_object_set_new(tracks, "from", json_string(t.from));
		json_object_set_new(tracks, "asked",
				    t.has_asked ? json_integer((json_int_t)t.asked) : json_null());
		json_object_set_new(tracks, "allocated", json_track(s, &t.allocated));
		json_object_set_new(tracks, "freed", json_track(s, &t.freed));
	}
	json_object_set_new(dest, "tracks", tracks);
	check(s, o, &found);
	json_object_set_new(dest, "damage", json_slab_findings(&found));
	slab_findings_free(&found);
}

json_t *json_cache_origin(struct session *s, const struct iq_cache *c)
{
	struct iq_cache_origin o;
	json_t *j;

	iq_cache_origin(s->kernel, c, &o);
	if (o.how == IQ_ORIGIN_UNKNOWN)
		return json_null();
	j = json_object();
	json_object_set_new(j, "function",
			    o.function[0] ? json_text(o.function, strlen(o.function))
					  : json_null());
	json_object_set_new(j, "offset",
			    o.how == IQ_ORIGIN_CALL ? json_integer((json_int_t)o.offset)
						    : json_null());
	json_object_set_new(j, "module",
			    o.module[0] ? json_text(o.module, strlen(o.module)) : json_null());
	json_object_set_new(j, "file", o.file ? json_text(o.file, strlen(o.file)) : json_null());
	json_object_set_new(j, "line", o.file ? json_integer(o.line) : json_null());
	json_object_set_new(j, "gone", json_boolean(o.gone));
	return j;
}
