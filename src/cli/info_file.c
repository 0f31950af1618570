// SPDX-License-Identifier: GPL-2.0-or-later
/* inquest info FILE...: what files are, dumps or not. */
#include "info.h"
#include "internal.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD 4096u
#define LABEL 12

/* What a file that is no dump is, and what can be done with it. */
struct stranger {
	const char *what, *next;
};

static const struct {
	unsigned int at, len;
	const char *magic;
	struct stranger is;
} magics[] = {
	{0,
	 3,
	 "\x1f\x8b\x08",
	 {"compressed by gzip, and no dump in it", "gunzip it, and see what it is"}},
	{0,
	 6,
	 "\xfd"
	 "7zXZ\0",
	 {"compressed by xz, and no dump in it", "unxz it, and see what it is"}},
	{0,
	 4,
	 "\x28\xb5\x2f\xfd",
	 {"compressed by zstd, and no dump in it", "unzstd it, and see what it is"}},
	{0, 3, "BZh", {"compressed by bzip2, and no dump in it", "bunzip2 it, and see what it is"}},
	{0, 4, "\x04\x22\x4d\x18", {"compressed by lz4", "unlz4 it first"}},
	{0, 4, "PK\x03\x04", {"a zip archive", "unpack it: the dump may be in it"}},
	{257, 5, "ustar", {"a tar archive", "unpack it: the dump may be in it"}},
	{0, 8, "!<arch>\n", {"an archive or a Debian package", "unpack it: dpkg -x, or ar x"}},
	{0, 4, "\xed\xab\xee\xdb", {"an RPM package", "unpack it: rpm2cpio"}},
	{0x202,
	 4,
	 "HdrS",
	 {"a bootable kernel image", "the vmlinux that it was made of is of use"}},
	{0,
	 8,
	 "DISKDUMP",
	 {"a diskdump of the years before kdump", "crash of those years reads it"}},
	{0,
	 4,
	 "QFI\xfb",
	 {"a qcow2 disk image", "qemu-img snapshot -l lists saved machines in it"}},
};

static struct stranger elf_stranger(const uint8_t *head)
{
	bool wide = head[EI_CLASS] == ELFCLASS64, little = head[EI_DATA] == ELFDATA2LSB;

	if (!little)
		return (struct stranger){"an ELF file of a big-endian machine",
					 "inquest reads little-endian ones"};
	switch (iq_le16(head + 16)) {
	case ET_CORE:
		return wide ? (struct stranger){"an ELF core, but damaged", "nothing more is known"}
			    : (struct stranger){"a 32-bit ELF core",
						"inquest reads dumps of 64-bit machines"};
	case ET_REL:
		return (struct stranger){"an ELF object file", "it is no module of a kernel"};
	default:
		return (struct stranger){"an ELF program or library", "it is no vmlinux"};
	}
}

static bool is_text(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!head[i] || (head[i] < 0x20 && !strchr("\t\n\r\f\033", head[i])))
			return false;
	}
	return len > 0;
}

/* A console log, if it has the kernel's time stamps or words. */
static struct stranger text_stranger(const uint8_t *head, size_t len)
{
	char text[HEAD + 1];

	memcpy(text, head, len);
	text[len] = '\0';
	if (strstr(text, "Linux version ") || strstr(text, "] Call Trace:") ||
	    strstr(text, "[    0.0"))
		return (struct stranger){"a text, and it seems a kernel's log",
					 "inquest analyze --log FILE says what happened"};
	return (struct stranger){"a text", "inquest analyze --log FILE, if it is a console's"};
}

static struct stranger known_stranger(const uint8_t *head, size_t len)
{
	if (!len)
		return (struct stranger){"empty", "the dump was not written: was there room?"};
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(magics); i++) {
		if (len >= magics[i].at + magics[i].len &&
		    !memcmp(head + magics[i].at, magics[i].magic, magics[i].len))
			return magics[i].is;
	}
	if (len > 20 && !memcmp(head, ELFMAG, SELFMAG))
		return elf_stranger(head);
	if (is_text(head, len))
		return text_stranger(head, len);
	for (size_t i = 0; i < len; i++) {
		if (head[i])
			return (struct stranger){
				"of no kind known here",
				"if it is the bare memory of a machine: --format raw"};
	}
	return (struct stranger){"zeros at its beginning",
				 "if it is the bare memory of a machine: --format raw"};
}

