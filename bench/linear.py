"""Linear algebra and Fourier transforms."""

from case import Case, uniform, whole
from kernels import by_name, complex_line, one_input, two_inputs

LARGEST_PRIME = 1_000_003
SMALL = 8


def square_matrices(dtype):
    def setup(xp, n):
        return uniform(xp, n, n, dtype=dtype, seed=1), uniform(xp, n, n, dtype=dtype, seed=2)

    return setup


def small_matrices(dtype):
    """Many products of matrices of eight rows."""

    def setup(xp, n):
        return tuple(uniform(xp, n, SMALL, SMALL, dtype=dtype, seed=seed) for seed in (1, 2))

    return setup


def dominant_matrix(xp, n):
    """A symmetric positive definite matrix."""
    a = uniform(xp, n, n, seed=1)
    return (a + a.T + 2.0 * n * xp.eye(n),)


def system(xp, n):
    return (*dominant_matrix(xp, n), uniform(xp, n, seed=2))


def square(xp, n):
    return (uniform(xp, n, n, seed=1),)


def complex_square(xp, n):
    return (uniform(xp, n, n, seed=1) + 1j * uniform(xp, n, n, seed=2),)


def complex_lines(xp, n):
    return (uniform(xp, n, 1024, seed=1) + 1j * uniform(xp, n, 1024, seed=2),)


def factors_up_to_sign(run):
    """The magnitudes of factors whose columns may have either sign."""
    return lambda xp, data: tuple(xp.abs(part) for part in run(xp, data))


def case(name, sizes, quick_sizes, setup, run, tolerance, flops=None, product=None, values=None):
    """A row; `flops` is of a size, `product` the dtype of the matrix products that bound it."""
    return Case(
        name,
        "linear",
        sizes,
        quick_sizes,
        setup,
        run,
        tolerance,
        None if values is None else lambda n: 8.0 * values(n),
        flops,
        product=product,
    )


def cube(factor):
    return lambda n: factor * float(n) ** 3


matmul = by_name("matmul")
MATRICES = (512, 1024, 2048, 4096)
FACTORED = (512, 2048)

CASES = [
    case("matmul f64", MATRICES, (256,), square_matrices("float64"), matmul, 1e-12, cube(2), "float64"),
    case("matmul f32", MATRICES, (256,), square_matrices("float32"), matmul, 1e-4, cube(2), "float32"),
    case("matmul i64", (512,), (64,), lambda xp, n: (whole(xp, n, n), whole(xp, n, n)), matmul, 0.0, cube(2)),
    case(
        "matrix times vector", (8192,), (256,), lambda xp, n: (uniform(xp, n, n, seed=1), uniform(xp, n, seed=2)),
        matmul, 1e-12, lambda n: 2.0 * n * n, None, lambda n: n * n,
    ),
    case(
        "small matmul, batched f64", (500_000,), (5_000,), small_matrices("float64"), matmul, 1e-12,
        lambda n: 2.0 * n * SMALL**3, None, lambda n: 3 * SMALL * SMALL * n,
    ),
    case("dot", (50_000_000,), (100_000,), two_inputs(-1.0, 1.0, "float64"), by_name("dot"), 1e-10,
         lambda n: 2.0 * n, None, lambda n: 2 * n),
    case("solve", FACTORED, (128,), system, by_name("linalg.solve"), 1e-10, cube(2 / 3)),
    case("cholesky", FACTORED, (128,), dominant_matrix, by_name("linalg.cholesky"), 1e-10, cube(1 / 3)),
    case("inverse", (1024,), (128,), dominant_matrix, by_name("linalg.inv"), 1e-10, cube(2)),
    case("qr", (1024,), (64,), square, factors_up_to_sign(lambda xp, d: tuple(xp.linalg.qr(d[0]))), 1e-8, cube(8 / 3)),
    case("svd", (512,), (64,), square, lambda xp, d: xp.linalg.svd(d[0])[1], 1e-10),
    case("singular values", (512,), (64,), square, lambda xp, d: xp.linalg.svd(d[0], compute_uv=False), 1e-10),
    case("eigh", (512,), (64,), dominant_matrix, lambda xp, d: xp.linalg.eigh(d[0])[0], 1e-10),
    case("eigvalsh", (512,), (64,), dominant_matrix, by_name("linalg.eigvalsh"), 1e-10),
    case("fft, power of two", (1 << 20,), (1 << 12,), complex_line, by_name("fft.fft"), 1e-12),
    case("fft, 1,000,000", (1_000_000,), (1_000,), complex_line, by_name("fft.fft"), 1e-12),
    case("fft, prime", (LARGEST_PRIME,), (1_009,), complex_line, by_name("fft.fft"), 1e-10),
    case("fft of 1,024, batched", (1_000,), (10,), complex_lines, by_name("fft.fft"), 1e-12),
    case("rfft", (1 << 20,), (1 << 12,), one_input(-1.0, 1.0, "float64"), by_name("fft.rfft"), 1e-12),
    case("fft2", (1024,), (64,), square, by_name("fft.fft2"), 1e-12),
    case("fft2, complex, prime sides", (1009,), (61,), complex_square, by_name("fft.fft2"), 1e-10),
]  # fmt: skip
