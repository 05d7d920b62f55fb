"""JSON Web Tokens (RFC 7519) of an issuer whose keys are published: extra ``[jwt]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ...contracts.web import Connection
from ...errors import ConfigurationError, MissingDependency, Unauthenticated
from ...hookspecs import hookimpl
from ...model.principal import ROLES, Principal
from ...settings import Settings
from .jwks import KeySet

#: Signatures that a public key verifies. An HMAC needs a secret, which a published key is not.
ALGORITHMS = frozenset(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
#: Seconds that clocks may differ.
LEEWAY = 30
_LONGEST = 16 * 1024


class JWTAuthenticator:
    """Recognises ``Authorization: Bearer <JWT>`` with a good signature, ``exp``, ``nbf``, ``aud`` and ``iss``."""

    name = "jwt"

    def __init__(self, settings: Settings, keys: KeySet) -> None:
        self._keys = keys
        self._algorithms = _algorithms(settings.jwt_algorithms)
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._tenant_claim = settings.jwt_tenant_claim
        self._roles_claim = settings.jwt_roles_claim
        self._tenant = settings.tenant

    async def close(self) -> None:
        await self._keys.close()

    async def authenticate(self, connection: Connection) -> Principal | None:
        token = connection.bearer
        if token is None or token.count(".") != 2 or len(token) > _LONGEST:
            return None
        claims = await self._claims(token)
        return None if claims is None else self._principal(claims)

    async def _claims(self, token: str) -> Mapping[str, Any] | None:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        if header.get("alg") not in self._algorithms:
            raise Unauthenticated("The JWT is signed with an algorithm that is not accepted here.")
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise Unauthenticated("The JWT is signed with a key that its issuer does not publish.")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"The JWT is not good here: {error}.") from None
        return claims

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        tenant = _claim(claims, self._tenant_claim)
        if tenant is None:
            tenant = self._tenant
        if not isinstance(tenant, str) or not tenant:
            raise Unauthenticated(f"The claim {self._tenant_claim!r} of the JWT names no tenant.")
        roles = _words(_claim(claims, self._roles_claim))
        # Roles of the issuer that mean nothing here give nothing.
        return Principal.with_roles(
            id=str(claims["sub"]), tenant=tenant, roles=[role for role in roles if role in ROLES]
        )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its whole name, else walked at the dots: ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _words(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _algorithms(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in ALGORITHMS:
            raise ConfigurationError(
                f"Setting 'jwt_algorithms': {name!r} is none of {', '.join(sorted(ALGORITHMS))}: "
                "only signatures that a published key verifies."
            )
    return list(names)


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and _is_loopback(parts.hostname):
        return url
    raise ConfigurationError("Setting 'jwt_jwks_url': keys must come over https, or from this machine.")


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


@hookimpl
def register_authenticators(settings: Settings) -> Iterable[JWTAuthenticator]:
    if settings.jwt_jwks_url is None:
        return []
    if find_spec("jwt") is None or find_spec("cryptography") is None:
        raise MissingDependency("PyJWT with cryptography", "jwt")
    if settings.jwt_audience is None and settings.jwt_issuer is None:
        raise ConfigurationError(
            "Setting 'jwt_jwks_url' needs 'jwt_audience' or 'jwt_issuer': without them a token that was made for "
            "another app of the same issuer would be good here."
        )
    return [JWTAuthenticator(settings, KeySet(_checked_url(settings.jwt_jwks_url)))]
