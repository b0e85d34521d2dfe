#!/usr/bin/python3
"""Keeps fifty `get`s of two accounts with five-second tokens running, and sends every token to the registry.

usage: stress.py SECONDS gently|killing    the environment has state, registry and helper

With `killing`, the script kills random `get`s. If a `get` is killed after the provider has rotated the refresh token and
before the new one is stored, the login is lost. No client can prevent this with rotating tokens, so the script counts the
loss and logs in again. Any other loss is a fault. The script prints figures, and exits with 1 if there is a fault.
"""
import base64
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, run
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SECONDS, KILLING = int(sys.argv[1]), sys.argv[2] == "killing"
STATE, REGISTRY, HELPER = Path(os.environ["state"]), os.environ["registry"], os.environ["helper"]
ACCOUNTS, IN_FLIGHT, KILLS_A_SECOND = ["alice", "bob"], 50, 10
CLIENT, ISSUER, LIFE, DELAY = "five-second-tokens", os.environ["issuer"], 5, 0.2
# Ensign renews a token two seconds before it expires, and stores the expiry in whole seconds.
LEAST_GAP = LIFE - 2 - 1
# Ensign answers with a token only if it is valid for one more second, so the registry refuses a token only if the
# machine is slow.
LEAST_LEFT = 1

gets, faults = Counter(), Counter()
lock, running, killed, not_taken, slowest = threading.Lock(), {}, [], [], 0
logins = {account: (threading.Lock(), [0]) for account in ACCOUNTS}


def main():
    began = time.time()
    end = began + SECONDS
    work = [threading.Thread(target=keep_asking, args=(ACCOUNTS[number % 2], end)) for number in range(IN_FLIGHT)]
    work.append(threading.Thread(target=watch, args=(end,)))
    if KILLING:
        work.append(threading.Thread(target=kill, args=(end,)))
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    time.sleep(LIFE)
    for account in ACCOUNTS:
        if not ask(account) and not (KILLING and ask(account)):
            faults["accounts without an answer in the end"] += 1
    events = map(json.loads, (STATE / "log/oidc-events").read_text().splitlines())
    report([event for event in events if event["client"] == CLIENT], began)
    sys.exit(1 if +faults else 0)


def keep_asking(account, end):
    while time.time() < end:
        ask(account)


def ask(account):
    global slowest
    process = Popen([HELPER, "get"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
    started = time.time()
    with lock:
        running[process.pid] = (account, started, process)
    answer, words = process.communicate(f"{account}@{REGISTRY}".encode())
    with lock:
        del running[process.pid]
    slowest = max(slowest, time.time() - started)
    if process.returncode == -9:
        gets["killed"] += 1
        return True
    if process.returncode or words:
        gets["unanswered"] += 1
        print(f"{account} was answered:", (answer + words).decode().strip()) if not KILLING else log_in(account, started)
        return False
    gets["answered"] += 1
    answer = json.loads(answer)
    faults["answers with another account"] += answer["Username"] != account
    if not is_taken(account, answer["Secret"]):
        if time.time() - started > LEAST_LEFT:
            gets["too late"] += 1
        else:
            not_taken.append((account, time.time()))
    return True


def log_in(account, after):
    """Logs in once, for all threads that found the login lost."""
    one_by_one, last = logins[account]
    with one_by_one:
        if after < last[0]:
            return
        words = ["--device", "--issuer", ISSUER, "--client-id", CLIENT, "--no-browser", "--json"]
        login = Popen([HELPER, "login", REGISTRY, *words], stdin=DEVNULL, stdout=PIPE, text=True)
        link = json.loads(login.stdout.readline())["verification_uri_complete"]
        run(["node", STATE / "oidc/approve.mjs", link, "approve", account], stdout=DEVNULL, check=True)
        login.communicate()
        gets["logged in again"] += 1
        faults["logins that failed"] += login.returncode != 0
        last[0] = time.time()


def is_taken(account, token):
    us = base64.b64encode(f"{account}:{token}".encode()).decode()
    try:
        with urlopen(Request("http://localhost:5002/token?service=e2e", headers={"Authorization": f"Basic {us}"})):
            return True
    except HTTPError:
        return False


def kill(end):
    """Kills running `get`s. One in ten kills hits the oldest, which renews the token or waits for the one that does."""
    while time.time() < end:
        time.sleep(random.uniform(0, 2 / KILLS_A_SECOND))
        with lock:
            oldest_first = sorted(running.values(), key=lambda get: get[1])
            if oldest_first:
                account, started, process = oldest_first[0] if random.random() < 0.1 else random.choice(oldest_first)
                process.kill()
                killed.append((account, started, time.time()))


def watch(end):
    """Checks that no process has a token in its arguments."""
    while time.time() < end:
        tokens = [line.split(":", 1)[1].encode() for line in (STATE / "oidc/tokens").read_text().splitlines()]
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes()
            except OSError:
                continue
            if any(token in words for token in tokens):
                faults["tokens on a command line"] += 1
        time.sleep(0.2)


def report(events, began):
    for account in ACCOUNTS:
        renewals = [event for event in events if event["event"] == "refreshed" and event["account"] == account]
        times = [moment(event) for event in renewals if moment(event) > began]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        print(f"{account}: {len(times)} renewals, {min(gaps, default=0):.2f} to {max(gaps, default=0):.2f} s apart")
        faults["renewals that were not due"] += sum(gap < LEAST_GAP for gap in gaps)
    logged_in = gets.pop("logged in again", 0)
    print(f"{gets.total()} gets: {dict(gets)}; the slowest took {slowest:.2f} s")
    lost = lost_logins(events)
    if KILLING:
        print(f"{gets['killed']} kills cost {len(lost)} logins, which were made anew {logged_in} times")
    else:
        faults["logins lost"] += len(lost)
        faults["gets without an answer"] += gets["unanswered"]
    # When a provider ends a login, it also ends the access token that Ensign still answers with.
    explained = [any(account == whose and start < at < end for whose, start, end in lost) for account, at in not_taken]
    print(f"{len(not_taken)} tokens refused by the registry, {sum(explained)} of them of a login that was lost")
    faults["tokens refused by the registry"] += len(explained) - sum(explained)
    for fault, count in (+faults).items():
        print(f"FAULT: {count} {fault}")


def lost_logins(events):
    """Returns the account, start and end of each time without a login."""
    account_of, lost, over = {}, [], {}
    for event in events:
        if event["event"] in ("granted", "refreshed"):
            account_of[event["next"]] = event["account"]
        if event["event"] == "granted" and event["account"] in over:
            # A `get` may send the older token a little later.
            lost.append((event["account"], over.pop(event["account"]), moment(event) + LEAST_LEFT))
        if event["event"] == "refused":
            account = account_of.get(event["used"], "?")
            if account not in over:
                over[account] = moment(event) - LEAST_LEFT
                faults["logins lost without a kill"] += not was_killed_before_writing(events, event)
    return lost + [(account, start, time.time()) for account, start in over.items()]


def was_killed_before_writing(events, refused):
    """Tells whether a killed `get` had used this refresh token, before it stored the next one."""
    return any(
        account == event["account"] and started < moment(event) < at + DELAY and at < moment(event) + DELAY + LEAST_LEFT
        for event in events if event["event"] == "refreshed" and event["used"] == refused["used"]
        for account, started, at in killed
    )


def moment(event):
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


main()
