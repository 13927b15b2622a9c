"""A repository on disk: the server's configuration and data, and clients that share its registry."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

PROJECT = "serve"
STORES = {
    "hybrid": {"type": "hybrid", "offline_stores": [{"type": "file"}]},
    "feast": {"type": "file"},
}


class Repo:
    def __init__(self, folder: Path, kind: str, port: int, authority: Path | None, offline: dict | None = None):
        """`offline` is the server's offline_store, where it is not that of `kind`."""
        self.folder, self.port, self.authority = folder, port, authority
        self.server = folder / "server"
        (self.server / "data").mkdir(parents=True)
        self.registry = self.server / "registry.db"
        write_yaml(self.server, {"registry": str(self.registry), "offline_store": offline or STORES[kind]})
        self.clients = 0

    def client(self, registry: Path | None = None, remote: dict | None = None, **settings) -> Path:
        """A new client's repository; `remote` adds to offline_store, `settings` to the top level."""
        self.clients += 1
        folder = self.folder / f"client{self.clients}"
        folder.mkdir()
        store = {"type": "remote", "host": "127.0.0.1", "port": self.port}
        if self.authority:
            store |= {"scheme": "https", "cert": str(self.authority)}
        online = {"type": "sqlite", "path": str(folder / "online.db")}
        write_yaml(folder, {"registry": str(registry or self.registry), "online_store": online,
                            "offline_store": store | (remote or {}), **settings})
        return folder

    def write(self, path: str, table: pa.Table) -> str:
        """Writes a Parquet file below the server's repository; the path as a source names it."""
        target = self.server / path
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target)
        return path

    def read(self, path: str) -> pa.Table:
        return pq.read_table(self.server / path)


def write_yaml(folder: Path, settings: dict) -> None:
    common = {"project": PROJECT, "provider": "local", "entity_key_serialization_version": 3}
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(common | settings))
