// SPDX-License-Identifier: GPL-2.0-or-later
/* Command lines of any content, options and arguments, on a kernel that is whole: each line of the input is one. */
#include "demo_memory.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES 8

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("FUZZ_DEMO");

	(void)argc;
	(void)argv;
	demo_load(path ? path : "demo/usb-free.vmcore");
	return 0;
}

/* What writes or reads other files, or takes as long as it is told to, is not for here. */
static bool is_harmless(const char *line)
{
	static const char *const not[] = {"exit",   "quit",  "q",	"rd",	  "dev",     "source", "search", "refs",
					  "analyze", "leaks", "sweep",	"foreach", "stacks", "repeat", "alias", "extend",
					  "gdb",    "src",   "mod",	"set",	  "annotate", "log"};
	char *name = words_first(line);
	bool harmless = name;

	for (unsigned int i = 0; harmless && i < IQ_ARRAY_SIZE(not); i++)
		harmless = strcmp(name, not[i]);
	free(name);
	return harmless;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;
	char *text = strndup((const char *)data, size), *save = NULL, *line;
	unsigned int n = 0;

	if (!s.kernel && !demo_open(&s, NULL))
		demo_die(s.kernel_error->message);
	for (line = text ? strtok_r(text, "\n", &save) : NULL; line && n < LINES; line = strtok_r(NULL, "\n", &save), n++)
		if (is_harmless(line))
			demo_run(&s, line);
	free(text);
	return 0;
}
