"""`ndarray`: creation, views, indexing, mutation, printing and the protocols, against NumPy."""

import numpy
import pytest
from conftest import check_same

import maniple
import maniple.numpy as np

SETUP = """
a = np.arange(10)
f = np.arange(12.0).reshape(3, 4)
c = np.arange(24).reshape(2, 3, 4)
z = np.array([1 + 2j, 3 - 4j])
e = np.zeros((0, 3))
s = np.array(5.0)
k = np.array([True, False, True])
i = np.array([2, 0, -1])
"""


def run(module, source):
    """The value of the last line of a program, or the exception."""
    scope = {"np": module}
    exec(SETUP, scope)
    *body, last = source.split("; ")
    try:
        exec("\n".join(body), scope)
        return eval(last, scope), None
    except Exception as error:
        return None, error


def check(source):
    """Compare a program's value, or its exception and message."""
    (ours, our_error), (theirs, their_error) = run(np, source), run(numpy, source)
    if their_error is not None:
        assert our_error is not None, f"NumPy raises {their_error!r}"
        assert type(our_error) is type(their_error), f"{our_error!r} is not {their_error!r}"
        said, wanted = str(our_error).replace("maniple.numpy", "numpy"), str(their_error)
        # NumPy names the target of an in-place operation as an operand of its own.
        assert said == wanted or said.startswith("operands could not be broadcast together with shapes")
        return
    if our_error is not None:
        raise our_error
    check_same(ours, theirs)
    if isinstance(theirs, numpy.ndarray):
        assert ours.flags.c_contiguous == theirs.flags.c_contiguous
        assert ours.flags.f_contiguous == theirs.flags.f_contiguous
        assert ours.flags.writeable == theirs.flags.writeable


SEARCHES = """
x = np.arange(300_001.0); x.argmax()
x = np.arange(300_001.0); x.argmin()
x = np.zeros(1 << 18); x.argmax()
x = np.zeros(270_000); x[[5, 77_777, 269_999]] = 1.0; x.argmax()
x = np.zeros(270_000); x[[5, 77_777, 269_999]] = 1.0; x[::-1].argmax()
x = np.zeros(270_000); x[269_999] = -1.0; x.argmin()
x = np.zeros(270_000); x[[99_999, 200_000]] = np.nan; x[7] = np.inf; x.argmax()
x = np.zeros(600_000); x[400_001] = 3.0; x[::2].argmax() + x[1::2].argmax()
x = np.zeros((600, 500), dtype=np.int16); x[311, 4] = 9; x[311, 5] = 9; x.argmax()
x = np.zeros((600, 500), dtype=np.int16); x[311, 4] = 9; x[500, 3] = 9; x.T.argmax()
x = np.zeros(270_000, dtype=bool); x[123_456] = True; x.argmax(keepdims=True)
x = np.zeros(270_000, dtype=complex); x[200_000] = 1j; x[201_000] = 1j; x.argmax()
"""
"""Among so many elements that parts of them are searched apart."""


@pytest.mark.parametrize("source", SEARCHES.strip().splitlines())
def test_long_searches(source):
    check(source)


CREATION = """
np.array([1, 2.5])
np.array([[1, 2], [3, 4]], order='F')
np.array([])
np.array([True, 2])
np.array([1, 2], dtype='float16')
np.array(3)
np.array([[1, 2], [3]])
np.array([[], []])
np.array((1, (2, 3)[0]))
np.array(range(5))
np.array([np.arange(2), np.arange(2)])
np.array(b'x')
np.asarray(a) is a
np.array(a, copy=False) is a
np.array(5, copy=False)
np.array(a, ndmin=3)
np.zeros(3)
np.zeros((2, 3), int)
np.ones(())
np.full((2,), np.nan)
np.full((2,), 3.7, 'i4')
np.full((2,), np.int64(300), 'u1')
np.full((2,), 300, 'u1')
np.empty((0, 4)).shape
np.arange(5)
np.arange(2, 11, 3)
np.arange(5, 0, -2)
np.arange(0, 1, 0.25)
np.arange(3, dtype='complex64')
np.arange(0)
np.arange()
np.arange(1, 2, 0)
np.linspace(0, 1, 5)
np.eye(3, k=-1)
np.zeros_like(f, dtype=int)
np.ones_like(f.T).flags.f_contiguous
np.zeros(-1)
np.zeros((2, -1))
np.zeros(3, dtype='nosuch')
np.frombuffer(b'12345678', dtype='int32')
np.fromiter(range(4), float)
np.copy(f)
np.ndarray((2, 2), buffer=np.arange(4.0))
"""

