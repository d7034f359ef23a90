"""What check.py holds the dashboard against: askance at work, with everything that a panel shows.

One askance reads a folder, a queue and a stream, keeps its state in SQLite and has sinks that work, refuse and are not
there; it makes a baseline, in a bucket, and has an organisation list its accounts. Another one shares the stream and the
baseline and keeps its state in DynamoDB. What they read comes all the time, among it what is
damaged, odd, repeated, left out, and more of one thing than a correlation can keep. AWS is played by moto, with Kinesis and
DynamoDB as they are on a busy day. Nothing here knows of Prometheus or of the dashboard.
"""

import base64
import gzip
import http.server
import json
import os
import pathlib
import random
import threading
import time
import urllib.error
import urllib.request
import uuid

from demo import REGION, Trouble, answers, free_port, set_environment, start, wait

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The rule whose alerts are kept back.
RULE = "d5a8f30d-8339-4c9d-a751-be227c6a459a"
BUCKET, QUEUE, STREAM, LEASES, TABLE = "check-trail", "check-trail", "check-trail", "check-leases", "check-store"
SEEN, SEEN_KEY = "check-seen", "first-seen.bin"
SHARDS = 2
MOST_TO_A_STREAM = 30
# More than a service keeps of one group (docs/rules.md).
MORE_THAN_A_GROUP_KEEPS = 1100


class Scene:
    """Starts all of it in a folder; `aws` says where, or is `None` without moto."""

    def __init__(self, arguments, folder, running):
        self.folder, self.running, self.program = folder, running, arguments.askance
        self.aws = start_moto(arguments.moto, folder, running)
        self.inbox = folder / "in"
        self.inbox.mkdir()
        self.is_over = threading.Event()
        receiver = serve(Receiver)
        # Processes of askance, and where their metrics are.
        self.askances, self.ports = [], []
        self.begin("askance", lambda metrics: configuration(receiver, metrics, self.aws))
        if self.aws:
            self.begin("replica", replica)

    def begin(self, name, configured):
        port = free_port()
        file = self.folder / f"{name}.yaml"
        file.write_text(configured(port))
        command = [self.program, "run", "--config", file]
        self.askances.append(start(self.running, self.folder / f"{name}.log", command))
        self.ports.append(port)
        wait(f"{name} to be ready", lambda: answers(f"http://127.0.0.1:{port}/readyz"), self.running)

    def feed(self):
        """Has things come for as long as it is looked."""
        threading.Thread(target=feed, args=(self.inbox, self.aws, self.is_over), daemon=True).start()


def configuration(receiver, metrics, aws):
    sources = "inbox: {type: directory, path: in/, poll: 500ms, settle: 100ms}"
    if aws:
        sources += f'\n    trail: {{type: s3_queue, queue_url: "{aws.queue_url}", buckets: [{BUCKET}]}}'
        sources += f"\n    {live()}"
    known = f"""\
enrich:
    baseline: {{path: "s3://{SEEN}/{SEEN_KEY}", rebuild: 1h, keep: 1d}}
    accounts: {{file: accounts.json, every: 1m}}
"""
    return f"""\
sources:
    {sources}
sinks:
    log: {{type: file, path: alerts.jsonl}}
    hook: {{type: webhook, url: "http://127.0.0.1:{receiver}/ok"}}
    picky: {{type: webhook, url: "http://127.0.0.1:{receiver}/no"}}
    gone: {{type: webhook, url: "http://127.0.0.1:{free_port()}/"}}
routes: [{{min_level: high, to: [picky]}}, {{to: [log, hook, gone]}}]
filter: {{drop: [{{name: data_keys, match: {{eventSource: kms.amazonaws.com, eventName: GenerateDataKey}}}}]}}
alerts:
    merge_window: 0s
    suppress:
        - {{name: known, match: {{rule.id: {RULE}}}, reason: check, owner: check, until: "2099-12-31"}}
store: {{type: sqlite, path: askance.db}}
metrics: {{listen: "127.0.0.1:{metrics}"}}
aws: {{s3_path_style: true}}
{known if aws else ""}"""


def replica(metrics):
    return f"""\
sources: {{{live()}}}
sinks: {{log: {{type: file, path: replica.jsonl}}}}
alerts: {{merge_window: 0s}}
store: {{type: dynamodb, table: {TABLE}}}
enrich: {{baseline: "s3://{SEEN}/{SEEN_KEY}"}}
metrics: {{listen: "127.0.0.1:{metrics}"}}
aws: {{s3_path_style: true}}
"""


def live():
    return f"live: {{type: kinesis, stream: {STREAM}, application: {LEASES}, initial_position: trim_horizon, failover: 5s}}"


