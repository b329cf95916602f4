"""Sends a datagram there and back each millisecond, and tells how long none came.

usage: gaps.py echo ADDRESS               sends back what comes, for ever
       gaps.py ask ADDRESS SECONDS        prints the longest times without an answer, in milliseconds, longest first
"""

import socket
import sys
import time

PORT = 7007


def echo(address):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, PORT))
    while True:
        data, sender = listener.recvfrom(64)
        listener.sendto(data, sender)


def ask(address, seconds):
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.connect((address, PORT))
    asker.settimeout(0.001)
    begun = last = time.monotonic()
    gaps = []
    while time.monotonic() - begun < seconds:
        asker.send(b"?")
        try:
            asker.recv(64)
        except (TimeoutError, ConnectionRefusedError):
            continue
        now = time.monotonic()
        gaps.append(now - last)
        last = now
        time.sleep(0.0005)
    gaps.append(time.monotonic() - last)
    print(*(round(gap * 1000, 1) for gap in sorted(gaps, reverse=True)[:3]))


if sys.argv[1] == "echo":
    echo(sys.argv[2])
else:
    ask(sys.argv[2], float(sys.argv[3]))
