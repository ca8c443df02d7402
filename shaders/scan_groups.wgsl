// Running folds: a workgroup for each row, one tile after another.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let number = first_row() + group.y * groups.x + group.x;
    let row = row_of(min(number, last_row() - 1u));
    var carry: Value;
    for (var tile = 0u; tile < tiles(); tile++) {
        let start = tile * TILE + local * EACH;
        var values = load_tile(row, start);
        let whole = scan_tile(&values, local);
        for (var k = 0u; k < EACH; k++) {
            if (tile > 0u) {
                values[k] = combine(carry, values[k]);
            }
            if (start + k < elements() && number < last_row()) {
                put(row, start + k, values[k]);
            }
        }
        if (tile > 0u) {
            carry = combine(carry, whole);
        } else {
            carry = whole;
        }
    }
}
