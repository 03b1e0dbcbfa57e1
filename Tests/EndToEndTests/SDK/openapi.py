"""Runs Schemathesis on a description, with a key: every check, a few examples of each operation.

    openapi.py CONFIG URL KEY
"""

import sys

from schemathesis.cli import schemathesis

config, url, key = sys.argv[1:]
schemathesis([
    "--config-file", config, "run", url, "--header", f"Authorization: Bearer {key}", "-n", "10",
    "--generation-database", "none", "--suppress-health-check", "all", "--no-shrink", "--no-color",
    "--continue-on-failure",
])
