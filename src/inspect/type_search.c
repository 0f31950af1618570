// SPDX-License-Identifier: GPL-2.0-or-later
/* Types by size, by the pattern of a name, by what is among their members. */
#include <inquest/type_search.h>

#include <regex.h>
#include <stdlib.h>

#define MAX_NESTING 16 /* structs in structs */
#define MAX_LOOKED_AT 50000 /* members of one type: a damaged one can contain itself many times */

struct iq_type_search {
	struct iq_type_query q; /* without its strings */
	bool has_name, has_member;
	regex_t name, member;
	char *member_type; /* NULL: any */
};

/* ---- Opening ----------------------------------------------------------------------------------- */

static struct iq_error *compile(regex_t *r, const char *text)
{
	int status = regcomp(r, text, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (!status)
		return NULL;
	regerror(status, r, why, sizeof(why));
	return iq_error_new(IQ_E_USAGE, "\"%s\" is not a regular expression: %s", text, why);
}

static struct iq_error *fill(struct iq_type_search *s, const struct iq_type_query *q)
{
	if (q->name) {
		IQ_TRY(compile(&s->name, q->name));
		s->has_name = true;
	}
	if (q->member) {
		IQ_TRY(compile(&s->member, q->member));
		s->has_member = true;
	}
	if (q->member_type) {
		s->member_type = strdup(q->member_type);
		if (!s->member_type)
			return iq_error_nomem();
	}
	return NULL;
}

struct iq_error *iq_type_search_open(const struct iq_type_query *q, struct iq_type_search **ret)
{
	struct iq_type_search *s = calloc(1, sizeof(*s));
	struct iq_error *err;

	if (!s)
		return iq_error_nomem();
	s->q = (struct iq_type_query){
		.has_size = q->has_size, .lowest = q->lowest, .highest = q->highest};
	err = fill(s, q);
	if (err)
		iq_type_search_close(s);
	else
		*ret = s;
	return err;
}

void iq_type_search_close(struct iq_type_search *s)
{
	if (!s)
		return;
	if (s->has_name)
		regfree(&s->name);
	if (s->has_member)
		regfree(&s->member);
	free(s->member_type);
	free(s);
}

/* ---- Members ----------------------------------------------------------------------------------- */

/* A walk through the members of one type. */
struct walk {
	const struct iq_type_search *s;
	struct iq_buf path;
	unsigned int budget;
	bool (*fn)(void *arg, const char *path, const struct iq_member *m);
	void *arg;
	bool stop;
};

static bool member_fits(const struct iq_type_search *s, const struct iq_member *m)
{
	const struct iq_type *t = iq_type_unqualified(m->type);

	if (s->has_member && (!*m->name || regexec(&s->member, m->name, 0, NULL, 0)))
		return false;
	if (!s->member_type)
		return true;
	if (t->kind == IQ_KIND_ARRAY)
		t = iq_type_unqualified(iq_type_target(t));
	if (t->kind == IQ_KIND_POINTER)
		t = iq_type_unqualified(iq_type_target(t));
	return *t->name && t->kind != IQ_KIND_VOID && strstr(t->name, s->member_type);
}

/*
 * The struct or union that lies in a member itself, perhaps as an array, and is to be looked into; NULL:
 * none.  A member of a name that lies in a struct with a name is found there, and not once more
 * wherever that struct is used.
 */
static const struct iq_type *inside(const struct iq_type_search *s, const struct iq_member *m)
{
	const struct iq_type *t = iq_type_unqualified(m->type);

	if (t->kind == IQ_KIND_ARRAY)
		t = iq_type_unqualified(iq_type_target(t));
	if ((t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION) || (s->has_member && *t->name))
		return NULL;
	return t;
}

static void walk_members(struct walk *w, const struct iq_type *t, uint64_t bit_offset,
			 unsigned int nesting)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);
	size_t len = w->path.len;

	for (unsigned int i = 0; i < nr && w->budget && !w->stop; i++, w->budget--) {
		struct iq_member at = m[i];
		const struct iq_type *in = nesting < MAX_NESTING ? inside(w->s, &m[i]) : NULL;

		at.bit_offset += bit_offset;
		if (*at.name) {
			iq_buf_puts(&w->path, len ? "." : "");
			iq_buf_puts(&w->path, at.name);
		}
		if (member_fits(w->s, &at))
			w->stop = !w->fn(w->arg, iq_buf_str(&w->path), &at);
		if (in && *at.name && iq_type_unqualified(at.type)->kind == IQ_KIND_ARRAY)
			iq_buf_puts(&w->path, "[0]");
		if (in && !w->stop)
			walk_members(w, in, at.bit_offset, nesting + 1);
		if (w->path.s)
			w->path.s[len] = '\0';
		w->path.len = len;
	}
}

void iq_type_search_members(const struct iq_type_search *s, const struct iq_type *t,
			    bool (*fn)(void *arg, const char *path, const struct iq_member *m),
			    void *arg)
{
	struct walk w = {.s = s, .budget = MAX_LOOKED_AT, .fn = fn, .arg = arg};
	const struct iq_type *target = iq_type_strip(t);

	if (!s->has_member && !s->member_type)
		return;
	if (target->kind == IQ_KIND_STRUCT || target->kind == IQ_KIND_UNION)
		walk_members(&w, target, 0, 0);
	iq_buf_free(&w.path);
}

/* ---- Types ------------------------------------------------------------------------------------- */

static bool stop_at_first(void *arg, const char *path, const struct iq_member *m)
{
	*(bool *)arg = true;
	return false;
}

/* Is typedef T the only name of a struct, union or enum?  (Of typedefs of typedefs the innermost.) */
static bool names_the_nameless(const struct iq_type *t)
{
	const struct iq_type *target = iq_type_unqualified(iq_type_target(t));

	return !*target->name && (target->kind == IQ_KIND_STRUCT || target->kind == IQ_KIND_UNION ||
				  target->kind == IQ_KIND_ENUM);
}

/* Has T a name, and is it the one to show? */
static bool is_listed(const struct iq_type_search *s, const struct iq_type *t)
{
	switch (t->kind) {
	case IQ_KIND_INT:
	case IQ_KIND_FLOAT:
	case IQ_KIND_STRUCT:
	case IQ_KIND_UNION:
	case IQ_KIND_ENUM:
		return *t->name;
	case IQ_KIND_TYPEDEF:
		return s->has_name || names_the_nameless(t);
	default:
		return false;
	}
}

bool iq_type_search_fits(const struct iq_type_search *s, const struct iq_type *t)
{
	bool found = false;
	uint64_t size;

	if (!is_listed(s, t))
		return false;
	size = iq_type_strip(t)->size;
	if (s->q.has_size && (size < s->q.lowest || size > s->q.highest))
		return false;
	if (s->has_name && regexec(&s->name, t->name, 0, NULL, 0))
		return false;
	if (!s->has_member && !s->member_type)
		return true;
	/* A typedef of a struct with a name would show the same members twice. */
	if (t->kind == IQ_KIND_TYPEDEF && *iq_type_strip(t)->name)
		return false;
	iq_type_search_members(s, t, stop_at_first, &found);
	return found;
}
