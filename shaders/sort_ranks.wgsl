// Very short runs, as many together as there is room for: an element's position is how many elements of its run come
// before it.

var<workgroup> lower: array<u32, TILE>;
var<workgroup> upper: array<u32, UPPER>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = (group.y * groups.x + group.x) * together();
    let count = elements(first);
    var part: array<Words, EACH>;
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            part[k] = load(run_of(first + at / run_length()), at % run_length());
            let key = key_of(part[k]);
            lower[at] = key.x;
            if (UPPER > 1u) {
                upper[at % UPPER] = key.y;
            }
        }
    }
    workgroupBarrier();
    for (var k = 0u; k < EACH; k++) {
        let at = k * 256u + local;
        if (at < count) {
            let key = key_of(part[k]);
            let begin = at - at % run_length();
            let end = min(begin + run_length(), count);
            var rank = 0u;
            for (var other = begin; other < end; other++) {
                let low = lower[other];
                var before = low < key.x || (low == key.x && other < at);
                if (UPPER > 1u) {
                    let high = upper[other % UPPER];
                    before = high < key.y || (high == key.y && before);
                }
                rank += select(0u, 1u, before);
            }
            keep(run_of(first + at / run_length()), rank, part[k]);
        }
    }
}
