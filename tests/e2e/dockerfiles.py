#!/usr/bin/env python3
"""Makes random builds from a seed, asks BuildKit and the helper which images they pull, and compares the answers.

    dockerfiles.py [--seed N] [--count N] [--helper PATH] [--record FILE] [--keep FOLDER]

It needs a daemon with BuildKit at DOCKER_HOST, started with `--registry-mirror http://localhost:5009`. This script is that
mirror: it serves every image of Docker Hub and records the requests. The helper has the accounts `acme` and `me`, each for
the namespace of its name, and must choose by the recorded images. With `--record`, the script instead writes the builds
with BuildKit's answers for tests/fixtures/dockerfiles.json.
"""
import argparse, hashlib, http.server, json, os, pathlib, random, re, subprocess, sys, tempfile, threading

PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "windows/amd64"]
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


# The registry serves one image without layers, for every name and platform.

def described(kind, value, blobs, **more):
    text = json.dumps(value).encode()
    digest = "sha256:" + hashlib.sha256(text).hexdigest()
    blobs[digest] = (kind, text)
    return {"mediaType": kind, "digest": digest, "size": len(text), **more}


def image():
    blobs, manifests = {}, []
    for platform in PLATFORMS:
        system, machine, *variant = platform.split("/")
        place = {"os": system, "architecture": machine} | ({"variant": variant[0]} if variant else {})
        config = described(CONFIG, place | {"rootfs": {"type": "layers", "diff_ids": []}, "config": {}}, blobs)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
        manifests.append(described(MANIFEST, manifest, blobs, platform=place))
    index = described(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}, blobs)
    return index["digest"], blobs


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index, blobs = image()
    asked = set()

    def do_GET(self):
        kind, text, digest = "text/plain", b"{}", None
        if found := re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/?]+)(\?.*)?", self.path):
            self.asked.add(found[1])
            digest = found[3] if found[3] in self.blobs else self.index
            kind, text = self.blobs[digest]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(text)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


# The generator of builds.

