#!/usr/bin/env python3
"""Holds the dashboard and the alert rules against the running program: `make dashboards`.

    check.py [--askance PROGRAM] [--moto PROGRAM] [--static]

1. promtool checks alerts.yml and runs alerts.test.yml; each alert has a case in which it fires and one
   in which it does not.
2. Every metric and label that the dashboard and the alerts name is in docs/metrics.md; every panel says
   what a reader should do. `--static` ends here.
3. askance runs as scene.py has it, and a real Prometheus scrapes it with the alert rules. Every query of
   every panel must give data, with the labels that its legend shows; counters that begin at 0 must have
   moved; and those alerts fire that should, and no others.

AWS is played by moto; without moto_server (`make tools`) the queries that need it
are named and left out. Needs promtool and prometheus (Debian and Ubuntu: `apt-get install prometheus`);
everything is on loopback and in a temporary folder.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
# Nothing is left in the tree.
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "examples/demo"))
# Starting and stopping programs and waiting for them.
from demo import Trouble, answers, check, free_port, show_log, start, stop, wait  # noqa: E402
from scene import Scene, opener  # noqa: E402

DASHBOARD, ALERTS, TESTS = HERE / "askance-stream.json", HERE / "alerts.yml", HERE / "alerts.test.yml"
# No wait is longer; about 80 s are usual, since the first alerts fire after a minute.
LIMIT_SECONDS = 300
# How wide a dashboard of Grafana is.
COLUMNS = 24
# Filled only where AWS is used: names of metrics, or how they begin.
ONLY_AWS = (
    "askance_aws_",
    "askance_kinesis_",
    "askance_store_throttled_",
    "askance_store_capacity_",
    "askance_accounts_",
    "askance_baseline_",
)
# What the scene does to askance makes these fire, or become pending where they take longer.
FIRING = {"AskanceRejects", "AskanceObjectsRefused", "AskanceDeadLetters", "AskanceCorrelationsGiveUp"}
PENDING = {"AskanceSinkDown"}
PENDING_WITH_AWS = {"AskanceStoreThrottled"}
# These are there with 0 from the start, so that a query has data though nothing happened: it must have happened.
MOVED = (
    'askance_kinesis_leases{state="held"}',
    'askance_kinesis_lease_changes_total{change="stolen"}',
    'askance_kinesis_failures_total{reason="throttled"}',
    "askance_kinesis_records_total",
    'askance_stage_dropped_total{stage="filter", reason="data_keys"}',
    'askance_match_hits_total{rule=~"$correlations"}',
    "askance_correlate_events_total",
    'askance_correlate_odd_total{reason="repeated"}',
    "askance_store_throttled_total",
    'askance_store_capacity_units_total{kind="write"}',
    'askance_accounts_refreshes_total{outcome="ok"}',
    'askance_baseline_rebuilds_total{outcome="ok"}',
    'askance_baseline_looks_total{outcome="new"}',
)

# A query of a panel, with the labels that its legend shows.
Query = collections.namedtuple("Query", "panel text labels")


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="askance-dashboards-"))
    running = []
    try:
        check_rules()
        queries = check_texts()
        if not arguments.static:
            check_data(arguments, folder, running, queries)
        return 0
    except KeyboardInterrupt:
        return 130
    except Trouble as trouble:
        print(f"\ndashboards: {trouble}", file=sys.stderr)
        for log in ("askance.log", "replica.log"):
            show_log(folder / log)
        return 1
    finally:
        for process in reversed(running):
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def read_arguments():
    installed = ROOT / "target/tools/bin/moto_server"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--askance", default=ROOT / "target/release/askance", type=pathlib.Path)
    parser.add_argument("--moto", default=installed if installed.exists() else shutil.which("moto_server"))
    parser.add_argument("--static", action="store_true", help="do not run askance and Prometheus")
    arguments = parser.parse_args()
    needed = ["promtool"] if arguments.static else ["promtool", "prometheus"]
    for program in needed:
        if not shutil.which(program):
            parser.exit(1, f"missing: {program} (apt-get install prometheus)\n")
    if not arguments.static and not arguments.askance.exists():
        parser.exit(1, f"there is no {arguments.askance} (make build)\n")
    return arguments


# 1. The alert rules.


def check_rules():
    for command in (["check", "rules", ALERTS], ["test", "rules", TESTS]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"promtool {command[0]} {command[1]}:\n{done.stdout}{done.stderr}")
    alerts = re.findall(r"^ *- alert: (\w+)$", ALERTS.read_text(), re.M)
    cases = re.findall(r"^ *alertname: (\w+)\n *exp_alerts:(.*)$", TESTS.read_text(), re.M)
    if len(cases) != TESTS.read_text().count("alertname:"):
        raise Trouble(f"in {TESTS.name} exp_alerts must follow alertname, or cases cannot be counted")
    fires = {name for name, expected in cases if not expected.strip()}
    quiet = {name for name, expected in cases if expected.strip() == "[]"}
    lonely = [
        f"{name} has no case in which it {what}"
        for name in alerts
        for what, names in (("fires", fires), ("does not fire", quiet))
        if name not in names
    ]
    if lonely or not alerts:
        raise Trouble(f"{TESTS.name}: " + "; ".join(lonely or ["there are no alerts"]))
    print(f"{len(alerts)} alerts, {len(cases)} cases: each fires and does not fire")


# 2. What the dashboard and the rules say.


def check_texts():
    """Tells what is wrong with the texts; gives the queries of the panels, and of what must have moved."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.M)
    if not rows:
        raise Trouble("docs/metrics.md names no metric")
    labels = {name: set(re.findall(r"`(\w+)`", text)) | {"job", "instance"} for name, _, text in rows}
    for name, kind, _ in rows:
        if kind == "histogram":
            labels |= {f"{name}_{end}": labels[name] | {"le"} for end in ("bucket", "sum", "count")}
    try:
        dashboard = json.loads(DASHBOARD.read_text())
    except ValueError as error:
        raise Trouble(f"{DASHBOARD.name} is no JSON: {error}") from error
    queries = [
        Query(panel["title"], filled(target["expr"], dashboard), set(re.findall(r"{{(\w+)}}", target["legendFormat"])))
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    rules = re.split(r"^ *- alert: ", ALERTS.read_text(), flags=re.M)[1:]
    wrong = [*panels_wrong(dashboard["panels"]), *places_wrong(dashboard["panels"]), *titles_wrong(dashboard)]
    for where, text, _ in queries + [Query(rule.split("\n")[0], expression(rule), None) for rule in rules]:
        for name, matchers in re.findall(r"\b(askance_\w+)(?:\{([^}]*)\})?", text):
            if name not in labels:
                wrong.append(f"{where}: {name} is not in docs/metrics.md")
                continue
            used = set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", matchers))
            wrong += [f"{where}: {name} has no label {label}" for label in sorted(used - labels[name])]
    if wrong:
        raise Trouble("\n    ".join(["what is said is wrong:", *wrong]))
    print(f"{len(dashboard['panels'])} panels, {len(queries)} queries: every metric and label is known")
    return queries + [Query("what must have moved", f"sum({filled(one, dashboard)}) > 0", set()) for one in MOVED]


def expression(rule):
    """The `expr` of a rule, without what follows it."""
    return re.search(r"expr: (.*?)\n *for: ", rule, re.S)[1]


def panels_wrong(panels):
    ids = [panel["id"] for panel in panels]
    if len(ids) != len(set(ids)):
        yield "an id of a panel is used twice"
    for panel in panels:
        if panel["type"] == "row":
            continue
        if len(panel.get("description", "")) < 40:
            yield f"{panel['title']}: no description that says what to do"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{panel['title']}: no unit"
        if {target["datasource"]["uid"] for target in panel["targets"]} != {"${datasource}"}:
            yield f"{panel['title']}: a target that does not ask ${{datasource}}"
        if len({target["refId"] for target in panel["targets"]}) != len(panel["targets"]):
            yield f"{panel['title']}: a refId is used twice"
        for target in panel["targets"]:
            if "$job" not in target["expr"] or "$instance" not in target["expr"]:
                yield f"{panel['title']}: a query that heeds no $job and $instance"


def places_wrong(panels):
    """Grafana moves panels that overlap, and counts a panel to the row that stands before it in the file."""
    places = [(panel["title"], *(panel["gridPos"][key] for key in "xywh")) for panel in panels]
    for panel, (title, x, y, w, h) in zip(panels, places):
        if min(x, y) < 0 or min(w, h) < 1 or x + w > COLUMNS:
            yield f"{title}: stands outside of the {COLUMNS} columns"
        if panel["type"] == "row" and ((x, w, h) != (0, COLUMNS, 1) or panel.get("collapsed") or panel.get("panels")):
            yield f"{title}: a row is one high, as wide as the page, and open"
    for number, (title, x, y, w, h) in enumerate(places):
        for other, left, top, width, height in places[:number]:
            if x < left + width and left < x + w and y < top + height and top < y + h:
                yield f"{title}: overlaps {other}"
    for (before, *one), (title, *other) in zip(places, places[1:]):
        if (one[1], one[0]) > (other[1], other[0]):
            yield f"{title}: stands behind {before} in the file and before it on the page"


def titles_wrong(dashboard):
    """Tables show titles for ids, and a variable tells correlations from rules: what they have must be right, what
    they lack is told."""
    titles, correlations = {}, set()
    for path in sorted((ROOT / "rules").rglob("*.yml")):
        text = path.read_text()
        found = [re.search(rf"^{key}: *(.+?) *$", text, re.M) for key in ("id", "title")]
        if all(found) and not path.name.endswith(".cases.yml"):
            titles[found[0][1]] = found[1][1].strip("'\"")
            if re.search(r"^correlation:$", text, re.M):
                correlations.add(found[0][1])
    for name, wanted in (("Rules", set(titles)), ("Correlations", correlations)):
        table = next(panel for panel in dashboard["panels"] if panel["title"] == name and panel["type"] == "table")
        properties = [one for override in table["fieldConfig"]["overrides"] for one in override["properties"]]
        shown = next(one["value"][0]["options"] for one in properties if one["id"] == "mappings")
        for rule, mapping in shown.items():
            if titles.get(rule) != mapping["text"]:
                yield f"{name}: {rule} is titled {mapping['text']!r}, in rules/ {titles.get(rule)!r}"
        lacking(f"a value mapping of the table {name}", wanted - set(shown), titles)
    listed = set(constants(dashboard)["$correlations"].split("|"))
    yield from (f"the variable correlations: {rule} is no correlation of rules/" for rule in sorted(listed - correlations))
    lacking("the variable correlations", correlations - listed, titles)


def lacking(where, ids, titles):
    if ids:
        print(f"note: {where} lacks " + ", ".join(f"{one} ({titles[one]})" for one in sorted(ids)))


def constants(dashboard):
    """The dashboard's constant variables, as they stand in queries."""
    every = dashboard["templating"]["list"]
    return {f"${one['name']}": one["query"] for one in every if one["type"] == "constant"}


def filled(query, dashboard):
    """A query with what its constants stand for."""
    for name, value in constants(dashboard).items():
        query = query.replace(name, value)
    return query


# 3. The program, and Prometheus.


def check_data(arguments, folder, running, queries):
    scene = Scene(arguments, folder, running)
    served, targets = free_port(), [f"127.0.0.1:{port}" for port in scene.ports]
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{ALERTS}']\n"
        f"scrape_configs: [{{job_name: askance, static_configs: [{{targets: {targets}}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{served}", "--log.level=warn"]
    start(running, folder / "prometheus.log", command)
    wait("Prometheus to be ready", lambda: answers(f"http://127.0.0.1:{served}/-/ready"), running)
    scene.feed()
    try:
        prometheus = Prometheus(served, targets)
        prometheus.until_something()
        # A reload, so that its counter is there.
        scene.askances[0].send_signal(signal.SIGHUP)
        judge(prometheus, queries, scene.aws, running)
    finally:
        scene.is_over.set()
    for askance in scene.askances:
        stop(askance)
        if askance.returncode != 0:
            raise Trouble(f"askance ended with exit code {askance.returncode}")


