// What is special about integers of 32 and of 64 bits.

fn mn_ones_u32(a: u32) -> u32 { return countOneBits(a); }
fn mn_ones_u64(a: u64) -> u32 { return countOneBits(u32(a & 0xfffffffflu)) + countOneBits(u32(a >> 32u)); }
fn mn_load_u64(bits: vec2<u32>) -> u64 { return u64(bits.x) | (u64(bits.y) << 32u); }
fn mn_load_i64(bits: vec2<u32>) -> i64 { return i64(mn_load_u64(bits)); }
fn mn_store_u64(a: u64) -> vec2<u32> { return vec2<u32>(u32(a & 0xfffffffflu), u32(a >> 32u)); }
fn mn_store_i64(a: i64) -> vec2<u32> { return mn_store_u64(u64(a)); }
