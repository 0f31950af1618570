/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BPF programs and maps that are loaded (include/linux/bpf.h, filter.h; kernel/bpf/syscall.c:
 * prog_idr and map_idr).
 */
#ifndef INQUEST_BPF_H
#define INQUEST_BPF_H

#include <inquest/kernel.h>

struct iq_bpf_program {
	uint32_t id;
	uint64_t address, aux;	/* struct bpf_prog, bpf_prog_aux */
	char type[32];		/* BPF_PROG_TYPE_* without that; a number if the kernel's types have no name */
	char name[17];		/* "" none */
	uint8_t tag[8];
	uint64_t instructions;	/* struct bpf_insn[] */
	uint32_t nr_instructions;
	uint64_t code;		/* what runs */
	uint32_t code_size;	/* of machine code; 0: it is interpreted */
	uint32_t pages;
	bool gpl_compatible, has_uid;
	uint32_t uid;
	int64_t load_time;	/* seconds since 1970; 0 unknown */
	unsigned int first_map, nr_maps; /* those used, in iq_bpf.used */
};
struct iq_bpf_map {
	uint32_t id;
	uint64_t address;	/* struct bpf_map */
	char type[32];
	char name[17];
	uint32_t flags, key_size, value_size, max_entries;
	bool has_memory;	/* the kernel counts them with the map */
	uint32_t pages, uid;
};
struct iq_bpf_used {
	uint32_t id;
	uint64_t map;
};
struct iq_bpf {
	struct iq_bpf_program *program;
	struct iq_bpf_map *map;
	struct iq_bpf_used *used;
	unsigned int nr_programs, room_programs, nr_maps, room_maps, nr_used, room_used;
};
/* All there are, by id.  IQ_E_UNAVAILABLE: no types, or a kernel without BPF. */
struct iq_error *iq_bpf(struct iq_kernel *k, struct iq_bpf *ret) IQ_CHECK;
void iq_bpf_free(struct iq_bpf *b);

#endif
