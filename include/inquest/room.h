/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rooms of the house, from left to right (docs/architecture.md).  Each room is compiled with
 * IQ_ROOM set to its own number, and a public header refuses to be included from a room to the
 * left of the one it belongs to: a wrong #include does not compile.  Programs outside the project
 * leave IQ_ROOM undefined and may include everything.
 */
#ifndef INQUEST_ROOM_H
#define INQUEST_ROOM_H

#define IQ_ROOM_BASE 1
#define IQ_ROOM_DUMP 2
#define IQ_ROOM_ARCH 3
#define IQ_ROOM_DEBUG 4
#define IQ_ROOM_KERNEL 5
#define IQ_ROOM_STACK 6
#define IQ_ROOM_INSPECT 7
#define IQ_ROOM_DIAGNOSE 8
#define IQ_ROOM_CLI 9

#ifndef IQ_ROOM
#define IQ_ROOM IQ_ROOM_CLI
#endif

/* The result must be looked at. */
#define IQ_CHECK __attribute__((warn_unused_result))
#define IQ_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
