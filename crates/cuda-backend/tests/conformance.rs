//! Random launches of every class, run on a device and on the host's processor: both give the same bits.

use maniple_conformance::Bench;
use maniple_conformance::classes::{self, Check};
use maniple_cuda::{At, Cuda, Driver, Emulator, Schedule};
use maniple_ops::Dtype;
use std::path::Path;
use std::sync::Arc;

/// A real device where there is one.
fn device() -> Arc<dyn Driver> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    maniple_cuda::driver(&[], Some(folder.to_path_buf())).unwrap_or_else(|_| {
        Arc::new(Emulator::scheduled(1, 1 << 28, Schedule::Turns, folder).expect("g++ is installed"))
    })
}

/// Runs a check on a device, which takes everything.
fn check(of: fn(&Check<'_>)) {
    let cuda = Cuda::new(device(), At { backend: 1, memory: 1, processor: 1 }, None);
    let bench = Bench::new(Arc::new(cuda));
    of(&Check {
        bench: &bench,
        holds: &|_| true,
        owes: &|_| true,
        contracts: &|_| true,
        real: Dtype::Float64,
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
