// A convolution of every channel alone, weights [kh][kw][c]; taps ascend, each one fused multiply-add.
__kernel void forward(const int count, IN(input), IN(weights), IN(bias), OUT(output))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % CHANNELS, pixel = i / CHANNELS, image = pixel / (OUT_HEIGHT * OUT_WIDTH);
    const int top = pixel / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT - PAD_HEIGHT;
    const int left = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_WIDTH;
#if BIAS
    float sum = AT(bias)[c];
#else
    float sum = 0.0f;
#endif
    for (int kh = 0; kh < KERNEL_HEIGHT; kh++)
        for (int kw = 0; kw < KERNEL_WIDTH; kw++)
        {
            const int y = top + kh, z = left + kw;
            if (y >= 0 && y < IN_HEIGHT && z >= 0 && z < IN_WIDTH)
                sum = fma(AT(input)[((size_t)(image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + c],
                    AT(weights)[(kh * KERNEL_WIDTH + kw) * CHANNELS + c], sum);
        }
#if RELU
    sum = relu(sum);
#endif
    AT(output)[(size_t)pixel * OUT_PITCH + c] = sum;
}

__kernel void backward_data(const int count, IN(outputGradient), IN(weights), OUT(inputGradient))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % CHANNELS, pixel = i / CHANNELS, image = pixel / (IN_HEIGHT * IN_WIDTH);
    const int bottom = pixel / IN_WIDTH % IN_HEIGHT + PAD_HEIGHT, right = pixel % IN_WIDTH + PAD_WIDTH;
    float sum = 0.0f;
    for (int kh = 0; kh < KERNEL_HEIGHT; kh++)
        for (int kw = 0; kw < KERNEL_WIDTH; kw++)
        {
            const int y = bottom - kh, z = right - kw, out_y = y / STRIDE_HEIGHT, out_z = z / STRIDE_WIDTH;
            if (y < 0 || z < 0 || y % STRIDE_HEIGHT != 0 || z % STRIDE_WIDTH != 0 || out_y >= OUT_HEIGHT
                || out_z >= OUT_WIDTH)
                continue;
            const size_t out = (size_t)(image * OUT_HEIGHT + out_y) * OUT_WIDTH + out_z;
            sum = fma(AT(outputGradient)[out * OUT_PITCH + c],
                AT(weights)[(kh * KERNEL_WIDTH + kw) * CHANNELS + c], sum);
        }
#if ACCUMULATE
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] += sum;
#else
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] = sum;
#endif
}

// The sum over a chunk of output pixels, of every weight.
__kernel void backward_weights(
    const int count, const int pixels, const int rows, IN(input), IN(outputGradient), __global double *partials)
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int weight = i % (KERNEL_HEIGHT * KERNEL_WIDTH * CHANNELS);
    const int chunk = i / (KERNEL_HEIGHT * KERNEL_WIDTH * CHANNELS), c = weight % CHANNELS, tap = weight / CHANNELS;
    const int kh = tap / KERNEL_WIDTH, kw = tap % KERNEL_WIDTH, last = min(pixels, (chunk + 1) * rows);
    double sum = 0;
    for (int pixel = chunk * rows; pixel < last; pixel++)
    {
        const int image = pixel / (OUT_HEIGHT * OUT_WIDTH);
        const int y = pixel / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT - PAD_HEIGHT + kh;
        const int z = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_WIDTH + kw;
        if (y >= 0 && y < IN_HEIGHT && z >= 0 && z < IN_WIDTH)
            sum = fma((double)AT(input)[((size_t)(image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + c],
                (double)AT(outputGradient)[(size_t)pixel * OUT_PITCH + c], sum);
    }
    partials[i] = sum;
}
