/*
 * saveproc DEVICE: write what /proc and /sys say, twice, as one tar archive
 * straight to a block device, in directories 1/ and 2/.  What is the same in
 * both did not change on the way into the crash either (nearly), so a test may
 * compare it with the dump.
 *
 * It is one process that allocates nothing between the passes, writes past the
 * page cache and stays alive afterwards, so as to disturb little; its own
 * pid is left out.  Files of /proc have no size, hence the copy in memory.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, LARGEST = 24 << 20 };

static char out[CHUNK] __attribute__((aligned(4096)));
static size_t out_len;
static char *data;
static int dev, pass;
static char self[16];

static void put(const void *p, size_t n)
{
	while (n) {
		size_t k = CHUNK - out_len < n ? CHUNK - out_len : n;

		memcpy(out + out_len, p, k);
		out_len += k;
		p = (const char *)p + k;
		n -= k;
		if (out_len == CHUNK) {
			if (write(dev, out, CHUNK) != CHUNK) {
				perror("saveproc");
				exit(1);
			}
			out_len = 0;
		}
	}
}

static void put_zeros(size_t n)
{
	static const char zeros[512];

	for (; n > 512; n -= 512)
		put(zeros, 512);
	put(zeros, n);
}

/* One archive member with the first len bytes of data. */
static void member(const char *path, size_t len)
{
	char h[512] = "";
	unsigned sum = 0;

	if (snprintf(h, 100, "%d%s", pass, path) >= 100)
		return;
	strcpy(h + 100, "0000644");
	strcpy(h + 108, "0000000");
	strcpy(h + 116, "0000000");
	sprintf(h + 124, "%011zo", len);
	strcpy(h + 136, "00000000000");
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	sprintf(h + 148, "%06o", sum);
	put(h, 512);
	put(data, len);
	put_zeros(-len & 511);
}

static void save(const char *fmt, ...)
{
	char path[512];
	va_list ap;
	size_t len = 0;
	ssize_t n;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	while (len < LARGEST && (n = read(fd, data + len, LARGEST - len)) > 0)
		len += n;
	close(fd);
	/* An attribute that cannot be read is not an empty one. */
	if (len || n == 0)
		member(path, len);
}

/* The links in a directory (or those named), as lines "NAME TARGET". */
static void save_links(const char *as, const char *dir, const char *const *names)
{
	char path[512], to[512];
	struct dirent *e;
	size_t len = 0;
	DIR *d = names ? NULL : opendir(dir);
	ssize_t n;

	while (names ? *names != NULL : d && (e = readdir(d))) {
		const char *name = names ? *names++ : e->d_name;

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		n = readlink(path, to, sizeof(to));
		if (n > 0)
			len += sprintf(data + len, "%s %.*s\n", name, (int)n, to);
	}
	if (d)
		closedir(d);
	if (len)
		member(as, len);
}

/* For each entry of dir: the files named, or all regular ones if none are. */
static void save_each(const char *dir, int numbers_only, const char *const *files)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' && dir[1] == 'p')
			continue;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, self) ||
		    (numbers_only && !isdigit(e->d_name[0])))
			continue;
		if (!files)
			save("%s/%s", dir, e->d_name);
		for (const char *const *f = files; f && *f; f++)
			save("%s/%s/%s", dir, e->d_name, *f);
	}
	if (d)
		closedir(d);
}

