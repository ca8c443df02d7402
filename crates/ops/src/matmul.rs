//! Products of matrices: the loops over tiles of the result, and the packing of factors that feeds them.
//!
//! What an element of a product is, to the bit, is said here once. The common axis is cut into blocks of [`K_BLOCK`],
//! from its beginning. Within a block the sum is a chain of fused multiply-adds from zero, in the order of the axis; the
//! sums of the blocks are added in order. Nothing of it depends on how rows and columns are cut into tiles, pieces or
//! processors. Of complex numbers, each step of the chain is
//!
//! ```text
//! re = fma(-a.im, b.im, fma(a.re, b.re, re))
//! im = fma( a.im, b.re, fma(a.re, b.im, im))
//! ```
//!
//! Integers wrap, so their order is all the same. A processor of x86-64 without fused multiply-adds computes them by
//! software: correctly rounded, and slowly.
//!
//! A tile is some rows times one or two vectors of columns, whose sums stay in registers for a block. Where a
//! matrix does not fill its last tile, packing repeats its last row or column: zeros would raise events of their own next
//! to infinities.

mod element;
mod pack;
mod tile;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use self::element::matmul_element;
pub(crate) use self::tile::{Last, Part, Whole};
use self::vector::Entry;
pub(crate) use self::vector::{Lanes, Vector};
use crate::dtype::Dtype;
use crate::isa::Level;
use crate::products::Begin;
use num_complex::Complex;

/// Elements of the common axis whose products are summed in one chain.
pub const K_BLOCK: usize = 256;

/// Elements in rows and columns, at any distances.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Address of the first element.
    pub start: *mut u8,
    /// Bytes from a row to the next.
    pub row: isize,
    /// Bytes from a column to the next.
    pub column: isize,
}

impl Grid {
    /// The grid from another element on.
    pub fn from(self, row: usize, column: usize) -> Grid {
        let bytes =
            self.row.wrapping_mul(row as isize).wrapping_add(self.column.wrapping_mul(column as isize));
        Grid { start: self.start.wrapping_offset(bytes), ..self }
    }

    /// The grid with rows and columns exchanged.
    pub fn transposed(self) -> Grid {
        Grid { row: self.column, column: self.row, ..self }
    }
}

/// How large a product is: `rows x k` times `k x columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extents {
    /// Rows of the first factor and of the result.
    pub rows: usize,
    /// Columns of the second factor and of the result.
    pub columns: usize,
    /// The common extent.
    pub k: usize,
}

/// Packs a factor: to, factor, rows, common extent. The rows of the factor, and its columns are the common axis; for
/// the second factor of a product it is its transpose.
pub type Pack = unsafe fn(to: *mut u8, from: Grid, rows: usize, k: usize);
/// Sums of products of two packed factors, stored, or added to those before, of as many elements as make whole blocks.
pub type PackedProduct = unsafe fn(result: Grid, a: *const u8, b: *const u8, extents: Extents, start: Begin);
/// The product of two factors as they lie, of any common extent, stored or added; columns of the second and of the result
/// side by side.
pub type DirectProduct = unsafe fn(result: Grid, a: Grid, b: Grid, extents: Extents, start: Begin);

/// The loops for one dtype. Elements may lie at any address; the result overlaps nothing.
#[derive(Clone, Copy, Debug)]
pub struct Matmul {
    /// Rows of a tile; packed first factors hold a multiple of it.
    pub rows: usize,
    /// Columns of a tile; packed second factors hold a multiple of it.
    pub columns: usize,
    /// Bytes of a packed element.
    pub packed: usize,
    /// Packs the first factor.
    pub pack_rows: Pack,
    /// Packs the transpose of the second factor.
    pub pack_columns: Pack,
    /// Multiplies packed factors.
    pub product: PackedProduct,
    /// Multiplies factors that are not packed; none for elements that the tiles hold in another form.
    pub direct: Option<DirectProduct>,
}

