#!/usr/bin/env bash
# lint.sh: checks the workflows with actionlint and the scripts with shellcheck. actionlint runs shellcheck over the steps of the workflows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
actionlint=$(.ci/go-tool.sh github.com/rhysd/actionlint/cmd/actionlint 1.7.12)
"$actionlint" -shellcheck "$(command -v shellcheck)" .github/workflows/*.yml
shellcheck --external-sources .ci/run .ci/*.sh
