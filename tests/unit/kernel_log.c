// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log of kernels before 5.10 (4.18: kernel/printk/printk.c): records of struct printk_log, one behind
 * the other in log_buf, from log_first_idx to log_next_idx; one of length 0 says that the next is at
 * the beginning.  No kernel of the lab is that old, so the buffer is made here.
 */
#include "../../src/kernel/private.h"
#include "vm_memory.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BUF_AT 0x1000u
#define BUF_LEN 0x200u
#define VARS_AT 0x3000u
#define HEADER 16u /* struct printk_log without caller_id */

/* VMCOREINFO's words for it (log_buf_vmcoreinfo_setup()). */
static const char vmcoreinfo[] = "OSRELEASE=4.18.0-test\n"
				 "SIZE(printk_log)=16\n"
				 "OFFSET(printk_log.ts_nsec)=0\n"
				 "OFFSET(printk_log.len)=8\n"
				 "OFFSET(printk_log.text_len)=10\n"
				 "OFFSET(printk_log.dict_len)=12\n";

struct old_kernel {
	struct vm_memory m;
	struct iq_kernel k;
	struct iq_kernel_private priv;
	struct iq_warnings warnings;
	unsigned int at; /* where in the buffer the next record is put */
};

static void put(struct old_kernel *o, unsigned int at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		o->m.bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static void record(struct old_kernel *o, uint64_t ns, unsigned int facility, unsigned int level,
		   const char *text, const char *dict, unsigned int dict_len)
{
	unsigned int text_len = (unsigned int)strlen(text), at = BUF_AT + o->at;
	unsigned int len = (HEADER + text_len + dict_len + 7) / 8 * 8;

	put(o, at, ns, 8);
	put(o, at + 8, len, 2);
	put(o, at + 10, text_len, 2);
	put(o, at + 12, dict_len, 2);
	put(o, at + 14, facility, 1);
	put(o, at + 15, 0x2 | level << 5, 1); /* u8 flags:5, level:3 */
	memcpy(o->m.bytes + at + HEADER, text, text_len);
	if (dict_len)
		memcpy(o->m.bytes + at + HEADER + text_len, dict, dict_len);
	o->at += len;
}

static void variable(struct old_kernel *o, const char *name, unsigned int at, uint64_t value,
		     unsigned int size)
{
	put(o, VARS_AT + at, value, size);
	assert_null(iq_symtab_add(o->k.symbols, name, VM_BASE + VARS_AT + at, 0, 'd'));
}

static void start(struct old_kernel *o, unsigned int first, unsigned int next)
{
	assert_null(iq_symtab_new(NULL, &o->k.symbols));
	variable(o, "log_buf", 0, VM_BASE + BUF_AT, 8);
	variable(o, "log_buf_len", 8, BUF_LEN, 4);
	variable(o, "log_first_idx", 16, first, 4);
	variable(o, "log_next_idx", 24, next, 4);
	variable(o, "log_first_seq", 32, 7, 8);
	assert_null(iq_symtab_seal(o->k.symbols, VM_BASE + VARS_AT + 64));
	assert_true(vm_memory_start(&o->m));
	o->k.dump = o->m.dump;
	o->k.reader = o->m.reader;
	o->k.vm = o->m.vm;
	o->k.arch = iq_arch_by_machine(EM_X86_64);
	o->k.layout = o->m.layout;
	o->k.priv = &o->priv;
	o->k.warnings = &o->warnings;
	o->k.vmcoreinfo = (char *)(uintptr_t)vmcoreinfo;
	o->k.vmcoreinfo_len = sizeof(vmcoreinfo) - 1;
	o->priv.options.no_btf = true;
}

static void end(struct old_kernel *o)
{
	log_free(&o->k);
	iq_symtab_close(o->k.symbols);
	iq_warnings_clear(&o->warnings);
	vm_memory_end(&o->m);
}

static void init(struct old_kernel *o)
{
	memset(o, 0, sizeof(*o));
	assert_true(vm_memory_init(&o->m, 0x4000));
}

static void is_text(const struct iq_log_record *r, const char *text)
{
	assert_int_equal(r->len, strlen(text));
	assert_memory_equal(r->text, text, r->len);
}

static void in_order(void **state)
{
	static const char dict[] = "SUBSYSTEM=usb\0DEVICE=+usb:1-1";
	const struct iq_log_record *log;
	struct old_kernel o;
	unsigned int nr;

	(void)state;
	init(&o);
	record(&o, 0, 0, 5, "Linux version 4.18.0", NULL, 0);
	record(&o, 1500000000, 3, 6, "usb 1-1: new device", dict, sizeof(dict) - 1);
	record(&o, 2000000001, 0, 0, "", NULL, 0);
	start(&o, 0, o.at);
	assert_null(iq_log(&o.k, &log, &nr));
	assert_int_equal(nr, 3);
	is_text(&log[0], "Linux version 4.18.0");
	assert_int_equal(log[0].level, 5);
	assert_int_equal(log[0].seq, 7);
	is_text(&log[1], "usb 1-1: new device");
	assert_int_equal(log[1].ns, 1500000000);
	assert_int_equal(log[1].facility, 3);
	assert_int_equal(log[1].level, 6);
	assert_int_equal(log[1].dict_len, sizeof(dict) - 1);
	assert_memory_equal(log[1].dict, dict, sizeof(dict) - 1);
	is_text(&log[2], "");
	assert_int_equal(log[2].seq, 9);
	assert_int_equal(o.warnings.nr, 0);
	end(&o);
}

/* The oldest records are behind the newest: at the end a header of zeros leads to the beginning. */
static void wrapped(void **state)
{
	const struct iq_log_record *log;
	unsigned int nr, next;
	struct old_kernel o;

	(void)state;
	init(&o);
	record(&o, 30, 0, 6, "third", NULL, 0);
	record(&o, 40, 0, 6, "fourth", NULL, 0);
	next = o.at;
	o.at = BUF_LEN - 80;
	record(&o, 10, 0, 6, "first", NULL, 0);
	record(&o, 20, 0, 6, "second", NULL, 0);
	start(&o, BUF_LEN - 80, next);
	assert_null(iq_log(&o.k, &log, &nr));
	assert_int_equal(nr, 4);
	is_text(&log[0], "first");
	is_text(&log[1], "second");
	is_text(&log[2], "third");
	is_text(&log[3], "fourth");
	assert_int_equal(log[3].seq, 10);
	assert_int_equal(o.warnings.nr, 0);
	end(&o);
}

/* A record that reaches beyond the buffer ends the log with a warning. */
static void damaged(void **state)
{
	const struct iq_log_record *log;
	struct old_kernel o;
	unsigned int nr;

	(void)state;
	init(&o);
	record(&o, 1, 0, 6, "whole", NULL, 0);
	put(&o, BUF_AT + o.at + 8, 0xfff0, 2);
	start(&o, 0, o.at + 64);
	assert_null(iq_log(&o.k, &log, &nr));
	assert_int_equal(nr, 1);
	is_text(&log[0], "whole");
	assert_int_equal(o.warnings.nr, 1);
	end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(wrapped),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
