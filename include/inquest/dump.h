/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dump: a file that holds the memory of a crashed machine, as bytes of physical memory; or several,
 * if makedumpfile --split wrote it.
 *
 * A struct iq_dump is what the file says about itself.  It does not change after iq_dump_open() and
 * may be used from any number of threads.  Bytes are read through a struct iq_reader, which owns
 * buffers and a page cache and belongs to one thread at a time; readers of one dump share no
 * changing state except idempotent caches, so they need no lock and scale.
 *
 * Opening costs a constant for ELF and kdump, and one pass over the record headers for a flattened
 * file; nothing is proportional to the memory of the machine.
 *
 * Physical memory is a sequence of pages of page_size bytes.  Every page of the machine is in one of
 * the states of enum iq_mem, and the difference between "was filtered out", "is zero" and "never
 * made it into the file" is kept everywhere.
 */
#ifndef INQUEST_DUMP_H
#define INQUEST_DUMP_H

#include <inquest/base.h>
#if IQ_ROOM < IQ_ROOM_DUMP
#error "dump.h belongs to a room to the right of this one"
#endif

/* What reading an address led to.  IQ_MEM_OK is 0: if (iq_read(…)) means failure. */
enum iq_mem {
	IQ_MEM_OK = 0,
	IQ_MEM_EXCLUDED, /* the page existed; makedumpfile was told to leave it out */
	IQ_MEM_ABSENT,	 /* not in the dump: no RAM at this address, or never written (incomplete) */
	IQ_MEM_TRUNCATED,/* the file ends before the page's bytes */
	IQ_MEM_DAMAGED,	 /* the page's bytes do not decompress, or its descriptor makes no sense */
	IQ_MEM_IO,	 /* the operating system could not read the file */
	IQ_MEM_UNMAPPED, /* virtual: the page tables have no page here (arch.h) */
	IQ_MEM_NO_TABLE, /* virtual: a page table needed for the walk is itself not readable */
};

/* Where and why a read stopped. */
struct iq_fault {
	enum iq_mem why;
	bool is_virtual;
	uint64_t address;  /* the first address that could not be read; virtual if is_virtual */
	uint64_t physical; /* physical address, if is_virtual and the page is mapped; else as address */
	unsigned int level;/* IQ_MEM_UNMAPPED/NO_TABLE: page-table level, 5 = PGD … 1 = PTE */
};

/* One clause for people: "excluded from the dump by filtering". Static text. */
const char *iq_mem_text(enum iq_mem m);
/* IQ_E_MEMORY: "cannot read 0x…: <clause>". */
struct iq_error *iq_fault_error(const struct iq_fault *f);

enum iq_dump_format {
	IQ_DUMP_ELF,
	IQ_DUMP_KDUMP,
	IQ_DUMP_LIME,	/* LiME and AVML */
	IQ_DUMP_SAVEVM,	/* a machine that QEMU saved, also by libvirt, also in a qcow2 snapshot */
	IQ_DUMP_VMWARE,	/* .vmss or .vmsn with its .vmem */
	IQ_DUMP_KDUMPFILE, /* whatever libkdumpfile makes of it */
	IQ_DUMP_RAW,	/* the bytes of memory and nothing else */
};

/* A note of the dump: ELF note or the notes of a kdump sub header. */
struct iq_note {
	const char *name; /* "CORE", "VMCOREINFO", "QEMU", …; escaped when shown */
	uint32_t type;
	const uint8_t *data;
	uint32_t size;
};

/*
 * What a driver saved of its device when the kernel had crashed (VMCOREDD: fs/proc/vmcore.c,
 * include/uapi/linux/vmcore.h).  It is no memory of the machine, may be large, and stays in the file:
 * iq_device_dump_read().
 */
struct iq_device_dump {
	const char *name; /* "cxgb4_0000:02:00.4"; raw bytes of the file */
	uint64_t offset; /* in the content of the file */
	uint64_t size;
	uint64_t there; /* of these bytes; less than size if the file ends too early */
};

struct iq_dump_info {
	const char *path;
	/* All files of a split dump, in the order of their page frames (path is the first); else path. */
	const char *const *files;
	unsigned int nr_files;
	uint64_t file_size;	/* the sum, if there are several; as they lie on the disk */
	uint64_t content_size;	/* the same, decompressed if the files were compressed as a whole */
	const char *wrapping;	/* how they were: "xz, 12 blocks"; NULL: not */
	enum iq_dump_format format;
	bool flattened;
	char format_text[96];	/* "kdump v6, zlib, flattened", "kdump v6, zlib, 3 split parts" */
	uint16_t machine;	/* EM_X86_64, EM_AARCH64, …; EM_NONE if the file does not say */
	uint32_t page_size;	/* 4096 unless the file says otherwise */
	uint64_t max_pfn;	/* one more than the highest page frame the file knows of */
	bool incomplete;	/* makedumpfile ran out of space and said so */
	bool truncated;		/* the file is shorter than its headers promise */
	int dump_level;		/* makedumpfile -d N; -1 unknown (ELF) */
	bool live;		/* /proc/kcore of the running kernel: memory changes while it is read */
	bool filtered;		/* some pages were excluded (known or likely) */
	unsigned int nr_cpus;	/* from the kdump header; 0 unknown */
	bool has_phys_base;	/* the kdump sub header's (wrong in QEMU 7.2's: prefer VMCOREINFO) */
	uint64_t phys_base;
	const char *release, *nodename, *version, *hw_machine; /* header's utsname; NULL: none. Raw bytes of the file */
	int64_t time;		/* seconds since 1970 in the header; 0 unknown */
	const struct iq_note *notes;
	unsigned int nr_notes;
	const struct iq_device_dump *devices; /* in the order of the file */
	unsigned int nr_devices;
	bool erased;		/* makedumpfile --config or --eppic has overwritten some data */
	const char *vmcoreinfo; /* text of the VMCOREINFO note, NUL-terminated; NULL: none */
	size_t vmcoreinfo_len;
};

