"""Prints a JWT made by PyJWT: make_jwt.py ALGORITHM KEY CLAIM=VALUE...

Claims that are numbers are written as such; `exp` is an hour from now unless it is given.
"""

import sys
import time

import jwt

algorithm, key, *pairs = sys.argv[1:]
claims = {"exp": int(time.time()) + 3600}
for pair in pairs:
    name, value = pair.split("=", 1)
    claims[name] = int(value) if value.lstrip("-").isdigit() else value
print(jwt.encode(claims, key, algorithm=algorithm))
