// One pass of the fixed tree over the leaves of a result: a thread folds at most FAN leaves that are as far apart as there
// are leaves afterwards.

// Folds every `step`-th leaf of a result from leaf `start` on, as the fixed tree does.
fn fold_leaves(result: u32, start: u32, step: u32) -> Value {
    var values: array<Value, FAN>;
    for (var k = 0u; k < FAN && start + k * step < leaves(); k++) {
        values[k] = leaf(result, start + k * step);
    }
    for (var h = FAN / 2u; h > 0u; h = h >> 1u) {
        for (var k = 0u; k < h && start + (k + h) * step < leaves(); k++) {
            values[k] = combine(values[k], values[k + h]);
        }
    }
    return values[0];
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let thread = (group.y * groups.x + group.x) * 256u + local;
    let result = first_result() + thread / apart();
    let place = thread % apart();
    if (result < last_result()) {
        keep(result, place, fold_leaves(result, place, apart()));
    }
}
