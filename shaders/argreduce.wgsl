// The index of the first extreme among the candidates of a result, or of a part of it: a workgroup for each.
//
// A missing element (a NaN) beats all others, and of equal elements the first one wins.

const NONE = 0xffffffffu;

var<workgroup> values: array<Value, 256>;
var<workgroup> indices: array<u32, 256>;

// Whether element `a` at index `i` wins against element `b` at index `j`.
fn wins(a: Value, i: u32, b: Value, j: u32) -> bool {
    if (j == NONE || i == NONE) {
        return i != NONE;
    }
    if (missing(a) || missing(b)) {
        return missing(a) && (!missing(b) || i < j);
    }
    return above(a, b) || (i < j && !above(b, a));
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let number = group.y * groups.x + group.x;
    let result = first_result() + number / parts();
    let part = number % parts();
    var best: Value;
    var index = NONE;
    if (result < last_result()) {
        let row = row_of(result);
        for (var i = begin_of(part) + local; i < end_of(part); i += 256u) {
            let other = candidate(result, i);
            let value = element(row, other);
            if (wins(value, other, best, index)) {
                best = value;
                index = other;
            }
        }
    }
    for (var h = 128u; h > 0u; h = h >> 1u) {
        values[local] = best;
        indices[local] = index;
        workgroupBarrier();
        if (local < h && wins(values[local + h], indices[local + h], best, index)) {
            best = values[local + h];
            index = indices[local + h];
        }
        workgroupBarrier();
    }
    if (local == 0u && result < last_result()) {
        keep(number, result, index);
    }
}
