#!/usr/bin/env python3
"""Interrupts each writing command at each system call about a file: by a kill, and by each of six errors of that call.

usage: tests/crash/run.py [--all] [--seconds N] [--jobs N] [--program PATH] [COMMAND-REGEX]

Without --all the script tests a sample, for about a minute. A kill between two such calls needs no test, because nothing
changes on the disk there. strace injects the faults (`inject=CALL:signal=KILL|error=E:when=N`). After each fault the
script runs one more writing command, and checks that
  - every account that should still exist does, with its secret (otherwise it reports "lost");
  - no file contains a secret unless it also does before or after an undisturbed run, and no file is unfinished ("left");
  - every JSON file is readable, the command succeeds again, and no run hangs or panics ("broken").
"""
import argparse
import base64
import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import updates
from commands import COMMANDS, NEXT, PASSPHRASE, PROGRAMS, SECRETS, prepare, write

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sealed"))
try:
    import sealed
except ImportError:
    sealed = None  # without this module, a sealed secret is found by the name in its file only

ERRORS = ["ENOSPC", "EIO", "EROFS", "EMFILE", "EACCES", "EINTR"]
ROOT = Path(__file__).resolve().parent.parent.parent
# The calls to trace. Faults are injected into calls that name a file of the home.
CALLS = (
    "openat,open,read,write,pwrite64,close,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "link,linkat,symlink,symlinkat,stat,lstat,fstat,newfstatat,statx,readlink,readlinkat,getdents64,flock,fchmod,chmod,"
    "fchmodat,ftruncate,access,faccessat2,copy_file_range,sendfile,lseek"
)


class Home:
    """A home folder, which is set up once for each command and restored before each fault."""

    def __init__(self, folder, program):
        self.path, self.copy = folder / "home", folder / "copy"
        self.program = "bin/docker-credential-ensign"
        self.env = {
            "HOME": str(self.path), "PATH": f"{self.path}/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(self.path / "run"),
            "ENSIGN_CONFIG_DIR": str(self.path / "config"), "ENSIGN_DATA_DIR": str(self.path / "data"),
            "ENSIGN_JOURNAL": "off",
        }
        (self.path / "bin").mkdir(parents=True)
        (self.path / "bin/docker-credential-ensign").symlink_to(program)
        for name, script in PROGRAMS.items():
            (self.path / "bin" / name).write_text(script)
            (self.path / "bin" / name).chmod(0o755)

    def run(self, words, stdin="", under=()):
        words = [word.replace("$HOME", str(self.path)) for word in words]
        run = subprocess.run(
            [*under, str(self.path / self.program), *words], input=stdin, env=self.env, cwd=self.path,
            capture_output=True, text=True, timeout=60, errors="replace",
        )
        return run.returncode, run.stdout + run.stderr

    def save(self):
        shutil.copytree(self.path, self.copy, symlinks=True)

    def put_back(self):
        shutil.rmtree(self.path)
        shutil.copytree(self.copy, self.path, symlinks=True)

    def files(self):
        return [path for path in self.path.rglob("*") if path.is_file() and "bin" not in path.parts]


class State:
    """The state of a home: accounts that have a secret, the files that contain each secret, and broken files."""

    def __init__(self, home):
        texts = {str(path.relative_to(home.path)): path.read_bytes() for path in home.files()}
        sealed_names, opened = {}, opened_files(texts)
        for name, text in texts.items():
            if name.startswith("data/sealed/") and is_json(text):
                sealed_names[name] = json.loads(text)["accounts"]
        texts.update(opened)
        self.places = {secret: {name for name, text in texts.items() if holds(text, secret)} for secret in SECRETS}
        self.unfinished = {name for name in texts if name.endswith(".new")}
        self.broken = {name for name, text in texts.items() if name.endswith(".json") and not is_json(text)}
        self.accounts = set()
        if "config/config.json" in texts and "config/config.json" not in self.broken:
            for host, registry in json.loads(texts["config/config.json"]).get("registries", {}).items():
                secrets = texts.get(f"data/secrets/{host}.json", b"{}")
                known = list(json.loads(secrets).get("secrets", {})) if is_json(secrets) else []
                known_sealed = sealed_names.get(f"data/sealed/{host}.json", [])
                if sealed:
                    known_sealed = list(json.loads(opened.get(f"data/sealed/{host}.json", b"{}")).get("secrets", {}))
                theirs = b"".join(text for name, text in texts.items() if name.startswith("theirs/"))
                for name, account in registry.get("accounts", {}).items():
                    store = account.get("store", "file")
                    in_helper = store.startswith("helper:") and f"/ensign/{name}\"".encode() in theirs
                    here = known_sealed if store == "sealed" else known
                    if name in here or in_helper or "borrow" in str(account.get("source")):
                        self.accounts.add((host, name))


