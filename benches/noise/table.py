"""Alerts, a line each, as a table by rule; and how many of medium and above an account has on a day."""

import collections
import json
import sys

LEVELS = ["critical", "high", "medium", "low", "informational"]


def main():
    alerts = [json.loads(line) for line in sys.stdin]
    by_rule = collections.defaultdict(list)
    days = collections.Counter()
    for alert in alerts:
        day = (alert.get("account") or "unknown", (alert.get("time") or "unknown")[:10])
        by_rule[alert["level"], alert["rule"]["title"]].append(day)
        if LEVELS.index(alert["level"]) <= LEVELS.index("medium"):
            days[day] += 1
    more = sum(1 for count in days.values() if count > 1)
    print(f"Most on one day of an account: {max(days.values(), default=0)} of medium and above; ", end="")
    print(f"{sum(days.values())} in all; days of an account with more than one: {more}.")
    print("\n| rule | level | alerts | accounts | most on one day of an account |\n|---|---|---|---|---|")
    order = sorted(by_rule.items(), key=lambda it: (LEVELS.index(it[0][0]), -len(it[1]), it[0][1]))
    for (level, title), seen in order:
        accounts = len({account for account, _ in seen})
        most = max(collections.Counter(seen).values())
        print(f"| {title.replace('|', ' ')} | {level} | {len(seen)} | {accounts} | {most} |")
    if not by_rule:
        print("| none | - | 0 | 0 | 0 |")


main()