def feed(inbox, aws, is_over):
    """The examples with new ids and the time of now."""
    trail = sorted(path for path in (ROOT / "examples/trail").rglob("*.json*") if path.is_file())
    examples = [json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()) for path in trail]
    number = 0
    while not is_over.is_set():
        example = examples[number % len(examples)]
        packed = gzip.compress(json.dumps(fresh(example)).encode())
        put(inbox, f"{number:05}.json.gz", packed)
        if number == 0:
            odd_ones(inbox, examples)
            too_many(inbox, examples)
        if number % 10 == 0:
            # What came already, under another name, and a damaged one now and then.
            put(inbox, f"{number:05}-again.json.gz", packed)
            put(inbox, f"{number:05}-cut.json.gz", packed[: len(packed) // 2])
        if aws:
            aws.put(f"AWSLogs/{number:05}.json.gz", gzip.compress(json.dumps(fresh(example)).encode()))
            aws.stream(fresh(example)["Records"])
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


def too_many(inbox, examples):
    """Backups that somebody deletes, more than a correlation keeps of one group; and the same once more."""
    records = [record for example in examples for record in example["Records"]]
    person = next(one for one in records if one["userIdentity"].get("type") == "IAMUser" and "errorCode" not in one)
    many = fresh({"Records": [person] * MORE_THAN_A_GROUP_KEEPS}, eventSource="ec2.amazonaws.com", eventName="DeleteSnapshot")
    for name in ("deleted.json", "deleted-again.json"):
        put(inbox, name, json.dumps(many).encode())


def put(inbox, name, content):
    part = inbox / f".{name}.part"
    part.write_bytes(content)
    part.rename(inbox / name)


def serve(handler):
    """Serves on loopback; the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that takes what comes to /ok and refuses the rest."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if self.path == "/ok" else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing: what came is not of interest."""


class Busy(http.server.BaseHTTPRequestHandler):
    """Kinesis and DynamoDB of moto, on a busy day: moto never asks for a pause, AWS does."""

    protocol_version = "HTTP/1.1"
    # The SDK tries once more by itself: so many in a row are seen by askance, too.
    REFUSED, OF = 6, 20
    calls = {"GetRecords": 0, "BatchGetItem": 0}
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.is_refused(self.headers.get("X-Amz-Target", "").rpartition(".")[2]):
            refusal = {"__type": "ProvisionedThroughputExceededException", "message": "a busy day"}
            return self.answer(400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(refusal).encode())
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + self.path, data=body, headers=headers)
        try:
            with opener().open(request, timeout=30) as answer:
                self.answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.headers, error.read())
        except OSError:
            # At the end: moto is gone, or whoever asked.
            self.close_connection = True

    def is_refused(self, action):
        if action not in self.calls:
            return False
        with self.lock:
            self.calls[action] += 1
            return self.calls[action] % self.OF < self.REFUSED

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower().startswith(("content-type", "x-amz")):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: askance says what it meets."""


def start_moto(program, folder, running):
    """AWS, with a bucket that tells a queue of its objects, and a stream; `None` without moto."""
    port = free_port()
    set_environment(port)
    if not program:
        return None
    start(running, folder / "moto.log", [program, "-H", "127.0.0.1", "-p", str(port)])
    wait("moto", lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), running)
    busy = f"http://127.0.0.1:{serve(Busy)}"
    os.environ |= {"AWS_ENDPOINT_URL_KINESIS": busy, "AWS_ENDPOINT_URL_DYNAMODB": busy}
    return Aws(f"http://127.0.0.1:{port}")


class Aws:
    """A bucket, a queue and a stream at moto, which looks at the service's name in a signature and not at it."""

    def __init__(self, url):
        self.url = url
        self.queue_url = json.loads(self.call("sqs", "AmazonSQS.CreateQueue", {"QueueName": QUEUE}))["QueueUrl"]
        about = {"QueueUrl": self.queue_url, "AttributeNames": ["QueueArn"]}
        arn = json.loads(self.call("sqs", "AmazonSQS.GetQueueAttributes", about))["Attributes"]["QueueArn"]
        place = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        self.s3(f"/{BUCKET}", place.encode())
        tell = f"<QueueConfiguration><Queue>{arn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>"
        self.s3(f"/{BUCKET}?notification", f"<NotificationConfiguration>{tell}</NotificationConfiguration>".encode())
        self.call("kinesis", "Kinesis_20131202.CreateStream", {"StreamName": STREAM, "ShardCount": SHARDS})
        self.s3(f"/{SEEN}", place.encode())
        self.past()
        self.call("organizations", "AWSOrganizationsV20161128.CreateOrganization", {"FeatureSet": "ALL"})

    def past(self):
        """What a baseline is made of: an event where a trail puts it."""
        at, account, region = time.gmtime(time.time() - 300), "123456789012", "us-east-1"
        record = {
            "eventVersion": "1.11", "eventID": str(uuid.uuid4()), "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
            "eventName": "GetRole", "eventSource": "iam.amazonaws.com", "awsRegion": region, "recipientAccountId": account,
            "userIdentity": {"type": "IAMUser", "accountId": account, "arn": f"arn:aws:iam::{account}:user/taro", "userName": "taro"},
        }
        name = f"{account}_CloudTrail_{region}_{time.strftime('%Y%m%dT%H%MZ', at)}_check.json.gz"
        folder = f"AWSLogs/{account}/CloudTrail/{region}/{time.strftime('%Y/%m/%d', at)}"
        self.put(f"{folder}/{name}", gzip.compress(json.dumps({"Records": [record]}).encode()))

    def put(self, key, content):
        self.s3(f"/{BUCKET}/{key}", content)

    def stream(self, records):
        """An event to a record, spread over the shards; of many the first ones."""
        packed = (base64.b64encode(json.dumps(record).encode()).decode() for record in records[:MOST_TO_A_STREAM])
        entries = [{"Data": data, "PartitionKey": str(uuid.uuid4())} for data in packed]
        self.call("kinesis", "Kinesis_20131202.PutRecords", {"StreamName": STREAM, "Records": entries})

    def s3(self, path, body):
        return self.send("PUT", path, "s3", body, {"Content-Type": "application/octet-stream"})

    def call(self, service, target, body):
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return self.send("POST", "/", service, json.dumps(body).encode(), headers)

    def send(self, method, path, service, body, headers):
        scope = f"testing/20260101/{REGION}/{service}/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with opener().open(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Trouble(f"moto refuses {method} {path}: {error.read().decode()}") from error


def opener():
    """Loopback is reached without a proxy."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
