// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening the kernel in a dump, its types, and reading its variables. */
#include "private.h"

#include <stdlib.h>

#define BTF_MAX (64u << 20)

struct iq_error *iq_kernel_open(struct iq_dump *d, const struct iq_kernel_options *o,
				struct iq_warnings *w, struct iq_kernel **ret)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	struct iq_error *err;
	struct iq_kernel *k = calloc(1, sizeof(*k));

	if (!k || !(k->priv = calloc(1, sizeof(*k->priv)))) {
		free(k);
		return iq_error_nomem();
	}
	k->dump = d;
	k->warnings = w;
	if (o)
		k->priv->options = *o;
	k->priv->panic_cpu = -1;
	k->arch = iq_arch_by_machine(info->machine);
	if (!k->arch) {
		err = iq_error_new(IQ_E_UNAVAILABLE, "%s is a dump of an ELF machine type %u that this "
				   "program does not know", info->path, info->machine);
		goto fail;
	}
	err = iq_reader_open(d, 0, &k->reader);
	if (err)
		goto fail;
	err = kernel_locate(k);
	if (err)
		goto fail;
	*ret = k;
	return NULL;
fail:
	iq_kernel_close(k);
	return err;
}

void iq_kernel_close(struct iq_kernel *k)
{
	if (!k)
		return;
	if (k->inspect_memory)
		k->inspect_memory_free(k->inspect_memory);
	if (k->stack_memory)
		k->stack_memory_free(k->stack_memory);
	slabs_free(k);
	table_map_free(k);
	resources_free(k);
	vmaps_free(k);
	log_free(k);
	tasks_free(k);
	modules_free(k);
	cpus_free(k);
	iq_orc_close(k->priv->orc);
	iq_types_close(k->priv->btf); /* a vmlinux's types are its own */
	iq_symtab_close(k->priv->generated);
	iq_symtab_close(k->symbols);
	iq_vm_close(k->vm);
	iq_reader_close(k->reader);
	free(k->vmcoreinfo);
	free(k->priv->probes);
	free(k->priv);
	free(k);
}

struct iq_error *kernel_same_error(const struct iq_error *err)
{
	struct iq_error *same = iq_error_new(err->code, "%s", err->message);

	return err->hint ? iq_error_hint(same, "%s", err->hint) : same;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

bool kernel_read_uint(struct iq_kernel *k, uint64_t address, unsigned int size, uint64_t *ret)
{
	*ret = 0;
	return !iq_vm_read_uint(k->vm, address, size, ret);
}

bool kernel_read_member(struct iq_kernel *k, const char *tag, const char *path, uint64_t base,
			uint64_t *ret)
{
	uint64_t offset, size;

	*ret = 0;
	if (!iq_kernel_offset(k, tag, path, &offset, &size))
		return false;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	return kernel_read_uint(k, base + offset, (unsigned int)size, ret);
}

bool iq_kernel_variable(struct iq_kernel *k, const char *name, unsigned int size, uint64_t *ret)
{
	uint64_t at = iq_kernel_symbol(k, name), v;

	if (!at || !kernel_read_uint(k, at, size, &v))
		return false;
	*ret = v;
	return true;
}

/* ---- Types ------------------------------------------------------------------------------------- */

/* The types in the dump itself; NULL: none that can be used. */
static struct iq_types *open_btf(struct iq_kernel *k)
{
	uint64_t start = iq_kernel_symbol(k, "__start_BTF");
	uint64_t stop = iq_kernel_symbol(k, "__stop_BTF");
	struct iq_types *types = NULL;
	struct iq_error *err;

	if (!start) { /* 5.2 - 5.6 */
		start = iq_kernel_symbol(k, "_binary__btf_vmlinux_bin_start");
		stop = iq_kernel_symbol(k, "_binary__btf_vmlinux_bin_end");
	}
	if (!start || stop <= start || stop - start > BTF_MAX)
		return NULL;
	err = iq_btf_read(k->vm, start, stop - start, NULL, "vmlinux", k->warnings, &types);
	if (err)
		iq_warn(k->warnings, "the kernel's BTF cannot be used: %s", err->message);
	iq_error_free(err);
	return types;
}

struct iq_types *iq_kernel_types(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;

	if (p->types_state)
		return p->types;
	p->types_state = LAZY_FAILED;
	if (!p->options.no_btf)
		p->types = p->btf = open_btf(k);
	if (!p->types && k->vmlinux)
		p->types = iq_debugfile_types(k->vmlinux);
	if (p->types)
		p->types_state = LAZY_DONE;
	return p->types;
}

struct iq_error *iq_kernel_need_types(struct iq_kernel *k, struct iq_types **ret)
{
	const char *path = k->vmlinux ? iq_debugfile_path(k->vmlinux) : NULL;
	struct iq_types *t = iq_kernel_types(k);
	struct iq_error *err;

	if (t) {
		*ret = t;
		return NULL;
	}
	err = iq_error_new(IQ_E_UNAVAILABLE, "this needs type information, and %s%s%s%s",
			   k->priv->options.no_btf ? "--no-btf was given"
						   : "the kernel in this dump has no usable BTF",
			   path ? ", and " : "", path ? path : "",
			   path ? " has no usable debug information" : "");
	return iq_error_hint(err, "give the vmlinux with debug information of %s%s%s",
			     k->release[0] ? k->release : "this kernel",
			     k->build_id[0] ? ", build-id " : "", k->build_id);
}

const struct iq_type *iq_kernel_type(struct iq_kernel *k, const char *name, struct iq_module **from)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type = t ? iq_type_by_name(t, name) : NULL, *fallback = type;
	struct iq_module *const *mods;
	struct iq_error *err;
	unsigned int i, nr;

	if (from)
		*from = NULL;
	if (!t)
		return NULL;
	if (type && type->kind != IQ_KIND_INCOMPLETE_STRUCT && type->kind != IQ_KIND_INCOMPLETE_UNION)
		return type;
	err = iq_modules(k, &mods, &nr);
	if (err) {
		iq_error_free(err);
		return fallback;
	}
	for (i = 0; i < nr; i++) {
		struct iq_types *mt = iq_module_types(k, mods[i]);

		type = mt ? iq_type_by_name(mt, name) : NULL;
		if (!type || type->kind == IQ_KIND_INCOMPLETE_STRUCT ||
		    type->kind == IQ_KIND_INCOMPLETE_UNION)
			continue;
		if (from)
			*from = mods[i];
		return type;
	}
	return fallback;
}
