"""S3, SQS, SNS, STS, IAM, Organizations and some of CloudTrail on loopback for one test. Only the access key `right` is let in.

Prints its URL. Then reads commands, one JSON object a line, and answers each with one line of JSON, until standard input
ends. What is to go wrong goes wrong after the command `faults`, or from the start with `--faults`.

`--break N`: the body of every N-th GET of an object ends early. `--busy N`: every N-th request is answered with SlowDown and
not done. `--lose N`: every N-th conditional write is done and answered with an error all the same. `--rate N`: more than N
requests in a second are answered with SlowDown. `--slow SECONDS`: an object with `slow` in its key takes so long. `--unwilling N`:
the first N requests to CloudTrail are throttled, fail or break off in turn. `--skew SECONDS`: its clock is so far ahead. `--bucket NAME`: a bucket that is there from the start; requests are then served one at a time, so that
a conditional write is atomic, as it is on S3. `--member`: the organisation is another account's, as it is for most.
"""

import argparse
import contextlib
import io
import itertools
import json
import logging
import os
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as xml

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

options = argparse.ArgumentParser()
options.add_argument("--break", type=int, default=0, dest="broken")
options.add_argument("--busy", type=int, default=0)
options.add_argument("--slow", type=float, default=0)
options.add_argument("--lose", type=int, default=0)
options.add_argument("--rate", type=float, default=0)
options.add_argument("--skew", type=float, default=0)
options.add_argument("--unwilling", type=int, default=0)
options.add_argument("--bucket")
options.add_argument("--member", action="store_true")
options.add_argument("--faults", action="store_true")
options = options.parse_args()

moto = DomainDispatcherApplication(create_backend_app)
requests, gets, lookups = itertools.count(1), itertools.count(1), itertools.count(1)
conditional, asked_so_far = itertools.count(1), itertools.count(1)
alone = threading.Lock()
# Entities a page of IAM's, at most.
PAGE = 7
forbidden = set()
in_turn = threading.Lock() if options.bucket else contextlib.nullcontext()
events, times, keys = [], {}, {"PublicKeyList": []}
seen, answered = {}, []
jobs = {}
faults = options.faults


