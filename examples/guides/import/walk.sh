#!/bin/sh
# The walk of docs/guides/import.md: sh walk.sh FOLDER, an empty folder; `habitue` has to be on the path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

echo "# what would happen"
habitue import shop "$here/customers.csv" --catalog "$here/catalog.toml" --mapping crm --at 2025-09-01T03:00:00Z --dry-run

echo "# it happens; what is refused is kept"
habitue import shop "$here/customers.csv" --catalog "$here/catalog.toml" --mapping crm --at 2025-09-01T03:00:00Z \
    --rejects refused.jsonl | cut -d ';' -f 1
cat refused.jsonl | wc -l | tr -d ' '

echo "# the till's archive, packed, and once more"
gzip -c "$here/receipts.jsonl" > receipts.jsonl.gz
habitue import shop receipts.jsonl.gz --mapping receipts | cut -d ';' -f 1
habitue import shop receipts.jsonl.gz --mapping receipts | cut -d ';' -f 1

echo "# who is in the segments"
habitue members shop vip
habitue members shop regular

echo "# the next week's file corrects one customer, by arguments this time"
printf 'id,tier\n1003,silver\n' > corrected.csv
habitue import shop corrected.csv --identify --user id --at 2025-09-08T03:00:00Z | cut -d ';' -f 1

echo "# everybody, as tables"
habitue export shop --profiles profiles.parquet --segments segments.csv
cat segments.csv
habitue import copy profiles.parquet --identify --catalog "$here/catalog.toml" | cut -d ';' -f 1
habitue export copy --profiles copy.csv > copied.txt
cat copy.csv
