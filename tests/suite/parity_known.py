# SPDX-License-Identifier: GPL-2.0-or-later
"""Where crash 9 and inquest print something else on purpose, and why."""
import re

# Of the lines that have no known reason to differ.
TARGET = 0.98

# (pattern of the command, does it explain THEIRS and OURS (lists of lines), why)
KNOWN = []


def reason(command, theirs, ours):
    for pattern, explains, why in KNOWN:
        if re.fullmatch(pattern, command) and explains(theirs, ours):
            return why
    return None