VIEWS = """
f.T
f[::-1]
f[:, ::-2]
f[1]
f[1, 2]
f[..., 1]
f[None, :, None]
f[1:1]
f[5:]
f[-2:, 1:3]
f.reshape(4, 3)
f.reshape(-1, 6)
f.reshape(5)
f.reshape((2, 6), order='F')
f.T.reshape(12)
f.ravel()
f.T.ravel()
f.T.ravel('K')
f.flatten('F')
c.transpose(1, 0, 2)
c.transpose()
c.swapaxes(0, 2)
c.transpose(0, 0, 1)
f.diagonal()
f.diagonal(1)
f[None].squeeze()
f.squeeze(0)
z.real
z.imag
z.real.flags.c_contiguous
f.real is f
f.view('int64')
f.view('int32')
f.astype('int32').view('int16')
a.view('nosuch')
np.broadcast_to(a, (3, 10))
np.broadcast_to(a, (3, 9))
c[1, ::2, ::-1].strides
f[::2, 1:].base is f
f.T.base is f
np.lib.stride_tricks.sliding_window_view(a, 4)
np.lib.stride_tricks.as_strided(a, (3, 3), (8, 8))
f[1.0]
f[10]
f[0, 0, 0]
f['x']
f[..., ...]
f[()] is f
s[()]
s[...]
s[0]
f.nosuch
"""

FANCY = """
a += 1; a *= 2; a[i]
b = a[2:]; b[:] = 7; a[[1, 2, -10]]
a[[0, 10]]
a[[0, -11, 99]]
a[np.array([2**63 - 1])]
a[np.array([-2**63])]
e[[0]]
e.T[[2, 0]]
e[i[:0]]
c[i[:2]]
c[[[0, 1], [-1, -2]]]
c[[[0, 1], [-1, 2]]]
np.asfortranarray(f)[i]
f[:, ::2][i]
f.T[i]
z[[1, 0, 1, 1]]
np.arange(6, dtype='u1').reshape(2, 3)[[1, 0, 1]]
np.arange(1025.0)[np.arange(1025)[::-1]].sum()
np.arange(1025.0)[np.arange(1024)].sum()
np.arange(3000.0)[[2999, 0, -3000]]
np.arange(3000.0)[[2999, 0, -3001]]
x = np.arange(1025.0); x[x > 1020]
x = np.arange(1024.0); x += 1; x[x % 2 == 0].sum()
m = f > 5; m[0, 0] = True; f[m]
f.T[(f > 5).T]
f[np.asfortranarray(f > 5)]
z[z.real > 2]
np.array(3.0)[np.array(True)]
np.take(a, i); np.take(a, [[1], [-1]])
np.take(f, [0, 2], axis=0)
np.take(f, [5])
np.take(f, [13])
np.nonzero(f > 5)
np.nonzero(c % 2)
np.nonzero(e)
np.nonzero(np.arange(513) % 2)[0].sum()
np.nonzero(np.arange(1025) % 2)[0].sum()
np.argwhere(c == 23)
a[i]
a[[1, 2, 3]]
a[[]]
a[[[1, 2], [3, 4]]]
a[a > 3]
a[np.array([True] * 10)]
a[np.array([True] * 9)]
a[[10]]
a[[1.5]]
f[i, i]
f[i]
f[:, i]
f[k]
f[k, 1]
f[k, :]
f[:, [True, False, True, False]]
f[f > 5]
f[f > 50]
f[[0, 1], [[0], [1]]]
f[[0, 1], [0, 1, 2]]
c[:, i, 1]
c[0, :, i]
c[[0, 1], :, [1, 2]]
c[[0, 1], None, :, [1, 2]]
c[..., [0, 1]]
c[k[:2]]
c[:, k]
c[np.ones((2, 3), bool)]
c[np.ones((2, 4), bool)]
c[True]
c[False]
s[True]
s[np.array(False)]
a[np.int64(3)]
a[np.array(3)]
a[np.uint8(3)]
a[(np.array([1, 2]),)]
np.take(f, [0, 5, 11])
np.take(f, [0, 2], axis=1)
np.take(f, [100], mode='clip')
np.take(f, [100])
np.nonzero(f > 5)
np.argwhere(f > 5)
np.where(f > 5)
np.where(f > 5, f, -1)
np.where(k[:, None], f, 0.5)
np.compress([True, False, True], f, axis=0)
np.choose([0, 1, 0], [i, -i, i])
np.extract(a > 5, a)
a.take([1, 2], out=np.zeros(2, int))
"""

