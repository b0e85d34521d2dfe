#!/usr/bin/env python3
"""Makes random bake projects, asks the real buildx what they build, and compares this with Ensign's answers.

    bake_files.py HELPER BUILDX [--seed N] [--count N] [--keep FOLDER]
    bake_files.py --record FILE BUILDX [--seed N] [--count N]

`buildx bake --print` prints each target's sources, tags and outputs. buildx's own rules then tell which images it requests
from registries. The helper's `which --as COMMAND --json REGISTRY` must name the owners of the same images.
With `--record`, the script instead writes expressions with their values for tests/fixtures/bake_values.json. The
script needs no daemon. It exits with 0 if none differ; the last line is `N agree, N not known, N differ, N refused by buildx`.
"""
import argparse, json, os, pathlib, random, re, shlex, shutil, subprocess, sys, tempfile

REGISTRY = "ghcr.io"
OWNERS = ["acme", "bob", "eve", "ida", "kim", "me", "sam", "zoe"]
NAMES = ["app", "base", "tool", "web"]
REFUSED = "(refused)"
# Variables and functions that every expression may use. `pick` maps any value to one of the owners.
PRELUDE = f"""
variable "NAME" {{ default = "acme" }}
variable "EMPTY" {{ default = "" }}
variable "LIST" {{ default = ["a", "b", "c"] }}
variable "MAP" {{ default = {{ x = "1", y = "2" }} }}
variable "COUNT" {{ default = 3 }}
variable "YES" {{ default = true }}
variable "NOTHING" {{}}
both = "${{NAME}}-${{COUNT}}"
function "pick" {{
  params = [value]
  result = element({json.dumps(OWNERS)}, parseint(substr(md5(jsonencode(value)), 0, 6), 16))
}}
function "all" {{
  params = [first]
  variadic_params = rest
  result = concat([first], rest)
}}
function "twice" {{
  params = [x]
  result = "${{x}}${{upper(x)}}"
}}
"""


