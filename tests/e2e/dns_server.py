"""A DNS server for cases/release.sh, by UDP and TCP, on 127.0.0.53.

usage: dns_server.py FILE

Each line of FILE is `NAME ADDRESSES UDP`: the number of the name's addresses, and how many of them an answer by UDP
contains. An answer with fewer addresses is truncated. The first address is 127.0.0.1.
"""

import socket
import struct
import sys
import threading

ADDRESS = ("127.0.0.53", 53)
A, NAME_ERROR, TRUNCATED = 1, 3, 0x0200


def answer(query: bytes, names: dict, by_udp: bool) -> bytes:
    number, = struct.unpack_from(">H", query)
    labels, place = [], 12
    while query[place]:
        labels.append(query[place + 1 : place + 1 + query[place]].decode())
        place += query[place] + 1
    question = query[12 : place + 5]
    kind, = struct.unpack_from(">H", query, place + 1)
    found = names.get(".".join(labels).lower())
    count, shown = found if found and kind == A else (0, 0)
    shown = shown if by_udp else count
    flags = 0x8180 | (0 if found else NAME_ERROR) | (TRUNCATED if shown < count else 0)
    # Nobody listens on any address except the first.
    records = [struct.pack(">HHHIH4B", 0xC00C, A, 1, 60, 4, 127, 0, 77 if i else 0, i or 1) for i in range(shown)]
    return struct.pack(">6H", number, flags, 1, shown, 0, 0) + question + b"".join(records)


def serve_udp(names: dict) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(ADDRESS)
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, names, True), client)


def serve_tcp(names: dict) -> None:
    server = socket.create_server(ADDRESS)
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            while length := stream.read(2):
                reply = answer(stream.read(*struct.unpack(">H", length)), names, False)
                connection.sendall(struct.pack(">H", len(reply)) + reply)


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as lines:
        names = {name: (int(count), int(shown)) for name, count, shown in (line.split() for line in lines)}
    threading.Thread(target=serve_tcp, args=(names,), daemon=True).start()
    serve_udp(names)


main()
