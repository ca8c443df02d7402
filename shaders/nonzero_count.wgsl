// True elements are counted, a workgroup for each tile.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let tile = group.y * groups.x + group.x;
    let sum = sum_before(count_from(tile * TILE + local * EACH), local);
    if (local == 255u && tile < tiles()) {
        note(tile, sum);
    }
}