MUTATION = """
a[2:5] = 7; a
a[::-1] = a; a
a[1:] += a[:-1]; a
f[:, 0] = f[0, :3]; f
f[1] = [1, 2]; f
f[:] = a; f
f[...] = 5; f
f[0, 0] = 9; f
f[f > 5] = 0; f
f[f > 5] = [1, 2]; f
f[f > 5] = [1, 2, 3, 4, 5, 6]; f
a[i] = [7, 8, 9]; a
a[[1, 1, 1]] = [7, 8, 9]; a
a[[1, 1, 1]] += 1; a
f[i, i] = 5; f
f[:, i] = i; f
f[k] *= 2; f
f[[0, 1], 1:3] = [[1, 2], [3, 4]]; f
c[:, [0, 2], 1] = 0; c
a[[20]] = 1; a
a[3] = 'x'; a
a[3] = 2.7; a
a[3] = 1j; a
a[0] = [1, 2]; a
a += 0.5; a
f += a[:4]; f
f += a; f
f *= f.T; f
f -= f; f
a //= 3; a
a **= 2; a
a <<= 1; a
k &= False; k
b = a[::2]; b += 100; a
b = f.T; b[1] = -1; f
b = f.ravel(); b[0] = 100; f
b = f.T.ravel(); b[0] = 100; f
b = c.reshape(6, 4)[::2]; b[:, 1] = 0; c
b = a; b += 1; b is a
b = np.broadcast_to(a, (2, 10)); b[0, 0] = 1; b
a.flags.writeable = False; a[0] = 1; a
a.fill(3); a
a.sort(); a
f[::-1].sort(0); f
np.put(f, [0, 5], [9, 8]); f
np.putmask(f, f > 5, [1, 2]); f
np.copyto(f, 5, where=f > 5); f
np.copyto(a, f); a
np.place(f, f > 5, [1, 2]); f
np.fill_diagonal(f, 7); f
np.add.at(a, [0, 0, 3], 10); a
a.shape = (2, 5); a
a.shape = (3, 5); a
a.resize((2, 2), refcheck=False); a
a.flat[3] = 50; a
a.flat[2:5] = [1, 2, 3]; a
f.real[0] = 3; f
z.imag = 0; z
z.real[:] += 1; z
s[()] = 3; s
s += 1; s
e[:] = 1; e
f[1:, 1:] = f[:-1, :-1]; f
f[:] = f[::-1]; f
f[0], f[1] = f[1].copy(), f[0].copy(); f
del a[0]; a
a.put([0, 1], 5); a
a.partition(3); a[3]
a.byteswap(True); a
a.setflags(write=False); a[0] = 1; a
"""