class Generator:
    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")
        self.number, self.made = number, 0
        self.stages, self.escape = [], "\\"

    def chance(self, share):
        return self.random.random() < share

    def one(self, *choices):
        return self.random.choice(choices)

    def image(self):
        self.made += 1
        return f"{self.one('acme', 'me', 'docker.io/me')}/n{self.number}x{self.made}{self.one('', '', ':1')}"

    def variable(self):
        return self.one("A", "B", "C", "NONE", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDARCH", "TARGETSTAGE")

    def word(self):
        return self.one("", "x", "a.b", "linux", "amd64", "ab", "abab")

    def junk(self, *pieces):
        return "".join(self.one(*pieces) for _ in range(self.random.randint(1, 6)))

    def expansion(self):
        if self.chance(0.15):
            return self.junk("$", "{", "}", "${A", "${B", ":-", "#", "%", "/", "*", "?", "\\", "'", '"', "a", "b", "A", "`")
        name, word = self.variable(), self.one(self.word, lambda: "${" + self.variable() + "}")()
        pattern = self.one("a*", "*b", "?", "x", "a", "*", "a\\*", "lin", "*/", ".", "[a]", "#a*", "%b*")
        return self.one(
            f"${name}", "${%s}" % name, "${%s:-%s}" % (name, word), "${%s-%s}" % (name, word),
            "${%s:+%s}" % (name, word), "${%s+%s}" % (name, word), "${%s#%s}" % (name, pattern),
            "${%s##%s}" % (name, pattern), "${%s%%%s}" % (name, pattern), "${%s%%%%%s}" % (name, pattern),
            "${%s/%s/%s}" % (name, pattern.lstrip("#%"), word), "${%s//%s/%s}" % (name, pattern.lstrip("#%"), word),
            "${%s:?no}" % name, "$$", "\\$x" if self.escape == "\\" else "`$x",
        )

    def value(self):
        text = "".join(self.one(self.word, self.expansion)() for _ in range(self.random.randint(1, 2)))
        return self.one(text, text, f'"{text}"', f"'{text}'", f'x"{text}"')

    def argument(self):
        name = self.one("A", "B", "C", "A", "B", "TARGETOS")
        image = f'"{self.image()}"' if self.chance(0.5) else self.image()
        return self.one(name, f"{name}={self.value()}", f"{name}={self.value()}", f"IMAGE={image}", "IMAGE", f"{name}=")

    def base(self):
        stage = self.one(*self.stages) if self.stages else self.image()
        return self.one(
            self.image(), self.image(), self.image(), "scratch", stage, stage, stage, "${IMAGE:-%s}" % self.image(),
            self.image() + self.expansion(), "s" + self.one("${A:-0}", "${B:+1}", "${TARGETOS/linux/0}", "${TARGETOS%inux}"),
            f'"{self.image()}"', "${%s:+%s}${%s:-%s}" % (*[name := self.variable()], self.image(), name, self.image()),
        )

    def source(self):
        names = [*self.stages, f"s{len(self.stages)}", "s0"]
        return self.one(self.image(), self.image(), self.one(*names), self.one(*names).upper(), "0",
                        str(self.random.randint(0, 3)), "tools", "scratch")

    def here_document(self):
        # Most delimiters are also valid instructions, so that the build continues if the text starts no here-document.
        end = self.one(*["CMD"] * 30, "cmd", "ENTRYPOINT", "RUN y", "EOF", "E-O.F", "EÖF", "EOF:1", "20")
        quote = self.one("'", '"') if " " in end else self.one("", "", "'", '"')
        blank = self.one("", "", "", "-", " ")
        shape = self.one(
            "<<{}", "<<{}", "cat <<{} > /x", "3<<{}", "x=<<{}", '"<<{}"', "a<<{}", "$(cat <<{}", "<<<{}", "'<<{}'", "\\<<{}",
            "it's <<{}", "<<{}>x", "${{X:-<<{}}}", "echo $((1<<{}))", "echo \"a\" <<{} | sh", "<<{} <<B",
        )
        line = shape.format(blank + quote + end + quote)
        if self.chance(0.25):
            end = "CMD"
            line = "x " + self.junk("<<", "<<", "CMD", "CMD", "-", " ", "'", '"', "\\", "$", "${X", "}", "(", "3", "x", "<", "\t")
            shape = ""
        body = [self.one(f"FROM {self.image()}", "RUN x", "# c", "", "RUN x \\", f"COPY --from={self.image()} / /")
                for _ in range(self.random.randint(0, 2))]
        last = self.one(*[end] * 9, "\t" + end, end + " ", " " + end)
        more = ["B"] if shape.endswith("<<B") else []
        return line, [*body, last, *more]

    def command(self):
        verb = self.one("RUN", "RUN", "run", "ONBUILD RUN", "COPY", "ONBUILD")
        e = self.escape
        if verb in ("COPY", "ONBUILD"):
            quote = self.one("", "", '"')
            flag = f"--from={quote}{self.source()}{quote}"
            line = self.one(f"COPY {flag} / /", f"COPY --link {flag} / /", f"copy\t{flag} / /", f"COPY {flag} {e}\n / /",
                            f"COPY {e}\n# c\n\n {flag} / /", f"RUN --mount=type=bind,target=/m,from={self.source()} x",
                            f'RUN --mount=from={self.source()},target=/m ["x", "--from=y"]', f"RUN x {flag}")
            return [("ONBUILD " if verb == "ONBUILD" else "") + line]
        if self.chance(0.45):
            line, body = self.here_document()
            return [f"{verb} {line}", *body]
        return [self.one(
            f"{verb} a {e}\n  b", f"{verb} a {e}  \n b", f"{verb} a {e}{e}", f"{verb} a {e}\u00a0", f"{verb} a {e}\n# c\n b",
            f"{verb} a {e}\n\n b", f'{verb} ["sh", "-c", "cat <<EOF"]', f"{verb} echo $((1<<20))", "WORKDIR C:" + e + e,
            "LABEL x=\"FROM y\"", "ENV A=1", "ARG IMAGE", "ARG A=2", f"{verb} a {e}{e}{e}", "# FROM x", "", f"{verb} '<<EOF'",
            f"{verb} a {e}\t", "CMD x <<EOF", "EXPOSE 1", f"{verb} a {e}\r",
        )]

    def stage(self, at):
        platform = self.one(*[""] * 30, *["--platform=$BUILDPLATFORM "] * 3, "--platform=$BUILDPLATFORM ", "--platform=linux/amd64 ",
                            "--platform=linux/${TARGETARCH} ", "--platform=$TARGETPLATFORM ", "--platform=$NONE ")
        name = self.one("", f" AS s{at}", f" as s{at}", f" AS s{at}", f" AS S{at}", " AS s0")
        lines = [self.one("FROM ", "FROM ", "from  ") + platform + self.base() + name]
        for _ in range(self.random.randint(0, 3)):
            lines += self.command()
        if name:
            self.stages.append(name.split()[-1].lower())
        return lines

    def build(self):
        lines = []
        if self.chance(0.2):
            self.escape = "`"
            lines.append(self.one("# escape=`", "#Escape = `", "# check=skip=all\n# escape=`"))
        lines += [self.one(*["# c", "", "# x=y"] * 4, "# escape=`") for _ in range(self.random.randint(0, 1))] if lines else []
        for _ in range(self.random.randint(0, 4)):
            lines.append("ARG " + " ".join(self.argument() for _ in range(self.one(1, 1, 1, 2))))
        for at in range(self.random.randint(1, 4)):
            lines += self.stage(at)
        text = "\n".join(lines) + self.one("\n", "")
        if self.chance(0.1):
            text = text.replace("\n", "\r\n")
        if self.chance(0.05):
            text = "\ufeff" + text
        build = {"dockerfile": text}
        if self.chance(0.3):
            names = self.random.sample(["A", "B", "IMAGE", "C", "TARGETARCH", "TARGETOS"], 2)
            build["arguments"] = {name: self.one(self.word(), "linux", self.image() if name == "IMAGE" else "ab") for name in names}
        if self.chance(0.2):
            build["target"] = self.one(*["s0", "S0", "s1"] * 4, "0", "s9")
        if self.chance(0.25):
            build["platforms"] = self.random.sample(PLATFORMS[:3] + PLATFORMS[-1:], self.one(1, 2))
        if self.chance(0.3):
            names = ["tools", "s0", "s1", f"acme/n{self.number}x1", f"docker.io/me/n{self.number}x2:latest", "unused"]
            names = self.random.sample(names, self.one(1, 2))
            build["contexts"] = {name: self.one(".", "docker-image://" + self.image()) for name in names}
        return build


def command(build):
    words = ["docker", "build"]
    for name, value in build.get("arguments", {}).items():
        words += ["--build-arg", f"{name}={value}"]
    if "target" in build:
        words += ["--target", build["target"]]
    if "platforms" in build:
        words += ["--platform", ",".join(build["platforms"])]
    for name, source in build.get("contexts", {}).items():
        words += ["--build-context", f"{name}={source}"]
    return words


# The answers of BuildKit and of the helper.

IN_THE_STEPS = re.compile("did not complete successfully|runc run failed|OCI runtime|failed to compute cache key|failed to "
                          "calculate checksum|failed to create shim|too many links|no such file or directory|no match for platform")


def ask_buildkit(build, folder):
    """Returns the requested images, or None if the front end refused the build, and the last error."""
    Registry.asked.clear()
    words = [*command(build), "--output", "type=cacheonly", "--progress", "plain", "--no-cache", "."]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    error = done.stderr.strip().splitlines()[-1:] or [""]
    if done.returncode and not IN_THE_STEPS.search(done.stderr):
        return None, error[0]
    return sorted(Registry.asked), error[0]


def ask_helper(helper, build, folder, env):
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in [*command(build), "."])
    done = subprocess.run([helper, "which", "--as", quoted, "--json", "docker.io"], cwd=folder, env=env, capture_output=True, text=True)
    files = next(step for step in json.loads(done.stdout)["steps"] if step["rule"] == "files")
    if files["outcome"] == "unknown":
        return "not known"
    return "torn" if files["outcome"] == "ambiguous" else files.get("account", "nothing")


