// Running folds of few long rows, first: the fold of every tile, to scratch memory.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let work = group.y * groups.x + group.x;
    let number = first_row() + work / tiles();
    let inside = number < last_row();
    var values = load_tile(row_of(min(number, last_row() - 1u)), work % tiles() * TILE + local * EACH);
    let whole = scan_tile(&values, local);
    if (local == 0u && inside) {
        keep_total(work, whole);
    }
}