METHODS = """
f.sum()
f.sum(axis=0)
f.sum(axis=1, keepdims=True)
f.sum(dtype='float32')
f.sum(axis=5)
f.mean()
f.mean(axis=0)
f.std()
f.var(axis=1, ddof=1)
f.min()
f.max(axis=(0, 1))
f.argmin()
f.argmax(axis=1)
f.prod(axis=0)
f.cumsum()
f.cumsum(axis=1)
f.cumprod(axis=0)
f.any()
f.all(axis=0)
k.sum()
k.any()
k.mean()
e.sum()
e.sum(axis=0)
e.max()
e.prod()
e.mean()
a.ptp()
np.ptp(a)
a.clip(2, 5)
f.round(1)
(f / 3).round(2)
a.argsort()
np.sort(f[::-1], axis=0)
a.searchsorted([3, 4.5])
a.repeat(2)
f.repeat([1, 0, 2], axis=0)
f.trace()
f.dot(f.T)
f @ f.T
f @ f
a @ a
a.tolist()
f.tolist()
s.tolist()
a.item(3)
f.item(1, 2)
f.item()
s.item()
a.astype('float32')
a.astype('int8', copy=False).dtype
f.astype(int)
f.astype('complex64')
z.astype(complex)
a.astype('S1', casting='safe')
f.copy('F').flags.f_contiguous
f.nbytes
f.itemsize
f.size
f.ndim
len(f)
len(s)
f.strides
f.dtype
a.dtype.name
f.flags.owndata
f.T.flags.owndata
a.tobytes()
f.T.tobytes('F')
bool(s)
bool(a)
bool(e)
int(s)
float(s)
complex(s)
float(a)
int(a)
a.__index__()
np.array(3).__index__()
range(10)[np.array(3)]
list(a)
list(f)[1]
[x for x in s]
5 in a
50 in a
a == a
a == 'x'
a != [1, 2]
a == None
-f
+f
abs(-f)
~k
-k
~f
f ** 2
2 ** a
f ** 0.5
f // 2
f % 3
divmod(a, 3)
divmod(20, a[1:])
a << 2
a & 3
k | [True, True, True]
1 / (a + 1)
[1, 2, 3, 4] + f
f + 'x'
f + None
(1, 2, 3) * i
f < 3
3 < f
not s
f.conj()
z.conj()
f.nonzero()
f.T.flatten()
a.max(initial=100)
a.sum(where=a > 3)
a.sum(nosuch=1)
hash(a)
a if a.any() else 0
format(s, '.2f')
'%d' % a[3]
f'{a[3]:03d}'
np.sum([1, 2])
np.sum(a > 3)
np.count_nonzero(f)
np.concatenate([a, a])
np.concatenate([f, f], axis=1)
np.concatenate([f, a])
np.concatenate([])
np.stack([a, a], -1)
np.unique([3, 1, 3])
np.bincount([1, 1, 3])
np.searchsorted(a, 3)
np.dot(a, a)
np.einsum('ij,kj->ik', f, f)
np.einsum('ii', f[:, :3])
np.inner(a, a)
np.vdot(z, z)
np.shape(f)
np.size([1, 2])
np.ndim(5)
np.isscalar(a.sum())
np.iterable(a)
np.result_type(a, f, 3)
np.can_cast(a.dtype, 'int8')
np.shares_memory(f, f[1:])
np.may_share_memory(f, a)
np.array_equal(f, f)
np.argpartition(a, 3)[3]
np.lexsort((a, -a))
np.packbits(k)
np.histogram(a, 4)
np.linalg.inv(f[:, :3] + np.eye(3))
np.linalg.det(np.eye(3))
np.fft.fft([1.0, 0, 0, 0])
a.sum().dtype
a.sum() + 1
a.sum() * f
f.sum().item()
type(a.sum()) is type(a.sum())
a.mean().shape
np.float64(3) * a
a.sum() == 45
{a.sum(): 1}[45]
a[int(a.min())]
a[a.argmax()]
range(3)[a.min()]
max(f.max(), 3)
str(f.sum())
repr(f.sum())
f.sum().is_integer()
round(f.mean(), 1)
'{:.3f}'.format(f.mean())
"""

