// SPDX-License-Identifier: GPL-2.0-or-later
/* One of everything C can declare, for btf_against_others.py, which has pahole turn it into BTF. */
#include <stddef.h>

struct list_head {
	struct list_head *next, *prev;
};

enum plain { PLAIN_ZERO, PLAIN_ONE = 0x7fffffff };
enum negative { NEGATIVE = -5, POSITIVE = 5 };
enum unsigned_one { TOP_BIT = 0x80000000u, ALL_BITS = 0xffffffffu };
enum wide { WIDE = 0x123456789abcULL, WIDE_LOW = 1 };

union number {
	char c;
	unsigned char uc;
	short s;
	unsigned long long ull;
	float f;
	double d;
	_Bool b;
	__int128 i128;
};

struct incomplete;
typedef int (*compare_t)(const void *, const void *);
typedef struct {
	volatile int counter;
} atomic_t;

struct everything {
	unsigned int one : 1, three : 3;
	int : 4;
	signed int eight : 8;
	unsigned long long wide : 40;
	enum plain small : 5;
	union {
		struct {
			int deep;
			struct {
				int deeper;
			};
		};
		long words[2];
	};
	struct incomplete *unknown;
	const struct list_head *const fixed;
	volatile const char *vc;
	char *restrict r;
	compare_t compare;
	int (*(*fp)(int))[3];
	void (*log)(const char *, ...);
	struct list_head *(*table[4])(union number, enum wide);
	atomic_t refs;
	union number number;
	enum negative negative;
	enum unsigned_one unsigned_one;
	enum wide wide_enum;
	struct list_head heads[0];
	char flexible[];
} everything;

int function(struct everything *e, compare_t c, ...)
{
	return c(e, e);
}
