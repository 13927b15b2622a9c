"""A certificate authority of our own and a server certificate from it, made with openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Certificates:
    authority: Path
    key: Path
    certificate: Path


def make(folder: Path) -> Certificates:
    folder.mkdir(parents=True, exist_ok=True)
    authority, key, certificate = folder / "ca.pem", folder / "server.key", folder / "server.pem"
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-days", "2", "-subj", "/CN=test authority",
            "-keyout", folder / "ca.key", "-out", authority)
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", key, "-out", folder / "server.csr")
    openssl("x509", "-req", "-days", "2", "-in", folder / "server.csr", "-CA", authority, "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-extfile", extensions, "-out", certificate)
    return Certificates(authority, key, certificate)


def openssl(*arguments) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
