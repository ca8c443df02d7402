// A thread for each result, which folds its elements from first to last.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let point = first_point() + (group.y * groups.x + group.x) * 256u + local;
    if (point >= last_point()) {
        return;
    }
    let row = row_of(kept_of(point));
    var value = evaluate(row, 0u);
    for (var i = 1u; i < elements(); i++) {
        value = combine(value, evaluate(row, i));
    }
    keep(point, value);
}
