#!/usr/bin/env python3
"""Independent reference for the grocer's demo: naive members of every segment at 12 month ends.

    python3 reference.py        # writes tests/grocer/reference.json.gz

Reads the sample CSVs and re-states each segment of catalog.toml by hand, over full sorted
message lists; no CEL, nothing shared with the engine. Prints the sizes. Near ties (float
thresholds within 1e-6, relative) are printed as warnings. `tests/grocer.rs` replays the
sample through the library and compares. Only the standard library is used.
"""
import bisect, csv, gzip, json, math, tomllib
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path

DIR = Path(__file__).resolve().parent
OUTPUT = DIR.parent.parent / "tests/grocer/reference.json.gz"
rd = lambda n: csv.DictReader(gzip.open(DIR / n, "rt", newline=""))
def ms(text):
    text = text.replace(" ", "T") if " " in text else text + "T00:00:00" if "T" not in text else text.rstrip("Z")
    d = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return int(d.timestamp()) * 1000 + d.microsecond // 1000
DAY = 86_400_000

traits, ev = {}, defaultdict(lambda: defaultdict(list))  # hh -> event -> [(t, messageId, props)]
for r in rd("households.csv.gz"):
    t = {k: v for k, v in r.items() if k != "household_id" and v != ""}
    traits[r["household_id"]] = t
prod = {r["product_id"]: r for r in rd("products.csv.gz")}
owner = {}
for r in rd("baskets.csv.gz"):
    h, t = r["household_id"], ms(r["time"])
    owner[r["order_id"]] = (h, t)
    ev[h]["O"].append((t, "order-" + r["order_id"], dict(store=r["store_id"], total=float(r["total"]), disc=float(r["coupon_discount"]))))
n = Counter()
for r in rd("lines.csv.gz"):
    h, t = owner[r["order_id"]]
    n[r["order_id"]] += 1
    p = prod.get(r["product_id"], {})
    ev[h]["P"].append((t, f"line-{r['order_id']}-{n[r['order_id']]}",
        dict(dep=p.get("department") or None, cat=p.get("category") or None, brand=p.get("brand") or None, value=float(r["value"]))))
for r in rd("campaigns.csv.gz"):
    ev[r["household_id"]]["C"].append((ms(r["start_date"]), f"campaign-{r['campaign_id']}-{r['household_id']}", dict(type=r["campaign_type"])))
for r in rd("redemptions.csv.gz"):
    ev[r["household_id"]]["R"].append((ms(r["date"]), f"coupon-{r['household_id']}-{r['coupon_upc']}-{r['campaign_id']}-{r['date']}", {}))
for h in ev:
    for k in ev[h]: ev[h][k].sort(key=lambda x: (x[0], x[1]))

near = []
def ge(a, b, what):
    if abs(a - b) <= 1e-6 * max(1, abs(b)) : near.append((what, a, b))
    return a >= b

class H:
    """One household at one instant; every method is a scan of the messages up to now."""
    def __init__(s, hh, now):
        s.hh, s.now, s.tr = hh, now, traits[hh] if now >= ms("2017-01-01") else {}
        e = ev[hh]
        s.e = {k: e[k][:bisect.bisect_right(e[k], now, key=lambda x: x[0])] for k in "OPCR"}
        s.known = bool(s.tr) or any(s.e.values())
    def w(s, k, hi, lo=0):  # (now-hi days, now-lo days]
        return [x for x in s.e[k] if s.now - hi * DAY < x[0] <= s.now - lo * DAY]
    def decayed(s, pred, half=30):
        return math.fsum(x[2]["value"] * 2.0 ** (-(s.now - x[0]) / (half * DAY)) for x in s.e["P"] if pred(x[2]))

