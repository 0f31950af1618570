/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the command line share among themselves, and commands do not need.
 */
#ifndef INQUEST_CLI_INTERNAL_H
#define INQUEST_CLI_INTERNAL_H

#include "cli.h"

/* ---- words.c: a line as typed ---------------------------------------------------------------- */

enum line_to {
	LINE_STDOUT,
	LINE_PIPE, /* `| target` */
	LINE_FILE, /* `> target` */
	LINE_APPEND, /* `>> target` */
	LINE_SHELL, /* `!text`: not a command of ours */
};
struct line_part {
	char *text; /* without blanks around it; never empty */
	char *target; /* NULL for LINE_STDOUT and LINE_SHELL */
	enum line_to to;
};
struct line {
	struct line_part *part;
	unsigned int nr, room;
};
/*
 * Cut TEXT at every ';' and newline, and take `| shell`, `> file` and `>> file` off each piece.
 * Quotes, and parentheses, brackets and braces, protect what is in them; "->" is not a
 * redirection; '#' at the beginning of a word starts a comment; a piece that begins with '!' is
 * the shell's up to the end of the line.
 */
struct iq_error *line_split(const char *text, struct line *ret) IQ_CHECK;
void line_free(struct line *l);

struct words {
	char **word; /* NULL-terminated once there is one */
	unsigned int nr, room;
};
/*
 * The words of a command.  Quotes group and are removed; a word wholly in single quotes keeps
 * them if KEEP_QUOTES.  RAW: after the name (with a /FORMAT) and leading options everything is
 * one word, untouched.
 */
struct iq_error *words_split(const char *text, bool raw, bool keep_quotes,
			     struct words *ret) IQ_CHECK;
/* The first word alone: the name of the command, allocated.  NULL without memory. */
char *words_first(const char *text);
void words_free(struct words *w);

/* ---- files.c, files_modules.c: finding debug files --------------------------------------------- */

struct debug_dirs {
	const char *const *dir;
	unsigned int nr;
};
struct finder;
/* DIRS outlive it; DUMP is the path of the dump. */
struct iq_error *finder_open(struct session *s, const struct debug_dirs *dirs, const char *dump,
			     struct finder **ret) IQ_CHECK;
void finder_close(struct finder *f);
/* What is known of the kernel: modules are looked for below lib/modules/RELEASE, and beside the vmlinux. */
void finder_set_release(struct finder *f, const char *release);
void finder_set_vmlinux(struct finder *f, const char *path);
/* For a file that was named, not found: where the files lie that it refers to. */
void finder_adopt(struct finder *f, struct iq_debugfile *file);
/*
 * A vmlinux whose build-id is BUILD_ID: beside the dump, in the places where distributions and people put
 * it below each directory and below /usr/lib/debug, in those of the running kernel, from debuginfod.  One
 * with debug information is preferred.  NULL: none.
 */
struct iq_debugfile *find_vmlinux(struct finder *f, const char *release, const char *build_id);
/* The debug information that was split off from a stripped file; NULL: not found. */
struct iq_debugfile *find_split(struct finder *f, struct iq_debugfile *stripped);
/*
 * The debug file of a module, in DIR alone, or, if it is NULL, wherever we look.  One without debug
 * information only if ANY.  NULL: none.
 */
struct iq_debugfile *find_module(struct finder *f, struct iq_kernel *k, const struct iq_module *m,
				 const char *dir, bool any);

/* ---- session.c ------------------------------------------------------------------------------- */

struct session_options {
	const char *const *dumps; /* one, or the files of a split one */
	unsigned int nr_dumps;
	const char *const *vmlinux; /* those given: one, or a stripped one and its debug information */
	unsigned int nr_vmlinux;
	const char *const *damaged; /* ELF files that are cut off or broken: said, not used */
	unsigned int nr_damaged;
	const char *const *modules;
	unsigned int nr_modules;
	struct debug_dirs debug_dirs;
	const char *format; /* of the dump, as struct iq_dump_options has it; NULL: by its content */
	bool no_vmlinux, no_btf;
};
/*
 * Open what was given.  That no kernel is found in the dump is not an error here
 * (s->kernel_error); a vmlinux of another build is.  S is zeroed but for its settings, and stays
 * at its address.
 */
