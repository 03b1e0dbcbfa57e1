"""Builds the bench's own C programs and runs them on the load's core."""

import json
import pathlib
import select
import shutil
import subprocess
import time

from . import processes

BENCH = pathlib.Path(__file__).resolve().parent.parent


class Tools:
    """The upstream, which runs until `close`, and the load generator, started for each measurement."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.build()
        self.upstreams = []
        self.upstream_port = self.start_upstream()

    def build(self):
        compiler = next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), None)
        if compiler is None:
            raise processes.BenchError("no C compiler: apt-get install gcc")
        flags = ["-O2", "-Wall", "-Wextra", "-Werror"]
        programs = {
            "upstream": ["upstream.c"], "load": ["load.c", "load_http.c", "load_stream.c", "load_body.c"],
            "alloccount.so": ["-shared", "-fPIC", "alloccount.c"],
        }
        for name, sources in programs.items():
            command = [compiler, *flags, "-o", str(self.directory / name), *sources]
            subprocess.run(command, cwd=BENCH, check=True)

    def start_upstream(self):
        """Starts one more upstream and returns the port that the system gave it."""
        upstream = processes.start(
            [self.directory / "upstream"], processes.LOAD_CORE, stdout=subprocess.PIPE, text=True)
        self.upstreams.append(upstream)
        return int(upstream.stdout.readline())

    def close(self):
        for upstream in self.upstreams:
            processes.stop(upstream)

    def load(self, mode, port, patience=120, **options):
        """Runs a load to its end and returns what it reports."""
        process = self._start(mode, port, options, stdin=subprocess.DEVNULL)
        try:
            output, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise processes.BenchError(f"load {mode} did not end within {patience} s")
        if process.returncode != 0:
            raise processes.BenchError(f"load {mode} failed")
        return json.loads(output.splitlines()[-1])

    def requests(self, port, count, **options):
        """That many requests, every one of them answered as it should be."""
        report = self.load("http", port, requests=count, **options)
        if report["failed"] or report["refused"] or report["requests"] != count:
            raise processes.BenchError(f"requests failed: {report}")
        return report

    def requests_until_end(self, port, **options):
        """Requests that go on until `finish` is called on what this returns."""
        return Running(self._start("http", port, {**options, "until-eof": True}, stdin=subprocess.PIPE))

    def hold(self, mode, port, **options):
        return Held(self._start(mode, port, options, stdin=subprocess.PIPE), mode)

    def _start(self, mode, port, options, stdin):
        command = [self.directory / "load", mode, "--port", port]
        for name, value in options.items():
            command += [f"--{name}"] if value is True else [f"--{name}", value]
        return processes.start(command, processes.LOAD_CORE, stdin=stdin, stdout=subprocess.PIPE, text=True)


class Running:
    """Requests that go on."""

    def __init__(self, process):
        self.process = process

    def finish(self):
        output, _ = self.process.communicate("", timeout=30)
        return json.loads(output.splitlines()[-1])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Held:
    """A load that stays open: streams, or idle connections."""

    def __init__(self, process, mode, seconds=60):
        self.process = process
        self.mode = mode
        self.opened = self._read(seconds)
        if self.opened["broken"] or self.opened["refused"]:
            self.end()
            raise processes.BenchError(f"load {mode}: not everything opened: {self.opened}")

    def _read(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            self.process.wait()
            raise processes.BenchError(f"load {self.mode} says nothing")
        return json.loads(line)

    def ask(self):
        """What it has seen until now."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read(10)

    def end(self):
        """Closes everything; what it has seen in all."""
        self.process.stdin.close()
        report = self._read(10)
        while report["moment"] != "end":
            report = self._read(10)
        self.process.wait(10)
        return report

    def kill(self):
        self.process.kill()
        self.process.wait()

    def watch(self, seconds):
        """What changed within that time: the number of events, with nothing broken."""
        before = self.ask()
        time.sleep(seconds)
        after = self.ask()
        if after["broken"] or after["ended"]:
            raise processes.BenchError(f"load {self.mode}: broken: {after}")
        return after["events"] - before["events"]
