// The largest value of each window and its place there; of equal ones the first, NaN wins.
__kernel void forward(const int count, IN(input), OUT(output), OUT(indices))
{
    const int i = get_global_id(0);
    if (i >= count)
        return;
    const int c = i % CHANNELS, pixel = i / CHANNELS, image = pixel / (OUT_HEIGHT * OUT_WIDTH);
    const int top = pixel / OUT_WIDTH % OUT_HEIGHT * STRIDE_HEIGHT - PAD_HEIGHT;
    const int left = pixel % OUT_WIDTH * STRIDE_WIDTH - PAD_WIDTH;
    float best = 0.0f;
    int place = -1;
    for (int kh = 0; kh < KERNEL_HEIGHT; kh++)
        for (int kw = 0; kw < KERNEL_WIDTH; kw++)
        {
            const int y = top + kh, z = left + kw;
            if (y < 0 || y >= IN_HEIGHT || z < 0 || z >= IN_WIDTH)
                continue;
            const float x = AT(input)[((size_t)(image * IN_HEIGHT + y) * IN_WIDTH + z) * IN_PITCH + c];
            if (place < 0 || x > best || (isnan(x) && !isnan(best)))
            {
                best = x;
                place = kh * KERNEL_WIDTH + kw;
            }
        }
    AT(output)[(size_t)pixel * OUT_PITCH + c] = best;
    ((__global uchar *)AT(indices))[i] = (uchar)place;
}

// Every input takes the gradients of the windows that it won, by window ascending: nothing is added by chance.
__kernel void backward(const int count, IN(outputGradient), IN(indices), OUT(inputGradient))
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
        {
            const int out = (image * OUT_HEIGHT + out_y) * OUT_WIDTH + out_z;
            const int place = (y - out_y * STRIDE_HEIGHT) * KERNEL_WIDTH + z - out_z * STRIDE_WIDTH;
            if (((__global const uchar *)AT(indices))[out * CHANNELS + c] == place)
                sum += AT(outputGradient)[(size_t)out * OUT_PITCH + c];
        }
#if ACCUMULATE
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] += sum;
#else
    AT(inputGradient)[(size_t)pixel * IN_PITCH + c] = sum;
#endif
}
