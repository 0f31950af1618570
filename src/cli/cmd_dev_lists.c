// SPDX-License-Identifier: GPL-2.0-or-later
/* dev: the drivers of each major; dev -d, -D: disks with their requests in flight; dev -p: the PCI buses. */
#include "dev.h"
#include <inquest/device.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- Majors ------------------------------------------------------------------------------------ */

struct majors {
	struct iq_major *character, *block;
	unsigned int nr_character, nr_block;
};

static void free_majors(void *data)
{
	struct majors *x = data;

	free(x->character);
	free(x->block);
	free(x);
}

/* The name of a table of operations. */
static void operations(struct session *s, uint64_t address, char *name, size_t room)
{
	if (!address || !iq_symbol_format(s->kernel, address, false, false, name, room))
		snprintf(name, room, "%" PRIx64, address);
}

static void text_list(struct session *s, const struct iq_major *list, unsigned int nr,
		      struct iq_buf *out)
{
	char name[256];

	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_major *m = &list[i];

		iq_buf_printf(out, "%4" PRIu32 "      %-13s  ", m->major, m->name);
		if (m->object) {
			operations(s, m->operations, name, sizeof(name));
			iq_buf_printf(out, "%016" PRIx64 "  %s\n", m->object, name);
		} else {
			iq_buf_puts(out, "     (none)     \n");
		}
	}
}

static void text_majors(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct majors *x = r->data;

	iq_buf_puts(out, "CHRDEV    NAME                 CDEV        OPERATIONS\n");
	text_list(s, x->character, x->nr_character, out);
	iq_buf_puts(out, "\nBLKDEV    NAME                GENDISK      OPERATIONS\n");
	text_list(s, x->block, x->nr_block, out);
}

static json_t *json_list(struct session *s, const struct iq_major *list, unsigned int nr,
			 bool character)
{
	json_t *all = json_array();
	char name[256];

	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_major *m = &list[i];
		json_t *o = json_object();

		json_object_set_new(o, "major", json_integer(m->major));
		if (character) {
			json_object_set_new(o, "first_minor", json_integer(m->minor));
			json_object_set_new(o, "minors", json_integer(m->nr_minors));
		}
		json_object_set_new(o, "name", json_string(m->name));
		json_object_set_new(o, character ? "cdev" : "gendisk",
				    m->object ? json_address(m->object) : json_null());
		operations(s, m->operations, name, sizeof(name));
		json_object_set_new(o, "operations",
				    m->operations ? json_string(name) : json_null());
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *json_majors(struct session *s, const struct result *r)
{
	const struct majors *x = r->data;
	json_t *o = json_object();

	json_object_set_new(o, "character", json_list(s, x->character, x->nr_character, true));
	json_object_set_new(o, "block", json_list(s, x->block, x->nr_block, false));
	return o;
}

static const struct result_ops majors_ops = {text_majors, json_majors, free_majors};

struct iq_error *dev_list_majors(struct session *s, struct result *r)
{
	struct iq_error *err;
	struct majors *x;

	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	err = iq_character_majors(s->kernel, &x->character, &x->nr_character);
	if (!err)
		err = iq_block_majors(s->kernel, &x->block, &x->nr_block);
	if (err) {
		free_majors(x);
		return err;
	}
	*r = (struct result){&majors_ops, x};
	return NULL;
}

/* ---- Disks ------------------------------------------------------------------------------------- */

struct requests {
	struct iq_request *list;
	unsigned int nr, room;
	bool nomem;
};

struct disks {
	struct iq_disk *list;
	struct requests *requests; /* one a disk */
	unsigned int nr;
	bool busy; /* those with requests alone */
};

static void free_disks(void *data)
{
	struct disks *x = data;

	for (unsigned int i = 0; x->requests && i < x->nr; i++)
		free(x->requests[i].list);
	free(x->requests);
	free(x->list);
	free(x);
}

static bool shown(const struct disks *x, const struct iq_disk *d)
{
	return !x->busy || d->reads || d->writes || !d->counted;
}

static void text_disks(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct disks *x = r->data;

	bool by_sync = x->nr && x->list[0].by_sync;

	iq_buf_printf(out, "MAJOR GENDISK            NAME       REQUEST_QUEUE      TOTAL %s\n",
		      by_sync ? "ASYNC  SYNC" : " READ WRITE");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_disk *d = &x->list[i];

		if (!shown(x, d))
			continue;
		iq_buf_printf(out, "%5" PRIu32 " %016" PRIx64 "   %-10s %016" PRIx64 " ", d->major,
			      d->address, d->name, d->queue);
		if (d->counted)
			iq_buf_printf(out, "  %5u %5u %5u\n", d->reads + d->writes,
				      by_sync ? d->reads + d->writes - d->synchronous : d->reads,
				      by_sync ? d->synchronous : d->writes);
		else
			iq_buf_puts(out, "      ?     ?     ?\n");
	}
}

static json_t *json_request(const struct iq_request *q)
{
	json_t *o = json_object();

	json_object_set_new(o, "request", json_address(q->address));
	json_object_set_new(o, "hctx", json_address(q->hctx));
	json_object_set_new(o, "bio", q->bio ? json_address(q->bio) : json_null());
	json_object_set_new(o, "tag", json_integer(q->tag));
	json_object_set_new(o, "operation", json_integer(q->flags & 255));
	json_object_set_new(o, "flags", json_address(q->flags));
	json_object_set_new(o, "sector", json_integer((json_int_t)q->sector));
	json_object_set_new(o, "bytes", json_integer(q->bytes));
	json_object_set_new(o, "start_ns",
			    q->start ? json_integer((json_int_t)q->start) : json_null());
	return o;
}

