#!/usr/bin/python3
"""Issues registry tokens by an access list and records which account requested each.

usage: token_server.py STATE ISSUER ADDRESS...    an address is HOST:PORT, or tls://HOST:PORT

An account may push and pull NAME/*, anyone may pull public/* and library/*, and admin may do everything. The files below
STATE configure the accounts: passwords/NAME contains NAME's password, and members/NAME other namespaces of NAME. If
refresh/NAME exists, the server returns it as a refresh token, and `docker login` stores it as an identity token instead of
the password. An access token of the OpenID provider ISSUER is accepted as the password of its account. Every request adds
one line to STATE/log/accounts: the account's name, "nobody", or "NAME!" after a wrong password.
https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/
"""
import base64
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlparse
from urllib.request import Request, urlopen

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

STATE = Path(sys.argv[1])
ISSUER = sys.argv[2]
KEY = (STATE / "certs/token.key").read_text()
CERTIFICATE = x509.load_pem_x509_certificate((STATE / "certs/token.pem").read_bytes()).public_bytes(Encoding.DER)
PASSWORDS = {file.name: file.read_text() for file in (STATE / "passwords").iterdir()}
MEMBERS = {file.name: file.read_text().split() for file in (STATE / "members").glob("*")}
REFRESH = {file.name: file.read_text() for file in (STATE / "refresh").iterdir()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        user, password = "", None
        if scheme.lower() == "basic":
            user, _, password = base64.b64decode(credentials).decode().partition(":")
        self.grant(parse_qs(urlparse(self.path).query), user, opens(user, password))

    def do_POST(self):
        form = parse_qs(self.body().decode())
        if form.get("grant_type") == ["refresh_token"]:
            token = form["refresh_token"][0]
            user = next((name for name, known in REFRESH.items() if known == token), "")
            self.grant(form, user, user != "")
        else:
            user = form.get("username", [""])[0]
            self.grant(form, user, opens(user, form.get("password", [None])[0]))

    def grant(self, form, user, accepted):
        with open(STATE / "log/accounts", "a") as log:
            log.write((user or "nobody") + ("" if accepted else "!") + "\n")
        if not accepted:
            return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user name or password"}]})
        now = int(time.time())
        scopes = [scope for scopes in form.get("scope", []) for scope in scopes.split()]
        claims = {
            "iss": "e2e", "sub": user, "aud": "e2e", "iat": now, "nbf": now - 10, "exp": now + 300,
            "access": [access for access in map(lambda scope: allowed(user, scope), scopes) if access["actions"]],
        }
        header = {"x5c": [base64.b64encode(CERTIFICATE).decode()]}
        token = jwt.encode(claims, KEY, algorithm="ES256", headers=header)
        answer = {"token": token, "access_token": token, "expires_in": 300}
        if user in REFRESH:
            answer["refresh_token"] = REFRESH[user]
        self.answer(200, answer)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":  # containers/image sends chunks
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def opens(user, password):
    return password == PASSWORDS.get(user) or owner(password) == user


def owner(token):
    """Asks the provider for the account of an access token (RFC 7662)."""
    us = {"Authorization": "Basic " + base64.b64encode(b"registry:registry").decode()}
    question = Request(ISSUER + "/token/introspection", urlencode({"token": token}).encode(), us)
    try:
        with urlopen(question, timeout=10) as answer:
            found = json.load(answer)
    except OSError as error:  # includes a refusal
        print(f"the provider does not say whose token it is: {error}", file=sys.stderr)
        return None
    return found["sub"] if found["active"] and found["token_type"] == "Bearer" else None


def allowed(user, scope):
    kind, name, actions = scope.split(":", 1)[0], *scope.split(":", 1)[1].rsplit(":", 1)
    namespace = name.split("/")[0]
    everything = user == "admin" or (kind == "repository" and namespace in (user, *MEMBERS.get(user, ())))
    public = kind == "repository" and namespace in ("public", "library")
    wanted = [action for action in actions.split(",") if everything or (public and action == "pull")]
    return {"type": kind, "name": name, "actions": wanted}


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # with the default 5, many clients at once would wait for a second


def listen(address):
    host, port = address.removeprefix("tls://").rsplit(":", 1)
    server = Server((host, int(port)), Handler)
    if address.startswith("tls://"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(STATE / "certs/tls.pem", STATE / "certs/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return threading.Thread(target=server.serve_forever)


for thread in [listen(address) for address in sys.argv[3:]]:
    thread.start()
