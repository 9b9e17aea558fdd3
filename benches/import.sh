#!/bin/sh
# What importing costs: so many customers with a file of 40 columns, from CSV and from Parquet; and an import
# that is killed half-way. Prints the summaries, and the most memory that each import had (VmHWM).
#
#   sh benches/import.sh target/release/habitue 1000000 FOLDER
#
# The folder is made anew, and takes some 12 GB for a million.
set -eu
habitue=$(realpath "$1") rows=$2 folder=$3
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder"

awk 'BEGIN {
    print "schema = 1\n[attributes]"
    for (i = 0; i < 39; i++) printf "a%02d = \"float\"\n", i
    print "[segments]"
    for (i = 0; i < 10; i++) printf "s%d = \"a%02d > %d.0\"\n", i, i, 50 + i * 5
}' > catalog.toml
awk -v rows="$rows" 'BEGIN {
    srand(7)
    printf "user_id"; for (i = 0; i < 39; i++) printf ",a%02d", i; print ""
    for (row = 0; row < rows; row++) {
        printf "customer-%08d", row
        for (i = 0; i < 39; i++) printf ",%.2f", rand() * 100
        print ""
    }
}' > rows.csv
touch -d 2026-01-01T00:00:00Z rows.csv

# Runs an import to its end, and says how much memory and how much time of the processors it took.
import() {
    "$habitue" import "$@" --json > summary.json &
    process=$! most=0 ticks=0
    while kill -0 "$process" 2> /dev/null; do
        now=$(awk '/VmHWM/ { print $2 }' "/proc/$process/status" 2> /dev/null || true)
        [ -z "$now" ] || most=$now
        now=$(awk '{ print $14 + $15 }' "/proc/$process/stat" 2> /dev/null || true)
        [ -z "$now" ] || ticks=$now
        sleep 0.2
    done
    wait "$process"
    echo "$1: $(cat summary.json), most memory $((most / 1024)) MiB, processors $((ticks / $(getconf CLK_TCK))) s"
}

import csv rows.csv --identify --catalog catalog.toml
import budget rows.csv --identify --catalog catalog.toml --memory-budget 256M
rm -rf budget
"$habitue" export csv --profiles rows.parquet --segments segments.csv
ls -l rows.csv rows.parquet | awk '{ print $5, $9 }'
"$habitue" export csv --profiles whole.jsonl
rm -rf csv
import parquet rows.parquet --identify --catalog catalog.toml
rm -rf parquet

# Killed once the first half of the rows is marked as done.
"$habitue" import killed rows.csv --identify --catalog catalog.toml --json > /dev/null &
process=$!
until [ "$(sed -n 's/.*"rows":\([0-9]*\),.*/\1/p' killed/habitue.import 2> /dev/null || true)0" -ge "$((rows / 2))0" ]; do
    kill -0 "$process"
    sleep 0.1
done
kill -KILL "$process"
wait "$process" || true
import killed rows.csv --identify
"$habitue" export killed --profiles resumed.jsonl
cmp whole.jsonl resumed.jsonl && echo "killed and resumed: the same profiles as without a break"
"$habitue" stats killed --json | sed 's/,"revision.*/}/'
