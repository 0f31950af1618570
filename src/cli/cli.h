/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: a session, commands, results and their renderings.
 *
 * A command is one file cmd_NAME.c with one struct command.  run() only computes: it parses its
 * words, asks the rooms to the left and fills a struct result, a small tree of plain C data with
 * two renderers: text as crash lays it out, and JSON as docs/json.md says.  Nothing is printed
 * while it is computed.
 */
#ifndef INQUEST_CLI_H
#define INQUEST_CLI_H

#include <inquest/inspect.h>
#include <inquest/log.h>
#include <inquest/page.h>
#include <jansson.h>

struct finder;
struct front;
struct aliases;
struct macro;
struct plugins;

struct session {
	/* The front's own: front.h.  What follows is the worker's then.  NULL: there is no worker, or
	 * this is it. */
	struct front *front;
	/* What was opened. */
	struct iq_dump *dump;
	struct iq_kernel *kernel;
	struct iq_debugfile *vmlinux;	/* NULL: none */
	struct iq_debugfile *stripped;	/* vmlinux that was given without debug information, of
					 * which `vmlinux` is the part split off; NULL: none */
	struct iq_debugfile **modules;	/* module files, in use or not */
	unsigned int nr_modules, room_modules;
	struct iq_debugfile **given;	/* those of them that were named at the start */
	unsigned int nr_given;
	struct finder *finder;		/* where debug files are looked for; NULL: nowhere */
	struct iq_error *kernel_error;	/* why there is no kernel; NULL if there is one */
	struct iq_warnings warnings;	/* since the last command */
	struct iq_cancel cancel;	/* set by Ctrl-C */

	/* The context: whose stack, memory and registers are meant.  Found when the first command
	 * asks for it (session_context()). */
	struct iq_task task;
	bool has_task;
	bool context_sought;
	bool has_regs;			/* of `task`, see session_scope() */
	bool regs_sought;
	struct iq_regs regs;
	bool frame_selected;		/* by frame, up or down */
	unsigned int frame;		/* index in the trace of `task` */
	struct iq_args *args;		/* what is known of functions; NULL until asked: args.h */

	/* How to show things. */
	bool json, json_pretty, silent, colour, interactive;
	bool hex;			/* output radix 16 (crash's `hex`) */
	bool bt_old;			/* bt shows all return addresses: bt -O */
	bool in_foreach;		/* a command runs for one task of many */
	unsigned int print_elements;	/* as in struct iq_format: set print … */
	unsigned int print_repeats;
	bool print_null_stop;
	struct iq_variables *variables;	/* $name and the history of p; NULL until one is needed */
	char **crash_variables;		/* what set was told of crash's own: set_variables.h; NULL: nothing */
	char *src;			/* directory of source code: --src, set src; NULL: none */
	bool quit;			/* set by exit */
	bool timing;			/* each command says what it cost: set timing */
	struct plugins *plugins;	/* wanted or loaded: plugin.h; NULL: none */
	struct aliases *aliases;	/* NULL: none were made */
	const struct macro *macro;	/* what the line at hand comes from: script.c */
	unsigned int commands_failed;

	/* Output of a long command that goes out while it runs; see stream_out(). */
	bool streaming;
	struct iq_error *late_error;	/* met by a renderer that works while it prints */
};

struct result;
struct result_ops {
	/* Text, as printed at the prompt; OUT is written out in pieces by whoever called. */
	void (*text)(struct session *s, const struct result *r, struct iq_buf *out);
	/* A new reference: the value of "result". */
	json_t *(*json)(struct session *s, const struct result *r);
	void (*free)(void *data);
	/* After an error: has enough been found for it to be shown all the same?  NULL: never. */
	bool (*some)(const void *data);
};
struct result {
	const struct result_ops *ops;	/* NULL: nothing to show (set, exit) */
	void *data;
};

struct command {
	const char *name;
	const char *summary;	/* one line, for `help` */
	/* For `help NAME`: usage line(s) first, then what it does, options, examples. */
	const char *help;
	/*
	 * ARGV[0] is the name as typed.  On error R is left empty, unless the command sets it all
	 * the same: what can still be shown is shown, then the error.
	 */
	struct iq_error *(*run)(struct session *s, int argc, char **argv, struct result *r);
	/* Words from `raw` on are one expression or regular text: do not split at blanks (p, x). */
	bool raw;
	/*
	 * What completion offers for its words: any of these letters.  s symbols, t types and
	 * members, c commands, p pids, f files.
	 */
	const char *completes;
	/* Does not look at the session's task: it need not be found first. */
	bool no_context;
	/* Words in single quotes keep them: 'regex' is not a name (ps, foreach). */
	bool keep_quotes;
};

