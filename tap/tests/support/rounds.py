"""Questions and answers over one connection: rounds.py server ADDRESS PORT, or rounds.py client ADDRESS PORT ROUNDS.

A question has 100 bytes and an answer 1000. The client then leaves the connection open until somebody ends it.
"""

import signal
import socket
import sys

QUESTION, ANSWER = 100, 1000


def receive(connection, count):
    while count > 0:
        part = connection.recv(count)
        if not part:
            sys.exit()
        count -= len(part)


role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if role == "server":
    connection, _ = socket.create_server((address, port)).accept()
else:
    connection = socket.create_connection((address, port))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if role == "server":
    while True:
        receive(connection, QUESTION)
        connection.sendall(bytes(ANSWER))
for _ in range(int(sys.argv[4])):
    connection.sendall(bytes(QUESTION))
    receive(connection, ANSWER)
signal.pause()
