#!/usr/bin/python3
"""A proxy that supports only CONNECT and writes each target to a log.

usage: proxy.py HOST:PORT LOG
"""
import socket
import sys
import threading


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side closed the connection


def serve(client):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = client.recv(1)
        if not piece:
            return
        head += piece
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    with open(sys.argv[2], "a") as log:
        log.write(f"{method} {target}\n")
    host, port = target.rsplit(":", 1)
    server = socket.create_connection((host, int(port)))
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=copy, args=(server, client), daemon=True).start()
    copy(client, server)


host, port = sys.argv[1].rsplit(":", 1)
listener = socket.create_server((host, int(port)))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