struct iq_dump;
struct iq_reader;

/*
 * Open the dump in PATH; what kind it is follows from its content.  Problems that leave something
 * readable (a truncated file, an incomplete dump) are warnings in W.  The file stays open.
 * IQ_E_FORMAT: not a dump, or its headers make no sense.  References: makedumpfile's
 * IMPLEMENTATION and diskdump_mod.h; elf(5); the flattened format: makedumpfile(8) -F.
 */
struct iq_error *iq_dump_open(const char *path, struct iq_warnings *w, struct iq_dump **ret) IQ_CHECK;
/*
 * The same of NR files, which are in any order the parts of one dump that makedumpfile --split wrote
 * (NR 1: any dump).  If parts are missing, a warning says which page frames went with them; these are
 * IQ_MEM_ABSENT.  IQ_E_USAGE: the files do not belong together, or two have the same page frames.
 */
struct iq_error *iq_dump_open_files(const char *const *paths, unsigned int nr,
				    struct iq_warnings *w, struct iq_dump **ret) IQ_CHECK;
/*
 * How to open; all 0: as iq_dump_open_files() does.
 *
 * A file that was compressed as a whole (gzip, xz, zstd, bzip2: what it is follows from its content,
 * too) is read by its blocks where it has some that can be decompressed one without the other: several
 * blocks of xz, several frames of zstd, bgzip.  Else it is decompressed once, when it is opened, into a
 * file without a name in `scratch`, which goes when the dump is closed or the process ends; so do the
 * blocks that were read.  IQ_E_LIMIT: it does not fit there.
 */
