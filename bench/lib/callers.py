"""Rows about who may come in: keys of users, and JWTs. Only headgate is measured."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import time

from . import measuring, processes

KEYS = 100_000
TOKENS = 2_000
# The baseline is sent the same credential and does not look at it.
UNREAD = "{ mode: none, ignore_credentials: true }"
USER_KEYS = "{ mode: user-keys, store: main }"


# Keys --------------------------------------------------------------------------------------------------

def key_of(length):
    return "hg_" + "k" * (length - 3)


@contextlib.contextmanager
def users_keys(proxy, count, key):
    """A store with that many keys, `key` among them, in front of everything."""
    path = proxy.directory / "callers.db"
    for file in proxy.directory.glob("callers.db*"):
        file.unlink()
    with proxy.changed(auth=USER_KEYS, key=key, sections=f"stores:\n  main: {path}\n"):
        proxy.write_config(1)
        must(proxy.run_program("db", "init", "-c", proxy.config))
        must(proxy.run_program("user", "add", "bench", "-c", proxy.config, "--no-password"))
        insert_keys(path, count, key)
        yield


def must(done):
    if done.returncode != 0:
        raise processes.BenchError(f"{done.args}: {done.stdout}{done.stderr}")
    return done.stdout


def insert_keys(path, count, key):
    """Straight into the table: `headgate apikey create` would need hours."""
    now = int(time.time())
    texts = [f"hg_bench{number:056}" for number in range(count - 1)] + [key]
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        user = database.execute("SELECT id FROM users WHERE username = 'bench'").fetchone()[0]
        database.executemany(
            "INSERT INTO keys (public_id, user_id, kind, name, shown_prefix, digest, created_at)"
            " VALUES (?, ?, 'key', ?, ?, ?, ?)",
            ((f"bench-{number}", user, f"k{number}", text[:12], hashlib.sha256(text.encode()).digest(), now)
             for number, text in enumerate(texts)))


def added_instructions(bench, proxy, length):
    key = key_of(length)
    with proxy.changed(auth=UNREAD, key=key):
        baseline = measuring.worker_instructions(bench, proxy, key=proxy.key)
    with users_keys(proxy, KEYS, key):
        return measuring.worker_instructions(bench, proxy, key=proxy.key) - baseline


def key_short(bench, proxy):
    return added_instructions(bench, proxy, 55)


def key_long(bench, proxy):
    return added_instructions(bench, proxy, 67)


def key_allocations(bench, proxy):
    with users_keys(proxy, KEYS, key_of(67)):
        return measuring.allocations_per_request(bench, proxy, key=proxy.key)


def key_memory(bench, proxy):
    """Proportional set size with 100,000 keys less that with one, over their number."""
    sizes = []
    for count in (1, KEYS):
        with users_keys(proxy, count, key_of(67)):
            proxy.start()
            bench.tools.requests(proxy.port, 2_000, key=proxy.key)
            sizes.append(proxy.pss_kib() * 1024)
    return (sizes[1] - sizes[0]) / (KEYS - 1)


def revocation(bench, proxy):
    """From the end of the command to the first refusal, among 100,000 keys."""
    with users_keys(proxy, KEYS, key_of(67)):
        made = must(proxy.run_program("apikey", "create", "--user", "bench", "-c", proxy.config, "--json"))
        made = json.loads(made)
        proxy.start()
        key, proxy.key = proxy.key, made["api_key"]
        try:
            processes.wait_for(lambda: proxy.get("/")[0] == 200, 10, "a new key to be known", 0.005)
            must(proxy.run_program("apikey", "revoke", made["key_id"], "-c", proxy.config))
            return 1e3 * processes.wait_for(lambda: proxy.get("/")[0] == 401, 10, "a revoked key to be refused")
        finally:
            proxy.key = key


# JWTs --------------------------------------------------------------------------------------------------

class Signer:
    """Makes tokens with the command line of OpenSSL, so that no package is needed."""

    def __init__(self, directory, algorithm):
        self.algorithm = algorithm
        self.private, self.public = directory / f"{algorithm}.key", directory / f"{algorithm}.pem"
        if algorithm == "HS256":
            self.private.write_text(os.urandom(32).hex())
            self.private.chmod(0o600)
            return
        kinds = {"RS256": ["rsa_keygen_bits:2048"], "ES256": ["ec_paramgen_curve:P-256"]}
        kind = "RSA" if algorithm == "RS256" else "EC"
        options = [word for one in kinds[algorithm] for word in ("-pkeyopt", one)]
        openssl("genpkey", "-quiet", "-algorithm", kind, *options, "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    @property
    def auth(self):
        key = f"secret: {{ file: {self.private} }}" if self.algorithm == "HS256" \
            else f"public_key: {self.public}"
        return f"{{ mode: jwt, algorithms: [{self.algorithm}], {key} }}"

    def token(self, subject):
        head = {"alg": self.algorithm, "typ": "JWT"}
        claims = {"sub": subject, "exp": int(time.time()) + 3600}
        signed = b".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
        return (signed + b"." + base64url(self.sign(signed))).decode()

    def sign(self, signed):
        if self.algorithm == "HS256":
            return hmac.digest(self.private.read_bytes(), signed, "sha256")
        signature = openssl("dgst", "-sha256", "-sign", self.private, input=signed)
        return raw_signature(signature) if self.algorithm == "ES256" else signature


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **options).stdout


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def raw_signature(der):
    """The two numbers of an ECDSA signature, 32 bytes each (RFC 7518, section 3.4)."""
    numbers, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        numbers += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big")
        at += 2 + length
    return numbers


def jwt_known(bench, proxy):
    """What a token costs that was seen before."""
    signer = Signer(proxy.directory, "HS256")
    token = signer.token("bench")
    with proxy.changed(auth=UNREAD, key=token):
        baseline = measuring.worker_instructions(bench, proxy, key=proxy.key)
    with proxy.changed(auth=signer.auth, key=token):
        return measuring.worker_instructions(bench, proxy, key=proxy.key) - baseline


def jwt_first(algorithm):
    def measure(bench, proxy):
        """All tokens once, less all of them again."""
        count = bench.scaled(TOKENS)
        signer = Signer(proxy.directory, algorithm)
        file = proxy.directory / "tokens"
        file.write_text("".join(signer.token(f"caller-{number}") + "\n" for number in range(count)))
        with proxy.changed(auth=signer.auth, key=signer.token("bench")):
            proxy.start()
            bench.tools.requests(proxy.port, 2_000, key=proxy.key)
            used = [processes.exact_cpu_seconds(proxy.pids())]
            for _ in range(2):
                bench.tools.requests(proxy.port, count, connections=16, keys=file)
                used.append(processes.exact_cpu_seconds(proxy.pids()))
        first, again = used[1] - used[0], used[2] - used[1]
        return (first - again) / count * 1e6
    return measure