def holds(text, secret):
    user, word = secret
    return word.encode() in text or base64.b64encode(f"{user}:{word}".encode()) in text


def opened_files(texts):
    """Returns the plain texts of the sealed files that the present key opens."""
    if not sealed or "data/key.json" not in texts or not is_json(texts["data/key.json"]):
        return {}
    keys = data_keys(texts["data/key.json"], texts.get("mounted-key", b""))
    opened = {}
    for name, text in texts.items():
        if name.startswith("data/sealed/") and is_json(text):
            with contextlib.suppress(Exception):
                file = json.loads(text)
                opened[name] = json.dumps(sealed.open_file(file, keys[file["key"]])).encode()
    return opened


@functools.cache
def data_keys(description, mounted):
    """Returns the usable data keys by their ids. During a change of the key there are two."""
    file = json.loads(description)
    held = [sealed.unwrap(file, PASSPHRASE)] if file["holder"] == "passphrase" else map(base64.b64decode, mounted.split())
    keys = {sealed.key_id(key): key for key in held}
    keys = {file["key"]: keys[file["key"]]} if file["key"] in keys else {}
    if "previous" in file and keys:
        before = sealed.previous(file, keys[file["key"]])
        keys[sealed.key_id(before)] = before
    return keys


def is_json(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


class Matrix:
    """The test of one command at all its points, each of which is a system call and a fault."""

    def __init__(self, command, folder, program):
        self.command, self.home = command, Home(folder, program)
        prepare(self.home, command)
        self.prepare_more(folder, program)
        self.home.save()
        self.before = State(self.home)
        self.open()
        trace = folder / "trace"
        self.codes = [self.home.run(command.words, command.stdin, ["strace", "-y", "-o", str(trace), "-e", f"trace={CALLS}"])[0]]
        self.after = State(self.home)
        self.open()
        self.codes.append(self.home.run(command.words, command.stdin)[0])
        lines = trace.read_text(errors="replace").splitlines()
        self.points = list(self.points_of(lines))
        # The accounts that must still exist after any fault.
        self.stays = self.after.accounts if command.starts_anew else self.before.accounts & self.after.accounts

    def prepare_more(self, folder, program):
        """Prepares what only some commands need."""

    def end(self):
        self.home.run(["lock"])

    def open(self):
        """Restores state that is not in files: the kernel's keyring."""
        if self.command.each:
            self.home.run(*self.command.each)

    def points_of(self, lines):
        counts = {}
        for line in lines:
            call = re.match(r"(\w+)\(", line)
            if not call:
                continue
            name = call.group(1)
            counts[name] = counts.get(name, 0) + 1
            if str(self.home.path) in line and f"{self.home.path}/bin/" not in line:
                for fault in ["KILL", *ERRORS]:
                    if not (name == "close" and fault != "KILL"):
                        yield name, counts[name], fault

    def try_point(self, point):
        """Injects one fault, and returns what is wrong afterwards, as pairs (kind, text)."""
        call, when, fault = point
        self.home.put_back()
        self.open()
        effect = "signal=KILL" if fault == "KILL" else f"error={fault}"
        options = ["-f", "-b", "execve", "--seccomp-bpf", "-o", "/dev/null"]  # -b: does not trace the programs that it starts
        strace = ["strace", *options, "-e", f"trace={call}", "-e", f"inject={call}:{effect}:when={when}"]
        try:
            code, said = self.home.run(self.command.words, self.command.stdin, strace)
            first = self.home.run(*self.command.first)[0] if self.command.first else 0
            next_code, next_said = self.home.run(*NEXT)
            state = State(self.home)
            self.open()
            again, again_said = self.home.run(self.command.words, self.command.stdin)
        except subprocess.TimeoutExpired:
            return [("broken", "a run hangs")]
        wrong = [("broken", f"exit {code}: {said}")] if code in (101, 134) or "panicked" in said else []
        if first or next_code:
            wrong.append(("broken", f"the next command: {next_said}"))
        if again not in self.codes:
            wrong.append(("broken", f"again: exit {again}: {again_said}"))
        end = State(self.home)
        for seen in (state, end):
            lost = self.stays - seen.accounts
            wrong += [("lost", f"{sorted(lost)}")] if lost else []
            wrong += [("broken", f"{sorted(seen.broken - self.before.broken)}")] if seen.broken - self.before.broken else []
        for secret in SECRETS:
            known = self.before.places[secret] | self.after.places[secret]
            # The next command that writes one of Docker's files removes a half-written copy of that file.
            now = {name for name in state.places[secret] if not name.startswith((".docker/", ".config/"))} | end.places[secret]
            wrong += [("left", f"{secret[1]} in {sorted(now - known)}")] if now - known else []
            gone = self.before.places[secret] and self.after.places[secret] and not state.places[secret]
            wrong += [("lost", f"{secret[1]}")] if gone else []
        wrong += [("left", f"{sorted(end.unfinished)}")] if end.unfinished else []
        return wrong


class UpdateMatrix(Matrix):
    """The test of a command that replaces the program itself."""

    def prepare_more(self, folder, program):
        self.releases = updates.Releases(folder / "releases")
        updates.prepare_update(self.home, self.releases, program)
        if "--rollback" in self.command.words:  # makes the script the kept version, so that the rollback installs it
            write(self.home, ".local/bin/.ensign-previous", updates.NEXT_PROGRAM)
            (self.home.path / ".local/bin/.ensign-previous").chmod(0o755)

    def end(self):
        self.releases.stop()

    def try_point(self, point):
        call, when, fault = point
        self.home.put_back()
        effect = "signal=KILL" if fault == "KILL" else f"error={fault}"
        options = ["-f", "-b", "execve", "--seccomp-bpf", "-o", "/dev/null"]
        strace = ["strace", *options, "-e", f"trace={call}", "-e", f"inject={call}:{effect}:when={when}"]
        config = (self.home.path / "config/config.json").read_bytes()
        try:
            wrong = updates.what_is_wrong(self.home, updates.OLD, self.home.run(self.command.words, under=strace))
            again = self.home.run(self.command.words)  # succeeds, because the next release ignores its arguments
            wrong += updates.what_is_wrong(self.home, updates.NEW, (1, ""))
            wrong += [("broken", f"again: exit {again[0]}: {again[1]}")] if again[0] else []
        except subprocess.TimeoutExpired:
            return [("broken", "a run hangs")]
        left = updates.names_in_place(self.home) - updates.EXPECTED
        wrong += [("left", f"{sorted(left)}")] if left else []
        changed = config != (self.home.path / "config/config.json").read_bytes()
        return wrong + ([("broken", "the config was changed")] if changed else [])


def work(command, folder, program, points, deadline):
    """Tests points of a command in its own folder. Returns the number of tested points, and the faulty ones."""
    folder.mkdir(parents=True)
    matrix = (UpdateMatrix if command.updates else Matrix)(command, folder, program)
    if points is None:
        chosen = matrix.points
    else:
        chosen = random.Random(command.name).sample(matrix.points, min(points, len(matrix.points)))
    tried, wrong = 0, []
    for point in chosen:
        if time.monotonic() > deadline:
            break
        tried += 1
        wrong += [(command.name, point, kind, words) for kind, words in matrix.try_point(point)]
    matrix.end()
    shutil.rmtree(folder)
    return command.name, tried, len(matrix.points), wrong


def main():
    parser = argparse.ArgumentParser(description="see the head of this file")
    parser.add_argument("only", nargs="?", default=".")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--program", type=Path, default=ROOT / "target/debug/docker-credential-ensign")
    given = parser.parse_args()
    probe = shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if not probe or probe.returncode:
        print("crash: skipped, for strace is not installed or may trace nothing here")
        return 0
    commands = [command for command in COMMANDS if re.search(given.only, command.name)]
    deadline = float("inf") if given.all else time.monotonic() + given.seconds
    points = None if given.all else 2 * given.seconds // 10
    with tempfile.TemporaryDirectory(prefix="ensign-crash.") as folder, concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        run = lambda command: work(command, Path(folder) / command.name, given.program.resolve(), points, deadline)
        results = []
        for name, tried, there, wrong in pool.map(run, commands):
            results.append((tried, there, wrong))
            print(f"{name:<28} {tried:>5} of {there:>5} points   {len(wrong)} wrong", flush=True)
            for _, (call, when, fault), kind, words in wrong[:20]:
                print(f"    {kind}: {call} {when} {fault}: {words.strip()[:300]}", flush=True)
    wrong = list(itertools.chain.from_iterable(wrong for _, _, wrong in results))
    count = lambda kind: sum(1 for _, _, found, _ in wrong if found == kind)
    print(f"crash: {len(commands)} commands, {sum(tried for tried, _, _ in results)} of {sum(there for _, there, _ in results)} "
          f"points tried: {count('lost')} lost, {count('left')} left, {count('broken')} broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
