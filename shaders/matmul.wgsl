// Products of matrices: a workgroup for each tile of 64 x 64 elements of a result, of which a thread has 4 x 4.
//
// An element is the sum, in order, of the sums of blocks of BLOCK products, each summed from zero in order; whether a
// multiply-add is rounded once or twice is the device's choice. 16 elements of the common axis are brought to workgroup
// memory at a time. Where the result does not fill a tile, the last row or column is computed again.

const STRIP = 16u;
const TILE = 64u;

// By elements of the common axis, then rows or columns, four at a time.
var<workgroup> of_a: array<vec4<Value>, 256>;
var<workgroup> of_b: array<vec4<Value>, 256>;

fn four(start: u32, line: u32, lines: u32, across: u32, a: bool) -> vec4<Value> {
    var values: vec4<Value>;
    for (var i = 0u; i < 4u; i++) {
        let at = start + min(line + i, lines - 1u) * across;
        values[i] = select_element(at, a);
    }
    return values;
}

fn select_element(at: u32, a: bool) -> Value {
    if (a) {
        return element_of_a(at);
    }
    return element_of_b(at);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let down = (rows() + TILE - 1u) / TILE;
    let across = (columns() + TILE - 1u) / TILE;
    let tile = group.y * groups.x + group.x;
    let matrix = first_point() / rows() + tile / (down * across);
    let row = tile / across % down * TILE;
    let column = tile % across * TILE;
    if (matrix * rows() + row >= last_point()) {
        return;
    }
    let starts = starts_of(matrix);
    let x = local % 16u;
    let y = local / 16u;
    var block: array<vec4<Value>, 4>;
    var total: array<vec4<Value>, 4>;
    for (var begin = 0u; begin < extent(); begin += STRIP) {
        let depth = min(STRIP, extent() - begin);
        // Neighbouring threads read along the first factor's rows, and across the second's.
        if (x < depth) {
            of_a[x * 16u + y] = four(starts.x + (begin + x) * a_column(), row + y * 4u, rows(), a_row(), true);
        }
        if (y < depth) {
            of_b[y * 16u + x] = four(starts.y + (begin + y) * b_row(), column + x * 4u, columns(), b_column(), false);
        }
        workgroupBarrier();
        for (var k = 0u; k < depth; k++) {
            let left = of_a[k * 16u + y];
            let right = of_b[k * 16u + x];
            block[0] = plus_products(block[0], left.x, right);
            block[1] = plus_products(block[1], left.y, right);
            block[2] = plus_products(block[2], left.z, right);
            block[3] = plus_products(block[3], left.w, right);
        }
        workgroupBarrier();
        if ((begin + STRIP) % BLOCK == 0u || begin + STRIP >= extent()) {
            for (var r = 0u; r < 4u; r++) {
                if (begin < BLOCK) {
                    total[r] = block[r];
                } else {
                    total[r] = total[r] + block[r];
                }
                block[r] = vec4<Value>();
            }
        }
    }
    for (var r = 0u; r < 4u; r++) {
        let at_row = row + y * 4u + r;
        let point = matrix * rows() + at_row;
        if (at_row >= rows() || point < first_point() || point >= last_point()) {
            continue;
        }
        for (var c = 0u; c < 4u; c++) {
            let at_column = column + x * 4u + c;
            if (at_column < columns()) {
                put(starts.z + at_row * row_step() + at_column * column_step(), total[r][c]);
                look(starts.x + at_row * a_row(), starts.y + at_column * b_column(), total[r][c]);
            }
        }
    }
}
