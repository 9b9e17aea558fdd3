#!/usr/bin/env python3
"""Load the whole year of all households, killed twice on the way, and compare with a load in one go.

    python3 tests/grocer/full_year.py HABITUE FULL_DATA_FOLDER WORK_FOLDER

HABITUE is the program, FULL_DATA_FOLDER the data as in `examples/grocer/sample.py`. In
WORK_FOLDER, which must be new, are left messages.jsonl.gz (made as the demo makes those of the
sample, `src/bin/habitue/demo/sample.rs`) and two databases. Both must hold the same profiles and
messages, the same members of every segment and the same answers for every hundredth household,
and verify must find nothing. Only the standard library is used.
"""

import csv, gzip, json, random, signal, subprocess, sys, time
from pathlib import Path

PROGRAM, DATA, WORK = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
CATALOG = Path(__file__).resolve().parents[2] / "examples/grocer/catalog.toml"
AT = "2018-02-01T00:00:00Z"


def rows(name):
    path = DATA / name
    opened = gzip.open(path, "rt", newline="") if name.endswith(".gz") else open(path, newline="")
    with opened as file:
        yield from csv.DictReader(file)


def moment(text):
    return text.replace(" ", "T") + "Z" if len(text) == 19 else text + "T00:00:00Z"


def message(kind, household, id, at, **rest):
    return {"type": kind, "messageId": id, "userId": f"household-{household}", "timestamp": at, **rest}


def track(household, id, at, event, **properties):
    described = {name: value for name, value in properties.items() if value not in ("", None)}
    return message("track", household, id, at, event=event, properties=described)


def messages():
    """(time, rank at that time, message): what leads to a purchase comes before it."""
    for row in rows("demographics.csv"):
        household = row.pop("household_id")
        # The catalog knows 3+ kids; columns are named as in the sample.
        traits = {name: value for name, value in row.items() if value not in ("", "NA", "Unknown")}
        at = "2017-01-01T00:00:00Z"
        yield at, 0, message("identify", household, f"traits-{household}", at, traits=traits)
    described = {row["campaign_id"]: row for row in rows("campaign_descriptions.csv")}
    for row in rows("campaigns.csv"):
        campaign, household = row["campaign_id"], row["household_id"]
        at = moment(described[campaign]["start_date"])
        kind = described[campaign].get("campaign_type")
        yield at, 1, track(household, f"campaign-{campaign}-{household}", at, "Campaign Received",
                           campaign_id=campaign, campaign_type=kind)
    for row in rows("coupon_redemptions.csv"):
        household, coupon, campaign, date = (row[name] for name in
            ("household_id", "coupon_upc", "campaign_id", "redemption_date"))
        at = moment(date)
        yield at, 2, track(household, f"coupon-{household}-{coupon}-{campaign}-{date}", at,
                           "Coupon Redeemed", coupon_upc=coupon, campaign_id=campaign)
    products = {row["product_id"]: row for row in rows("products.csv.gz")}
    numbers = {}
    for row in rows("transactions.csv.gz"):
        order = row["basket_id"]
        number = numbers[order] = numbers.get(order, 0) + 1
        product = products.get(row["product_id"], {})
        at = moment(row["transaction_timestamp"])
        yield at, 3, track(row["household_id"], f"line-{order}-{number}", at, "Product Purchased",
                           order_id=order, product_id=row["product_id"],
                           quantity=int(row["quantity"]), value=float(row["sales_value"]),
                           department=product.get("department"), category=product.get("product_category"),
                           brand=product.get("brand"))
    for row in rows("baskets.csv.gz"):
        at = moment(row["transaction_timestamp"])
        yield at, 4, track(row["household_id"], f"order-{row['basket_id']}", at, "Order Completed",
                           order_id=row["basket_id"], store_id=row["store_id"],
                           total=float(row["sales_value"]), quantity=int(row["quantity"]),
                           coupon_discount=float(row["coupon_disc"]))


def write_messages(path):
    packed = [(at, rank, json.dumps(content, separators=(",", ":"))) for at, rank, content in messages()]
    packed.sort(key=lambda entry: entry[:2])
    with gzip.open(path, "wt", compresslevel=3) as file:
        file.writelines(line + "\n" for _, _, line in packed)
    return len(packed)


def habitue(*arguments):
    ended = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{arguments}: {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def ingest(folder, file, kill_after=None):
    command = [PROGRAM, "ingest", folder, file, "--catalog", CATALOG, "--clock", "message", "--json"]
    begun = time.time()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        output, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        print(f"killed after {kill_after:.1f} s", flush=True)
        return None
    if process.returncode != 0:
        sys.exit(f"ingest ended with {process.returncode}")
    print(f"{time.time() - begun:.0f} s: {output.strip()}", flush=True)
    return json.loads(output)


def answers(folder, segments, households):
    found = {"stats": [json.loads(habitue("stats", folder, "--json"))[key] for key in ("profiles", "messages")]}
    for segment in segments:
        found[segment] = json.loads(habitue("members", folder, segment, "--at", AT, "--json"))["members"]
    for household in households:
        found[household] = json.loads(habitue("get", folder, household, "--at", AT, "--json"))
    verified = json.loads(habitue("verify", folder, "--json"))
    assert verified["flaws"] == [], verified
    return found


def main():
    WORK.mkdir(parents=True)
    file = WORK / "messages.jsonl.gz"
    count = write_messages(file)
    print(f"{count} messages", flush=True)
    begun = time.time()
    whole = ingest(WORK / "whole", file)
    lasted = time.time() - begun
    assert whole["rejected"] == 0 and whole["accepted"] == count, whole
    seed = time.time_ns()
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    for _ in range(2):
        while ingest(WORK / "killed", file, lasted * chance.uniform(0.1, 0.6)) is not None:
            print("it ended before it was killed")
            return 1
    resumed = ingest(WORK / "killed", file)
    assert resumed["rejected"] == 0 and resumed["duplicates"] > 0, resumed
    assert resumed["accepted"] + resumed["duplicates"] == count, resumed
    import tomllib
    segments = list(tomllib.loads(CATALOG.read_text())["segments"])
    households = sorted({row["household_id"] for row in rows("baskets.csv.gz")})[::100]
    households = [f"household-{household}" for household in households]
    expected, found = (answers(WORK / name, segments, households) for name in ("whole", "killed"))
    differing = [name for name in expected if expected[name] != found[name]]
    print(f"{len(segments)} segments, {len(households)} households compared: "
          + (f"DIFFERENT: {differing}" if differing else "equal"))
    print(habitue("stats", WORK / "killed"))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
