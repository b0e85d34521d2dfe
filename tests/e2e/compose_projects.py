#!/usr/bin/env python3
"""Makes random Compose projects, asks the real Docker Compose what they mean, and compares this with Ensign's answers.

    compose_projects.py HELPER COMPOSE [--seed N] [--count N] [--keep FOLDER] [--record FOLDER]

The script tests a few commands for each project. `docker compose config` prints the services with their images. Compose's
own rules (docker/compose `pkg/compose/`) then tell which images `pull`, `up` and `build` request from registries. The
helper's `which --as COMMAND --json REGISTRY` must name the same images of that registry. If Compose refuses a project,
its files must not decide. The script exits with 0 if all agree; the last line is `N agree, N differ, N refused by both`.
"""
import argparse, json, os, pathlib, random, re, shutil, subprocess, sys, tempfile

REGISTRY = "ghcr.io"
OWNERS = ["acme", "bob", "eve", "ida", "kim", "me", "sam", "zoe"]
NAMES = ["web", "db", "api", "job", "cache"]
PROFILES = ["debug", "tools"]
VARIABLES = ["OWNER", "TAG", "REG", "EMPTY", "X"]


class Maker:
    """Makes one project: files by name, environment variables, and the folder in which the commands run."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.files, self.env, self.folder, self.flags = {}, {}, ".", []
        self.make()

    def often(self, chance):
        return self.random.random() < chance

    def one(self, *choices):
        return self.random.choice(choices)

    def make(self):
        if self.often(0.5):
            self.files[".env"] = self.dotenv()
        for folder in ("", "inc/", "part/", "lib/"):
            if self.often(0.5):
                self.files[f"{folder}Dockerfile"] = f"FROM {REGISTRY}/{self.one(*OWNERS)}/base\n"
        for name in VARIABLES:
            if self.often(0.15):
                self.env[name] = self.value(name)
        main = self.one("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
        self.files[main] = self.compose(main, 0)
        if self.often(0.35):
            name = self.one("compose.override.yaml", "compose.override.yml", "docker-compose.override.yml")
            self.files[name] = self.compose(name, 0, later=True)
        if self.often(0.3):
            extra = self.one("extra.yaml", "deploy/extra.yaml")
            self.files[extra] = self.compose(extra, 0, later=True)
            names = [main, extra] if self.often(0.8) else [extra, main]
            if self.often(0.6):
                self.flags += [word for name in names for word in ("-f", name)]
            else:
                separator = self.one(":", ":", "|")
                self.env["COMPOSE_FILE"] = separator.join(names)
                if separator != ":":
                    self.env["COMPOSE_PATH_SEPARATOR"] = separator
        if self.often(0.1):
            self.files["other.env"] = self.dotenv()
            if self.often(0.5):
                self.flags += ["--env-file", "other.env"]
            else:
                self.env["COMPOSE_ENV_FILES"] = self.one("other.env", ".env,other.env")
        if self.often(0.1):
            self.flags += ["-p", self.one("acme", "bob", "sam", "sam", "Upper")]
        elif self.often(0.1):
            self.env["COMPOSE_PROJECT_NAME"] = self.one("acme", "bob", "")
        if self.often(0.1):
            self.env["COMPOSE_PROFILES"] = self.one("debug", "debug, tools", "*", "")
        if self.often(0.15):
            self.flags += ["--profile", self.one(*PROFILES, "*")]
        if self.often(0.05):
            self.env["COMPOSE_DISABLE_ENV_FILE"] = self.one("1", "true", "true", "0", "false", "false", "f", "maybe")
        if self.often(0.07):
            self.files["sub/note"] = ""
            self.folder = "sub"
            self.flags = [word if word != main and "extra" not in word and ".env" not in word else "../" + word
                          for word in self.flags]
        elif self.often(0.05):
            self.flags += ["--project-directory", self.one(".", ".", "deploy")]
            self.files.setdefault("deploy/note", "")

    def value(self, name):
        return {"OWNER": self.one(*OWNERS), "TAG": self.one("1", "v2-x", ""), "REG": f"{REGISTRY}/{self.one(*OWNERS)}",
                "EMPTY": "", "X": self.one("x", "y z", "$", "a$$b")}[name]

    def dotenv(self):
        lines = []
        for _ in range(self.random.randint(0, 6)):
            name = self.one(*VARIABLES)
            value = self.value(name)
            lines.append(self.one(
                f"{name}={value}", f"{name}={value}", f'{name}="{value}"', f"{name}='{value}'", f"export {name}={value}",
                f"{name}: {value}", f"{name} = {value} # note", f"{name}={value}#note", f"{name}=${{OWNER:-{value}}}",
                f'{name}="${{{self.one(*VARIABLES)}}}"', f"# {name}={value}", f'K="one\n{name}={value}\n"',
                f"K='one\n{name}={value}'", f'{name}="{value}" # note', f"{name}='{value}\\'s'", f"{name}", f"export\t{name}={value}",
                f'{name}="\\t{value}\\$OWNER"', f"{name}={self.one('$1', '$(id)', '#', 'a#b', '$', *self.random.choices(['${', '${OWNER:?no}', 'x'], [1, 1, 8]))}", f"K{name}.a-b={value}",
            ))
        return self.one("\n", "\n", "\r\n").join(lines) + self.one("", "\n")

    def text(self, value):
        """Writes a text in one of YAML's styles."""
        if any(c in value for c in "{}[]#&*!|>%@`,?:\"' $") or not value:
            return self.one(f'"{value}"', f"'{value}'") if "'" not in value and '"' not in value else json.dumps(value)
        return self.one(value, value, f'"{value}"', f"'{value}'")

    def image(self):
        owner, name = self.one(*OWNERS), self.one("app", "tool", "base")
        return self.text(self.one(
            f"{REGISTRY}/{owner}/{name}", f"{REGISTRY}/{owner}/{name}:1", f"{REGISTRY}/{owner}/{name}:${{TAG:-2}}",
            f"{REGISTRY}/${{OWNER}}/{name}", f"{REGISTRY}/${{OWNER:-{owner}}}/{name}:$TAG", f"${{REG:-{REGISTRY}/{owner}}}/{name}",
            f"${{REG}}/{name}", f"{REGISTRY}/{owner}/{name}${{EMPTY}}", f"{REGISTRY}/${{EMPTY:-${{OWNER-{owner}}}}}/{name}",
            f"{REGISTRY}/{owner}/{name}${{TAG:+:$TAG}}", f"{REGISTRY}/$COMPOSE_PROJECT_NAME/{name}", "busybox", "quay.io/other/x:1",
            f"{REGISTRY}/${{OWNER:{self.one('-zoe', '-kim', '+acme', '+sam', '?set it')}}}/{name}", f"{REGISTRY}/{owner}/${{NONE-{name}}}", f"{REGISTRY}/${{X+{owner}}}/{name}",
        ))

    def service(self, name, others, depth, later):
        lines = []
        has_image = self.often(0.8 if not later else 0.5)
        if has_image:
            lines.append(f"image: {self.tag(later)}{self.image()}")
        if self.often(0.2 if has_image or later else 0.9):
            self.files.setdefault(f"{name}/Dockerfile", f"FROM {REGISTRY}/{self.one(*OWNERS)}/base\n")
            lines.append(self.one(f"build: {name}", f"build: ./{name}", f"build: {{context: {name}}}",
                                  f'build: {{context: {name}, dockerfile: "${{NONE}}"}}', "build: {}", "build: ''", "build: {context: '${EMPTY}'}",
                                  f"build: {{tags: [{REGISTRY}/{self.one(*OWNERS)}/tag]}}", f"build: {{context: {name}, target: !reset x}}"))
        others = [other for other in others if other > name or self.often(0.01)]  # without cycles
        if self.often(0.25) and others:
            chosen = self.random.sample(others, self.random.randint(1, min(2, len(others))))
            lines.append(self.one(
                "depends_on: [" + ", ".join(chosen) + "]",
                "depends_on:\n" + "".join(f"  {other}: {{condition: service_started{self.one('', '', ', required: false')}}}\n" for other in chosen).rstrip()))
        if self.often(0.1) and others:
            other = self.one(*others)
            lines.append(self.one(f'network_mode: "service:{other}"', f"pid: service:{other}", f"ipc: service:{other}",
                                  f"volumes_from: [{self.one(other, other + ':ro')}]", f'links: ["{other}:l"]'))
        if self.often(0.2):
            lines.append(f"profiles: [{self.one('debug', 'tools', 'debug, tools')}]")
        if self.often(0.15):
            lines.append(f"pull_policy: {self.one('always', 'never', 'missing', 'build', 'if_not_present', 'daily')}")
        if self.often(0.1):
            lines.append(self.one(
                f"volumes:\n  - type: image\n    source: {REGISTRY}/{self.one(*OWNERS)}/data\n    target: /{self.one('a', 'b')}",
                f"volumes: [{self.one('./x:/a', './x:/a/', 'v:/a', '/a', './x:/b/../a:ro', 'C:/x:/a')}]"))
        if self.often(0.15) and depth < 2:
            if others and self.often(0.5):
                lines.append(f"extends: {self.one(*others)}" if self.often(0.5) else f"extends: {{service: {self.one(*others)}}}")
            else:
                base = self.one("base.yaml", "lib/base.yaml")
                if base not in self.files:
                    self.files[base] = ""
                    self.files[base] = self.compose(base, depth + 1, names=["common"])
                lines.append(f"extends:\n  file: {base}\n  service: common")
        if self.often(0.3):
            lines.append(self.one(
                "command: [\n  'a', \"b\"\n]", "command: 'one\n  two'", "command: >-\n  echo $$HOME\n  done", 'labels: {a: "$$x"}',
                "environment:\n  A: ${X:-1}\n  B:", "environment: [A=$X, B]", "healthcheck: {test: [CMD, \"true\"]}", "command: echo $(date) $1",
                "restart:\talways", "command: # nothing\n  - a", 'command: "a\\\n  b"', "labels:\n- a=b", "x-note: {a: [b, c]}"))
        self.random.shuffle(lines)
        if not lines:
            lines.append("image: busybox")
        return lines

    def tag(self, later):
        return self.one("!reset ", "!override ", "!override ") if later and self.often(0.08) else ""

    def compose(self, path, depth, names=None, later=False):
        names = names or self.random.sample(NAMES, self.random.randint(1, 4))
        lines = []
        if self.often(0.15):
            lines.append(f"name: {self.one('acme', 'bob', '${OWNER:-me}', 'My.App')}")
        if self.often(0.15):
            lines.append("x-base: &base\n  image: " + self.image() + "\n  restart: always")
            anchored = True
        else:
            anchored = False
        if depth < 2 and self.often(0.2):
            lines.append(self.include(path, depth))
        lines.append("services:")
        for name in names:
            if later and self.often(0.06):
                lines.append(f"  {name}: {self.one('!reset null', '!reset null', '~')}")
                continue
            others = [other for other in names if other != name]
            if self.often(0.03):
                others = [other for other in NAMES if other != name]
            body = self.service(name, others, depth, later)
            lines.append(f"  {name}:{' !override' if later and self.often(0.05) else ''}")
            if anchored and self.often(0.4):
                lines.append("    <<: *base")
            lines += ["    " + line for entry in body for line in entry.split("\n")]
        text = "\n".join(lines) + "\n"
        if self.often(0.05):
            text += "---\nservices:\n  " + self.one(*NAMES) + ":\n    image: " + self.image() + "\n"
        if self.often(0.03):
            text = "\ufeff" + text
        if self.often(0.03):
            text = text.replace("\n", "\r\n")
        return text

    def include(self, path, depth):
        folder = self.one("inc", "part")
        target = f"{folder}/compose.yaml"
        base = os.path.dirname(path)
        full = os.path.join(base, target)
        if full not in self.files:
            self.files[full] = ""
            names = self.random.sample(["inc1", "inc2"] + NAMES[: self.often(0.1)], self.random.randint(1, 2))
            self.files[full] = self.compose(full, depth + 1, names=names)
            if self.often(0.4):
                self.files[os.path.join(base, folder, ".env")] = self.dotenv()
        kind = self.one("short", "long", "env", "list")
        if kind == "short":
            return f"include: [{target}]"
        if kind == "env":
            self.files[os.path.join(base, "inc.env")] = self.dotenv()
            return f"include:\n  - path: {target}\n    env_file: inc.env"
        if kind == "list":
            second = os.path.join(base, f"{folder}/second.yaml")
            self.files.setdefault(second, self.compose(second, 2, names=["inc1"], later=True))
            return f"include:\n- path: [{target}, {folder}/second.yaml]"
        return f"include:\n  - path: {target}\n    project_directory: {self.one('.', folder)}"

    def commands(self):
        here = [name for name in NAMES if any(f"\n  {name}:" in text for text in self.files.values())] if self.often(0.95) else NAMES
        services = self.random.sample(here or NAMES, min(self.random.randint(1, 2), len(here or NAMES)))
        yield "pull", []
        yield "pull", self.one(services[:1], ["--ignore-buildable"], ["--include-deps"] + services)
        yield "up", self.one([], [], services, services[:1])
        yield "build", self.one([], ["--push"], services[:1], ["--push", *services[:1]])
        yield "up", self.one(["--no-deps"] + services[:1], ["--pull", self.one("never", "always")], ["--build"])


