// A pass over long runs, first: how many elements of every tile have each digit.

var<workgroup> counts: array<atomic<u32>, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    atomicStore(&counts[local], 0u);
    workgroupBarrier();
    let work = group.y * groups.x + group.x;
    let number = work / tiles();
    let tile = work % tiles();
    let run = run_of(min(number, runs() - 1u));
    let end = min(run.length, (tile + 1u) * TILE);
    for (var i = tile * TILE + local; i < end; i += 256u) {
        atomicAdd(&counts[digit_of(load(run, i))], 1u);
    }
    workgroupBarrier();
    if (number < runs()) {
        note(tally_at(number, local, tile), atomicLoad(&counts[local]));
    }
}
