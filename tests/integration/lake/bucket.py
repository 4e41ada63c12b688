"""An S3 server on loopback for one test: `bucket.py BUCKET [--lose N] [--busy N]`.

Prints its URL, serves until standard input ends. Each request is served alone, so that a conditional write is atomic, as
it is on S3. Only the access key `right` is let in. `--lose N`: every N-th conditional write is done and answered with an
error all the same; `--busy N`: every N-th request is answered with SlowDown and not done.
"""

import argparse
import io
import itertools
import logging
import os
import sys
import threading

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

options = argparse.ArgumentParser()
options.add_argument("bucket")
options.add_argument("--lose", type=int, default=0)
options.add_argument("--busy", type=int, default=0)
options = options.parse_args()

moto = DomainDispatcherApplication(create_backend_app)
alone = threading.Lock()
requests, conditional = itertools.count(1), itertools.count(1)


def refuse(start, status, code, message):
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def serve(environ, start):
    if "Credential=right/" not in environ.get("HTTP_AUTHORIZATION", ""):
        return refuse(start, "403 Forbidden", "InvalidAccessKeyId", "The AWS Access Key Id does not exist in our records.")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    with alone:
        if options.busy and next(requests) % options.busy == 0:
            return refuse(start, "503 Slow Down", "SlowDown", "Please reduce your request rate.")
        answer = list(moto(environ, start_late := Late()))
    lost = options.lose and environ.get("HTTP_IF_NONE_MATCH") and next(conditional) % options.lose == 0
    if lost:
        return refuse(start, "500 Internal Server Error", "InternalError", "We encountered an internal error.")
    start(start_late.status, start_late.headers)
    return answer


class Late:
    """Keeps the beginning of an answer until it is sent."""

    def __call__(self, status, headers, exc_info=None):
        self.status, self.headers = status, headers


class Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = make_server("127.0.0.1", 0, serve, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.port}"
boto3.client(
    "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="right", aws_secret_access_key="secret"
).create_bucket(Bucket=options.bucket)
print(url, flush=True)
sys.stdin.read()
os._exit(0)
