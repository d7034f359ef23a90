"""Holds JSON lines from standard input against the official OCSF schema; tells what does not fit."""

import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

version, name, *profiles = sys.argv[1:]
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema(name, profiles)
validator = jsonschema.Draft202012Validator(schema)
is_good = True
for number, line in enumerate(sys.stdin, start=1):
    for fault in validator.iter_errors(json.loads(line)):
        is_good = False
        print(f"line {number}: {fault.json_path}: {fault.message[:300]}")
sys.exit(0 if is_good else 1)
