"""Random NumPy programs for `fuzz.py`, made from a seed.

A program is a list of statements, which are lines of Python over `np` and variables `a0`, `a1`, ... The
generator runs every statement with NumPy as it goes, so that it knows shapes and dtypes, and so that most
statements make sense; some are wrong on purpose. Statements are one of three kinds:

- *exact*: NumPy's value is the only right one, bit by bit (NaNs count as equal);
- *near*: rounding may differ, as in sums and transcendental functions; the runner compares at once, with a
tolerance, and lets NumPy go on with Maniple's value, so that the exact statements after it stay comparable; -
*look*: everything is compared.
"""

import itertools
import math
import random
from typing import Any, NamedTuple

import numpy

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip
EXTENTS = [0, 1, 1, 2, 3, 3, 4, 5, 5, 7, 8, 12, 17, 33]
LARGEST = 200_000

EXACT_UNARY = """
    negative absolute sign floor ceil trunc rint sqrt square isnan isinf isfinite signbit logical_not invert
    conjugate positive fabs reciprocal spacing
    """.split()
NEAR_UNARY = "sin cos exp log tanh expm1 log1p arctan cbrt log2 log10 sinh arcsin exp2".split()
EXACT_BINARY = """
    add subtract multiply true_divide floor_divide remainder fmod maximum minimum fmax fmin equal not_equal
    less less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or
    bitwise_xor left_shift right_shift copysign gcd lcm heaviside nextafter
    """.split()
ROUNDED_COMPLEX = "absolute sign sqrt square reciprocal".split()
NEAR_BINARY = "power arctan2 hypot logaddexp".split()
OPERATORS = ["+", "-", "*", "/", "//", "%", "&", "|", "^", "==", "<", ">=", "!="]
IN_PLACE = ["+=", "-=", "*=", "//=", "%=", "&=", "|=", "^=", "/="]


class Statement(NamedTuple):
    """One line of a program: its source and how its effect is compared (`exact`, `near` or `look`)."""

    source: str
    kind: str = "exact"


def program(seed: int) -> list[Statement]:
    """The program of a seed."""
    return _Writer(random.Random(seed)).write()


