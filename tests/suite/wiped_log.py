# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of a kdump from which all that the kernel said when it died is wiped: the log's ring buffer, and every other
copy of it wherever it lies (panic()'s own buffer, the console's, pages of processes)."""
import re

from suite.patched_kdump import PAGE, PatchedKdump

GRAM = 12
PRINTABLE = re.compile(rb'[\x20-\x7e]{24,}')


def last_words(core):
    """Lines of the serial log from the crash on, as the kernel wrote them."""
    lines = core.serial().splitlines()
    report = core.truth.get('report') or core.truth.get('panic') or ''
    start = next((i for i, l in enumerate(lines) if report and report[:40] in l), max(0, len(lines) - 80))
    texts = [re.sub(r'^\[ *\d+\.\d+\](\[[ TC\d]+\])? ?', '', l).strip() for l in lines[max(0, start - 5):start + 200]]
    return [t.encode() for t in texts if len(t) >= 2 * GRAM]


def grams_of(texts):
    """Pieces with a blank in them: a name alone is a symbol's as well."""
    return {t[i:i + GRAM] for t in texts for i in range(len(t) - GRAM + 1) if b' ' in t[i:i + GRAM]}


def wipe(core, folder, buffer, length):
    """BUFFER and LENGTH: physical address of log_buf, and log_buf_len.  The copy, and how many places were wiped."""
    copy, wiped = PatchedKdump(core, folder), 0
    grams = grams_of(last_words(core))
    for pfn in range(buffer // PAGE, (buffer + length - 1) // PAGE + 1):
        start, end = max(buffer, pfn * PAGE), min(buffer + length, (pfn + 1) * PAGE)
        copy.write(start, bytes(end - start))
        wiped += 1
    for pfn in copy.index:
        page = copy.read(pfn * PAGE, PAGE)
        for run in PRINTABLE.finditer(page):
            text = run.group()
            if any(text[i:i + GRAM] in grams for i in range(0, len(text) - GRAM + 1, GRAM)):
                copy.write(pfn * PAGE + run.start(), bytes(len(text)))
                wiped += 1
    return copy, wiped
