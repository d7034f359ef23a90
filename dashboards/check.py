#!/usr/bin/env python3
"""Holds the dashboard and the alert rules against the running program: `make dashboards`.

    check.py [--askance PROGRAM] [--moto PROGRAM] [--static]

1. promtool checks alerts.yml and runs alerts.test.yml; each alert has a case in which it fires and one
   in which it does not.
2. Every metric and label that the dashboard and the alerts name is in docs/metrics.md; every panel says
   what a reader should do. `--static` ends here.
3. `askance run` reads files that come all the time, among them damaged, odd and repeated ones, and
   sends to sinks that work, refuse and are not there; a real Prometheus scrapes it with the alert rules.
   Every query of every panel must give data, and those alerts fire that should, and no others.

Sources and sinks in AWS are played by moto; without moto_server (`make tools`) the queries that need it
are named and left out. Needs promtool and prometheus (Debian and Ubuntu: `apt-get install prometheus`);
everything is on loopback and in a temporary folder.
"""

import argparse
import gzip
import http.server
import json
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
# Nothing is left in the tree.
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "examples/demo"))
# Starting and stopping programs, waiting for them, and an environment without a real AWS.
from demo import Trouble, answers, check, free_port, set_environment, show_log, start, stop, wait  # noqa: E402

DASHBOARD, ALERTS, TESTS = HERE / "askance-stream.json", HERE / "alerts.yml", HERE / "alerts.test.yml"
# No wait is longer; about 80 s are usual, since the first alerts fire after a minute.
LIMIT_SECONDS = 300
# How wide a dashboard of Grafana is.
COLUMNS = 24
# Filled only where AWS is used.
ONLY_AWS = {"askance_aws_requests_total"}
# What is done to askance below makes these fire, or become pending where they take longer.
FIRING = {"AskanceRejects", "AskanceObjectsRefused", "AskanceDeadLetters"}
PENDING = {"AskanceSinkDown"}
# The rule whose alerts are kept back.
RULE = "d5a8f30d-8339-4c9d-a751-be227c6a459a"
BUCKET, QUEUE = "check-trail", "check-trail"


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="askance-dashboards-"))
    running, is_over = [], threading.Event()
    try:
        check_rules()
        queries = check_texts()
        if not arguments.static:
            check_data(arguments, folder, running, is_over, queries)
        return 0
    except KeyboardInterrupt:
        return 130
    except Trouble as trouble:
        print(f"\ndashboards: {trouble}", file=sys.stderr)
        show_log(folder / "askance.log")
        return 1
    finally:
        is_over.set()
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
    """Tells what is wrong with the texts; gives the queries of the panels: (panel, query)."""
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
    queries = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    rules = re.split(r"^ *- alert: ", ALERTS.read_text(), flags=re.M)[1:]
    wrong = [*panels_wrong(dashboard["panels"]), *places_wrong(dashboard["panels"]), *titles_wrong(dashboard["panels"])]
    for where, text in queries + [(rule.split("\n")[0], expression(rule)) for rule in rules]:
        for name, matchers in re.findall(r"\b(askance_\w+)(?:\{([^}]*)\})?", text):
            if name not in labels:
                wrong.append(f"{where}: {name} is not in docs/metrics.md")
                continue
            used = set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", matchers))
            wrong += [f"{where}: {name} has no label {label}" for label in sorted(used - labels[name])]
    if wrong:
        raise Trouble("\n    ".join(["what is said is wrong:", *wrong]))
    print(f"{len(dashboard['panels'])} panels, {len(queries)} queries: every metric and label is known")
    return queries


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


def titles_wrong(panels):
    """The table of rules shows titles for ids: those that it has must be right, missing ones are told."""
    titles = {}
    for path in sorted((ROOT / "rules").rglob("*.yml")):
        text = path.read_text()
        found = [re.search(rf"^{key}: *(.+?) *$", text, re.M) for key in ("id", "title")]
        if all(found) and not path.name.endswith(".cases.yml"):
            titles[found[0][1]] = found[1][1].strip("'\"")
    table = next(panel for panel in panels if panel["title"] == "Rules" and panel["type"] == "table")
    properties = [one for override in table["fieldConfig"]["overrides"] for one in override["properties"]]
    shown = next(one["value"][0]["options"] for one in properties if one["id"] == "mappings")
    for rule, mapping in shown.items():
        if titles.get(rule) != mapping["text"]:
            yield f"Rules: {rule} is titled {mapping['text']!r}, in rules/ {titles.get(rule)!r}"
    missing = [f"{rule} ({title})" for rule, title in titles.items() if rule not in shown]
    if missing:
        print("note: the table of rules shows the id of, for want of a value mapping: " + ", ".join(missing))


