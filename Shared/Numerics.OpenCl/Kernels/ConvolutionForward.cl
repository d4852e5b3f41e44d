// output = relu?(bias? + input * weights) as a product of matrices that are never built: m is an output pixel, n an
// output channel, k a tap and an input channel. With NORM the input is relu(fma(input, scale, shift)) of its channel.
// Groups stand side by side in the third dimension of the work.
#define ARGUMENTS const int batch, IN(input), IN(norm), IN(weights), IN(bias), OUT(output)
#define SIZES \
    const int M = batch * OUT_HEIGHT * OUT_WIDTH, N = OUT_CHANNELS, FIRST = 0; \
    const int K = KERNEL_HEIGHT * KERNEL_WIDTH * IN_CHANNELS, LAST = K, group = get_global_id(2); \
    __global const float *x = AT(input) + group * IN_CHANNELS, *w = AT(weights) + (size_t)group * K * N; \
    __global const float *scales = AT(norm);
#define A_ARGUMENTS x, scales
#define B_ARGUMENTS w
#define A_ALONG_K 1
#define B_ALONG_N 1

typedef struct { int image; int top; int left; } Row;

inline Row row_of(int m, int rows)
{
    Row row;
    row.image = m < rows ? m / (OUT_HEIGHT * OUT_WIDTH) : -1;
    row.top = m / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT - PAD_HEIGHT;
    row.left = m % OUT_WIDTH * STRIDE_WIDTH - PAD_WIDTH;
    return row;
}

inline float a_at(__global const float *x, __global const float *scales, Row row, int k)
{
    const int c = k % IN_CHANNELS, tap = k / IN_CHANNELS;
    const int y = row.top + tap / KERNEL_WIDTH, z = row.left + tap % KERNEL_WIDTH;
    if (row.image < 0 || y < 0 || y >= IN_HEIGHT || z < 0 || z >= IN_WIDTH)
        return 0.0f;
    const float value = x[((size_t)(row.image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + c];
#if NORM
    return relu(fma(value, scales[c], scales[IN_CHANNELS + c]));
#else
    return value;
#endif
}

inline float b_at(__global const float *w, int k, int n) { return w[(size_t)k * OUT_CHANNELS + n]; }

inline float finish(float value, float bias)
{
    value += bias;
#if RELU
    value = relu(value);
#endif
    return value;
}

#if BIAS
#define STORE(m, n, value) \
    AT(output)[(size_t)(m) * OUT_PITCH + group * N + (n)] = finish(value, AT(bias)[group * N + (n)])
#else
#define STORE(m, n, value) AT(output)[(size_t)(m) * OUT_PITCH + group * N + (n)] = finish(value, 0.0f)
#endif
