"""Opens the page of `action: docs` in headless Chromium, tries an operation in it, and tells what came of that.

    docs_page.py URL KEY OPERATION BODY PROFILE

Speaks the DevTools protocol over a pipe (file descriptors 3 and 4 of the browser, messages ended by NUL). Prints one
JSON object: the ids of the operations in the page, the URLs that were asked for, what the console and the browser
complained of, and the answer that the page shows for OPERATION, which is sent with KEY and BODY.
"""

import json
import os
import subprocess
import sys
import time

SECONDS = 40


class Browser:
    def __init__(self, profile):
        take, self.commands = os.pipe()
        self.events, give = os.pipe()

        def wire():
            # First out of the way, lest one takes the other's number.
            high_take, high_give = os.dup(take), os.dup(give)
            os.dup2(high_take, 3)
            os.dup2(high_give, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
             "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=wire, close_fds=False)
        os.close(take)
        os.close(give)
        self.rest = b""
        self.number = 0
        self.requests, self.complaints = [], []

    def ask(self, method, session=None, **parameters):
        """Sends a command and waits for its answer; notes events on the way."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            found = self.next()
            if found.get("id") == self.number:
                if "error" in found:
                    raise SystemExit(f"{method}: {found['error']}")
                return found["result"]
            self.note(found)

    def next(self):
        while b"\0" not in self.rest:
            piece = os.read(self.events, 1 << 16)
            if not piece:
                raise SystemExit("the browser has gone")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("warning", "error"):
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(parameters["args"]))


def main():
    url, key, operation, body, profile = sys.argv[1:]
    browser = Browser(profile)
    end = time.monotonic() + SECONDS
    try:
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Network", "Log", "Runtime"]:
            browser.ask(f"{domain}.enable", session)

        def evaluate(expression):
            result = browser.ask("Runtime.evaluate", session, expression=expression, returnByValue=True)
            if "exceptionDetails" in result:
                raise SystemExit(f"{expression}: {result['exceptionDetails']}")
            return result["result"].get("value")

        def wait(expression):
            while not evaluate(expression):
                if time.monotonic() > end:
                    raise SystemExit(f"never true: {expression}; complaints: {browser.complaints}")
                time.sleep(0.05)

        browser.ask("Page.navigate", session, url=url)
        wait("document.querySelectorAll('.operation').length > 0")
        place = f"document.getElementById({json.dumps(operation)})"
        evaluate(f"document.getElementById('key').value = {json.dumps(key)}")
        evaluate(f"{place}.open = true")
        evaluate(f"{place}.querySelector('textarea').value = {json.dumps(body)}")
        evaluate(f"{place}.querySelector('button[type=submit]').click()")
        # While it runs, the button that stops it can be pressed.
        wait(f"!{place}.querySelector('pre[role=status]').hidden")
        wait(f"{place}.querySelector('button[type=button]').disabled")
        print(json.dumps({
            "title": evaluate("document.title"),
            "about": evaluate("document.getElementById('about').textContent"),
            "operations": evaluate("[...document.querySelectorAll('.operation')].map((one) => one.id)"),
            "sections": evaluate("[...document.querySelectorAll('h2')].map((one) => one.textContent)"),
            "answer": evaluate(f"{place}.querySelector('pre[role=status]').textContent"),
            "labelled": evaluate("[...document.querySelectorAll('input,select,textarea')].every((one) => one.labels.length)"),
            "requests": browser.requests,
            "complaints": browser.complaints,
        }))
    finally:
        browser.process.kill()
        browser.process.wait()


main()
