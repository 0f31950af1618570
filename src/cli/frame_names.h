/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters and locals of the selected frame as names in expressions. */
#ifndef INQUEST_CLI_FRAME_NAMES_H
#define INQUEST_CLI_FRAME_NAMES_H

#include "cli.h"

/* Let SCOPE know them, if a frame was selected with frame, up or down. */
void frame_names(struct session *s, struct iq_scope *scope);

#endif
