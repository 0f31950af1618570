// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of commands. */
#include "internal.h"

/* One a line, in the order of `help`. */
#define COMMANDS(X) \
	X(alias) \
	X(analyze) \
	X(annotate) \
	X(ascii) \
	X(bpf) \
	X(bt) \
	X(btop) \
	X(dec) \
	X(dev) \
	X(dis) \
	X(down) \
	X(enum) \
	X(eval) \
	X(exit) \
	X(explain) \
	X(extend) \
	X(files) \
	X(foreach) \
	X(frame) \
	X(fuser) \
	X(help) \
	X(hex) \
	X(info) \
	X(ipcs) \
	X(irq) \
	X(kmem) \
	X(leaks) \
	X(line) \
	X(list) \
	X(log) \
	X(mach) \
	X(mod) \
	X(mount) \
	X(net) \
	X(p) \
	X(pageflags) \
	X(pahole) \
	X(ps) \
	X(pte) \
	X(ptob) \
	X(ptov) \
	X(rd) \
	X(refs) \
	X(runq) \
	X(sbitmapq) \
	X(search) \
	X(set) \
	X(sig) \
	X(sizeof) \
	X(src) \
	X(stacks) \
	X(struct) \
	X(swap) \
	X(sweep) \
	X(sym) \
	X(sys) \
	X(task) \
	X(timer) \
	X(tree) \
	X(union) \
	X(up) \
	X(vm) \
	X(vtop) \
	X(waitq) \
	X(waits) \
	X(whatis) \
	X(wq) \
	X(x)

#define DECLARE(name) extern const struct command cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &cmd_##name,
const struct command *const commands[] = {COMMANDS(ENTRY) NULL};

static const struct alias {
	const char *name, *command;
} aliases[] = {
	{"*", "struct"}, {"dmesg", "log"}, {"h", "help"}, {"last", "ps"},
	{"lsmod", "mod"}, {"man", "help"}, {"q", "exit"}, {"quit", "exit"},
};

static const struct command *by_exact_name(const char *name, size_t len)
{
	for (unsigned int i = 0; commands[i]; i++) {
		if (!strncmp(commands[i]->name, name, len) && !commands[i]->name[len])
			return commands[i];
	}
	return NULL;
}

const struct command *command_by_name(const char *name)
{
	size_t len = strcspn(name, "/");

	/* gdb's way to give a format: x/4xg, p/x. */
	if (name[len] && len == 1 && (name[0] == 'x' || name[0] == 'p'))
		return by_exact_name(name, len);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(aliases); i++) {
		if (!strcmp(aliases[i].name, name))
			return by_exact_name(aliases[i].command, strlen(aliases[i].command));
	}
	return by_exact_name(name, strlen(name));
}
