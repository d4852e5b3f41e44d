// inputGradient = (or +=) outputGradient * weights as a product of matrices: m is an input pixel, n an input channel,
// k a tap and an output channel.
#define ARGUMENTS const int batch, IN(outputGradient), IN(weights), OUT(inputGradient)
#define SIZES \
    const int M = batch * IN_HEIGHT * IN_WIDTH, N = IN_CHANNELS, FIRST = 0; \
    const int K = KERNEL_HEIGHT * KERNEL_WIDTH * OUT_CHANNELS, LAST = K, group = get_global_id(2); \
    __global const float *dy = AT(outputGradient) + group * OUT_CHANNELS; \
    __global const float *w = AT(weights) + (size_t)group * K * N;
#define A_ARGUMENTS dy
#define B_ARGUMENTS w
#define A_ALONG_K 1
#define B_ALONG_N 0

typedef struct { int image; int bottom; int right; } Row;

inline Row row_of(int m, int rows)
{
    Row row;
    row.image = m < rows ? m / (IN_HEIGHT * IN_WIDTH) : -1;
    row.bottom = m / IN_WIDTH % IN_HEIGHT + PAD_HEIGHT;
    row.right = m % IN_WIDTH + PAD_WIDTH;
    return row;
}

inline float a_at(__global const float *dy, Row row, int k)
{
    const int c = k % OUT_CHANNELS, tap = k / OUT_CHANNELS;
    const int y = row.bottom - tap / KERNEL_WIDTH, z = row.right - tap % KERNEL_WIDTH;
    if (row.image < 0 || y < 0 || z < 0 || y % STRIDE_HEIGHT != 0 || z % STRIDE_WIDTH != 0)
        return 0.0f;
    const int out_y = y / STRIDE_HEIGHT, out_z = z / STRIDE_WIDTH;
    if (out_y >= OUT_HEIGHT || out_z >= OUT_WIDTH)
        return 0.0f;
    return dy[((size_t)(row.image * OUT_HEIGHT + out_y) * OUT_WIDTH + out_z) * OUT_PITCH + c];
}

inline float b_at(__global const float *w, int k, int n)
{
    const int c = k % OUT_CHANNELS, tap = k / OUT_CHANNELS;
    return w[((size_t)tap * IN_CHANNELS + n) * OUT_CHANNELS + c];
}

#if ACCUMULATE
#define STORE(m, n, value) AT(inputGradient)[(size_t)(m) * IN_PITCH + group * N + (n)] += value
#else
#define STORE(m, n, value) AT(inputGradient)[(size_t)(m) * IN_PITCH + group * N + (n)] = value
#endif