def expected(compose, command, words, where, env, flags):
    """Returns the images that the command requests from a registry, or None if Compose refuses the project."""
    services = [word for word in words if not word.startswith("-") and word not in ("never", "always")]
    done = subprocess.run([compose, *flags, "config", "--format", "json", *services], cwd=where, env=env,
                          capture_output=True, text=True, timeout=60)
    if done.returncode:
        return None, done.stderr.strip()
    found = json.loads(done.stdout).get("services") or {}
    if services and ("--no-deps" in words or command in ("pull", "build") and "--include-deps" not in words):
        found = {name: service for name, service in found.items() if name in services}
    built = {name for service in found.values() if "build" in service and "image" in service
             for name in [service["image"], *service["build"].get("tags", [])]}
    bases = {base for service in found.values() if "build" in service for base in based_on(service["build"], where)}
    if command == "build":
        sides = [built, bases] if "--push" in words else [bases, built]
        return [next((side for side in sides if any(map(is_of_registry, side))), set())], None
    images = set()
    flag = words[words.index("--pull") + 1] if "--pull" in words else None
    for service in found.values():
        policy = flag or service.get("pull_policy")
        if "--build" in words and "build" in service:
            policy = "build"
        if command == "up":
            images |= {volume["source"] for volume in service.get("volumes", []) if volume["type"] == "image"}
        if "image" not in service or policy in ("never", "build"):
            continue
        if "--ignore-buildable" in words and "build" in service:
            continue
        images.add(service["image"])
    if command == "up":
        images |= bases
    # If the command requests no image, Ensign may also decide by the images that it builds.
    return [images, images | built] if command == "up" and not any(map(owner, images)) else [images], None


