// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of debug information and its dwz file, of any content: four bytes of length, the file, and
 * all that follows is the dwz file.  Lines and inlined functions are looked up through both.
 */
#include <inquest/debugfile.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static char *find(void *arg, const char *build_id, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", *(int *)arg);
	return strdup(path);
}

static void look_up(struct iq_debugfile *f, uint64_t base, unsigned int step)
{
	for (unsigned int i = 0; i < 200; i++) {
		struct iq_inline chain[8];
		const char *file = "";
		unsigned int line = 0, nr;

		if (iq_line_of(f, base + i * step, &file, &line) && (!*file || !line))
			__builtin_trap();
		nr = iq_inlines_of(f, base + i * step, chain, IQ_ARRAY_SIZE(chain));
		for (unsigned int j = 0; j < nr; j++) {
			if (strlen(chain[j].function) > 1 << 20 || strlen(chain[j].file) > 1 << 20)
				__builtin_trap();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_finder finder = {find, NULL};
	struct iq_debugfile *f;
	struct iq_error *err;
	char path[64];
	size_t first;
	int fd, alt;

	if (size < 4)
		return 0;
	first = IQ_MIN(iq_le32(data), size - 4);
	fd = file_of(data + 4, first);
	alt = file_of(data + 4 + first, size - 4 - first);
	finder.arg = &alt;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = iq_debugfile_open(path, &f);
	if (!err) {
		iq_debugfile_set_finder(f, &finder);
		/* Where the seeds have their code. */
		look_up(f, 0x401020, 3);
		look_up(f, 0x1040, 3);
		iq_debugfile_close(f);
	}
	iq_error_free(err);
	close(fd);
	close(alt);
	return 0;
}
