//! A product of matrices as NVIDIA's library wants it: `C = op(A) op(B)` over matrices that lie by columns.

use maniple_ops::Dtype;

/// A matrix in a device's memory: the address of its first element, and elements between rows and between columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Where the first element is.
    pub address: u64,
    /// Elements between an element and the one below it.
    pub row: isize,
    /// Elements between an element and the one beside it.
    pub column: isize,
}

/// A factor as it lies: by columns, or by rows, which is the transpose by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Where the first element is.
    pub address: u64,
    /// Whether it lies by rows.
    pub transposed: bool,
    /// Elements between columns, or between rows if it lies by rows.
    pub leading: i32,
}

/// The arguments of BLAS's `gemm`, with one and zero as its factors. The result lies by columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gemm {
    /// The dtype of all elements: `float32`, `float64` or complex.
    pub dtype: Dtype,
    /// Rows and columns of the result, and the length of the sums.
    pub extents: [i32; 3],
    /// The factors.
    pub factors: [Factor; 2],
    /// Where the result's first element is.
    pub result: u64,
    /// Elements between columns of the result.
    pub leading: i32,
}

impl Gemm {
    /// The product of `a`, of `m` rows and `k` columns, and `b`, of `k` rows and `n` columns, to be written to `result`;
    /// nothing if the library does not know the dtype, or matrices that lie so.
    pub fn new(dtype: Dtype, [a, b, result]: [Matrix; 3], [m, n, k]: [usize; 3]) -> Option<Gemm> {
        if !matches!(dtype, Dtype::Float32 | Dtype::Float64 | Dtype::Complex64 | Dtype::Complex128) {
            return None;
        }
        let Some(leading) = columns_apart(result.row, m, result.column, n) else {
            // A result that lies by rows is the transpose of one that lies by columns.
            let turned = |matrix: Matrix| Matrix { row: matrix.column, column: matrix.row, ..matrix };
            let _by_rows = columns_apart(result.column, n, result.row, m)?;
            return Gemm::new(dtype, [turned(b), turned(a), turned(result)], [n, m, k]);
        };
        let factor = |matrix: Matrix, rows: usize, columns: usize| {
            let by_columns = columns_apart(matrix.row, rows, matrix.column, columns);
            let by_rows = || columns_apart(matrix.column, columns, matrix.row, rows);
            let leading = by_columns.or_else(by_rows)?;
            Some(Factor { address: matrix.address, transposed: by_columns.is_none(), leading })
        };
        let extent = |extent: usize| i32::try_from(extent).ok();
        Some(Gemm {
            dtype,
            extents: [extent(m)?, extent(n)?, extent(k)?],
            factors: [factor(a, m, k)?, factor(b, k, n)?],
            result: result.address,
            leading,
        })
    }
}

/// The distance between columns of a matrix whose `rows` lie next to each other, if they do; columns do not overlap.
fn columns_apart(row: isize, rows: usize, column: isize, columns: usize) -> Option<i32> {
    let next = row == 1 || rows <= 1;
    // Of one column it does not matter where the next would be.
    let leading = if columns <= 1 { rows as isize } else { column };
    (next && leading >= rows.max(1) as isize).then(|| i32::try_from(leading).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates the arguments on a memory of numbers, as BLAS defines them.
    fn evaluate(gemm: &Gemm, memory: &mut [f64]) {
        let [m, n, k] = gemm.extents.map(|extent| extent as usize);
        let at = |factor: Factor, row: usize, column: usize| {
            let (low, high) = if factor.transposed { (column, row) } else { (row, column) };
            factor.address as usize + low + high * factor.leading as usize
        };
        for row in 0..m {
            for column in 0..n {
                let [a, b] = gemm.factors;
                let sum = (0..k).map(|of| memory[at(a, row, of)] * memory[at(b, of, column)]).sum();
                memory[gemm.result as usize + row + column * gemm.leading as usize] = sum;
            }
        }
    }

    #[test]
    fn every_way_to_lie_gives_the_product() {
        // Where the matrices are in a memory of numbers, and how they lie: by rows, by columns, with gaps.
        let lies = |rows: usize, columns: usize| {
            [(columns as isize, 1), (1, rows as isize), (columns as isize + 3, 1), (1, rows as isize + 2)]
        };
        for [m, n, k] in [[3, 4, 5], [1, 4, 2], [3, 1, 2], [3, 2, 1], [1, 1, 1]] {
            for a in lies(m, k) {
                for b in lies(k, n) {
                    for c in lies(m, n) {
                        let matrix = |address, (row, column)| Matrix { address, row, column };
                        let given = [matrix(0, a), matrix(100, b), matrix(200, c)];
                        let gemm = Gemm::new(Dtype::Float64, given, [m, n, k]).expect("the library knows it");
                        let mut memory: Vec<f64> = (0..300).map(|at| (at % 11) as f64 - 4.0).collect();
                        let before = memory.clone();
                        evaluate(&gemm, &mut memory);
                        let place = |(row, column): (isize, isize), base: usize, i: usize, j: usize| {
                            base + (i as isize * row + j as isize * column) as usize
                        };
                        for i in 0..m {
                            for j in 0..n {
                                let sum: f64 = (0..k)
                                    .map(|l| before[place(a, 0, i, l)] * before[place(b, 100, l, j)])
                                    .sum();
                                assert_eq!(memory[place(c, 200, i, j)], sum, "{m} {n} {k} {a:?} {b:?} {c:?}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_library_does_not_know_is_left_to_our_kernel() {
        let good = Matrix { address: 0, row: 8, column: 1 };
        let of = |a, result, dtype| Gemm::new(dtype, [a, good, result], [8, 8, 8]);
        assert!(of(good, good, Dtype::Float32).is_some());
        for (a, result, dtype) in [
            (good, good, Dtype::Int32),
            (Matrix { row: 16, column: 2, ..good }, good, Dtype::Float64),
            (Matrix { row: -8, ..good }, good, Dtype::Float64),
            (Matrix { row: 0, ..good }, good, Dtype::Float64),
            (good, Matrix { row: 16, column: 2, ..good }, Dtype::Float64),
        ] {
            assert_eq!(of(a, result, dtype), None);
        }
    }
}
