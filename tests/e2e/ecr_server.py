"""An AWS on the loopback (moto), whose ECR gives real lifetimes and notes who asked, and where.

usage: ecr_server.py STATE-FOLDER PORT

An account's password is in STATE/passwords/ecr-ACCOUNT; it is good for the seconds in STATE/ecr-seconds. Each request is
a line "ACCOUNT REGION" in STATE/log/ecr-requests.
"""

import base64
import datetime
import pathlib
import sys

import moto.ecr.responses
import moto.server
from moto.core.responses import ActionResult

state = pathlib.Path(sys.argv[1])


def get_authorization_token(self):
    account = self.current_account
    with open(state / "log/ecr-requests", "a") as log:
        log.write(f"{account} {self.region}\n")
    password = (state / "passwords" / f"ecr-{account}").read_text()
    life = datetime.timedelta(seconds=int((state / "ecr-seconds").read_text()))
    data = {
        "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
        "expiresAt": datetime.datetime.now(datetime.timezone.utc) + life,
        "proxyEndpoint": f"https://{account}.dkr.ecr.{self.region}.amazonaws.com",
    }
    return ActionResult({"authorizationData": [data]})


moto.ecr.responses.ECRResponse.get_authorization_token = get_authorization_token
moto.server.main(["-H", "127.0.0.1", "-p", sys.argv[2]])
