/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who allocated and freed a slab object (inquest/slab_track.h), shown. */
#ifndef INQUEST_CLI_SLAB_TRACKS_H
#define INQUEST_CLI_SLAB_TRACKS_H

#include "cli.h"
#include <inquest/slab_track.h>

/* Lines, indented; nothing if the kernel wrote nothing down. */
void text_slab_tracks(struct session *s, const struct iq_object *o, struct iq_buf *out);
/* The damage of the slab that O is in, as far as it concerns O or the slab; a line each. */
void text_slab_damage(struct session *s, const struct iq_object *o, struct iq_buf *out);
/* "tracks" (null if there are none) and "damage" of O, as members of DEST. */
void json_slab_tracks(struct session *s, const struct iq_object *o, json_t *dest);

/* Where the cache is created: ", created by …" behind something, or nothing. */
void text_cache_origin(struct session *s, const struct iq_cache *c, const char *before, struct iq_buf *out);
/* {"function", "offset", "module", "file", "line", "gone"}; null: not known. */
json_t *json_cache_origin(struct session *s, const struct iq_cache *c);

#endif
