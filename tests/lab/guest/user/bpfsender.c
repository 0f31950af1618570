/*
 * bpfsender: load a socket filter that asks for a random number in a function of its
 * own, attach it, and send something through it.  Without libbpf: two system calls.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

int main(void)
{
	static char log[65536];
	struct bpf_insn program[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_6, 0, 0, 0x1234 },
		{ BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 3 },
		{ BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_0, BPF_REG_6, 0, 0 },
		{ BPF_ALU64 | BPF_OR | BPF_K, BPF_REG_0, 0, 0, 0xff },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
		/* the function */
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32 },
		{ BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 0xff },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr;
	int fd, pair[2];

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (unsigned long)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (unsigned long)"GPL";
	attr.log_buf = (unsigned long)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	strcpy(attr.prog_name, "lab_filter");
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0) {
		perror("LAB-FAIL: bpf");
		puts(log);
		return 1;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) ||
	    setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd))) {
		perror("LAB-FAIL: SO_ATTACH_BPF");
		return 1;
	}
	return write(pair[1], "hello", 5) != 5;
}
