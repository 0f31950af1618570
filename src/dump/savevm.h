/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the files savevm*.c and qcow.c: machines that QEMU saved. */
#ifndef IQ_DUMP_SAVEVM_H
#define IQ_DUMP_SAVEVM_H

#include "image.h"

/* Bytes one after the other, through a window.  Zero-initialise it and set file. */
struct iq_stream {
	struct iq_file *file;
	uint64_t pos;
	bool ended; /* more was asked for than the file has */
	uint64_t start;
	size_t len, want;
	uint8_t window[16384];
};
void iq_stream_seek(struct iq_stream *s, uint64_t pos);
/* The next LEN bytes, at most 16384; NULL: they are not there. */
const uint8_t *iq_stream_get(struct iq_stream *s, size_t len);

/* What is behind the memory in the stream: the devices' states and the text that describes them. */
struct iq_devices {
	uint8_t *bytes;
	size_t len;	  /* without the text */
	const char *json; /* in bytes; NULL: there is none */
	size_t json_len;
};
/* Read them from POS on; more than 64 MB are left. */
struct iq_error *iq_devices_read(const struct iq_file *f, uint64_t pos,
				 struct iq_devices *ret) IQ_CHECK;
void iq_devices_free(struct iq_devices *dev);
/* How much RAM is below and above 4 GB, as the clock chip's memory has it, in units of 64 KB; false: it does not. */
bool iq_devices_memory(const struct iq_devices *dev, uint64_t *below, uint64_t *above);
/* The registers of the CPUs, as notes of D. */
struct iq_error *iq_devices_cpus(const struct iq_devices *dev, struct iq_dump *d,
				 struct iq_warnings *w) IQ_CHECK;

/* libvirt's header in front of the stream (virQEMUSaveHeader): where the stream begins. */
bool iq_libvirt_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_libvirt_begin(struct iq_file *f, uint64_t *begin) IQ_CHECK;

/* qcow.c: a qcow2 image; make the machine's state of its last snapshot that has one D's file's content. */
bool iq_qcow_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_qcow_snapshot(struct iq_dump *d, struct iq_warnings *w) IQ_CHECK;

#endif
