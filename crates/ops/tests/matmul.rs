//! The loops of matrix products at every level of the instruction set: equal bits, those of the definition.

use maniple_ops::{
    Begin, Dtype, Extents, Grid, K_BLOCK, Level, Matmul, Scalar, matmul, matmul_at, matmul_element,
};

/// Rows, common extent, columns: less than a tile, several, and more than a block of the common axis.
const SHAPES: [(usize, usize, usize); 6] =
    [(1, 1, 1), (3, 2, 5), (12, 16, 64), (13, 5, 65), (25, 257, 7), (7, 520, 33)];

/// A matrix in C order.
struct Matrix {
    dtype: Dtype,
    columns: usize,
    bytes: Vec<u8>,
}

impl Matrix {
    fn new(dtype: Dtype, rows: usize, columns: usize, mut seed: u64) -> Matrix {
        let real = dtype.real();
        let parts = rows * columns * if dtype.is_complex() { 2 } else { 1 };
        let mut bytes = Vec::new();
        for _ in 0..parts {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let value = match real.is_integer() {
                true => Scalar::new((seed >> 20) as i64).cast(real),
                false => Scalar::new((seed >> 40) as f64 / 7e3 - 1000.0).cast(real),
            };
            bytes.extend(value.to_bytes());
        }
        Matrix { dtype, columns, bytes }
    }

    fn grid(&mut self) -> Grid {
        let item = self.dtype.size();
        Grid { start: self.bytes.as_mut_ptr(), row: (self.columns * item) as isize, column: item as isize }
    }

    fn get(&self, row: usize, column: usize) -> Scalar {
        let item = self.dtype.size();
        Scalar::from_bytes(self.dtype, &self.bytes[(row * self.columns + column) * item..])
    }
}

/// The product by packing, so many elements of the common axis at a time.
fn packed(loops: &Matmul, result: Grid, a: Grid, b: Grid, extents: Extents, depth: usize) {
    let room =
        |extent: usize, tile: usize| vec![0u64; extent.next_multiple_of(tile) * depth * loops.packed / 8 + 8];
    let (mut rows, mut columns) = (room(extents.rows, loops.rows), room(extents.columns, loops.columns));
    let (rows, columns) = (rows.as_mut_ptr().cast::<u8>(), columns.as_mut_ptr().cast::<u8>());
    for from in (0..extents.k).step_by(depth) {
        let k = depth.min(extents.k - from);
        let start = if from == 0 { Begin::Empty } else { Begin::Full };
        // SAFETY: the grids are those of matrices of these extents, and the buffers hold so many elements of either.
        unsafe {
            (loops.pack_rows)(rows, a.from(0, from), extents.rows, k);
            (loops.pack_columns)(columns, b.from(from, 0).transposed(), extents.columns, k);
            (loops.product)(result, rows, columns, Extents { k, ..extents }, start);
        }
    }
}

#[test]
fn every_level_computes_the_defined_bits() {
    for dtype in Dtype::ALL.into_iter().filter(|&dtype| matmul(dtype).is_some()) {
        for (m, k, n) in SHAPES {
            let (mut a, mut b) = (Matrix::new(dtype, m, k, 3), Matrix::new(dtype, k, n, 5));
            let extents = Extents { rows: m, columns: n, k };
            for level in Level::ALL.into_iter().filter(|&level| level <= Level::detected()) {
                let loops = matmul_at(dtype, level).expect("every level has what one has");
                let mut results = Vec::new();
                for (way, depth) in
                    [("a block", K_BLOCK), ("two blocks", 2 * K_BLOCK), ("all blocks", 4 * K_BLOCK)]
                {
                    let mut result = Matrix::new(dtype, m, n, 9);
                    packed(&loops, result.grid(), a.grid(), b.grid(), extents, depth);
                    results.push((way, result));
                }
                let mut transposed = Matrix::new(dtype, n, m, 9);
                if !dtype.is_complex() {
                    let turned = Extents { rows: n, columns: m, k };
                    packed(
                        &loops,
                        transposed.grid(),
                        b.grid().transposed(),
                        a.grid().transposed(),
                        turned,
                        K_BLOCK,
                    );
                }
                if let Some(direct) = loops.direct {
                    let mut result = Matrix::new(dtype, m, n, 9);
                    // SAFETY: the grids are those of matrices of these extents.
                    unsafe { direct(result.grid(), a.grid(), b.grid(), extents, Begin::Empty) };
                    results.push(("direct", result));
                    let mut result = Matrix::new(dtype, m, n, 9);
                    for from in (0..k).step_by(K_BLOCK) {
                        let part = Extents { k: K_BLOCK.min(k - from), ..extents };
                        let start = if from == 0 { Begin::Empty } else { Begin::Full };
                        let (a, b) = (a.grid().from(0, from), b.grid().from(from, 0));
                        // SAFETY: the parts lie within the matrices.
                        unsafe { direct(result.grid(), a, b, part, start) };
                    }
                    if k > 0 {
                        results.push(("direct, block by block", result));
                    }
                }
                for row in 0..m {
                    let of_row: Vec<Scalar> = (0..k).map(|at| a.get(row, at)).collect();
                    for column in 0..n {
                        let of_column: Vec<Scalar> = (0..k).map(|at| b.get(at, column)).collect();
                        let wanted = matmul_element(dtype, &of_row, &of_column).expect("it is multiplied");
                        for (way, result) in &results {
                            let found = result.get(row, column);
                            assert_eq!(found, wanted, "{dtype:?} {m}x{k}x{n} {level:?} {way} {row},{column}");
                        }
                        if !dtype.is_complex() {
                            assert_eq!(
                                transposed.get(column, row),
                                wanted,
                                "{dtype:?} {m}x{k}x{n} {level:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
