/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines with which reports begin, of kernels since 2.6.32 and of several architectures.  They are the kernel's
 * messages as anybody can read them on a console.
 */
#include "console.h"

#include <ctype.h>

struct known {
	const char *words; /* at the start of the message */
	const char *also;  /* further on in the line; NULL: nothing */
	enum head_weight weight;
	enum iq_class class;
};

/* The first that fits counts: the special before the general. */
static const struct known heads[] = {
	/* sysrq */
	{ "sysrq: Trigger a crash", NULL, HEAD_FATAL, IQ_CLASS_SYSRQ },
	{ "SysRq : Trigger a crash", NULL, HEAD_FATAL, IQ_CLASS_SYSRQ },
	{ "sysrq: SysRq : Trigger a crash", NULL, HEAD_FATAL, IQ_CLASS_SYSRQ },
	{ "SysRq : Crash", NULL, HEAD_FATAL, IQ_CLASS_SYSRQ },
	/* stacks */
	{ "BUG: stack guard page was hit", NULL, HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "BUG: ", "stack guard page was hit", HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "stack guard page: ", "[#", HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "kernel stack overflow", NULL, HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "Insufficient stack space to handle exception", NULL, HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "BUG: stack overflow", NULL, HEAD_FATAL, IQ_CLASS_STACK_OVERFLOW },
	{ "PANIC: double fault", NULL, HEAD_FATAL, IQ_CLASS_DOUBLE_FAULT },
	{ "double fault: ", "[#", HEAD_FATAL, IQ_CLASS_DOUBLE_FAULT },
	{ "Oops: double fault", NULL, HEAD_FATAL, IQ_CLASS_DOUBLE_FAULT },
	/* checkers of memory */
	{ "BUG: KASAN: double-free or invalid-free", NULL, HEAD_DAMAGE, IQ_CLASS_DOUBLE_FREE },
	{ "BUG: KASAN: double-free", NULL, HEAD_DAMAGE, IQ_CLASS_DOUBLE_FREE },
	{ "BUG: KASAN: invalid-free", NULL, HEAD_DAMAGE, IQ_CLASS_INVALID_FREE },
	{ "BUG: KASAN: ", "use-after-free", HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "BUG: KASAN: use-after-scope", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: KASAN: slab-out-of-bounds", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG: KASAN: vmalloc-out-of-bounds", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG: KASAN: out-of-bounds", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG: KASAN: null-ptr-deref", NULL, HEAD_DAMAGE, IQ_CLASS_NULL_DEREF },
	{ "BUG: KASAN: wild-memory-access", NULL, HEAD_DAMAGE, IQ_CLASS_BAD_ACCESS },
	{ "BUG: KASAN: user-memory-access", NULL, HEAD_DAMAGE, IQ_CLASS_USER_ACCESS },
	{ "BUG: KASAN: ", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: KFENCE: use-after-free", NULL, HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "BUG: KFENCE: out-of-bounds", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG: KFENCE: memory corruption", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG: KFENCE: invalid free", NULL, HEAD_DAMAGE, IQ_CLASS_INVALID_FREE },
	{ "BUG: KFENCE: ", NULL, HEAD_DAMAGE, IQ_CLASS_BAD_ACCESS },
	{ "BUG: KMSAN: ", "use-after-free", HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "BUG: KMSAN: ", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: KCSAN: ", NULL, HEAD_WARN, IQ_CLASS_WARN },
	{ "BUG: memory leak", NULL, HEAD_WARN, IQ_CLASS_LEAK },
	{ "kmemleak: ", "new suspected memory leaks", HEAD_WARN, IQ_CLASS_LEAK },
	{ "UBSAN: division-overflow", NULL, HEAD_WARN, IQ_CLASS_DIVIDE_ERROR },
	{ "UBSAN: ", NULL, HEAD_WARN, IQ_CLASS_WARN },
	/* the allocators' own */
	{ "BUG ", "edzone overwritten", HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG ", "adding overwritten", HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "BUG ", "Poison overwritten", HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "[Right Redzone overwritten]", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "[Left Redzone overwritten]", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "[Redzone overwritten]", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "[Object padding overwritten]", NULL, HEAD_DAMAGE, IQ_CLASS_HEAP_OVERFLOW },
	{ "[Poison overwritten]", NULL, HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "BUG ", "Object already free", HEAD_DAMAGE, IQ_CLASS_DOUBLE_FREE },
	{ "BUG ", "Invalid object pointer", HEAD_DAMAGE, IQ_CLASS_INVALID_FREE },
	{ "BUG ", "Freepointer corrupt", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Freechain corrupt", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Freelist Pointer check fails", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Wrong object count", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Wrong number of objects", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Not a valid slab page", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Object corrupt", HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG ", "Objects remaining", HEAD_WARN, IQ_CLASS_LEAK },
	{ "slab error in ", "double free", HEAD_DAMAGE, IQ_CLASS_DOUBLE_FREE },
	{ "slab error in ", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "Slab corruption", NULL, HEAD_DAMAGE, IQ_CLASS_USE_AFTER_FREE },
	{ "BUG: Bad page state", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: Bad page map", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: Bad rss-counter", NULL, HEAD_WARN, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: spinlock bad magic", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	{ "BUG: spinlock wrong", NULL, HEAD_DAMAGE, IQ_CLASS_MEMORY_CORRUPTION },
	/* checks */
	{ "list_add corruption", NULL, HEAD_DAMAGE, IQ_CLASS_LIST_CORRUPTION },
	{ "list_del corruption", NULL, HEAD_DAMAGE, IQ_CLASS_LIST_CORRUPTION },
	{ "list_add double add", NULL, HEAD_DAMAGE, IQ_CLASS_LIST_CORRUPTION },
	{ "refcount_t: ", NULL, HEAD_DAMAGE, IQ_CLASS_REFCOUNT },
	{ "rcuref - imbalanced put", NULL, HEAD_DAMAGE, IQ_CLASS_REFCOUNT },
	{ "Kernel memory exposure attempt", NULL, HEAD_DAMAGE, IQ_CLASS_USERCOPY },
	{ "Kernel memory overwrite attempt", NULL, HEAD_DAMAGE, IQ_CLASS_USERCOPY },
	{ "kernel memory exposure attempt", NULL, HEAD_DAMAGE, IQ_CLASS_USERCOPY },
	{ "kernel memory overwrite attempt", NULL, HEAD_DAMAGE, IQ_CLASS_USERCOPY },
	{ "Bad or missing usercopy whitelist", NULL, HEAD_DAMAGE, IQ_CLASS_USERCOPY },
	{ "detected buffer overflow in ", NULL, HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "fortify: ", NULL, HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "strnlen: detected buffer", NULL, HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "strlen: detected buffer", NULL, HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "mem", "detected field-spanning write", HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "mem", "detected buffer overflow", HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	{ "str", "detected buffer overflow", HEAD_DAMAGE, IQ_CLASS_FORTIFY },
	/* locks, sleeping, waiting */
	{ "BUG: scheduling while atomic", NULL, HEAD_STATE, IQ_CLASS_ATOMIC_SLEEP },
	{ "scheduling while atomic", NULL, HEAD_STATE, IQ_CLASS_ATOMIC_SLEEP },
	{ "BUG: sleeping function called from invalid context", NULL, HEAD_STATE, IQ_CLASS_ATOMIC_SLEEP },
	{ "BUG: Invalid wait context", NULL, HEAD_STATE, IQ_CLASS_ATOMIC_SLEEP },
	{ "[ BUG: Invalid wait context", NULL, HEAD_STATE, IQ_CLASS_ATOMIC_SLEEP },
	{ "BUG: spinlock recursion", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "BUG: spinlock lockup", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "BUG: rwlock recursion", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: possible circular locking dependency", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: possible recursive locking", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: possible irq lock inversion", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: inconsistent lock state", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: HARDIRQ-safe", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: SOFTIRQ-safe", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: ", "-unsafe lock order detected", HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "[ INFO: possible circular locking", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "[ INFO: possible recursive locking", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "[ INFO: inconsistent lock state", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "INFO: possible circular locking", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "INFO: possible recursive locking", NULL, HEAD_STATE, IQ_CLASS_DEADLOCK },
	{ "WARNING: bad unlock balance", NULL, HEAD_STATE, IQ_CLASS_WARN },
	{ "WARNING: suspicious RCU usage", NULL, HEAD_WARN, IQ_CLASS_WARN },
	{ "BUG: soft lockup", NULL, HEAD_STATE, IQ_CLASS_SOFT_LOCKUP },
	{ "BUG: workqueue lockup", NULL, HEAD_STATE, IQ_CLASS_SOFT_LOCKUP },
	{ "Watchdog detected hard LOCKUP", NULL, HEAD_STATE, IQ_CLASS_HARD_LOCKUP },
	{ "CPU", "Watchdog detected hard LOCKUP", HEAD_STATE, IQ_CLASS_HARD_LOCKUP },
	{ "Watchdog CPU:", "Hard LOCKUP", HEAD_STATE, IQ_CLASS_HARD_LOCKUP },
	{ "CPU ", "detected hard LOCKUP", HEAD_STATE, IQ_CLASS_HARD_LOCKUP },
	{ "BUG: NMI Watchdog detected LOCKUP", NULL, HEAD_STATE, IQ_CLASS_HARD_LOCKUP },
	{ "INFO: ", "self-detected stall", HEAD_STATE, IQ_CLASS_RCU_STALL },
	{ "INFO: ", "detected stall", HEAD_STATE, IQ_CLASS_RCU_STALL },
	{ "INFO: ", "detected expedited stalls", HEAD_STATE, IQ_CLASS_RCU_STALL },
	{ "rcu_", "kthread starved for", HEAD_STATE, IQ_CLASS_RCU_STALL },
	{ "INFO: task ", "blocked for more than", HEAD_STATE, IQ_CLASS_HUNG_TASK },
	{ "INFO: task ", "blocked in I/O wait for more", HEAD_STATE, IQ_CLASS_HUNG_TASK },
	{ "INFO: task ", "can't die for more than", HEAD_STATE, IQ_CLASS_HUNG_TASK },
	/* out of memory */
	{ "Out of memory: Kill", NULL, HEAD_STATE, IQ_CLASS_OOM },
	{ "Out of memory and no killable", NULL, HEAD_STATE, IQ_CLASS_OOM },
	{ "Memory cgroup out of memory", NULL, HEAD_STATE, IQ_CLASS_OOM },
	{ "", " invoked oom-killer: ", HEAD_STATE, IQ_CLASS_OOM },
	/* hardware */
	{ "[Hardware Error]: CPU ", "Machine Check Exception", HEAD_STATE, IQ_CLASS_MACHINE_CHECK },
	{ "CPU ", "Machine Check Exception", HEAD_STATE, IQ_CLASS_MACHINE_CHECK },
	{ "HARDWARE ERROR", NULL, HEAD_STATE, IQ_CLASS_MACHINE_CHECK },
	{ "[Hardware Error]: event severity: fatal", NULL, HEAD_STATE, IQ_CLASS_MACHINE_CHECK },
	{ "{1}[Hardware Error]: event severity: fatal", NULL, HEAD_STATE, IQ_CLASS_MACHINE_CHECK },
	{ "SError Interrupt on CPU", NULL, HEAD_FATAL, IQ_CLASS_MACHINE_CHECK },
	{ "Bad mode in Error handler", NULL, HEAD_FATAL, IQ_CLASS_MACHINE_CHECK },
	{ "Unhandled fault: synchronous external abort", NULL, HEAD_FATAL, IQ_CLASS_MACHINE_CHECK },
	{ "Internal error: synchronous external abort", NULL, HEAD_FATAL, IQ_CLASS_MACHINE_CHECK },
	{ "Uhhuh. NMI received", NULL, HEAD_STATE, IQ_CLASS_NMI },
	{ "NMI: PCI system error", NULL, HEAD_STATE, IQ_CLASS_NMI },
	{ "NMI: IOCK error", NULL, HEAD_STATE, IQ_CLASS_NMI },
	{ "NMI: memory parity error", NULL, HEAD_STATE, IQ_CLASS_NMI },
	{ "PCI system error (SERR)", NULL, HEAD_STATE, IQ_CLASS_NMI },
	/* faults */
	{ "BUG: kernel NULL pointer dereference", NULL, HEAD_FATAL, IQ_CLASS_NULL_DEREF },
	{ "BUG: unable to handle kernel NULL pointer", NULL, HEAD_FATAL, IQ_CLASS_NULL_DEREF },
	{ "BUG: Kernel NULL pointer dereference", NULL, HEAD_FATAL, IQ_CLASS_NULL_DEREF },
	{ "BUG: unable to handle page fault", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "BUG: unable to handle kernel paging request", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "BUG: Unable to handle kernel instruction fetch", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "BUG: Unable to handle kernel", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Unable to handle kernel NULL pointer", NULL, HEAD_FATAL, IQ_CLASS_NULL_DEREF },
	{ "Unable to handle kernel write to read-only", NULL, HEAD_FATAL, IQ_CLASS_WRITE_PROTECTED },
	{ "Unable to handle kernel execute from non-executable", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "Unable to handle kernel execution of user memory", NULL, HEAD_FATAL, IQ_CLASS_USER_ACCESS },
	{ "Unable to handle kernel access to user memory", NULL, HEAD_FATAL, IQ_CLASS_USER_ACCESS },
	{ "Unable to handle kernel paging request", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Unable to handle kernel pointer dereference", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Unable to handle kernel ", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "CPU ", "Unable to handle kernel paging request", HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "kernel tried to execute NX-protected page", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "unable to execute userspace code (SMEP?)", NULL, HEAD_FATAL, IQ_CLASS_USER_ACCESS },
	{ "traps: Missing ENDBR", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "Missing ENDBR", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "CFI failure at ", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "general protection fault", "non-canonical", HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "Oops: general protection fault", "non-canonical", HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "general protection fault", "[#", HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "Oops: general protection fault", NULL, HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "stack segment: ", "[#", HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "Oops: stack segment", NULL, HEAD_FATAL, IQ_CLASS_NON_CANONICAL },
	{ "divide error: ", "[#", HEAD_FATAL, IQ_CLASS_DIVIDE_ERROR },
	{ "Oops: divide error", NULL, HEAD_FATAL, IQ_CLASS_DIVIDE_ERROR },
	{ "Internal error: Oops - BUG", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "kernel BUG at ", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Kernel BUG at ", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "kernel BUG: ", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Kernel bug detected[#", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "invalid opcode: ", "[#", HEAD_FATAL, IQ_CLASS_BUG },
	{ "Oops: invalid opcode", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Internal error: Oops - undefined instruction", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Internal error: Oops - BTI", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "Internal error: Oops - CFI", NULL, HEAD_FATAL, IQ_CLASS_BAD_EXEC },
	{ "Internal error: UBSAN", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Internal error: ", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "int3: ", "[#", HEAD_FATAL, IQ_CLASS_BUG },
	{ "alignment check: ", "[#", HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Oops [#", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Oops: Machine check", NULL, HEAD_FATAL, IQ_CLASS_MACHINE_CHECK },
	{ "Oops: Kernel access of bad area", NULL, HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "Oops: Exception in kernel mode", NULL, HEAD_FATAL, IQ_CLASS_BUG },
	{ "Oops: ", "[#", HEAD_FATAL, IQ_CLASS_BAD_ACCESS },
	{ "WARNING: CPU: ", " at ", HEAD_WARN, IQ_CLASS_WARN },
	{ "WARNING: at ", NULL, HEAD_WARN, IQ_CLASS_WARN },
	{ "WARNING: ", " at ", HEAD_WARN, IQ_CLASS_WARN },
};

/* Subsystems that put their name in front of the message. */
static const char *const prefixes[] = {
	"watchdog: ", "NMI watchdog: ", "rcu: ", "mce: ", "traps: ", "slub: ", "SLUB: ", "kernel: ",
	"sched: ", "usercopy: ", "kfence: ", "Oops: Oops: ",
};

static const char *behind_prefix(const char *s)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(prefixes); i++) {
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return s + strlen(prefixes[i]);
	}
	return s;
}

static const struct known *find(const char *s)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(heads); i++) {
		size_t n = strlen(heads[i].words);

		if (!strncmp(s, heads[i].words, n) && (!heads[i].also || strstr(s + n, heads[i].also)))
			return &heads[i];
	}
	return NULL;
}

/* Another CPU's half line may stand in front. */
static const char *inside(const char *s)
{
	static const char *const marks[] = {
		"Kernel panic - not syncing", "BUG: unable to handle", "BUG: kernel NULL pointer",
		"general protection fault: 0", "BUG: soft lockup", "BUG: KASAN: ", "kernel BUG at ",
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(marks); i++) {
		const char *at = strstr(s, marks[i]);

		/* quoted text is somebody's talk about crashes */
		if (at && at > s && !strpbrk(s, "\"'`") && at - s < 160)
			return at;
	}
	return s;
}

/* "WARNING: … at …" has a file with a line, and a function; many programs write WARNING. */
static bool is_warning(const char *s)
{
	const char *c = strstr(s, ".c:"), *h = strstr(s, ".h:"), *r = strstr(s, ".rs:");
	const char *at = c ? c + 3 : h ? h + 3 : r ? r + 4 : NULL;

	return at && isdigit((unsigned char)*at);
}

bool iq_console_head(const char *s, struct head *ret)
{
	const struct known *k;

	*ret = (struct head){ .weight = HEAD_NONE };
	if (strncmp(s, "Kernel panic", 12))
		s = behind_prefix(s);
	s = inside(s);
	if (!strncmp(s, "Kernel panic - not syncing", 26) || !strncmp(s, "Kernel panic: ", 14) ||
	    !strncmp(s, "---[ end Kernel panic - not syncing", 35)) {
		const char *words = strstr(s, "ing: ");

		if (s[0] == '-')
			return false;
		words = words ? words + 5 : s + 12 + strspn(s + 12, " :");
		*ret = (struct head){ .weight = HEAD_FATAL, .class = iq_console_panic(words), .panic = true,
				      .at = s };
		return true;
	}
	/* user programs: "traps: prog[12] general protection fault ip:… sp:… error:0" */
	if (strstr(s, " ip:") && strstr(s, " sp:") && strstr(s, " error:"))
		return false;
	k = find(s);
	if (!k || (k->class == IQ_CLASS_WARN && !strncmp(s, "WARNING: ", 9) && k->also && !is_warning(s)))
		return false;
	if (k->class == IQ_CLASS_WARN && !strncmp(s, "WARNING: at ", 12) && !is_warning(s))
		return false;
	*ret = (struct head){ .weight = k->weight, .class = k->class, .at = s };
	return true;
}

enum iq_class iq_console_panic(const char *words)
{
	static const struct {
		const char *words;
		enum iq_class class;
	} known[] = {
		{ "sysrq triggered crash", IQ_CLASS_SYSRQ },
		{ "stack-protector", IQ_CLASS_STACK_PROTECTOR },
		{ "corrupted stack end", IQ_CLASS_STACK_OVERFLOW },
		{ "kernel stack overflow", IQ_CLASS_STACK_OVERFLOW },
		{ "softlockup", IQ_CLASS_SOFT_LOCKUP },
		{ "soft lockup", IQ_CLASS_SOFT_LOCKUP },
		{ "Hard LOCKUP", IQ_CLASS_HARD_LOCKUP },
		{ "hard LOCKUP", IQ_CLASS_HARD_LOCKUP },
		{ "Watchdog detected hard", IQ_CLASS_HARD_LOCKUP },
		{ "Watchdog Timeout", IQ_CLASS_HARD_LOCKUP },
		{ "RCU Stall", IQ_CLASS_RCU_STALL },
		{ "hung_task", IQ_CLASS_HUNG_TASK },
		{ "panic_on_warn", IQ_CLASS_WARN },
		{ "Out of memory", IQ_CLASS_OOM },
		{ "out of memory", IQ_CLASS_OOM },
		{ "System is deadlocked on memory", IQ_CLASS_OOM },
		{ "scheduling while atomic", IQ_CLASS_ATOMIC_SLEEP },
		{ "achine check", IQ_CLASS_MACHINE_CHECK },
		{ "Machine Check", IQ_CLASS_MACHINE_CHECK },
		{ "ardware error", IQ_CLASS_MACHINE_CHECK },
		{ "Asynchronous SError", IQ_CLASS_MACHINE_CHECK },
		{ "NMI", IQ_CLASS_NMI },
		{ "detected buffer overflow", IQ_CLASS_FORTIFY },
		{ "buffer overflow detected", IQ_CLASS_FORTIFY },
		{ "KASAN", IQ_CLASS_MEMORY_CORRUPTION },
		{ "kasan", IQ_CLASS_MEMORY_CORRUPTION },
		{ "double fault", IQ_CLASS_DOUBLE_FAULT },
		{ "Machine halted", IQ_CLASS_DOUBLE_FAULT },
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (strstr(words, known[i].words))
			return known[i].class;
	}
	return IQ_CLASS_PANIC_CALL;
}
