// SPDX-License-Identifier: GPL-2.0-or-later
/* What --help says, and the manual page, made of it and of what help NAME says: groff's man macros. */
#include "internal.h"

const char cli_usage[] =
	"usage: inquest [OPTIONS] VMCORE... [VMLINUX] [MODULE.ko.debug...]\n"
	"       inquest analyze [--redact] [OPTIONS] VMCORE... [VMLINUX] [MODULE.ko.debug...]\n"
	"       inquest analyze [--redact] [--json] --log FILE\n"
	"       inquest info [OPTIONS] FILE...\n";

const char cli_help[] =
	"\n"
	"Opens the crash dump of a Linux kernel.  The files may stand in any order: what\n"
	"each is follows from its content.  Several VMCOREs are the files of one dump\n"
	"that makedumpfile --split wrote.  Neither a vmlinux nor module files are needed;\n"
	"they add source lines.  With the word analyze it says why the machine died, with\n"
	"the word info what the files are, and ends.\n"
	"\n"
	"  -c COMMANDS       run COMMANDS (separated by ';') instead of opening a\n"
	"                    prompt; may be repeated\n"
	"  -i FILE           run the commands in FILE first; may be repeated\n"
	"  -s                no banner\n"
	"  --extend FILE     load the plug-in FILE; may be repeated (help extend)\n"
	"  --no-rc           do not run ~/.inquestrc and .inquestrc\n"
	"  --no-vmlinux      use the dump alone: no debug file, neither given nor found\n"
	"  --no-btf          do not use the types (BTF) in the dump\n"
	"  --debug-dir DIR   look for a vmlinux and module files in DIR too; may be\n"
	"                    repeated\n"
	"  --src DIR         the kernel's source is in DIR (src, dis -s)\n"
	"  --format NAME     the dump has this format: elf, kdump, lime, savevm, vmware, or\n"
	"                    raw, the bytes of memory and nothing else\n"
	"  --json[=pretty]   results as JSON, one object a command\n"
	"  --log FILE        analyze a console log (- is standard input) instead of a dump\n"
	"  --redact          analyze without names of hosts and people\n"
	"  --no-sandbox      read the dump in this process, which may do what the user may\n"
	"  --man             the manual page, for man -l -\n"
	"  --version         show the version of inquest and its libraries\n"
	"  --help            show this help\n"
	"\n"
	"At the prompt, help lists the commands and help NAME explains one.  Without -c,\n"
	"commands are read from standard input if that is not a terminal.  Exit status:\n"
	"0 if all commands succeeded, 1 if one failed, 2 if the files could not be\n"
	"opened, 130 after Ctrl-C.\n";

/* TEXT as roff takes it: no line of it is a request, no character an escape. */
static void roff(struct iq_buf *out, const char *text, size_t len)
{
	bool start = true;

	for (size_t i = 0; i < len; i++) {
		if (start && (text[i] == '.' || text[i] == '\''))
			iq_buf_puts(out, "\\&");
		if (text[i] == '\\')
			iq_buf_puts(out, "\\e");
		else if (text[i] == '-')
			iq_buf_puts(out, "\\-");
		else
			iq_buf_putc(out, text[i]);
		start = text[i] == '\n';
	}
	if (!start)
		iq_buf_putc(out, '\n');
}

/* Lines as they stand: usage, options and examples are laid out already. */
static void literal(struct iq_buf *out, const char *text)
{
	iq_buf_puts(out, ".nf\n");
	roff(out, text, strlen(text));
	iq_buf_puts(out, ".fi\n");
}

static void command(struct iq_buf *out, const struct command *c)
{
	iq_buf_printf(out, ".SS %s\n", c->name);
	roff(out, c->summary, strlen(c->summary));
	iq_buf_puts(out, ".PP\n");
	literal(out, c->help);
}

void text_manual(struct iq_buf *out)
{
	iq_buf_printf(out, ".TH INQUEST 1 \"\" \"inquest %s\" \"User Commands\"\n", INQUEST_VERSION);
	iq_buf_puts(out, ".SH NAME\ninquest \\- opens the crash dump of a Linux kernel and says why the machine died\n");
	iq_buf_puts(out, ".SH SYNOPSIS\n");
	literal(out, cli_usage);
	iq_buf_puts(out, ".SH DESCRIPTION\n");
	literal(out, cli_help);
	iq_buf_puts(out, ".SH COMMANDS\n");
	for (unsigned int i = 0; commands[i]; i++)
		command(out, commands[i]);
	iq_buf_puts(out,
		    ".SH FILES\n.TP\n~/.inquestrc, .inquestrc\nCommands that are run first; the latter only if it is the "
		    "user's own and nobody else may write to it.\n"
		    ".TP\n~/.inquest_history, $XDG_STATE_HOME/inquest_history\nWhat was typed at the prompt.\n"
		    ".TP\n~/.cache/inquest, $XDG_CACHE_HOME/inquest\nWhat was worked out of debug files once.\n"
		    ".SH ENVIRONMENT\n.TP\nNO_COLOR\nNo colours, if it is not empty.\n"
		    ".TP\nDEBUGINFOD_URLS\nServers that debug files are asked of.\n"
		    ".SH SEE ALSO\n.BR crash (8),\n.BR drgn (1),\n.BR makedumpfile (8)\n");
}
