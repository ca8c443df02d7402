// A merge, second: every tile of the result is merged in workgroup memory, pairs of the runs' parts, pairs of those and
// so on. An element's place is how many come before it in its own part and in the other.

var<workgroup> all: array<Words, TILE>;
// Where each run's part of the tile begins in the tile, and in the row.
var<workgroup> starts: array<u32, MOST_RUNS_AND_END>;
var<workgroup> froms: array<u32, MOST_RUNS_AND_END>;

// The last of the parts `step` apart that begins at an element or before it.
fn part_of(at: u32, step: u32) -> u32 {
    var part = 0u;
    var end = (merged_runs() + step - 1u) / step;
    while (end - part > 1u) {
        let half = (part + end) / 2u;
        if (starts[half * step] <= at) {
            part = half;
        } else {
            end = half;
        }
    }
    return part;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let work = group.y * groups.x + group.x;
    let inside = work < tiles();
    let tile = min(work, tiles() - 1u);
    let row = run_of(0u);
    let runs = merged_runs();
    var length = 0u;
    if (local < runs && inside) {
        froms[local] = noted(cut_at(LOW, local, tile));
        length = noted(cut_at(LOW, local, tile + 1u)) - froms[local];
    }
    let start = sum_up_to(length, local) - length;
    if (local <= runs) {
        starts[local] = start;
    }
    workgroupBarrier();
    let count = starts[runs];
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            let part = part_of(at, 1u);
            all[at] = load(row, froms[part] + at - starts[part]);
        }
    }
    workgroupBarrier();
    for (var step = 1u; step < runs; step = step << 1u) {
        var part: array<Words, EACH>;
        var ranks: array<u32, EACH>;
        for (var k = 0u; k < EACH; k++) {
            let at = k * 256u + local;
            if (at < count) {
                part[k] = all[at];
                let key = key_of(part[k]);
                let own = part_of(at, step);
                let other = own ^ 1u;
                let skipped = starts[min(other * step, runs)];
                var begin = skipped;
                var end = starts[min((other + 1u) * step, runs)];
                while (begin < end) {
                    let half = (begin + end) / 2u;
                    let found = key_of(all[half]);
                    if (is_before(found, key) || (other < own && !is_before(key, found))) {
                        begin = half + 1u;
                    } else {
                        end = half;
                    }
                }
                ranks[k] = at - starts[own * step] + begin - skipped + starts[min(own, other) * step];
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < EACH; k++) {
            if (k * 256u + local < count) {
                all[ranks[k]] = part[k];
            }
        }
        workgroupBarrier();
    }
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            keep(row, least() + tile * TILE + at, all[at]);
        }
    }
}
