// weightGradient = input^T * outputGradient over all output pixels as a product of matrices: m is a tap and an input
// channel, n an output channel, k an output pixel. Pixels are cut into splits that are computed side by side, each into
// weights of its own; what adds them up follows. NORM as in the forward pass.
#define ARGUMENTS const int batch, const int splits, const int span, IN(input), IN(norm), IN(outputGradient), \
    OUT(weightGradient)
#define SIZES \
    const int M = KERNEL_HEIGHT * KERNEL_WIDTH * IN_CHANNELS, N = OUT_CHANNELS; \
    const int K = batch * OUT_HEIGHT * OUT_WIDTH, group = get_global_id(2) / splits; \
    const int split = get_global_id(2) % splits, FIRST = split * span, LAST = min(K, FIRST + span); \
    __global const float *x = AT(input) + group * IN_CHANNELS; \
    __global const float *dy = AT(outputGradient) + group * OUT_CHANNELS, *scales = AT(norm); \
    __global float *dw = AT(weightGradient) + ((size_t)split * GROUPS + group) * M * N;
#define A_ARGUMENTS x, scales
#define B_ARGUMENTS dy
#define A_ALONG_K 0
#define B_ALONG_N 1

typedef struct { int channel; int top; int left; } Row;

inline Row row_of(int m, int rows)
{
    Row row;
    const int tap = m / IN_CHANNELS;
    row.channel = m < rows ? m % IN_CHANNELS : -1;
    row.top = tap / KERNEL_WIDTH - PAD_HEIGHT;
    row.left = tap % KERNEL_WIDTH - PAD_WIDTH;
    return row;
}

inline float a_at(__global const float *x, __global const float *scales, Row row, int k)
{
    const int y = k / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT + row.top, z = k % OUT_WIDTH * STRIDE_WIDTH + row.left;
    if (row.channel < 0 || y < 0 || y >= IN_HEIGHT || z < 0 || z >= IN_WIDTH)
        return 0.0f;
    const int image = k / (OUT_HEIGHT * OUT_WIDTH);
    const float value = x[((size_t)(image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + row.channel];
#if NORM
    return relu(fma(value, scales[row.channel], scales[IN_CHANNELS + row.channel]));
#else
    return value;
#endif
}

inline float b_at(__global const float *dy, int k, int n) { return dy[(size_t)k * OUT_PITCH + n]; }

#define STORE(m, n, value) dw[(size_t)(m) * N + (n)] = value