struct file_facts {
	const char *path;
	uint64_t size;
	struct stranger is;
	char build_id[65];
};

static void look_at_debugfile(struct file_facts *x)
{
	struct iq_debugfile *f;
	struct iq_error *err = iq_debugfile_open(x->path, &f);

	if (!err) {
		snprintf(x->build_id, sizeof(x->build_id), "%s", iq_debugfile_build_id(f));
		x->is.next = iq_debugfile_has_dwarf(f)
				     ? "give it together with the dump: it adds source lines"
				     : "it has no debug information: it adds symbols only";
		iq_debugfile_close(f);
	}
	iq_error_free(err);
}

static struct iq_error *look_at_file(struct file_facts *x)
{
	int fd = open(x->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t head[HEAD] = {0};
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return iq_error_errno(errno, "cannot open %s", x->path);
	if (fstat(fd, &st)) {
		int e = errno;

		close(fd);
		return iq_error_errno(e, "cannot look at %s", x->path);
	}
	n = S_ISDIR(st.st_mode) ? 0 : pread(fd, head, sizeof(head), 0);
	close(fd);
	x->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (S_ISDIR(st.st_mode)) {
		x->is = (struct stranger){"a directory", "--debug-dir names one with debug files"};
		return NULL;
	}
	switch (iq_file_recognise(x->path)) {
	case IQ_FILE_VMLINUX:
		x->is = (struct stranger){"a vmlinux: a kernel with its names",
					  "give it together with the dump"};
		look_at_debugfile(x);
		break;
	case IQ_FILE_MODULE:
		x->is = (struct stranger){"a module of a kernel", "give it together with the dump"};
		look_at_debugfile(x);
		break;
	case IQ_FILE_DAMAGED:
		x->is = (struct stranger){"a debug file, but cut off or damaged", "fetch it again"};
		break;
	case IQ_FILE_OTHER:
		x->is = known_stranger(head, n > 0 ? (size_t)n : 0);
		break;
	}
	return NULL;
}

static void text_file(const struct file_facts *x, struct iq_buf *out)
{
	iq_buf_printf(out, "%*s: ", LABEL, "FILE");
	iq_buf_add_escaped(out, x->path, strlen(x->path), false);
	iq_buf_printf(out, "  (%" PRIu64 " bytes)\n%*s: %s\n", x->size, LABEL, "NO DUMP",
		      x->is.what);
	if (x->build_id[0])
		iq_buf_printf(out, "%*s: %s\n", LABEL, "BUILD ID", x->build_id);
	iq_buf_printf(out, "%*s: %s\n", LABEL, "NEXT", x->is.next);
}

static json_t *json_file(const struct file_facts *x)
{
	json_t *o = json_object(), *files = json_array();

	json_array_append_new(files, json_text(x->path, strlen(x->path)));
	json_object_set_new(o, "files", files);
	json_object_set_new(o, "kind", json_string("other"));
	json_object_set_new(o, "what", json_string(x->is.what));
	json_object_set_new(o, "next", json_string(x->is.next));
	json_object_set_new(o, "size", json_integer((json_int_t)x->size));
	json_object_set_new(o, "build_id", x->build_id[0] ? json_string(x->build_id) : json_null());
	return o;
}

/* A file that is no dump.  False: it cannot even be looked at. */
static bool show_file(struct session *s, const char *path)
{
	struct file_facts x = {.path = path};
	struct iq_error *err = look_at_file(&x);
	struct iq_buf out = {0};

	if (s->json)
		json_command(s, "info", err ? NULL : json_file(&x), !err, err, &out);
	else if (err)
		show_error("info", err);
	else
		text_file(&x, &out);
	write_stdout(s, &out);
	iq_buf_free(&out);
	if (!err)
		return true;
	iq_error_free(err);
	return false;
}

/* Those of one dump.  NULL: shown; else why it could not be opened. */
static struct iq_error *show_dump(struct session *s, const struct session_options *o)
{
	char *argv[] = {(char[]){"info"}, (char[]){"dump"}, NULL};
	struct session one = {
		.json = s->json,
		.json_pretty = s->json_pretty,
		.colour = s->colour,
		.silent = true,
	};
	struct iq_error *err = session_open(&one, o);
	struct iq_buf out = {0};

