/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF file of debug information (elf(5)): 64 bits, little-endian.  The file is mapped, not
 * read: a vmlinux is hundreds of megabytes, of which a look-up needs a few pages.  Only the
 * section headers and their names are gone through when it is opened; all they say is checked
 * against the file's size.
 */
#ifndef INQUEST_DEBUG_ELFFILE_H
#define INQUEST_DEBUG_ELFFILE_H

#include <elf.h>
#include <inquest/base.h>

struct iq_elffile {
	int fd;
	char *path;
	uint8_t *map;
	size_t size;
	uint16_t type, machine; /* ET_EXEC …, EM_X86_64 … */
	const Elf64_Shdr *sections; /* aligned copy; contents inside of the file, or of size 0 */
	unsigned int nr_sections;
	const char *names; /* of sections; ends in a NUL */
	size_t names_len;
};

/* One that is compressed as a whole is unpacked into memory.  IQ_E_FORMAT: not such a file. */
struct iq_error *iq_elffile_open(struct iq_elffile *e, const char *path) IQ_CHECK;
/* The same with a file descriptor, which then belongs to E; PATH is for messages. */
struct iq_error *iq_elffile_open_fd(struct iq_elffile *e, int fd, const char *path) IQ_CHECK;
void iq_elffile_close(struct iq_elffile *e);
/* "" for an index out of range. */
const char *iq_elffile_name(const struct iq_elffile *e, unsigned int section);
/* The first section called NAME; 0 (the null section): none. */
unsigned int iq_elffile_section(const struct iq_elffile *e, const char *name);
/*
 * The section of debug information NAME (".debug_info"), also under the name that a compressed one
 * had before ELF knew compression (".zdebug_info"); 0: none.
 */
unsigned int iq_elffile_debug_section(const struct iq_elffile *e, const char *name);
/* Contents in the file; *SIZE 0 without (NOBITS), and for compressed ones. */
const uint8_t *iq_elffile_bytes(const struct iq_elffile *e, unsigned int section, size_t *size);
/* The contents of a compressed section, malloc()ed; *RET NULL if it is not compressed. */
struct iq_error *iq_elffile_decompress(const struct iq_elffile *e, unsigned int section,
				       uint8_t **ret, size_t *size) IQ_CHECK;
/* GNU build-id as hexadecimal text; false (and "") if there is none. */
#define IQ_BUILD_ID_TEXT 129
bool iq_elffile_build_id(const struct iq_elffile *e, char text[IQ_BUILD_ID_TEXT]);

#endif
