#!/bin/sh
# Fuzzes each target for some seconds: sh tests/fuzz/run.sh [SECONDS [TARGET...]]
#
# Neither nightly nor cargo-fuzz is needed: the coverage flags below are stable, and they are those that
# `cargo fuzz run -s none` sets. The one unsafe block (reading a checked image) is not in these targets.
# Needed: a C++ compiler, for libFuzzer itself. A failing input is kept in tests/fuzz/artifacts; run it
# again by naming that file to the target's program instead of folders.
set -eu
cd "$(dirname "$0")"
seconds=${1:-12}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- catalog condition message script time

# What is fuzzed is what is released: the same versions of everything.
[ ! -f ../../Cargo.lock ] || cp ../../Cargo.lock Cargo.lock
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# shellcheck disable=SC2046 # words are meant to be split
cargo build --release --target "$host" --target-dir "$target_dir" $(printf -- '--bin %s ' "$@")

# One condition per line reads better than a hundred files; libFuzzer wants the files.
mkdir -p corpus/condition-seeds artifacts
awk '{ file = "corpus/condition-seeds/" NR; printf "%s", $0 > file; close(file) }' seeds/conditions.txt

for target in "$@"; do
    case $target in
        catalog) words=conditions.dict seeds="seeds/catalog ../golden" ;;
        condition) words=conditions.dict seeds=corpus/condition-seeds ;;
        message) words=messages.dict seeds=seeds/message ;;
        script) words=messages.dict seeds="seeds/script ../golden" ;;
        time) words='' seeds=seeds/time ;;
        *) echo "no target $target" >&2; exit 2 ;;
    esac
    mkdir -p "corpus/$target"
    echo "== $target: $seconds s"
    # shellcheck disable=SC2086 # several folders
    "$target_dir/$host/release/$target" "corpus/$target" $(ls -d $seeds 2>/dev/null) \
        ${words:+-dict="$words"} -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="artifacts/$target-" -verbosity=0 -print_funcs=0 -print_final_stats=1
done
