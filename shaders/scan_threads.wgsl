// Running folds: a thread for each row, from first to last.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let number = first_row() + (group.y * groups.x + group.x) * 256u + local;
    if (number >= last_row()) {
        return;
    }
    let row = row_of(number);
    var value = element(row, 0u);
    put(row, 0u, value);
    for (var i = 1u; i < elements(); i++) {
        value = combine(value, element(row, i));
        put(row, i, value);
    }
}
