"""TLS, certificates of clients and API keys, against servers that ask for them."""

import grpc
import pytest
import trustme

from nextbest import Tls
from nextbest.client import errors
from nextbest.client.credentials import bearer


def decide(client):
    return client.decide(channel="web", placements=["hero"])


class Authority:
    """Issues certificates, as PEM text."""

    def __init__(self):
        self.authority = trustme.CA()
        self.root = self.authority.cert_pem.bytes()

    def issue(self, *names):
        issued = self.authority.issue_cert(*names)
        return b"".join(part.bytes() for part in issued.cert_chain_pems), issued.private_key_pem.bytes()

    def server(self, *names, asks_for_certificates=False):
        certificate, key = self.issue(*names)
        root = self.root if asks_for_certificates else None
        return grpc.ssl_server_credentials([(key, certificate)], root, asks_for_certificates)


@pytest.fixture(scope="module")
def ours():
    return Authority()


@pytest.fixture(scope="module")
def other():
    return Authority()


@pytest.fixture
def encrypted(start_recorder, ours):
    return start_recorder(credentials=ours.server("127.0.0.1", "decisions.example"))[1]


@pytest.fixture
def mutual(start_recorder, ours):
    return start_recorder(credentials=ours.server("127.0.0.1", asks_for_certificates=True))[1]


def test_a_server_that_is_trusted(call, encrypted, ours):
    assert call(encrypted, decide, timeout_s=10.0, tls=Tls(root_certificates=ours.root)).decision_id == "d"


def test_certificates_of_files(call, mutual, ours, tmp_path):
    certificate, key = ours.issue("client@example.com")
    for name, data in (("ca.pem", ours.root), ("client.pem", certificate), ("client.key", key)):
        (tmp_path / name).write_bytes(data)
    tls = Tls(tmp_path / "ca.pem", str(tmp_path / "client.pem"), tmp_path / "client.key")
    assert call(mutual, decide, timeout_s=10.0, tls=tls).decision_id == "d"


def test_a_client_that_has_no_certificate(call, mutual, ours):
    with pytest.raises(errors.Unavailable, match="cannot be reached: "):
        call(mutual, decide, timeout_s=10.0, tls=Tls(root_certificates=ours.root))


def test_a_server_that_is_not_trusted(call, encrypted, other):
    with pytest.raises(errors.Unavailable, match="its certificate is not trusted"):
        call(encrypted, decide, timeout_s=10.0, tls=Tls(root_certificates=other.root))


def test_a_certificate_that_names_another_host(call, start_recorder, ours):
    _, address = start_recorder(credentials=ours.server("decisions.example"))
    with pytest.raises(
        errors.Unavailable, match=r"is for another host: name it with `Tls\(server_name=\.\.\.\)`"
    ):
        call(address, decide, timeout_s=10.0, tls=Tls(root_certificates=ours.root))
    tls = Tls(root_certificates=ours.root, server_name="decisions.example")
    assert call(address, decide, timeout_s=10.0, tls=tls).decision_id == "d"


def test_several_servers(call_often, start_recorder, ours):
    servers = [start_recorder(credentials=ours.server("127.0.0.1", "decisions.example")) for _ in "ab"]
    addresses = [address for _, address in servers]
    options = {"timeout_s": 10.0, "connections": 2, "tls": Tls(root_certificates=ours.root)}
    assert {answer.decision_id for answer in call_often(addresses, decide, 10, **options)} == {"d"}
    addresses[1] = addresses[1].replace("127.0.0.1", "localhost")
    with pytest.raises(errors.InvalidRequest) as caught:
        call_often(addresses, decide, 1, **options)
    assert caught.value.field == "tls.server_name"
    options["tls"] = Tls(root_certificates=ours.root, server_name="decisions.example")
    assert {answer.decision_id for answer in call_often(addresses, decide, 10, **options)} == {"d"}


def test_one_side_alone_speaks_tls(call, address, encrypted, ours):
    with pytest.raises(errors.Unavailable, match="it answers without TLS"):
        call(address, decide, timeout_s=10.0, tls=Tls(root_certificates=ours.root))
    with pytest.raises(errors.Unavailable, match="it may want TLS"):
        call(encrypted, decide, timeout_s=10.0)


def test_a_key_of_another_certificate(call, mutual, ours):
    certificate, _ = ours.issue("client@example.com")
    _, key = ours.issue("other@example.com")
    with pytest.raises(errors.Unavailable, match="the private key belongs to another certificate"):
        call(mutual, decide, timeout_s=10.0, tls=Tls(ours.root, certificate, key))


@pytest.mark.parametrize(
    ("tls", "field", "message"),
    [
        (Tls("/nowhere/ca.pem"), "tls.root_certificates", "cannot be read: No such file"),
        (Tls("-----BEGIN CERTIFICATE-----\n"), "tls.root_certificates", "PEM text is given as bytes"),
        (Tls(b"\x30\x82"), "tls.root_certificates", "not PEM"),
        (Tls(certificate=b"-----BEGIN CERTIFICATE-----"), "tls.private_key", "go together"),
        (Tls(private_key=b"-----BEGIN PRIVATE KEY-----"), "tls.certificate", "go together"),
        (
            Tls(None, b"-----BEGIN CERTIFICATE-----", b"-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            "tls.private_key",
            "`-----BEGIN PRIVATE KEY-----` should be in it",
        ),
    ],
)
def test_an_invalid_certificate_is_reported_at_once(call, address, tls, field, message):
    with pytest.raises(errors.InvalidRequest, match=message) as caught:
        call(address, decide, tls=tls)
    assert caught.value.field == field


def test_an_api_key_is_sent_with_every_call(call_often, start_recorder, ours):
    for credentials, tls in ((None, None), (ours.server("127.0.0.1"), Tls(root_certificates=ours.root))):
        recorder, address = start_recorder(credentials=credentials)
        call_often(address, decide, 3, timeout_s=10.0, connections=2, tls=tls, api_key="k-1.x_y~/+=")
        assert [sent["authorization"] for sent in recorder.metadata] == ["Bearer k-1.x_y~/+="] * 3


def test_no_api_key_no_authorization(call, address, recorder):
    call(address, decide, timeout_s=10.0)
    assert "authorization" not in recorder.metadata[0]


@pytest.mark.parametrize("key", ["", "two words", "line end\n", "naïve"])
def test_an_invalid_api_key_is_not_repeated(key):
    with pytest.raises(errors.InvalidRequest) as caught:
        bearer(key)
    assert caught.value.field == "api_key"
    assert not key or key not in str(caught.value)


def test_secrets_are_not_shown(ours):
    _, key = ours.issue("client@example.com")
    assert "PRIVATE" not in repr(Tls(private_key=key))