struct iq_error *session_open(struct session *s, const struct session_options *o) IQ_CHECK;
void session_close(struct session *s);
/* Keep a debug file open until the session ends; the one of the same path, if there is one. */
struct iq_error *session_keep_file(struct session *s, struct iq_debugfile *file,
				   struct iq_debugfile **ret) IQ_CHECK;

/* ---- output.c -------------------------------------------------------------------------------- */

/* "inquest: bt: cannot …" and the hint below, on standard error.  COMMAND may be NULL. */
void show_error(const char *command, const struct iq_error *err);
/* What could not even be begun: the error as text or as the object of AS_TYPED (NULL: nothing was); frees ERR. */
void refuse_line(struct session *s, const char *as_typed, struct iq_error *err);
/* Print and forget the session's warnings. */
void show_warnings(struct session *s);
/* All of the LEN bytes, or errno. */
int write_all(int fd, const char *data, size_t len);
/*
 * To standard output.  False: it could not be written, which has been said unless the reader just
 * went away; the session then ends.
 */
bool write_stdout(struct session *s, const struct iq_buf *out);
/* target.c: run COMMAND with sh; the exit status as a shell reports it. */
struct iq_error *run_shell(const char *command, int *status) IQ_CHECK;

/* ---- run.c ----------------------------------------------------------------------------------- */

/* One command of a line, here: compute it and hand out what it shows.  False if it failed. */
bool run_part(struct session *s, const struct line_part *part);

/* ---- json.c ---------------------------------------------------------------------------------- */

/*
 * The object of one command, as a line.  RESULT (stolen) may be NULL; ERR may be NULL.  The
 * session's warnings go into it and are forgotten.
 */
void json_command(struct session *s, const char *as_typed, json_t *result, bool has_result,
		  const struct iq_error *err, struct iq_buf *out);

/* ---- complete.c ------------------------------------------------------------------------------ */

/*
 * Words that may stand at the end of LINE, which is typed up to there; WORD is the unfinished one
 * and begins at START.  Allocated, each with what WORD has already; at most ROOM.
 */
unsigned int complete_word(struct session *s, const char *line, size_t start, const char *word,
			   char **ret, unsigned int room);

/* ---- Shared by a few commands ---------------------------------------------------------------- */

/* manual.c: what --help shows, and the manual page as roff. */
extern const char cli_usage[], cli_help[];
void text_manual(struct iq_buf *out);
/* cmd_sys.c: the block that stands at the start of a session, with the context below it. */
void text_banner(struct session *s, struct iq_buf *out);
/* "Sun Nov 22 09:01:59 UTC 2026", local time. */
void text_date(int64_t seconds, struct iq_buf *out);
/* "319.5 MB", "6 GB": as crash has sizes. */
void text_size(uint64_t bytes, struct iq_buf *out);
/* The letters of a taint mask, the kernel's or a module's: "POE". */
void taint_letters(struct iq_kernel *k, uint64_t mask, struct iq_buf *out);

/* cmd_set.c: the block PID … STATE with labels of WIDTH columns, and the same as an object. */
void text_context(struct session *s, const struct iq_task *t, unsigned int width,
		  struct iq_buf *out);
json_t *json_context(struct session *s, const struct iq_task *t);
/* "TASK_RUNNING (PANIC)": the state as crash's banner has it. */
void task_state_long(struct session *s, const struct iq_task *t, struct iq_buf *out);
/* Where the thread_info of T lies; 0: unknown. */
uint64_t thread_info_address(struct iq_kernel *k, const struct iq_task *t);

/* select.c: tasks by what the user typed. */
struct task_list {
	const struct iq_task **task;
	unsigned int nr, room;
};
/* The tasks that WORD means: pid, address, name or 'regex'; in the order of ps. */
struct iq_error *select_tasks(struct session *s, const char *word, struct task_list *list) IQ_CHECK;
struct iq_error *task_list_add(struct task_list *list, const struct iq_task *t) IQ_CHECK;
void task_list_free(struct task_list *list);

/*
 * Calls ADD with ARG for each task that the NR words name, without words for the current one.  ROOM is told
 * first how many there will be at most.
 */
struct iq_error *with_tasks(struct session *s, int nr, char **words, bool (*room)(void *arg, unsigned int most),
			    struct iq_error *(*add)(struct session *s, void *arg, const struct iq_task *t),
			    void *arg) IQ_CHECK;

/* cmd_ps.c: one task as ps shows it. */
json_t *json_task(const struct iq_task *t);

#endif