def judge(prometheus, queries, aws, running):
    """Waits until every query gives data and the alerts are as they should be."""
    left_out = [] if aws else [query for query in queries if any(name.startswith(ONLY_AWS) for name in names(query.text))]
    for query in left_out:
        print(f"not checked, moto_server is missing (make tools): {query.panel}: {query.text}")
    waiting = [one for one in queries if one not in left_out]
    pending = PENDING | PENDING_WITH_AWS if aws else PENDING
    count, began = len(waiting), time.monotonic()
    while True:
        check(running)
        waiting = [query for query in waiting if not prometheus.has_data(query.text, query.labels)]
        states, broken = prometheus.alerts()
        missing = (FIRING - states["firing"]) | (pending - states["firing"] - states["pending"])
        if broken:
            raise Trouble("Prometheus cannot evaluate:\n    " + "\n    ".join(broken))
        if not waiting and not missing:
            break
        if time.monotonic() - began > LIMIT_SECONDS:
            lines = [f"no data {sorted(query.labels) or ''}: {query.panel}: {query.text}" for query in waiting]
            lines += [f"does not fire: {name}" for name in sorted(missing)]
            raise Trouble("\n    ".join([f"after {LIMIT_SECONDS} s:", *lines]))
        time.sleep(1)
    wrong = states["firing"] - FIRING - pending
    if wrong:
        raise Trouble("fires without a reason: " + ", ".join(sorted(wrong)))
    print(f"{count} queries give data after {time.monotonic() - began:.0f} s; firing: {', '.join(sorted(states['firing']))}")


