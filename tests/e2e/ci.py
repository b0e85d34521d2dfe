"""Runs packaging/ci's files as the CI services do, step by step as their documentation says.

usage: ci.py github ACTION.YML NAME=INPUT... -- COMMAND...
       ci.py gitlab FILE.YML JOB -- COMMAND...

COMMAND is the next step of the job. COMMAND finds the same environment as a user's `docker push` would.
"""

import os
import re
import subprocess
import sys
import tempfile

import yaml


def main():
    service, path = sys.argv[1:3]
    end = sys.argv.index("--")
    words, command = sys.argv[3:end], sys.argv[end + 1 :]
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    if service == "github":
        env = github(document, os.path.dirname(os.path.realpath(path)), dict(word.split("=", 1) for word in words))
        sys.exit(subprocess.call(command, env=env))
    sys.exit(gitlab(document[words[0]], command))


# See docs.github.com: «Metadata syntax», «Workflow commands», «Workflow syntax» (shells: `sh -e {0}`).
def github(action, folder, given):
    assert action["runs"]["using"] == "composite", "another kind of action"
    inputs = {name: given.pop(name, spec.get("default")) for name, spec in action["inputs"].items()}
    assert not given, f"no such inputs: {given}"
    assert all(value is not None for value in inputs.values()), "a required input is missing"

    def evaluate(text):
        text = re.sub(r"\$\{\{ *inputs\.(\w+) *\}\}", lambda match: inputs[match[1]], str(text))
        assert "${{" not in text, f"this expression is not known here: {text}"
        return text

    temp = tempfile.mkdtemp()
    env = dict(os.environ, GITHUB_ACTIONS="true", CI="true", RUNNER_TEMP=temp, GITHUB_ACTION_PATH=folder)
    for step in action["runs"]["steps"]:
        assert step["shell"] in ("sh", "bash"), "each step of a composite action names its shell"
        files = {name: os.path.join(temp, name.lower()) for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT")}
        for file in files.values():
            open(file, "w", encoding="utf-8").close()
        script = os.path.join(temp, "step.sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(evaluate(step["run"]))
        own = {name: evaluate(value) for name, value in step.get("env", {}).items()}
        subprocess.run([step["shell"], "-e", script], env={**env, **files, **own}, check=True)
        with open(files["GITHUB_ENV"], encoding="utf-8") as file:
            env.update(line.rstrip("\n").split("=", 1) for line in file)
        with open(files["GITHUB_PATH"], encoding="utf-8") as file:
            for line in file:
                env["PATH"] = line.rstrip("\n") + ":" + env["PATH"]
    return env


# See docs.gitlab.com: one shell runs `before_script` and `script`, and stops at the first line that fails. Variables
# may refer to other variables.
def gitlab(job, command):
    env = dict(os.environ, CI="true", GITLAB_CI="true")
    for name, value in job.get("variables", {}).items():
        env.setdefault(name, re.sub(r"\$\{?(\w+)\}?", lambda match: env.get(match[1], ""), value))
    script = "\n".join(["set -e", *job["before_script"], '"$@"'])
    return subprocess.call(["sh", "-c", script, "sh", *command], env=env)


main()
