// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plug-in with two commands: `states` counts the tasks by state, `supers` lists the super blocks.
 *
 *	cc -Iinclude -shared -fPIC -o counts.so counts.c
 *	inquest --extend ./counts.so vmcore
 */
#include <inquest/plugin.h>
#include <stdio.h>
#include <string.h>

/* ---- states ---------------------------------------------------------------------------------- */

struct states {
	char state[32][3];
	unsigned int count[32], nr;
};

static int count(struct iq_plugin_call *c, const struct iq_plugin_task *t, void *arg)
{
	struct states *x = arg;
	unsigned int i = 0;

	while (i < x->nr && strcmp(x->state[i], t->state))
		i++;
	if (i == sizeof(x->count) / sizeof(*x->count))
		return 0;
	if (i == x->nr)
		snprintf(x->state[x->nr++], sizeof(x->state[0]), "%s", t->state);
	x->count[i]++;
	return 0;
}

static int states(struct iq_plugin_call *c, const struct iq_plugin_api *api, int argc, char **argv)
{
	struct states x = {.nr = 0};
	char json[1024] = "{";
	size_t len = 1;

	if (argc > 1)
		return api->fail(c, "unexpected word %s", argv[1]);
	if (api->tasks(c, count, &x))
		return -1;
	for (unsigned int i = 0; i < x.nr; i++) {
		api->print(c, "%s %6u\n", x.state[i], x.count[i]);
		len += (size_t)snprintf(json + len, sizeof(json) - len, "%s\"%s\":%u", i ? "," : "",
					x.state[i], x.count[i]);
	}
	snprintf(json + len, sizeof(json) - len, "}");
	return api->json(c, json);
}

/* ---- supers ---------------------------------------------------------------------------------- */

static int show(struct iq_plugin_call *c, uint64_t address, void *arg)
{
	const struct iq_plugin_api *api = arg;
	uint64_t type, name, id, size;
	char id_text[33] = "", type_text[33] = "?";

	/* struct super_block, struct file_system_type: include/linux/fs.h */
	if (api->offset(c, "super_block", "s_id", &id, &size) ||
	    api->read_string(c, address + id, id_text, size < sizeof(id_text) ? size : sizeof(id_text)))
		return -1;
	/* One that is damaged is shown as far as it can be. */
	if (!api->member(c, "super_block", "s_type", address, &type) &&
	    !api->member(c, "file_system_type", "name", type, &name))
		api->read_string(c, name, type_text, sizeof(type_text));
	api->print(c, "%016llx  %-12s %s\n", (unsigned long long)address, type_text, id_text);
	return 0;
}

static int supers(struct iq_plugin_call *c, const struct iq_plugin_api *api, int argc, char **argv)
{
	uint64_t head;

	if (argc > 1)
		return api->fail(c, "unexpected word %s", argv[1]);
	if (api->symbol(c, "super_blocks", &head))
		return -1;
	api->print(c, "%-16s  %-12s %s\n", "SUPER_BLOCK", "TYPE", "ID");
	return api->list(c, head, "super_block", "s_list", show, (void *)api);
}

/* ---------------------------------------------------------------------------------------------- */

static const struct iq_plugin_command commands[] = {
	{"states", "how many tasks are in which state",
	 "states\n"
	 "\n"
	 "Counts the tasks by state.\n",
	 states},
	{"supers", "the super blocks",
	 "supers\n"
	 "\n"
	 "Lists the super blocks of all file systems, in use or not: address, type, s_id.\n",
	 supers},
};

const struct iq_plugin inquest_plugin = {
	.api = IQ_PLUGIN_API,
	.name = "counts",
	.commands = commands,
	.nr_commands = sizeof(commands) / sizeof(*commands),
};
