/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plug-ins: commands of one's own, in a shared object that `inquest --extend FILE.so` loads.
 *
 * This header is all that a plug-in is compiled with, and it includes none of the others: a plug-in
 * is linked with nothing of inquest's.  What it needs it calls through a table of functions, which
 * only ever grows at its end, so that a plug-in works with every later inquest of the same
 * IQ_PLUGIN_API without being compiled again.  docs/extend.md has an example.
 *
 * Functions of the table that return int return 0, or -1 if they failed; why is remembered, and
 * becomes the command's error if run() then returns anything but 0.  Nothing that comes from a dump can
 * be trusted: a number read from it may be any number, an address may be unreadable.
 */
#ifndef INQUEST_PLUGIN_H
#define INQUEST_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes when what was promised cannot be kept: a plug-in for another number is not loaded. */
#define IQ_PLUGIN_API 1

/* One run of one command: the session it runs in and what it has printed.  Ends with run(). */
struct iq_plugin_call;

struct iq_plugin_task {
	uint64_t address;   /* of the task_struct */
	uint32_t pid, tgid, ppid;
	unsigned int cpu;
	uint64_t mm;	    /* 0: a kernel thread */
	uint64_t stack;	    /* its lowest address; 0: freed */
	uint64_t flags;	    /* PF_* */
	const char *comm;   /* as the dump has it: any bytes, NUL-terminated */
	const char *state;  /* crash's two letters: "RU", "IN", "UN" … */
	bool running;	    /* on its CPU at the time of the dump */
};

struct iq_plugin_api {
	uint32_t version; /* IQ_PLUGIN_API */
	uint32_t size;	  /* of this table, in bytes: a member that ends behind it is not there */

	/*
	 * Output, as printf(3).  What is not printable is escaped, so that text of the dump cannot reach
	 * the terminal; newlines stay.  With --json the text is the result, unless json() was called.
	 */
	void (*print)(struct iq_plugin_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* The result with --json, as JSON text, which must be valid.  Without --json nothing. */
	int (*json)(struct iq_plugin_call *c, const char *text);
	/* Set the error: one clause without a full stop.  Returns -1. */
	int (*fail)(struct iq_plugin_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* Ctrl-C: return soon.  To be asked in loops that may take long. */
	bool (*interrupted)(struct iq_plugin_call *c);

	/* LEN bytes of kernel memory; nothing is written to BUF if they cannot all be read. */
	int (*read)(struct iq_plugin_call *c, uint64_t address, void *buf, size_t len);
	/* A number of 1, 2, 4 or 8 bytes, in the dump's byte order. */
	int (*read_number)(struct iq_plugin_call *c, uint64_t address, unsigned int size, uint64_t *ret);
	/* Up to the NUL or ROOM - 1 characters; always NUL-terminated. */
	int (*read_string)(struct iq_plugin_call *c, uint64_t address, char *buf, size_t room);

	/* Address of a kernel's or module's symbol. */
	int (*symbol)(struct iq_plugin_call *c, const char *name, uint64_t *ret);
	/* "name+offset" of the symbol that contains ADDRESS. */
	int (*symbol_name)(struct iq_plugin_call *c, uint64_t address, char *buf, size_t room);
	/* An expression of C, as the command p takes it, as a number. */
	int (*eval)(struct iq_plugin_call *c, const char *text, uint64_t *ret);
	/* Byte offset and size of member PATH ("f_path.dentry") of struct TAG ("file").  SIZE may be NULL. */
	int (*offset)(struct iq_plugin_call *c, const char *tag, const char *path, uint64_t *offset,
		      uint64_t *size);
	/* Size of struct TAG; 0: not known, which is no error that is remembered. */
	uint64_t (*size_of)(struct iq_plugin_call *c, const char *tag);
	/* The integer or pointer that is member PATH of the struct TAG at ADDRESS, without its sign. */
	int (*member)(struct iq_plugin_call *c, const char *tag, const char *path, uint64_t address,
		      uint64_t *ret);

	/* Call FN for each task, in the order of ps, until it returns anything but 0, which is returned. */
	int (*tasks)(struct iq_plugin_call *c,
		     int (*fn)(struct iq_plugin_call *c, const struct iq_plugin_task *t, void *arg),
		     void *arg);
	/*
	 * Call FN with the address of each struct TAG that is linked by its list_head MEMBER into the list
	 * whose head is at HEAD, until it returns anything but 0, which is returned.  A list that cannot be
	 * read on, or runs in a circle, is an error, after FN was called for what comes before it.
	 */
	int (*list)(struct iq_plugin_call *c, uint64_t head, const char *tag, const char *member,
		    int (*fn)(struct iq_plugin_call *c, uint64_t address, void *arg), void *arg);
};

struct iq_plugin_command {
	const char *name;    /* letters, digits, _ and -; none that inquest has itself */
	const char *summary; /* one line, for `help all` */
	const char *help;    /* usage lines, an empty line, the rest; each line ends with a newline */
	/* ARGV[0] is the name as typed.  Anything but 0: it failed; what it printed is shown all the same. */
	int (*run)(struct iq_plugin_call *c, const struct iq_plugin_api *api, int argc, char **argv);
};

struct iq_plugin {
	uint32_t api; /* IQ_PLUGIN_API of when it was compiled */
	uint32_t nr_commands;
	const char *name;
	const struct iq_plugin_command *commands;
};

/* What a plug-in defines. */
extern __attribute__((visibility("default"))) const struct iq_plugin inquest_plugin;

#endif
