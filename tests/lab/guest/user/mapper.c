/*
 * mapper [MODULE]: a process with memory of every kind, which says where it is:
 *
 *   LAB: KIND=0xADDRESS KIND_size=BYTES KIND_pfn=0xPFN         present
 *   LAB: KIND=0xADDRESS KIND_size=BYTES KIND_swap=TYPE:OFFSET  swapped out
 *
 * of its first page (-1: neither), by /proc/self/pagemap.  Then it makes
 * /tmp/mapper.done and stays.  With MODULE it tells /proc/MODULE the address of a
 * page, and has the kernel move that one (soft offline).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum { PAGE = 4096, HUGE = 2 << 20, REGION = 4 << 20 };

static uint64_t entry_of(const void *p)
{
	uint64_t e = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0 || pread(fd, &e, 8, (uintptr_t)p / PAGE * 8) != 8)
		perror("pagemap");
	close(fd);
	return e;
}

static void say_as(const char *kind, const char *suffix, const void *p, size_t size)
{
	uint64_t e = entry_of(p);

	printf("LAB: %s%s=0x%lx %s%s_size=%zu ", kind, suffix, (long)p, kind, suffix, size);
	if (e >> 63)
		printf("%s%s_pfn=0x%lx\n", kind, suffix, (long)(e & ((1ULL << 55) - 1)));
	else if (e >> 62 & 1)
		printf("%s%s_swap=%d:0x%lx\n", kind, suffix, (int)(e & 31),
		       (long)(e >> 5 & ((1ULL << 50) - 1)));
	else
		printf("%s%s_pfn=-1\n", kind, suffix);
}

static void say(const char *kind, const void *p, size_t size)
{
	say_as(kind, "", p, size);
}

/* Each page knows its kind and number, so that a dump can be asked. */
static void fill(char *p, size_t size, const char *kind)
{
	for (size_t i = 0; i < size; i += PAGE)
		snprintf(p + i, PAGE, "LAB-PAGE %s %zu", kind, i / PAGE);
}

static char *region(size_t size, int flags)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* 2 MB that begin at 2 MB. */
static char *aligned(size_t size)
{
	char *p = region(size + HUGE, 0);

	return p ? (char *)(((uintptr_t)p + HUGE - 1) & -(uintptr_t)HUGE) : NULL;
}

static void anonymous(void)
{
	char *p = region(REGION, 0);
	volatile char c;

	fill(p, REGION, "anon");
	say("anon", p, REGION);

	p = region(REGION, 0);
	for (int i = 0; i < REGION; i += PAGE)
		c = p[i];			/* only read: the zero page */
	say("zeropage", p, REGION);

	p = region(REGION, 0);
	say("untouched", p, REGION);

	p = region(REGION, 0);
	fill(p, REGION, "noaccess");
	mprotect(p, REGION, PROT_NONE);
	say("noaccess", p, REGION);
	(void)c;
}

static void swapped(void)
{
	char *p = region(REGION, 0);
	volatile char c;
	int fd;

	fill(p, REGION, "swapped");
	madvise(p, REGION, MADV_PAGEOUT);
	say("swapped", p, REGION);
	say_as("swapped", "_last", p + REGION - PAGE, PAGE);

	/* Read again: in memory, and in the swap cache. */
	p = region(REGION, 0);
	fill(p, REGION, "swapcache");
	madvise(p, REGION, MADV_PAGEOUT);
	for (int i = 0; i < REGION; i += PAGE)
		c = p[i];
	say("swapcache", p, REGION);

	/* Shared memory on swap: what the page table has says nothing. */
	fd = memfd_create("lab-shared", 0);
	if (fd >= 0 && !ftruncate(fd, REGION)) {
		p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		fill(p, REGION, "shmem");
		madvise(p, REGION / 2, MADV_PAGEOUT);
		say("shmemswapped", p, REGION / 2);
		say("shmem", p + REGION / 2, REGION / 2);
	}
	(void)c;
}

static void huge(void)
{
	char *p = aligned(2 * HUGE);

	madvise(p, 2 * HUGE, MADV_HUGEPAGE);
	fill(p, 2 * HUGE, "thp");
	say("thp", p, 2 * HUGE);

	/* Its page table is split, the huge page behind it is not. */
	p = aligned(HUGE);
	madvise(p, HUGE, MADV_HUGEPAGE);
	fill(p, HUGE, "thpsplit");
	mprotect(p + HUGE / 2, HUGE / 4, PROT_READ);
	say("thpsplit", p, HUGE);
	say_as("thpsplit", "_middle", p + HUGE / 2, HUGE / 4);

	p = region(2 * HUGE, MAP_HUGETLB | 21 << MAP_HUGE_SHIFT);
	if (p) {
		fill(p, 2 * HUGE, "hugetlb");
		say("hugetlb", p, 2 * HUGE);
	}
	p = region(1 << 30, MAP_HUGETLB | 30 << MAP_HUGE_SHIFT);
	if (p) {
		fill(p, 64 * PAGE, "giga");
		say("giga", p, 1 << 30);
	}
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* One page is to be taken out of use, for which it is moved. */
static void move(const char *module)
{
	char path[64], at[32], *p = region(REGION, 0);

	fill(p, REGION, "movable");
	say("movable", p, REGION);
	p += 10 * PAGE;
	snprintf(path, sizeof(path), "/proc/%s", module);
	snprintf(at, sizeof(at), "0x%lx", (long)p);
	put(path, at);
	madvise(p, PAGE, MADV_SOFT_OFFLINE);
	puts("LAB-FAIL: nothing was moved");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("LAB: mapper_pid=%d\n", getpid());
	anonymous();
	swapped();
	huge();
	if (argc > 1)
		move(argv[1]);
	close(open("/tmp/mapper.done", O_CREAT | O_WRONLY, 0600));
	for (;;)
		pause();
}