/// The loops for a dtype, for this processor; none for truth values and half precision.
pub fn matmul(dtype: Dtype) -> Option<Matmul> {
    matmul_at(dtype, Level::detected())
}

/// As [`matmul`], for an instruction set level that this processor must have.
pub fn matmul_at(dtype: Dtype, level: Level) -> Option<Matmul> {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::V4 => v4_loops(dtype),
        #[cfg(target_arch = "x86_64")]
        Level::V3 => v3_loops(dtype),
        _ => baseline_loops(dtype),
    }
}

/// Wraps the loops for one level.
macro_rules! level {
    ($level:ident $(, $features:literal)?) => {
        mod $level {
            use super::*;

            $(#[target_feature(enable = $features)])?
            unsafe fn pack<E: Entry, const WIDTH: usize>(to: *mut u8, from: Grid, rows: usize, k: usize) {
                // SAFETY: the caller keeps the contract of the wrapped function and has checked the level.
                unsafe { pack::pack::<E, WIDTH>(to, from, rows, k) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn product<
                E: Entry,
                V: Vector<Lane = E::Lane>,
                const ROWS: usize,
                const VECTORS: usize,
            >(
                result: Grid,
                a: *const u8,
                b: *const u8,
                extents: Extents,
                start: Begin,
            ) {
                // SAFETY: as above.
                unsafe { tile::product::<E, V, ROWS, VECTORS>(result, a, b, extents, start) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn complex_product<E: Entry, V: Vector<Lane = E::Lane>, const ROWS: usize>(
                result: Grid,
                a: *const u8,
                b: *const u8,
                extents: Extents,
                start: Begin,
            ) {
                // SAFETY: as above.
                unsafe { tile::complex_product::<E, V, ROWS>(result, a, b, extents, start) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn direct<
                E: Entry,
                V: Vector<Lane = E::Lane>,
                const ROWS: usize,
            >(
                result: Grid,
                a: Grid,
                b: Grid,
                extents: Extents,
                start: Begin,
            ) {
                // SAFETY: as above.
                unsafe { tile::direct::<E, V, ROWS>(result, a, b, extents, start) }
            }

            /// Real numbers and integers, two vectors of columns to a tile.
            pub(super) const fn real<
                E: Entry,
                V: Vector<Lane = E::Lane>,
                const ROWS: usize,
                const COLUMNS: usize,
            >() -> Matmul {
                assert!(COLUMNS == 2 * V::LANES);
                let held = size_of::<E>() == size_of::<E::Lane>();
                Matmul {
                    rows: ROWS,
                    columns: COLUMNS,
                    packed: size_of::<E::Lane>(),
                    pack_rows: pack::<E, ROWS>,
                    pack_columns: pack::<E, COLUMNS>,
                    product: product::<E, V, ROWS, 2>,
                    direct: if held { Some(direct::<E, V, ROWS>) } else { None },
                }
            }

            /// Complex numbers, a vector of real and one of imaginary parts to a row of a tile.
            pub(super) const fn complex<
                E: Entry,
                V: Vector<Lane = E::Lane>,
                const ROWS: usize,
                const COLUMNS: usize,
            >() -> Matmul {
                assert!(COLUMNS == V::LANES);
                Matmul {
                    rows: ROWS,
                    columns: COLUMNS,
                    packed: 2 * size_of::<E::Lane>(),
                    pack_rows: pack::<E, ROWS>,
                    pack_columns: pack::<E, COLUMNS>,
                    product: complex_product::<E, V, ROWS>,
                    direct: None,
                }
            }
        }
    };
}

level!(baseline);
#[cfg(target_arch = "x86_64")]
level!(v3, "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt,movbe");
#[cfg(target_arch = "x86_64")]
level!(v4, "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl");

/// Rows of a tile: as many as registers hold the sums of.
#[cfg(target_arch = "x86_64")]
const BASELINE_ROWS: usize = 4;
/// Rows of a tile: as many as registers hold the sums of.
#[cfg(not(target_arch = "x86_64"))]
const BASELINE_ROWS: usize = 12;

fn baseline_loops(dtype: Dtype) -> Option<Matmul> {
    const ROWS: usize = BASELINE_ROWS;
    Some(match dtype {
        Dtype::Int8 | Dtype::UInt8 => baseline::real::<i8, Lanes<i16, 8>, ROWS, 16>(),
        Dtype::Int16 | Dtype::UInt16 => baseline::real::<i16, Lanes<i16, 8>, ROWS, 16>(),
        Dtype::Int32 | Dtype::UInt32 => baseline::real::<i32, Lanes<i32, 4>, ROWS, 8>(),
        Dtype::Int64 | Dtype::UInt64 => baseline::real::<i64, Lanes<i64, 2>, ROWS, 4>(),
        Dtype::Float32 => baseline::real::<f32, Lanes<f32, 4>, ROWS, 8>(),
        Dtype::Float64 => baseline::real::<f64, Lanes<f64, 2>, ROWS, 4>(),
        Dtype::Complex64 => baseline::complex::<Complex<f32>, Lanes<f32, 4>, ROWS, 4>(),
        Dtype::Complex128 => baseline::complex::<Complex<f64>, Lanes<f64, 2>, ROWS, 2>(),
        Dtype::Bool | Dtype::Float16 => return None,
    })
}

#[cfg(target_arch = "x86_64")]
fn v3_loops(dtype: Dtype) -> Option<Matmul> {
    use self::x86::{I16x16, I32x8};
    use std::arch::x86_64::{__m256, __m256d};
    const ROWS: usize = 6;
    // Real and imaginary parts of both factors take registers beside the sums.
    const COMPLEX_ROWS: usize = 5;
    Some(match dtype {
        Dtype::Int8 | Dtype::UInt8 => v3::real::<i8, I16x16, ROWS, 32>(),
        Dtype::Int16 | Dtype::UInt16 => v3::real::<i16, I16x16, ROWS, 32>(),
        Dtype::Int32 | Dtype::UInt32 => v3::real::<i32, I32x8, ROWS, 16>(),
        Dtype::Int64 | Dtype::UInt64 => v3::real::<i64, Lanes<i64, 4>, ROWS, 8>(),
        Dtype::Float32 => v3::real::<f32, __m256, ROWS, 16>(),
        Dtype::Float64 => v3::real::<f64, __m256d, ROWS, 8>(),
        Dtype::Complex64 => v3::complex::<Complex<f32>, __m256, COMPLEX_ROWS, 8>(),
        Dtype::Complex128 => v3::complex::<Complex<f64>, __m256d, COMPLEX_ROWS, 4>(),
        Dtype::Bool | Dtype::Float16 => return None,
    })
}

#[cfg(target_arch = "x86_64")]
fn v4_loops(dtype: Dtype) -> Option<Matmul> {
    use self::x86::{I16x32, I32x16, I64x8};
    use std::arch::x86_64::{__m512, __m512d};
    const ROWS: usize = 12;
    Some(match dtype {
        Dtype::Int8 | Dtype::UInt8 => v4::real::<i8, I16x32, ROWS, 64>(),
        Dtype::Int16 | Dtype::UInt16 => v4::real::<i16, I16x32, ROWS, 64>(),
        Dtype::Int32 | Dtype::UInt32 => v4::real::<i32, I32x16, ROWS, 32>(),
        Dtype::Int64 | Dtype::UInt64 => v4::real::<i64, I64x8, ROWS, 16>(),
        Dtype::Float32 => v4::real::<f32, __m512, ROWS, 32>(),
        Dtype::Float64 => v4::real::<f64, __m512d, ROWS, 16>(),
        Dtype::Complex64 => v4::complex::<Complex<f32>, __m512, ROWS, 16>(),
        Dtype::Complex128 => v4::complex::<Complex<f64>, __m512d, ROWS, 8>(),
        Dtype::Bool | Dtype::Float16 => return None,
    })
}
