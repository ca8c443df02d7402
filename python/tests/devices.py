"""What devices are asked for beside computing: memory that is full, and memory that others share.

    python devices.py

Programs whose arrays have no room together on the devices give the bits that they give where there is room. Arrays are
handed to other libraries and taken from them where they are; the other library is this file, which looks at the structures
and hands them back. Runs itself with devices that the host's processor plays: this needs a build that holds them, as
`cargo ci emulated` makes one.
"""

import ctypes
import gc
import hashlib
import json
import os
import subprocess
import sys

import numpy

N = 60_000
# Bytes of each device's memory, how many devices, and what must have happened: nothing, or arrays making room for others.
# The last is smaller than one array.
RUNS = [
    ("16M", 1, False),
    ("16M", 2, False),
    ("3M", 1, True),
    ("3M", 2, True),
    ("600k", 1, True),
    ("200k", 1, False),
    ("200k", 2, False),
]


def program(np) -> list:
    """A loop over more arrays than have room, a stencil, sums, a product of matrices, sorting and indexing."""
    rng = numpy.random.default_rng(5)
    arrays = [np.array(rng.integers(-50, 50, N).astype("float64")) for _ in range(8)]
    for turn in range(3):
        for at in range(8):
            arrays[at] = arrays[at] * 0.5 + arrays[(at + turn + 1) % 8][::-1] - turn
    total = sum(array.sum() for array in arrays)
    grid = np.array(rng.integers(0, 9, (200, 300)).astype("float32"))
    for _ in range(4):
        grid[1:-1, 1:-1] = 0.25 * (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:])
    columns, rows = grid.sum(0), grid.sum(1)
    product = grid[:90] @ grid.T[:, :90]
    order = np.argsort(arrays[3], kind="stable")
    picked = arrays[2][order[:5000]]
    arrays[1][::3] += 1
    running = arrays[1].cumsum()
    where = np.nonzero(arrays[4] > 0)[0]
    return [*arrays, total, grid, columns, rows, product, order, picked, running, where]


def worker() -> None:
    """Prints the digest of the program's values, and what the runtime counted."""
    import maniple
    import maniple.numpy as np

    values = program(np)
    maniple.sync()
    evicted = maniple._maniple.statistics()["evicted"]
    expected = program(numpy)
    digest = hashlib.sha256()
    for ours, theirs in zip(values, expected, strict=True):
        ours = numpy.asarray(ours)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-5 if ours.dtype == "float32" else 1e-9)
        digest.update(ours.tobytes())
    print(json.dumps({"digest": digest.hexdigest(), "evicted": evicted}))


