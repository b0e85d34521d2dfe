#!/usr/bin/env python3
"""Checks the syntax of PowerShell scripts with tree-sitter's grammar, on machines without PowerShell.

usage: powershell.py FILE...
"""
import sys

import tree_sitter
import tree_sitter_powershell

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def faults(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


status = 0
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        source = file.read()
    for fault in faults(PARSER.parse(source).root_node):
        text = source[fault.start_byte : fault.end_byte].decode(errors="replace").split("\n")[0]
        print(f"{path}:{fault.start_point[0] + 1}: not PowerShell: {text}")
        status = 1
sys.exit(status)
