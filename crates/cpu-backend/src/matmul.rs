//! Products of matrices: rows of the result, in blocks that stay in caches.
//!
//! Small factors are multiplied as they lie; if the common axis is short, the second alone is packed. Of large ones, a block
//! of the second, which a shared cache holds, and blocks of the first, which the second-level cache holds, are packed and
//! multiplied tile by tile. The bits are the same ([`maniple_ops::K_BLOCK`]).

use crate::program::with_scratch;
use crate::tile::{Space, address};
use maniple_ops::{Begin, DirectProduct, Dtype, Extents, Grid, K_BLOCK, Matmul as Loops, matmul};
use maniple_runtime::{Binding, Launch, View};

/// Rows of the first factor that are packed at a time.
const ROWS: usize = 96;
/// Columns of the second factor that are packed at a time.
const COLUMNS: usize = 1024;
/// Bytes of a packed row or column: some blocks of the common axis, so that the result is seldom read and written.
const DEPTH: usize = 8 << 10;
/// Second factors of up to so many bytes are multiplied as they lie, if their columns lie side by side: they fit in the
/// second-level cache, and packing would cost more than it gains.
const SMALL: usize = 256 << 10;
/// Results of up to so many elements stay in the first cache, while the common axis is gone through once.
const FEW: usize = 1024;
/// Elements of the common axis for which all tiles of such a result are computed before the next: their factors stay in the
/// second-level cache meanwhile.
const STRETCH: usize = 4 * K_BLOCK;
/// Packed factors begin at multiples of this many bytes.
const LINE: usize = 64;

/// A product of matrices made ready.
pub(crate) struct Matmul {
    loops: Loops,
    item: usize,
    /// Where the matrices of a stack begin.
    stack: Space,
    /// First factor, second factor, result.
    sides: [Side; 3],
    extents: Extents,
    way: Way,
}

/// Which factor's elements become vectors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The second's: rows of the result are contiguous.
    Rows,
    /// The first's, as the product of the transposes: columns of the result are contiguous.
    Columns,
}

/// One argument: byte of its region where the first element is, and its last two strides.
struct Side {
    offset: isize,
    row: isize,
    column: isize,
}

impl Matmul {
    /// Nothing if there are no loops for the dtype.
    pub(crate) fn new(launch: &Launch, dtype: Dtype) -> Option<Matmul> {
        let loops = matmul(dtype)?;
        let [a, b, result] = &launch.args[..] else { return None };
        let last = result.view.ndim() - 2;
        let outer = |view: &View| View {
            offset: view.offset,
            shape: view.shape[..last].into(),
            strides: view.strides[..last].into(),
        };
        let stacks = [outer(&a.view), outer(&b.view), outer(&result.view)];
        let side = |view: &View| Side {
            offset: view.offset,
            row: view.strides[last],
            column: view.strides[last + 1],
        };
        let sides = [side(&a.view), side(&b.view), side(&result.view)];
        let item = dtype.size();
        let extents = Extents {
            rows: result.view.shape[last],
            columns: result.view.shape[last + 1],
            k: a.view.shape[last + 1],
        };
        // The imaginary part of a complex product tells its factors apart, and its tiles are stored one by one anyway.
        let side_by_side = |stride: isize| stride == item as isize;
        let turned = !dtype.is_complex()
            && side_by_side(sides[2].row)
            && (extents.columns == 1 || !side_by_side(sides[2].column));
        Some(Matmul {
            loops,
            item,
            stack: Space::new(stacks.iter()),
            sides,
            extents,
            way: if turned { Way::Columns } else { Way::Rows },
        })
    }

    /// Computes the rows `first..last` of all results of the stack.
    ///
    /// # Safety
    /// The binding must fit the launch that this was made for.
    pub(crate) unsafe fn run(&self, binding: &Binding, first: usize, last: usize) {
        let rows = self.extents.rows;
        let mut index = vec![0; self.stack.ndim()];
        let mut at = first;
        while at < last {
            let (matrix, row) = (at / rows, at % rows);
            let count = (rows - row).min(last - at);
            self.stack.locate(matrix, &mut index);
            let grid = |argument: usize| {
                let side = &self.sides[argument];
                let offset = side.offset + self.stack.offset(argument, &index);
                Grid { start: address(binding.bases[argument], offset), row: side.row, column: side.column }
            };
            let (a, result) = (grid(0).from(row, 0), grid(2).from(row, 0));
            let extents = Extents { rows: count, ..self.extents };
            // SAFETY: the rows lie within the arguments.
            unsafe {
                match self.way {
                    Way::Rows => self.multiply(result, a, grid(1), extents),
                    Way::Columns => {
                        let Extents { rows, columns, k } = extents;
                        let extents = Extents { rows: columns, columns: rows, k };
                        self.multiply(result.transposed(), grid(1).transposed(), a.transposed(), extents);
                    }
                }
            }
            at += count;
        }
    }