class Tensor(ctypes.Structure):
    """DLPack's `DLTensor`."""

    _fields_ = [
        ("data", ctypes.c_uint64),
        ("kind", ctypes.c_int32),
        ("number", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class Versioned(ctypes.Structure):
    """DLPack's `DLManagedTensorVersioned`."""

    _fields_ = [
        ("version", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


class Other:
    """An array of another library: all that is known of it is what it says by the protocols."""

    def __init__(self, array, kind: str):
        self.array = array
        if kind == "dlpack":
            self.__dlpack_device__, self.__dlpack__ = array.__dlpack_device__, array.__dlpack__
        elif kind == "old dlpack":
            self.__dlpack_device__ = array.__dlpack_device__
            self.__dlpack__ = lambda stream=None: array.__dlpack__(stream=stream)
        else:
            self.__cuda_array_interface__ = array.__cuda_array_interface__


def structure(capsule):
    """The structure of a capsule, which keeps it."""
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    kind = Versioned if name(capsule) == b"dltensor_versioned" else Tensor
    found = kind.from_address(pointer(capsule, name(capsule)))
    found.capsule = capsule
    return found


def raises(kinds, call, *arguments, **keywords) -> bool:
    """Whether a call raises one of some exceptions."""
    try:
        call(*arguments, **keywords)
    except kinds:
        return True
    return False


def sharing() -> None:
    """Arrays go to other libraries and come from them."""
    import maniple
    import maniple.numpy as np

    copied = lambda: maniple._maniple.statistics()["copied"]  # noqa: E731
    codes = {"b": 6, "i": 0, "u": 1, "f": 2, "c": 5}
    dtypes = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()
    for dtype in dtypes:
        whole = np.arange(2000).astype(dtype).reshape(40, 50) + np.ones(1, dtype)
        view = whole[1::2, ::-1] if dtype != "f2" else whole[3:, 2:]
        assert view.__dlpack_device__() == (2, 0)
        before = copied()
        capsule = view.__dlpack__(stream=-1, max_version=(1, 1))
        found = structure(capsule)
        tensor, item = found.tensor, whole.dtype.itemsize
        assert tuple(found.version) == (1, 0) and found.flags == 0
        assert (tensor.kind, tensor.number, tensor.ndim, tensor.byte_offset) == (2, 0, 2, 0)
        assert (tensor.code, tensor.bits, tensor.lanes) == (codes[whole.dtype.kind], 8 * item, 1)
        assert tuple(tensor.shape[:2]) == view.shape
        assert tuple(stride * item for stride in tensor.strides[:2]) == view.strides
        interface = whole.__cuda_array_interface__
        start = interface["data"][0]
        assert interface["version"] == 3 and interface["strides"] is None and interface["stream"] is None
        assert interface["typestr"] == whole.dtype.str and interface["shape"] == whole.shape
        offset = 50 * item + 49 * item if dtype != "f2" else 3 * 50 * item + 2 * item
        assert tensor.data == start + offset
        assert view.__cuda_array_interface__["strides"] == (
            view.strides if not view.flags.c_contiguous else None
        )
        assert copied() == before, "nothing is copied"
        # The old structure has no version and no flags.
        assert structure(view.__dlpack__(stream=2)).data == tensor.data
        del capsule, found, tensor
    for kind in ["dlpack", "old dlpack", "interface"]:
        a = np.arange(3000.0) * 2
        expected = numpy.arange(3000.0) * 2
        other = Other(a[500:], kind)
        before = copied()
        b = np.asarray(other) if kind == "interface" else np.from_dlpack(other)
        assert type(b) is np.ndarray and b.__dlpack_device__() == (2, 0)
        # Both are the same memory: what is done to one is seen by the other, on the device and on the host.
        b *= 3
        expected[500:] *= 3
        c = a + 1
        a[600:700] = -1
        expected[600:700] = -1
        assert copied() == before, "nothing left the device"
        numpy.testing.assert_array_equal(numpy.asarray(c[:600]), expected[:600] + 1)
        numpy.testing.assert_array_equal(numpy.array(b), expected[500:])
        numpy.testing.assert_array_equal(numpy.array(a), expected)
        with maniple.on("cpu"):
            b[::7] += 5
        expected[500::7] += 5
        numpy.testing.assert_array_equal(numpy.array(a), expected)
        assert float(b.sum()) == expected[500:].sum()
        assert float((np.asarray(other) if kind == "interface" else np.from_dlpack(other))[1]) == expected[501]
        # A copy is the program's own, and goes on when the other is gone.
        own = np.array(b)
        del a, b, other
        gc.collect()
        own += 1
        numpy.testing.assert_array_equal(numpy.asarray(own), expected[500:] + 1)
    a = np.arange(100.0) + 0
    a.flags.writeable = False
    assert structure(a.__dlpack__(stream=1, max_version=(1, 0))).flags == 1
    assert raises(BufferError, a.__dlpack__, stream=1)
    assert raises(ValueError, np.from_dlpack(Other(a, "dlpack")).__setitem__, 0, 1.0)
    assert raises(ValueError, a.__dlpack__, stream=0) and raises(TypeError, a.__dlpack__, stream="s")
    a = np.arange(100.0) + 0
    assert structure(a.__dlpack__(stream=1, max_version=(1, 0), copy=True)).flags == 2
    # Who does not look where an array is gets it on the host; then it is shared there.
    assert numpy.from_dlpack(a)[7] == 7
    # NumPy shares what is shared on a device only as a copy that cannot be written.
    b = np.arange(100.0) + 0
    capsule = b.__dlpack__(stream=1)
    assert not numpy.asarray(b).flags.writeable and numpy.asarray(b)[9] == 9
    assert raises(AttributeError, lambda: b.__array_interface__)
    # A loan ends with the capsule that nobody took over; then the array may leave the device and be shared at home.
    del capsule
    numpy.asarray(b)[3] = 8
    assert float(b[3]) == 8
    host = np.array([1.0, 2.0])
    with maniple.on("cpu"):
        at_home = host + 1
        maniple.sync()
        assert at_home.__dlpack_device__() == (1, 0)
        assert raises(AttributeError, lambda: at_home.__cuda_array_interface__)
    broken = Other(np.arange(4.0) + 0, "interface")
    broken.__cuda_array_interface__["data"] = (4096, False)
    assert raises(ValueError, np.asarray, broken)


def products() -> None:
    """Products of matrices by NVIDIA's library, however the factors lie, and those that it does not know."""
    import maniple.numpy as np

    rng = numpy.random.default_rng(3)
    for dtype in ["f4", "f8", "c8", "c16", "i4"]:
        a, b = rng.integers(-9, 9, (2, 40, 60)).astype(dtype)
        if dtype[0] == "c":
            a, b = a + 1j * b, b - 2j * a
        ours, theirs = [np.array(a), np.array(b)], [a, b]
        for take in [
            lambda x, y: x @ y.T,
            lambda x, y: x.T @ y,
            lambda x, y: x[:, :40] @ y[::2, ::-1].T[:40],
            lambda x, y: x[::2, 1:33] @ y[3:35, 5:],
            lambda x, y: (x[:5] @ y.T).T,
            lambda x, y: x.reshape(2, 20, 60) @ y.T,
        ]:
            # The numbers are small: all bits of the sums are right in any order.
            numpy.testing.assert_array_equal(numpy.asarray(take(*ours)), take(*theirs))
    # The library that is played here sums doubles, as our kernel does not.
    x, y = rng.normal(size=(2, 70, 90)).astype("float32")
    rounded = (x.astype("float64") @ y.T.astype("float64")).astype("float32")
    assert (numpy.asarray(np.array(x) @ np.array(y).T) == rounded).mean() > 0.98, "the library is asked"


def main() -> int:
    """The command."""
    if sys.argv[1:] == ["--products"]:
        products()
        return 0
    if sys.argv[1:] == ["--worker"]:
        worker()
        return 0
    if sys.argv[1:] == ["--sharing"]:
        sharing()
        return 0
    wrong, digests = [], set()
    tasks = [("--sharing", {}), ("--sharing", {"MANIPLE_WINDOW": "1"}), ("--sharing", {"MANIPLE_PIECES": "3"})]
    for pieces in "13":
        tasks.append(("--products", {"MANIPLE_CUBLAS": "1", "MANIPLE_PIECES": pieces}))
    for task, settings in tasks:
        process = subprocess.run(
            [sys.executable, __file__, task],
            env={**os.environ, "MANIPLE_ON": "cuda", "MANIPLE_EMULATED": "1", **settings},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if process.returncode:
            wrong.append(f"{task}, {settings}: {process.stderr[-1500:]}")
    for memory, devices, evicts in RUNS:
        for fuse in "10":
            name = f"{devices} devices of {memory}, MANIPLE_FUSE={fuse}"
            settings = {
                "MANIPLE_ON": "cuda",
                "MANIPLE_EMULATED": str(devices),
                "MANIPLE_DEVICE_MEMORY": memory,
                "MANIPLE_FUSE": fuse,
            }
            process = subprocess.run(
                [sys.executable, __file__, "--worker"],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                timeout=300,
            )
            if process.returncode:
                wrong.append(f"{name}: {process.stderr[-1500:]}")
                continue
            found = json.loads(process.stdout.splitlines()[-1])
            digests.add(found["digest"])
            print(f"{name}: {found['evicted']} bytes made room for others")
            if evicts and found["evicted"] == 0:
                wrong.append(f"{name}: nothing made room for others")
    if len(digests) > 1:
        wrong.append(f"{len(digests)} different results")
    print("\n".join(wrong) or "all with the same bits")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
