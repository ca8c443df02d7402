// Running folds of few long rows, second: the folds of a row's tiles become running folds, by a workgroup for each row.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let work = group.y * groups.x + group.x;
    let inside = first_row() + work < last_row();
    var carry: Value;
    for (var begin = 0u; begin < tiles(); begin += TILE) {
        let start = begin + local * EACH;
        var values: array<Value, EACH>;
        for (var k = 0u; k < EACH && start + k < tiles() && inside; k++) {
            values[k] = total(work * tiles() + start + k);
        }
        let whole = scan_tile(&values, local);
        for (var k = 0u; k < EACH; k++) {
            if (begin > 0u) {
                values[k] = combine(carry, values[k]);
            }
            if (start + k < tiles() && inside) {
                keep_total(work * tiles() + start + k, values[k]);
            }
        }
        if (begin > 0u) {
            carry = combine(carry, whole);
        } else {
            carry = whole;
        }
    }
}
