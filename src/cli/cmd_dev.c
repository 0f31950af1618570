// SPDX-License-Identifier: GPL-2.0-or-later
/* dev: its options; who has claimed which I/O ports and physical addresses. */
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

	while ((c = next_option(&o, "iVv:dDp", &err)) != -1) {
		if (err)
			return err;
		if (mode && mode != c)
			return iq_error_new(IQ_E_USAGE, "-%c and -%c are different things", mode, c);
		mode = c;
		index = o.value;
	}
	if (argc - o.index > (mode == 'v'))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "dev takes one of the options -i, -p, -d, -D, -V and -v, or none");
	if (mode == 'V')
		return dev_list_dumps(s, r);
	if (mode == 'v')
		return dev_show_dump(s, index, argv[o.index], r);
	IQ_TRY(need_kernel(s, &k));
	switch (mode) {
	case 0:
		return dev_list_majors(s, r);
	case 'd':
	case 'D':
		return dev_list_disks(s, mode == 'D', r);
	case 'p':
		return dev_list_pci(s, r);
	default:
		break;
	}
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
	.summary = "devices: majors, disks and their requests, PCI, I/O ports and addresses, device dumps",
	.help = "dev [-i | -p | -d | -D]\n"
		"dev -V\n"
		"dev -v INDEX [FILE]\n"
		"\n"
		"Without options: the majors of character and block devices with their names, the cdev or\n"
		"gendisk and its operations.\n"
		"\n"
		"  -d   the disks with their request queues, and how many requests are in flight (given to\n"
		"       the driver and not completed), as /sys/block/*/inflight counts them.  In JSON each\n"
		"       request: its address, tag, operation, sector, size and when it began.\n"
		"  -D   the same, disks with requests alone\n"
		"  -p   the PCI buses and devices\n"
		"\n"
		"  -i   the kernel's trees of resources, as /proc/ioports and /proc/iomem show them: RAM,\n"
		"       what the firmware reserves, and the memory and ports of devices with their drivers.\n"
		"       Which of them an address belongs to is said by whatis and kmem -P as well.\n"
		"\n"
		"  -V   the device dumps (VMCOREDD) in the dump: what some drivers save of their devices when\n"
		"       the kernel crashes.  OFFSET is their place in the dump file.\n"
		"  -v   one of them, by its index in that list: shown, or copied to FILE\n"
		"\n"
		"  inquest> dev | grep tty\n"
		"     4      tty            ffff8bdfc195b680  tty_fops\n"
		"  inquest> dev -d\n"
		"  MAJOR GENDISK            NAME       REQUEST_QUEUE      TOTAL  READ WRITE\n"
		"    254 ffff8bdfc1ea8800   vda        ffff8bdfe3f45e40       0     0     0\n"
		"  inquest> dev -i\n"
		"  inquest> dev -V\n"
		"  INDEX  OFFSET             SIZE             NAME\n"
		"    0    0x240              33558464         cxgb4_0000:02:00.4\n"
		"  inquest> dev -v 0 cxgb4.bin\n",
	.run = run,
	.no_context = true,
};
