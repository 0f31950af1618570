# shellcheck shell=bash
# shellcheck disable=SC2034 # what define_core sets is used by those who source us
# Sourced by lab, make-core and build-guest: where things are, and what a core
# is made of.
#
# Everything the lab makes lies outside the source tree, below $INQUEST_LAB:
#   work/    kernels, build products, logs of failed runs
#   cores/   NAME.vmcore and what belongs to it, modules/VERSION/

lab_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_top=${INQUEST_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/inquest/lab}
LAB_WORK=$lab_top/work LAB_CORES=$lab_top/cores
export LAB_WORK

# Raise it when make-core changes in a way that makes all older cores useless.
lab_generation=1

guest_tools='qemu-system-x86 kexec-tools makedumpfile e2fsprogs python3'

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2; }

# need_tools PACKAGE...: install those that are missing.
need_tools() {
	local p need=()
	for p; do
		dpkg -s "$p" >/dev/null 2>&1 || need+=("$p")
	done
	[ ${#need[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "run me as root: ${need[*]} must be installed"
	apt_install "${need[@]}"
}

# A machine that has never asked the archive, or not for long, must do it first.
apt_install() {
	local again
	mkdir -p "$lab_top"
	for again in 0 1; do
		if DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends "$@" >"$lab_top/apt.log" 2>&1; then
			return
		fi
		[ $again = 1 ] || apt-get update -q >/dev/null
	done
	cat "$lab_top/apt.log" >&2
	die "cannot install $*"
}

# guest_hash: everything that goes into any guest, in one word.
guest_hash() {
	(cd "$lab_src" && find guest build-guest -type f | LC_ALL=C sort |
		xargs sha256sum | sha256sum | cut -c1-16)
}

# scene_hash SCENE: what the guest of one scenario is made of, in one word: what
# all have, its script, and the modules and programs that these name.  Another
# scenario's module is in its initramfs too, but nobody loads it there.
declare -A guest_sums=() scene_hashes=()
scene_hash() {
	local sum f word text parts=''
	if [ -n "${scene_hashes[$1]-}" ]; then
		echo "${scene_hashes[$1]}"
		return
	fi
	if [ ${#guest_sums[@]} -eq 0 ]; then
		while read -r sum f; do
			guest_sums[$f]=$sum
		done < <(cd "$lab_src" && sha256sum build-guest guest/init guest/*/*)
	fi
	local -A seen=()
	local files=(build-guest guest/init "guest/scenes/$1" guest/modules/{Makefile,lab.h,truth.h})
	while [ ${#files[@]} -gt 0 ]; do
		f=${files[0]}
		files=("${files[@]:1}")
		[ -z "${seen[$f]-}" ] || continue
		seen[$f]=1
		parts+="$f ${guest_sums[$f]-none} "
		case $f in
		guest/init | guest/scenes/*) text=$(<"$lab_src/$f") ;;
		guest/modules/*.c) text=$(grep -s '^#include ".*\.c"' "$lab_src/$f") || continue ;;
		*) continue ;;
		esac
		for word in ${text//[!A-Za-z0-9_]/ }; do
			[ -z "${guest_sums[guest/modules/$word.c]-}" ] || files+=("guest/modules/$word.c")
			[ -z "${guest_sums[guest/user/$word.c]-}" ] || files+=("guest/user/$word.c")
		done
	done
	sha256sum <<<"$parts" | cut -c1-16
}

# kernel_version FLAVOUR[-SUITE]: empty if it is not there yet.
kernel_version() { cat "$LAB_WORK/kernel-$1/version" 2>/dev/null || true; }

# expected_verdict NAME: its line in ./verdicts, if any: $class and $finding, empty for "-".
declare -A verdicts=()
expected_verdict() {
	local n rest
	if [ ${#verdicts[@]} -eq 0 ]; then
		while read -r n rest; do
			[[ -z $n || $n = "#"* ]] || verdicts[$n]=$rest
		done <"$lab_src/verdicts"
	fi
	[ -n "${verdicts[$1]-}" ] || return 1
	read -r class finding <<<"${verdicts[$1]}"
	class=${class#-} finding=${finding#-}
}

# define_core OPTION... SCENARIO: what a run of make-core with these arguments
# is made of, in the variables below.  make-core explains the options.
define_core() {
	local opt mem_opt='' kernel_opt='' append_opt='' OPTIND=1 OPTARG
	name='' format=zlib mdargs='-c -d 31' suffix='' suite='' vmci=1
	cpu=max,la57=off proc=0 quiet=0 out=$LAB_CORES
	while getopts o:N:f:d:s:K:k:a:m:n5pq opt; do
		case $opt in
		o) out=$OPTARG ;;
		N) name=$OPTARG ;;
		f) format=$OPTARG ;;
		d) mdargs=$OPTARG ;;
		s) suffix=$OPTARG ;;
		K) kernel_opt=$OPTARG ;;
		k) suite=$OPTARG ;;
		a) append_opt="$append_opt $OPTARG" ;;
		m) mem_opt=$OPTARG ;;
		n) vmci=0 ;;
		5) cpu=max ;;
		p) proc=1 ;;
		q) quiet=1 ;;
		*) return 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -eq 1 ] || return 2
	scenario=$1
	# A scenario may overwrite these.
	kernel=cloud mem=320M crashmem=192M guest=$scenario append='' qemu=()
	wait='end Kernel panic' limit=90 kind=oops cause='' class='' finding=''
	# shellcheck source=scenarios
	. "$lab_src/scenarios"
	# shellcheck source=scenarios-faults
	. "$lab_src/scenarios-faults"
	declare -F "scenario_${scenario//-/_}" >/dev/null || die "no scenario $scenario"
	"scenario_${scenario//-/_}"
	kernel=${kernel_opt:-$kernel}${suite:+-$suite}
	if [ -n "$mem_opt" ]; then
		mem=$mem_opt
		# The crash kernel of a large guest wants room and time.
		case $mem in *G) limit=900 crashmem=512M ;; esac
	fi
	append="$append$append_opt"
	[ -n "$name" ] || {
		name=$scenario${suite:+-$suite}$suffix
		[ "$format" = zlib ] || name=$name.$format
	}
	expected_verdict "$name" || expected_verdict "$scenario" || true
}

# core_stamp: the defined core's inputs; a core with another stamp is stale.
core_stamp() {
	echo "generation $lab_generation"
	echo "kernel $(kernel_version "$kernel")"
	echo "guest $(scene_hash "$guest")"
	echo "scenario $scenario guest=$guest mem=$mem append=$append qemu=${qemu[*]-} wait=$wait kind=$kind"
	echo "cause $cause"
	echo "options format=$format cpu=$cpu vmcoreinfo=$vmci proc=$proc quiet=$quiet"
	[[ $format != kdump && $format != capture ]] || echo "kdump crashkernel=$crashmem makedumpfile $mdargs"
}
