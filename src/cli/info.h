/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The topics of info; cmd_info.c has the table of them. */
#ifndef INQUEST_CLI_INFO_H
#define INQUEST_CLI_INFO_H

#include "frame.h"

/*
 * Each fills R with what there is to say of the selected frame X; ARGV are the words behind the topic.
 * X is the caller's; a result that outlives it takes x->b over and leaves zeros in its place.
 */
struct iq_error *info_frame(struct session *s, struct selected *x, int argc, char **argv,
			    struct result *r) IQ_CHECK;
struct iq_error *info_registers(struct session *s, struct selected *x, int argc, char **argv,
				struct result *r) IQ_CHECK;
struct iq_error *info_args(struct session *s, struct selected *x, int argc, char **argv,
			   struct result *r) IQ_CHECK;
struct iq_error *info_locals(struct session *s, struct selected *x, int argc, char **argv,
			     struct result *r) IQ_CHECK;

/* info_dump.c: what the dump is, which needs no frame and no kernel. */
struct session_options;
struct iq_error *info_dump(struct session *s, struct result *r) IQ_CHECK;

/*
 * info_file.c: say what each of the NR FILES is, each dump in a session of its own with O's settings.
 * False: one could not be opened, which was said.
 */
bool info_files(struct session *s, char *const *files, unsigned int nr, const struct session_options *o);

#endif
