//! Launches of every class, run through wgpu and by the interpreter or the host's processor: both give the same.
//!
//! Where there is no adapter, the tests pass without a look; CI has one (Mesa's lavapipe).

use maniple_conformance::Bench;
use maniple_conformance::classes::{self, Check};
use maniple_conformance::rows::{self, Promise};
use maniple_ops::wgsl::{self, Features};
use maniple_ops::{Body, Dtype, Op, Scalar, Step};
use maniple_runtime::{Kernel, Launch};
use maniple_wgpu::{At, Wgpu};
use std::sync::Arc;

/// A device next to the host's processor.
fn bench() -> Option<Bench> {
    let found = Wgpu::find(At { backend: 1, memory: 1, processor: 1 }, None, None);
    found
        .map_err(|reason| eprintln!("nothing is tested: {reason}"))
        .ok()
        .map(|device| Bench::new(Arc::new(device)))
}

/// What this backend promises: the bits of the host but for elementary functions and quotients of rounded numbers.
struct Bounds;

impl Promise for Bounds {
    fn runs(&self, body: &Body) -> bool {
        wgsl::supports(body, Features { int64: true })
    }

    fn accepts(&self, body: &Body, found: Scalar, wanted: Scalar) -> bool {
        let exact = body.steps.iter().all(|step| match step {
            Step::Apply { op, dtype, .. } => !dtype.is_inexact() || EXACT.contains(op),
            Step::Cast { .. } => true,
        });
        rows::equal(found, wanted) || (!exact && near(found, wanted))
    }
}

/// Rows whose results have the host's bits at every dtype.
const EXACT: [Op; 3] = [Op::Add, Op::Subtract, Op::Multiply];

/// Units in the last place by which elementary functions may differ from the host's.
const BOUND: i64 = 4;

/// Whether numbers differ by few units in the last place; of complex numbers in that of the larger part.
fn near(found: Scalar, wanted: Scalar) -> bool {
    let parts = |scalar: Scalar| {
        let real = scalar.dtype().real();
        let parts = scalar.as_bytes().chunks(real.size());
        parts.map(|part| Scalar::from_bytes(real, part).as_f64()).collect::<Vec<_>>()
    };
    let (found_parts, wanted_parts) = (parts(found), parts(wanted));
    let largest = wanted_parts.iter().fold(0.0f64, |largest, part| largest.max(part.abs()));
    let (digits, least) = if found.dtype() == Dtype::Float16 { (10, -24) } else { (23, -149) };
    let unit = 2f64.powi(((largest.log2().floor() as i32).max(-1022) - digits).max(least));
    found_parts.iter().zip(&wanted_parts).all(|(found, wanted)| {
        found == wanted
            || (found.is_nan() && wanted.is_nan())
            || (found - wanted).abs() <= BOUND as f64 * unit
    })
}

#[test]
fn every_row_at_every_dtype_on_some_layouts() {
    let Some(bench) = bench() else { return };
    rows::every_row(&bench, &Bounds);
}

#[test]
fn every_dtype_converted_to_every_other() {
    let Some(bench) = bench() else { return };
    rows::every_cast(&bench, &Bounds);
}

#[test]
fn every_shape_and_layout_with_a_few_rows() {
    let Some(bench) = bench() else { return };
    let chosen = [
        (Op::Add, Dtype::Float32),
        (Op::Add, Dtype::Int8),
        (Op::Less, Dtype::Float32),
        (Op::Multiply, Dtype::UInt16),
        (Op::Subtract, Dtype::Complex64),
        (Op::Divmod, Dtype::Int32),
        (Op::Add, Dtype::Int64),
        (Op::Multiply, Dtype::Float16),
    ];
    rows::every_layout(&bench, &Bounds, &chosen);
}

#[test]
fn random_bodies() {
    let Some(bench) = bench() else { return };
    let dtypes = [
        Dtype::Float32,
        Dtype::Int64,
        Dtype::Int32,
        Dtype::Bool,
        Dtype::UInt8,
        Dtype::Complex64,
        Dtype::Int16,
    ];
    let chosen =
        [Op::Add, Op::Multiply, Op::Maximum, Op::Less, Op::Divmod, Op::Absolute, Op::Select, Op::Modf];
    rows::random_bodies(&bench, &Bounds, &dtypes, &chosen, 200);
}

/// Runs a check of launches that are not element-wise.
fn check(of: fn(&Check<'_>)) {
    let Some(bench) = bench() else { return };
    let holds = |dtype: Dtype| dtype.real() != Dtype::Float64;
    let owes = |launch: &Launch| {
        let known = match &*launch.kernel {
            Kernel::Scan { dtype, .. } => !dtype.is_inexact(),
            Kernel::Scatter { combine: Some(_), .. } => launch.args[0].dtype.size() == 4,
            Kernel::Matmul { dtype } => dtype.size() == 4 && !dtype.is_complex(),
            // Elements are moved, whatever they are.
            Kernel::Sort { .. } | Kernel::Merge { .. } => return true,
            _ => true,
        };
        known && launch.args.iter().all(|arg| holds(arg.dtype))
    };
    of(&Check {
        bench: &bench,
        holds: &holds,
        owes: &owes,
        contracts: &|dtype| !dtype.is_inexact(),
        real: Dtype::Float32,
    });
}

#[test]
fn reductions_have_the_bits_of_the_host() {
    check(classes::reductions_have_the_bits_of_the_host);
}

#[test]
fn leaves_are_folded_as_on_the_host() {
    check(classes::leaves_are_folded_as_on_the_host);
}

#[test]
fn random_numbers_are_those_of_the_host() {
    check(classes::random_numbers_are_those_of_the_host);
}

#[test]
fn evenly_spaced_numbers_are_those_of_the_host() {
    check(classes::evenly_spaced_numbers_are_those_of_the_host);
}

#[test]
fn elements_are_fetched_as_on_the_host() {
    check(classes::elements_are_fetched_as_on_the_host);
}

#[test]
fn extremes_are_found_where_the_host_finds_them() {
    check(classes::extremes_are_found_where_the_host_finds_them);
}

#[test]
fn scans_have_the_results_of_the_host() {
    check(classes::scans_have_the_results_of_the_host);
}

#[test]
fn products_of_matrices_are_those_of_the_host() {
    check(classes::products_of_matrices_are_those_of_the_host);
}

#[test]
fn products_of_matrices_report_the_flags_of_the_host() {
    check(classes::products_of_matrices_report_the_flags_of_the_host);
}

#[test]
fn true_elements_are_found_in_the_order_of_the_host() {
    check(classes::true_elements_are_found_in_the_order_of_the_host);
}

#[test]
fn the_last_write_stays_as_on_the_host() {
    check(classes::the_last_write_stays_as_on_the_host);
}

#[test]
fn rows_are_sorted_as_on_the_host() {
    check(classes::rows_are_sorted_as_on_the_host);
}

#[test]
fn runs_are_merged_as_on_the_host() {
    check(classes::runs_are_merged_as_on_the_host);
}

#[test]
fn rows_that_no_tree_may_fold_are_folded_within_a_leaf_only() {
    check(classes::rows_that_no_tree_may_fold_are_folded_within_a_leaf_only);
}

#[test]
fn reductions_report_the_flags_of_their_steps() {
    check(classes::reductions_report_the_flags_of_their_steps);
}

#[test]
fn folding_reports_flags_of_its_own() {
    check(classes::folding_reports_flags_of_its_own);
}

#[test]
fn folds_report_flags_of_their_own() {
    check(classes::folds_report_flags_of_their_own);
}
