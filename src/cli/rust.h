/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of Rust functions as they stand in symbol tables. */
#ifndef INQUEST_CLI_RUST_H
#define INQUEST_CLI_RUST_H

#include "cli.h"

/*
 * The path that NAME (LEN bytes), a symbol of Rust's v0 scheme ("_RNvC6kernel3foo"), stands for: "kernel::foo", without
 * the hashes of crates.  False, and OUT as it was: it is none, or one with parts that are not known here.
 */
bool rust_demangle(const char *name, size_t len, struct iq_buf *out);
/* LEN bytes of text with such names replaced. */
void rust_demangle_text(const char *text, size_t len, struct iq_buf *out);

#endif