def based_on(build, where):
    """Returns the Dockerfile's base images. An empty context is the folder of the command."""
    file = pathlib.Path(where, build.get("context", ""), "Dockerfile")
    return {file.read_text().split()[1]} if file.is_file() else set()


def is_of_registry(image):
    """Tells whether the registry has this image. Docker refuses an invalid reference and an empty tag."""
    return re.fullmatch(REGISTRY + r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[A-Za-z0-9_.-]*)?", image)


def owner(image):
    """Returns the owner of an image on the registry, or None."""
    name = image.split("/")[1] if is_of_registry(image) else None
    return name if name in OWNERS else None


def answer(helper, words, where, env):
    """Returns the accounts whose images the files name, and the files with unknown parts."""
    done = subprocess.run([helper, "which", "--as", words, "--json", REGISTRY], cwd=where, env=env, capture_output=True,
                          text=True, timeout=60)
    step = next(step for step in json.loads(done.stdout)["steps"] if step["rule"] == "files")
    owners = {owned["account"] for owned in step.get("images", [])}
    return owners | ({step["account"]} if step.get("decides") else set()), step.get("files")


def case(line, project, wanted):
    """Returns a case for `tests/fixtures/cases`. The accounts log in in this order, so the last one is the default."""
    decided = {"account": min(wanted)} if len(wanted) == 1 else {"account": OWNERS[-1], "torn": True}
    return {"command": line, "in": project.folder, "env": project.env, "registry": REGISTRY, **decided,
            "owners": sorted(wanted), "oracle": "docker compose config 2.40.3"}


