"""What may be repeated while a page waits, by curl(1)."""

from __future__ import annotations

import shlex

import pytest

from kubetalk.model import only_fetches


@pytest.mark.parametrize(
    "arguments",
    [
        "http://x",
        "-sS -H 'Host: x' http://x",
        "-sI http://x",
        "-X GET http://x",
        "-sXGET http://x",
        "-s --request options http://x",
        "-s -o /dev/null -w '%{http_code}\\n' http://x",
        "-so- -D - http://x",
        "-sG -d q=a --data-urlencode 'r=a b' http://x",
        "--get --data q=a http://x",
        "--cookie a=b http://x",
        "-H '-d' http://x",
        "-A -X http://x",
        "-m5 --retry 3 --connect-timeout 2 --resolve a:80:127.0.0.1 http://a",
        "--url-query q=a http://x",
    ],
)
def test_only_fetches(arguments: str) -> None:
    assert only_fetches(shlex.split(arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        "-X POST http://x",
        "-XPOST http://x",
        "-sX POST http://x",
        "-sX DELETE http://x",
        "-sXDELETE http://x",
        "-fsSLX PUT http://x",
        "--request=POST http://x",
        "--request PATCH http://x",
        "--req DELETE http://x",
        "-X $METHOD http://x",
        "-X",
        "-d a http://x",
        "-sda http://x",
        "--data a http://x",
        "--data=a http://x",
        "--dat a http://x",
        "--data-binary @f http://x",
        "-F a=b http://x",
        "-sFa=b http://x",
        "--form-string a=b http://x",
        "-T f http://x",
        "--upload-file f http://x",
        "--json '{}' http://x",
        "-K config",
        "-Q DELE ftp://x",
        "-O http://x/f",
        "-sSLo f http://x",
        "--output f http://x",
        "-X GET http://x --next -X DELETE http://y",
    ],
)
def test_sends_or_writes(arguments: str) -> None:
    assert not only_fetches(shlex.split(arguments))
