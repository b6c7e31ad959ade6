"""What an installation decides for itself, read from the environment (or a `.env` file) once at the start."""

from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One installation. Every field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    database_url: str = Field("", description="PostgreSQL 15+, as the role that owns the tables")
    secret_key: str = Field("", description="at least 32 random characters; signs, encrypts, derives role passwords")
    previous_secret_keys: str = Field("", description="comma-separated; still decrypt, no longer encrypt")
    public_url: str = Field("", description="the address people type, such as https://steading.example")
    host: str = "127.0.0.1"
    port: int = 8080
    var_dir: Path = Path("var")
    demonstration: bool = Field(False, description="set by `run` only: labels every page")

    mqtt_url: str = Field("", description="mqtt://user:password@host:1883; empty: an embedded broker")
    mqtt_port: int = Field(1883, ge=0, description="where the embedded broker listens in clear text; 0, with TLS: nowhere for devices")
    mqtt_host: str = Field("127.0.0.1", description="on which address; 0.0.0.0 for devices of the whole network, in clear text")
    mqtt_tls_certificate: str = Field("", description="a file in PEM; with it the embedded broker listens by TLS too, on every address")
    mqtt_tls_key: str = Field("", description="its private key's file; empty: the key is in the certificate's")
    mqtt_tls_port: int = Field(8883, ge=1, description="where it listens by TLS")
    mqtt_device_url: str = Field(
        "", description="where devices find the broker, such as mqtts://broker.example:8883; empty: the host of PUBLIC_URL, our port"
    )
    tile_url: str = Field("", description="a map tile template; empty: the built-in vector map")
    tile_attribution: str = ""
    find_my_url: str = Field("", description="a macless-haystack endpoint")
    find_my_user: str = ""
    find_my_password: str = ""
    find_my_every_s: int = Field(300, ge=1, description="seconds between two questions for the same tracker")
    find_my_excluded_areas: str = Field(
        "73.6,18.2,134.8,53.5",
        description="boxes (west,south,east,north; semicolons between) whose reports are dropped; default: factories in China",
    )

    oidc_issuer: str = Field("", description="an OpenID Connect issuer; empty: passwords only")
    oidc_client_id: str = ""
    oidc_client_secret: str = ""

    steading_sign_up: bool = Field(False, description="anybody may make an account and an organization of their own")
    steading_sign_up_sms: str = Field(
        "", description="the short name of the organization whose text messages carry the codes of those who sign up by phone; empty: by mail only"
    )

    smtp_url: str = Field("", description="smtp://user:password@host:587; empty: no mail is sent")
    mail_from: str = "steading@localhost"
    telnyx_url: str = Field("https://api.telnyx.com", description="where text messages are handed over")
    telegram_url: str = Field("https://api.telegram.org", description="Telegram's bots, or a server of your own for them")
    webhook_private_addresses: bool = Field(False, description="webhooks and push may go to your own network, and without TLS")
    network_private_addresses: bool = Field(False, description="a Things Stack of your own may be in your own network, and without TLS")

    stripe_secret_key: str = Field("", description="Stripe's secret key; empty: nothing is sold here")
    stripe_webhook_secret: str = Field("", description="what Stripe signs its webhook's messages with (whsec_…)")
    stripe_api_url: str = Field("", description="where Stripe's API is; empty: Stripe's own address")

    readings_retention_months: int = Field(24, ge=0, description="how long temperatures and doors are kept; 0: for ever")
    farm_raw_days: int = Field(30, ge=0, description="how long each value of a farm's devices is kept; 0: for ever")
    farm_hourly_days: int = Field(365, ge=0, description="how long their hours are kept; 0: for ever")
    farm_daily_days: int = Field(1826, ge=0, description="how long their days are kept; 0: for ever")
    system_metrics_days: int = Field(90, ge=0, description="how long this installation's own figures are kept; 0: for ever")
    backup_url: str = Field("", description="where copies are kept: a folder, or s3://bucket/prefix; empty: VAR_DIR/backups")
    backup_every_hours: int = Field(1, ge=0, le=24, description="hours between two copies, one of them at 02:00 UTC; 0: none are made")
    backup_log: bool = Field(True, description="receive the database's own log too, where it lets us, and so be able to go back to any instant")
    backup_days: int = Field(30, ge=1, description="how long copies, and the log that they go on from, are kept")
    backup_endpoint: str = Field("", description="an S3-compatible store's own address; empty: Amazon's")
    backup_region: str = ""
    backup_access_key: str = ""
    backup_secret_key: str = ""
    intake_capacity: int = Field(20_000, description="messages waiting to be stored before senders are told to wait")

    def missing_for_service(self) -> list[str]:
        """What `serve` cannot do without, one line each, in words for the person who runs it."""
        wanted = []
        if not self.database_url:
            wanted.append("DATABASE_URL: the PostgreSQL database, such as postgresql://owner:…@db/steading")
        if len(self.secret_key) < 32:
            wanted.append("SECRET_KEY: at least 32 random characters (python -c 'import secrets; print(secrets.token_urlsafe(48))')")
        if not self.public_url:
            wanted.append("PUBLIC_URL: the address people type, such as https://steading.example")
        if self.steading_sign_up and not (self.smtp_url or self.steading_sign_up_sms):
            wanted.append("SMTP_URL: STEADING_SIGN_UP is on, and the links for those who sign up must go out by mail")
        return wanted

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port that a browser sends as Origin."""
        parts = urlsplit(self.public_url or f"http://{self.host}:{self.port}")
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def has_mqtt_tls(self) -> bool:
        """Whether the embedded broker speaks by TLS. The demonstration's never does."""
        return bool(self.mqtt_tls_certificate) and not self.mqtt_url and not self.demonstration

    @property
    def device_broker(self) -> tuple[str, int, bool]:
        """Host, port and whether by TLS, as they are typed into a device."""
        parts, is_ours = urlsplit(self.mqtt_device_url or self.mqtt_url), not self.mqtt_url
        is_tls = parts.scheme == "mqtts" if parts.hostname else self.has_mqtt_tls
        sealed, clear = (self.mqtt_tls_port, self.mqtt_port) if is_ours else (8883, 1883)
        return parts.hostname or urlsplit(self.origin).hostname or self.host, parts.port or (sealed if is_tls else clear), is_tls

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")