	/* A vmlinux that is not this dump's is another's, or is told of by itself. */
	if (err && err->code == IQ_E_NOT_FOUND && o->nr_vmlinux && one.dump) {
		struct session_options without = *o;

		without.nr_vmlinux = 0;
		session_close(&one);
		one = (struct session){.json = s->json,
				       .json_pretty = s->json_pretty,
				       .colour = s->colour,
				       .silent = true};
		iq_warn(&one.warnings, "%s", err->message);
		iq_error_free(err);
		err = session_open(&one, &without);
	}
	if (!err) {
		struct iq_error *failed = run_command(&one, 2, argv, "info", &out);

		if (failed && !s->json)
			show_error("info", failed);
		s->commands_failed += failed != NULL;
		iq_error_free(failed);
		write_stdout(s, &out);
		if (!s->json)
			show_warnings(&one);
	}
	iq_buf_free(&out);
	session_close(&one);
	return err;
}

static bool refused(struct session *s, struct iq_error *err)
{
	struct iq_buf out = {0};

	if (s->json) {
		json_command(s, "info", NULL, false, err, &out);
		write_stdout(s, &out);
		iq_buf_free(&out);
	} else {
		show_error("info", err);
	}
	iq_error_free(err);
	return false;
}

/* The NR dumps of O: one, or several that have nothing to do with each other. */
static bool show_dumps(struct session *s, const struct session_options *o)
{
	struct iq_error *err = show_dump(s, o);
	bool good = true;

	if (!err)
		return true;
	if (o->nr_dumps < 2 || err->code != IQ_E_USAGE)
		return refused(s, err);
	iq_error_free(err);
	for (unsigned int i = 0; i < o->nr_dumps; i++) {
		struct session_options each = *o;

		if (i && !s->json)
			write_stdout(s, &(struct iq_buf){.s = (char[]){"\n"}, .len = 1});
		each.dumps = &o->dumps[i];
		each.nr_dumps = 1;
		err = show_dump(s, &each);
		if (err)
			good = refused(s, err);
	}
	return good;
}

bool info_files(struct session *s, char *const *files, unsigned int nr,
		const struct session_options *o)
{
	const char **dumps = calloc(nr + 1, sizeof(*dumps)),
		   **vmlinux = calloc(nr + 1, sizeof(*vmlinux)),
		   **modules = calloc(nr + 1, sizeof(*modules));
	struct session_options found = *o;
	bool good = dumps && vmlinux && modules;

	found.dumps = dumps;
	found.vmlinux = vmlinux;
	found.modules = modules;
	for (unsigned int i = 0; good && i < nr; i++) {
		enum iq_file_kind kind;
		int fd = open(files[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		bool dump = fd >= 0 && iq_dump_recognise(fd);

		if (fd >= 0)
			close(fd);
		kind = dump ? IQ_FILE_OTHER : iq_file_recognise(files[i]);
		/* What has no format cannot be recognised. */
		dump |= kind == IQ_FILE_OTHER && fd >= 0 && o->format && !strcmp(o->format, "raw");
		if (dump)
			dumps[found.nr_dumps++] = files[i];
		else if (kind == IQ_FILE_VMLINUX && found.nr_vmlinux < 2)
			vmlinux[found.nr_vmlinux++] = files[i];
		else if (kind == IQ_FILE_MODULE)
			modules[found.nr_modules++] = files[i];
	}
	if (dumps && vmlinux && modules && found.nr_dumps)
		good = show_dumps(s, &found);
	/* Debug files that go with a dump are named in what is said of it. */
	for (unsigned int i = 0; dumps && vmlinux && modules && i < nr; i++) {
		bool said = false;

		for (unsigned int k = 0; k < found.nr_dumps; k++)
			said |= dumps[k] == files[i];
		for (unsigned int k = 0; found.nr_dumps && k < found.nr_vmlinux; k++)
			said |= vmlinux[k] == files[i];
		for (unsigned int k = 0; found.nr_dumps && k < found.nr_modules; k++)
			said |= modules[k] == files[i];
		if (!said && !show_file(s, files[i]))
			good = false;
	}
	free(dumps);
	free(vmlinux);
	free(modules);
	return good;
}
