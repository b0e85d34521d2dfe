"""Crash tests of `update` and its rollback: after any fault the program's path leads to a program that works."""
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from commands import write

ROOT = Path(__file__).resolve().parent.parent.parent
PLACE = ".local/bin/docker-credential-ensign"
OLD, NEW = "0.1.0", "0.9.0"
# The next release is a script, because the tests only check how it is installed.
NEXT_PROGRAM = f"#!/bin/sh\necho docker-credential-ensign {NEW}\n"
EXPECTED = {"docker-credential-ensign", ".ensign-previous"}


class Releases:
    """A release server with one signed release, in a folder of its own."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        machine = os.uname().machine
        name = f"ensign-{NEW}-{machine}-unknown-linux-musl"
        (folder / name).mkdir()
        (folder / name / "docker-credential-ensign").write_text(NEXT_PROGRAM)
        served = folder / "served/download" / f"v{NEW}"
        served.mkdir(parents=True)
        self.do("tar", "--format=ustar", "-czf", f"{served}/{name}.tar.gz", "-C", str(folder), name)
        (served / "SHA256SUMS").write_bytes(self.do("sh", "-c", f"cd '{served}' && sha256sum *.tar.gz"))
        self.sign(served / "SHA256SUMS")
        shutil.copytree(served, folder / "served/latest/download")
        self.do("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.pem")
        script = ROOT / "tests/fixtures/release_server.py"
        self.server = subprocess.Popen([sys.executable, script, folder / "tls.pem", folder / "tls.key", folder / "served"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = f"https://localhost:{self.server.stdout.readline().strip()}"

    def sign(self, sums):
        """Signs like `minisign -S`: first the file's BLAKE2b-512, then that signature together with the comment."""
        key, comment = self.folder / "sign.key", f"ensign {NEW}"
        self.do("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key))
        public = self.do("openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER")[-32:]
        number = public[:8]
        self.key = base64.b64encode(b"Ed" + number + public).decode()
        signature = self.signed(self.do("openssl", "dgst", "-blake2b512", "-binary", str(sums)))
        head = base64.b64encode(b"ED" + number + signature).decode()
        end = base64.b64encode(self.signed(signature + comment.encode())).decode()
        sums.with_name("SHA256SUMS.minisig").write_text(f"untrusted comment: a test\n{head}\ntrusted comment: {comment}\n{end}\n")

    def signed(self, text):
        (self.folder / "text").write_bytes(text)
        return self.do("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", f"{self.folder}/sign.key", "-in", f"{self.folder}/text")

    def do(self, *words):
        return subprocess.run(words, check=True, capture_output=True).stdout

    def stop(self):
        self.server.kill()
        self.server.wait()


def prepare_update(home, releases, program):
    """Creates an installation as install.sh does, with the release server's address and key in its config."""
    config = json.loads((home.path / "config/config.json").read_text())
    config["releases"] = {"address": releases.address, "key": releases.key}
    write(home, "config/config.json", json.dumps(config, indent=2))
    write(home, ".local/lib/ensign/installed-from", "release\n")
    (home.path / ".local/bin").mkdir(parents=True)
    stripped = subprocess.run(["strip", "-o", home.path / PLACE, program], capture_output=True, check=False)
    if stripped.returncode:
        shutil.copy(program, home.path / PLACE)
    home.env["SSL_CERT_FILE"] = str(releases.folder / "tls.pem")
    home.program = PLACE


def what_is_wrong(home, unchanged, ended):
    """Returns the faults after a run (exit code, output). A failed run must keep the version `unchanged`."""
    wrong, (code, said) = [], ended
    seen, answer = home.run(["version"])
    version = answer.strip().rsplit(" ", 1)[-1]
    if seen or version not in (OLD, NEW):
        return [("lost", f"the program answers {seen} {answer.strip()[:100]}")]
    if code in (101, 134) or "panicked" in said:
        wrong.append(("broken", f"exit {code}: {said}"))
    if code > 0 and version != unchanged:
        wrong.append(("broken", f"exit {code}, but the program is {version}: {said}"))
    return wrong


def names_in_place(home):
    return {path.name for path in (home.path / PLACE).parent.iterdir()}
