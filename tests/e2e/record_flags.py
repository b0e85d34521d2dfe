#!/usr/bin/env python3
"""Records a client's flags from its own help: tests/e2e/record_flags.py PROGRAM [NAME] >tests/fixtures/flags/NAME.json

The client must use cobra. Flags that an earlier record marks as local stay local. A new command goes into `commands`, and
`cargo test --lib record` then reports that no table contains it.
"""
import glob
import json
import os
import re
import subprocess
import sys

SECTION = re.compile(r"^([A-Z][A-Za-z /]*):$")
FLAG = re.compile(r"^ {2,8}(?:(-\w), )?(?:--([\w.-]+))(\[?=?\S*)(?: (\S+))?(?:\s{2,}|$)")
COMMAND = re.compile(r"^  ([a-z][\w-]*)\*?\s")
GROUPS = ("Commands", "Management Commands", "Available Commands", "Common Commands", "Swarm Commands", "Subcommands")


def sections(words):
    run = subprocess.run([*words, "--help"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "500"})
    found, name = {}, ""
    for line in (run.stdout or run.stderr).splitlines():
        heading = SECTION.match(line)
        if heading:
            name = heading[1]
        found.setdefault(name, []).append(line)
    return found


def flags(lines):
    kinds = {"value": [], "optional": [], "switch": []}
    for match in filter(None, map(FLAG.match, lines)):
        short, long, attached, kind = match.groups()
        if attached or (kind and "[=" in kind):
            name = "optional"
        else:
            name = "value" if kind else "switch"
        kinds[name] += [flag for flag in (short, "--" + long) if flag]
    return {kind: " ".join(sorted(found)) for kind, found in kinds.items() if found}


def walk(program, path, commands):
    help_text = sections([program, *path])
    aliases = " ".join(line.strip() for line in help_text.get("Aliases", [])[1:])
    names = [alias.strip() for alias in aliases.split(",") if alias.strip()]
    parent = " ".join(path[:-1])
    others = [name.split(" ", 1)[1] if " " in name else f"{parent} {name}".strip() for name in names]
    spellings = dict.fromkeys([" ".join(path), *others])
    given = flags(line for name, lines in help_text.items() if "Options" in name or "Flags" in name for line in lines)
    below = [match[1] for name in GROUPS for match in map(COMMAND.match, help_text.get(name, [])) if match]
    seen = {spelling for paths in commands for spelling in paths.split("|")}
    if not path or not (below or seen.issuperset(spellings)):
        commands["|".join(spellings)] = given
    for name in below:
        if name not in ("help", "completion") and path[-1:] != [name]:
            walk(program, [*path, name], commands)


def main():
    program = sys.argv[1]
    grammar = sys.argv[2] if len(sys.argv) > 2 else os.path.basename(program)
    known = set()
    for file in glob.glob(os.path.join(os.path.dirname(__file__), "../fixtures/flags/*.json")):
        record = json.load(open(file))
        known.update(record["local"] if record["grammar"] == grammar else [])
    commands, local = {}, []
    walk(program, [], commands)
    asking = {}
    for paths, given in commands.items():
        kept = [path for path in paths.split("|") if path not in known]
        local += [path for path in paths.split("|") if path in known]
        if kept:
            asking["|".join(kept)] = given
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.splitlines() or [program]
    record = {"client": version[0], "grammar": grammar, "commands": asking, "local": list(dict.fromkeys(local))}
    json.dump(record, sys.stdout, indent=2)
    print()


main()
