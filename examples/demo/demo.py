#!/usr/bin/env python3
"""Shows `askance run` at work, with moto in place of AWS: `make demo`.

A bucket tells a queue of its objects, askance reads them as they come and publishes its alerts to a
topic, and a second queue that is subscribed to the topic shows what people would get. What arrives is
compared with what `askance scan` finds in the same files. Everything is on loopback and in a temporary
folder, and is gone afterwards, also after Ctrl-C.

    demo.py [--askance PROGRAM] [--moto PROGRAM] [--trail FOLDER]
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
REGION = "eu-west-1"
BUCKET, QUEUE, TOPIC, READERS = "demo-trail", "demo-trail", "demo-alerts", "demo-readers"
# No wait is longer than this; each ends with what it waited for.
LIMIT_SECONDS = 60


class Trouble(Exception):
    """Something that ends the demo, in words."""


def main():
    parser = read_arguments(__doc__)
    moto = pathlib.Path(sys.executable).parent / "moto_server"
    parser.add_argument("--moto", default=moto, type=pathlib.Path)
    return run(demo, parser.parse_args())


def run(demo, arguments):
    """Runs a demo in a folder of its own, and ends what it has started; answers the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="askance-demo-"))
    running = []
    try:
        return demo(arguments, folder, running)
    except KeyboardInterrupt:
        print("\nended by you")
        return 130
    except Trouble as trouble:
        print(f"\ndemo: {trouble}", file=sys.stderr)
        show_log(folder / "askance.log")
        return 1
    finally:
        for process in reversed(running):
            stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def read_arguments(text):
    """A parser of what every demo takes; its first line is the text's."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--askance", default=ROOT / "target/release/askance", type=pathlib.Path)
    parser.add_argument("--trail", default=ROOT / "examples/trail", type=pathlib.Path)
    return parser


def demo(arguments, folder, running):
    files = sorted(path for path in arguments.trail.rglob("*") if path.is_file())
    if not files:
        raise Trouble(f"no file below {arguments.trail}")
    expected = scan(arguments)

    step("AWS, played by moto")
    port = free_port()
    set_environment(port)
    start(running, folder / "moto.log", [arguments.moto, "-H", "127.0.0.1", "-p", str(port)])
    wait("moto", lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), running)
    aws = Aws()

    step("a bucket that tells a queue of its objects; a topic with a reader")
    aws.prepare()
    print(f"    s3://{BUCKET} -> {aws.queue_url}")
    print(f"    {aws.topic_arn} -> {aws.readers_url}")

    step("askance run --config askance.yaml")
    metrics = free_port()
    config = configuration(aws, metrics)
    (folder / "askance.yaml").write_text(config)
    print("".join(f"    {line}\n" for line in config.splitlines()), end="")
    command = [arguments.askance, "run", "--config", folder / "askance.yaml"]
    started = start(running, folder / "askance.log", command)
    wait("askance to be ready", lambda: answers(f"http://127.0.0.1:{metrics}/readyz"), running)

    step(f"CloudTrail delivers {len(files)} files, and alerts arrive")
    arrived = deliver(aws, arguments.trail, files, expected, running)

    step("the end")
    stop(started)
    if started.returncode != 0:
        raise Trouble(f"askance ended with exit code {started.returncode}")
    missing, more = expected - arrived, arrived - expected
    if missing or more:
        raise Trouble(f"{len(missing)} alerts are missing, {len(more)} are not those of askance scan")
    print(f"    {len(arrived)} alerts, the same that askance scan finds in these files")
    return 0


class Aws:
    """The AWS of the demo: what a team would set up once."""

    def __init__(self):
        try:
            import boto3
        except ImportError as error:
            raise Trouble(f"{error} (run: make tools)") from error
        options = {"region_name": REGION, "endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
        self.s3, self.sqs, self.sns = (boto3.client(name, **options) for name in ("s3", "sqs", "sns"))

    def prepare(self):
        self.queue_url, queue_arn = self.queue(QUEUE)
        self.readers_url, readers_arn = self.queue(READERS)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        tell = {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [tell]}
        )
        self.topic_arn = self.sns.create_topic(Name=TOPIC)["TopicArn"]
        self.sns.subscribe(
            TopicArn=self.topic_arn,
            Protocol="sqs",
            Endpoint=readers_arn,
            Attributes={"RawMessageDelivery": "true"},
        )

    def queue(self, name):
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        about = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, about["Attributes"]["QueueArn"]

    def put(self, key, path):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())

    def read(self, wait_seconds):
        """Alerts that have arrived at the reader, as JSON."""
        received = self.sqs.receive_message(
            QueueUrl=self.readers_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        messages = received.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.readers_url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


def configuration(aws, metrics_port):
    return f"""\
sources: {{trail: {{type: s3_queue, queue_url: "{aws.queue_url}", buckets: [{BUCKET}]}}}}
sinks: {{people: {{type: sns, topic_arn: "{aws.topic_arn}"}}}}
routes: [{{to: [people]}}]
store: {{type: sqlite, path: askance.db}}
alerts: {{merge_window: 0s}}
metrics: {{listen: "127.0.0.1:{metrics_port}"}}
aws: {{s3_path_style: true}}
"""


def deliver(aws, trail, files, expected, running):
    arrived = set()
    for path in files:
        aws.put(path.relative_to(trail).as_posix(), path)
        arrived |= show(aws.read(0))
    deadline = time.monotonic() + LIMIT_SECONDS
    while not expected <= arrived and time.monotonic() < deadline:
        check(running)
        arrived |= show(aws.read(1))
    # Nothing that should not come comes late.
    return arrived | show(aws.read(1))


def show(alerts):
    for alert in alerts:
        actor = alert["actor"]
        who = actor.get("session") or actor.get("name") or "somebody"
        what = ", ".join(part["id"] for part in alert["resource"] or [] if part.get("id"))
        where = f"{alert['account']}, {alert['region']}"
        print(f"    {alert['time']}  {alert['level'].upper():8}  {alert['rule']['title']}")
        print(f"        {who} in {where}{': ' if what else ''}{what}", flush=True)
    return {alert["id"] for alert in alerts}


def scan(arguments):
    """Ids of the alerts that `askance scan` raises."""
    if not arguments.askance.exists():
        raise Trouble(f"there is no {arguments.askance} (run: make build)")
    command = [arguments.askance, "scan", arguments.trail, "--format", "jsonl", "--quiet"]
    scanned = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if scanned.returncode != 0:
        raise Trouble(f"askance scan ended with exit code {scanned.returncode}")
    return {json.loads(line)["id"] for line in scanned.stdout.splitlines()}


def set_environment(port):
    """For this program and those that it starts: moto, and nothing of a real AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def start(running, log, command):
    """Starts a program in a group of its own: Ctrl-C is ours to pass on, once."""
    try:
        with open(log, "wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    except OSError as error:
        raise Trouble(f"cannot start {command[0]}: {error}") from error
    running.append(process)
    return process


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def check(running):
    for process in running:
        if process.poll() is not None:
            raise Trouble(f"{process.args[0]} has ended with exit code {process.returncode}")


def wait(what, is_there, running):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_there():
        check(running)
        if time.monotonic() > deadline:
            raise Trouble(f"waited {LIMIT_SECONDS} s for {what}")
        time.sleep(0.1)


def answers(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def show_log(path):
    if path.exists():
        print("the end of askance's log:", file=sys.stderr)
        for line in path.read_text(errors="replace").splitlines()[-20:]:
            print(f"    {line}", file=sys.stderr)


def step(what):
    print(f"\n== {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
