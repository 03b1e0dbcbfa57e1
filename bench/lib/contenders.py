"""The proxies that are measured: how each is configured, started, reloaded and ended."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

from . import processes

BENCH = pathlib.Path(__file__).resolve().parent.parent
PEERS = BENCH / "peers"
# Of the gateway rows: requests a minute that each key may make, and what the upstream is sent in its place.
GATEWAY_LIMIT = 10_000
UPSTREAM_KEY = "sk-upstream-0123456789abcdef0123456789abcdef"


class Contender:
    """A proxy in front of the bench's upstream, with one worker on the proxy's core."""

    name = ""
    template = ""
    reload_signal = signal.SIGHUP
    stop_signal = signal.SIGTERM
    # What the bench's own questions carry as `Authorization: Bearer`.
    key = None
    # Whether it does the work of the gateway rows, as the lines of its template with that mark have it.
    gateway = False
    # Variables that it is started with, besides those of the bench.
    environment = {}
    # Whether it was seen to refuse what the gateway rows want refused.
    is_checked = False

    def __init__(self, directory, upstream_port):
        self.directory = pathlib.Path(directory) / self.name
        # Why 0700: headgate puts its admin socket into no folder that others may write to.
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config = self.directory / self.template
        self.upstream_port = upstream_port
        self.port = 0
        self.process = None
        self.generation = 0

    def command(self, single):
        """`single`: as callgrind takes it, in one process without a master where there is such a mode."""
        raise NotImplementedError

    @classmethod
    def is_installed(cls):
        return True

    @contextlib.contextmanager
    def changed(self, **attributes):
        """The proxy, stopped, with other values of these; afterwards as it was, and stopped."""
        self.stop()
        before = {name: getattr(self, name) for name in attributes}
        vars(self).update(attributes)
        try:
            yield
        finally:
            self.stop()
            vars(self).update(before)

    def as_gateway(self, keys):
        """What `changed` takes, so that it lets these keys in; writes the files that this needs."""
        return {"gateway": True}

    def write_config(self, generation):
        """Replaces the file as editors do: a new one is renamed over it."""
        text = (PEERS / self.template).read_text()
        if self.gateway:
            text = text.replace("#gateway ", "")
        values = {"dir": self.directory, "port": self.port, "upstream": self.upstream_port}
        values |= {"limit": GATEWAY_LIMIT, "upstream_key": UPSTREAM_KEY}
        values |= {"generation": generation, **self.more_values()}
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        new = self.config.with_suffix(".new")
        new.write_text(text)
        new.rename(self.config)
        self.generation = generation

    def more_values(self):
        """What the template needs beyond ports and generation."""
        return {}

    def start(self, wrap=(), env=None, single=False, seconds=20, pause=0.002):
        """Starts it and returns the seconds until the first request through it was answered.

        A port that somebody else took in between shows as an exit, and the next one is tried.
        """
        for _ in range(5):
            self.port = processes.free_port()
            self.write_config(1)
            with open(self.directory / "output.log", "w") as log:
                self.process = processes.start(
                    [*wrap, *self.command(single)], processes.PROXY_CORE, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, env={**os.environ, **self.environment, **(env or {})})

            def answered():
                return self.process.poll() is not None or self.get("/") is not None

            try:
                took = processes.wait_for(answered, seconds, f"{self.name} starts", pause)
            except processes.BenchError:
                self.stop()
                raise
            if self.process.poll() is None:
                if self.get("/")[0] != 200:
                    raise processes.BenchError(f"{self.name} does not reach the upstream:\n{self.log()}")
                return took
        raise processes.BenchError(f"{self.name} does not start:\n{self.log()}")

    def get(self, path):
        return processes.get(self.port, path, self.key)

    def log(self):
        return (self.directory / "output.log").read_text()[-2000:]

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, self.stop_signal)
            self.process = None

    def pids(self):
        return processes.tree(self.process.pid)

    def cpu_seconds(self):
        return processes.cpu_seconds(self.pids())

    def pss_kib(self):
        return processes.pss_kib(self.pids())

    def shows(self, generation):
        return self.get("/generation") == (200, str(generation))


class Nginx(Contender):
    name, template = "nginx", "nginx.conf"

    def command(self, single):
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        command = [binary, "-p", self.directory, "-c", self.config, "-e", self.directory / "error.log"]
        return [*command, "-g", "master_process off;"] if single else command

    def as_gateway(self, keys):
        lines = (f'"Bearer {key}" c{number};\n' for number, key in enumerate(keys))
        (self.directory / "callers.map").write_text("".join(lines))
        return {"gateway": True}


class HAProxy(Contender):
    name, template = "haproxy", "haproxy.cfg"
    reload_signal = signal.SIGUSR2

    def command(self, single):
        binary = shutil.which("haproxy") or "/usr/sbin/haproxy"
        return [binary, "-db", "-f", self.config] if single else [binary, "-W", "-db", "-f", self.config]

    def as_gateway(self, keys):
        lines = (f"{key} c{number}\n" for number, key in enumerate(keys))
        (self.directory / "callers.map").write_text("".join(lines))
        return {"gateway": True}


class Envoy(Contender):
    """A peer of the gateway rows alone."""

    name, template = "envoy", "envoy.yaml"
    credentials = []

    @classmethod
    def path(cls):
        return shutil.which("envoy") or BENCH.parent / ".build/venv/bin/envoy"

    @classmethod
    def is_installed(cls):
        return pathlib.Path(cls.path()).exists()

    def command(self, single):
        return [self.path(), "-c", self.config, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]

    def as_gateway(self, keys):
        credentials = [{"key": key, "client": f"c{number}"} for number, key in enumerate(keys)]
        return {"gateway": True, "credentials": credentials}

    def more_values(self):
        return {"credentials": json.dumps(self.credentials), "types": "type.googleapis.com/envoy.extensions"}


class Headgate(Contender):
    name, template = "headgate", "headgate.yaml"
    binary = pathlib.Path(__file__).resolve().parents[2] / ".build/release/headgate"

    @property
    def admin(self):
        # Why so short: a socket's path holds 107 bytes.
        return self.directory / "admin"

    # Upstreams that the file names and nobody asks, for rows about reloads of larger files.
    idle_https_upstreams = 0
    # Who may come in, for rows about callers; more sections, routes and upstreams; more keys of the route to the
    # upstream, and what else it may lead to.
    auth, sections, routes, upstreams, policy, to = "{ mode: none }", "", "", "", "", "bench"

    def more_values(self):
        numbers = range(self.idle_https_upstreams)
        upstreams = (f"  idle-{number}: https://127.0.0.1:9/v1\n" for number in numbers)
        routes = (f"  - {{ path: /idle-{number}/**, auth: callers, to: idle-{number} }}\n" for number in numbers)
        return {
            "more_upstreams": self.upstreams + "".join(upstreams), "more_routes": self.routes + "".join(routes),
            "auth": self.auth, "sections": self.sections, "policy": self.policy, "to": self.to,
        }

    def let_in(self, keys):
        """What `changed` takes, so that these keys come in, each from a variable of its own."""
        environment = {f"BENCH_KEY_{number}": key for number, key in enumerate(keys)}
        variables = ", ".join(environment)
        return {
            "auth": f"{{ mode: env-key, match: any, variables: [{variables}] }}", "key": keys[0],
            "environment": environment,
        }

    def as_gateway(self, keys):
        changes = self.let_in(keys)
        changes["environment"]["BENCH_UPSTREAM_KEY"] = UPSTREAM_KEY
        changes["sections"] = f"limits: {{ each: {{ by: key, requests_per_minute: {GATEWAY_LIMIT} }} }}\n"
        upstream_key = '{ Authorization: "Bearer ${BENCH_UPSTREAM_KEY}" }'
        # Why none: the others' answers do not tell of the limit.
        changes["policy"] = (
            f", limits: each, rate_limit_headers: none, request_headers: {{ set: {upstream_key} }}")
        return changes

    def command(self, single):
        binary = self.binary
        if single:
            # Why a copy: valgrind gives up on the debug information that the Swift compiler writes.
            binary = self.directory / "headgate-stripped"
            subprocess.run(["strip", "--strip-debug", "-o", binary, self.binary], check=True)
        return [binary, "run", "-c", self.config, "--admin", self.admin]

    def run_verb(self, *verb):
        """Runs a verb that talks to the daemon, on the load's core."""
        return self.run_program(*verb, "--admin", self.admin)

    def run_program(self, *arguments):
        with processes.pinned(processes.LOAD_CORE):
            return subprocess.run(
                [self.binary, *arguments], capture_output=True, text=True, timeout=30)


ALL = {contender.name: contender for contender in (Headgate, Nginx, HAProxy, Envoy)}
