// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct timekeeper (include/linux/timekeeper_internal.h) without types: xtime_sec, ktime_sec and
 * wall_to_monotonic follow one another, and the second is the first plus the seconds of the third, with
 * a carry from the nanoseconds (kernel/time/timekeeping.c: tk_update_ktime_data()).
 */
#include "probe.h"

#define SPAN 512

void probe_time(struct iq_kernel *k)
{
	uint64_t at = kernel_timekeeper_symbol(k);
	uint8_t bytes[SPAN];

	if (!at || !probe_read(k, at, bytes, SPAN))
		return;
	for (uint64_t o = 0; o + 32 <= SPAN; o += 8) {
		uint64_t xtime = iq_le64(bytes + o), ktime = iq_le64(bytes + o + 8);
		uint64_t to_mono = iq_le64(bytes + o + 16), ns = iq_le64(bytes + o + 24);

		/* Uptime is time less the time of boot; a clock that was never set has none. */
		if (xtime >> 34 || !ktime || ktime >= xtime || !(to_mono >> 63) ||
		    ns >= 1000000000 || ktime - (xtime + to_mono) > 1)
			continue;
		/* Behind it may be another: shadow_timekeeper and tk_core are neighbours. */
		probe_proved(k, "timekeeper", "xtime_sec", o, 8);
		probe_proved(k, "timekeeper", "ktime_sec", o + 8, 8);
		return;
	}
}
