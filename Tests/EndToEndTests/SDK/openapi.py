"""Runs Schemathesis on a description, with a key: every check, a few examples of each operation, each time the same.

    openapi.py CONFIG URL KEY [SEED]
"""

import os
import sys

from schemathesis.cli import schemathesis

config, url, key = sys.argv[1:4]
seed = sys.argv[4] if len(sys.argv) > 4 else "7"
# What it remembers between runs goes with the test's folder.
os.chdir(os.path.dirname(config))
schemathesis([
    "--config-file", config, "run", url, "--header", f"Authorization: Bearer {key}", "-n", "10",
    "--generation-database", "none", "--suppress-health-check", "all", "--no-shrink", "--no-color",
    "--continue-on-failure", "--seed", seed,
])