class Expressions:
    """Makes expressions of each kind: text, number, boolean, list of texts, map, any type."""

    TEXTS = [
        '"{w}"', '"{w}"', "NAME", "both", "EMPTY", '"${{{t}}}-{w}"', '"{w}${{{n}}}"', "upper({t})", "lower({t})", "title({t})",
        'trim({t}, "{w}")', 'trimprefix({t}, "{c}")', 'trimsuffix({t}, "{c}")', "trimspace({t})", "chomp({t})",
        'replace({t}, "{c}", {t})', "substr({t}, {i}, {i})", "reverse({t})", 'join("{c}", {l})', 'join("-", {l}, {l})',
        "element({l}, {i})", "{l}[{i}]", "try({l}[{i}], {t})", "try({a}, {t})", 'lookup(MAP, {t}, {t})', "MAP.x", 'MAP["y"]', "MAP[{t}]",
        'format("%s-%d", {t}, {n})', 'format("%05d|%-4s|%4s|%t|%q|%v|%%", {n}, {t}, {t}, {b}, {t}, {a})', 'format("%v", {a})',
        'format("{f}", {n})', 'format("%{w}", {t})', "md5({t})", "sha1({t})", "substr(sha256({t}), 0, 9)", "{b} ? {t} : {t}", "{b} ? {t} : {n}",
        '"%{{if {b}}}{w}%{{else}}${{{t}}}%{{endif}}"', '"%{{for x in {l}}}${{x}},%{{endfor}}"', '"a %{{~if {b}~}} {w} %{{~endif~}} b"', "jsonencode({a})",
        "base64encode({t})", "base64decode(base64encode({t}))", "base64decode({t})", "urlencode({t})", "sanitize({t})", "basename({p})", "dirname({p})",
        'indent({i}, "{w}\\n{w}")', "coalesce({t}, {t})", "coalesce(null, {t})", 'regex("{r}", {t})', 'regex_replace({t}, "{r}", "{s}")',
        'formatdate("{d}", "{m}")', 'timeadd("{m}", "{u}")', 'cidrhost("{k}", {n})', 'cidrnetmask("{k}")', 'cidrsubnet("{k}", {i}, {n})',
        "convert({a}, string)", "[{t}, {t}][{i}]", '{{a = {t}, b = {t}}}.b', "twice({t})", "all({t}, {t})[{i}]", "({t})", "NOTHING",
        "sha512({t})", 'strlen({t}) > 2 ? substr({t}, 0, 2) : {t}', "uuidv5({t}, {t})", "max({n}, {n})", '"$${{x}}%%{{y}}\\u00e9\\t"',
    ]
    NUMBERS = [
        "{i}", "{i}", "1.5", "COUNT", "-({n})", "length({l})", "length({o})", "strlen({t})", "byteslen({t})", "{n} + {n}", "{n} - {n}", "{n} * {n}", "{n} / {n}", "{n} % {n}",
        "max({n}, {n})", "min({n}, {n})", "absolute({n})", "ceil({n})", "floor({n})", "int({n})", "negate({n})", "signum({n})", "pow({n}, {i})", "log({n}, {i})",
        'parseint("{w}", 16)', 'parseint("{i}", 10)', 'indexof({l}, "{w}")', "add({n}, {n})", "subtract({n}, {n})", "multiply({n}, {n})", "divide({n}, {n})",
        "modulo({n}, {n})", 'convert("{i}", number)', "({n} + {n}) * {n}", "{b} ? {n} : {n}", 'jsondecode("[1, 2.5]")[{i}]', "{n} + {n} * {n} - {n}", '"{i}" + 1', "index([1, 2, 3], {i})",
    ]
    TRUTHS = [
        "true", "false", "YES", "{t} == {t}", "{n} < {n}", "{n} >= {n}", "{n} != {n}", "!{b}", "{b} && {b}", "{b} || {b}", "and({b}, {b})", "or({b}, {b})",
        "not({b})", "equal({t}, {t})", "notequal({a}, {a})", "{a} == {a}", "{l} == {l}", 'contains({l}, "{w}")', "contains({l}, {t})", "can({a})", "can({t}.x)", "hasindex({l}, {i})", 'hasindex(MAP, "x")',
        "lessthan({n}, {n})", "greaterthanorequalto({n}, {n})", 'sethaselement({l}, "{w}")', "{t} == null", "{a} != null", '"{c}" == 1', "{b} ? {b} : {b}", 'convert("true", bool)', "{b} == {b} && {n} > {n}",
        "can(regex(\"{r}\", {t}))", "{o} == {{}}",
    ]
    LISTS = [
        "LIST", '["{w}", {t}]', "[{t}]", "[]", 'split("{c}", {t})', 'split(",", "a,b,{w}")', "concat({l}, {l})", 'compact(["", {t}, "{w}"])', "distinct({l})", "flatten([{l}, [{l}]])", "reverselist({l})",
        "sort({l})", "slice({l}, {i}, {i})", "[for x in {l}: upper(x)]", '[for i, x in {l}: "${{i}}${{x}}" if x != "{w}"]', "[for k, v in {o}: \"${{k}}=${{v}}\"]", '[{{n = {t}}}, {{n = "{w}"}}][*].n', '[{{n = {t}}}, {{n = "{w}"}}].*.n',
        "keys({o})", "values({o})", 'formatlist("%s-{w}", {l})', 'formatlist("%s-%s", {l}, {l})', "setunion({l}, {l})", "setintersection({l}, {l})", "setsubtract({l}, {l})", "setsymmetricdifference({l}, {l})",
        "coalescelist({l}, {l})", 'regexall("{r}", {t})', "range({i})", "range({i}, {n})", "range({n}, {i}, {n})", "chunklist({l}, {i})[0]", "setproduct({l}, {l})[{i}]", 'csvdecode("a,b\\n{w},2\\n\\"x,y\\",4\\n")[*].a', "jsondecode(\"[\\\"{w}\\\", \\\"b\\\"]\")",
        'cidrsubnets("{k}", {i}, {i})', "all({l}...)", "{b} ? {l} : {l}", "convert({l}, set(string))", "convert({l}, list(string))", "[for x in {l}: x if contains(LIST, x)]", "try({l}, {l})", "{t}[*]", "null[*]", 'flatten([for x in {l}: [for y in {l}: "${{x}}${{y}}"]])', 'split("", {t})',
        "chunklist({l}, {i})", "setproduct({l}, LIST)", 'csvdecode("{w},n\\n1,{w}\\n")',
    ]
    MAPS = [
        "MAP", "{{}}", '{{x = {t}, "{w}" = {n}}}', "{{for x in {l}: x => upper(x)}}", "{{for x in {l}: substr(x, 0, 1) => x...}}", "merge({o}, {o})", 'zipmap(["x", "{w}"], [{t}, {n}])', 'jsondecode("{{\\"x\\": \\"{w}\\"}}")',
        "{{(NAME) = {t}, NAME = {t}}}", "{{for k, v in {o}: k => v if v != {t}}}", 'regex("(?P<x>{r})", {t})', "{{x: {t}, y: [{b}]}}", "try({o}, {o})", "convert({o}, map(string))",
    ]
    WORDS = {
        "w": ["a", "b", "it's", "ab", "abc", "x", "v1.2.3", "10", "7", "Ab", "a b", "", "a/b", "ff", "main", "1.0", "a.b-c_d", "s", "d", "true"],
        "c": ["a", "b", "-", ".", ",", "", "v", "/", "1"],
        "i": ["0", "1", "2", "3", "-1", "8"],
        "p": ['"a/b"', '"/a/b/c.d"', '"a"', '""', '"/"', '"a/b/"', '"a//b"', '"./a/../b"'],
        "r": ["[a-z]+", "^v?([0-9]+)", "([a-z])([0-9]?)", "a|b", "x*", "(?i)A", ".", "[^a-z]+", "(a)?b", "\\\\d+", "\\\\.", "(?P<n>[0-9]+)"],
        "s": ["", "x", "$1", "$${1}y", "$0", "$$", "\\\\1", "$1x", "$n"],
        "d": ["YYYY-MM-DD", "YYYYMMDD", "YYYY-MM-DD'T'hh:mm:ssZ", "DD MMM YYYY hh:mm ZZZ", "EEE, D MMMM YY H:m:s AA", "h'h'm", "EEEE",
              "YYYY.M.D-hhmmss", "HH aa ZZZZ ZZZZZ", "'it''s' YY", "Q"],
        "m": ["2024-05-06T07:08:09Z", "2023-12-31T23:59:59Z", "2024-02-28T00:00:00+02:00", "2024-02-29T12:30:00-05:30", "2024-13-01T00:00:00Z",
              "x", "2024-05-06T07:08:09.5Z", "2000-01-01T00:00:00+00:00"],
        "u": ["1h", "-24h", "90m", "1h30m", "36h5s", "0", "1.5h", "500ms", "1d", "-1h-1m", "+8760h", "10000h", ".5h"],
        "k": ["10.0.0.0/8", "192.168.1.0/24", "10.1.2.3/16", "0.0.0.0/0", "fd00::/8", "2001:db8::/32", "1.2.3.4/32", "10.0.0.0", "x", "010.0.0.0/8"],
        "f": ["%d", "%5d", "%x", "%X", "%b", "%o", "%e", "%.2f", "%f", "%g", "%+d", "% d", "%05.1f", "%-5d|", "%s", "%6.2f", "%#v", "%v", "%5v"],
    }

    def __init__(self, chance):
        self.random = chance

    def one(self, *choices):
        return self.random.choice(choices)

    def make(self, kind, depth):
        if kind == "a":
            kind = self.one("t", "t", "n", "b", "l", "o", "null") if self.random.random() < 0.97 else "null"
        if kind == "null":
            return "null"
        if self.random.random() < 0.01:
            kind = self.one(*"tnblo")
        table = {"t": self.TEXTS, "n": self.NUMBERS, "b": self.TRUTHS, "l": self.LISTS, "o": self.MAPS}[kind]
        shape = self.one(*table[:5]) if depth <= 0 else self.one(*table)
        if depth <= -3:
            return {"t": "NAME", "n": "COUNT", "b": "YES", "l": "LIST", "o": "MAP"}[kind]

        def fill(found):
            name = found[1]
            if found[0] in ("{{", "}}"):
                return found[0][0]
            return self.one(*self.WORDS[name]) if name in self.WORDS else self.make(name, depth - 1)
        return re.sub(r"\{\{|\}\}|\{([a-z])\}", fill, shape)


