// The rows of truth values.

fn mn_add_bool(a: bool, b: bool) -> bool { return a || b; }
fn mn_multiply_bool(a: bool, b: bool) -> bool { return a && b; }
fn mn_absolute_bool(a: bool) -> bool { return a; }
fn mn_floor_bool(a: bool) -> bool { return a; }
fn mn_ceil_bool(a: bool) -> bool { return a; }
fn mn_trunc_bool(a: bool) -> bool { return a; }
fn mn_bitwise_and_bool(a: bool, b: bool) -> bool { return a && b; }
fn mn_bitwise_or_bool(a: bool, b: bool) -> bool { return a || b; }
fn mn_bitwise_xor_bool(a: bool, b: bool) -> bool { return a != b; }
fn mn_invert_bool(a: bool) -> bool { return !a; }
fn mn_greater_bool(a: bool, b: bool) -> bool { return a && !b; }
fn mn_greater_equal_bool(a: bool, b: bool) -> bool { return a || !b; }
fn mn_less_bool(a: bool, b: bool) -> bool { return !a && b; }
fn mn_less_equal_bool(a: bool, b: bool) -> bool { return !a || b; }
fn mn_equal_bool(a: bool, b: bool) -> bool { return a == b; }
fn mn_not_equal_bool(a: bool, b: bool) -> bool { return a != b; }
fn mn_truth_bool(a: bool) -> bool { return a; }
fn mn_logical_and_bool(a: bool, b: bool) -> bool { return a && b; }
fn mn_logical_or_bool(a: bool, b: bool) -> bool { return a || b; }
fn mn_logical_xor_bool(a: bool, b: bool) -> bool { return a != b; }
fn mn_logical_not_bool(a: bool) -> bool { return !a; }
fn mn_maximum_bool(a: bool, b: bool) -> bool { return a || b; }
fn mn_minimum_bool(a: bool, b: bool) -> bool { return a && b; }
fn mn_fmax_bool(a: bool, b: bool) -> bool { return a || b; }
fn mn_fmin_bool(a: bool, b: bool) -> bool { return a && b; }
fn mn_isfinite_bool(a: bool) -> bool { return true; }
fn mn_isinf_bool(a: bool) -> bool { return false; }
fn mn_isnan_bool(a: bool) -> bool { return false; }
fn mn_clip_bool(a: bool, low: bool, high: bool) -> bool { return (a || low) && high; }
