// Arithmetic for random singles: words of 64 bits are pairs with the lower half first.

fn sum(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < b.x));
}

// The product of two words of 32 bits.
fn product(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle = (a & 0xffffu) * (b >> 16u) + (low >> 16u);
    let other = (a >> 16u) * (b & 0xffffu) + (middle & 0xffffu);
    let high = (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
    return vec2<u32>((other << 16u) | (low & 0xffffu), high);
}

// The product of two words of 64 bits: the lower word, then the upper one.
fn long_product(a: vec2<u32>, b: vec2<u32>) -> vec4<u32> {
    let low = product(a.x, b.x);
    let high = product(a.y, b.y);
    let one = sum(product(a.x, b.y), vec2<u32>(low.y, 0u));
    let other = sum(product(a.y, b.x), vec2<u32>(one.x, 0u));
    let upper = sum(sum(high, vec2<u32>(one.y, 0u)), vec2<u32>(other.y, 0u));
    return vec4<u32>(low.x, other.x, upper.x, upper.y);
}

// The lower word of it alone.
fn low_product(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = product(a.x, b.x);
    return vec2<u32>(low.x, low.y + a.x * b.y + a.y * b.x);
}

// The number that half a word makes.
fn number_of(half: u32) -> f32 {
    return f32(half >> 8u) * (1.0 / 16777216.0);
}