def wanted(images):
    owners = {image.split("/")[0] for image in images}
    owners -= {"library"}
    return "torn" if len(owners) > 1 else next(iter(owners), "nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--port", type=int, default=5009)
    parser.add_argument("--helper")
    parser.add_argument("--record")
    parser.add_argument("--keep")
    given = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    recorded, counts, faults = [], {}, []
    with tempfile.TemporaryDirectory(dir=given.keep) as box:
        env = {"PATH": os.environ["PATH"], "HOME": box, "ENSIGN_CONFIG_DIR": f"{box}/c", "ENSIGN_DATA_DIR": f"{box}/d", "LANG": "C.UTF-8"}
        for name in ("acme", "me") if given.helper else ():
            login = json.dumps({"ServerURL": "https://index.docker.io/v1/", "Username": name, "Secret": "x"})
            subprocess.run([given.helper, "store"], env=env, input=login, text=True, check=True)
        for number in range(given.count):
            build = Generator(given.seed, number).build()
            folder = pathlib.Path(box, str(number))
            folder.mkdir()
            (folder / "Dockerfile").write_bytes(build["dockerfile"].encode())
            images, error = ask_buildkit(build, folder)
            if given.record:
                recorded.append(build | ({"refused": error} if images is None else {"images": images}))
                continue
            answer = ask_helper(given.helper, build, folder, env)
            if images is None:
                kind = "refused by both" if answer == "not known" else "refused, answered here"
            else:
                kind = "same" if answer == wanted(images) else "not known here" if answer == "not known" else "WRONG"
            counts[kind] = counts.get(kind, 0) + 1
            if kind == "WRONG":
                faults.append(f"{number}: {' '.join(command(build))}: {answer}, not {images}\n{build['dockerfile']}")
    if given.record:
        pathlib.Path(given.record).write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(faults) or ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
