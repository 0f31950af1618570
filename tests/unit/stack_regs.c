// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stack-regs DUMP: the traces of all tasks with the registers of each frame, for comparing with other
 * programs.  Lines: "task ADDRESS PID", then "frame IP rsp=… rbx=…" with what is known, in hexadecimal;
 * "trap" for an interrupted function, "guess" for a frame that is not reliable.
 */
#include <inquest/stack.h>
#include <inttypes.h>

static void show(struct iq_kernel *k, const struct iq_task *t)
{
	struct iq_backtrace b;

	iq_error_free(iq_backtrace(k, t, &b));
	printf("task %" PRIx64 " %u\n", t->address, t->pid);
	for (unsigned int i = 0; i < b.nr; i++) {
		const struct iq_frame *f = &b.frames[i];
		const struct iq_regs *r = &f->regs;

		printf("%s %" PRIx64,
		       f->has_trap   ? "trap"
		       : f->reliable ? "frame"
				     : "guess",
		       f->ip);
		for (unsigned int n = 0; n < k->arch->nr_regs; n++)
			if (iq_reg_known(r, n) && n != k->arch->reg_pc)
				printf(" %s=%" PRIx64, k->arch->reg_names[n], r->value[n]);
		putchar('\n');
	}
	iq_backtrace_free(&b);
}

int main(int argc, char **argv)
{
	struct iq_kernel_options options = {0};
	const struct iq_task *tasks;
	struct iq_dump *d = NULL;
	struct iq_kernel *k = NULL;
	struct iq_error *err;
	unsigned int nr;

	if (argc != 2)
		return 2;
	err = iq_dump_open(argv[1], NULL, &d);
	if (!err)
		err = iq_kernel_open(d, &options, NULL, &k);
	if (!err)
		err = iq_tasks(k, &tasks, &nr);
	if (err) {
		fprintf(stderr, "%s\n", err->message);
		iq_error_free(err);
	} else {
		for (unsigned int i = 0; i < nr; i++)
			show(k, &tasks[i]);
	}
	iq_kernel_close(k);
	iq_dump_close(d);
	return err != NULL;
}
