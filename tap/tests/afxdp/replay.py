"""Sends the frames of classic pcap files out of an interface, with a pause after each burst.

usage: replay.py INTERFACE FRAMES_A_BURST FILE...

Prints how many frames were sent. A veth pair holds some hundred frames for the receiver's side (256 for XDP in its driver): without
the pauses it would drop what a busy machine does not take at once.
"""

import socket
import struct
import sys
import time

# What the interfaces of the test take: an Ethernet header at least, and no more than their MTU.
SHORTEST, LONGEST = 14, 9000


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        (captured,) = struct.unpack_from(order + "I", data, at + 8)
        yield data[at + 16 : at + 16 + captured]
        at += 16 + captured


def main():
    interface, burst, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    sent = 0
    for path in paths:
        for frame in frames(path):
            if SHORTEST <= len(frame) <= LONGEST:
                sender.send(frame)
                sent += 1
                if sent % burst == 0:
                    time.sleep(0.002)
    print(sent)


main()
