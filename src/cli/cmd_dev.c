// SPDX-License-Identifier: GPL-2.0-or-later
/* dev: who has claimed which I/O ports and physical addresses; what drivers dumped of their devices. */
#include "dev.h"
#include <inquest/resource.h>
#include <inttypes.h>
#include <stdlib.h>

struct dev_result {
	const struct iq_resource *list[IQ_RESOURCES_PORTS + 1]; /* the kernel's */
	unsigned int nr[IQ_RESOURCES_PORTS + 1];
};

static void text_tree(const struct iq_resource *list, unsigned int nr, int digits, const char *head,
		      struct iq_buf *out)
{
	iq_buf_puts(out, head);
	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_resource *r = &list[i];

		iq_buf_printf(out, "%016" PRIx64 "  %0*" PRIx64 "-%0*" PRIx64 "  %*s%s\n", r->address, digits,
			      r->start, digits, r->end, r->depth > 1 ? 2 * (int)(r->depth - 1) : 0, "",
			      r->name);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct dev_result *x = r->data;

	text_tree(x->list[IQ_RESOURCES_PORTS], x->nr[IQ_RESOURCES_PORTS], 4,
		  "    RESOURCE        RANGE    NAME\n", out);
	text_tree(x->list[IQ_RESOURCES_MEMORY], x->nr[IQ_RESOURCES_MEMORY], 8,
		  "\n    RESOURCE            RANGE        NAME\n", out);
}

static json_t *json_tree(const struct iq_resource *list, unsigned int nr)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "resource", json_address(list[i].address));
		json_object_set_new(o, "start", json_address(list[i].start));
		json_object_set_new(o, "end", json_address(list[i].end));
		json_object_set_new(o, "flags", json_address(list[i].flags));
		json_object_set_new(o, "depth", json_integer(list[i].depth));
		json_object_set_new(o, "name", json_string(list[i].name));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct dev_result *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "ports", json_tree(x->list[IQ_RESOURCES_PORTS], x->nr[IQ_RESOURCES_PORTS]));
	json_object_set_new(o, "memory", json_tree(x->list[IQ_RESOURCES_MEMORY], x->nr[IQ_RESOURCES_MEMORY]));
	return o;
}

static const struct result_ops ops = {text, json, free};

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {argc, argv, 1, 0, NULL};
	struct iq_error *err = NULL;
	struct dev_result *x;
	struct iq_kernel *k;
	const char *index = NULL;
	int c, mode = 0;

	while ((c = next_option(&o, "iVv:", &err)) != -1) {
		if (err)
			return err;
		if (mode && mode != c)
			return iq_error_new(IQ_E_USAGE, "-%c and -%c are different things", mode, c);
		mode = c;
		index = o.value;
	}
	if (!mode || argc - o.index > (mode == 'v'))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "dev needs one of the options -i, -V and -v"),
				     "help dev says what they show");
	if (mode == 'V')
		return dev_list_dumps(s, r);
	if (mode == 'v')
		return dev_show_dump(s, index, argv[o.index], r);
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	for (unsigned int i = 0; !err && i <= IQ_RESOURCES_PORTS; i++)
		err = iq_resources(k, (enum iq_resources)i, &x->list[i], &x->nr[i]);
	if (err) {
		free(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_dev = {
	.name = "dev",
	.summary = "I/O ports and physical addresses, and what drivers dumped of their devices",
	.help = "dev -i\n"
		"dev -V\n"
		"dev -v INDEX [FILE]\n"
		"\n"
		"  -i   the kernel's trees of resources, as /proc/ioports and /proc/iomem show them: RAM,\n"
		"       what the firmware reserves, and the memory and ports of devices with their drivers.\n"
		"       Which of them an address belongs to is said by whatis and kmem -P as well.\n"
		"\n"
		"  -V   the device dumps (VMCOREDD) in the dump: what some drivers save of their devices when\n"
		"       the kernel crashes.  OFFSET is their place in the dump file.\n"
		"  -v   one of them, by its index in that list: shown, or copied to FILE\n"
		"\n"
		"  inquest> dev -i\n"
		"  inquest> dev -V\n"
		"  INDEX  OFFSET             SIZE             NAME\n"
		"    0    0x240              33558464         cxgb4_0000:02:00.4\n"
		"  inquest> dev -v 0 cxgb4.bin\n",
	.run = run,
	.no_context = true,
};
