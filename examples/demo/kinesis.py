#!/usr/bin/env python3
"""Shows a Kinesis source at work, with moto in place of AWS: `make demo-kinesis`.

A log group of CloudWatch Logs has a subscription that writes to a stream; askance reads the stream and
writes its alerts to standard output. In the middle the stream is split. What arrives is compared with what
`askance scan` finds in the same trail. Everything is on loopback and in a temporary folder.

    kinesis.py [--askance PROGRAM] [--trail FOLDER]
"""

import gzip
import json
import subprocess
import sys
import time

from demo import LIMIT_SECONDS, REGION, Trouble
from demo import answers, check, free_port, read_arguments, run, scan, set_environment, show
from demo import start, step, stop, wait

STREAM, GROUP, LOG_STREAM, TABLE = "demo-trail", "demo-trail", "123456789012", "demo-leases"

# moto puts records into a shard that is closed, as long as its hash keys fit: Kinesis never does.
MOTO = """
import sys
from moto.kinesis.models import Stream
find = Stream.get_shard_for_key
def find_open(self, *arguments):
    every = self.shards
    try:
        self.shards = {name: shard for name, shard in every.items() if shard.is_open}
        return find(self, *arguments)
    finally:
        self.shards = every
Stream.get_shard_for_key = find_open
from moto.server import main
main(sys.argv[1:])
"""


def main():
    return run(demo, read_arguments(__doc__).parse_args())


def demo(arguments, folder, running):
    records = read_trail(arguments.trail)
    expected = scan(arguments)

    step("AWS, played by moto")
    port = free_port()
    set_environment(port)
    command = [sys.executable, "-c", MOTO, "-H", "127.0.0.1", "-p", str(port)]
    start(running, folder / "moto.log", command)
    wait("moto", lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), running)

    step("a log group whose subscription writes to a stream of one shard")
    aws = Aws(f"http://127.0.0.1:{port}")
    aws.prepare()
    print(f"    {GROUP} -> {aws.arn}")

    step("askance run --config askance.yaml")
    metrics = free_port()
    config = folder / "askance.yaml"
    config.write_text(configuration(metrics))
    print("".join(f"    {line}\n" for line in config.read_text().splitlines()), end="")
    started = start(running, folder / "askance.log", [arguments.askance, "run", "--config", config])
    wait("askance to be ready", lambda: answers(f"http://127.0.0.1:{metrics}/readyz"), running)

    half = len(records) // 2
    alerts = folder / "alerts.jsonl"
    step(f"CloudTrail writes {half} events")
    aws.put(records[:half])
    arrived = follow(alerts, set(), lambda found: bool(found), running)

    step("the stream is split, and the rest is written")
    aws.split()
    aws.put(records[half:])
    arrived = follow(alerts, arrived, lambda found: expected <= found, running)

    step("askance kinesis leases, once the old shard is read to its end")
    wait("the end of the old shard", lambda: "SHARD_END" in leases(arguments, config), running)
    print("".join(f"    {line}\n" for line in leases(arguments, config).splitlines()), end="")

    step("the end")
    stop(started)
    if started.returncode != 0:
        raise Trouble(f"askance ended with exit code {started.returncode}")
    missing, more = expected - arrived, arrived - expected
    if missing or more:
        raise Trouble(f"{len(missing)} alerts are missing, {len(more)} are not those of askance scan")
    print(f"    {len(arrived)} alerts, the same that askance scan finds in this trail")
    return 0


class Aws:
    """The AWS of the demo: what a team would set up once."""

    def __init__(self, endpoint):
        try:
            import boto3
        except ImportError as error:
            raise Trouble(f"{error} (run: make tools)") from error
        options = {"region_name": REGION, "endpoint_url": endpoint}
        self.logs, self.kinesis = (boto3.client(name, **options) for name in ("logs", "kinesis"))

    def prepare(self):
        self.kinesis.create_stream(StreamName=STREAM, ShardCount=1)
        summary = self.kinesis.describe_stream_summary(StreamName=STREAM)
        self.arn = summary["StreamDescriptionSummary"]["StreamARN"]
        self.logs.create_log_group(logGroupName=GROUP)
        self.logs.create_log_stream(logGroupName=GROUP, logStreamName=LOG_STREAM)
        self.logs.put_subscription_filter(
            logGroupName=GROUP,
            filterName="askance",
            filterPattern="",
            destinationArn=self.arn,
            roleArn="arn:aws:iam::123456789012:role/logs-to-kinesis",
        )

    def put(self, records):
        """Ten events to a call, as an agent would."""
        for first in range(0, len(records), 10):
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": text} for text in records[first : first + 10]]
            self.logs.put_log_events(logGroupName=GROUP, logStreamName=LOG_STREAM, logEvents=events)

    def split(self):
        self.kinesis.split_shard(
            StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
        )


def read_trail(trail):
    """Every record of the trail as text, in the order of the files."""
    records = []
    for path in sorted(path for path in trail.rglob("*") if path.is_file()):
        packed = path.read_bytes()
        text = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
        records += [json.dumps(record) for record in json.loads(text)["Records"]]
    if not records:
        raise Trouble(f"no record below {trail}")
    return records


def configuration(metrics_port):
    return f"""\
sources:
  live: {{type: kinesis, stream: {STREAM}, application: {TABLE}, initial_position: trim_horizon, failover: 2s}}
sinks: {{people: {{type: file, path: alerts.jsonl}}}}
routes: [{{to: [people]}}]
store: {{type: sqlite, path: askance.db}}
alerts: {{merge_window: 0s}}
metrics: {{listen: "127.0.0.1:{metrics_port}"}}
"""


def follow(path, arrived, is_enough, running):
    """Shows alerts as they come, until there are enough of them."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not is_enough(arrived) and time.monotonic() < deadline:
        check(running)
        lines = path.read_text().splitlines() if path.exists() else []
        alerts = [json.loads(line) for line in lines if line.endswith("}")]
        arrived = arrived | show([alert for alert in alerts if alert["id"] not in arrived])
        time.sleep(0.2)
    return arrived


def leases(arguments, config):
    command = [arguments.askance, "kinesis", "leases", "--config", config]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