class _Writer:
    """Writes one program; `env` is what NumPy has in its variables so far."""

    def __init__(self, dice: random.Random):
        self.dice = dice
        self.env: dict[str, Any] = {"np": numpy}
        self.count = 0
        self.statements: list[Statement] = []
        self.large = dice.random() < 0.1

    def write(self) -> list[Statement]:
        """The whole program."""
        makers = [
            (3, self.create), (6, self.view), (6, self.binary), (4, self.unary), (5, self.operator),
            (6, self.in_place), (5, self.assign), (4, self.ufunc_options), (4, self.reduction), (2, self.ufunc_method),
            (4, self.fancy_read), (4, self.fancy_write), (3, self.cast), (2, self.drop), (2, self.rearrange),
            (2, self.near), (1, self.branch), (1, self.mistake), (2, self.overlap),
        ]  # fmt: skip
        weights, functions = zip(*makers)
        with numpy.errstate(all="ignore"):
            for _ in range(self.dice.randint(1, 3)):
                self.create()
            for _ in range(self.dice.randint(5, 40)):
                self.dice.choices(functions, weights)[0]()
                if self.dice.random() < 0.08:
                    self.statements.append(Statement("", "look"))
        self.statements.append(Statement("", "look"))
        return self.statements

    # Saying and choosing.

    def say(self, source: str, kind: str = "exact") -> None:
        """Add a statement, after running it; one that makes too much is left out."""
        before = dict(self.env)
        try:
            exec(source, self.env)
        except Exception as error:
            if isinstance(error, MemoryError | RecursionError):
                self.env = before
                return
        if any(self._too_large(value) for value in self.env.values()):
            self.env = before
            return
        self.statements.append(Statement(source, kind))

    @staticmethod
    def _too_large(value: Any) -> bool:
        return isinstance(value, numpy.ndarray) and value.size > LARGEST

    def new(self) -> str:
        """A fresh variable, or now and then one that is in use, whose old array is dropped."""
        names = self.names()
        if names and self.dice.random() < 0.15:
            return self.dice.choice(names)
        self.count += 1
        return f"a{self.count - 1}"

    def names(self, *, arrays: bool = True) -> list[str]:
        """The variables, of arrays only unless told otherwise."""
        return [
            name
            for name, value in self.env.items()
            if name[0] == "a" and name[1:].isdigit() and (not arrays or isinstance(value, numpy.ndarray))
        ]

    def pick(self, test: Any = None) -> str | None:
        """Some variable whose array passes `test`."""
        names = [name for name in self.names() if test is None or test(self.env[name])]
        # Recent ones more often, so that chains come about.
        return names[-min(len(names), 1 + int(self.dice.expovariate(0.35)))] if names else None

    def partner(self, name: str) -> str:
        """An operand that broadcasts with `name`, mostly."""
        shape = self.env[name].shape
        if self.dice.random() < 0.3:
            return self.number(self.env[name].dtype)

        def pairs(other: numpy.ndarray) -> list[tuple[int, int]]:
            return list(itertools.zip_longest(shape[::-1], other.shape[::-1], fillvalue=1))

        def small(other: numpy.ndarray) -> bool:
            return math.prod(max(pair) for pair in pairs(other)) <= LARGEST

        def fits(other: numpy.ndarray) -> bool:
            return small(other) and all(a == b or 1 in (a, b) for a, b in pairs(other))

        other = self.pick(small if self.dice.random() < 0.05 else fits)
        return other or self.number(self.env[name].dtype)

    def number(self, dtype: numpy.dtype) -> str:
        """A scalar: Python's, or NumPy's of some dtype."""
        value = self.dice.choice([0, 1, 2, 3, 5, 7, -1, -2])
        if dtype.kind in "bu":
            value = abs(value)
        shape = self.dice.random()
        if shape < 0.6:
            return f"({value})"
        if shape < 0.75 and dtype.kind in "fc":
            return f"({value + 0.5})"
        if shape < 0.8 and dtype.kind == "c":
            return f"({value}+2j)"
        if value < 0:
            return f"np.{self.dice.choice(DTYPES[1:5] + DTYPES[9:])}({value})"
        return f"np.{self.dice.choice(DTYPES[1:])}({value})"

    def shape(self) -> tuple[int, ...]:
        """A shape of up to four dimensions."""
        if self.large and self.dice.random() < 0.4:
            return self.dice.choice([(50_000,), (4099, 7), (3, 20_011), (65, 257)])
        ndim = self.dice.choice([0, 1, 1, 1, 2, 2, 2, 3, 4])
        return tuple(self.dice.choice(EXTENTS[: -3 * (ndim > 2) or None]) for _ in range(ndim))

    def index(self, shape: tuple[int, ...]) -> str:
        """A basic index into an array of this shape."""
        parts = []
        for extent in shape[: self.dice.randint(0, len(shape))]:
            how = self.dice.random()
            if how < 0.15 and extent:
                parts.append(str(self.dice.randrange(-extent, extent)))
            elif how < 0.25:
                parts.append("None")
            else:
                parts.append(self.slice(extent))
        if self.dice.random() < 0.2:
            parts.insert(self.dice.randint(0, len(parts)), "...")
        return ", ".join(parts) if parts else self.dice.choice(["...", ":", "()"]) if shape else "..."

    def slice(self, extent: int) -> str:
        """A slice with any step."""
        low, high = sorted([self.dice.randint(0, extent), self.dice.randint(0, extent)])
        step = self.dice.choice(["", "", ":1", ":2", ":3", ":-1", ":-2"])
        if "-" in step:
            return self.dice.choice([f"{high}:{low}{step}", f":{step}"[:0] + f"::{step[1:]}"])
        return self.dice.choice(
            [f"{low}:{high}{step}", f"{low}:{step}" if step else f"{low}:", f":{high}{step}"]
        )

    # Statements.

    def create(self) -> None:
        """An array with made-up values."""
        shape, dtype = self.shape(), self.dice.choice(DTYPES)
        size = int(numpy.prod(shape))
        values = f"(np.arange({size}) * {self.dice.randrange(1, 9999)} % {self.dice.choice([2, 7, 31, 101])})"
        if dtype[0] in "ifc":
            values = f"({values} - {self.dice.randint(0, 20)})"
        made = [f"{values}.astype('{dtype}').reshape({shape})"] * 5
        made += [f"np.{self.dice.choice(['zeros', 'ones'])}({shape}, '{dtype}')"]
        made += [f"np.full({shape}, {self.dice.randint(0, 9)}, '{dtype}')"]
        made += [f"np.array({values}.reshape({shape}), dtype='{dtype}', order='{self.dice.choice('CFKA')}')"]
        if dtype[0] in "ifu":
            made += [f"np.arange({self.dice.randint(0, 40)}, dtype='{dtype}')"]
        if dtype[0] == "f":
            made += [f"({values} / 7).astype('{dtype}').reshape({shape})"] * 2
            made += [f"np.where({values} == 1, np.nan, {values}).astype('{dtype}').reshape({shape})"]
            if numpy.dtype(dtype).itemsize > 2:
                bits = f"np.random.{self.dice.choice(['PCG64', 'PCG64DXSM', 'Philox'])}({self.dice.randrange(9)})"
                made += [f"np.random.Generator({bits}).random({shape}, '{dtype}')"]
            made += [f"np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5], '{dtype}')"]
        self.say(f"{self.new()} = {self.dice.choice(made)}")

    def view(self) -> None:
        """A view of a variable, or a copy where NumPy makes one."""
        name = self.pick()
        if name is None:
            return
        array = self.env[name]
        ways = [f"{name}[{self.index(array.shape)}]"] * 5
        ways += [f"{name}.T", f"{name}.ravel()", f"{name}.reshape(-1)", f"np.atleast_2d({name})"]
        if array.ndim > 1:
            axes = list(range(array.ndim))
            self.dice.shuffle(axes)
            ways += [
                f"{name}.transpose({axes})",
                f"np.swapaxes({name}, 0, {axes[0]})",
                f"np.moveaxis({name}, 0, -1)",
            ]
            ways += [f"{name}.diagonal({self.dice.randint(-2, 2)})"]
            ways += [f"{name}.reshape({array.shape[0]}, -1)", f"{name}.reshape({array.shape[::-1]})"]
            ways += [f"np.flip({name}, {axes[0]})"]
        if array.ndim:
            ways += [f"np.expand_dims({name}, {self.dice.randint(0, array.ndim)})"]
            ways += [f"np.broadcast_to({name}, {(self.dice.randint(1, 3), *array.shape)})"]
            if array.shape[-1] >= 3 and array.size < 5000:
                ways += [f"np.lib.stride_tricks.sliding_window_view({name}, 3, {array.ndim - 1})"]
        if 1 in array.shape:
            ways += [f"{name}.squeeze()"]
        if array.dtype.kind == "c":
            ways += [f"{name}.{self.dice.choice(['real', 'imag'])}"] * 2
        if array.dtype.kind in "iu":
            ways += [f"{name}.view('{'u' if array.dtype.kind == 'i' else ''}{array.dtype.name.lstrip('u')}')"]
        self.say(f"{self.new()} = {self.dice.choice(ways)}")

    def unary(self) -> None:
        """A ufunc of one operand."""
        name = self.pick()
        if name is not None:
            function = self.dice.choice(EXACT_UNARY)
            operand = name
            if function == "signbit" and self.env[name].dtype.kind == "f":
                # The sign of a NaN is nobody's promise.
                operand = f"np.nan_to_num({name})"
            rounded = function in ROUNDED_COMPLEX and self.env[name].dtype.kind == "c"
            self.say(f"{self.new()} = np.{function}({operand})", "near" if rounded else "exact")

    def binary(self) -> None:
        """A ufunc of two operands."""
        name = self.pick()
        if name is not None:
            pair = [name, self.partner(name)]
            self.dice.shuffle(pair)
            function = self.dice.choice(EXACT_BINARY)
            if function == "copysign" and self.env[name].dtype.kind != "c":
                # The sign of a NaN is nobody's promise.
                pair = [f"np.nan_to_num({value})" for value in pair]
            self.say(f"{self.new()} = np.{function}({', '.join(pair)}){self.one_zero(function)}")

    @staticmethod
    def one_zero(function: str) -> str:
        """Which of 0.0 and -0.0 is larger depends on NumPy's build; adding zero makes them one."""
        return " + 0" if any(part in function for part in ("max", "min", "sort", "clip", "unique")) else ""

    def operator(self) -> None:
        """A chain of operators, whose temporaries are dropped at once."""
        name = self.pick()
        if name is None:
            return
        text = name
        for _ in range(self.dice.randint(1, 4)):
            pair = [text, self.partner(name)]
            if self.dice.random() < 0.2:
                pair.reverse()
            text = f"({pair[0]} {self.dice.choice(OPERATORS)} {pair[1]})"
        self.say(f"{self.new()} = {text}")

    def in_place(self) -> None:
        """An augmented assignment to a variable or to a part of it."""
        name = self.pick()
        if name is None:
            return
        place = name
        if self.dice.random() < 0.5:
            place = f"{name}[{self.index(self.env[name].shape)}]"
        self.say(f"{place} {self.dice.choice(IN_PLACE)} {self.partner(name)}")

    def assign(self) -> None:
        """An assignment to a part of a variable."""
        name = self.pick()
        if name is not None:
            value = self.safe(self.partner(name), self.env[name].dtype)
            self.say(f"{name}[{self.index(self.env[name].shape)}] = {value}")

    def overlap(self) -> None:
        """A write whose source overlaps its target."""
        name = self.pick(lambda array: array.ndim and array.shape[0] > 1 and array.flags.writeable)
        if name is None:
            return
        ways = [
            f"{name}[1:] += {name}[:-1]", f"{name}[:-1] = {name}[1:]", f"{name}[1:] = {name}[:-1]",
            f"{name}[::-1] = {name}", f"{name}[...] = {name}[::-1]", f"{name} *= {name}[::-1]",
            f"np.add({name}[1:], {name}[:-1], out={name}[1:])", f"np.multiply({name}, {name}[:1], out={name})",
            f"{name}[:] = {name}[{name}.shape[0] // 2]", f"np.subtract({name}, {name}[::-1], out={name})",
        ]  # fmt: skip
        shape = self.env[name].shape
        if len(shape) > 1:
            ways += [f"{name}[:, :1] = {name}[:1, :1]"]
            if shape[0] == shape[1]:
                ways += [f"{name} += {name}.swapaxes(0, 1)", f"{name}[0] = {name}[:, 0]"] * 2
        self.say(self.dice.choice(ways))

    def ufunc_options(self) -> None:
        """A ufunc with `out=`, `where=`, `dtype=` or `casting=`."""
        name = self.pick()
        if name is None:
            return
        exact = [function for function in EXACT_BINARY[:16] if not self.one_zero(function)]
        function, other = self.dice.choice(exact), self.partner(name)
        how = self.dice.random()
        if how < 0.4:
            shape = numpy.broadcast_shapes(self.env[name].shape)
            out = self.pick(lambda array: array.shape == shape) or name
            cast = ", casting='unsafe'" if self.env[out].dtype.kind in "fc" else ""
            self.say(f"np.{function}({name}, {other}, out={out}{cast})")
        elif how < 0.75:
            mask = self.pick(lambda array: array.dtype == bool and array.shape == self.env[name].shape)
            mask = mask or f"({name} > {self.number(self.env[name].dtype)})"
            out = self.pick(lambda array: array.shape == self.env[name].shape) or name
            operands = [name, other, mask]
            dtypes = {self.env[value].dtype for value in (name, other, out) if value in self.env}
            if len(dtypes) > 1 or function in EXACT_BINARY[11:]:
                # Where the mask is false NumPy then writes memory that it never filled, if casting meets overlap.
                operands = [f"np.copy({operand})" for operand in operands]
            first, second, mask = operands
            self.say(f"np.{function}({first}, {second}, out={out}, where={mask})")
        else:
            dtype = self.dice.choice(["float64", "float32", "complex128", "int64"])
            self.say(
                f"{self.new()} = np.{self.dice.choice(EXACT_BINARY[:3])}({name}, {other}, dtype='{dtype}')"
            )

    def axis(self, array: numpy.ndarray) -> str:
        """An axis argument."""
        if not array.ndim or self.dice.random() < 0.3:
            return "None"
        if array.ndim > 1 and self.dice.random() < 0.3:
            return str(tuple(self.dice.sample(range(array.ndim), 2)))
        return str(self.dice.randrange(-array.ndim, array.ndim))

    def reduction(self) -> None:
        """A reduction or scan whose result does not depend on the order of the elements."""
        name = self.pick()
        if name is None:
            return
        array = self.env[name]
        axis = self.axis(array)
        keep = self.dice.choice(["", "", ", keepdims=True"])
        ways = [f"np.{f}({name}, axis={axis}{keep})" for f in ("min", "max", "any", "all", "count_nonzero")]
        single = axis if "(" not in axis else "0"
        ways = [way + self.one_zero(way[:6]) for way in ways]
        ways += [f"np.{f}({name}, axis={single}{keep})" for f in ("argmin", "argmax")]
        if array.dtype.kind in "biu":
            ways += [f"{name}.{f}(axis={axis}{keep})" for f in ("sum", "prod")]
            ways += [f"np.{f}({name}, axis={single})" for f in ("cumsum", "cumprod")]
        else:
            # Small whole numbers add up without rounding, in any order.
            small = f"np.rint(np.clip({name}.real, -3, 3))"
            ways += [f"np.sum({small}, axis={axis}, dtype='float64'{keep})"] * 3
            ways += [
                f"np.cumsum({small}, axis={single}, dtype='float64')",
                f"np.nansum({small}, axis={axis})",
            ]
        # Several of one array along the same axes are one launch.
        for _ in range(self.dice.choice([1, 1, 2, 3])):
            new = self.new()
            self.say(f"{new} = {self.dice.choice(ways)}")
            if new == name:
                return

    def ufunc_method(self) -> None:
        """`reduce`, `accumulate`, `outer`, `reduceat` or `at`."""
        name = self.pick(lambda array: array.ndim and array.size < 5000)
        if name is None:
            return
        array = self.env[name]
        function = self.dice.choice(
            ["add", "multiply"] if array.dtype.kind in "biu" else ["maximum", "minimum"]
        )
        axis = self.dice.randrange(array.ndim)
        extent = array.shape[axis]
        ways = [
            f"np.{function}.reduce({name}, axis={axis})",
            f"np.{function}.accumulate({name}, axis={axis})",
        ]
        if array.size < 100:
            ways += [f"np.{self.dice.choice(EXACT_BINARY[:3])}.outer({name}, {name})"]
        if extent:
            indices = [self.dice.randrange(extent) for _ in range(self.dice.randint(1, 4))]
            ways += [f"np.{function}.reduceat({name}, {indices}, axis={axis})"]
            if self.dice.random() < 0.3 and array.dtype.kind in "biu":
                wrote = [self.dice.randrange(array.shape[0]) for _ in range(3)] if array.shape[0] else []
                self.say(f"np.{function}.at({name}, {wrote}, {self.dice.randint(0, 3)})")
                return
        self.say(f"{self.new()} = {self.dice.choice(ways)}{self.one_zero(function)}")

    def indices(self, extent: int, *, wrong: float = 0.03) -> str:
        """An integer index array for an axis."""
        count = self.dice.choice([0, 1, 2, 3, 5, 9])
        if not extent:
            count = 0
        chosen = [self.dice.randrange(-extent, extent) for _ in range(count)]
        if chosen and self.dice.random() < wrong:
            chosen[0] = extent
        if not chosen:
            return "np.zeros(0, int)"
        return f"np.array({chosen})" if self.dice.random() < 0.6 else str(chosen)

    def advanced(self, name: str) -> str:
        """An index with integer or boolean arrays."""
        array = self.env[name]
        shape = array.shape
        ways = []
        mask = self.pick(lambda other: other.dtype == bool and other.shape == shape and other.ndim)
        # NumPy reads a mask while it writes to what it selects: a copy, lest they overlap.
        ways += [f"{mask}.copy()" if mask else f"{name} > {self.number(array.dtype)}"] * 2
        if shape:
            ways += [self.indices(shape[0])] * 3
        if len(shape) > 1:
            ways += [f":, {self.indices(shape[1])}", f"{self.indices(shape[0])}, {self.slice(shape[1])}"]
            if 0 not in shape[:2]:
                pairs = [(self.dice.randrange(shape[0]), self.dice.randrange(shape[1])) for _ in range(3)]
                first, second = zip(*pairs)
                ways += [
                    f"{list(first)}, {list(second)}",
                    f"{first[0]}, {list(second)}",
                    f"{list(first)}, {second[0]}",
                ]
                ways += [
                    f"np.array({list(first)})[:, None], np.array({list(second)})",
                    f"{list(first)}, None, :",
                ]
            bits = [self.dice.random() < 0.5 for _ in range(shape[1])]
            ways += [f":, np.array({bits}, bool)"]
        return self.dice.choice(ways)

    def fancy_read(self) -> None:
        """Reading by index arrays, masks and selections."""
        name = self.pick()
        if name is None:
            return
        array = self.env[name]
        ways = [f"{name}[{self.advanced(name)}]"] * 5
        ways += [f"np.where({name} > 1, {name}, {self.partner(name)})", f"np.nonzero({name})[0]"]
        if array.ndim:
            axis = self.dice.randrange(array.ndim)
            ways += [f"np.take({name}, {self.indices(array.shape[axis])}, axis={axis})"]
            ways += [f"np.compress([True, False, True][:{array.shape[axis]}], {name}, axis={axis})"]
            ways += [f"np.sort({name} + 0, axis={axis})", f"np.argsort({name}, axis={axis}, kind='stable')"]
            ways += [f"np.unique({name} + 0)", f"{name}.repeat(2, axis={axis})"]
            returned = self.dice.choice(["return_index", "return_inverse", "return_counts"])
            ways += [f"np.unique({name}, {returned}=True)[1]", f"{name}.argsort(None, 'stable')"]
        self.say(f"{self.new()} = {self.dice.choice(ways)}")

    def fancy_write(self) -> None:
        """Writing by index arrays and masks."""
        name = self.pick(lambda array: array.flags.writeable)
        if name is None:
            return
        array = self.env[name]
        value = self.dice.choice([self.number(array.dtype), str(self.dice.randint(0, 9))])
        value = self.safe(value, array.dtype)
        ways = [f"{name}[{self.advanced(name)}] = {value}"] * 4
        ways += [f"{name}[{self.advanced(name)}] {self.dice.choice(IN_PLACE[:3])} {value}"] * 2
        ways += [f"{name}.fill({self.dice.randint(0, 9)})", f"np.putmask({name}, {name} > 2, {value})"]
        ways += [f"np.copyto({name}, {value}, where={name} < 2, casting='unsafe')"]
        if array.ndim:
            kind = "" if array.dtype.kind in "biu" else ", kind='stable'"
            ways += [f"{name}.sort(axis={self.dice.randrange(array.ndim)}{kind})"]
            ways += [f"np.put({name}, {self.indices(array.size)}, {self.dice.randint(0, 9)})"]
        self.say(self.dice.choice(ways))

    def safe(self, source: str, dtype: numpy.dtype) -> str:
        """`source` such that a cast to `dtype` is defined: C leaves NaN and what is out of range to the compiler."""
        try:
            value = eval(source, self.env)
        except Exception:
            return source
        if getattr(value, "dtype", numpy.dtype(type(value))).kind not in "fc" or dtype.kind not in "iu":
            return source
        low = -100 if dtype.kind == "i" else 0
        return f"np.clip(np.nan_to_num(np.real({source})), {low}, 100)"

    def cast(self) -> None:
        """`astype`, `copy` and the like."""
        name = self.pick()
        if name is None:
            return
        dtype = self.dice.choice(DTYPES)
        source = self.safe(name, numpy.dtype(dtype))
        ways = [f"({source}).astype('{dtype}')"] * 3
        ways += [
            f"{name}.copy('{self.dice.choice('CFKA')}')",
            f"np.array({name}, order='{self.dice.choice('CF')}')",
        ]
        ways += [
            f"np.ascontiguousarray({name})",
            f"np.asarray({name})",
            f"np.{self.dice.choice(['zeros', 'ones'])}_like({name})",
        ]
        self.say(f"{self.new()} = {self.dice.choice(ways)}")

    def drop(self) -> None:
        """Forget a variable."""
        names = self.names()
        if len(names) > 3:
            self.say(f"del {self.dice.choice(names)}")

    def rearrange(self) -> None:
        """Joining, rolling, tiling."""
        name = self.pick(lambda array: array.ndim and array.size < 5000)
        if name is None:
            return
        ndim = self.env[name].ndim
        other = self.pick(lambda array: array.shape == self.env[name].shape) or name
        axis = self.dice.randrange(ndim)
        ways = [
            f"np.concatenate([{name}, {other}], axis={axis})",
            f"np.stack([{name}, {other}], axis={axis})",
        ]
        ways += [f"np.roll({name}, {self.dice.randint(-3, 3)}, axis={axis})", f"np.tile({name}, 2)"]
        ways += [f"np.vstack([{name}, {other}])", f"np.hstack([{name}, {other}])", f"np.pad({name}, 1)"]
        ways += [f"np.clip({name}, 1, 5)", f"np.diff({name}, axis={axis})", f"np.rot90({name})"]
        self.say(f"{self.new()} = {self.dice.choice(ways)}")

    def near(self) -> None:
        """A function whose rounding may differ."""
        name = self.pick(lambda array: array.dtype.kind in "f" and array.dtype != numpy.float16)
        if name is None:
            return
        array = self.env[name]
        tame = f"np.clip(np.nan_to_num({name}), -3, 3)"
        ways = [f"np.{self.dice.choice(NEAR_UNARY)}({tame})"] * 3
        ways += [
            f"np.{self.dice.choice(NEAR_BINARY)}(np.abs({tame}), {self.dice.choice(['2', '0.5', '1.5'])})"
        ]
        axis = self.axis(array)
        ways += [f"np.{f}({tame}, axis={axis})" for f in ("sum", "mean", "std", "var") if array.size]
        if array.ndim:
            ways += [f"np.cumsum({tame}, axis={self.dice.randrange(array.ndim)})"]
        if array.ndim == 2 and array.size < 5000:
            ways += [f"{tame} @ {tame}.T"]
        self.say(f"{self.new()} = {self.dice.choice(ways)}", "near")

    def branch(self) -> None:
        """A choice that depends on a value."""
        name = self.pick(lambda array: array.size)
        if name is not None:
            test = self.dice.choice([f"bool(({name} > 2).any())", f"int(np.count_nonzero({name})) % 2"])
            self.say(
                f"if {test}: {self.new()} = np.negative({name})\nelse: {self.new()} = np.logical_not({name})"
            )

    def mistake(self) -> None:
        """A statement that is wrong."""
        name = self.pick()
        if name is None:
            return
        shape = self.env[name].shape
        ways = [
            f"{name} + np.zeros({(*shape[:-1], shape[-1] + 2) if shape else (2,)})",
            f"np.sum({name}, axis={len(shape) + 1})", f"{name}.reshape({name}.size + 1)",
            f"{name}[{(0,) * (len(shape) + 1)}]",
            f"{name}[{shape[0] if shape else 0},]", f"np.concatenate([{name}, np.zeros((2,) * {len(shape) + 1})])",
            f"{name}.transpose(0, 0)", f"np.add({name}, 1, out=np.zeros(3, bool))", f"{name}['x']",
            f"np.left_shift({name}, 1.5)",
            f"np.invert(np.asarray({name}, float))", f"{name}[np.array([{10**6}])]", f"np.nosuchname({name})",
            f"{name}.nosuch",
            f"np.broadcast_to({name}, (0, 7, 11, 13, 17))", f"np.expand_dims({name}, 9)", f"{name}[1.5]",
        ]  # fmt: skip
        self.say(f"{self.new()} = {self.dice.choice(ways)}")
