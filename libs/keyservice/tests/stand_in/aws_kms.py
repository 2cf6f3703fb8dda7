"""Serves AWS KMS and STS by moto, which checks signatures and rights; prints its port and access keys as JSON.

    aws_kms.py PORT        0 for a free one

There is one key, whose material follows from a constant: moto makes it at random, and a file
encrypted yesterday would not decrypt today. The access key may use it, and may take on the role
`sops`, which may too.
"""

import hashlib
import json
import os
import sys

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

ACCOUNT, REGION = "123456789012", "eu-west-1"
ID = "11111111-2222-3333-4444-555555555555"

kms = kms_backends[ACCOUNT][REGION]
made = kms.create_key("", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "throw-away", [], "AWS_KMS")
kms.keys.pop(made.id)
made.id = ID
made.arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ID}"
made.key_material = hashlib.sha256(b"a key that guards nothing").digest()
kms.keys[ID] = made
kms.create_alias(ID, "alias/throw-away")


def allow(*actions, **more):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


iam = iam_backends[ACCOUNT]["aws"]
iam.create_user(REGION, "sops")
iam.put_user_policy("sops", "use", allow("kms:Encrypt", "kms:Decrypt", "sts:AssumeRole"))
key = iam.create_access_key("sops")
trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
trust = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
for role in ("sops", "idle"):
    iam.create_role(role, trust, "/", None, "", [], "3600")
iam.put_role_policy("sops", "use", allow("kms:Encrypt", "kms:Decrypt"))
iam.create_user(REGION, "idle")
idle = iam.create_access_key("idle")
iam.put_user_policy("idle", "use", allow("s3:ListBucket"))


def shown(key):
    return {"id": key.access_key_id, "secret": key.secret_access_key}


server = make_server("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=True)
print(json.dumps({"port": server.port, "sops": shown(key), "idle": shown(idle)}), flush=True)
server.serve_forever()
