"""A server that authenticates its callers, as in production: TLS, keys, roles, renewals, events."""

import signal
import time

import grpc
import pytest
import trustme
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import nextbest
from nextbest import Tls
from nextbest.client import errors
from nextbest.client.operator import Operator, SecurityCounts
from nextbest.serve.access import create_key
from nextbest.serve.control_port import ListenError
from nextbest.serve.guard import ANYBODY
from nextbest.serve.process import serve
from nextbest.serve.secret_files import Secrets, read
from nextbest.settings import SettingError, Settings

QUESTION = {"channel": "web", "placements": {"hero": 1}}
PATIENCE_S = 20.0


class Files:
    """The files of a server, and what its callers have."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = trustme.CA()
        self.keys = {}
        self.callers = {}
        self.certify()
        self.authority.cert_pem.write_to_path(folder / "ca.pem")

    def certify(self):
        issued = self.authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(self.folder / "server.key")
        self.folder.joinpath("server.pem").write_bytes(b"".join(p.bytes() for p in issued.cert_chain_pems))

    def grant(self, name, roles, certificate=None):
        key, digest = create_key()
        self.keys[name] = key
        proof = f'keys: ["{digest}"]' if certificate is None else f'certificates: ["{certificate}"]'
        self.callers[name] = f"  {name}: {{roles: [{roles}], {proof}}}\n"
        self.folder.joinpath("access.yaml").write_text("callers:\n" + "".join(self.callers.values()))

    def revoke(self, name):
        del self.callers[name]
        self.folder.joinpath("access.yaml").write_text("callers:\n" + "".join(self.callers.values()))

    def environment(self, **more):
        return {
            "NEXTBEST_TLS_CERTIFICATE": str(self.folder / "server.pem"),
            "NEXTBEST_TLS_KEY": str(self.folder / "server.key"),
            "NEXTBEST_ACCESS": str(self.folder / "access.yaml"),
            **more,
        }

    def tls(self, name=None):
        if name is None:
            return Tls(self.folder / "ca.pem")
        issued = self.authority.issue_cert(name)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        return Tls(self.folder / "ca.pem", chain, issued.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def eventually(ask, expected):
    """Asks until the answer is as expected: files are looked at once a second."""
    for _ in range(int(PATIENCE_S / 0.1)):
        if ask() == expected:
            return
        time.sleep(0.1)
    assert ask() == expected


def outcome(call):
    try:
        call()
    except errors.NextbestError as error:
        return error.status
    return "OK"


def test_keys_and_roles_on_both_ports(start_serving, starter, changed, files):
    files.grant("web", "decide")
    files.grant("ops", "observe, operate")
    files.grant("watch", "observe")
    serving = start_serving(starter, **files.environment())
    assert serving.listening["is_encrypted"]
    assert serving.listening["callers"] == "3 in the access file"

    def decides(key):
        with nextbest.Client(serving.decisions, timeout_s=10.0, tls=files.tls(), api_key=key) as client:
            return outcome(lambda: client.decide(**QUESTION))

    def operates(key):
        with Operator(serving.control, timeout_s=10.0, tls=files.tls(), api_key=key) as operator:
            seen = outcome(operator.status)
            return seen, outcome(lambda: operator.activate(changed.read_bytes()))

    assert decides(files.keys["web"]) == "OK"
    assert decides(files.keys["ops"]) == "PERMISSION_DENIED"
    assert decides("nbk_wrong") == decides(None) == "UNAUTHENTICATED"
    assert operates(files.keys["ops"]) == ("OK", "OK")
    assert operates(files.keys["watch"]) == ("OK", "PERMISSION_DENIED")
    assert operates(files.keys["web"]) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    assert operates(None) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    with Operator(serving.control, timeout_s=10.0, tls=files.tls(), api_key=files.keys["watch"]) as operator:
        counts = operator.status().security
    assert counts == SecurityCounts(unauthenticated=2, permission_denied=1, handshakes_failed=0)
    code, events, _ = serving.stop()
    assert code == 0
    told = [
        (e["caller"], e["method"].rpartition("/")[2], e["status"]) for e in events if e["event"] == "control"
    ]
    assert told == [
        ("ops", "Status", "OK"),
        ("ops", "Activate", "OK"),
        ("watch", "Status", "OK"),
        ("watch", "Activate", "PERMISSION_DENIED"),
        ("web", "Status", "PERMISSION_DENIED"),
        ("web", "Activate", "PERMISSION_DENIED"),
        ("", "Status", "UNAUTHENTICATED"),
        ("", "Activate", "UNAUTHENTICATED"),
        ("watch", "Status", "OK"),
    ]
    assert all(e["peer"].startswith("ipv4:127.0.0.1:") for e in events if e["event"] == "control")


def test_certificates_of_callers_on_both_ports(start_serving, starter, files):
    files.grant("web", "decide", certificate="web.bank.example")
    files.grant("ops", "observe", certificate="ops.bank.example")
    environment = files.environment(NEXTBEST_TLS_CLIENT_CA=str(files.folder / "ca.pem"))
    serving = start_serving(starter, **environment)

    def decides(tls):
        with nextbest.Client(serving.decisions, timeout_s=10.0, tls=tls) as client:
            return outcome(lambda: client.decide(**QUESTION))

    def observes(tls):
        with Operator(serving.control, timeout_s=10.0, tls=tls) as operator:
            return outcome(operator.status)

    assert decides(files.tls("web.bank.example")) == "OK"
    assert decides(files.tls("ops.bank.example")) == "PERMISSION_DENIED"
    assert decides(files.tls("x.bank.example")) == "UNAUTHENTICATED"
    assert observes(files.tls("ops.bank.example")) == "OK"
    assert observes(files.tls("web.bank.example")) == "PERMISSION_DENIED"
    # Without a certificate there is no connection.
    assert decides(files.tls()) == observes(files.tls()) == "UNAVAILABLE"


@pytest.mark.slow
def test_renewals_drop_no_connection(start_serving, starter, files):
    files.grant("web", "decide")
    files.grant("ops", "observe")
    serving = start_serving(starter, **files.environment())
    before = files.tls()
    keys = dict(files.keys)
    with nextbest.Client(
        serving.decisions, timeout_s=10.0, tls=before, api_key=keys["web"], retry=None
    ) as client:
        client.decide(**QUESTION)
        # Another authority: a client that connects again has to trust it.
        files.authority = trustme.CA()
        files.authority.cert_pem.write_to_path(files.folder / "ca2.pem")
        files.certify()
        after = Tls(files.folder / "ca2.pem")

        def connects(tls, key=keys["web"]):
            with nextbest.Client(
                serving.decisions, timeout_s=10.0, tls=tls, api_key=key, retry=None
            ) as other:
                return outcome(lambda: other.decide(**QUESTION))

        def observes():
            with Operator(serving.control, timeout_s=10.0, tls=after, api_key=keys["ops"]) as operator:
                return outcome(operator.status)

        eventually(lambda: connects(after), "OK")
        eventually(observes, "OK")
        client.decide(**QUESTION)
        # What cannot be used changes nothing.
        files.folder.joinpath("access.yaml").write_text("callers: [")
        time.sleep(1.5)
        client.decide(**QUESTION)
        files.revoke("web")
        eventually(lambda: outcome(lambda: client.decide(**QUESTION)), "UNAUTHENTICATED")
        assert observes() == "OK"
        assert serving.process.poll() is None
    _, events, _ = serving.stop()
    said = [event["what"] for event in events if event["event"] == "secrets"]
    assert "renewed: certificates" in said
    assert any("not YAML" in what and "everything stays as it was" in what for what in said)
    assert said[-1] == "renewed: access"


@pytest.mark.slow
def test_a_port_without_authentication_stays_on_this_machine(start_serving, starter, files):
    with pytest.raises(AssertionError, match=r"will not listen on 0\.0\.0\.0:0 without knowing its callers"):
        start_serving(starter, "--control-address", "0.0.0.0:0")
    # Authenticated callers over plain text do not count as authenticated: keys could be read on the way.
    files.grant("ops", "observe")
    with pytest.raises(AssertionError, match="without knowing its callers"):
        start_serving(
            starter, "--control-address", "0.0.0.0:0", NEXTBEST_ACCESS=str(files.folder / "access.yaml")
        )
    serving = start_serving(starter, "--control-address", "0.0.0.0:0", **files.environment())
    port = serving.control.rpartition(":")[2]
    with Operator(
        f"127.0.0.1:{port}", timeout_s=10.0, tls=files.tls(), api_key=files.keys["ops"]
    ) as operator:
        assert operator.status().workers > 0


def test_without_settings_everybody_may_call(start_serving, starter):
    serving = start_serving(starter)
    assert (serving.listening["is_encrypted"], serving.listening["callers"]) == (False, "anybody")
    with Operator(serving.control, timeout_s=10.0) as operator:
        operator.status()
    _, events, _ = serving.stop()
    assert [event["caller"] for event in events if event["event"] == "control"] == [ANYBODY]


def test_reflection_takes_a_role(start_serving, starter, files):
    files.grant("web", "decide")
    serving = start_serving(starter, **files.environment())
    root = (files.folder / "ca.pem").read_bytes()
    with grpc.secure_channel(serving.control, grpc.ssl_channel_credentials(root)) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([request]), timeout=10.0))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tls_certificate": "server.pem"}, "NEXTBEST_TLS_KEY is not set: a certificate and its private key"),
        ({"tls_key": "server.key"}, "NEXTBEST_TLS_CERTIFICATE is not set"),
        ({"tls_client_ca": "ca.pem"}, "NEXTBEST_TLS_CLIENT_CA is set without NEXTBEST_TLS_CERTIFICATE"),
    ],
)
def test_settings_that_do_not_go_together(files, given, message):
    settings = Settings(**{name: files.folder / value for name, value in given.items()})
    with pytest.raises(SettingError, match=message):
        read(settings)


def test_certificates_are_required_if_no_caller_has_a_key(files):
    paths = {
        "tls_certificate": files.folder / "server.pem",
        "tls_key": files.folder / "server.key",
        "tls_client_ca": files.folder / "ca.pem",
        "access": files.folder / "access.yaml",
    }
    files.grant("ops", "observe", certificate="ops.bank.example")
    found = read(Settings(**paths))
    assert found.decisions_require_certificates
    assert found.control_requires_certificates
    # Each port asks for what its own callers have.
    files.grant("web", "decide")
    found = read(Settings(**paths))
    assert not found.decisions_require_certificates
    assert found.control_requires_certificates
    assert found.warnings() == []
    files.grant("releases", "operate")
    found = read(Settings(**paths))
    assert not found.control_requires_certificates
    (warning,) = found.warnings()
    assert "`ops` cannot call the control port" in warning
    assert "because `releases` comes with one" in warning
    assert "nextbest access key ops" in warning
    assert not Secrets().authenticates


def test_certificates_that_cannot_be_used_stop_the_start(starter, files):
    files.folder.joinpath("server.key").write_text("none")
    settings = Settings(
        address="127.0.0.1:0",
        health_address="127.0.0.1:0",
        control_address="127.0.0.1:0",
        tls_certificate=files.folder / "server.pem",
        tls_key=files.folder / "server.key",
    )
    with pytest.raises((OSError, ListenError), match="TLS cannot be used: key: no private key in PEM form"):
        serve(starter.read_bytes(), settings, None)


def test_keys_on_one_port_and_certificates_on_the_other(start_serving, starter, files):
    """The callers of the documentation's example."""
    files.grant("web", "decide")
    files.grant("crm", "decide, explain, customers", certificate="crm.bank.example")
    files.grant("releases", "observe, operate", certificate="releases.bank.example")
    environment = files.environment(NEXTBEST_TLS_CLIENT_CA=str(files.folder / "ca.pem"))
    serving = start_serving(starter, **environment)

    def decides(tls, key=None):
        with nextbest.Client(serving.decisions, timeout_s=10.0, tls=tls, api_key=key) as client:
            return outcome(lambda: client.decide(**QUESTION))

    def observes(tls):
        with Operator(serving.control, timeout_s=10.0, tls=tls) as operator:
            return outcome(operator.status)

    assert decides(files.tls(), files.keys["web"]) == "OK"
    assert decides(files.tls("crm.bank.example")) == "OK"
    assert decides(files.tls()) == "UNAUTHENTICATED"
    assert observes(files.tls("releases.bank.example")) == "OK"
    assert observes(files.tls("crm.bank.example")) == "PERMISSION_DENIED"
    assert observes(files.tls()) == "UNAVAILABLE"
    # A key for an operator disables certificates: that is logged when it happens.
    files.grant("watch", "observe")
    serving.process.send_signal(signal.SIGHUP)
    while "`releases` cannot call the control port" not in str(serving.read_event().get("what")):
        pass