def names(query):
    return set(re.findall(r"\baskance_\w+", query))


class Prometheus:
    """The server that scrapes askance."""

    def __init__(self, port, instances):
        self.url, self.instances = f"http://127.0.0.1:{port}/api/v1", "|".join(map(re.escape, instances))

    def get(self, path):
        with opener().open(self.url + path, timeout=30) as answer:
            return json.load(answer)["data"]

    def has_data(self, query, labels=frozenset()):
        """Whether the query gives a number with these labels. A fallback to 0 is taken away: it would always do."""
        for name, value in (
            ("$__rate_interval", "1m"),
            ("$__range", "5m"),
            ("$job", "askance"),
            ("$instance", self.instances.replace("\\", "\\\\")),
        ):
            query = query.replace(name, value)
        query = query.removesuffix(" or vector(0)")
        try:
            result = self.get("/query?" + urllib.parse.urlencode({"query": query}))["result"]
        except urllib.error.HTTPError as error:
            raise Trouble(f"Prometheus refuses {query}: {error.read().decode()}") from error
        return any(sample["value"][1] != "NaN" and labels <= set(sample["metric"]) for sample in result)

    def until_something(self):
        deadline = time.monotonic() + LIMIT_SECONDS
        while not self.has_data("askance_stage_in_total > 0"):
            if time.monotonic() > deadline:
                raise Trouble("askance has read nothing")
            time.sleep(0.5)

    def alerts(self):
        """Names of alerts by state, and rules that cannot be evaluated."""
        rules = [rule for group in self.get("/rules")["groups"] for rule in group["rules"]]
        if not rules:
            raise Trouble(f"Prometheus has no rules of {ALERTS}")
        states = {"firing": set(), "pending": set(), "inactive": set()}
        for rule in rules:
            states[rule["state"]].add(rule["name"])
        return states, [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]


if __name__ == "__main__":
    sys.exit(main())