PRINTING = """
repr(f)
str(f)
repr(s)
str(s)
repr(e)
repr(z)
repr(k)
repr(np.arange(2000))
repr(np.ones((50, 50)))
repr(a.astype('int8'))
repr(f.astype('float32') / 3)
repr(np.array([np.nan, np.inf, -np.inf, 1e-10, 1e20]))
repr(np.zeros((2, 0, 3)))
repr(np.float32(3) + s)
np.array2string(f, precision=2)
np.array_repr(a)
str(a[3])
repr(a[3])
repr(a.sum())
f'{f}'
f'{s:.1f}'
np.array_str(f)
"""


@pytest.mark.parametrize("source", CREATION.strip().splitlines())
def test_creation(source):
    check(source)


@pytest.mark.parametrize("source", VIEWS.strip().splitlines())
def test_views(source):
    check(source)


@pytest.mark.parametrize("source", FANCY.strip().splitlines())
def test_fancy_reads(source):
    check(source)


@pytest.mark.parametrize("source", MUTATION.strip().splitlines())
def test_mutation(source):
    check(source)


@pytest.mark.parametrize("source", METHODS.strip().splitlines())
def test_methods(source):
    check(source)


@pytest.mark.parametrize("source", PRINTING.strip().splitlines())
def test_printing(source):
    check(source)