struct iq_dump_options {
	/*
	 * "raw": the file has no format, it is the memory of a machine and nothing else.  Any other name of
	 * iq_dump_format_name(): the file is refused (IQ_E_FORMAT) if it is not that.  NULL: by its content.
	 */
	const char *format;
	const char *scratch; /* a directory; NULL: $TMPDIR, /var/tmp or /tmp */
	const struct iq_cancel *cancel; /* ends the decompressing: IQ_E_INTERRUPTED */
	/* Called now and then while a file is decompressed, with bytes of it done and all.  May be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t all);
	void *progress_arg;
};
struct iq_error *iq_dump_open_with(const char *const *paths, unsigned int nr,
				   const struct iq_dump_options *o, struct iq_warnings *w,
				   struct iq_dump **ret) IQ_CHECK;
/* Its name for people: "elf", "kdump", "lime", "savevm", "vmware", "raw"; NULL: there is no such format. */
const char *iq_dump_format_name(enum iq_dump_format format);
void iq_dump_close(struct iq_dump *d);
/* The libraries for whole files that were there at build time, with their versions: "bzip2 1.0.8, xz 5.4.1". */
void iq_dump_libraries(struct iq_buf *out);
const struct iq_dump_info *iq_dump_info(const struct iq_dump *d);

/* Does the file, or what is compressed in it, begin as a dump of any kind known here?  (FD's position does
 * not change.) */
bool iq_dump_recognise(int fd);

/* The first note with this owner name and type (name NULL: any), from index *FROM on, which is advanced
 * behind it; NULL: no more. */
const struct iq_note *iq_dump_note(const struct iq_dump *d, const char *name, uint32_t type,
				   unsigned int *from);

/*
 * Up to LEN bytes of a device dump at OFFSET in it: the number that is there, less than LEN where it or
 * the file ends; -1 with errno.
 */
int64_t iq_device_dump_read(const struct iq_dump *d, const struct iq_device_dump *device, void *buf,
			    size_t len, uint64_t offset);

/*
 * A reader with a cache of CACHE_PAGES decompressed pages (0: a sensible default, 2 MB).  Opening
 * one costs little; a thread that scans needs its own.
 */
struct iq_error *iq_reader_open(struct iq_dump *d, unsigned int cache_pages,
				struct iq_reader **ret) IQ_CHECK;
void iq_reader_close(struct iq_reader *r);
struct iq_dump *iq_reader_dump(const struct iq_reader *r);

/*
 * The bytes of page frame PFN: *PAGE points at page_size bytes that stay valid until the next call
 * on this reader.  A zero page comes back as IQ_MEM_OK with *PAGE == iq_zero_page(), so that callers
 * who care can tell by comparing the pointer.
 */
enum iq_mem iq_read_page(struct iq_reader *r, uint64_t pfn, const uint8_t **page) IQ_CHECK;
/*
 * The NR page frames PFNS, in any order, will be asked for soon: where they are compressed, other threads
 * decompress them meanwhile.  Two such batches are kept: at best one is asked for while its predecessor is
 * being used.  Of more than IQ_PREFETCH_MOST the rest is left.  Only a hint: what reads say is the same
 * without it.  The threads, one less than there are CPUs, stay until the reader is closed.
 */
#define IQ_PREFETCH_MOST 512u
void iq_reader_prefetch(struct iq_reader *r, const uint64_t *pfns, unsigned int nr);
/* A page of zeros, 64 KiB long. */
const uint8_t *iq_zero_page(void);
/* What iq_read_page() would say, without reading the page's bytes; DAMAGED cannot be seen so early. */
enum iq_mem iq_page_state(struct iq_reader *r, uint64_t pfn);
/*
 * Are the zeros of this page (or of a part of it) inferred?  A filtered ELF dump (makedumpfile -E)
 * does not tell zero pages from pages that were filtered out, and both read as zeros.  Of the
 * kernel's own structures only zero pages are left out; a page of a process, of the page cache or a
 * free one may have been anything.
 */
bool iq_page_is_guess(const struct iq_reader *r, uint64_t pfn);

/*
 * LEN bytes of physical memory at ADDRESS.  On failure *FAULT (may be NULL) says where it stopped;
 * the bytes before that are in BUF.
 */
enum iq_mem iq_read_phys(struct iq_reader *r, uint64_t address, void *buf, size_t len,
			 struct iq_fault *fault);

/*
 * Ranges of physical memory that the file describes (ELF program headers; for kdump one range from 0
 * to max_pfn).  Index from 0; false when there is no such range.
 */
bool iq_dump_range(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end);

/*
 * All of physical memory in parallel.  The machine's page frames are cut into units of up to
 * 2048 pages; each worker thread claims units in ascending order and calls `page` for each page of
 * it, in ascending order, then `unit_done`.  The callbacks of one unit run in one thread.  Pages
 * that are zero are not shown if skip_zero; pages that are not there are counted, not shown.  A page
 * is shown aligned to 8 bytes at least, and only until the callback returns; a zero page is
 * iq_zero_page().  Long stretches of which the file has nothing belong to no unit.
 */
struct iq_scan {
	uint64_t first_pfn, end_pfn; /* end_pfn 0: to the end */
	bool skip_zero;
	unsigned int threads;	     /* 0: iq_nr_threads() */
	const struct iq_cancel *cancel;
	void *arg;
	/* Called for each readable page.  May be NULL. */
	void (*page)(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page);
	/* Called after each unit (not the one that was interrupted): its number counts up from 0 without gaps.  May be NULL. */
	void (*unit_done)(void *arg, unsigned int worker, uint64_t unit, uint64_t end_pfn);

	/*
	 * Results: pages with something in them, zero pages (shown or not), and those that are not
	 * there, by reason.
	 */
	uint64_t read, zero, missing[IQ_MEM_NO_TABLE + 1];
};
/* IQ_E_INTERRUPTED if cancelled; the counts then say what was done. */
struct iq_error *iq_dump_scan(struct iq_dump *d, struct iq_scan *scan) IQ_CHECK;

/*
 * Fuzzing entries: open a dump that lies in memory instead of a file, or a split one that lies there
 * in several pieces.  DATA must outlive the dump.
 */
struct iq_memory_file {
	const void *data;
	size_t size;
};
struct iq_error *iq_dump_open_memory_files(const struct iq_memory_file *files, unsigned int nr,
					   struct iq_warnings *w, struct iq_dump **ret) IQ_CHECK;
struct iq_error *iq_dump_open_memory(const void *data, size_t size, struct iq_warnings *w,
				     struct iq_dump **ret) IQ_CHECK;

/* ---- VMCOREINFO: "KEY=value" lines (kernel/crash_core.c, kernel/vmcore_info.c) ------------------ */

/*
 * The value of KEY, e.g. "OSRELEASE", "SYMBOL(_stext)", in TEXT (LEN bytes); copied into BUF, at most
 * ROOM - 1 characters.  False: no such line.
 */
bool iq_vmcoreinfo_get(const char *text, size_t len, const char *key, char *buf, size_t room);
/*
 * The same as numbers.  _hex is for the unsigned ones, in the base in which the kernel prints them:
 * SIZE(), OFFSET() and LENGTH() decimal, everything else (SYMBOL(), KERNELOFFSET) hexadecimal.  _dec
 * is for PAGESIZE and NUMBER(): signed decimal, or hexadecimal where it begins with 0x.
 */
bool iq_vmcoreinfo_hex(const char *text, size_t len, const char *key, uint64_t *ret);
bool iq_vmcoreinfo_dec(const char *text, size_t len, const char *key, int64_t *ret);

#endif
