// SPDX-License-Identifier: GPL-2.0-or-later
/* Source lines of addresses, with the functions that are inlined there. */
#include "source.h"
#include <stdlib.h>

/* No function of a kernel is longer. */
#define FUNCTION_MAX (256U << 10)

bool is_code_address(struct iq_kernel *k, uint64_t address)
{
	for (unsigned int i = 0; i < 2 && address > i; i++) {
		struct iq_symbol symbol;

		if (iq_is_text(k, address - i) ||
		    (iq_symbol_at(k, address - i, &symbol) && strchr("tTwW", symbol.type)))
			return true;
	}
	return false;
}

bool is_return_address(struct iq_kernel *k, uint64_t address)
{
	struct iq_symbol symbol;
	struct iq_insn insn = {0};
	uint64_t at;
	uint8_t *code;
	size_t len;
	bool call = false;

	/* A call that does not return may be the last of its function. */
	if (!address || !iq_symbol_at(k, address - 1, &symbol) || !strchr("tTwW", symbol.type) ||
	    address - symbol.address > FUNCTION_MAX || address == symbol.address)
		return false;
	/*
	 * Code that was only needed at the start is given back: nothing runs there any more, but idle
	 * tasks would still return to it.
	 */
	if (!iq_is_text(k, address - 1))
		return true;
	len = address - symbol.address;
	code = malloc(len);
	if (!code)
		return false;
	at = iq_vm_read(k->vm, symbol.address, code, len, NULL) ? len : 0;
	while (at < len &&
	       iq_insn_decode(k->arch, code + at, len - at, symbol.address + at, &insn) &&
	       insn.length) {
		at += insn.length;
		call = at == len && insn.flow == IQ_FLOW_CALL;
	}
	free(code);
	return call;
}

void find_chain(struct iq_kernel *k, uint64_t address, bool exact, struct chain *ret)
{
	const char *file;
	unsigned int line;

	*ret = (struct chain){.call = !exact && is_return_address(k, address)};
	address -= ret->call;
	ret->nr = iq_kernel_inlines(k, address, ret->at, CHAIN_MAX);
	/* A function of assembler has lines, but no entry in the debug information. */
	if (!ret->nr && iq_kernel_line(k, address, &file, &line)) {
		ret->at[0] = (struct iq_inline){.function = "", .file = file, .line = line};
		ret->nr = 1;
	}
	/* Line 0: the compiler does not say. */
	if (ret->nr == 1 && (!ret->at[0].line || !*ret->at[0].file))
		ret->nr = 0;
}

struct chain *chain_of(struct iq_kernel *k, uint64_t address, bool exact)
{
	struct chain c, *copy;
	size_t size;

	find_chain(k, address, exact, &c);
	size = offsetof(struct chain, at) + c.nr * sizeof(c.at[0]);
	copy = c.nr ? malloc(size) : NULL;
	if (copy)
		memcpy(copy, &c, size);
	return copy;
}

void text_chain(const struct chain *c, struct iq_buf *out)
{
	for (unsigned int i = 0; c->nr > 1 && i < c->nr; i++) {
		const struct iq_inline *at = &c->at[i];

		iq_buf_puts(out, at->inlined ? "    (inlined) " : "    ");
		iq_buf_add_escaped(out, at->function, strlen(at->function), false);
		iq_buf_putc(out, ' ');
		iq_buf_add_escaped(out, at->file, strlen(at->file), false);
		iq_buf_printf(out, ": %u\n", at->line);
	}
}

json_t *json_chain(const struct chain *c)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->nr; i++) {
		const struct iq_inline *at = &c->at[i];
		json_t *o = json_object();

		json_object_set_new(o, "function",
				    *at->function ? json_text(at->function, strlen(at->function))
						  : json_null());
		json_object_set_new(
			o, "file", *at->file ? json_text(at->file, strlen(at->file)) : json_null());
		json_object_set_new(o, "line", at->line ? json_integer(at->line) : json_null());
		json_object_set_new(o, "inlined", json_boolean(at->inlined));
		json_array_append_new(list, o);
	}
	return list;
}