class Maker:
    """Makes one project: files by name, environment variables, and the arguments of commands."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.expressions = Expressions(self.random)
        self.files, self.env, self.flags = {}, {}, []
        self.targets, self.groups = [], []
        self.make()

    def often(self, chance):
        return self.random.random() < chance

    def one(self, *choices):
        return self.random.choice(choices)

    def make(self):
        for folder in (".", "sub"):
            owner = self.one(*OWNERS)
            self.files[os.path.normpath(f"{folder}/Dockerfile")] = self.one(
                f"ARG BASE={owner}\nFROM ghcr.io/${{BASE}}/base\n", f"FROM ghcr.io/{owner}/base AS one\nFROM ghcr.io/{self.one(*OWNERS)}/base AS two\nCOPY --from=one / /\n",
                f"FROM ghcr.io/{owner}/base\n", f"FROM base\nCOPY --from=ghcr.io/{owner}/tool / /\n", "FROM scratch\n")
        self.files["sub/other.Dockerfile"] = f"FROM ghcr.io/{self.one(*OWNERS)}/base\n"
        main = self.one("docker-bake.hcl", "docker-bake.hcl", "docker-bake.hcl", "docker-bake.json", "bake.hcl", "sub/x.json", "compose.yaml")
        later = self.one("docker-bake.override.hcl", "docker-bake.override.json", "other.hcl", "compose.yaml") if self.often(0.4) else None
        names = [name for name in (main, later) if name]
        for at, name in enumerate(names):
            self.files[name] = self.file(name, at > 0)
        is_default = all(name.startswith(("docker-bake", "compose")) for name in names)
        if not is_default or self.often(0.15):
            if self.often(0.8):
                self.flags += [word for name in names for word in (self.one("-f", "--file"), name)]
            else:
                separator = self.one(":", ":", "|")
                self.env["BUILDX_BAKE_FILE"] = separator.join(names)
                if separator != ":":
                    self.env["BUILDX_BAKE_PATH_SEPARATOR"] = separator
        if self.often(0.3):
            self.files[".env"] = f"OWNER={self.one(*OWNERS)}\nTAG={self.one('1', 'v2')}\n"
        for name, values in {"OWNER": OWNERS, "TAG": ["1", "v2"], "COUNT": ["1", "7", "3", "x"], "YES": ["false", "true", "1", "no"], "LIST": ["x,y", "a,b", '"a,b",c'],
                             "LIST_JSON": ['["q"]', '["q", "r"]', '"x"'], "MAP_JSON": ['{"x": "bob"}'], "NAME": OWNERS, "EMPTY": ["x"], "COUNT_JSON": ["4"], "BASE": OWNERS,
                             "COMPOSE_PROJECT_NAME": OWNERS}.items():
            if self.often(0.04 if name in ("LIST", "LIST_JSON", "MAP_JSON") else 0.1):
                self.env[name] = self.one(*values)

    def safe(self, kind):
        """Makes an expression that buildx rarely refuses, because a refused one makes the whole project useless."""
        made = self.expressions.make(kind, self.one(0, 1, 1, 2))
        return made if self.often(0.05) else f'try([{made}], "none")'

    def truth(self):
        return f'jsonencode({self.safe("b")}) == "[true]"' if self.often(0.7) else self.one("YES", "!YES", 'NAME == "bob"', 'TAG != ""', "COUNT > 2")

    def owner(self):
        """Makes a piece of a template whose value is one of the owners."""
        return self.one(self.one(*OWNERS), self.one(*OWNERS), "${OWNER}", "${pick(%s)}" % self.safe("a"), "${pick(%s)}" % self.safe("a"), "${NAME}", "${%s ? \"%s\" : \"%s\"}" % (
            self.truth(), self.one(*OWNERS), self.one(*OWNERS)), '${lookup({a = "bob", b = "eve"}, "%s", OWNER)}' % self.one("a", "b", "c"), "${owners[%s]}" % self.one("0", "1", "COUNT", "9"))

    def image(self):
        return f"ghcr.io/{self.owner()}/{self.one('app', 'tool')}{self.one('', ':1', ':${TAG}', ':%s' % '${COUNT}')}" if self.often(0.93) else self.one("busybox", "quay.io/o/x:1", "ghcr.io/acme/x:${formatdate(\"YYYYMMDD\", timestamp())}", "${NOTHING}", "${timestamp()}")

    def images(self):
        """Makes a list of images."""
        one = lambda: json.dumps(self.image()).replace('\\"', '"')
        return self.one(
            lambda: f"[{one()}]", lambda: f"[{one()}]", lambda: f"[{one()}, {one()}]", lambda: f"{self.truth()} ? [{one()}] : [{one()}]",
            lambda: f'[for o in {self.one("owners", "LIST", json.dumps(self.random.sample(OWNERS, 2)))}: "ghcr.io/${{o}}/app"]', lambda: f"concat([{one()}], [{one()}])", lambda: f'split(",", {one()})',
            lambda: f'tags("app", {one()})', lambda: f"compact([{one()}, {self.truth()} ? {one()} : \"\"])", lambda: f"[{one()}, {self.truth()} ? {one()} : null]", lambda: "[]",
            lambda: f'formatlist("ghcr.io/%s/app", owners)', lambda: f'flatten([[{one()}], {one()}])', lambda: f'[for t in ["1", "2"]: "ghcr.io/{self.one(*OWNERS)}/app:${{t}}"]')()

    def attributes(self, name, later):
        """Makes the attributes of a target, each as an expression."""
        found, text = {}, lambda value: json.dumps(value).replace('\\"', '"')
        if self.often(0.75 if not later else 0.4):
            found["tags"] = self.images()
        if self.often(0.35):
            found["output"] = self.one('["type=registry"]', '["type=image,push=true"]', '["type=image"]', '["type=docker"]', '["out"]', '["type=local,dest=x"]', '[{ type = "registry" }]', '[{ type = "image", push = "true" }]',
                                       f'[{text("type=image,push=true,name=" + self.image())}]', '["type=image,push=false"]', '[YES ? "type=registry" : "type=docker"]', '["type=cacheonly"]', '["type=image,push=${YES}"]', '["type=oci,dest=x"]',
                                       '["type=registry", "type=docker"]', "[]", '[{ type = "image", push = YES }]', 'YES ? ["type=registry"] : []')
        if self.often(0.25):
            found["inherits"] = self.one(*[f'["{other}"]' for other in NAMES if other != name], '["base", "tool"]', '["_common"]', '["_${NAME}"]')
        if self.often(0.3):
            found["args"] = self.one(lambda: f'{{ BASE = {text(self.owner())} }}', lambda: f'{{ "BASE" = {text(self.owner())}, X = 1 }}', lambda: "{ BASE = null }", lambda: f'{{ X = "y" }}', lambda: f"{{ BASE = YES ? {text(self.one(*OWNERS))} : null }}")()
        if self.often(0.2):
            found["context"] = self.one('"."', '"sub"', '"./${EMPTY}sub"', '"sub/../sub"', '"https://github.com/o/r.git"', 'YES ? "sub" : "."')
        if self.often(0.15):
            found["dockerfile"] = self.one('"Dockerfile"', '"other.Dockerfile"', '"sub/other.Dockerfile"', '"${EMPTY}Dockerfile"')
        if self.often(0.15):
            image = text(self.image())
            found["contexts"] = self.one(f'{{ base = "docker-image://" + "" }}' if self.often(0.02) else f'{{ base = "docker-image://{self.image()}" }}', '{ base = "target:base" }', '{ base = "sub" }', '{ base = "target:tool" }', f'{{ base = format("docker-image://%s", {image}) }}')
        if self.often(0.08):
            found["dockerfile-inline"] = self.one(f'"FROM ghcr.io/{self.one(*OWNERS)}/base"', f'<<EOT\nFROM ghcr.io/{self.owner()}/base\nRUN x\nEOT', '""')
        if self.often(0.15):
            found["cache-from"] = self.one(f"[{text(self.image())}]", f'[{text("type=registry,ref=" + self.image())}]', '["type=gha"]', f'[{{ type = "registry", ref = {text(self.image())} }}]')
        if self.often(0.12):
            found["cache-to"] = self.one(f'[{text("type=registry,ref=" + self.image())}]', '["type=inline"]', '["type=local,dest=x"]', f'[{{ type = "registry", ref = {text(self.image())}, mode = "max" }}]', f"[{text(self.image())}]")
        if self.often(0.1):
            found["platforms"] = self.one('["linux/amd64"]', '["linux/amd64", "linux/arm64"]')
        if self.often(0.08):
            found["target"] = self.one('"one"', '"two"', "null")
        if self.often(0.12):
            found["labels"] = '{ a = "b" }'
        if self.often(0.05):
            found[self.one("no-cache", "pull")] = self.one("true", "YES")
        return {key: value for key, value in found.items()}

    def file(self, path, later):
        if path.endswith("yaml"):
            return self.compose(later)
        parts = {"variable": [], "function": [], "target": [], "group": [], "": []}
        if not later or self.often(0.2):
            for name, default in {"OWNER": json.dumps(self.one(*OWNERS)), "TAG": '"1"', "NAME": json.dumps(self.one(*OWNERS)), "EMPTY": '""', "LIST": '["a", "b", "c"]', "MAP": '{ x = "1", y = "2" }',
                                  "COUNT": self.one("1", "3"), "YES": self.one("true", "false")}.items():
                body = {"default": self.one("pick(%s)" % self.safe("n").replace("NAME", "COUNT"), json.dumps(self.one(*OWNERS))) if name in ("OWNER", "NAME") and self.often(0.1) else default}
                if self.often(0.15):
                    body["type"] = {"LIST": self.one("list(string)", "set(string)"), "MAP": self.one("map(string)", "object({x = string, y = string})"), "COUNT": "number", "YES": "bool"}.get(name, "string")
                if self.often(0.05):
                    body["description"] = '"x"'
                if self.often(0.03) and name == "OWNER":
                    body["default"] = self.one('"bob"', '"${TAG}"')
                parts["variable"].append((name, body))
            parts["variable"].append(("NOTHING", {}))
            pick = 'element(%s, parseint(substr(md5(jsonencode(value)), 0, 6), 16))' % json.dumps(OWNERS)
            parts["function"] += [("pick", {"params": ["value"], "result": pick}), ("twice", {"params": ["x"], "result": '"${x}${upper(x)}"'}),
                                  ("all", {"params": ["first"], "variadic_params": "rest", "result": "concat([first], rest)"}),
                                  ("tags", {"params": ["name", "more"], "result": '["ghcr.io/${OWNER}/${name}", more]'})]
            parts[""] += [("both", '"${NAME}-${COUNT}"'), ("owners", self.one(json.dumps(self.random.sample(OWNERS, 2)), '[OWNER, NAME]', '[for x in ["bob", "eve"]: x]'))]
        for name in self.random.sample(NAMES, self.random.randint(1, 3)) + (["default"] if self.often(0.2) else []):
            body = self.attributes(name, later)
            if self.often(0.15) and not later:
                axis = self.one('["a", "b"]', '["a", "b"]', "LIST", '[for x in LIST: x if x != "a"]', '[{ o = "bob" }, { o = "kim" }]')
                item = "item.o" if "{ o" in axis else "item"
                body["matrix"] = self.one(f"{{ item = {axis} }}", f'{{ item = {axis}, v = ["1", "2"] }}')
                both = ", v" in body["matrix"]
                body["name"] = f'"{name}-${{{item}}}' + ("-${v}" if both else "") + '"'
                if self.often(0.7):
                    body["tags"] = self.one(f'["ghcr.io/${{{item} == "a" ? "sam" : "zoe"}}/app"]', f'["ghcr.io/${{pick({item})}}/app"]' )
                self.targets += [f"{name}-a", f"{name}-b", f"{name}-*"]
            parts["target"].append((name, body))
            self.targets.append(name)
        if self.often(0.3):
            parts["target"].append((self.one("_common", "_acme"), self.attributes("_", later)))
        if self.often(0.85) and not later:  # inherited targets usually exist
            there = [name for name, _ in parts["target"]]
            parts["target"] += [(name, {}) for name in [*NAMES, "_common", *(f"_{owner}" for owner in OWNERS)] if name not in there]
        if self.often(0.1) and parts["target"]:
            other = self.one(*parts["target"])[0]
            parts["target"].append(("linked", {"tags": f"target.{other}.tags", "args": "{ BASE = %s }" % json.dumps(self.one(*OWNERS))}))
            self.targets.append("linked")
        for name in self.random.sample(["default", "more"], self.random.randint(0, 2)):
            members = self.random.sample(self.targets + ["more"] * (name != "more"), 1) if self.often(0.5) else self.targets[-2:]
            parts["group"].append((name, {"targets": self.one(json.dumps(members), json.dumps(members), "YES ? %s : []" % json.dumps(members))}))
            self.groups.append(name)
        return self.json(parts) if path.endswith("json") else self.hcl(parts)

    @staticmethod
    def hcl(parts):
        lines = [f"{name} = {value}" for name, value in parts[""]]
        for kind in ("variable", "function", "group", "target"):
            for name, body in parts[kind]:
                lines.append(f'{kind} "{name}" {{')
                for key, value in body.items():
                    value = "[" + ", ".join(value) + "]" if isinstance(value, list) else value
                    lines += [f"  {key} = {value}"]
                lines.append("}")
        return "\n".join(lines) + "\n"

    @staticmethod
    def json(parts):
        def shown(key, value):
            if isinstance(value, list) or key in ("type", "variadic_params"):
                return value
            return "${" + value + "}" if not value.startswith("<<") else "FROM scratch"
        whole = {name: "${" + value + "}" for name, value in parts[""]}
        for kind in ("variable", "function", "group", "target"):
            for name, body in parts[kind]:
                whole.setdefault(kind, {})[name] = {key: shown(key, value) for key, value in body.items()}
        return json.dumps(whole, indent=1)

    def compose(self, later):
        lines = [f"name: {self.one(*OWNERS)}"] if self.often(0.2) else []
        lines.append("services:")
        for name in self.random.sample(NAMES, self.random.randint(1, 3)):
            lines.append(f"  {name}:")
            owner = self.one(*OWNERS, "${OWNER:-zoe}", "$COMPOSE_PROJECT_NAME")
            if self.often(0.7):
                lines.append(f"    image: ghcr.io/{owner}/app")
            if self.often(0.85):
                self.targets.append(name)
                lines.append(self.one("    build: .", "    build: sub", "    build:\n      context: ."))
                if lines[-1].endswith("context: ."):
                    lines += self.one([], [f"      args: {{BASE: {self.one(*OWNERS)}}}"], ["      args: [BASE]"], [f"      tags: [ghcr.io/{self.one(*OWNERS)}/more]"], ["      target: one"],
                                      [f"      cache_from: [ghcr.io/{self.one(*OWNERS)}/cache]"])
                    lines += self.one([], [], [f"      x-bake: {{tags: [ghcr.io/{self.one(*OWNERS)}/x], output: type=registry}}"], ["      x-bake: {output: [type=registry]}"])
            elif lines[-1].endswith(":"):
                lines.append("    image: busybox")
        return "\n".join(lines) + "\n"

    def commands(self):
        known = list(dict.fromkeys(self.targets)) + list(dict.fromkeys(self.groups))
        for _ in range(2):
            words = list(self.flags)
            if self.often(0.4):
                words.append(self.one("--push", "--push", "--load", "--push=false"))
            if self.often(0.35):
                where = self.one(*known, "*", "*", "app*", "[ab]*")
                words += ["--set", where + "." + self.one(
                    f"tags=ghcr.io/{self.one(*OWNERS)}/set", f"tags+=ghcr.io/{self.one(*OWNERS)}/set", f"args.BASE={self.one(*OWNERS)}", "args.BASE", "output=type=registry", "output+=type=registry", "push=true", "push=false", "load=true",
                    "context=sub", "dockerfile=other.Dockerfile", "target=one", f"contexts.base=docker-image://ghcr.io/{self.one(*OWNERS)}/base", f"cache-from=ghcr.io/{self.one(*OWNERS)}/c",
                    f"cache-to=type=registry,ref=ghcr.io/{self.one(*OWNERS)}/c", "platform=linux/arm64", "pull=true", "no-cache", "output=type=image,push=true", "output=out", "labels.a=b", "tags=")]
            if self.often(0.1):
                words += ["--set", f"*.tags+=ghcr.io/{self.one(*OWNERS)}/set2"]
            is_named = self.often(0.6 if "default" in known or self.often(0.1) else 1)
            yield words + (self.random.sample(known, min(len(known), self.one(1, 1, 2))) if is_named else [])


def asked_for(definition, root, env):
    """Returns the pushed images, the pulled images, and the tags that stay local."""
    pushed, pulled, kept, written = set(), set(), set(), set()
    for target in definition["target"].values():
        outputs = target.get("output", [])
        goes_out = [output for output in outputs if output["type"] == "registry" or output["type"] == "image" and output.get("push") in ("true", "1")]
        names = target.get("tags") or [word for output in goes_out for word in output.get("name", "").split(",")]
        caches = [cache.get("ref") or "" for cache in target.get("cache-to", []) if cache["type"] == "registry"]
        (pushed if goes_out else kept).update(names)
        written |= set(caches)
        pulled |= {cache.get("ref") or "" for cache in target.get("cache-from", []) if cache["type"] == "registry"}
        pulled |= based_on(target, root, env)
    # A build writes caches even if its result stays local, but a build that writes only a cache is not a push.
    (pushed if pushed else kept).update(written)
    return pushed, pulled, kept


def based_on(target, root, env):
    """Returns the base images of this generator's Dockerfiles."""
    file = pathlib.Path(root, target["context"], target.get("dockerfile", "Dockerfile"))
    text = target.get("dockerfile-inline") or (file.read_text() if "://" not in target["context"] and file.is_file() else "")
    base = target.get("args", {}).get("BASE", (re.findall(r"ARG BASE=(.*)", text) or [""])[0])
    contexts = {name: source for name, source in target.get("contexts", {}).items()}
    stages, images = {}, []
    for line in text.replace("${BASE}", base).splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            images.append([words[1]])
            if "AS" in words:
                stages[words[-1]] = len(images) - 1
        elif line.startswith("COPY --from=") and images:
            images[-1].append(words[1][7:])
    last = stages.get(target.get("target"), len(images) - 1)
    wanted, waiting = set(), [last] if images else []
    while waiting:
        for image in images[waiting.pop()]:
            if image in contexts:
                source = contexts[image]
                wanted |= {source[len("docker-image://"):]} if source.startswith("docker-image://") else set()
            elif image in stages:
                waiting.append(stages[image])
            else:
                wanted.add(image)
    return wanted


