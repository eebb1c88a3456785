#!/usr/bin/env bash
# check-demo.sh FILE: checks the output of `worker demo --json` against what the demo promises.
set -euo pipefail
jq . "$1"
broken=$(jq -rs '
  def rule(ok; text): if ok then empty else text end;
  def number: type == "number"; # jq compares values of any type: null is less than 1.2
  if length != 1 then ["\(length) values printed, want one object"] else .[0] | [
    rule(.http_429 == 0; "http_429 == 0"),
    rule(.lost == 0; "lost == 0"),
    rule((.tasks | number) and .tasks > 0; "tasks > 0"),
    rule((.budget_used | number) and .budget_used >= 0.97; "budget_used >= 0.97"),
    rule((.redis_calls_per_task | number) and .redis_calls_per_task <= 1.2; "redis_calls_per_task <= 1.2")
  ] end | join(", ")' "$1")
[ -z "$broken" ] || {
  printf 'the demo breaks: %s\n' "$broken" >&2
  exit 1
}