# 3. The program, and Prometheus.


def check_data(arguments, folder, running, is_over, queries):
    aws = start_moto(arguments.moto, folder, running)
    metrics, served = free_port(), free_port()
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    inbox = folder / "in"
    inbox.mkdir()
    (folder / "askance.yaml").write_text(configuration(receiver.server_port, metrics, aws))
    command = [arguments.askance, "run", "--config", folder / "askance.yaml"]
    askance = start(running, folder / "askance.log", command)
    wait("askance to be ready", lambda: answers(f"http://127.0.0.1:{metrics}/readyz"), running)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{ALERTS}']\n"
        f"scrape_configs: [{{job_name: askance, static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]}}]\n"
    )
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{served}", "--log.level=warn"]
    start(running, folder / "prometheus.log", command)
    wait("Prometheus to be ready", lambda: answers(f"http://127.0.0.1:{served}/-/ready"), running)
    threading.Thread(target=feed, args=(inbox, aws, is_over), daemon=True).start()
    prometheus = Prometheus(served, f"127.0.0.1:{metrics}")
    prometheus.until_something()
    # A reload, so that its counter is there.
    askance.send_signal(signal.SIGHUP)
    judge(prometheus, queries, aws, running)
    is_over.set()
    stop(askance)
    if askance.returncode != 0:
        raise Trouble(f"askance ended with exit code {askance.returncode}")


def judge(prometheus, queries, aws, running):
    """Waits until every query gives data and the alerts are as they should be."""
    left_out = [] if aws else [(panel, query) for panel, query in queries if names(query) & ONLY_AWS]
    for panel, query in left_out:
        print(f"not checked, moto_server is missing (make tools): {panel}: {query}")
    waiting = [one for one in queries if one not in left_out]
    count, began = len(waiting), time.monotonic()
    while True:
        check(running)
        waiting = [(panel, query) for panel, query in waiting if not prometheus.has_data(query)]
        states, broken = prometheus.alerts()
        missing = (FIRING - states["firing"]) | (PENDING - states["firing"] - states["pending"])
        if broken:
            raise Trouble("Prometheus cannot evaluate:\n    " + "\n    ".join(broken))
        if not waiting and not missing:
            break
        if time.monotonic() - began > LIMIT_SECONDS:
            lines = [f"no data: {panel}: {query}" for panel, query in waiting]
            lines += [f"does not fire: {name}" for name in sorted(missing)]
            raise Trouble("\n    ".join([f"after {LIMIT_SECONDS} s:", *lines]))
        time.sleep(1)
    wrong = states["firing"] - FIRING - PENDING
    if wrong:
        raise Trouble("fires without a reason: " + ", ".join(sorted(wrong)))
    print(f"{count} queries give data after {time.monotonic() - began:.0f} s; firing: {', '.join(sorted(states['firing']))}")


def names(query):
    return set(re.findall(r"\baskance_\w+", query))


class Prometheus:
    """The server that scrapes askance."""

    def __init__(self, port, instance):
        self.url, self.instance = f"http://127.0.0.1:{port}/api/v1", instance

    def get(self, path):
        with opener().open(self.url + path, timeout=30) as answer:
            return json.load(answer)["data"]

    def has_data(self, query):
        """Whether the query gives a number. A fallback to 0 is taken away: it would always do."""
        for name, value in (
            ("$__rate_interval", "1m"),
            ("$__range", "5m"),
            ("$job", "askance"),
            ("$instance", re.escape(self.instance).replace("\\", "\\\\")),
        ):
            query = query.replace(name, value)
        query = query.removesuffix(" or vector(0)")
        try:
            result = self.get("/query?" + urllib.parse.urlencode({"query": query}))["result"]
        except urllib.error.HTTPError as error:
            raise Trouble(f"Prometheus refuses {query}: {error.read().decode()}") from error
        return any(sample["value"][1] != "NaN" for sample in result)

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


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that takes what comes to /ok and refuses the rest."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if self.path == "/ok" else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing: what came is not of interest."""


