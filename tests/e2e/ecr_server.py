"""A local AWS server (moto) whose ECR tokens expire as real ones do, and which records the requests.

usage: ecr_server.py STATE-FOLDER PORT

STATE/passwords/ecr-ACCOUNT contains an account's password, and STATE/ecr-seconds the seconds until it expires. Each request
adds a line "ACCOUNT REGION" to STATE/log/ecr-requests.
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
