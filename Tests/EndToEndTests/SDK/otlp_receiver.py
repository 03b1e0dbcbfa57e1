"""A receiver of OTLP over HTTP, as a collector has one. Writes each request's body as one line of a file.

Usage: otlp_receiver.py HOST:PORT FILE
"""

import http.server
import json
import sys

(host, port), path = sys.argv[1].split(":"), sys.argv[2]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        spans = json.loads(body)
        status = 200
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/json":
            status = 404
        elif self.headers["x-api-key"] != "otlp-secret":
            status = 401
        if status == 200:
            with open(path, "a") as file:
                file.write(json.dumps(spans) + "\n")
        answer = b'{"partialSuccess":{}}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer((host, int(port)), Receiver).serve_forever()
