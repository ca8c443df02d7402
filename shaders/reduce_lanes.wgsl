// A thread for each lane of a leaf: it folds every LANES-th element, then the lanes are folded in the fixed tree.
//
// A workgroup has MEMBERS leaves, of one row or of neighbouring columns.

var<workgroup> values: array<Value, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let lane = lane_of(local);
    let point = first_point() + (group.y * groups.x + group.x) * MEMBERS + member_of(local);
    var value: Value;
    var used = 0u;
    if (point < last_point()) {
        let start = leaf_of(point) * LEAF;
        let count = min(elements() - start, LEAF);
        used = min(count, LANES);
        let row = row_of(kept_of(point));
        if (lane < count) {
            value = evaluate(row, start + lane);
            for (var i = lane + LANES; i < count; i += LANES) {
                value = combine(value, evaluate(row, start + i));
            }
        }
    }
    // Lanes of a leaf are one thread apart, or as many as there are leaves.
    let apart = select(MEMBERS, 1u, lane_of(1u) == 1u);
    for (var h = LANES / 2u; h > 0u; h = h >> 1u) {
        values[local] = value;
        workgroupBarrier();
        if (lane < h && lane + h < used) {
            value = combine(value, values[local + h * apart]);
        }
        workgroupBarrier();
    }
    if (lane == 0u && used > 0u) {
        keep(point, value);
    }
}
