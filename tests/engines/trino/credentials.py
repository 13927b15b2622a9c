"""Writes a shared key, a password file and a token into the working directory, for tests/engines/trino.sh."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time


def write(name, text):
    with open(name, "w", encoding="ascii") as file:
        file.write(text)


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def password_line(user, password):
    """PBKDF2, one of the two hashes that the file authenticator reads."""
    salt, rounds = os.urandom(16), 1000
    made = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, rounds, 32)
    return f"{user}:{rounds}:{salt.hex()}:{made.hex()}\n"


def token(key, subject, expires):
    head = encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = encoded(json.dumps({"sub": subject, "exp": int(expires)}).encode())
    signature = hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{encoded(signature)}"


write("shared.key", base64.b64encode(os.urandom(32)).decode())
password = secrets.token_urlsafe(16)
write("password", password)
write("password.db", password_line("alice", password))
key = os.urandom(32)
write("jwt.key", base64.b64encode(key).decode())
write("jwt", token(key, "bob", time.time() + 30 * 86400))
write("jwt.expired", token(key, "bob", time.time() - 86400))
