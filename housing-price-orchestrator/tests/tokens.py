"""An identity provider for the tests: its keys, what it publishes of them, and the tokens that it makes."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER, AUDIENCE = "https://issuer.example", "housing-price"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
SHORT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
NAMED: dict[str, tuple[Any, str]] = {"rsa": (RSA_KEY, "RS256"), "ec": (EC_KEY, "ES256"), "short": (SHORT_KEY, "RS256")}


def published(*names: str, **members: Any) -> bytes:
    """A key set with the public halves of the keys of these names."""
    keys = []
    for name in names:
        key, algorithm = NAMED[name]
        made = (jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm).to_jwk(
            key.public_key(), as_dict=True
        )
        keys.append({**made, "kid": name, "use": "sig", **members})
    return json.dumps({"keys": keys}).encode()


def token(key: str = "rsa", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A valid token, changed by `claims`; None leaves a claim out."""
    now = int(time.time())
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "nbf": now, "scope": "predict openid"}
    content = {name: value for name, value in {**made, **claims}.items() if value is not None}
    private, algorithm = NAMED[key]
    return jwt.encode(content, private, algorithm, headers={"kid": key, **(header or {})})
