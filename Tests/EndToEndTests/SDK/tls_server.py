"""An https server for tests: tls_server.py HOST CERTIFICATE KEY

Prints its port. Answers with what it knows about the connection, as JSON:
  /close     ends the connection after the answer
  /truncate  sends half of an answer without a length and ends without close_notify
  /whole     sends an answer without a length and ends with close_notify
  /big       16 MiB
"""

import json
import socket
import ssl
import sys
import threading

host, certificate, key = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
names = {}
context.sni_callback = lambda sock, name, _: names.__setitem__(sock, name)
count = 0


def serve(raw, number):
    try:
        wire = context.wrap_socket(raw, server_side=True)
    except (ssl.SSLError, OSError):
        return
    reader = wire.makefile("rb")
    requests = 0
    while True:
        line = reader.readline()
        if not line:
            break
        target = line.split()[1].decode()
        length = 0
        while (field := reader.readline()) not in (b"\r\n", b""):
            name, value = field.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        reader.read(length)
        requests += 1
        if target in ("/truncate", "/whole"):
            wire.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")
            if target == "/whole":
                wire.unwrap()
            break
        if target == "/big":
            body = bytes(range(256)) * (65536)
        else:
            body = json.dumps({
                "connection": number, "request": requests, "session_reused": bool(wire.session_reused),
                "version": wire.version(), "sni": names.get(wire), "length": length,
            }).encode()
        close = b"Connection: close\r\n" if target == "/close" else b""
        wire.sendall(b"HTTP/1.1 200 OK\r\n" + close + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        if close:
            break
    raw.close() if target == "/truncate" else None
    wire.close()


def run(raw, number):
    try:
        serve(raw, number)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr, flush=True)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((host, 0))
listener.listen(100)
print(listener.getsockname()[1], flush=True)
while True:
    raw, _ = listener.accept()
    threading.Thread(target=run, args=(raw, count), daemon=True).start()
    count += 1