class TestProtocols:
    """How others see our arrays."""

    def test_asarray_shares_memory(self):
        a = np.arange(6.0).reshape(2, 3)
        face = numpy.asarray(a[:, 1:])
        assert face.base is not None and face.strides == (24, 8)
        a[0, 1] = 50
        assert face[0, 0] == 50
        face[1, 1] = -1
        assert float(a[1, 2]) == -1

    def test_array_arguments(self):
        a = np.arange(3)
        assert numpy.array(a, dtype=float).tolist() == [0, 1, 2]
        assert not numpy.shares_memory(numpy.array(a), numpy.asarray(a))
        assert numpy.asarray(a, copy=False).tolist() == [0, 1, 2]
        with pytest.raises(ValueError):
            numpy.asarray(a, dtype=float, copy=False)

    def test_interface_and_buffer(self):
        a = np.arange(6, dtype="int16")[::2]
        interface = a.__array_interface__
        assert (interface["shape"], interface["typestr"], interface["strides"]) == ((3,), "<i2", (4,))
        view = memoryview(a)
        assert (view.format, view.shape, view.tolist()) == ("h", (3,), [0, 2, 4])
        view[1] = 9
        assert a.tolist() == [0, 9, 4]

    def test_dlpack(self):
        a = np.arange(4.0)
        assert numpy.from_dlpack(a).tolist() == [0, 1, 2, 3]
        assert type(np.from_dlpack(numpy.arange(3))) is np.ndarray

    @pytest.mark.parametrize("make", ["plain", "read-only", "reversed", "text", "swapped", "scalar"])
    @pytest.mark.parametrize(
        "keywords",
        [
            {},
            {"stream": None},
            {"stream": 1},
            {"stream": 0},
            {"stream": "s"},
            {"max_version": None},
            {"max_version": (0, 8)},
            {"max_version": (1, 0)},
            {"max_version": (1, 0), "copy": True},
            {"max_version": (1, 0), "copy": False},
            {"max_version": "1"},
            {"dl_device": (1, 0)},
            {"dl_device": (1, 0), "copy": True},
            {"dl_device": (2, 0)},
            {"copy": True},
            {"copy": "yes"},
            {"surprise": 1},
        ],
    )
    def test_capsules_are_numpys(self, make, keywords):
        def made(np):
            array = np.arange(6.0)
            if make == "read-only":
                array.flags.writeable = False
            variants = {
                "reversed": lambda: array[::-2],
                "text": lambda: np.array(["a"]),
                "swapped": lambda: array.astype(">f8"),
                "scalar": lambda: array[2:3].reshape(()),
            }
            return variants.get(make, lambda: array)()

        def outcome(array):
            try:
                capsule = array.__dlpack__(**keywords)
            except Exception as error:
                return type(error), str(error)
            return repr(capsule).split(" at ")[0]

        # Arrays on a device are handed over there; `devices.py` looks at those.
        with maniple.on("cpu"):
            assert made(np).__dlpack_device__() == made(numpy).__dlpack_device__()
            assert outcome(made(np)) == outcome(made(numpy))

    def test_whoever_speaks_dlpack_is_an_array(self):
        class Other:
            def __init__(self, array):
                self.__dlpack__, self.__dlpack_device__ = array.__dlpack__, array.__dlpack_device__

        class Device(Other):
            def __init__(self, array):
                super().__init__(array)
                self.__dlpack_device__ = lambda: (2, 99)

        owner = numpy.arange(5.0)
        for shared in [np.asarray(Other(owner)), np.from_dlpack(Other(owner))]:
            shared[1] += 5
        assert owner[1] == 11
        assert type(np.add(Other(owner), 1)) is np.ndarray
        copied = np.from_dlpack(Other(owner), copy=True)
        copied[0] = 9
        assert np.array(Other(owner)).tolist() == owner.tolist() == [0, 11, 2, 3, 4]
        # A device that is not there: its owner is asked for a copy at home, which NumPy's arrays give.
        assert np.from_dlpack(Device(owner)).tolist() == owner.tolist()
        with pytest.raises(ValueError):
            np.from_dlpack(Device(owner), copy=False)

    def test_functions_of_numpy(self):
        a = np.arange(4.0)
        assert type(numpy.roll(a, 1)) is np.ndarray
        assert type(numpy.concatenate([numpy.arange(2), a])) is np.ndarray
        assert numpy.linalg.norm(a) == numpy.linalg.norm(numpy.arange(4.0))

    def test_weak_references_and_identity(self):
        import weakref

        a = np.arange(3)
        assert weakref.ref(a)() is a
        assert a[:] is not a

    def test_threads(self):
        import threading

        results = []

        def work(n):
            a = np.full(1000, n)
            for _ in range(20):
                a = a + 1
            results.append(int(a.sum()) == 1000 * (n + 20))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 8


class TestRobustness:
    """What goes wrong leaves earlier results intact and the session usable."""

    def test_an_exception_in_the_middle_of_a_window(self):
        a = np.arange(5.0)
        b = a + 1
        with pytest.raises(ValueError):
            b + np.zeros(7)
        c = b * 2
        assert c.tolist() == [2, 4, 6, 8, 10]

    def test_memory_error(self):
        a = np.arange(5.0)
        b = a * 2
        with pytest.raises(MemoryError):
            huge = np.ones((1 << 40,)) + 1
            float(huge[0])
        assert b.tolist() == [0, 2, 4, 6, 8]
        assert (b + 1).tolist() == [1, 3, 5, 7, 9]

    def test_machine_and_statistics(self):
        (np.arange(10) + 1).sum()
        maniple.sync()
        assert maniple.report().statistics["tasks"] > 0
        assert maniple.machine()["processors"]
        with maniple.on("cpu"):
            assert float(np.ones(3).sum()) == 3
        with pytest.raises(RuntimeError, match="nosuch"), maniple.on("nosuch"):
            pass
