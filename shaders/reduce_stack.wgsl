// A thread for each result of N elements, N at most LANES: every element is a lane, and the lanes are folded in the fixed
// tree.

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
    var values: array<Value, N>;
    for (var i = 0u; i < N; i++) {
        values[i] = evaluate(row, i);
    }
    for (var h = LANES / 2u; h > 0u; h = h >> 1u) {
        for (var i = 0u; i < h && i + h < N; i++) {
            values[i] = combine(values[i], values[i + h]);
        }
    }
    keep(point, values[0]);
}
