# SPDX-License-Identifier: GPL-2.0-or-later
# For people; the build itself is meson.build.
#
#   make          build build/inquest
#   make demo     set a fresh Debian 12 up, build, and analyse the dump bundled in demo/
#   make check    set up, build, run the tests: the last line is "N passed, N failed"
#                 (CHECK=all: everything instead of a sample; CHECK_SEED=N: that sample again;
#                 CHECK_ONLY=WORD: only the tests whose name contains WORD)
#   make bench    compare speed and memory with crash and drgn on the same dumps
#   make fuzz     run every fuzz target for FUZZ_TIME seconds each
#   make install  install to PREFIX

BUILD ?= build
PREFIX ?= /usr/local
CHECK ?= quick
FUZZ_TIME ?= 30
export CHECK CHECK_SEED CHECK_ONLY

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

# The build's dependencies are installed only where they are missing.
$(BUILD)/build.ninja:
	@scripts/install-deps build
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS)

demo: all
	@demo/run $(BUILD)/inquest

check: all
	@scripts/install-deps check
	@tests/run --build $(BUILD)

bench: all
	@scripts/install-deps bench
	@bench/run --build $(BUILD)

fuzz:
	@scripts/install-deps fuzz
	@tests/fuzz/run $(FUZZ_TIME)

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all demo check bench fuzz install clean
