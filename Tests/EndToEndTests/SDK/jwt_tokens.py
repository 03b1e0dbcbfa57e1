"""Keys and tokens made by PyJWT and joserfc: jwt_tokens.py FOLDER

Writes into FOLDER: secret, rsa.pem, p256.pem, p384.pem, ed25519.pem (public keys), jwks.json (all of them, `kid` the
algorithm's kind), next.json (a set with another RSA key, `kid` "next").
Prints JSON: {"good": {"HS256 PyJWT": TOKEN, ...}, "bad": {"expired": TOKEN, ...}, "next": TOKEN}. Good ones are for the
issuer https://id.example and the audience headgate.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import secrets
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

folder = pathlib.Path(sys.argv[1])
now = int(time.time())
claims = {"sub": "alice", "iss": "https://id.example", "aud": ["other", "headgate"], "iat": now, "exp": now + 600}
secret = secrets.token_urlsafe(48)
keys = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
kinds = {
    "RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "ES256": "p256", "ES384": "p384",
    "EdDSA": "ed25519",
}
jose_keys = {"rsa": RSAKey, "p256": ECKey, "p384": ECKey, "ed25519": OKPKey}


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key, kind, name):
    return jose_keys[kind].import_key(public_pem(key)).as_dict(private=False) | {"kid": name}


def encode(claims, algorithm="RS256", key=None, **header):
    return jwt.encode(claims, key or keys[kinds[algorithm]], algorithm=algorithm, headers=header or None)


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header, claims, sign=lambda signed: b""):
    signed = f"{text(json.dumps(header).encode())}.{text(json.dumps(claims).encode())}"
    return f"{signed}.{text(sign(signed.encode()))}"


def with_claims(**changes):
    return {name: value for name, value in (claims | changes).items() if value is not None}


(folder / "secret").write_text(secret)
for kind, key in keys.items():
    (folder / f"{kind}.pem").write_bytes(public_pem(key))
(folder / "jwks.json").write_text(json.dumps({"keys": [jwk(key, kind, kind) for kind, key in keys.items()]}))
following = rsa.generate_private_key(65537, 2048)
(folder / "next.json").write_text(json.dumps({"keys": [jwk(following, "rsa", "next")]}))

good = {}
for algorithm in ["HS256", "HS384", "HS512"]:
    good[f"{algorithm} PyJWT"] = jwt.encode(claims, secret, algorithm=algorithm)
    good[f"{algorithm} joserfc"] = jose.encode(
        {"alg": algorithm}, claims, OctKey.import_key(secret), algorithms=[algorithm])
for algorithm, kind in kinds.items():
    good[f"{algorithm} PyJWT"] = encode(claims, algorithm, kid=kind)
    good[f"{algorithm} joserfc"] = jose.encode(
        {"alg": algorithm, "kid": kind}, claims, jose_keys[kind].import_key(private_pem(keys[kind])),
        algorithms=[algorithm])
good["RS256 without kid"] = encode(claims)

token = encode(claims, kid="rsa")
head, body, signature = token.split(".")
middle = "A" if signature[len(signature) // 2] != "A" else "B"
pem = public_pem(keys["rsa"])
confuse = lambda secret: lambda signed: hmac.new(secret, signed, hashlib.sha256).digest()
bad = {
    "tampered signature": f"{head}.{body}.{signature[:len(signature) // 2]}{middle}{signature[len(signature) // 2 + 1:]}",
    "tampered claims": f"{head}.{text(json.dumps(with_claims(sub='root')).encode())}.{signature}",
    "no signature": f"{head}.{body}.",
    "expired": encode(with_claims(exp=now - 60)),
    "early": encode(with_claims(nbf=now + 600)),
    "of the future": encode(with_claims(iat=now + 600)),
    "without expiry": encode(with_claims(exp=None)),
    "wrong audience": encode(with_claims(aud="other")),
    "without audience": encode(with_claims(aud=None)),
    "wrong issuer": encode(with_claims(iss="https://id.example/")),
    "without issuer": encode(with_claims(iss=None)),
    "without subject": encode(with_claims(sub=None)),
    "not listed": jwt.encode(claims, keys["rsa"], algorithm="PS512"),
    "none": jwt.encode(claims, None, algorithm="none"),
    "none in capitals": forged({"alg": "NONE"}, claims),
    "public key as secret": forged({"alg": "HS256"}, claims, confuse(pem)),
    "public key as secret, named": forged({"alg": "HS256", "kid": "rsa"}, claims, confuse(pem.strip())),
    "another key": encode(claims, key=following),
    "another key, named": encode(claims, key=following, kid="rsa"),
    "kind of another key": encode(claims, kid="p256"),
    "key of its own": encode(claims, key=following, jwk=jwk(following, "rsa", "own")),
    "critical extension": encode(claims, crit=["exp"], kid="rsa"),
    "huge": encode(with_claims(padding="x" * 14000)),
    "not JSON": f"{text(b'{}x')}.{body}.{signature}",
    "padded": f"{head}=.{body}.{signature}",
}
print(json.dumps({"good": good, "bad": bad, "next": encode(claims, key=following, kid="next")}))