def record(folder, root, cases):
    shutil.copytree(root, folder, dirs_exist_ok=True)
    expected = {"why": "a project of compose_projects.py", "accounts": OWNERS, "cases": cases}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("helper"); parser.add_argument("compose")
    parser.add_argument("--seed", type=int, default=1); parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--keep", help="where to leave projects that differ")
    parser.add_argument("--record", help="where to write projects and their answers as cases for tests/it/cases.rs")
    given = parser.parse_args()
    helper, compose = os.path.abspath(given.helper), os.path.abspath(given.compose)
    agree = differ = refused = 0
    with tempfile.TemporaryDirectory() as box:
        base = {"PATH": os.environ["PATH"], "HOME": box, "ENSIGN_CONFIG_DIR": f"{box}/c", "ENSIGN_DATA_DIR": f"{box}/d",
                "DOCKER_CONFIG": f"{box}/docker", "LANG": "C.UTF-8"}
        for name in OWNERS:
            login = json.dumps({"ServerURL": REGISTRY, "Username": name, "Secret": "x"})
            subprocess.run([helper, "store"], env=base, input=login, text=True, check=True)
        for seed in range(given.seed, given.seed + given.count):
            project = Maker(seed)
            root = pathlib.Path(box, "project")
            for path, text in project.files.items():
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(text.encode())
            where, env = root / project.folder, base | project.env
            cases = []
            for command, words in project.commands():
                wanted, error = expected(compose, command, words, where, env, project.flags)
                line = " ".join(["docker compose", *project.flags, command, *words])
                found, unknown = answer(helper, line, where, env)
                if wanted is None:
                    is_right = not found
                    refused += is_right
                else:
                    allowed = [{owner(image) for image in images} - {None} for images in wanted]
                    wanted = allowed[0]
                    is_right = not unknown and found in allowed
                    agree += is_right
                    if len(allowed) == 1:
                        cases.append(case(line, project, wanted))
                if not is_right:
                    differ += 1
                    print(f"seed {seed}: {' '.join(f'{k}={v!r}' for k, v in project.env.items())} {line}\n"
                          f"  Compose: {sorted(wanted) if wanted is not None else error}\n"
                          f"  Ensign:  {sorted(found)}{' ' + json.dumps(unknown) if unknown else ''}")
                    if given.keep:
                        shutil.copytree(root, pathlib.Path(given.keep, str(seed)), dirs_exist_ok=True)
            if given.record and cases:
                record(pathlib.Path(given.record, f"seed-{seed}"), root, cases)
            shutil.rmtree(root)
    print(f"{agree} agree, {differ} differ, {refused} refused by both")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
