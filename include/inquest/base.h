/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base: the small things everything else is made of.  Growing text, arenas, hash maps, checked
 * arithmetic, little- and big-endian loads, escaping, a cancel flag and parallel loops.
 */
#ifndef INQUEST_BASE_H
#define INQUEST_BASE_H

#include <inquest/error.h>
#include <inquest/room.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define IQ_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define IQ_MIN(a, b) ((a) < (b) ? (a) : (b))
#define IQ_MAX(a, b) ((a) > (b) ? (a) : (b))

/* ---- Loads from byte arrays: no alignment needed ---------------------------------------------- */

static inline uint16_t iq_le16(const void *p)
{
	const uint8_t *b = p;
	return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t iq_le32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t iq_le64(const void *p)
{
	return iq_le32(p) | (uint64_t)iq_le32((const uint8_t *)p + 4) << 32;
}
static inline uint64_t iq_be64(const void *p)
{
	return __builtin_bswap64(iq_le64(p));
}
/* The SIZE (1, 2, 4 or 8) little-endian bytes at P, zero extended. */
static inline uint64_t iq_le(const void *p, size_t size)
{
	const uint8_t *b = p;
	return size == 8 ? iq_le64(p) : size == 4 ? iq_le32(p) : size == 2 ? iq_le16(p) : b[0];
}

/* ---- Memory ----------------------------------------------------------------------------------- */

/*
 * realloc() for an array of *ROOM elements of SIZE bytes so that it holds at least WANT: grows
 * geometrically, checks the multiplication.  False (nothing changed) without memory.
 */
bool iq_grow(void *array_ptr, unsigned int *room, unsigned int want, size_t size) IQ_CHECK;

/* An arena: allocations that live and die together.  Zero-initialise it; not thread-safe. */
struct iq_arena {
	struct iq_arena_block *blocks;
	size_t total; /* bytes handed out */
};
/* SIZE zeroed bytes, aligned to 16; NULL without memory. */
void *iq_arena_alloc(struct iq_arena *a, size_t size) IQ_CHECK;
char *iq_arena_strdup(struct iq_arena *a, const char *s) IQ_CHECK;
char *iq_arena_strndup(struct iq_arena *a, const char *s, size_t n) IQ_CHECK;
void iq_arena_free(struct iq_arena *a);

/* ---- Text ------------------------------------------------------------------------------------- */

/*
 * A growing string.  Zero-initialise it.  When memory runs out it stays valid, loses what does not
 * fit and sets `failed`, so that a chain of appends is checked once, at its end.
 */
struct iq_buf {
	char *s;     /* NUL-terminated; NULL only while empty */
	size_t len, room;
	bool failed;
};
void iq_buf_add(struct iq_buf *b, const void *data, size_t len);
void iq_buf_puts(struct iq_buf *b, const char *s);
void iq_buf_putc(struct iq_buf *b, char c);
void iq_buf_printf(struct iq_buf *b, const char *fmt, ...) IQ_PRINTF(2, 3);
void iq_buf_vprintf(struct iq_buf *b, const char *fmt, va_list ap);
/* VALUE in hexadecimal without 0x, with leading zeros up to DIGITS (at most 16); as %0*lx, but at once. */
void iq_buf_hex(struct iq_buf *b, uint64_t value, unsigned int digits);
/* VALUE in decimal. */
void iq_buf_dec(struct iq_buf *b, uint64_t value);
/* Blanks until the current line is COLUMN characters wide (none if it is already). */
void iq_buf_pad(struct iq_buf *b, size_t column);
/* The text, never NULL; owned by B. */
const char *iq_buf_str(const struct iq_buf *b);
/* Hand the text over (free() it); B is empty afterwards.  NULL without memory. */
char *iq_buf_steal(struct iq_buf *b) IQ_CHECK;
void iq_buf_free(struct iq_buf *b);

/*
 * LEN bytes of text from a dump, made safe for a terminal, a file or JSON: printable ASCII and
 * valid UTF-8 letters stay, everything else (control characters but, if KEEP_NL, newline and tab;
 * invalid bytes; bidirectional and other invisible formatting characters) becomes \xNN or \u{NNNN}.
 * A NUL byte does not end the text.
 */
void iq_buf_add_escaped(struct iq_buf *b, const char *s, size_t len, bool keep_nl);

/*
 * Unsigned number in C's notation (0x…, 0…, decimal), the whole string.  False: not a number or too
 * large for 64 bits.
 */
bool iq_parse_u64(const char *s, uint64_t *ret) IQ_CHECK;
/* As crash reads addresses: hexadecimal with or without 0x. */
bool iq_parse_hex(const char *s, uint64_t *ret) IQ_CHECK;

/* Edit distance between two words, for "did you mean": MAX + 1 if it is more than MAX. */
unsigned int iq_distance(const char *a, const char *b, unsigned int max);

/*
 * "Did you mean": keeps the nearest few of all candidates offered for WORD.  Zero-initialise, set
 * `word`; candidates are copied.
 */
#define IQ_NEAREST 3
struct iq_nearest {
	const char *word;
	char *best[IQ_NEAREST]; /* owned; NULL: none */
	unsigned int score[IQ_NEAREST];
};
void iq_nearest_offer(struct iq_nearest *n, const char *candidate);
/* "did you mean a, b or c?" as the hint of ERR (unchanged without candidates); frees N's strings. */
struct iq_error *iq_nearest_hint(struct iq_nearest *n, struct iq_error *err);

/* ---- Maps ------------------------------------------------------------------------------------- */

/* Hash map from a 64-bit key to a pointer.  Zero-initialise it.  Not thread-safe. */
struct iq_map {
	struct iq_map_slot *slots;
	size_t nr, room;
};
void *iq_map_get(const struct iq_map *m, uint64_t key);
/* False without memory.  VALUE may not be NULL. */
bool iq_map_put(struct iq_map *m, uint64_t key, void *value) IQ_CHECK;
void iq_map_free(struct iq_map *m);

/* FNV-1a style hash of a string, for keys; stable within one run. */
uint64_t iq_hash_str(const char *s);
uint64_t iq_hash_mem(const void *p, size_t len);

/* ---- Stopping and parallel work --------------------------------------------------------------- */

/*
 * A flag that long work polls; set from a signal handler or another thread.  NULL means "cannot be
 * stopped" wherever one is passed.
 */
struct iq_cancel {
	volatile int stop;
};
static inline bool iq_cancelled(const struct iq_cancel *c)
{
	return c && c->stop;
}

/* Threads worth starting: CPUs this process may run on, INQUEST_THREADS overrides; at least 1. */
unsigned int iq_nr_threads(void);
/*
 * Call fn(arg, worker) once in each of N threads (0: iq_nr_threads()), worker = 0 … N-1, worker 0 in
 * the calling thread; return when all have returned.  If a thread cannot be started, fewer run, so
 * work must be claimed, not divided.
 */
void iq_parallel(unsigned int n, void (*fn)(void *arg, unsigned int worker), void *arg);

/* a + b and a * b that fail instead of wrapping. */
static inline bool iq_add_overflows(uint64_t a, uint64_t b, uint64_t *sum)
{
	return __builtin_add_overflow(a, b, sum);
}
static inline bool iq_mul_overflows(uint64_t a, uint64_t b, uint64_t *product)
{
	return __builtin_mul_overflow(a, b, product);
}

#endif
