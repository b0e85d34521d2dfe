#!/usr/bin/env python3
"""Draws a terminal's screen as an SVG. Reads the text from stdin, with bold and colours as escape sequences."""
import re
import sys
from html import escape

WIDTH, HEIGHT, GAP, SIZE = 8.4, 19, 10, 14  # of a letter, of a line, before a command, of the font
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 90: "#8b949e"}
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\(B|\x0f")


def spans(line, style):
    """Yields the parts of a line with their styles. Changes `style`, with which the next line starts."""
    place = 0
    for match in [*SEQUENCE.finditer(line), None]:
        text = line[place : match.start() if match else len(line)]
        if text:
            yield text, dict(style)
        if not match:
            return
        place = match.end()
        for code in map(int, (match[1] or "0").split(";") if match[1] is not None else []):
            if code in (0, 22, 39):
                style.clear()
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["fill"] = COLOURS[90]
            elif code in COLOURS:
                style["fill"] = COLOURS[code]


lines = [line for line in sys.stdin.read().split("\n")]
while lines and re.sub(SEQUENCE, "", lines[-1]).strip() in ("", "$"):
    lines.pop()
plain = [re.sub(SEQUENCE, "", line).rstrip() for line in lines]
typed = [line.startswith("$ ") for line in plain]  # each of these lines starts a step of the session
columns = max(map(len, plain))
width, height = round(columns * WIDTH + 32), len(lines) * HEIGHT + sum(typed[1:]) * GAP + 28
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">')
print("<title>A session: two logins, two pushes, which, status</title>")
print(f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>')
print(f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="{SIZE}" fill="#c9d1d9">')
style = {}
for number, line in enumerate(lines):
    parts, column = [], 0
    for text, look in spans(line, style):
        if column == 0 and text.startswith("$ "):
            look = {"font-weight": "bold", "fill": "#ffffff"}  # the typed command
        for word in re.finditer(r"\S+(?: \S+)*", text):
            x = 16 + (column + word.start()) * WIDTH
            marks = "".join(f' {name}="{value}"' for name, value in look.items())
            length = round(len(word[0]) * WIDTH, 1)
            parts.append(f'<tspan x="{x:.1f}" textLength="{length}"{marks}>{escape(word[0])}</tspan>')
        column += len(text)
    if parts:
        y = 24 + number * HEIGHT + sum(typed[1 : number + 1]) * GAP
        print(f'<text y="{y}">{"".join(parts)}</text>')
print("</g>\n</svg>")