def refuse(start, status, code, message=None):
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message or code}</Message></Error>'
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def serve(environ, start):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or method
    seen[action] = seen.get(action, 0) + 1
    # A role that was taken on signs with a key of STS' choice, and shows its token.
    is_role = "HTTP_X_AMZ_SECURITY_TOKEN" in environ
    if not is_role and "Credential=right/" not in environ.get("HTTP_AUTHORIZATION", ""):
        return refuse(start, "403 Forbidden", "InvalidAccessKeyId")
    if options.member and action == "DescribeOrganization":
        body = json.dumps({"Organization": {"Id": "o-example", "MasterAccountId": "999999999999"}}).encode()
        start("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))])
        return [body]
    if "denied" in path and method == "GET":
        return refuse(start, "403 Forbidden", "AccessDenied")
    if "archived" in path and method == "GET":
        return refuse(start, "403 Forbidden", "InvalidObjectState")
    if "encrypted" in path and method == "GET":
        message = "User: arn:aws:iam::111122223333:user/x is not authorized to perform: kms:Decrypt on the resource"
        return refuse(start, "403 Forbidden", "AccessDenied", message)
    if faults and options.busy and next(requests) % options.busy == 0:
        return refuse(start, "503 Slow Down", "SlowDown")
    if faults and options.rate and is_too_fast():
        return refuse(start, "503 Slow Down", "SlowDown")
    if action in ("LookupEvents", "ListPublicKeys"):
        return cloudtrail(environ, start, action)
    text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(text)
    if b"Action=AssumeRole" in text and b"denied" in text:
        return refuse(start, "403 Forbidden", "AccessDenied", "not authorized to perform: sts:AssumeRole")
    if "/iam/" in environ.get("HTTP_AUTHORIZATION", ""):
        return iam(environ, start)
    with in_turn:
        body = b"".join(moto(environ, start_late := Late()))
    if faults and options.lose and environ.get("HTTP_IF_NONE_MATCH") and next(conditional) % options.lose == 0:
        return refuse(start, "500 Internal Server Error", "InternalError")
    if "slow" in path and method == "GET":
        time.sleep(options.slow)
    start(start_late.status, start_late.headers)
    is_object = method == "GET" and path.count("/") > 1
    if faults and is_object and options.broken and next(gets) % options.broken == 0:
        return [body[: len(body) // 2]]
    return [body]


def iam(environ, start):
    """moto answers in one page, whatever MaxItems says: here it is cut into pages, by entity."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    asked = dict(urllib.parse.parse_qsl(body.decode()))
    if asked["Action"] in forbidden:
        return refuse(start, "403 Forbidden", "AccessDenied")
    environ["wsgi.input"] = io.BytesIO(body)
    seen[asked["Action"]] = seen.get(asked["Action"], 0) + 1
    if "ServiceLastAccessedDetails" in asked["Action"]:
        late = Late()
        answer = accessed(asked, late)
    else:
        answer = b"".join(moto(environ, late := Late()))
    if "MaxItems" in asked and late.status.startswith("200"):
        answer = page(answer, int(asked.get("Marker") or 0), int(asked["MaxItems"]))
    fixed = [(name, value) for name, value in late.headers if name.lower() != "content-length"]
    start(late.status, fixed + [("Content-Length", str(len(answer)))])
    return [answer]


def accessed(asked, late):
    """moto makes no reports of last use. Here each is asked for twice before it is done; roles whose name says so fail."""
    space = 'xmlns="https://iam.amazonaws.com/doc/2010-05-08/"'
    action, late.status, late.headers = asked["Action"], "200 OK", [("Content-Type", "text/xml")]
    if action.startswith("Generate"):
        if asked["Granularity"] != "ACTION_LEVEL":
            raise ValueError(asked)
        jobs[job := f"job-{len(jobs)}"] = [asked["Arn"], 0]
        inner = f"<JobId>{job}</JobId>"
    else:
        arn, times = jobs[asked["JobId"]]
        jobs[asked["JobId"]][1] += 1
        if "fails" in arn:
            inner = "<JobStatus>FAILED</JobStatus><Error><Message>no luck</Message><Code>X</Code></Error>"
        elif times == 0:
            inner = "<JobStatus>IN_PROGRESS</JobStatus>"
        else:
            used = f"<LastAuthenticated>2026-02-03T04:05:06Z</LastAuthenticated><LastAuthenticatedEntity>{arn}</LastAuthenticatedEntity>"
            tracked = f"<TrackedActionsLastAccessed><member><ActionName>GetObject</ActionName><LastAccessedTime>2026-02-03T04:05:06Z</LastAccessedTime><LastAccessedEntity>{arn}</LastAccessedEntity></member></TrackedActionsLastAccessed>"
            service = lambda name, more, count: f"<member><ServiceName>{name}</ServiceName><ServiceNamespace>{name}</ServiceNamespace>{more}<TotalAuthenticatedEntities>{count}</TotalAuthenticatedEntities></member>"
            inner = "<JobStatus>COMPLETED</JobStatus><JobType>ACTION_LEVEL</JobType><JobCompletionDate>2026-11-22T00:00:00Z</JobCompletionDate>"
            inner += "<ServicesLastAccessed>" + service("s3", used + tracked, 1)
            inner += "".join(service(f"rested{n}", "", 0) for n in range(PAGE)) + "</ServicesLastAccessed>"
    return f"<{action}Response {space}><{action}Result>{inner}</{action}Result></{action}Response>".encode()


def page(answer, at, size):
    size = min(size, PAGE)
    tree = xml.fromstring(answer)
    result = next(child for child in tree if child.tag.endswith("Result"))
    space = result.tag.split("}")[0] + "}"
    for name in ("IsTruncated", "Marker"):
        for old in result.findall(space + name):
            result.remove(old)
    entities = [(group, one) for group in result for one in group.findall(space + "member")]
    for index, (group, one) in enumerate(entities):
        if not at <= index < at + size:
            group.remove(one)
    truncated = at + size < len(entities)
    xml.SubElement(result, space + "IsTruncated").text = "true" if truncated else "false"
    if truncated:
        xml.SubElement(result, space + "Marker").text = str(at + size)
    return xml.tostring(tree)
def is_too_fast():
    """A bucket of tokens that holds one; requests that were answered are noted."""
    now = time.monotonic()
    with alone:
        if answered and now - answered[-1] < 1 / options.rate:
            return True
        answered.append(now)
        return False


def cloudtrail(environ, start, action):
    """moto knows no events of CloudTrail's. Of every ten requests one is throttled, one fails, and one breaks off."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    asked = json.loads(body or b"{}")
    region, account = environ["HTTP_AUTHORIZATION"].split("/")[2], account_of(environ)
    with alone:
        times.setdefault(f"{account}/{region}", []).append(time.monotonic())
        turn = next(lookups) % 10
    unwilling = next(asked_so_far)
    if unwilling <= options.unwilling:
        turn = (3, 6, 9)[unwilling % 3]
    if (faults or unwilling <= options.unwilling) and turn in (3, 6):
        code = "ThrottlingException" if turn == 3 else "InternalFailure"
        answer = json.dumps({"__type": code, "message": "Rate exceeded"}).encode()
        start("400 Bad Request" if turn == 3 else "500 Internal Server Error", headers(answer))
        return [answer]
    answer = json.dumps(keys if action == "ListPublicKeys" else look_up(asked, region, account)).encode()
    start("200 OK", headers(answer))
    broken = turn == 9 and (faults or unwilling <= options.unwilling)
    return [answer[: len(answer) // 2] if broken else answer]


def headers(answer):
    return [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(answer)))]


def account_of(environ):
    """The account of the role that was taken on, or the one of nobody."""
    key = environ["HTTP_AUTHORIZATION"].split("Credential=")[1].split("/")[0]
    roles = (role for account in list(sts_backends.values()) for role in account["aws"].assumed_roles)
    return next((role.account_id for role in roles if role.access_key_id == key), "")


def look_up(asked, region, account):
    """Newest first, fifty a page, a token that is a number."""
    there = lambda event: event["region"] == region and event.get("account", account) == account
    inside = lambda event: asked["StartTime"] <= event["time"] <= asked["EndTime"] and there(event)
    found = sorted(filter(inside, events), key=lambda event: -event["time"])
    at = int(asked.get("NextToken") or 0)
    page = {"Events": [{"EventId": e["id"], "CloudTrailEvent": e["text"]} for e in found[at : at + 50]]}
    if at + 50 < len(found):
        page["NextToken"] = str(at + 50)
    return page


class Late:
    """Keeps the beginning of an answer until it is sent."""

    def __call__(self, status, headers, exc_info=None):
        self.status, self.headers = status, headers


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + options.skew)


logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.port}"


def client(service, at=None, key="right", secret="secret"):
    return boto3.client(
        service, endpoint_url=at or url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret
    )


s3, sqs, sns = client("s3"), client("sqs"), client("sns")
if options.bucket:
    faults = False
    s3.create_bucket(Bucket=options.bucket)
    faults = options.faults


def upload(command):
    """Puts every file of a folder into a bucket, here or on another server; metadata by key."""
    metadata = command.get("metadata", {})
    bucket, folder, count = command["bucket"], command["folder"], 0
    there = client("s3", command["at"], "S3RVER", "S3RVER") if "at" in command else s3
    if there is s3:
        s3.create_bucket(Bucket=bucket)
    for root, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(root, name)
            key = command.get("prefix", "") + os.path.relpath(path, folder)
            with open(path, "rb") as body:
                there.put_object(Bucket=bucket, Key=key, Body=body.read(), Metadata=metadata.get(key, {}))
            count += 1
    return count


def put(command):
    s3.put_object(Bucket=command["bucket"], Key=command["key"], Body=command["text"].encode())


def stock(command):
    """Many objects at once, past the protocol."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for key, text in command["objects"]:
        backend.put_object(command["bucket"], key, text.encode())


def remove(command):
    s3.delete_object(Bucket=command["bucket"], Key=command["key"])


def queue(command):
    attributes = {"VisibilityTimeout": str(command.get("timeout", 30))}
    if command.get("dead_letters"):
        dead = sqs.create_queue(QueueName=command["name"] + "-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": command["dead_letters"]})
    attributes.update(command.get("attributes", {}))
    return sqs.create_queue(QueueName=command["name"], Attributes=attributes)["QueueUrl"]


def trail(command):
    """A trail with the settings given; `selectors` and `logging` are calls of their own."""
    trails = client("cloudtrail")
    trails.create_trail(Name=command["name"], S3BucketName=command["bucket"], **command.get("settings", {}))
    if command.get("selectors"):
        trails.put_event_selectors(TrailName=command["name"], EventSelectors=command["selectors"])
    if command.get("logging", True):
        trails.start_logging(Name=command["name"])


def send(command):
    target = sqs.get_queue_url(QueueName=command["queue"])["QueueUrl"]
    for body in command["bodies"]:
        sqs.send_message(QueueUrl=target, MessageBody=body)


def waiting(command):
    target = sqs.get_queue_url(QueueName=command["queue"])["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=target, AttributeNames=names)["Attributes"]
    return [int(counts[name]) for name in names]


def call(command):
    """Any call of any service."""
    answer = getattr(client(command["service"]), command["method"])(**command.get("with", {}))
    answer.pop("ResponseMetadata", None)
    if "Content" in answer and isinstance(answer["Content"], bytes):
        answer["Content"] = answer["Content"].decode()
    return json.loads(json.dumps(answer, default=str))


def start_faults(_):
    global faults
    faults = True
    seen.clear()


commands = {"upload": upload, "put": put, "queue": queue, "send": send, "waiting": waiting, "faults": start_faults}
commands["trail"], commands["remove"], commands["stock"] = trail, remove, stock
commands["answered"] = lambda _: answered
commands["seen"] = lambda _: seen
commands["events"] = lambda command: events.extend(command["events"])
commands["keys"] = lambda command: keys.update(command["keys"])
commands["times"] = lambda _: times
commands["call"] = call
commands["forbid"] = lambda command: forbidden.update(command["actions"])
print(url, flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command["do"]](command)), flush=True)
os._exit(0)