def owner(image):
    found = re.fullmatch(r"ghcr\.io/([a-z]+)/[a-z0-9/_.-]+(:[A-Za-z0-9_.-]+)?", image)
    return found[1] if found and found[1] in OWNERS else None


def answer(helper, line, where, env):
    """Returns the accounts whose images the files name, and the files with unknown parts."""
    done = subprocess.run([helper, "which", "--as", line, "--json", REGISTRY], cwd=where, env=env, capture_output=True, text=True, timeout=60)
    step = next(step for step in json.loads(done.stdout)["steps"] if step["rule"] == "files")
    owners = {owned["account"] for owned in step.get("images", [])}
    return owners | ({step["account"]} if step.get("decides") else set()), step.get("files")


def print_definition(buildx, words, where, env):
    """Returns the output of `bake --print` and None, or None and buildx's error."""
    done = subprocess.run([buildx, "bake", *words, "--print"], cwd=where, env=env, capture_output=True, text=True, errors="replace", timeout=60)
    return (json.loads(done.stdout), None) if done.returncode == 0 else (None, done.stderr.strip().splitlines()[-1])


def values(buildx, expressions, env):
    """Returns the value of each expression as JSON, or REFUSED."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = "".join(f'    x{at} = try(jsonencode({text}), "{REFUSED}")\n' for at, text in enumerate(expressions))
        pathlib.Path(folder, "docker-bake.hcl").write_text(f'{PRELUDE}target "default" {{\n  args = {{\n{arguments}  }}\n}}\n')
        found, error = print_definition(buildx, [], folder, env)
        if found:
            found = found["target"]["default"]["args"]  # the output is a bake file, so `${` is escaped
            return [found[f"x{at}"].replace("$${", "${").replace("%%{", "%{") for at in range(len(expressions))]
        if len(expressions) == 1:
            return [REFUSED]
        half = len(expressions) // 2
        return values(buildx, expressions[:half], env) + values(buildx, expressions[half:], env)


def record(file, buildx, seed, count, env):
    made = Expressions(random.Random(seed))
    texts = [made.make(made.one(*"ttnblo"), made.one(1, 1, 2)) for _ in range(count)]
    texts = list(dict.fromkeys(text for text in texts if len(text) < 160 and not re.search(r"-0\b", text)))
    pairs = [pair for at in range(0, len(texts), 50) for pair in zip(texts[at : at + 50], values(buildx, texts[at : at + 50], env))]
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs)
    pathlib.Path(file).write_text(f'{{"file": {json.dumps(PRELUDE)},\n"values": [\n{lines}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("helper", nargs="?"); parser.add_argument("buildx")
    parser.add_argument("--seed", type=int, default=1); parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--keep", help="where to leave projects that differ")
    parser.add_argument("--record", help="where to write expressions and their values")
    given = parser.parse_args()
    buildx = os.path.abspath(given.buildx)
    with tempfile.TemporaryDirectory() as box:
        base = {"PATH": os.environ["PATH"], "HOME": box, "ENSIGN_CONFIG_DIR": f"{box}/c", "ENSIGN_DATA_DIR": f"{box}/d",
                "DOCKER_CONFIG": f"{box}/docker", "DOCKER_HOST": "unix:///nowhere", "LANG": "C.UTF-8"}
        if given.record:
            return record(given.record, buildx, given.seed, given.count, base)
        helper = os.path.abspath(given.helper)
        for name in OWNERS:
            login = json.dumps({"ServerURL": REGISTRY, "Username": name, "Secret": "x"})
            subprocess.run([helper, "store"], env=base, input=login, text=True, check=True)
        counts = dict.fromkeys(["agree", "not known", "differ", "refused by buildx"], 0)
        for seed in range(given.seed, given.seed + given.count):
            project, root = Maker(seed), pathlib.Path(box, "project")
            for path, text in project.files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            env = base | project.env
            for words in project.commands():
                found, error = print_definition(buildx, words, root, env)
                if found is None:
                    counts["refused by buildx"] += 1
                    continue
                # Pushed images decide. If none of them is on the registry, pulled images decide, and after these the
                # local tags.
                sides = [{owner(image) for image in side if image.startswith(REGISTRY)} for side in asked_for(found, root, env)]
                wanted = next((side for side in sides if side), set()) - {None}
                line = shlex.join(["docker", "buildx", "bake", *words])
                owners, unknown = answer(helper, line, root, env)
                kind = "not known" if unknown else "agree" if owners == wanted else "differ"
                counts[kind] += 1
                if kind == "differ":
                    print(f"seed {seed}: {' '.join(f'{k}={v!r}' for k, v in project.env.items())} {line}\n"
                          f"  buildx: {[sorted(side - {None}) for side in sides]}\n  Ensign: {sorted(owners)}")
                    if given.keep:
                        shutil.copytree(root, pathlib.Path(given.keep, str(seed)), dirs_exist_ok=True)
            shutil.rmtree(root)
        print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
        sys.exit(counts["differ"] > 0)


if __name__ == "__main__":
    main()
