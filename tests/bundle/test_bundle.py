"""The envelope of bundle files: what is sealed can be read, and nothing else can."""

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextbest import bundle
from nextbest.bundle import BundleDefect, BundleError, file
from nextbest.v1.bundle_pb2 import Action, Bundle, Model

RETAIL = Bundle(
    workspace="retail-bank", currency="EUR", actions=[Action(name="gold-card", value_constant=120.0)]
)


def test_sealed_bundle_is_read_back():
    assert bundle.read(bundle.seal(RETAIL).data) == RETAIL


def test_layout_is_as_documented():
    data = bundle.seal(RETAIL).data
    payload = RETAIL.SerializeToString(deterministic=True)
    assert data[:8] == b"nextbest"
    assert struct.unpack("<I", data[8:12]) == (1,)
    assert struct.unpack("<Q", data[12:20]) == (len(payload),)
    assert data[20:-32] == payload
    assert data[-32:] == hashlib.sha256(data[:-32]).digest()


def test_digest_is_that_of_the_whole_file():
    sealed = bundle.seal(RETAIL)
    assert sealed.digest == hashlib.sha256(sealed.data).hexdigest()
    assert bundle.digest(sealed.data) == sealed.digest


def test_sealing_is_deterministic():
    again = Bundle.FromString(RETAIL.SerializeToString())
    assert bundle.seal(RETAIL) == bundle.seal(again)


def _with_header(format_number: int, length: int, rest: bytes = b"") -> bytes:
    return struct.pack("<8sIQ", b"nextbest", format_number, length) + rest


def _resealed(payload: bytes) -> bytes:
    signed = _with_header(1, len(payload), payload)
    return signed + hashlib.sha256(signed).digest()


SEALED = bundle.seal(RETAIL).data


@pytest.mark.parametrize(
    ("data", "defect", "message"),
    [
        (b"", BundleDefect.NOT_A_BUNDLE, "not a bundle: it does not begin with `nextbest`"),
        (
            b"PK\x03\x04" + bytes(100),
            BundleDefect.NOT_A_BUNDLE,
            "not a bundle: it does not begin with `nextbest`",
        ),
        (b"next", BundleDefect.TRUNCATED, "truncated: 4 bytes of at least 52"),
        (
            SEALED[:-1],
            BundleDefect.TRUNCATED,
            f"truncated: {len(SEALED) - 1} bytes of at least {len(SEALED)}",
        ),
        (SEALED + b"\0\0", BundleDefect.DAMAGED, "damaged: 2 bytes too many"),
        (_with_header(2, 0), BundleDefect.NEWER_FORMAT, "written in format 2, this version reads format 1"),
        (_with_header(0, 0), BundleDefect.DAMAGED, "damaged: format 0 does not exist"),
        (
            _with_header(1, 2**63),
            BundleDefect.OVERSIZED,
            "oversized: 9,223,372,036,854,775,860 bytes, at most 536,870,912 are allowed",
        ),
        (
            _resealed(b"\x0a\xff"),
            BundleDefect.DAMAGED,
            "damaged: its checksum matches, but its content is not a bundle message",
        ),
    ],
)
def test_an_invalid_bundle_is_refused_with_its_reason(data, defect, message):
    with pytest.raises(BundleError) as caught:
        bundle.read(data)
    assert (caught.value.defect, caught.value.message) == (defect, message)
    assert caught.value.help


def test_too_large_a_bundle_is_not_written(monkeypatch):
    monkeypatch.setattr(file, "SIZE_BYTES_MAX", 1_000)
    with pytest.raises(BundleError, match="use smaller models") as caught:
        bundle.seal(Bundle(models=[Model(name="big", onnx=bytes(2_000))]))
    assert caught.value.defect is BundleDefect.OVERSIZED


@given(st.integers(min_value=0, max_value=len(SEALED) - 1), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(index, flip):
    data = bytearray(SEALED)
    data[index] ^= flip
    with pytest.raises(BundleError):
        bundle.read(bytes(data))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(data):
    with pytest.raises(BundleError):
        bundle.read(data)
