"""The client over real sockets: Twisted's own HTTP server behind mutual TLS, in another process.

The reactor can run once in a process, so the peers are a script that reports what it saw.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
from pathlib import Path
from twisted.internet import defer, reactor, task
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.web.resource import Resource
from twisted.web.server import Site
from adapters.http import SoapClient
from adapters.keys import ClientTls, ServerTls, load_certificates, load_identity

pki = Path(sys.argv[1])
def own(party): return load_identity(pki / party / "tls.pem", pki / party / "tls.key")
def ca(party): return load_certificates(pki / party / "ca.pem")

class Service(Resource):
    isLeaf = True
    heard = 0
    def render_POST(self, request):
        Service.heard += 1
        request.setHeader(b"content-type", b"text/xml; charset=utf-8")
        return request.content.read()

async def peers():
    site = Site(Service())
    tls = ServerTls(own("comune"), ca("comune"))
    endpoint = SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1")
    port = await endpoint.listen(site)
    number = port.getHost().port
    async def post(client, host="127.0.0.1", at=number):
        result = await client.post(f"https://{host}:{at}/", b"<a/>" * 5000, soap_action="urn:a",
                                   content_type="text/xml; charset=utf-8", timeout=20)
        size = len(getattr(result, "body", b""))
        return [type(result).__name__, getattr(result, "reason", ""), size]
    good = SoapClient(reactor, ClientTls(own("comune"), ca("comune")))
    stranger = SoapClient(reactor, ClientTls(own("asl"), ca("comune")))
    wary = SoapClient(reactor, ClientTls(own("comune"), ca("asl")))
    seen = {
        "address": await post(good),
        "again": await post(good),
        "name": await post(good, "localhost"),
        "stranger": await post(stranger),
        "wary": await post(wary),
    }
    seen["heard"] = Service.heard
    await port.stopListening()
    for client in (good, stranger, wary):
        client.close()
    seen["refused"] = await post(good)
    print(json.dumps(seen))

task.react(lambda _: defer.Deferred.fromCoroutine(peers()))
"""


def test_over_real_sockets(pki: Path, root: Path) -> None:
    """By address, by name and on a kept connection; strangers get nothing through."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(pki)],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    seen = json.loads(done.stdout)
    for way in ("address", "again", "name"):
        assert seen[way] == ["Reply", "", 20_000]
    assert seen["stranger"] == ["NotSent", "the partner refused our TLS certificate", 0]
    assert seen["wary"] == ["NotSent", "the server's certificate is not of the pinned CA", 0]
    assert seen["heard"] == 3
    assert seen["refused"] == ["NotSent", "the connection was refused", 0]
