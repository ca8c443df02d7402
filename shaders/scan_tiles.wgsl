// Running folds of few long rows, third: every tile once more, continuing the fold of all before it.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let work = group.y * groups.x + group.x;
    let number = first_row() + work / tiles();
    let tile = work % tiles();
    let row = row_of(min(number, last_row() - 1u));
    let start = tile * TILE + local * EACH;
    var values = load_tile(row, start);
    let whole = scan_tile(&values, local);
    if (number >= last_row()) {
        return;
    }
    var carry: Value;
    if (tile > 0u) {
        carry = total(work - 1u);
    }
    for (var k = 0u; k < EACH && start + k < elements(); k++) {
        if (tile > 0u) {
            values[k] = combine(carry, values[k]);
        }
        put(row, start + k, values[k]);
    }
}