static const char *const global[] = {
	"buddyinfo", "cgroups", "cmdline", "consoles", "cpuinfo", "crypto", "devices",
	"diskstats", "dma", "execdomains", "filesystems", "interrupts", "iomem",
	"ioports", "key-users", "keys", "loadavg", "locks", "meminfo", "misc",
	"modules", "pagetypeinfo", "partitions", "schedstat", "slabinfo", "softirqs",
	"stat", "swaps", "timer_list", "uptime", "version", "vmallocinfo", "vmstat",
	"zoneinfo", "sys/fs/dentry-state", "sys/fs/file-nr", "sys/fs/inode-nr",
	"sys/kernel/hostname", "sys/kernel/random/boot_id", "sys/kernel/tainted",
	"sys/kernel/pid_max", "sys/kernel/threads-max", NULL
};
static const char *const of_task[] = {
	"comm", "stack", "stat", "status", "wchan", "sched", NULL
};
static const char *const of_process[] = {
	"auxv", "cgroup", "cmdline", "comm", "environ", "io", "limits", "maps",
	"mountinfo", "mounts", "oom_score_adj", "smaps_rollup", "stack", "stat",
	"statm", "status", "wchan", NULL
};
static const char *const of_slab[] = {
	"align", "aliases", "cache_dma", "cpu_partial", "ctor", "destroy_by_rcu",
	"hwcache_align", "min_partial", "object_size", "objects", "objs_per_slab",
	"order", "partial", "poison", "reclaim_account", "red_zone", "sanity_checks",
	"slab_size", "slabs", "store_user", "total_objects", "usersize", NULL
};
static const char *const of_module[] = {
	"coresize", "initsize", "initstate", "refcnt", "srcversion", "taint", NULL
};
static const char *const of_irq[] = {
	"actions", "chip_name", "hwirq", "name", "per_cpu_count", "type", NULL
};
static const char *const of_netdev[] = {
	"address", "flags", "ifindex", "mtu", "operstate", "type", NULL
};
static const char *const of_disk[] = { "dev", "size", "stat", "ro", NULL };

static void save_processes(void)
{
	static const char *const links[] = { "exe", "cwd", "root", NULL };
	char dir[300], as[400];
	struct dirent *e;
	DIR *d = opendir("/proc");

	save_each("/proc", 1, of_process);
	while (d && (e = readdir(d))) {
		if (!isdigit(e->d_name[0]) || !strcmp(e->d_name, self))
			continue;
		snprintf(dir, sizeof(dir), "/proc/%s/fd", e->d_name);
		save_links(dir, dir, NULL);
		snprintf(dir, sizeof(dir), "/proc/%s/ns", e->d_name);
		save_links(dir, dir, NULL);
		snprintf(dir, sizeof(dir), "/proc/%s/fdinfo", e->d_name);
		save_each(dir, 1, NULL);
		snprintf(dir, sizeof(dir), "/proc/%s/task", e->d_name);
		save_each(dir, 1, of_task);
		snprintf(dir, sizeof(dir), "/proc/%s", e->d_name);
		snprintf(as, sizeof(as), "%s/links", dir);
		save_links(as, dir, links);
	}
	if (d)
		closedir(d);
}

static void save_modules(void)
{
	char dir[300];
	struct dirent *e;
	DIR *d = opendir("/sys/module");

	save_each("/sys/module", 0, of_module);
	while (d && (e = readdir(d))) {
		snprintf(dir, sizeof(dir), "/sys/module/%s/sections", e->d_name);
		if (e->d_name[0] != '.')
			save_each(dir, 0, NULL);
	}
	if (d)
		closedir(d);
}

static void save_all(void)
{
	for (const char *const *f = global; *f; f++)
		save("/proc/%s", *f);
	save("/proc/mounts");
	save_each("/proc/net", 0, NULL);
	save_each("/proc/sysvipc", 0, NULL);
	save_processes();
	save_each("/sys/kernel/slab", 0, of_slab);
	save_modules();
	save_each("/sys/kernel/irq", 1, of_irq);
	save_each("/sys/class/net", 0, of_netdev);
	save_each("/sys/block", 0, of_disk);
	save("/sys/kernel/vmcoreinfo");
	save("/sys/kernel/notes");
	save("/sys/devices/system/node/node0/meminfo");
}

int main(int argc, char **argv)
{
	int done[2];
	char c;

	if (argc < 2 || pipe(done))
		return 2;
	/* The child works and stays; we say when the crash may come. */
	if (fork()) {
		close(done[1]);
		return read(done[0], &c, 1) != 1;
	}
	close(done[0]);
	dev = open(argv[1], O_WRONLY | O_DIRECT);
	data = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (dev < 0 || data == MAP_FAILED) {
		perror("saveproc");
		return 1;
	}
	snprintf(self, sizeof(self), "%d", getpid());
	pass = 1;
	save("/proc/kallsyms");		/* these do not change, and are large */
	save_each("/sys/kernel/btf", 0, NULL);
	save_all();
	usleep(300000);
	pass = 2;
	save_all();
	put_zeros(1024);
	put_zeros(CHUNK - out_len);
	if (write(done[1], "", 1) != 1)
		return 1;
	close(done[1]);
	for (;;)
		pause();
}
