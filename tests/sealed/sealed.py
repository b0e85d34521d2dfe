#!/usr/bin/env python3
"""Opens and seals secrets as docs/sealed.md describes, without Ensign's code, to check the program against that page.

usage: tests/sealed/sealed.py open FILE KEYFILE                 prints the text of a sealed file
       tests/sealed/sealed.py seal REGISTRY KEYFILE GENERATION  seals the text on stdin
       tests/sealed/sealed.py unwrap KEY.JSON PASSPHRASE        prints the key in Base64
       tests/sealed/sealed.py vectors                           writes tests/fixtures/sealed/ anew
It needs the package `cryptography`, 44 or newer.
"""
import base64
import json
import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = bytes(12)
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures/sealed"


def derive(key, salt, purpose, length):
    return HKDF(SHA256(), length, salt, purpose).derive(key)


def key_id(key):
    return derive(key, None, b"ensign key id v1", 8).hex()


def seal(key, salt, about, text):
    return ChaCha20Poly1305(derive(key, salt, b"ensign sealed v1", 32)).encrypt(NONCE, text, about)


def unseal(key, salt, about, sealed):
    return ChaCha20Poly1305(derive(key, salt, b"ensign sealed v1", 32)).decrypt(NONCE, sealed, about)


def about_file(file):
    lines = [f"ensign sealed v{file['version']}", file["registry"], file["key"], str(file["generation"]), *file["accounts"]]
    return "".join(line + "\n" for line in lines).encode()


def open_file(file, key):
    assert file["key"] == key_id(key), "another key"
    text = unseal(key, base64.b64decode(file["salt"]), about_file(file), base64.b64decode(file["sealed"]))
    return json.loads(text)


def seal_file(registry, key, generation, contents, salt=None):
    salt = salt or os.urandom(32)
    file = {"version": 1, "registry": registry, "key": key_id(key), "generation": generation,
            "accounts": sorted(contents["secrets"]), "salt": base64.b64encode(salt).decode()}
    text = json.dumps(contents).encode()
    text += b" " * (-len(text) % 256)
    return file | {"sealed": base64.b64encode(seal(key, salt, about_file(file), text)).decode()}


def key_of_passphrase(file, passphrase):
    wrapped = file["wrapped"]
    salt = base64.b64decode(wrapped["passphrase_salt"])
    argon2 = Argon2id(salt=salt, length=32, iterations=wrapped["passes"], lanes=wrapped["lanes"], memory_cost=wrapped["memory_kib"])
    return argon2.derive(passphrase.encode())


def about_key(file):
    wrapped = file["wrapped"]
    return (f"ensign key v{file['version']}\n{file['key']}\n"
            f"argon2id {wrapped['memory_kib']} {wrapped['passes']} {wrapped['lanes']}\n").encode()


def unwrap(file, passphrase):
    wrapped = file["wrapped"]
    by_passphrase = key_of_passphrase(file, passphrase)
    return unseal(by_passphrase, base64.b64decode(wrapped["salt"]), about_key(file), base64.b64decode(wrapped["sealed"]))


def previous(file, key):
    """Returns the previous data key. The file contains this key only during a change of the key."""
    before = file["previous"]
    about = f"ensign previous key v{file['version']}\n{file['key']}\n{before['key']}\n".encode()
    return unseal(key, base64.b64decode(before["salt"]), about, base64.b64decode(before["sealed"]))


def read_key(path):
    return base64.b64decode(Path(path).read_text())


def vectors():
    """Writes the fixtures. Keys and salts are fixed, so that each run writes the same files."""
    key, salt = bytes(range(32)), bytes(range(32, 64))
    contents = {"version": 1, "secrets": {
        "me": "pässword \"1\"", "work": {"secret": "token", "until": 4102444800, "refresh": "next"}}}
    write = lambda name, value: (FIXTURES / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "key").write_text(base64.b64encode(key).decode() + "\n")
    write("text.json", contents)
    write("ghcr.io.json", seal_file("ghcr.io", key, 7, contents, salt))
    file = {"version": 1, "key": key_id(key), "holder": "passphrase", "cached_for": 60, "wrapped": {
        "memory_kib": 8192, "passes": 1, "lanes": 2, "passphrase_salt": base64.b64encode(bytes(range(64, 80))).decode(),
        "salt": base64.b64encode(bytes(range(80, 112))).decode()}}
    wrapped = seal(key_of_passphrase(file, "correct horse"), bytes(range(80, 112)), about_key(file), key)
    file["wrapped"]["sealed"] = base64.b64encode(wrapped).decode()
    write("key.json", file)


def main(words):
    match words:
        case ["open", file, key]:
            print(json.dumps(open_file(json.loads(Path(file).read_text()), read_key(key)), ensure_ascii=False))
        case ["seal", registry, key, generation]:
            print(json.dumps(seal_file(registry, read_key(key), int(generation), json.load(sys.stdin))))
        case ["unwrap", file, passphrase]:
            print(base64.b64encode(unwrap(json.loads(Path(file).read_text()), passphrase)).decode())
        case ["vectors"]:
            vectors()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
