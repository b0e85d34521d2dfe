#!/usr/bin/env python3
"""Writes packaging/order.ld: the functions that an answer to Docker runs through, so that the linker puts them side by side.

usage: packaging/order.py        (needs valgrind and cc; run it when `get` has got new parts)

Spread over a program of four megabytes, mostly people's commands and TLS, these 300 KB would touch twice as many pages. A list
that is out of date costs speed and nothing else: names of sections that are not there are no error.
"""

import bisect
import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HEAD = """/* Written by packaging/order.py, which says what for. */
SECTIONS
{
  .text.answer : {
    *(.text.main .text._ZN24docker_credential_ensign*)
    *libc.a:dl-object.o(.text .text.*)
    *libc.a:dl-setup_hash.o(.text .text.*)
    *libc.a:dl-lookup.o(.text .text.*)
"""  # the last three look into the vDSO, which valgrind hides
# A panic ends the program, so Rust's tables for unwinding are of no use; libgcc's own stay, for a backtrace begins in it.
TAIL = """  }
  /DISCARD/ : { *.rcgu.o(.eh_frame) }
}
INSERT BEFORE .text;
"""


def main():
    environment = os.environ | {"SYMBOLS": "1"}
    program = subprocess.run([ROOT / "packaging/build.sh"], env=environment, check=True, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        addresses = set()
        for trace in traces(program, Path(folder)):
            addresses |= executed(trace)
    names = {name for name in map(function_at(program), addresses) if name}
    lines = sorted(set(filter(None, map(pattern(members_of_c()), names))))
    (ROOT / "packaging/order.ld").write_text(HEAD + "".join(f"    {line}\n" for line in lines) + TAIL)


def traces(program, folder):
    """Runs the calls that are to be fast, each under valgrind, which writes down every instruction."""
    store = lambda user: subprocess.run([program, "store"], input=f'{{"ServerURL":"ghcr.io","Username":"{user}","Secret":"s"}}', env=home, check=True, text=True)
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    parent = folder / "docker"
    source = "#include <stdlib.h>\nint main(void) { return system(getenv(\"CALL\")) != 0; }\n"
    subprocess.run(["cc", "-x", "c", "-", "-o", parent], input=source, check=True, text=True)
    store("alice")
    calls = [("get", "ghcr.io"), ("get", "unknown.example"), ("list", "")]
    for number, (verb, server) in enumerate([*calls, ("get", "ghcr.io")]):
        if number == len(calls):
            store("bob")  # two accounts: now the caller's command line is looked at
        trace = folder / f"trace-{number}"
        call = f"printf %s '{server}' | valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file={trace} {program} {verb} >{folder}/said 2>&1; true"
        subprocess.run([parent, "push", "ghcr.io/bob/app:1"], env=home | {"CALL": call}, check=True)
        yield trace


def executed(trace):
    """The addresses of a trace, which writes most of them as a difference to the one before."""
    addresses, address = set(), 0
    for line in trace.read_text().splitlines():
        if found := re.match(r"(0x[0-9a-f]+|[+-]\d+|\*) ", line):
            word = found[1]
            address = int(word, 16) if word.startswith("0x") else address + (0 if word == "*" else int(word))
            addresses.add(address)
    return addresses


def function_at(program):
    lines = subprocess.run(["nm", "--numeric-sort", "--print-size", program], check=True, capture_output=True, text=True).stdout.splitlines()
    functions = [(int(line[0], 16), int(line[1], 16), line[3]) for line in map(str.split, lines) if len(line) == 4 and line[2] in "tTwWi"]
    starts = [start for start, _, _ in functions]

    def name(address):
        start, size, name = functions[max(bisect.bisect_right(starts, address) - 1, 0)]
        return name if start <= address < start + max(size, 1) else None

    return name


def members_of_c():
    """Which object of C's static libraries has a function: their sections are not named after functions."""
    libc, libgcc = (Path(subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout.strip()) for name in ("libc.a", "libgcc_eh.a"))
    members = {}
    for library in (libgcc, *sorted(libc.parent.glob("libm-*.a")), libc):
        lines = subprocess.run(["nm", "--print-file-name", "--defined-only", library], capture_output=True, text=True, errors="replace").stdout.splitlines()
        found = (line for line in map(str.split, lines) if len(line) == 3)
        members |= {line[2]: f"{library.name}:{line[0].split(':')[1]}" for line in found}
    return members


def pattern(members):
    def line(name):
        if rust := re.match(r"(_ZN.*)17h[0-9a-f]{16}E", name):
            return f"*(.text.{rust[1]}17h*)"  # the hash is another with each change
        if name.startswith(("_R", "OUTLINED_")):
            return f"*(.text.{name})"
        # A processor of another kind takes another one of the same name: `memmove-evex-unaligned-erms.o`.
        return f"*{re.sub(r'-(sse|ssse|avx|evex).*', '-*.o', members[name])}(.text .text.*)" if name in members else None

    return line


if __name__ == "__main__":
    main()