static json_t *json_disks(struct session *s, const struct result *r)
{
	const struct disks *x = r->data;
	json_t *o = json_object(), *all = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_disk *d = &x->list[i];
		json_t *e, *list;

		if (!shown(x, d))
			continue;
		e = json_object();
		list = json_array();
		json_object_set_new(e, "gendisk", json_address(d->address));
		json_object_set_new(e, "name", json_string(d->name));
		json_object_set_new(e, "major", json_integer(d->major));
		json_object_set_new(e, "first_minor", json_integer(d->first_minor));
		json_object_set_new(e, "queue", json_address(d->queue));
		json_object_set_new(e, "reads", d->counted ? json_integer(d->reads) : json_null());
		json_object_set_new(e, "writes",
				    d->counted ? json_integer(d->writes) : json_null());
		json_object_set_new(e, "synchronous",
				    d->counted ? json_integer(d->synchronous) : json_null());
		for (unsigned int q = 0; q < x->requests[i].nr; q++)
			json_array_append_new(list, json_request(&x->requests[i].list[q]));
		json_object_set_new(e, "requests", list);
		json_array_append_new(all, e);
	}
	json_object_set_new(o, "disks", all);
	return o;
}

static const struct result_ops disks_ops = {text_disks, json_disks, free_disks};

static bool keep_request(void *arg, const struct iq_request *q)
{
	struct requests *x = arg;

	x->nomem = !iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list));
	if (!x->nomem)
		x->list[x->nr++] = *q;
	return !x->nomem;
}

struct iq_error *dev_list_disks(struct session *s, bool busy, struct result *r)
{
	struct disks *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->busy = busy;
	err = iq_disks(s->kernel, &x->list, &x->nr);
	if (!err) {
		x->requests = calloc(x->nr + 1, sizeof(*x->requests));
		err = x->requests ? NULL : iq_error_nomem();
	}
	for (unsigned int i = 0; !err && s->json && i < x->nr; i++) {
		iq_requests(s->kernel, &x->list[i], keep_request, &x->requests[i]);
		if (x->requests[i].nomem)
			err = iq_error_nomem();
	}
	if (err) {
		free_disks(x);
		return err;
	}
	*r = (struct result){&disks_ops, x};
	return NULL;
}

/* ---- PCI --------------------------------------------------------------------------------------- */

/* crash's words for the types of PCI Express capabilities. */
static const char *type_text(uint32_t type)
{
	static const char *const names[] = {
		[0] = "ENDPOINT",    [1] = "LEG_END",	 [4] = "ROOT_PORT",
		[5] = "UPSTREAM",    [6] = "DOWNSTREAM", [7] = "PCI_BRIDGE",
		[8] = "PCIE_BRIDGE", [9] = "RC_END",	 [10] = "RC_EC",
	};

	return type < IQ_ARRAY_SIZE(names) && names[type] ? names[type] : "UNKNOWN";
}

static void free_pci(void *data)
{
	iq_pci_free(data);
	free(data);
}

static void text_pci(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct iq_pci *p = r->data;

	for (unsigned int i = 0; i < p->nr_roots; i++) {
		const struct iq_pci_root *root = &p->root[i];

		iq_buf_printf(out, "    ROOT BUS     BUSNAME\n%016" PRIx64 " %s\n", root->address,
			      root->name);
		iq_buf_puts(out, "      PCI DEV      DO:BU:SL.FN  CLASS   PCI_ID      TYPE\n");
		for (unsigned int d = root->first; d < root->first + root->nr; d++) {
			const struct iq_pci_device *v = &p->device[d];

			iq_buf_printf(out,
				      "  %016" PRIx64 " %s:%02" PRIx32 ".%" PRIx32 "  %04" PRIx32
				      "  %04" PRIx32 ":%04" PRIx32 "  %s\n",
				      v->address, v->bus_name, v->devfn >> 3 & 31, v->devfn & 7,
				      v->class >> 8 & 0xffff, v->vendor, v->device,
				      type_text(v->type));
		}
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_pci(struct session *s, const struct result *r)
{
	const struct iq_pci *p = r->data;
	json_t *o = json_object(), *all = json_array();

	for (unsigned int d = 0; d < p->nr; d++) {
		const struct iq_pci_device *v = &p->device[d];
		json_t *e = json_object();
		char text[80];

		json_object_set_new(e, "pci_dev", json_address(v->address));
		json_object_set_new(e, "pci_bus", json_address(v->bus));
		snprintf(text, sizeof(text), "%s:%02" PRIx32 ".%" PRIx32, v->bus_name,
			 v->devfn >> 3 & 31, v->devfn & 7);
		json_object_set_new(e, "name", json_string(text));
		snprintf(text, sizeof(text), "%04" PRIx32 ":%04" PRIx32, v->vendor, v->device);
		json_object_set_new(e, "id", json_string(text));
		snprintf(text, sizeof(text), "%06" PRIx32, v->class);
		json_object_set_new(e, "class", json_string(text));
		json_object_set_new(e, "type", json_string(type_text(v->type)));
		json_array_append_new(all, e);
	}
	json_object_set_new(o, "devices", all);
	return o;
}

static const struct result_ops pci_ops = {text_pci, json_pci, free_pci};

struct iq_error *dev_list_pci(struct session *s, struct result *r)
{
	struct iq_pci *p = calloc(1, sizeof(*p));
	struct iq_error *err;

	if (!p)
		return iq_error_nomem();
	err = iq_pci(s->kernel, p);
	if (err) {
		free(p);
		return err;
	}
	*r = (struct result){&pci_ops, p};
	return NULL;
}