def configuration(receiver, metrics, aws):
    trail = f'trail: {{type: s3_queue, queue_url: "{aws.queue_url}", buckets: [{BUCKET}]}}' if aws else ""
    return f"""\
sources:
    inbox: {{type: directory, path: in/, poll: 500ms, settle: 100ms}}
    {trail}
sinks:
    log: {{type: file, path: alerts.jsonl}}
    hook: {{type: webhook, url: "http://127.0.0.1:{receiver}/ok"}}
    picky: {{type: webhook, url: "http://127.0.0.1:{receiver}/no"}}
    gone: {{type: webhook, url: "http://127.0.0.1:{free_port()}/"}}
routes: [{{min_level: high, to: [picky]}}, {{to: [log, hook, gone]}}]
alerts:
    merge_window: 0s
    suppress:
        - {{name: known, match: {{rule.id: {RULE}}}, reason: check, owner: check, until: "2099-12-31"}}
store: {{type: sqlite, path: askance.db}}
metrics: {{listen: "127.0.0.1:{metrics}"}}
aws: {{s3_path_style: true}}
"""


def feed(inbox, aws, is_over):
    """Files that come for as long as it is looked: the examples with new ids and the time of now."""
    trail = sorted(path for path in (ROOT / "examples/trail").rglob("*.json*") if path.is_file())
    examples = [json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()) for path in trail]
    number = 0
    while not is_over.is_set():
        example = examples[number % len(examples)]
        packed = gzip.compress(json.dumps(fresh(example)).encode())
        put(inbox, f"{number:05}.json.gz", packed)
        if number == 0:
            odd_ones(inbox, examples)
        if number % 10 == 0:
            # What came already, under another name, and a damaged one now and then.
            put(inbox, f"{number:05}-again.json.gz", packed)
            put(inbox, f"{number:05}-cut.json.gz", packed[: len(packed) // 2])
        if aws:
            aws.put(f"AWSLogs/{number:05}.json.gz", gzip.compress(json.dumps(fresh(example)).encode()))
        number += 1
        is_over.wait(0.5)


def fresh(example, **changes):
    records = []
    for record in example["Records"]:
        at = time.gmtime(time.time() - random.randint(2, 50))
        new = {"eventID": str(uuid.uuid4()), "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", at)}
        records.append(record | new | changes)
    return {"Records": records}


def odd_ones(inbox, examples):
    put(inbox, "version.json", json.dumps(fresh(examples[0], eventVersion="9.99")).encode())
    cut = {"omitted": True, "originalSize": 200_000, "reason": "event size exceeds the maximum"}
    for number, example in enumerate(examples):
        put(inbox, f"omitted-{number}.json", json.dumps(fresh(example, requestParameters=cut)).encode())
    put(inbox, "text.json", b"this is no CloudTrail\n")
    (inbox / "nowhere.json").symlink_to("there-is-no-such-file")


def put(inbox, name, content):
    part = inbox / f".{name}.part"
    part.write_bytes(content)
    part.rename(inbox / name)


def start_moto(program, folder, running):
    """AWS, with a bucket that tells a queue of its objects; `None` without moto."""
    port = free_port()
    set_environment(port)
    if not program:
        return None
    start(running, folder / "moto.log", [program, "-H", "127.0.0.1", "-p", str(port)])
    wait("moto", lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), running)
    return Aws(f"http://127.0.0.1:{port}")


class Aws:
    """A bucket and a queue at moto, which looks at the service's name in a signature and not at it."""

    def __init__(self, url):
        self.url = url
        self.queue_url = json.loads(self.sqs("CreateQueue", {"QueueName": QUEUE}))["QueueUrl"]
        about = {"QueueUrl": self.queue_url, "AttributeNames": ["QueueArn"]}
        arn = json.loads(self.sqs("GetQueueAttributes", about))["Attributes"]["QueueArn"]
        place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
        self.s3(f"/{BUCKET}", place.encode())
        tell = f"<QueueConfiguration><Queue>{arn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>"
        self.s3(f"/{BUCKET}?notification", f"<NotificationConfiguration>{tell}</NotificationConfiguration>".encode())

    def put(self, key, content):
        self.s3(f"/{BUCKET}/{key}", content)

    def s3(self, path, body):
        return self.send("PUT", path, "s3", body, {"Content-Type": "application/octet-stream"})

    def sqs(self, action, body):
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        return self.send("POST", "/", "sqs", json.dumps(body).encode(), headers)

    def send(self, method, path, service, body, headers):
        scope = f"testing/20260101/eu-west-1/{service}/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with opener().open(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Trouble(f"moto refuses {method} {path}: {error.read().decode()}") from error


def opener():
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


if __name__ == "__main__":
    sys.exit(main())
