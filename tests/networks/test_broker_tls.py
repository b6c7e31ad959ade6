"""Our broker by TLS: nobody reads along, its certificate may be renewed under way, and whoever speaks no TLS does no harm there."""

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from data.core.settings import Settings
from data.core.time import now
from jobs.networks import mqtt
from jobs.networks._certificate import Certificate, Unusable
from jobs.networks.broker import Broker, CannotListen, Sealed
from tests.factories.farm import FarmWorld


def certify(folder: Path, *, days: int = 90, passphrase: bytes = b"") -> Sealed:
    """A certificate for 127.0.0.1 that vouches for itself, and its key, in the place of those that are there."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now() - timedelta(days=100)).not_valid_after(now() + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    for file, text in (("cert.pem", made.public_bytes(Encoding.PEM)), ("key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))):
        (folder / "new").write_bytes(text)
        (folder / "new").write_bytes(text)
        (folder / "new").replace(folder / file)
    return Sealed(0, folder / "cert.pem", folder / "key.pem", "127.0.0.1")


def trusting(sealed: Sealed) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(sealed.certificate))


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    return certify(tmp_path)


@asynccontextmanager
async def listening(sealed: Sealed) -> AsyncIterator[Broker]:
    broker = Broker(port=0, sealed=sealed)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest.fixture
async def broker(sealed: Sealed) -> AsyncIterator[Broker]:
    async with listening(sealed) as made:
        yield made


def client(broker: Broker, farm: FarmWorld, trust: ssl.SSLContext | None) -> aiomqtt.Client:
    port = broker.tls_port if trust else broker.port
    assert port
    return aiomqtt.Client(
        "127.0.0.1", port, username=farm.fan.topic, password=farm.secrets[farm.fan.id], timeout=5, tls_context=trust, identifier=os.urandom(4).hex()
    )


@asynccontextmanager
async def server_of(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    user, _, secret = broker.url.removeprefix("mqtt://").partition("@")[0].replace("%24", "$").partition(":")
    async with aiomqtt.Client("127.0.0.1", broker.port, username=user, password=secret, timeout=5) as server:
        await server.subscribe("#", qos=1)
        yield server


async def test_a_device_speaks_by_tls_and_is_heard_as_any_other(farm: FarmWorld, sealed: Sealed, broker: Broker) -> None:
    topic, large = f"tele/{farm.fan.topic}/SENSOR", b"x" * 60_000  # more than one TLS record holds
    async with server_of(broker) as server, client(broker, farm, trusting(sealed)) as fan:
        await fan.publish(topic, large, qos=1)
        async with asyncio.timeout(30):
            assert (await anext(server.messages)).payload == large
        await fan.subscribe(f"cmnd/{farm.fan.topic}/#", qos=1)
        await server.publish(f"cmnd/{farm.fan.topic}/POWER", large, qos=1)
        async with asyncio.timeout(30):
            assert (await anext(fan.messages)).payload == large


async def test_a_device_that_trusts_another_does_not_come_in(farm: FarmWorld, sealed: Sealed, broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(aiomqtt.MqttError):
        async with client(broker, farm, trusting(certify(tmp_path / "other"))):
            pass
    async with client(broker, farm, trusting(sealed)):
        pass


async def test_tls_1_2_is_spoken_and_older_tls_is_refused(sealed: Sealed, broker: Broker) -> None:
    old = trusting(sealed)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await _is_let_in(broker, old)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    assert not await _is_let_in(broker, old)


async def test_whoever_speaks_in_clear_at_the_sealed_door_is_hung_up_on_and_nobody_else(farm: FarmWorld, sealed: Sealed, broker: Broker) -> None:
    async with client(broker, farm, trusting(sealed)) as fan:
        for said in (b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x1e\x00\x00", b"GET / HTTP/1.1\r\n\r\n", os.urandom(64)):
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.tls_port)
            writer.write(said)
            async with asyncio.timeout(30):
                assert b"\x20\x02" not in await _rest(reader)  # no answer of a broker, at most an alert of TLS
            writer.close()
        await fan.publish(f"stat/{farm.fan.topic}/POWER", "ON", qos=1)


async def test_whoever_comes_to_the_sealed_door_and_says_nothing_is_hung_up_on(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.networks.broker.SIGN_IN_WITHIN_S", 0.2)
    async with listening(sealed) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.tls_port)
        async with asyncio.timeout(30):
            assert await _rest(reader) == b""
        writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_a_new_certificate_is_taken_up_and_nobody_is_cut_off(
    farm: FarmWorld, sealed: Sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.networks.broker.RENEWED_LOOK_S", 0)
    before = trusting(sealed)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(listening(sealed))
        fan = await stack.enter_async_context(client(broker, farm, before))
        certify(tmp_path)
        after = trusting(sealed)
        async with asyncio.timeout(30):
            while not await _is_let_in(broker, after):
                await asyncio.sleep(0.05)
        assert not await _is_let_in(broker, before)
        await fan.publish(f"stat/{farm.fan.topic}/POWER", "ON", qos=1)


async def _is_let_in(broker: Broker, trust: ssl.SSLContext) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", broker.tls_port, ssl=trust)
    except (ssl.SSLError, ConnectionResetError):
        return False
    writer.close()
    return True


def test_files_that_do_not_fit_are_said_once_and_the_old_ones_stay(sealed: Sealed, tmp_path: Path) -> None:
    kept = Certificate(sealed.certificate, sealed.key)
    assert not kept.look_again()
    sealed.certificate.write_text("half a certif")
    with capture_logs() as said:
        assert [kept.look_again() for _ in range(3)] == [False] * 3
    assert [line["reason"] for line in said] == [f"{sealed.certificate} holds no certificate in PEM"]
    certify(tmp_path, days=200)
    with capture_logs() as said:
        assert kept.look_again() and not kept.look_again()
    assert [line["event"] for line in said] == ["mqtt certificate renewed"]
    assert kept.until > now() + timedelta(days=190)


@pytest.mark.parametrize(("days", "told"), [(90, []), (3, ["the mqtt certificate is soon over"]), (-1, ["the mqtt certificate is over"])])
def test_a_certificate_that_nobody_renewed_is_told_of_once_a_day(tmp_path: Path, days: int, told: list[str]) -> None:
    sealed = certify(tmp_path, days=days)
    with capture_logs() as said:
        kept = Certificate(sealed.certificate, sealed.key)
        kept.look_again()
    assert [line["event"] for line in said] == told


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda at: (at / "cert.pem").unlink(), "{cert} cannot be read: No such file or directory"),
        (lambda at: (at / "key.pem").unlink(), "{key} cannot be read: No such file or directory"),
        (lambda at: (at / "cert.pem").write_text(""), "{cert} holds no certificate in PEM"),
        (lambda at: shutil.copy(at / "cert.pem", at / "key.pem"), "{key} holds no private key in PEM"),
        (lambda at: certify(at, passphrase=b"secret"), "the key in {key} is locked by a passphrase, and nobody is there to type it"),
        (lambda at: shutil.copy(_another(at / "x") / "key.pem", at), "the key in {key} is not that of the certificate in {cert}"),
    ],
)
async def test_wrong_files_are_said_in_one_line(sealed: Sealed, tmp_path: Path, spoil: object, told: str) -> None:
    spoil(tmp_path)  # type: ignore[operator]
    told = told.format(cert=sealed.certificate, key=sealed.key)
    with pytest.raises(Unusable) as refused:
        Certificate(sealed.certificate, sealed.key)
    assert str(refused.value) == told
    with pytest.raises(CannotListen) as closed:
        await Broker(port=0, sealed=sealed).start()
    assert str(closed.value) == f"the MQTT broker cannot listen by TLS: {told}"


def _another(folder: Path) -> Path:
    folder.mkdir()
    certify(folder)
    return folder


def test_the_key_may_be_in_the_certificates_file(sealed: Sealed) -> None:
    assert sealed.key
    sealed.certificate.write_bytes(sealed.certificate.read_bytes() + sealed.key.read_bytes())
    assert Certificate(sealed.certificate).until > now()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ("farm.example", 1883, False)),
        ({"mqtt_port": 1884}, ("farm.example", 1884, False)),
        ({"mqtt_tls_certificate": "c.pem"}, ("farm.example", 8883, True)),
        ({"mqtt_tls_certificate": "c.pem", "mqtt_tls_port": 8884, "mqtt_port": 0}, ("farm.example", 8884, True)),
        ({"mqtt_tls_certificate": "c.pem", "mqtt_tls_port": 8884, "mqtt_device_url": "mqtts://b.example"}, ("b.example", 8884, True)),
        ({"mqtt_tls_certificate": "c.pem", "mqtt_device_url": "mqtt://192.168.1.5"}, ("192.168.1.5", 1883, False)),
        ({"mqtt_tls_certificate": "c.pem", "demonstration": True}, ("farm.example", 1883, False)),
        ({"mqtt_url": "mqtt://b.example", "mqtt_tls_certificate": "c.pem"}, ("b.example", 1883, False)),
        ({"mqtt_url": "mqtts://b.example"}, ("b.example", 8883, True)),
    ],
)
def test_devices_are_told_where_to_find_the_broker(given: dict[str, object], told: tuple[str, int, bool]) -> None:
    settings = Settings(_env_file=None, public_url="https://farm.example", **given)  # type: ignore[call-arg, arg-type]
    assert settings.device_broker == told


def test_with_a_certificate_clear_text_can_be_for_the_server_alone() -> None:
    settings = Settings(_env_file=None, mqtt_host="0.0.0.0", mqtt_port=0, mqtt_tls_certificate="c.pem")  # type: ignore[call-arg]
    assert mqtt.embedded(settings).url.partition("@")[2] == "127.0.0.1:0"
    assert mqtt.embedded(settings)._host == "127.0.0.1"
