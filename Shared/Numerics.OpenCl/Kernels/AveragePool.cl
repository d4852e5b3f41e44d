// The mean of each window; padding counts as zeros.
__kernel void forward(const int count, IN(input), OUT(output))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % CHANNELS, pixel = i / CHANNELS, image = pixel / (OUT_HEIGHT * OUT_WIDTH);
    const int top = pixel / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT - PAD_HEIGHT;
    const int left = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_WIDTH;
    float sum = 0.0f;
    for (int y = max(0, top); y < min(IN_HEIGHT, top + KERNEL_HEIGHT); y++)
        for (int z = max(0, left); z < min(IN_WIDTH, left + KERNEL_WIDTH); z++)
            sum += AT(input)[((size_t)(image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + c];
    AT(output)[(size_t)pixel * OUT_PITCH + c] = sum * (1.0f / (KERNEL_HEIGHT * KERNEL_WIDTH));
}

__kernel void backward(const int count, IN(outputGradient), OUT(inputGradient))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % CHANNELS, pixel = i / CHANNELS, image = pixel / (IN_HEIGHT * IN_WIDTH);
    const int y = pixel / IN_WIDTH % IN_HEIGHT + PAD_HEIGHT, z = pixel % IN_WIDTH + PAD_WIDTH;
    const int first_y = y < KERNEL_HEIGHT ? 0 : (y - KERNEL_HEIGHT) / STRIDE_HEIGHT + 1;
    const int first_z = z < KERNEL_WIDTH ? 0 : (z - KERNEL_WIDTH) / STRIDE_WIDTH + 1;
    const int last_y = min(OUT_HEIGHT - 1, y / STRIDE_HEIGHT), last_z = min(OUT_WIDTH - 1, z / STRIDE_WIDTH);
    float sum = 0.0f;
    for (int out_y = first_y; out_y <= last_y; out_y++)
        for (int out_z = first_z; out_z <= last_z; out_z++)
            sum += AT(outputGradient)[(size_t)((image * OUT_HEIGHT + out_y) * OUT_WIDTH + out_z) * OUT_PITCH + c];
    sum *= 1.0f / (KERNEL_HEIGHT * KERNEL_WIDTH);
#if ACCUMULATE
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] += sum;
#else
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] = sum;
#endif
}
