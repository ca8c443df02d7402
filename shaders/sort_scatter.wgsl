// A pass over long runs, third: every tile is sorted by the digit, and its elements go where the tile's part among those
// of the digit begins.

// Position in the run of a digit's first element of this tile, and its position in the tile.
var<workgroup> goals: array<u32, 256>;
var<workgroup> starts: array<u32, 256>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let work = group.y * groups.x + group.x;
    let tile = work % tiles();
    let number = min(work / tiles(), runs() - 1u);
    let run = run_of(number);
    var end = min(run.length, (tile + 1u) * TILE);
    if (work / tiles() >= runs()) {
        end = 0u;
    }
    let begin = min(tile * TILE, end);
    let count = end - begin;
    var part: Part;
    for (var k = 0u; k < EACH; k++) {
        let i = begin + k * 256u + local;
        if (i < end) {
            part[k] = load(run, i);
        }
    }
    collect(&part, local);
    var numbers: Numbers;
    for (var half = 0u; half < 8u; half += 4u) {
        for (var k = 0u; k < EACH; k++) {
            // What is no element stays behind all that are.
            numbers[k] = select(15u, (digit_of(part[k]) >> half) & 15u, local * EACH + k < count);
        }
        make_ranks(&numbers, local);
        move_to(&part, &numbers, local);
    }
    spread(&part, local);
    let total = noted(total_at(number, local));
    goals[local] = sum_up_to(total, local) - total + noted(tally_at(number, local, tile));
    for (var k = 0u; k < EACH; k++) {
        numbers[k] = digit_of(part[k]);
        cells[k * 256u + local] = numbers[k];
    }
    workgroupBarrier();
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            if (at == 0u) {
                starts[numbers[k]] = 0u;
            } else if (cells[at - 1u] != numbers[k]) {
                starts[numbers[k]] = at;
            }
        }
    }
    workgroupBarrier();
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            keep(run, goals[numbers[k]] + at - starts[numbers[k]], part[k]);
        }
    }
}
