"""Passes frames from interface to interface, each after a delay: relay.py FROM TO SECONDS [FROM TO SECONDS]..."""

import collections
import select
import socket
import sys
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4  # linux/if_packet.h: what this host itself sends
LONGEST_FRAME = 65536

interfaces = {}


def interface(name):
    if name not in interfaces:
        interfaces[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        interfaces[name].bind((name, 0))
        interfaces[name].setblocking(False)
    return interfaces[name]


def receive(source):
    while True:
        try:
            frame, address = source.recvfrom(LONGEST_FRAME)
        except BlockingIOError:
            return
        if address[2] != PACKET_OUTGOING:
            yield frame


words = iter(sys.argv[1:])
hops = [(interface(a), interface(b), float(delay), collections.deque()) for a, b, delay in zip(words, words, words)]
while True:
    due = [queue[0][0] for *_, queue in hops if queue]
    wait = max(0.0, min(due) - time.monotonic()) if due else None
    readable, _, _ = select.select([source for source, *_ in hops], [], [], wait)
    for source, target, delay, queue in hops:
        if source in readable:
            queue.extend((time.monotonic() + delay, frame) for frame in receive(source))
        while queue and queue[0][0] <= time.monotonic():
            target.send(queue.popleft()[1])