    unsafe fn multiply(&self, result: Grid, a: Grid, b: Grid, extents: Extents) {
        let item = self.item as isize;
        let small = extents.k * extents.columns * self.item <= SMALL;
        // SAFETY: the caller's promise.
        unsafe {
            match self.loops.direct.filter(|_| result.column == item) {
                Some(direct) if small && b.column == item => direct(result, a, b, extents, Begin::Empty),
                Some(direct) if extents.rows * extents.columns <= FEW && b.column == item => {
                    self.multiply_deep(direct, result, a, b, extents);
                }
                Some(direct) if extents.k <= K_BLOCK => self.multiply_panels(direct, result, a, b, extents),
                _ => self.multiply_packed(result, a, b, extents),
            }
        }
    }

    /// Multiplies factors with a long common axis as they lie, each element of them being read from memory once.
    unsafe fn multiply_deep(&self, direct: DirectProduct, result: Grid, a: Grid, b: Grid, extents: Extents) {
        for from in (0..extents.k).step_by(STRETCH) {
            let k = STRETCH.min(extents.k - from);
            let start = if from == 0 { Begin::Empty } else { Begin::Full };
            // SAFETY: the parts lie within the factors.
            unsafe { direct(result, a.from(0, from), b.from(from, 0), Extents { k, ..extents }, start) };
        }
    }

    /// Packs the second factor alone, whose common axis is one block.
    unsafe fn multiply_panels(
        &self,
        direct: DirectProduct,
        result: Grid,
        a: Grid,
        b: Grid,
        extents: Extents,
    ) {
        let Loops { columns: tile, packed, pack_columns, .. } = self.loops;
        let Extents { rows, columns, k } = extents;
        let columns_at_once = columns.min(COLUMNS).next_multiple_of(tile);
        with_scratch(columns_at_once * k * packed, |panels| {
            for column in (0..columns).step_by(columns_at_once) {
                let count = columns_at_once.min(columns - column);
                // SAFETY: all parts lie within the matrices, and the buffer has room for the panels.
                unsafe { pack_columns(panels, b.from(0, column).transposed(), count, k) };
                for row in (0..rows).step_by(ROWS) {
                    for at in (0..count).step_by(tile) {
                        let start = panels.wrapping_add(at * k * packed);
                        let panel = Grid { start, row: (tile * packed) as isize, column: packed as isize };
                        let extents =
                            Extents { rows: ROWS.min(rows - row), columns: tile.min(count - at), k };
                        // SAFETY: as above.
                        unsafe {
                            direct(
                                result.from(row, column + at),
                                a.from(row, 0),
                                panel,
                                extents,
                                Begin::Empty,
                            );
                        }
                    }
                }
            }
        });
    }

    unsafe fn multiply_packed(&self, result: Grid, a: Grid, b: Grid, extents: Extents) {
        let Loops { rows: tile_rows, columns: tile_columns, packed, .. } = self.loops;
        let rows_at_once = extents.rows.min(ROWS).next_multiple_of(tile_rows);
        let columns_at_once = extents.columns.min(COLUMNS).next_multiple_of(tile_columns);
        let depth = extents.k.clamp(1, DEPTH / packed / K_BLOCK * K_BLOCK);
        let room = (rows_at_once * depth * packed).next_multiple_of(LINE);
        with_scratch(room + columns_at_once * depth * packed, |first| {
            let second = first.wrapping_add(room);
            for column in (0..extents.columns).step_by(columns_at_once) {
                let columns = columns_at_once.min(extents.columns - column);
                for from in (0..extents.k).step_by(depth) {
                    let k = depth.min(extents.k - from);
                    let start = if from == 0 { Begin::Empty } else { Begin::Full };
                    // SAFETY: all parts lie within the matrices, and the buffers have room for the packed blocks.
                    unsafe {
                        (self.loops.pack_columns)(second, b.from(from, column).transposed(), columns, k);
                        for row in (0..extents.rows).step_by(rows_at_once) {
                            let rows = rows_at_once.min(extents.rows - row);
                            (self.loops.pack_rows)(first, a.from(row, from), rows, k);
                            let part = Extents { rows, columns, k };
                            (self.loops.product)(result.from(row, column), first, second, part, start);
                        }
                    }
                }
            }
        });
    }
}
