"""What is compared. A new peer is a row of the table, and a file of `dialects/` if it does not speak NumPy."""

from dataclasses import dataclass, field

TUNED = "+thp"
"""After a peer's name: run it with the C library's allocator tuned for large arrays."""

TUNED_ENVIRONMENT = {
    # Huge pages; freed memory is kept rather than returned to the system and faulted in again.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.arena_max=1"
    ":glibc.malloc.trim_threshold=34359738368:glibc.malloc.top_pad=67108864"
}


@dataclass(frozen=True)
class Peer:
    """A library: its dialect, the module whose import is timed, and the packages pip installs for it alone.

    Peers without packages run in the interpreter that runs the benchmarks.
    """

    dialect: str
    module: str | None
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


PEERS: dict[str, Peer] = {
    "numpy": Peer("numpy", "numpy"),
    "maniple": Peer("maniple", "maniple.numpy"),
    "numexpr": Peer("numexpr", "numexpr", ("numexpr>=2.14,<3",)),
    "numba": Peer("numba", "numba", ("numba>=0.68,<0.70", "scipy<2")),
    "jax": Peer("jax", "jax", ("jax[cpu]>=0.10,<0.11",)),
    # The package index has only the wheel for GPUs, three gigabytes with its libraries; it runs without one.
    "torch": Peer("torch", "torch", ("torch>=2.15,<2.16", "setuptools")),
    "dask": Peer("dask", "dask.array", ("dask[array]>=2026.8,<2027",)),
    "c": Peer("c", None),
}


def find(label: str) -> Peer:
    """The peer that a label such as `jax` or `jax+thp` names; `KeyError` if there is none."""
    peer = PEERS[label.removesuffix(TUNED)]
    if not label.endswith(TUNED):
        return peer
    return Peer(peer.dialect, peer.module, peer.packages, peer.environment | TUNED_ENVIRONMENT)
