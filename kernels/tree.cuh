// The fixed tree over the lanes of a warp. Defined before this: the type Value, and combine(Value, Value).

// Folds the values of groups of `width` lanes into each group's first: lane i with lane i + h for h = width / 2, ..., 1
// where both are below `used`.
static __device__ __forceinline__ Value fold_lanes(Value value, int lane, int width, int used) {
#pragma unroll
    for (int h = width / 2; h > 0; h /= 2) {
        const Value other = from_above(value, h);
        if (lane < h && lane + h < used) value = combine(value, other);
    }
    return value;
}