extern const struct command *const commands[]; /* NULL-terminated, in the order of `help` */
/*
 * By name or alias ("dmesg" is log), and "x/4xg" or "p/x" by what is in front of the slash; NULL:
 * none.
 */
const struct command *command_by_name(const char *name);

/*
 * The frame of most commands: FILL computes into SIZE zeroed bytes, which become R's data with OPS, or are
 * freed with OPS->free if there was an error and OPS->some() is not satisfied with them.
 */
struct iq_error *fill_result(struct session *s, int argc, char **argv, size_t size,
			     struct iq_error *(*fill)(struct session *s, int argc, char **argv, void *data),
			     const struct result_ops *ops, struct result *r) IQ_CHECK;

/* ---- Options: getopt without its globals ----------------------------------------------------- */

/*
 * Next option letter of ARGV as getopt(3) finds them with SPEC ("f", "n:" takes a value),
 * clustered letters allowed; -1 at the first other word.  *ERR is set (and '?' returned) for an
 * unknown letter, naming the valid ones.
 */
struct options {
	int argc;
	char **argv;
	int index, sub;
	const char *value;
};
int next_option(struct options *o, const char *spec, struct iq_error **err);

/* ---- Shared by commands ---------------------------------------------------------------------- */

/* The kernel, or an error if none was found in the dump. */
struct iq_error *need_kernel(struct session *s, struct iq_kernel **ret) IQ_CHECK;
/*
 * Make sure that the context was looked for: at first it is the task that panicked, or the one
 * that ran on the first CPU.  Done before a command runs, unless it is marked no_context.
 */
void session_context(struct session *s);
/* The context's task, or an error if there is none. */
struct iq_error *need_task(struct session *s, const struct iq_task **ret) IQ_CHECK;
/* Make T the context. */
void session_set_task(struct session *s, const struct iq_task *t);
/* Select a frame of the context's trace by its index there: its registers are meant from now on. */
void session_select_frame(struct session *s, unsigned int index);
/* A task by what the user typed: pid (decimal), or task_struct address (hexadecimal). */
struct iq_error *parse_task(struct session *s, const char *word, struct iq_task *ret) IQ_CHECK;
/* An address: symbol, hexadecimal number or (expression). */
struct iq_error *parse_address(struct session *s, const char *word, uint64_t *ret) IQ_CHECK;
/*
 * The same of a word that might as well be the name of something: it is an address only if it is
 * hexadecimal, or an expression that begins with ( & * or $.
 */
bool word_address(struct session *s, const char *word, uint64_t *ret) IQ_CHECK;
/*
 * The session's scope for expressions: the registers of the selected frame (if none was selected,
 * those of the CPU that the context's task ran on, else of its innermost frame), variables, and the
 * hexadecimal habit for addresses.
 */
void session_scope(struct session *s, struct iq_scope *scope);
/* The same for the expression TEXT only: registers are not looked for if it names none. */
void session_scope_of(struct session *s, const char *text, struct iq_scope *scope);
/* "PID: 1        TASK: ff1de516811f0000  CPU: 0    COMMAND: \"init\"\n" */
void text_task_header(const struct iq_task *t, struct iq_buf *out);
/* "0x…" as the JSON contract wants addresses. */
json_t *json_address(uint64_t a);
/*
 * Text from the dump as a JSON string: valid UTF-8 as it is, any other byte as the code point of
 * its value; written out, everything but printable ASCII is an escape ("\u001B").
 */
json_t *json_text(const char *s, size_t len);
/* Registers as a JSON object. */
json_t *json_regs(const struct iq_arch *a, const struct iq_regs *r);

/*
 * For renderers of commands that take long and find much: hand out what is in OUT so far, if it
 * goes to a place that can take it piece by piece, and empty it.  False: nobody reads any more.
 */
bool stream_out(struct session *s, struct iq_buf *out);

/* ---- Running --------------------------------------------------------------------------------- */

/*
 * One line as typed: commands separated by ';', with `| shell`, `> file`, `>> file`.  Prints
 * results to standard output and errors to standard error.  False if a command failed.
 */
bool run_line(struct session *s, const char *line);
/* The prompt, until exit or end of input. */
void run_prompt(struct session *s);
/*
 * Run COMMAND (already split) and render it to OUT, in JSON with its error and warnings: used by
 * `foreach` and tests as well.  The error is returned in either case.
 */
struct iq_error *run_command(struct session *s, int argc, char **argv, const char *as_typed,
			     struct iq_buf *out);
/*
 * The same up to its result, not rendered.  R is to be freed with result_free(); it can hold
 * something even if there is an error.
 */
struct iq_error *execute_command(struct session *s, int argc, char **argv,
				 struct result *r) IQ_CHECK;
void result_free(struct result *r);

#endif
