// Values of other lanes of a warp, of any type.

#define ALL_LANES 0xffffffffu

template <class T>
union Parts {
    T whole;
    unsigned int words[(sizeof(T) + 3) / 4];
};

// The value that the lane `by` further up has. Every lane of the warp takes part.
template <class T>
static __device__ __forceinline__ T from_above(T value, int by) {
    Parts<T> parts;
    parts.words[sizeof(parts) / 4 - 1] = 0;
    parts.whole = value;
#pragma unroll
    for (int word = 0; word < (int)(sizeof(parts) / 4); word++) {
        parts.words[word] = __shfl_down_sync(ALL_LANES, parts.words[word], by);
    }
    return parts.whole;
}

// The value that the lane `by` further down has. Every lane of the warp takes part.
template <class T>
static __device__ __forceinline__ T from_below(T value, int by) {
    Parts<T> parts;
    parts.words[sizeof(parts) / 4 - 1] = 0;
    parts.whole = value;
#pragma unroll
    for (int word = 0; word < (int)(sizeof(parts) / 4); word++) {
        parts.words[word] = __shfl_up_sync(ALL_LANES, parts.words[word], by);
    }
    return parts.whole;
}

// The value that a lane has, for all lanes. Every lane of the warp takes part.
template <class T>
static __device__ __forceinline__ T from_lane(T value, int lane) {
    Parts<T> parts;
    parts.words[sizeof(parts) / 4 - 1] = 0;
    parts.whole = value;
#pragma unroll
    for (int word = 0; word < (int)(sizeof(parts) / 4); word++) {
        parts.words[word] = __shfl_sync(ALL_LANES, parts.words[word], lane);
    }
    return parts.whole;
}