def held_orders(hh, now, need, win, hold):
    """orders in (t-win, t] >= need at every t in [now-hold, now]."""
    ts = [x[0] for x in ev[hh]["O"] if x[0] <= now]
    start = now - hold * DAY
    first = min([x[0] for k in "OPCR" for x in ev[hh][k]] + ([ms("2017-01-01")] if traits[hh] else []))
    if first > start: return False
    points = [start] + [p for t in ts for p in (t, t + win * DAY) if start < p <= now]
    return all(sum(p - win * DAY < t <= p for t in ts) >= need for p in points)

def avg(xs): return math.fsum(xs) / len(xs) if xs else None
def tot(xs): return math.fsum(x[2]["total"] for x in xs)

def segments(hh, now):
    h = H(hh, now)
    if not h.known: return None
    O, P, C, R = (h.e[k] for k in "OPCR")
    S = {}
    last = O[-1][0] if O else None
    prev = O[-2][0] if len(O) > 1 else None
    o28, o90 = len(h.w("O", 28)), len(h.w("O", 90))
    S["new_customer"] = bool(O) and now - O[0][0] < 30 * DAY
    S["one_time_buyer"] = len(O) == 1 and now - last > 7 * DAY
    S["bought_this_week"] = bool(h.w("O", 7))
    S["weekly_regular"] = all(h.w("O", a + 7, a) for a in (0, 7, 14, 21))
    S["steady_customer"] = held_orders(hh, now, 4, 28, 60)
    ot = [x[0] for x in O]
    S["daily_visitor"] = o28 >= 12 and any(any(x[0] < b <= x[0] + DAY for b in ot) for x in h.w("O", 14))
    before = len(h.w("O", 56, 28))
    S["slipping"] = before >= 4 and o28 * 2 < before
    S["lapsed"] = bool(O) and now - last > 30 * DAY
    S["lost"] = bool(O) and now - last > 90 * DAY
    S["win_back"] = S["lapsed"] and not S["lost"] and ge(tot(O), 250.0, ("win_back", hh, now))
    S["returned"] = prev is not None and last - prev > 42 * DAY and not S["lapsed"]
    S["half_year_customer"] = any(x[0] <= now - 182 * DAY for x in O) and not S["lapsed"]
    S["thanksgiving_shopper"] = tot([x for x in O if ms("2017-11-16") < x[0] < ms("2017-11-24")]) >= 100.0
    spend90 = tot(h.w("O", 90))
    S["big_spender"] = ge(spend90, 900.0, ("big_spender", hh, now))
    S["big_basket"] = any(x[2]["total"] >= 100.0 for x in h.w("O", 30))
    b = lambda hi, lo=0: avg([x[2]["total"] for x in h.w("O", hi, lo)])
    b30, b120, b90 = b(30), b(120, 30), b(90)
    S["quick_trips"] = o90 >= 12 and not ge(b90, 15.0, ("quick_trips", hh, now))
    S["basket_growing"] = o28 >= 3 and b120 is not None and b30 > 1.25 * b120
    S["basket_shrinking"] = o28 >= 3 and b120 is not None and b30 < 0.75 * b120
    lines = h.w("P", 90)
    S["private_label"] = len(lines) >= 20 and sum(x[2]["brand"] == "Private" for x in lines) * 100 >= len(lines) * 35
    S["coupon_hunter"] = sum(x[2]["disc"] > 0 for x in h.w("O", 90)) >= 3
    S["premium"] = ge(spend90, 600.0, ("premium", hh, now)) and not S["private_label"] and not S["coupon_hunter"]
    S["wide_range"] = len({x[2]["cat"] for x in h.w("P", 30)} - {None}) >= 45
    S["store_switcher"] = len({x[2]["store"] for x in h.w("O", 60)}) >= 3
    S["one_store"] = len({x[2]["store"] for x in h.w("O", 182)}) == 1 and len(O) >= 10
    def aff(name, least, pred): S[name] = ge(h.decayed(pred), least, (name, hh, now))
    aff("meat_lover", 50.0, lambda p: p["dep"] in ("MEAT", "MEAT-PCKGD"))
    aff("seafood_fan", 8.0, lambda p: (p["dep"] or "").startswith("SEAFOOD"))
    aff("produce_fan", 40.0, lambda p: p["dep"] == "PRODUCE")
    aff("health_minded", 8.0, lambda p: p["dep"] == "NUTRITION" or p["cat"] == "ORGANICS FRUIT & VEGETABLES")
    aff("sweet_tooth", 18.0, lambda p: p["dep"] == "PASTRY" or (p["cat"] or "").startswith("CANDY") or p["cat"] == "COOKIES/CONES")
    S["deli_regular"] = sum(x[2]["dep"] == "DELI" for x in h.w("P", 60)) >= 6
    S["drug_buyer"] = ge(math.fsum(x[2]["value"] for x in h.w("P", 60) if x[2]["dep"] == "DRUG GM"), 60.0, ("drug", hh, now))
    S["fuel_buyer"] = sum(x[2]["dep"] == "FUEL" for x in h.w("P", 45)) >= 2
    S["pet_owner"] = sum(x[2]["cat"] in ("CAT FOOD", "DOG FOODS", "CAT LITTER", "PET CARE SUPPLIES") for x in lines) >= 4
    soda = lambda xs: sum(x[2]["cat"] == "SOFT DRINKS" for x in xs)
    S["soda_stopped"] = soda(h.w("P", 120, 30)) >= 6 and not soda(h.w("P", 30)) and not S["lapsed"]
    S["kids"] = h.tr.get("kids_count") in ("1", "2", "3+")
    babycat = ("BABY FOODS", "INFANT FORMULA", "DIAPERS & DISPOSABLES", "INFANT CARE PRODUCTS", "BABY HBC")
    S["baby"] = sum(x[2]["cat"] in babycat for x in h.w("P", 60)) >= 3
    S["family"] = S["kids"] or S["baby"] or h.tr.get("household_size") in ("4", "5+")
    S["well_off"] = h.tr.get("income") in ("100-124K", "125-149K", "150-174K", "175-199K", "200-249K", "250K+")
    S["unknown_household"] = "age" not in h.tr and len(O) > 0
    S["taste_panel"] = hh in PANEL
    rt = [x[0] for x in R]
    S["campaign_responder"] = any(any(c[0] < r <= c[0] + 30 * DAY for r in rt) for c in h.w("C", 180))
    c = h.w("C", 182)
    S["campaign_ignorer"] = bool(c) and now >= c[-1][0] + 30 * DAY and not any(r >= c[-1][0] for r in rt)
    S["mailed_lately"] = any(x[2]["type"] == "Type A" for x in h.w("C", 45)) or bool(h.w("C", 14))
    S["worth_mailing"] = (ge(spend90, 300.0, ("worth", hh, now)) or S["family"]) and not S["lapsed"] and not S["mailed_lately"] and not S["campaign_ignorer"]
    return S

catalog = tomllib.load(open(DIR / "catalog.toml", "rb"))
PANEL = {m.removeprefix("household-") for m in catalog["segments"]["taste_panel"]["members"]}
assert PANEL <= set(traits), "taste_panel names a household that is not in the sample"
months = [f"2017-{m:02}-{d}T23:59:59.999Z" for m, d in zip(range(1, 13), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))]
out, sizes = {}, defaultdict(list)
for m in months:
    members = {s: [] for s in catalog["segments"]}
    for hh in traits:
        S = segments(hh, ms(m))
        if S is None: continue
        assert S.keys() == members.keys(), S.keys() ^ members.keys()
        for s, yes in S.items():
            if yes: members[s].append("household-" + hh)
    out[m] = {s: sorted(v) for s, v in members.items()}
    for s, v in members.items(): sizes[s].append(len(v))
text = json.dumps(out, separators=(",", ":")) + "\n"
with open(OUTPUT, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    packed.write(text.encode())
for s, v in sizes.items(): print(f"{s:22}", *(f"{x:4}" for x in v))
if near: print("near ties:", near)
